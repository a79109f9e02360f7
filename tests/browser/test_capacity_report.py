"""The report of a capacity search as a browser shows it: complete offline, without JavaScript, and on a telephone."""

import pytest
from playwright.sync_api import sync_playwright

from harness.analysis.capacity import answer, judge_trials, results_of
from harness.experiment.capacity import end_of
from harness.store.layout import RunDirectory
from reports.capacity.material import CapacityMaterial
from reports.capacity.write import write_capacity_reports
from tests.support.searches import MadeUp, made_up_search

pytestmark = pytest.mark.browser

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    found = made_up_search(MadeUp(doubt=0.08))
    judged = judge_trials(found)
    verdict = answer(found, judged, end_of(found.search, results_of(found, judged), found.ended))
    write_capacity_reports(RunDirectory(folder), CapacityMaterial(found, judged, verdict))
    return folder / "report.html"


@pytest.mark.parametrize(("width", "scripts"), [(1280, True), (1280, False), (390, True)])
def test_is_whole_at_every_width_and_without_scripts(report, width, scripts):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
            complaints, requested = [], []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: requested.append(request.url))
            page.goto(report.as_uri())
            assert page.locator(".hero .word").inner_text().strip() == "PASS"
            charts = page.locator("svg.chart")
            assert charts.count() == 3
            assert all(charts.nth(index).bounding_box()["height"] > 60 for index in range(3))
            rows = page.locator("tr[id^=trial-]").count()
            assert page.locator("svg.chart").first.locator("g.trial").count() == rows
            assert complaints == []
            assert [url for url in requested if not url.startswith("data:")] == [report.as_uri()]
            if scripts:
                assert page.evaluate("document.documentElement.scrollWidth") <= width, "no sideways scrolling"
        finally:
            browser.close()
