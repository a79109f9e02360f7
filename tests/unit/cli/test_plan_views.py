"""What systems, show and plan print."""

from __future__ import annotations

import json
import re

import pytest

from harness.cli.main import run
from harness.cli.output import PIPE_WIDTH
from harness.model.evidence import Subject
from harness.model.plan import LoadPlan
from harness.model.target import CapacityTarget
from harness.store.jsonl import decode
from targets.loader import TARGETS_FOLDER, load_target, system_names


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> str:
        assert run(arguments) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ("systems",),
        ("show", "lectio"),
        ("show", "lectio", "--stage", "C"),
        ("plan", "lectio", "--stage", "B", "--profile", "nightly"),
    ],
)
def test_a_pipe_gets_plain_lines(printed, arguments: tuple[str, ...]) -> None:
    out = printed(*arguments)
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= PIPE_WIDTH
    assert "[/" not in out


def test_systems_lists_each_stage(printed) -> None:
    out = printed("systems")
    assert "lectio  Lectio Space" in out
    assert "300 teachers, 3,000 students" in out
    listed = json.loads(printed("systems", "--json"))
    assert [system["name"] for system in listed] == list(system_names())
    (lectio,) = (system for system in listed if system["name"] == "lectio")
    assert [stage["name"] for stage in lectio["stages"]] == ["A", "B", "C"]


def test_show_marks_each_figure_and_gives_its_source(printed) -> None:
    lines = printed("show", "lectio", "--stage", "A").splitlines()

    def line_of(name: str) -> str:
        return next(line for line in lines if line.startswith(f"{name} "))

    assert line_of("postgres_max_connections").split()[1:3] == ["50", "stated"]
    assert "Stage A: MVP (текущий) › Конфигурация: “PG max_connections | 50”" in line_of("postgres_max_connections")
    assert "assumed" in line_of("normal_rps")
    assert "derived" in line_of("upload_rate")
    assert "10/h to 20/h" in line_of("upload_rate")
    assert "≤ 500 ms" in line_of("Response time, p95")
    assert "≤ 2 s" in line_of("Response time, p95")


def test_show_prints_the_whole_value_as_json(printed) -> None:
    target = load_target("lectio")
    assert decode(CapacityTarget, printed("show", "lectio", "--json")) == target
    subject = decode(Subject, printed("show", "lectio", "--stage", "b", "--json"))
    assert subject == Subject("lectio", "Lectio Space", "lectio-space.md", target.stage("B"))


def test_show_of_the_system_has_its_flows_and_facts(printed) -> None:
    out = printed("show", "lectio")
    assert "classroom" in out
    assert "Known problem 1" in out
    assert "RAM: video processing may run out of memory" in out


def test_plan_says_what_a_run_would_do(printed) -> None:
    out = printed("plan", "lectio", "--stage", "A")
    for words in (
        "profile smoke, 2 min 52 s of load, Poisson arrivals, seed 7",
        "ramp 3 s → settle 7 s → measure 30 s → drain 3 s; judged: measure, in 10 batches of 3 s",
        "10/h + 3 probes",
        "of one core at most (ESTIMATED)",
        "yes, 2,400",
        "the plan gives no normal level",
    ):
        assert words in out


def test_plan_prints_plan_and_budget_as_json(printed) -> None:
    out = printed("plan", "lectio", "--stage", "A", "--seed", "11", "--arrivals", "constant", "--json")
    answer = json.loads(out)
    plan = decode(LoadPlan, json.dumps(answer["plan"]))
    assert (plan.seed, plan.arrivals) == (11, "constant")
    assert answer["budget"]["basis"] == "ESTIMATED"
    assert answer["budget"]["seconds"] == 172
    assert {"slo_id", "level", "expected", "needed", "enough", "reason"} <= set(answer["budget"]["samples"][0])


@pytest.fixture
def with_rules(tmp_path):
    """A system with a rule of each kind: the one that docs/your-own-system.md shows."""
    page = (TARGETS_FOLDER.parent / "docs" / "your-own-system.md").read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text("\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)))
    return str(file)


def test_show_names_the_rules_of_a_stage(printed, with_rules) -> None:
    lines = printed("show", with_rules, "--stage", "1").splitlines()
    (line,) = [line for line in lines if "> 70 % for 5 min → +1 container" in line]
    assert "scale-up" in line and "normal, peak, recovery" in line


def test_plan_says_which_rules_the_profile_is_long_enough_for(printed, with_rules) -> None:
    lines = printed("plan", with_rules, "--stage", "1").splitlines()
    (cpu,) = [line for line in lines if line.startswith("CPU > 70 % for 5 min")]
    assert cpu.split()[7:11] == ["no", "no", "–", "no"] and cpu.rstrip().endswith("nightly")
    (uptime,) = [line for line in lines if line.startswith("Uptime")]
    assert uptime.rstrip().endswith("standard")


def test_a_rehearsal_is_planned_small_and_says_so(printed) -> None:
    out = printed("plan", "lectio", "--stage", "C", "--scale", "0.25")
    assert out.startswith("REHEARSAL   scaled to 0.25: a rehearsal\n")
    assert "100/s" in out
    assert "What can come out" in out
    found = json.loads(printed("plan", "lectio", "--stage", "C", "--scale", "0.25", "--json"))
    assert found["plan"]["levels"][1]["rate"]["value"] == 100
    assert found["outlook"][0].startswith("scaled to 0.25")
    assert found["possible"] == ["INCONCLUSIVE"]


def test_a_scale_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("plan", "lectio", "--stage", "A", "--scale", "2")) == 20
    assert "cannot be scaled to 2" in capsys.readouterr().err


def test_verify_refuses_it_before_anything_starts(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    assert run(("verify", "lectio", "--stage", "A", "--scale", "0", "--runs", str(tmp_path / "runs"))) == 20
    assert "cannot be scaled to 0" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
