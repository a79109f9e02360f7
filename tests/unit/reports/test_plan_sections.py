from dataclasses import replace

from harness.analysis.capacity import answer, judge_trials, results_of
from harness.experiment.capacity import end_of
from harness.model.bottleneck import Bottleneck, Confidence
from harness.model.verdict import Outcome
from reports.build import build_report
from reports.capacity import audit as capacity_audit
from reports.capacity.material import CapacityMaterial
from reports.capacity.write import capacity_report
from reports.html import render_html
from reports.markdown import summary_markdown
from reports.material import collect
from reports.sections import audit, predictions
from reports.sections.predictions import ratio_words
from reports.verdict_json import verdicts_file
from tests.support.evidence import make_evidence
from tests.support.plan_values import AUDIT, prediction, with_plan
from tests.support.report_values import make_verdict
from tests.support.searches import made_up_search


def material(evidence):
    return collect(evidence, make_verdict())


def searched(found):
    judged = judge_trials(found)
    verdict = answer(found, judged, end_of(found.search, results_of(found, judged), found.ended))
    return CapacityMaterial(found, judged, verdict)


class TestAudit:
    def test_an_older_run_has_no_section(self):
        assert audit.build(material(make_evidence())) is None
        assert predictions.build(material(make_evidence())) is None

    def test_findings_by_grade_those_of_the_stage_first(self):
        made = audit.build(material(with_plan(make_evidence())))
        assert [group.title.partition(":")[0] for group in made.groups] == [
            "Contradictions",
            "Depends on how the plan’s words are read",
        ]
        assert [(each.title, each.stages) for each in made.groups[0].findings] == [
            ("The figures of workers", "stages A, B"),
            ("The figures of prices", ""),
            ("The figures of storage", "stage C"),
        ]
        assert made.summary == "3 contradictions, no tensions, 1 depends on a reading, 1 agrees"

    def test_arithmetic_and_both_citations(self):
        finding = audit.audited(AUDIT, "A").groups[0].findings[0]
        assert finding.lines[:2] == ("2 × 3 = 6, not 5 (1.2 times that)", "by product = one × other (arithmetic)")
        assert finding.citations == ("plan.md › Compute: “3.5 req/sec per vCPU”", "plan.md › Servers: “2 vCPU”")

    def test_what_was_only_read_has_no_arithmetic(self):
        reading = audit.audited(AUDIT, "A").groups[1].findings[0]
        assert reading.lines == ("what to make of queue",)

    def test_a_search_has_the_same_section_of_a_run(self):
        found = searched(replace(made_up_search(), audit=AUDIT))
        assert capacity_audit.build(found) == audit.build(material(with_plan(make_evidence())))
        page = render_html(capacity_report(found))
        assert 0 < page.index("The plan against itself") < page.index("The plan and the sizing")
        assert "The figures of workers" in page
        older = searched(made_up_search())
        assert capacity_audit.build(older) is None
        assert "The plan against itself" not in render_html(capacity_report(older))

    def test_the_files_for_programs_and_ci_count(self):
        evidence = with_plan(make_evidence())
        file = verdicts_file(evidence, make_verdict())
        assert (file.audit.contradictions, file.audit.tensions, file.audit.readings, file.audit.agreeing) == (
            3,
            0,
            1,
            1,
        )
        assert "Plan audit: 3 contradictions" in summary_markdown(material(evidence))
        assert verdicts_file(make_evidence(), make_verdict()).audit is None


class TestPredictions:
    def rows(self, *predicted, **knobs):
        evidence = make_evidence(**knobs)
        subject = replace(evidence.subject, predictions=predicted)
        return predictions.build(material(replace(evidence, subject=subject))).rows

    def test_prediction_measurement_and_ratio_side_by_side(self):
        (row,) = self.rows(prediction("postgres_connections", 10, 15), connections={"peak": 0.6})
        assert (row.predicted, row.basis, row.off) == ("10 to 15", "MEASURED", True)
        assert row.ratio == "2 to 3"
        assert row.spread.endswith("(95 %)")

    def test_an_estimate_is_called_one(self):
        (row,) = self.rows(prediction("memory_per_socket_bytes", 50_000))
        assert row.basis == "ESTIMATED"

    def test_what_was_not_measured_says_why(self):
        (row,) = self.rows(prediction("redis_hit_ratio", 0.8))
        assert (row.measured, row.ratio, row.off) == ("not measured", "–", False)
        assert row.spread == "nothing was seen of it in the measure phase"

    def test_ratios(self):
        assert [ratio_words(each) for each in (None, (0.615, 0.615), (12.4, 12.4), (0.5, 1.0))] == [
            "–",
            "0.61",
            "12",
            "0.5 to 1",
        ]


class TestFirstToGiveOut:
    def first(self, confidence, outcome=Outcome.FAIL):
        found = Bottleneck(confidence, "cpu", "CPU", "The CPU was used up first.")
        evidence = with_plan(make_evidence())
        verdict = replace(make_verdict(outcome), bottleneck=found)
        return predictions.build(collect(evidence, verdict)).first

    def test_the_plans_words_beside_what_was_found(self):
        first = self.first(Confidence.NAMED)
        assert first.found == "The CPU was used up first."
        assert first.planned == make_evidence().subject.stage.bottleneck.text
        assert first.basis == "MEASURED"

    def test_what_is_not_named_or_not_sound_is_not_called_measured(self):
        assert self.first(Confidence.NOTHING_BROKE).basis == ""
        assert self.first(Confidence.NAMED, Outcome.INVALID).basis == ""

    def test_nothing_without_load(self):
        assert self.first(Confidence.NOT_LOADED) is None
        assert predictions.build(material(with_plan(make_evidence()))).first is None


def test_the_page_escapes_what_a_plan_says():
    evidence = with_plan(make_evidence())
    hostile = replace(AUDIT.findings[0], title="<script>alert(1)</script>", says="<b>", stages=("A",))
    page = render_html(build_report(replace(evidence, audit=replace(AUDIT, findings=(hostile,))), make_verdict()))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
