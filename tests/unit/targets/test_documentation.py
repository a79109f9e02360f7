"""docs/your-own-system.md: its example is a system, and it names everything that a file may say."""

from __future__ import annotations

import re

from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES
from targets.loader import TARGETS_FOLDER, parse_target
from targets.vocabulary import KNOWN_FIGURES, SLIS

PAGE = (TARGETS_FOLDER.parent / "docs" / "your-own-system.md").read_text(encoding="utf-8")


def test_the_example_can_be_loaded_and_planned() -> None:
    example, *_ = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    target = parse_target(example, "example.toml")
    plan = build_plan(target, target.stage("1"), PROFILES[0], seed=7)
    assert [level.rate.value for level in plan.levels] == [50, 80, 240, 50]
    assert plan.thresholds_seconds == (0.5, 2.0)


def test_every_figure_and_every_sli_is_named() -> None:
    for name in (*KNOWN_FIGURES, *(sli.name for sli in SLIS)):
        assert f"`{name}`" in PAGE


def test_the_rules_that_it_shows_are_rules() -> None:
    example, *rules = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    target = parse_target("\n".join([example, *rules]), "example.toml")
    found = {rule.id: rule.condition for rule in target.stage("1").rules}
    assert found == {
        "cpu-up": "> 70 % for 5 min",
        "p95-up": "p95 > 1 s for 3 min",
        "redis-memory": "> 80 % with redis evictions per second",
        "cpu-target": "50 % to 70 %",
        "uptime": "≥ 99.9 %",
    }
    plan = build_plan(target, target.stage("1"), PROFILES[0], seed=7)
    assert plan.thresholds_seconds == (0.5, 1.0, 2.0)
