"""How long a run takes: the lengths of a level's phases, by profile (methodology §3)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import PlanError


@dataclass(frozen=True, slots=True)
class Profile:
    """The lengths of a level's phases, in seconds; every level has the same.

    batch_seconds: length of a batch of the measure phase; ``measure_seconds`` is a whole number of them.
    probe_uploads: marked uploads outside of the plan's rate, over a level's measure phase, so that the flow carries
    load where the plan's rate gives not even one upload. always_probe: also where it gives some.
    job_timeout_seconds: how long an upload's job is waited for before it counts as bad.
    """

    name: str
    ramp_seconds: float
    settle_seconds: float
    measure_seconds: float
    batch_seconds: float
    drain_seconds: float
    probe_uploads: int
    always_probe: bool
    job_timeout_seconds: float
    about: str

    def __post_init__(self) -> None:
        if min(self.ramp_seconds, self.settle_seconds, self.measure_seconds, self.batch_seconds) <= 0:
            raise ValueError(f"{self.name}: a phase needs a length")
        if abs(self.measure_seconds / self.batch_seconds - self.batches) > 1e-9:
            raise ValueError(f"{self.name}: the measure phase is no whole number of batches")

    @property
    def batches(self) -> int:
        """Batches of the measure phase."""
        return round(self.measure_seconds / self.batch_seconds)

    @property
    def level_seconds(self) -> float:
        """The length of one level."""
        return self.ramp_seconds + self.settle_seconds + self.measure_seconds + self.drain_seconds


PROFILES: tuple[Profile, ...] = (
    Profile("smoke", 3, 7, 30, 3, 3, 3, True, 60, "about 3 minutes: does it hold at all?"),
    Profile("standard", 10, 60, 180, 9, 10, 3, False, 120, "about 20 minutes: steadiness tested"),
    Profile("nightly", 20, 60, 600, 30, 20, 3, False, 300, "about 50 minutes: narrow intervals"),
)
"""The profiles; the first is the default."""


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises PlanError."""
    for profile in PROFILES:
        if profile.name == name.lower():
            return profile
    names = ", ".join(profile.name for profile in PROFILES)
    raise PlanError(f'no profile is called "{name}"', "--profile", f"profiles: {names}")
