"""Run directories kept in the repository: what is judged and said of them changes only on purpose."""

from pathlib import Path

import pytest

from harness.analysis.judge import judge
from harness.model.verdict import Outcome
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from reports.write import write_reports
from tests.support.golden import CASES, text_of

HERE = Path(__file__).parent
OUTCOMES = {
    "pass": Outcome.PASS,
    "fail": Outcome.FAIL,
    "inconclusive": Outcome.INCONCLUSIVE,
    "invalid": Outcome.INVALID,
    "rules": Outcome.PASS,
}


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture
def made(case, tmp_path):
    """The four files, made from the committed run directory."""
    evidence = read_run(HERE / case / "run")
    verdict = judge(evidence)
    write_reports(RunDirectory(tmp_path), evidence, verdict)
    return verdict, tmp_path


def test_outcome(case, made):
    verdict, _ = made
    assert verdict.outcome is OUTCOMES[case]


def test_files(case, made, update_golden):
    _, folder = made
    said = {name: (folder / name).read_text() for name in ("verdicts.json", "summary.md", "junit.xml")}
    said["report.txt"] = text_of((folder / "report.html").read_text())
    expected = HERE / case / "expected"
    if update_golden:
        expected.mkdir(exist_ok=True)
        for name, content in said.items():
            (expected / name).write_text(content)
    for name, content in said.items():
        assert content == (expected / name).read_text(), f"{name}: look, then pytest tests/golden --update-golden"
