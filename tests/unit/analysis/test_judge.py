from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.histogram import distribution_of
from harness.analysis.judge import judge, run_outcome
from harness.analysis.phases import measured
from harness.model.figure import Citation
from harness.model.samples import RequestRow
from harness.model.target import Stage
from harness.model.verdict import Outcome, Severity, Verdict
from tests.support.evidence import START, make_evidence
from tests.support.lectio import GIB, lectio_slos

PASS, FAIL, OPEN, INVALID = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID

SLOW = {"slow": {"peak": 0.2}, "slow_seconds": 3.0}


def cell(outcome, proven=False):
    return Verdict(outcome, Severity.NONE, "x", "X", "peak", None, "", None, "", Citation("d", "s"), proven)


@pytest.mark.parametrize(
    ("cells", "short", "outcome"),
    [
        ([], "", OPEN),
        ([cell(PASS)], "", PASS),
        ([cell(PASS), cell(OPEN)], "", OPEN),
        ([cell(PASS), cell(OPEN), cell(INVALID)], "", INVALID),
        ([cell(PASS), cell(OPEN), cell(INVALID), cell(FAIL, True)], "", FAIL),
        ([cell(PASS), cell(FAIL, False)], "", OPEN),
        ([cell(INVALID), cell(FAIL, False)], "", INVALID),
        ([cell(PASS)], "Ctrl-C", OPEN),
        ([cell(INVALID)], "Ctrl-C", OPEN),
        ([cell(PASS), cell(FAIL, True)], "Ctrl-C", FAIL),
    ],
)
def test_precedence(cells, short, outcome):
    assert run_outcome(cells, short) is outcome


@pytest.mark.parametrize(
    ("knobs", "outcome", "severity", "row", "row_outcome"),
    [
        ({}, PASS, "none", ("response-time", "peak"), PASS),
        ({"cpu": {"peak": 0.75}}, PASS, "warning", ("cpu", "peak"), PASS),
        ({"cpu": {"peak": 0.95}}, FAIL, "critical", ("cpu", "peak"), FAIL),
        (SLOW, FAIL, "critical", ("response-time", "peak"), FAIL),
        ({"errors": {"peak": 0.05}}, FAIL, "critical", ("load-carried", "peak"), FAIL),
        ({"reach": {"peak": 0.9}}, FAIL, "critical", ("chat-reach", "peak"), FAIL),
        ({"sockets": {"peak": 0.9}}, FAIL, "critical", ("users-held", "peak"), FAIL),
        ({"unfinished_jobs": {"peak": 1}}, FAIL, "critical", ("uploads-finished", "peak"), FAIL),
        ({"oom_at": 120.0}, FAIL, "critical", ("oom-kills", "3x-peak"), FAIL),
        ({"crash_at": 70.0}, FAIL, "critical", ("server-crashes", "peak"), FAIL),
        ({"lost": 1}, FAIL, "critical", ("lost-writes", "3x-peak"), FAIL),
        ({"recovers_after": 200}, FAIL, "critical", ("recovery", "3x-peak"), FAIL),
        ({"slow": {"peak": 0.051}, "slow_seconds": 3.0}, OPEN, "none", ("response-time", "peak"), OPEN),
        ({"reconciled": False}, OPEN, "none", ("lost-writes", "peak"), OPEN),
        ({"gaps": {"stack": 0.4}}, OPEN, "none", ("cpu", "peak"), OPEN),
        ({"silent": ("postgres",)}, OPEN, "none", ("postgres-connections", "peak"), OPEN),
        ({"growth": {"peak": 5}}, OPEN, "none", ("response-time", "peak"), OPEN),
        ({"dropped": {"peak": 0.002}}, OPEN, "none", ("cpu", "peak"), OPEN),
        ({"generator_cpu": {"peak": 0.95}}, INVALID, "none", ("response-time", "peak"), INVALID),
        ({"nginx": None}, INVALID, "none", ("response-time", "peak"), INVALID),
        ({"offered": {"peak": 0.9}}, INVALID, "none", ("cpu", "peak"), INVALID),
    ],
)
def test_a_run(knobs, outcome, severity, row, row_outcome):
    found = judge(make_evidence(**knobs))
    assert (found.outcome, found.severity) == (outcome, severity)
    assert found.cell(*row).outcome is row_outcome
    assert found.headline
    assert found.not_proven


