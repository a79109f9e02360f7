"""A run of a stage that was made smaller: neither a PASS nor a FAIL of it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from harness.analysis.judge import judge
from harness.model.verdict import Outcome, Severity
from reports.junit import junit_xml
from reports.markdown import summary_markdown
from reports.material import collect
from tests.support.evidence import make_evidence


def rehearsal(scale=0.25, **knobs):
    evidence = make_evidence(**knobs)
    return replace(evidence, manifest=replace(evidence.manifest, scale=scale))


def test_what_would_pass_is_inconclusive_and_says_so():
    verdict = judge(rehearsal())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert {cell.outcome for cell in verdict.verdicts} == {Outcome.INCONCLUSIVE}
    cell = verdict.cell("response-time", "peak")
    assert cell.reason.startswith("scaled to 0.25, which is not the stage; in the rehearsal it would be PASS: p95 ")
    assert cell.measurement == judge(make_evidence()).cell("response-time", "peak").measurement
    rows = len(verdict.deciding)
    assert verdict.headline == (
        f"A rehearsal of Lectio Space stage A, scaled to 0.25, says nothing of the stage itself: {rows} of its {rows} "
        "rows would pass."
    )
    assert verdict.not_proven[1] == ("the stage itself (its load and its servers were scaled to 0.25: a rehearsal)")


@pytest.mark.parametrize("knobs", [{"slow": {"peak": 0.3}, "slow_seconds": 3.0}, {"oom_at": 120.0}, {"lost": 2}])
def test_what_would_fail_fails_nobody(knobs):
    assert judge(make_evidence(**knobs)).outcome is Outcome.FAIL
    verdict = judge(rehearsal(**knobs))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.severity is Severity.NONE
    assert not any(cell.proven for cell in verdict.everything)
    assert " would fail" in verdict.headline


def test_what_is_not_sound_is_not_sound_at_any_size():
    verdict = judge(rehearsal(generator_cpu={"peak": 0.99}))
    assert verdict.outcome is Outcome.INVALID
    assert "scaled to 0.25: a rehearsal" in verdict.headline


def test_a_warning_and_a_cut_are_told():
    assert "would be PASS with a warning" in judge(rehearsal(cpu={"peak": 0.75})).cell("cpu", "peak").reason
    cut = judge(rehearsal(stop_at=83.0, stop_reason="interrupted: Ctrl-C"))
    assert cut.headline.endswith("The run was cut short: Ctrl-C at 83 s of 180 s.")


def test_every_report_says_that_it_is_a_rehearsal():
    evidence = rehearsal()
    verdict = judge(evidence)
    suite = ElementTree.fromstring(junit_xml(evidence, verdict)).find("testsuite")
    assert "scaled to 0.25: a rehearsal" in suite.get("name")
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["rehearsal"] == "scaled to 0.25: a rehearsal"
    assert int(suite.get("failures")) == 0
    assert "scaled to 0.25: a rehearsal" in summary_markdown(collect(evidence, verdict)).splitlines()[0]
    plain = junit_xml(make_evidence(), judge(make_evidence()))
    assert b"rehearsal" not in plain
