"""Text from outside never becomes markup, wherever it comes from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from reports.build import build_report
from reports.html import render_html
from reports.junit import junit_xml
from reports.markdown import summary_markdown
from reports.material import collect
from reports.verdict_json import read_verdicts, verdicts_json
from tests.support.report_values import make_report_evidence, make_verdict

ATTACKS = [
    "<script>alert(1)</script>",
    "</style><b>",
    "</title>",
    '" onmouseover="alert(1)',
    "{{ 7*7 }}",
    "]]>",
    "a\x00\x1b",
]


class Vocabulary(HTMLParser):
    """The tags, attributes and words of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.words = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.words.append(data)


def read(page):
    vocabulary = Vocabulary()
    vocabulary.feed(page)
    return vocabulary


def poison(value, attack, field=""):
    """The value with the attack in every text in it."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value if field in {"level", "source", "state", "kind"} else value + attack
    if isinstance(value, tuple):
        return tuple(poison(each, attack, field) for each in value)
    if isinstance(value, Mapping):
        plain = field in {"values", "exceeded", "buckets"}
        return {
            key if plain or not isinstance(key, str) else key + attack: poison(v, attack) for key, v in value.items()
        }
    if dataclasses.is_dataclass(value):
        changes = {f.name: poison(getattr(value, f.name), attack, f.name) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    return value


@pytest.fixture(params=ATTACKS)
def poisoned(request):
    return request.param, poison(make_report_evidence(), request.param), poison(make_verdict(), request.param)


def test_html(poisoned):
    attack, evidence, verdict = poisoned
    made = read(render_html(build_report(evidence, verdict)))
    clean = read(render_html(build_report(make_report_evidence(), replace(make_verdict(), cut_short="x"))))
    assert set(made.tags) == set(clean.tags)
    assert made.attributes == clean.attributes
    for tag in ("script", "style", "svg", "table"):
        assert made.tags.count(tag) == clean.tags.count(tag)
    words = "".join(made.words)
    kept = attack.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert f"8 requests/s.{kept}" in words
    assert f"GET /api/lessons{kept}" in words


def test_xml(poisoned):
    attack, evidence, verdict = poisoned
    suite = ET.fromstring(junit_xml(evidence, verdict))
    kept = attack.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert suite.find(".//testcase").get("name").endswith(kept)


def test_markdown(poisoned):
    _, evidence, verdict = poisoned
    text = summary_markdown(collect(evidence, verdict))
    assert "<" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1


def test_json(poisoned):
    attack, evidence, verdict = poisoned
    assert read_verdicts(verdicts_json(evidence, verdict)).headline.endswith(attack)
