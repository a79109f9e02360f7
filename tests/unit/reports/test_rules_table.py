"""Rules in the report, the terminal, junit.xml, summary.md and verdicts.json."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from harness.analysis.judge import judge
from harness.cli.verdict_view import print_verdict
from harness.model.verdict import Outcome, Severity
from harness.store.layout import RunDirectory
from reports.build import build_report
from reports.html import render_html
from reports.junit import junit_xml
from reports.markdown import summary_markdown
from reports.material import collect
from reports.verdict_json import read_verdicts, verdicts_json
from tests.support.evidence import make_evidence
from tests.support.golden import text_of
from tests.support.rules import band, timed, uptime, with_rules, with_series

RULES = (
    timed(seconds=300),
    timed(0.45, 20, name="soon"),
    timed(0.95, 20, severity=Severity.CRITICAL, name="never"),
    band(0.5, 0.7),
    uptime(0.999),
)


@pytest.fixture(scope="module")
def run():
    evidence = with_rules(with_series(make_evidence(), [0.5, 0.5, 0.4]), *RULES)
    return evidence, judge(evidence)


def test_the_report_has_a_table_of_rules(run):
    text = text_of(render_html(build_report(*run)))
    assert "Rules" in text.splitlines()
    assert "CPU > 70 % for 5 min scale-up" in text
    assert "window not completed" in text and "has no say" in text
    assert "SOON > 45 % for 20 s" in text
    assert "fired after" in text
    assert "over-provisioned" in text
    assert "at least 99.87 % are answered" in text


def test_the_terminal_has_them_below_the_matrix(run, tmp_path):
    evidence, verdict = run
    out = io.StringIO()
    print_verdict(Console(file=out, width=220), RunDirectory(tmp_path), evidence, verdict)
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith("SOON > 45 % for 20 s (scale-up)")]
    assert "PASS fired, highest 50 % (warning)" in line
    assert "PASS did not fire" in line


def test_a_rule_that_the_run_was_too_short_for_is_skipped_and_no_error(run):
    suite = ET.fromstring(junit_xml(*run)).find("testsuite")
    cases = {(case.get("classname"), case.get("name")): case for case in suite.findall("testcase")}
    skipped = cases["lectio.A.peak.rules", "CPU > 70 % for 5 min"].find("skipped")
    assert "the rule takes 5 min at one level and 30 s were measured" in skipped.get("message")
    fired = cases["lectio.A.peak.rules", "SOON > 45 % for 20 s"]
    assert "fired" in fired.find("system-out").text
    assert (suite.get("errors"), suite.get("failures")) == ("0", "0")


def test_an_open_rule_that_counts_is_an_error():
    evidence = with_rules(make_evidence(silent=("stack",)), timed(seconds=10))
    suite = ET.fromstring(junit_xml(evidence, judge(evidence))).find("testsuite")
    (case,) = [case for case in suite.findall("testcase") if case.get("classname") == "lectio.A.peak.rules"]
    assert case.find("error").get("type") == "INCONCLUSIVE"


def test_a_critical_rule_that_fires_is_a_failure():
    evidence = with_rules(make_evidence(), timed(0.2, 20, severity=Severity.CRITICAL))
    suite = ET.fromstring(junit_xml(evidence, judge(evidence))).find("testsuite")
    assert sum(case.find("failure") is not None for case in suite.findall("testcase")) == 2


def test_the_summary_has_a_row_for_each_rule(run):
    evidence, verdict = run
    lines = summary_markdown(collect(evidence, verdict)).splitlines()
    (line,) = [line for line in lines if line.startswith("| SOON")]
    assert "✅ PASS warning fired (highest 50 %)" in line
    (line,) = [line for line in lines if line.startswith("| CPU &gt; 70 % for 5 min (scale-up)")]
    assert line.count("❔ INCONCLUSIVE window not completed") == 2


def test_verdicts_json_keeps_them(run):
    evidence, verdict = run
    text = verdicts_json(evidence, verdict)
    assert read_verdicts(text).rules == verdict.rules
    first = json.loads(text)["rules"][0]
    assert (first["kind"], first["counts"], first["needed_seconds"]) == ("timed", False, 300)


def test_a_level_whose_critical_rule_fired_is_not_proven():
    evidence = with_rules(make_evidence(), timed(0.35, 20, severity=Severity.CRITICAL))
    answer = build_report(evidence, judge(evidence)).sections[0].content
    assert answer.figures[0].value == "50/s"
    assert (Outcome.FAIL, 1) in answer.counts
