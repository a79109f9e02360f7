"""docs/your-own-system.md: its example is a system, and it names everything that a file may say."""

from __future__ import annotations

import re

from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES
from targets.loader import TARGETS_FOLDER, parse_target
from targets.vocabulary import KNOWN_FIGURES, SLIS

PAGE = (TARGETS_FOLDER.parent / "docs" / "your-own-system.md").read_text(encoding="utf-8")


def test_the_example_can_be_loaded_and_planned() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    target = parse_target(example, "example.toml")
    plan = build_plan(target, target.stage("1"), PROFILES[0], seed=7)
    assert [level.rate.value for level in plan.levels] == [50, 80, 240, 50]
    assert plan.thresholds_seconds == (0.5, 2.0)


def test_every_figure_and_every_sli_is_named() -> None:
    for name in (*KNOWN_FIGURES, *(sli.name for sli in SLIS)):
        assert f"`{name}`" in PAGE
