from dataclasses import replace

from harness.model.verdict import CheckResult, Outcome, Severity, Taint
from reports.markdown import code, plain, summary_markdown
from reports.material import collect
from tests.support.report_values import cell, make_report_evidence, make_verdict


def summary(verdict):
    return summary_markdown(collect(make_report_evidence(), verdict))


def test_says_outcome_sentence_matrix_and_what_was_not_proven():
    text = summary(make_verdict())
    assert text.startswith("## ✅ PASS: Lectio Space, stage A\n\nThe reference application carries")
    assert "| Promise | normal 5/s | peak 8/s |" in text
    assert "| Response time | ✅ PASS 74 ms (≤ 500 ms) | ✅ PASS 74 ms (≤ 500 ms) |" in text
    assert "**Not proven**\n\n- your own code (this is the reference application)" in text
    assert "`report.html` in run `2026-11-20T165012Z-lectio-A-verify`" in text


def test_says_warning_cut_short_unsound_and_missing_cells():
    cells = (
        cell("response-time", "peak", severity=Severity.WARNING),
        cell("connections", "normal", Outcome.INCONCLUSIVE, measurement=None),
    )
    check = CheckResult("cpu", "Generator CPU", "peak", False, "97 %", "≤ 85 %", "saturated", (Taint.TIMES,))
    verdict = replace(
        make_verdict(Outcome.PASS, *cells), severity=Severity.WARNING, cut_short="Ctrl-C", checks=(check,)
    )
    text = summary(verdict)
    assert text.startswith("## ✅ PASS (warning): ")
    assert "**Cut short:** Ctrl-C" in text
    assert "| Response time | – | ✅ PASS warning 74 ms (≤ 500 ms) |" in text
    assert "| PostgreSQL connections | ❔ INCONCLUSIVE no data | – |" in text
    assert "- Generator CPU (peak): saturated" in text


def test_nothing_breaks_out_of_a_cell():
    assert plain("a|b\n<script>x</script> *b* [l](u) `c`") == (
        "a&#124;b &lt;script&gt;x&lt;/script&gt; &#42;b&#42; &#91;l&#93;(u) &#96;c&#96;"
    )
    assert code("a`b|c\nd") == "a'b¦c d"


def test_a_run_without_verdicts_has_no_matrix():
    assert "Promise" not in summary(replace(make_verdict(Outcome.INCONCLUSIVE), verdicts=()))
