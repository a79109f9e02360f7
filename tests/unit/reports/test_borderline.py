"""Rows that lie so close to a bound that the same run made again may be judged otherwise are shown as such."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.analysis.judge import judge
from harness.cli.verdict_view import print_verdict
from harness.model.verdict import Outcome
from harness.store.layout import RunDirectory
from reports.build import report_model
from reports.html import render_html
from reports.markdown import summary_markdown
from reports.material import collect
from reports.sections.answer import borderline
from tests.support.evidence import make_evidence


def said(tmp_path, **knobs):
    evidence = make_evidence(**knobs)
    verdict = judge(evidence)
    material = collect(evidence, verdict)
    console = Console(file=io.StringIO(), width=200)
    print_verdict(console, RunDirectory(tmp_path), evidence, verdict)
    texts = console.file.getvalue(), summary_markdown(material), render_html(report_model(material))
    return verdict, borderline(material), texts


def test_a_sound_run_is_close_to_nothing(tmp_path):
    _, lines, (terminal, markdown, html) = said(tmp_path)
    assert lines == ()
    assert "Close to a bound" not in markdown + html
    assert "undecided" not in terminal


@pytest.mark.parametrize(
    ("knobs", "row"),
    [
        ({"slow": {"peak": 0.05}, "slow_seconds": 3.0}, "Response time at peak: p95 "),
        ({"errors": {"peak": 0.01}}, "Planned requests answered at peak: "),
        ({"cpu": {"peak": 0.9}}, "CPU at peak: mean "),
    ],
)
def test_an_interval_that_overlaps_its_bound(knobs, row, tmp_path):
    verdict, lines, (_, markdown, html) = said(tmp_path, **knobs)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert [line for line in lines if line.startswith(row)]
    assert all("Close to a bound" in text for text in (markdown, html))


def test_an_undecided_warning_is_a_pass_that_says_so(tmp_path):
    verdict, lines, texts = said(tmp_path, slow={"peak": 0.05}, slow_seconds=0.8)
    assert verdict.cell("response-time", "peak").outcome is Outcome.PASS
    assert len(lines) == 1
    assert "warning undecided" in lines[0]
    assert all("warning undecided" in text for text in texts)


def test_what_is_clear_but_not_sound_is_not_close(tmp_path):
    _, lines, _ = said(tmp_path, slow={"peak": 0.3}, slow_seconds=3.0, psi={"peak": 0.5})
    assert lines == ()


def test_a_row_that_something_else_leaves_open_is_not_close(tmp_path):
    """A broken warning under a growing backlog, and a gauge with too many gaps."""
    _, lines, _ = said(tmp_path, connections={"peak": 0.401}, growth={"peak": 5})
    assert lines == ()
    _, lines, _ = said(tmp_path, gaps={"postgres": 0.5})
    assert lines == ()
