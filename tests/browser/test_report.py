"""The report as a browser shows it: complete offline, without JavaScript, on paper, and on a telephone."""

import re

import pytest
from playwright.sync_api import sync_playwright

from harness.analysis.judge import judge
from harness.model.verdict import Outcome
from harness.store.layout import RunDirectory
from reports.write import write_reports
from tests.support.evidence import make_evidence
from tests.support.report_values import cell, make_report_evidence, make_verdict

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    cells = (
        cell("response-time", "normal"),
        cell("response-time", "peak", Outcome.FAIL),
        cell("connections", "normal", Outcome.INCONCLUSIVE, measurement=None),
        cell("connections", "peak", Outcome.INVALID, tainted_by=("postgres sampler",)),
    )
    write_reports(RunDirectory(folder), make_report_evidence(), make_verdict(Outcome.FAIL, *cells))
    return folder / "report.html"


@pytest.fixture(scope="module")
def full_report(tmp_path_factory):
    """A whole smoke run with a bit of everything in it."""
    folder = tmp_path_factory.mktemp("run")
    evidence = make_evidence(
        connections={"peak": 0.43},
        errors={"3x-peak": 0.02},
        dropped={"3x-peak": 0.05},
        gaps={"postgres": 0.05},
        generator_cpu={"recovery": 0.97},
        unfinished_jobs={"3x-peak": 1},
        crash_at=130.0,
    )
    write_reports(RunDirectory(folder), evidence, judge(evidence))
    return folder / "report.html"


@pytest.fixture
def open_page(browser, report):
    """Opens the report; what it complains of and asks for is collected, and nothing leaves the machine."""
    contexts = []

    def open_it(report=report, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requested = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))

        def route(route):
            page.requested.append(route.request.url)
            if route.request.url == report.as_uri():
                route.continue_()
            else:
                route.abort()

        context.route("**/*", route)
        page.goto(report.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()


def test_complains_of_nothing_and_asks_for_nothing(open_page, full_report, tmp_path):
    page = open_page(full_report, viewport={"width": 1280, "height": 900})
    page.mouse.move(500, 500)
    assert page.complaints == []
    assert [url for url in page.requested if not url.startswith("data:")] == [full_report.as_uri()]
    picture = tmp_path / "report.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 50_000


def test_is_complete_without_javascript(open_page):
    page = open_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    assert page.locator(".hero .word").inner_text().strip() == "FAIL"
    charts = page.locator("svg.chart")
    assert charts.count() >= 10
    for index in range(charts.count()):
        assert charts.nth(index).bounding_box()["height"] > 60
    page.locator(".cell summary").first.click()
    assert page.locator(".cell .behind").first.is_visible()


def test_cells_open_by_keyboard(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    summary = page.locator(".cell summary").nth(1)
    behind = page.locator(".cell .behind").nth(1)
    assert not behind.is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert behind.is_visible()
    assert "the reason for FAIL" in behind.inner_text()
    assert "69 ms to 80 ms" in behind.inner_text()


def test_the_pointer_reads_values_on_every_chart(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    chart = page.locator("svg.chart[data-series]").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    readings = page.locator(".reading").all_text_contents()
    assert len([text for text in readings if re.match(r"0:\d\d ", text)]) == len(readings) >= 9
    assert "completed 5/s" in readings[0]
    page.mouse.move(1, 1)
    assert not page.locator(".reading").first.is_visible()


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_never_scrolls_sideways(open_page, full_report, width, scheme):
    page = open_page(full_report, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for summary in page.locator(".cell summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


CONTRAST = """
() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("main *, header *, footer")) {
    const words = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim());
    if (!words.length || node.closest("defs, title, desc, style, script")) continue;
    const style = getComputedStyle(node);
    const front = parse(node.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [a, b] = [light(front), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.tagName}.${node.getAttribute("class")}: ${words[0].data}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(open_page, full_report, scheme):
    page = open_page(full_report, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_prints_on_a4_with_what_lies_behind_the_cells(open_page, tmp_path):
    page = open_page(viewport={"width": 1280, "height": 900})
    paper = tmp_path / "report.pdf"
    page.pdf(path=paper, prefer_css_page_size=True, print_background=True)
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert re.search(rb"/MediaBox \[\s*0 0 59[45][.\d]* 84[12]", content)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 695
    assert page.locator(".cell .behind").first.bounding_box()["height"] > 20
    assert not page.locator(".contents").is_visible()
