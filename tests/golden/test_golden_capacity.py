"""A made-up capacity search: what is said of it changes only on purpose."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.capacity import answer, judge_trials, results_of
from harness.experiment.capacity import end_of
from harness.model.verdict import Outcome
from harness.store.layout import RunDirectory
from reports.capacity.material import CapacityMaterial
from reports.capacity.write import write_capacity_reports
from tests.support.golden import text_of
from tests.support.plan_values import AUDIT
from tests.support.searches import MadeUp, made_up_search

HERE = Path(__file__).parent / "capacity" / "expected"
STRANGE = {
    3: (Outcome.INVALID, "Response time: the evidence is not sound: generator CPU: 91 % of a core"),
    7: (Outcome.INCONCLUSIVE, "Response time: p95 1.9 s to 2.1 s: neither kept nor broken with 95 % certainty"),
}


@pytest.fixture
def folder(tmp_path):
    found = replace(made_up_search(MadeUp(strange=STRANGE)), audit=AUDIT)
    judged = judge_trials(found)
    verdict = answer(found, judged, end_of(found.search, results_of(found, judged), found.ended))
    write_capacity_reports(RunDirectory(tmp_path), CapacityMaterial(found, judged, verdict))
    return tmp_path


def test_files(folder, update_golden):
    said = {name: (folder / name).read_text() for name in ("capacity.json", "summary.md", "junit.xml")}
    said["report.txt"] = text_of((folder / "report.html").read_text())
    if update_golden:
        HERE.mkdir(parents=True, exist_ok=True)
        for name, content in said.items():
            (HERE / name).write_text(content)
    for name, content in said.items():
        assert content == (HERE / name).read_text(), f"{name}: look, then pytest tests/golden --update-golden"
