"""The numbers that servers tell of themselves: frozen, reset, or sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.analysis.checks import run_checks
from harness.analysis.histogram import distribution_of
from harness.analysis.judge import judge
from harness.analysis.phases import load_second, measured
from harness.model.evidence import Evidence
from harness.model.samples import ServerSample
from harness.model.verdict import CheckResult, Outcome, Taint
from tests.support.evidence import make_evidence

Change = Callable[[float, dict[str, float]], dict[str, float]]
"""From the second of the load and nginx's values to what nginx says instead."""


def lied(change: Change, **knobs: object) -> Evidence:
    evidence = make_evidence(**knobs)

    def told(sample: ServerSample) -> ServerSample:
        if sample.source != "nginx" or sample.gap:
            return sample
        second = load_second(evidence, sample.monotonic_seconds)
        assert second is not None
        return replace(sample, values=change(second, dict(sample.values)))

    return replace(evidence, servers=tuple(told(sample) for sample in evidence.servers))


def found(check: str, evidence: Evidence) -> dict[str, CheckResult]:
    return {each.level: each for each in run_checks(evidence) if each.id == check}


def freezing(start: float, end: float) -> Change:
    return lambda second, values: {**values, "requests_total": 4711.0} if start <= second < end else values


def resetting(at: float) -> Change:
    return lambda second, values: {**values, "requests_total": 3.0 + second} if second >= at else values


PEAK = measured(make_evidence().plan.levels[1])


def test_numbers_that_stand_still_under_load_are_no_evidence() -> None:
    evidence = lied(freezing(PEAK.start_seconds + 10, 1e9))
    checks = found("frozen-series", evidence)
    assert [checks[level].passed for level in ("normal", "peak", "3x-peak", "recovery")] == [True, False, False, False]
    assert "nginx.requests_total unchanged" in checks["peak"].value
    verdict = judge(evidence)
    assert verdict.cell("cpu", "normal").outcome is Outcome.PASS
    assert verdict.cell("cpu", "peak").outcome is Outcome.INVALID
    assert verdict.cell("cpu", "peak").tainted_by == ("frozen-series",)
    assert verdict.cell("response-time", "peak").outcome is Outcome.PASS
    assert verdict.outcome is Outcome.INVALID


def test_a_reset_is_no_evidence_in_its_level() -> None:
    evidence = lied(resetting(PEAK.start_seconds + 10))
    checks = found("counter-reset", evidence)
    assert {level: check.passed for level, check in checks.items() if not check.passed} == {"peak": False}
    assert "nginx.requests_total fell from" in checks["peak"].value
    assert all(check.passed for check in found("frozen-series", evidence).values())
    verdict = judge(evidence)
    assert verdict.cell("cpu", "peak").tainted_by == ("counter-reset",)
    assert verdict.cell("cpu", "recovery").outcome is Outcome.PASS
    assert verdict.outcome is Outcome.INVALID


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda second, values: {**values, "active": 20.0}, id="a gauge that is rightly constant"),
        pytest.param(freezing(PEAK.start_seconds + 5.2, PEAK.start_seconds + 6.8), id="two readings in one second"),
        pytest.param(freezing(PEAK.end_seconds, PEAK.end_seconds + 3), id="still in the drain, where nothing is sent"),
    ],
)
def test_what_is_no_lie(change: Change) -> None:
    assert all(each.passed for each in found("frozen-series", lied(change)).values())


def test_a_server_that_really_stands_still_is_no_liar() -> None:
    """No request is answered for 8 s, then all are: each took until the stall's end."""
    start, end = PEAK.start_seconds + 10, PEAK.start_seconds + 18
    # 4,711 is less than before, which is the other check's business.
    evidence = lied(freezing(start, end))
    stalled = tuple(
        replace(row, response=distribution_of([end - row.second + 0.1] * row.response.count))
        if start - 1 <= row.second < end
        else row
        for row in evidence.requests
    )
    assert found("frozen-series", evidence)["peak"].passed is False
    assert found("frozen-series", replace(evidence, requests=stalled))["peak"].passed is True


@pytest.mark.parametrize("check", ["frozen-series", "counter-reset"])
def test_no_data_is_not_a_pass(check: str) -> None:
    """Not read at all, without its numbers, or too seldom; an external stack that named none cannot be asked."""
    evidence = make_evidence()
    blind = replace(evidence, servers=())
    assert all((each.passed, each.taints) == (None, (Taint.SERVER_SERIES,)) for each in found(check, blind).values())
    external = make_evidence(stack="external")
    assert all(each.passed for each in found(check, external).values())
    external = replace(external, servers=tuple(s for s in external.servers if s.source == "host"))
    assert all((each.passed, each.taints) == (None, ()) for each in found(check, external).values())


def test_a_phase_with_one_reading_is_not_a_pass() -> None:
    evidence = make_evidence()
    kept = int(PEAK.start_seconds) + 5
    servers = tuple(
        sample
        for sample in evidence.servers
        if sample.source != "nginx" or int(load_second(evidence, sample.monotonic_seconds) or 0) == kept
    )
    checks = found("frozen-series", replace(evidence, servers=servers))
    assert {each.passed for each in checks.values()} == {None}
