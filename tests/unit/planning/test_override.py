"""Assumed figures can be set on the command line, and no others."""

from __future__ import annotations

import pytest

from harness.errors import PlanError
from harness.model.figure import Provenance
from harness.planning.build import build_plan
from harness.planning.override import override
from harness.planning.profiles import PROFILES
from targets.loader import load_target

LECTIO = load_target("lectio")


def test_an_assumed_figure_takes_another_value_and_says_what_it_was() -> None:
    stage = override(LECTIO.stage("A"), ["normal_rps=40/s", "think_time = 1-2 s"])
    normal = stage.figure("normal_rps")
    assert (normal.value, normal.provenance) == (40, Provenance.ASSUMED)
    assert normal.note.startswith("set on the command line; the file assumes 50/s: the plan gives no normal level")
    plan = build_plan(LECTIO, stage, PROFILES[0], seed=7)
    assert plan.level("normal").rate.value == 40
    assert plan.think_seconds == (1, 2)
    assert normal in plan.assumptions
    assert override(LECTIO.stage("A"), []) == LECTIO.stage("A")


def test_every_setting_that_cannot_be_is_named() -> None:
    settings = ["peak_rps=10/s", "upload_rate=1/h", "normal_rp=1/s", "normal_rps", "normal_users=5 s", "room_sizes=1"]
    settings += ["proof_factor=2", "think_time=1 s", "think_time=2 s"]
    with pytest.raises(PlanError, match="stage A cannot be changed so") as caught:
        override(LECTIO.stage("A"), settings)
    stated, derived, close, form, unit, unknown, bare, twice = caught.value.where
    assert stated.startswith("peak_rps=10/s: is stated, from lectio-space.md › Stage A")
    assert derived.startswith("upload_rate=1/h: is derived, from")
    assert close == 'normal_rp=1/s: no figure is called so; did you mean "normal_rps"?'
    assert form == "normal_rps: write NAME=VALUE"
    assert unit == "normal_users=5 s: is in seconds, but normal_users is in count"
    assert unknown == 'room_sizes=1: no figure is called so; did you mean "room_size"?'
    assert bare.startswith('proof_factor=2: "2" has no unit')
    assert twice == "think_time=2 s: is set twice"
