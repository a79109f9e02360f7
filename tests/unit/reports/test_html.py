import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reports.build import build_report
from reports.html import render_html
from tests.support.report_values import make_report_evidence, make_verdict, never_loaded

VOID = {"meta", "link", "br", "col", "input", "img", "hr"}


class Outline(HTMLParser):
    """Headings, ids and links of a page, and whether its tags are balanced."""

    def __init__(self):
        super().__init__()
        self.stack, self.headings, self.ids, self.links, self.tables = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.stack.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "table":
            self.tables.append(False)
        if tag == "caption":
            self.tables[-1] = True
        if tag == "th":
            assert "scope" in attributes

    def handle_startendtag(self, tag, attrs):
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


@pytest.fixture(scope="module")
def page():
    return render_html(build_report(make_report_evidence(), make_verdict()))


@pytest.fixture
def outline(page):
    outline = Outline()
    outline.feed(page)
    return outline


def test_tags_are_balanced_and_ids_unique(outline):
    assert outline.stack == []
    assert len(outline.ids) == len(set(outline.ids))


def test_headings_never_skip_a_level(outline):
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))


def test_links_stay_inside_the_page(outline):
    assert outline.links
    assert all(link.startswith("#") and link[1:] in outline.ids for link in outline.links)


def test_every_table_has_a_caption(outline):
    assert outline.tables and all(outline.tables)


def test_nothing_is_asked_of_the_network(page):
    without_names = page.replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1:8080", "")
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\((?!#)", without_names)


def test_the_policy_names_the_one_script(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src &#39;none&#39;" in policy
    assert f"sha256-{digest}" in policy


def test_the_answer_comes_first(page):
    body = page[page.index("<main>") :]
    assert body.index("PASS") < body.index("carries the planned peak") < body.index("Load proven")
    assert body.index("Not proven") < body.index("The promise, row by row") < body.index("What happened")


@pytest.mark.parametrize(
    "evidence",
    [make_report_evidence(1), make_report_evidence(5), never_loaded(make_report_evidence())],
    ids=["one second", "five seconds", "never loaded"],
)
def test_partial_runs_make_a_whole_page(evidence):
    outline = Outline()
    outline.feed(render_html(build_report(evidence, make_verdict())))
    assert outline.stack == []


def test_a_stage_that_the_host_is_too_small_for_is_said_to_be_capped():
    evidence = make_report_evidence()
    words = ("host-capped: 2 of 8 CPU", "46 gunicorn workers for 45: 23 on each of 2 servers")
    manifest = replace(evidence.manifest, deviations=words)
    assert manifest.host_capped == words[:1]
    page = render_html(build_report(replace(evidence, manifest=manifest), make_verdict()))
    assert all(line in page for line in words)
