import json
from dataclasses import replace

import pytest

from harness.analysis.claims import compare_claim, find, measure_of, planned_difference, planned_factor, supports
from harness.model.claims import COMPLETE, ClaimsAsked, ClaimsEvidence, PairRun, Support
from harness.model.figure import Citation, Figure, Provenance
from harness.model.samples import ServerSample
from harness.model.target import Claim, Switch
from harness.model.units import Unit
from reports.claims.table import build, row_of
from reports.claims.write import claims_json
from tests.support.evidence import START, make_evidence

WHERE = Citation("plan.md", "Optimisation", "5-10x faster")


def number(value, unit=Unit.FACTOR, high=None):
    return Figure("number", value, unit, Provenance.STATED, WHERE, high)


def claim(switch=Switch.CACHE, **parts):
    return Claim("faster", "It is faster", "response time", WHERE, switch=switch, **parts)


@pytest.fixture(scope="module")
def slow():
    return make_evidence(median_seconds={"normal": 0.1})


@pytest.fixture(scope="module")
def fast():
    return make_evidence(median_seconds={"normal": 0.0125})


def queries(evidence, per_second, seconds_each=0.01):
    """With the application's own count of its statements."""
    values = {"queries_per_second": per_second, "query_seconds_mean": seconds_each}
    return replace(
        evidence, servers=tuple(ServerSample(START + second, "application", values) for second in range(-2, 60))
    )


class TestPlanned:
    def test_a_factor_is_the_plans_own(self):
        assert planned_factor(claim(factor=number(5, high=10))) == (5, 10)

    def test_before_and_after_of_times_divide(self):
        times = {"before": number(0.4, Unit.SECONDS), "after": number(0.05, Unit.SECONDS, 0.1)}
        assert planned_factor(claim(**times)) == pytest.approx((4, 8))

    def test_a_reduction_by_seventy_percent_is_three_and_a_third_times(self):
        assert planned_factor(claim(reduction=number(0.7, Unit.RATIO))) == pytest.approx((10 / 3, 10 / 3))

    def test_an_increase_of_speed_by_half_is_one_and_a_half_times(self):
        assert planned_factor(claim(increase=number(0.5, Unit.RATIO))) == (1.5, 1.5)

    def test_all_of_it_saved_is_no_factor(self):
        assert planned_factor(claim(reduction=number(1, Unit.RATIO))) is None

    def test_a_hit_ratio_grows_from_nothing(self):
        assert planned_difference(claim(after=number(0.6, Unit.RATIO, 0.8))) == (0.6, 0.8)


class TestMeasure:
    def test_by_its_switch(self):
        assert measure_of(claim(Switch.INDEXES)) == "query_seconds"
        assert measure_of(claim(Switch.N_PLUS_ONE)) == "queries_per_request"
        assert measure_of(claim(Switch.COMPRESSION)) == "response_bytes"

    def test_what_it_shows_comes_first(self):
        assert measure_of(claim(Switch.INDEXES, shows="stack_cpu_cores")) == "stack_cpu_cores"

    def test_shares_of_a_cache_are_its_hits(self):
        assert measure_of(claim(after=number(0.6, Unit.RATIO))) == "cache_hit_ratio"

    def test_times_of_an_endpoint_are_response_times(self):
        timed = claim(Switch.INDEXES, before=number(1, Unit.SECONDS), endpoint="POST /login")
        assert measure_of(timed) == "response_seconds"


@pytest.mark.parametrize(
    ("interval", "planned", "support"),
    [
        ((6, 5, 7), (5, 10), Support.SUPPORTED),
        ((3, 2, 5.5), (5, 10), Support.SUPPORTED),
        ((3, 2, 4), (5, 10), Support.LESS),
        ((20, 15, 25), (5, 10), Support.MORE),
        ((1, 0.9, 1.1), (5, 10), Support.NO_EFFECT),
        ((0.5, 0.4, 0.6), (5, 10), Support.WORSE),
        ((4, 0.8, 7), (5, 10), Support.UNDECIDED),
    ],
)
def test_how_an_interval_lies_to_a_claim(interval, planned, support):
    assert supports(interval, planned, neutral=1.0) is support


