"""The phases' lengths (methodology §3)."""

from __future__ import annotations

import pytest

from harness.errors import PlanError
from harness.planning.profiles import PROFILES, Profile, profile_named


@pytest.mark.parametrize(
    ("name", "ramp", "settle", "measure", "batches", "batch", "minutes"),
    [
        ("smoke", 3, 7, 30, 10, 3, 3),
        ("standard", 10, 60, 180, 20, 9, 17),
        ("nightly", 20, 60, 600, 20, 30, 47),
    ],
)
def test_the_table_of_the_methodology(
    name: str, ramp: float, settle: float, measure: float, batches: int, batch: float, minutes: int
) -> None:
    profile = profile_named(name)
    assert (profile.ramp_seconds, profile.settle_seconds, profile.measure_seconds) == (ramp, settle, measure)
    assert (profile.batches, profile.batch_seconds) == (batches, batch)
    assert round(4 * profile.level_seconds / 60) == minutes


def test_an_unknown_profile_names_those_that_there_are() -> None:
    with pytest.raises(PlanError, match='no profile is called "smok"') as caught:
        profile_named("smok")
    assert caught.value.hint == "profiles: smoke, standard, nightly"
    assert profile_named("SMOKE") is PROFILES[0]


def test_a_measure_phase_is_a_whole_number_of_batches() -> None:
    with pytest.raises(ValueError, match="whole number of batches"):
        Profile("odd", 1, 1, 10, 3, 1, 0, False, 60, "")
    with pytest.raises(ValueError, match="needs a length"):
        Profile("none", 0, 1, 10, 5, 1, 0, False, 60, "")
