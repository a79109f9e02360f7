"""What audit and schema print, and what show prints of the tables that no run reads."""

from __future__ import annotations

import json

import pytest

from harness.cli.main import run
from harness.cli.output import PIPE_WIDTH
from harness.model.audit import AuditReport
from harness.planning.audit import audit_plan
from harness.store.jsonl import decode
from targets.loader import load_target, system_names


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> str:
        assert run(arguments) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return call


@pytest.mark.parametrize("name", system_names())
def test_a_pipe_gets_plain_lines(printed, name: str) -> None:
    for arguments in (("audit", name, "--all"), ("show", name)):
        out = printed(*arguments)
        assert "\x1b" not in out
        assert max(len(line) for line in out.splitlines()) <= PIPE_WIDTH
        assert "[/" not in out


def test_audit_shows_the_arithmetic_both_places_and_what_it_means(printed) -> None:
    lines = [line.strip() for line in printed("audit", "flight-school").splitlines()]
    assert lines[1].startswith("23 contradictions, 20 tensions, 7 depend on a reading, ")
    start = lines.index("The container carries what the formula says   current-rate")
    assert lines[start + 1] == "3.5/s × 1 = 3.5/s, not 20/s (0.17 times that)"
    assert lines[start + 2].startswith("One container of one vCPU is said to handle 20 requests a second")
    assert "flight-school.md › Resource Estimates › Compute (API): “Handles ~20 req/sec (p95 < 500ms)”" in lines[start:]
    assert "agrees" not in lines
    everything = printed("audit", "flight-school", "--all")
    assert "2 × 10 + 25 = 45, equal to 45" in everything
    assert "by connections = containers × connections per container + background jobs" in everything


def test_audit_prints_the_whole_value_as_json(printed) -> None:
    report = audit_plan(load_target("lectio"))
    assert decode(AuditReport, printed("audit", "lectio", "--json")) == report


def test_a_file_without_audits_says_so() -> None:
    assert AuditReport("mine", "Mine", "plan.md", ()).summary.startswith("its file asks for no audit")


def test_schema_prints_json(printed) -> None:
    schema = json.loads(printed("schema"))
    assert schema["title"] == "TargetFile"
    assert "StageTable" in schema["$defs"]


def test_show_prints_figures_claims_and_rules_of_the_system(printed) -> None:
    out = printed("show", "flight-school")
    assert "Compressed API responses save 70 % of the bandwidth" in out
    assert "above 70 %, for 5:00 min" in out
    assert "example_large_containers" in out
    stage = printed("show", "flight-school", "--stage", "1")
    assert "What says that the tier is near" in stage
    assert "First contentful paint" in stage
