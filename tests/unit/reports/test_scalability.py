"""The fitted law in a search's report: its numbers, its refusals, and that it says ESTIMATED."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from harness.analysis.usl import curve
from harness.model.capacity import Trial, TrialPurpose, TrialResult
from harness.model.measurement import Basis
from harness.model.verdict import Outcome
from reports.capacity import scalability

LAW = (40.0, 0.03, 0.0005)


def trial(number: int, in_flight: float, outcome: Outcome = Outcome.PASS) -> TrialResult:
    throughput = curve(in_flight, LAW)
    made = Trial(number, TrialPurpose.RAMP, throughput, 20.0)
    return TrialResult(made, outcome, "", "", 40.0, throughput, throughput, in_flight, {}, 0, 100, True)


def material(*results: TrialResult) -> Any:
    return SimpleNamespace(verdict=SimpleNamespace(results=results))


CLIMB = tuple(trial(number, in_flight) for number, in_flight in enumerate((1, 3, 8, 16, 30, 50, 80, 120), start=1))


def test_the_law_is_found_and_called_an_estimate() -> None:
    section = scalability.build(material(*CLIMB))
    assert section is not None
    assert (section.basis, section.refusal) == (Basis.ESTIMATED, "")
    assert [row.value for row in section.parameters] == ["40", "0.03", "0.0005"]
    assert "highest, at 544/s, with 44 requests in flight" in section.sentence
    assert "a projection" in str(section.figure)


def test_too_few_loads_are_refused_in_words() -> None:
    section = scalability.build(material(*CLIMB[:3]))
    assert section is not None
    assert "6" in section.refusal
    assert section.figure is None


def test_what_an_unsound_trial_says_is_left_out() -> None:
    lie = replace(trial(9, 60.0, Outcome.INVALID), throughput_per_second=9_000.0)
    assert scalability.build(material(*CLIMB, lie)) == scalability.build(material(*CLIMB))
    assert scalability.build(material(lie)) is None
