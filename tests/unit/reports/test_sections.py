from dataclasses import replace

import pytest

from harness.analysis.survival import RECOVERY_SLI
from harness.analysis.tested import AT_LEAST_THIS
from harness.model.bottleneck import Bottleneck, Breach, Confidence, ResourceState, State
from harness.model.samples import Reconciliation
from harness.model.verdict import CheckResult, Outcome, Severity, Taint
from reports.material import collect
from reports.sections import SECTIONS, answer, bottleneck, caveats, flows, happened, plan, promise, trust
from reports.sections.promise import value_words
from tests.support.report_values import cell, make_report_evidence, make_verdict, never_loaded, server


@pytest.fixture
def evidence():
    return make_report_evidence()


def test_anchors_and_templates_are_unique():
    assert len({kind.id for kind in SECTIONS}) == len({kind.template for kind in SECTIONS}) == len(SECTIONS)


class TestAnswer:
    def figures(self, evidence, *cells):
        return answer.build(collect(evidence, make_verdict(Outcome.PASS, *cells))).figures

    def test_three_figures_of_a_pass(self, evidence):
        load, response, closest = self.figures(evidence)
        assert (load.value, load.against) == ("8/s", "planned peak 8/s")
        assert (response.title, response.value) == ("p95 response time at peak", "74 ms")
        assert (response.against, response.certainty) == (
            "warning bound ≤ 500 ms",
            "95 % sure: 69 ms to 80 ms, 2,412 requests",
        )
        assert (closest.title, closest.value) == ("Closest to its bound: PostgreSQL connections", "31 %")

    def test_a_level_with_anything_but_passes_is_not_proven(self, evidence):
        load, *_ = self.figures(
            evidence, cell("response-time", "normal"), cell("response-time", "peak", Outcome.INCONCLUSIVE)
        )
        assert load.value == "5/s"
        load, *_ = self.figures(evidence, cell("response-time", "normal", Outcome.INVALID))
        assert load.value == "none"

    def test_an_invalid_run_proves_no_load_and_its_numbers_say_so(self, evidence):
        cells = (cell("response-time", "normal"), cell("response-time", "peak", Outcome.INVALID))
        load, response, _ = answer.build(collect(evidence, make_verdict(Outcome.INVALID, *cells))).figures
        assert (load.value, load.certainty) == ("none", "the evidence of this run is not sound")
        assert response.outcome is Outcome.INVALID

    def test_past_its_bound_is_said(self, evidence):
        over = cell("connections", "peak", Outcome.FAIL, bound_value=0.2)
        assert self.figures(evidence, over)[2].title == "Past its bound: PostgreSQL connections"
        slos = tuple(replace(slo, warning=replace(slo.warning, value=0.3)) for slo in evidence.subject.stage.slos)
        subject = replace(evidence.subject, stage=replace(evidence.subject.stage, slos=slos))
        warned = cell("connections", "peak", bound_value=0.3, severity=Severity.WARNING)
        figure = self.figures(replace(evidence, subject=subject), warned)[2]
        assert (figure.title, figure.warning) == ("Past its warning bound: PostgreSQL connections", True)

    def test_the_first_sentence_leads(self, evidence):
        verdict = replace(make_verdict(), headline="It carries 8.5/s. At 24/s it slows. Nothing is lost.")
        made = answer.build(collect(evidence, verdict))
        assert (made.headline, made.more) == ("It carries 8.5/s.", "At 24/s it slows. Nothing is lost.")

    def test_without_measurements_nothing_is_invented(self, evidence):
        bare = cell("response-time", "peak", Outcome.INCONCLUSIVE, measurement=None)
        assert [figure.value for figure in self.figures(evidence, bare)] == ["none", "not measured", "not known"]

    def test_outcomes_are_counted(self):
        verdict = make_verdict(Outcome.FAIL, cell("response-time", "peak", Outcome.FAIL), cell("connections", "peak"))
        assert answer.count_outcomes(verdict) == ((Outcome.PASS, 1), (Outcome.FAIL, 1))


class TestPromise:
    def test_rows_columns_and_what_lies_behind_a_cell(self, evidence):
        made = promise.build(collect(evidence, make_verdict()))
        assert [(column.name, column.rate, column.provenance) for column in made.columns] == [
            ("normal", "5/s", "assumed"),
            ("peak", "8/s", "stated"),
        ]
        row = made.rows[0]
        assert (row.title, row.note) == ("Response time", "the plan names no percentile: p95")
        behind = dict(row.cells[0].details)
        assert behind["interval"] == "69 ms to 80 ms (95 %)"
        assert behind["n"] == "2,412, worth 1,890 independent ones"
        assert behind["rests on assumed"] == "rate_normal"
        assert "Мониторинг › Алерты" in row.cells[0].citation

    def test_an_slo_promises_nothing_where_it_is_not_judged(self, evidence):
        cells = (cell("response-time", "normal"), cell("connections", "peak", severity=Severity.WARNING))
        made = promise.build(collect(evidence, make_verdict(Outcome.PASS, *cells)))
        assert made.rows[0].cells[1] is None
        assert made.rows[1].cells[1].warning

    def test_no_measurement_is_no_number(self, evidence):
        bare = cell("response-time", "peak", Outcome.INCONCLUSIVE, measurement=None)
        made = promise.build(collect(evidence, make_verdict(Outcome.INCONCLUSIVE, bare)))
        assert (made.rows[0].cells[0].value, made.rows[0].cells[0].bound) == ("no data", "")

    def test_nothing_judged_no_section(self, evidence):
        assert promise.build(collect(evidence, replace(make_verdict(), verdicts=()))) is None


