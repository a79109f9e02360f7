"""The table and the page: what is missing says so, and no figure is invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks.figures import Claim, Readings
from tests.benchmarks.report import claim_lines, kept_of, load, markdown, number, plain, reading_lines, save

CLAIM = Claim("GET ÷ k6", "get", 2.0, 3.0, over="k6")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.03124, "0.0312"), (2.414, "2.41"), (12, "12"), (32_512.0, "32,500"), (100, "100")]
)
def test_numbers_keep_three_digits(value, text):
    assert number(value) == text


def test_a_line_for_each_claim():
    kept = {"get": Readings({"proofload": (5.0, 7.0), "k6": (2.0, 2.0)})}
    assert claim_lines([CLAIM], kept) == [("GET ÷ k6", "≥ 2", "3", "3 (2.5–3.5)", "2", "yes, and the aim")]
    assert claim_lines([replace(CLAIM, at_least=4.0, aim=5.0)], kept)[0][-1] == "**no**"


def test_a_missing_peer_is_named_with_the_command_that_installs_it():
    kept = {"get": Readings({"proofload": (5.0,)}, {"k6": "missing: go install k6"})}
    assert claim_lines([CLAIM], kept) == [("GET ÷ k6", "≥ 2", "3", "k6: missing: go install k6", "–", "not measured")]
    assert reading_lines({"get": ("GET", "requests/s")}, kept) == [
        ("GET", "proofload", "5", "requests/s"),
        ("GET", "k6", "missing: go install k6", "requests/s"),
    ]


def test_what_was_never_measured_is_no_figure():
    assert claim_lines([CLAIM], {})[0][3:] == ("–", "–", "not measured")
    assert reading_lines({"get": ("GET", "requests/s")}, {}) == []


def test_tables():
    assert plain(("a", "bcd"), [("ef", "g")]) == "a   bcd\nef  g"
    assert markdown(("a", "b"), [("c|d", "e")]) == "| a | b |\n|--|--|\n| c\\|d | e |"


def test_readings_come_back_as_they_were_kept(tmp_path):
    stored = {"groups": {"get": {"values": {"k6": [1.0, 2.0]}, "missing": {"wrk": "missing: apt-get install wrk"}}}}
    save(stored, "# page\n", tmp_path)
    assert load(tmp_path) == stored
    assert kept_of(load(tmp_path)) == {"get": Readings({"k6": (1.0, 2.0)}, {"wrk": "missing: apt-get install wrk"})}
    assert (tmp_path / "performance.md").read_text() == "# page\n"
    assert load(tmp_path / "nowhere") == {"groups": {}}