def test_every_slo_is_judged_at_each_of_its_levels():
    found = judge(make_evidence())
    assert len(found.verdicts) == sum(len(slo.levels) for slo in lectio_slos())
    assert {verdict.level for verdict in found.verdicts} == {"normal", "peak", "3x-peak", "recovery"}
    assert found.cut_short == ""
    for verdict in found.verdicts:
        assert verdict.reason
        assert verdict.bound
        assert verdict.citation.document == "lectio-space.md"


def test_the_same_evidence_gives_the_same_verdict():
    assert judge(make_evidence(**SLOW)) == judge(make_evidence(**SLOW))


def test_what_is_assumed_is_named():
    found = judge(make_evidence())
    assert found.cell("response-time", "normal").assumed == (
        "normal: 50/s (assumed): the plan gives no normal level: the lower end of its peak range",
        "the plan names no percentile: p95",
    )
    assert found.cell("response-time", "peak").assumed == ("the plan names no percentile: p95",)
    assert found.cell("cpu", "peak").assumed == ()
    assert found.cell("lost-writes", "peak").assumed == ("bound 0 (assumed): whatever the load",)


def test_a_short_run_says_so_where_it_matters():
    found = judge(make_evidence())
    assert found.cell("response-time", "peak").reason.endswith("short run, steadiness partly tested")
    assert "steadiness" not in found.cell("lost-writes", "peak").reason
    longer = judge(make_evidence(profile="standard"))
    assert longer.outcome is PASS
    assert "steadiness" not in longer.cell("response-time", "peak").reason


# What taints what


def test_a_saturated_generator_taints_times_but_no_fact():
    found = judge(make_evidence(generator_cpu={"peak": 0.95}, oom_at=70.0))
    assert found.outcome is FAIL
    assert found.cell("oom-kills", "peak").outcome is FAIL
    assert found.cell("response-time", "peak").outcome is INVALID
    assert found.cell("response-time", "peak").tainted_by == ("generator-cpu",)
    assert found.cell("cpu", "peak").outcome is PASS
    assert found.cell("response-time", "normal").outcome is PASS


def test_a_saturated_generator_does_not_excuse_an_http_500():
    found = judge(make_evidence(generator_cpu={"peak": 0.95}, errors={"peak": 0.05}))
    assert found.cell("load-carried", "peak").outcome is FAIL
    assert found.outcome is FAIL


def test_a_tainted_fail_is_no_fail():
    found = judge(make_evidence(generator_cpu={"peak": 0.95}, **SLOW))
    assert found.outcome is INVALID
    assert "the numbers alone say FAIL" in found.cell("response-time", "peak").reason


def test_survival_is_no_fact_when_the_proof_load_was_not_applied():
    found = judge(make_evidence(offered={"3x-peak": 0.6}))
    assert found.cell("oom-kills", "3x-peak").outcome is INVALID
    killed = judge(make_evidence(offered={"3x-peak": 0.6}, oom_at=120.0))
    assert killed.cell("oom-kills", "3x-peak").outcome is FAIL


def test_a_generator_that_is_slow_at_3x_peak_does_not_spoil_the_way_back():
    found = judge(make_evidence(generator_cpu={"3x-peak": 0.95}))
    assert found.cell("recovery", "3x-peak").outcome is PASS
    spoilt = judge(make_evidence(generator_cpu={"recovery": 0.95}))
    assert spoilt.cell("recovery", "3x-peak").outcome is INVALID


def test_a_check_of_the_whole_run_taints_every_level():
    found = judge(make_evidence(clock_drift_seconds=0.2))
    assert {v.level for v in found.verdicts if v.outcome is INVALID} == {"normal", "peak", "recovery", "3x-peak"}
    assert found.cell("cpu", "peak").outcome is PASS