class TestHappened:
    def build(self, evidence):
        return happened.build(collect(evidence, make_verdict()))

    def test_charts_in_order(self, evidence):
        made = self.build(evidence)
        assert [figure.title for figure in made.load] == [
            "Arrival rate and throughput",
            "Response time",
            "Errors and dropped arrivals",
            "Socket.IO connections held",
        ]
        assert [figure.title for figure in made.servers] == [
            "CPU",
            "Memory",
            "PostgreSQL connections",
            "Busiest gunicorn worker",
            "Disk",
        ]
        assert "warning 500 ms" in made.load[1].svg and "critical 2 s" in made.load[1].svg
        assert "warning 40 %" in made.servers[2].svg
        assert made.servers[2].note.endswith("Hatched: nothing was seen (connection refused).")

    def test_a_clean_run_says_so_instead_of_drawing_zeros(self):
        made = self.build(make_report_evidence(20))
        assert made.sentences == ("No request failed and no arrival was dropped.",)
        assert [figure.title for figure in made.load][2:] == ["Socket.IO connections held"]

    def test_a_blind_sampler_is_shown_and_an_absent_queue_is_not(self, evidence):
        blind = replace(evidence, servers=tuple(replace(s, values={}, gap="down") for s in evidence.servers))
        assert "PostgreSQL connections" in [figure.title for figure in self.build(blind).servers]
        quiet = replace(evidence, servers=(server(1, "celery", depth__default=1.0),))
        assert [figure.title for figure in self.build(quiet).servers] == ["Celery tasks waiting"]

    def test_partial_runs(self, evidence):
        assert self.build(never_loaded(evidence)).sentences == ("The load never began, so there is nothing to draw.",)
        assert "No server was sampled." in self.build(replace(evidence, servers=())).sentences
        assert "No request was recorded." in self.build(replace(evidence, requests=())).sentences
        assert self.build(make_report_evidence(1)).load


class TestFlows:
    def test_tables_by_level(self, evidence):
        made = flows.build(collect(evidence, make_verdict()))
        normal, peak = made.http
        assert [line.name for line in normal.lines] == ["all HTTP", "GET /api/lessons", "POST /api/uploads"]
        assert normal.lines[0].figures[:5] == ("60", "60", "0", "0", "0")
        assert peak.lines[0].figures[2] == "1" and 2 in peak.lines[0].bad
        assert normal.lines[2].note == "probe"
        assert made.error_kinds == (("peak", "GET /api/lessons", "HTTP 502", 1),)
        assert made.reconnects == "Reconnects: normal 15, peak 0."
        assert made.job_counts == "2 uploads in the whole run, 1 unfinished at its end."

    def test_reach(self, evidence):
        line = flows.build(collect(evidence, make_verdict())).socketio[0].lines[0]
        assert (line.name, line.figures[3]) == ("socket delivery", "90 %")
        assert 3 in line.bad

    def test_no_percentile_above_the_worst_time(self, evidence):
        line = flows.build(collect(evidence, make_verdict())).http[0].lines[1]
        assert line.figures[5:8] == ("50 ms", "50 ms", "50 ms")

    def test_none_without_a_measure_phase_or_jobs(self):
        assert flows.build(collect(make_report_evidence(4), make_verdict())) is None


class TestPlan:
    def test_figures_keep_their_provenance_and_mismatches_are_counted(self, evidence):
        manifest = evidence.manifest
        wrong = replace(manifest.read_back[0], effective="100", matches=False)
        made = plan.build(collect(replace(evidence, manifest=replace(manifest, read_back=(wrong,))), make_verdict()))
        assert made.mismatches == 1
        assert [group.title for group in made.groups] == ["Audience", "Server", "Sizing", "Expected load", "Cost"]
        assert made.groups[0].rows[0].provenance == "stated"