class TestCompare:
    def test_the_factor_lies_in_its_interval_and_the_truth_too(self, slow, fast):
        found = compare_claim(claim(factor=number(5, high=10), endpoint="GET /api/lessons"), slow, fast)
        assert found.lower < found.factor < found.upper
        mean = 1.197  # of a lognormal distribution with σ = 0.6, in medians
        truth = (0.1 * mean + 0.00055) / (0.0125 * mean + 0.00055)
        assert found.lower < truth < found.upper
        assert found.support is Support.SUPPORTED

    def test_the_other_way_round_is_the_opposite(self, slow, fast):
        assert compare_claim(claim(factor=number(5)), fast, slow).support is Support.WORSE

    def test_the_same_twice_has_no_effect(self, fast):
        found = compare_claim(claim(factor=number(5)), fast, fast)
        assert found.support is Support.NO_EFFECT
        assert found.factor == pytest.approx(1)

    def test_one_endpoint_of_all(self, slow, fast):
        nowhere = compare_claim(claim(factor=number(5), endpoint="GET /nowhere"), slow, fast)
        assert (nowhere.support, nowhere.reason) == (Support.NOT_MEASURED, "nothing was seen of it before")

    def test_queries_of_a_request(self, fast):
        found = compare_claim(
            claim(Switch.N_PLUS_ONE, reduction=number(0.95, Unit.RATIO)), queries(fast, 1000), queries(fast, 50)
        )
        assert found.factor == pytest.approx(20)
        assert found.support is Support.SUPPORTED

    @pytest.mark.parametrize(
        ("each", "support"),
        [((9, 1), Support.SUPPORTED), ((60, 1), Support.MORE), ((3, 1), Support.LESS), ((1, 1), Support.NO_EFFECT)],
    )
    def test_queries_of_one_endpoint_are_its_own(self, fast, each, support):
        dashboard = "GET /api/analytics/dashboard"
        number_of = {"before": number(7, Unit.COUNT, 30), "after": number(1, Unit.COUNT)}
        sides = (
            replace(
                queries(fast, 1000),
                servers=tuple(
                    ServerSample(
                        START + second,
                        "application",
                        {
                            "queries_per_second": 1000.0,
                            f"queries_of.{dashboard}": 5.0 * statements,
                            f"querying_requests_of.{dashboard}": 5.0,
                            "queries_of.GET /api/meetings": 500.0,
                            "querying_requests_of.GET /api/meetings": 1.0,
                        },
                    )
                    for second in range(60)
                ),
            )
            for statements in each
        )
        found = compare_claim(claim(Switch.N_PLUS_ONE, endpoint=dashboard, **number_of), *sides)
        assert (found.before.value, found.after.value) == each
        assert (found.planned_low, found.planned_high) == (7, 30)
        assert found.support is support
        assert (
            row_of(found).how
            == f"statements ÷ requests that sent any (one answered from the cache sends none), {dashboard}"
        )

    def test_an_endpoint_that_sent_nothing_is_not_measured(self, fast):
        counted = claim(Switch.N_PLUS_ONE, reduction=number(0.95, Unit.RATIO), endpoint="GET /api/meetings")
        found = compare_claim(counted, queries(fast, 1000), queries(fast, 50))
        assert (found.support, found.reason) == (Support.NOT_MEASURED, "nothing was seen of it before")

    def test_a_hit_ratio_without_a_cache_is_a_difference_from_nothing(self, fast):
        hits = tuple(
            ServerSample(START + second, "application", {"cache_hits": 50.0 + second % 2 * 2, "cache_lookups": 100.0})
            for second in range(60)
        )
        quiet = replace(fast, servers=())
        found = compare_claim(claim(after=number(0.6, Unit.RATIO)), quiet, replace(quiet, servers=hits))
        assert found.difference
        assert found.factor == pytest.approx(0.51, abs=0.005)
        assert found.support is Support.LESS

    def test_a_number_of_another_kind_is_no_factor(self, slow, fast):
        found = compare_claim(claim(after=number(200, Unit.COUNT)), slow, fast)
        assert (found.support, found.planned_low) == (Support.UNDECIDED, None)

    def test_unsound_evidence_supports_nothing(self, slow, fast):
        found = compare_claim(claim(factor=number(8)), slow, fast, ("Generator CPU",))
        assert found.support is Support.UNDECIDED
        assert "Generator CPU" in found.reason

    def test_without_a_run_nothing_is_measured(self, fast):
        assert compare_claim(claim(factor=number(8)), None, fast).support is Support.NOT_MEASURED


class TestFind:
    def evidence(self, fast, slow, *, ends=(COMPLETE, COMPLETE), ended=COMPLETE, gone=False):
        runs = (
            PairRun(Switch.CACHE, False, "one", ends[0], 60),
            PairRun(Switch.CACHE, True, "two", ends[1], 60),
        )
        asked = ClaimsAsked((claim(factor=number(5, high=10)),), 50, 20, 600)
        read = (None if gone else slow, fast)
        return ClaimsEvidence(fast.subject, fast.manifest, asked, runs, read, ended)

    def test_a_pair(self, fast, slow):
        found = find(self.evidence(fast, slow))
        assert (found.results[0].support, found.cut_short) == (Support.SUPPORTED, "")

    def test_a_run_that_was_cut_short_is_none(self, fast, slow):
        found = find(self.evidence(fast, slow, ends=(COMPLETE, "interrupted: Ctrl-C"), ended="interrupted: Ctrl-C"))
        assert found.results[0].support is Support.NOT_MEASURED
        assert found.cut_short == "interrupted: Ctrl-C"

    def test_nor_is_one_whose_folder_has_gone(self, fast, slow):
        assert find(self.evidence(fast, slow, gone=True)).results[0].support is Support.NOT_MEASURED

    def test_a_killed_harness_is_said(self, fast, slow):
        assert "the harness was ended" in find(self.evidence(fast, slow, ended="")).cut_short

    @pytest.mark.parametrize(("provenance", "mark"), [(Provenance.ASSUMED, " (assumed)"), (Provenance.STATED, "")])
    def test_the_report_marks_a_load_that_is_assumed(self, fast, slow, provenance, mark):
        level = slow.plan.levels[0]
        levels = (replace(level, rate=replace(level.rate, provenance=provenance)), *slow.plan.levels[1:])
        evidence = self.evidence(fast, replace(slow, plan=replace(slow.plan, levels=levels)))
        found = find(evidence)
        assert build(evidence, found).load == f"50/s{mark} for 20 s in each run"
        file = json.loads(claims_json(evidence, found))
        assert (file["rate_per_second"], file["rate_provenance"]) == (50, provenance)

    def test_a_rate_of_which_no_run_is_left_has_no_provenance(self, fast, slow):
        evidence = replace(self.evidence(fast, slow), read=(None, None))
        assert json.loads(claims_json(evidence, find(evidence)))["rate_provenance"] is None