# The host


@pytest.mark.parametrize("host", [{"host_cores": 1}, {"host_memory_bytes": 2 * GIB}])
def test_a_smaller_host_may_pass_but_not_fail(host):
    assert judge(make_evidence(**host)).outcome is PASS
    found = judge(make_evidence(**host, **SLOW))
    assert found.outcome is OPEN
    assert "smaller than the stage" in found.cell("response-time", "peak").reason


def test_a_smaller_host_excuses_no_lost_write():
    assert judge(make_evidence(host_cores=1, lost=1)).outcome is FAIL


def test_a_smaller_host_that_did_not_carry_the_load_says_nothing_of_the_servers():
    found = judge(make_evidence(host_cores=1, errors={"peak": 0.05}))
    assert found.cell("cpu", "peak").outcome is OPEN
    assert found.cell("cpu", "normal").outcome is PASS


@pytest.mark.parametrize("host", [{"host_cores": 8}, {"host_memory_bytes": 16 * GIB}])
def test_a_larger_host_without_limits_may_fail_but_not_pass(host):
    assert judge(make_evidence(limits_enforced=False, **host)).outcome is INVALID
    assert judge(make_evidence(limits_enforced=False, **host, **SLOW)).outcome is FAIL
    assert judge(make_evidence(**host)).outcome is PASS


def test_a_host_as_large_as_the_stage_needs_no_limits():
    assert judge(make_evidence(limits_enforced=False)).outcome is PASS
    assert judge(make_evidence(limits_enforced=False, host_memory_bytes=int(3.8 * GIB))).outcome is PASS


@pytest.mark.parametrize("sign", [{"psi": {"peak": 0.11}}, {"host_busy": {"peak": 0.91}}])
def test_measured_contention_excuses_slowness(sign):
    found = judge(make_evidence(**sign, **SLOW))
    assert found.outcome is OPEN
    assert "fought for the same cores" in found.cell("response-time", "peak").reason
    assert judge(make_evidence(**sign)).outcome is PASS


@pytest.mark.parametrize(
    "sign",
    [
        {"psi": {"normal": 0.5}},
        {"psi": {"peak": 0.09}},
        {"psi": {"peak": 0.5}, "throttled": {"peak": 0.3}},
        {"psi": {"peak": 0.5}, "stack": "external"},
        {"silent": ("host",)},
    ],
)
def test_without_measured_contention_a_fail_stands(sign):
    assert judge(make_evidence(**sign, **SLOW)).cell("response-time", "peak").outcome is FAIL


def test_contention_excuses_neither_memory_nor_kills():
    found = judge(make_evidence(psi={"peak": 0.5}, memory={"peak": 0.97}, oom_at=70.0))
    assert found.cell("memory", "peak").outcome is FAIL
    assert found.cell("oom-kills", "peak").outcome is FAIL


# The course of a level


def test_a_growing_backlog_spoils_a_pass_and_proves_a_fail_all_the_more():
    assert judge(make_evidence(growth={"peak": 5})).cell("response-time", "peak").outcome is OPEN
    assert judge(make_evidence(growth={"peak": 5}, **SLOW)).cell("response-time", "peak").outcome is FAIL


def test_facts_need_no_steady_state():
    assert judge(make_evidence(growth={"peak": 5})).cell("oom-kills", "peak").outcome is PASS


# Odd plans


def test_a_fail_that_is_not_proven_for_all_rows_leaves_the_run_open():
    for share in (0.058, 0.06, 0.062, 0.064):
        found = judge(make_evidence(slow={"peak": share}, slow_seconds=3.0))
        row = found.cell("response-time", "peak")
        if row.outcome is FAIL and not row.proven:
            assert found.outcome is OPEN
            assert "not proven for a run that judges" in found.headline
            return
    pytest.fail("none of the shares lies between 5 % and 5 % ÷ number of cells")