class TestTrust:
    def build(self, evidence, **changes):
        return trust.build(collect(evidence, replace(make_verdict(), **changes)))

    def test_checks_by_level_with_the_whole_run_last(self, evidence):
        made = self.build(evidence)
        assert made.levels == ("peak", "whole run")
        assert [(row.title, [r and r.passed for r in row.results]) for row in made.checks] == [
            ("Event loop lag", [True, None]),
            ("nginx counted the same", [None, None]),
        ]
        assert (made.failed, made.unknown) == ((), 1)
        assert made.overhead == "0.39 %" and made.overhead_kept

    def test_failed_checks_are_named(self, evidence):
        failed = CheckResult("cpu", "Generator CPU", "peak", False, "97 %", "≤ 85 %", "saturated", (Taint.TIMES,))
        assert self.build(evidence, checks=(failed,)).failed == (failed,)

    @pytest.mark.parametrize(
        ("reconciliation", "words"),
        [
            (Reconciliation(True, 12, 12, ()), "none is missing"),
            (Reconciliation(True, 12, 11, ("a",)), "1 is missing"),
            (
                Reconciliation(False, 12, 0, (), "it was down"),
                "could not be asked for the acknowledged writes: it was down",
            ),
            (None, "was not asked"),
        ],
    )
    def test_writes(self, evidence, reconciliation, words):
        assert words in self.build(replace(evidence, reconciliation=reconciliation)).writes

    def test_nothing_sampled(self, evidence):
        made = self.build(never_loaded(evidence), checks=())
        assert (made.charts, made.samplers, made.checks) == ((), (), ())


class TestCaveats:
    def test_assumptions_notes_and_deviations(self, evidence):
        made = caveats.build(collect(evidence, make_verdict()))
        assert [row.name for row in made.assumptions] == ["room size", "rate normal"]
        assert made.notes == (("Response time", "the plan names no percentile: p95"),)
        assert made.deviations == ("no limit on disk operations",)


def test_values_that_were_not_seen_to_their_end_say_so():
    seen = cell("response-time", "peak").measurement
    assert value_words(replace(seen, value=10.0, method=f"share; {AT_LEAST_THIS}: …")) == "at least 10 s"
    assert value_words(replace(seen, value=0.0, sli=RECOVERY_SLI)) == "at once"
    assert value_words(replace(seen, value=6.0, sli=RECOVERY_SLI)) == "6 s"


def test_a_limit_that_differs_by_level_is_given_for_each(evidence):
    peak, normal = (
        CheckResult("rate", "Offered rate", level, True, "1.000", limit, "", ())
        for level, limit in (("peak", "1 ± 0.08"), ("normal", "1 ± 0.1"))
    )
    made = trust.build(collect(evidence, replace(make_verdict(), checks=(normal, peak))))
    assert made.checks[0].limit == "normal: 1 ± 0.1, peak: 1 ± 0.08"


def test_load_with_a_warning_keeps_not_every_promise(evidence):
    kept = cell("response-time", "peak")
    warned = cell("connections", "peak", severity=Severity.WARNING)
    figure = answer.build(collect(evidence, make_verdict(Outcome.PASS, kept, warned))).figures[0]
    assert "every critical bound kept at peak, with a warning" in figure.certainty


class TestBottleneck:
    POOL = ResourceState(
        "pgbouncer",
        "PgBouncer's pool",
        State.SATURATED,
        4.0,
        1.0,
        "9 clients waiting",
        "clients wait",
        "stack.cpu_ratio",
    )
    DISK = ResourceState("disk", "the disk", State.NOT_OBSERVED, None, None, "not sampled", "stalls", "host.nothing")
    LOCKS = ResourceState("postgres-locks", "locks", State.ABSENT, None, None, "there is no PostgreSQL")
    FOUND = Bottleneck(
        Confidence.NAMED,
        "pgbouncer",
        "PgBouncer's pool",
        "First to saturate: PgBouncer's pool, from 8/s, 5 s before response times broke their bound at peak.",
        4.0,
        "normal",
        8.0,
        5.0,
        Breach("response-time", "12 % took <longer>", 9.0, "peak", 9.0, True),
        ("0:04 PgBouncer's pool: 9 clients waiting.",),
        (POOL, DISK, LOCKS),
    )

    def material(self, evidence, found, outcome=Outcome.FAIL):
        return collect(evidence, replace(make_verdict(outcome), bottleneck=found))

    def test_the_finding_its_chart_with_both_marks_and_every_resource_that_exists(self, evidence):
        section = bottleneck.build(self.material(evidence, self.FOUND))
        assert section.sentence == self.FOUND.sentence
        assert [row.title for row in section.rows] == ["PgBouncer's pool", "The disk"]
        assert section.rows[0].use == "100 %"
        assert section.rows[1].use == ""
        assert section.figure is not None
        assert "1: saturation begins; 2: 12 % took <longer>" in section.figure_note
        assert "<longer>" not in section.figure
        assert not section.unsound

    def test_it_stands_at_the_top_but_for_an_unsound_run(self, evidence):
        assert answer.build(self.material(evidence, self.FOUND)).bottleneck == self.FOUND.sentence
        unsound = self.material(evidence, self.FOUND, Outcome.INVALID)
        assert answer.build(unsound).bottleneck == ""
        assert bottleneck.build(unsound).unsound

    def test_a_resource_without_a_series_has_no_chart(self, evidence):
        section = bottleneck.build(
            self.material(evidence, replace(self.FOUND, resource="disk", resources=(self.DISK,)))
        )
        assert section.figure is None

    def test_without_load_there_is_no_section(self, evidence):
        assert bottleneck.build(self.material(evidence, None)) is None
        idle = Bottleneck(Confidence.NOT_LOADED, "", "", "There was no load.")
        assert bottleneck.build(self.material(evidence, idle)) is None
