"""The table [browser]: what it says, and its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.model.target import Page
from harness.planning.budget import budget
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from targets.loader import TARGETS_FOLDER, load_target, parse_target

TEXT = (Path(TARGETS_FOLDER) / "flight-school.toml").read_text()


def test_the_schools_page_is_a_students() -> None:
    account = (("email", "student1@flight-school.test"), ("password", "flight-school"))
    assert load_target("flight-school").page == Page("/students/{user.id}", "/login", account, 2.0)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('every = "2 s"', 'every = "0.5 s"', 'browser.every: lies between "1 s" and "60 s"'),
        ('every = "2 s"', 'every = "2-3 s"', 'browser.every: lies between "1 s" and "60 s"'),
        ('every = "2 s"', 'evry = "2 s"', 'browser.evry: unknown key "evry"; did you mean "every"?'),
        ('sign_in = "/login"\n', "", "need sign_in"),
        ("[browser]", "[browsr]", "needs the table [browser]"),
    ],
)
def test_mistakes_are_named(old: str, new: str, mistake: str) -> None:
    assert old in TEXT
    with pytest.raises(TargetError) as error:
        parse_target(TEXT.replace(old, new, 1), "mine.toml")
    assert mistake in str(error.value.where)


@pytest.mark.parametrize(("profile", "views", "enough"), [("smoke", 15, True), ("standard", 90, True)])
def test_the_plan_says_how_many_views_there_will_be(profile: str, views: int, enough: bool) -> None:
    target = load_target("flight-school")
    stage = target.stage("0")
    plan = build_plan(target, stage, profile_named(profile), seed=7)
    rows = [row for row in budget(plan, stage).samples if row.slo_id == "first-paint"]
    assert [(row.expected, row.needed, row.counted, row.enough) for row in rows] == [
        (views, 11, "page views", enough)
    ] * 3
    assert 1.5 not in plan.thresholds_seconds, "the generator does not count paints"