def test_an_sli_that_nothing_measures():
    odd = replace(lectio_slos()[0], sli="nonsense")
    found = judge(make_evidence(slos=(odd,)))
    assert found.outcome is OPEN
    assert "nothing measures nonsense" in found.verdicts[0].reason


def test_a_level_that_the_plan_does_not_have():
    odd = replace(lectio_slos()[0], levels=("peak", "10x-peak"))
    found = judge(make_evidence(slos=(odd,)))
    assert found.cell("response-time", "10x-peak").outcome is OPEN


def test_nothing_to_judge_is_no_pass():
    found = judge(make_evidence(slos=()))
    assert (found.outcome, found.verdicts) == (OPEN, ())


def test_a_stage_without_a_size_is_neither_smaller_nor_larger():
    evidence = make_evidence(host_cores=64, limits_enforced=False)
    stage: Stage = replace(evidence.subject.stage, server=())
    found = judge(replace(evidence, subject=replace(evidence.subject, stage=stage)))
    assert found.outcome is PASS


def test_a_tainted_row_gives_one_reason_only():
    found = judge(make_evidence(generator_cpu={"peak": 0.95}, growth={"peak": 5}))
    reason = found.cell("response-time", "peak").reason
    assert reason.count("the numbers alone say") == 1


def test_a_share_that_is_counted_needs_no_steady_state():
    found = judge(make_evidence(growth={"peak": 5}))
    assert found.cell("uploads-finished", "peak").outcome is PASS
    assert found.cell("uploads-finished", "peak").reason == "3 of 3 uploads good"


def test_an_overload_that_grows_fails_in_a_longer_run_too():
    """Its response times drift, since they only get worse: that is no lack of evidence."""
    evidence = make_evidence(profile="standard", growth={"peak": 5}, slow={"peak": 0.3}, slow_seconds=3.0)
    peak = evidence.plan.level("peak")
    at = measured(peak).start_seconds

    def slower(row: RequestRow) -> RequestRow:
        if not at <= row.second < measured(peak).end_seconds or row.kind != "http":
            return row
        times = distribution_of([0.1 + 0.02 * (row.second - at)] * row.completed)
        bad = {bound: row.completed * (0.1 + 0.02 * (row.second - at) > bound) for bound in row.exceeded}
        return replace(row, response=times, exceeded=bad)

    found = judge(replace(evidence, requests=tuple(map(slower, evidence.requests))))
    assert found.cell("response-time", "peak").outcome is FAIL


def test_a_saturated_generators_own_errors_prove_no_fail():
    """A few HTTP 503 are the system's, most timeouts the generator's: the row fails, but not for all rows at once."""
    evidence = make_evidence(generator_cpu={"peak": 0.97}, errors={"peak": 0.1})

    def told(row: RequestRow) -> RequestRow:
        own = row.errors // 2 if row.second % 2 else 0  # of the 503s
        return replace(row, error_kinds={"HTTP 503": own, "timeout": row.errors - own} if row.errors else {})

    clean = judge(evidence).cell("load-carried", "peak")
    assert (clean.outcome, clean.proven) == (FAIL, True)
    found = judge(replace(evidence, requests=tuple(map(told, evidence.requests)))).cell("load-carried", "peak")
    assert (found.outcome, found.proven) == (FAIL, False)


def test_a_few_seconds_outside_of_the_stacks_own_throttling_are_no_contention():
    evidence = make_evidence(throttled={"peak": 0.3}, psi={"peak": 0.5}, **SLOW)
    at = measured(evidence.plan.level("peak")).start_seconds

    def freed(count: int) -> Verdict:
        servers = tuple(
            replace(sample, values={**sample.values, "throttled_ratio": 0.0})
            if sample.source == "stack" and START + at <= sample.monotonic_seconds < START + at + count
            else sample
            for sample in evidence.servers
        )
        return judge(replace(evidence, servers=servers)).cell("response-time", "peak")

    assert freed(2).outcome is FAIL
    assert freed(10).outcome is OPEN
