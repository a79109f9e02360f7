"""The trials of a capacity search: how long they take, and the load plan of one. Pure.

A trial is one level, named peak, at some rate: everything of the stage's mix (sessions, sockets, messages, uploads) is
multiplied by rate ÷ planned peak. There are no probe uploads: three of them in twenty seconds are a hundred times what
any plan has, and would be searched for instead of the mix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.errors import PlanError
from harness.model.capacity import SearchSettings
from harness.model.plan import Arrivals, LevelName, LoadPlan, PhaseName
from harness.model.slo import Slo
from harness.model.target import CapacityTarget, FlowKind, Stage
from harness.planning.budget import DELIVERY_CORE_SECONDS, MESSAGE_CORE_SECONDS, REQUEST_CORE_SECONDS, budget
from harness.planning.build import FLAT_SECONDS, build_level, peak_mix, plan_of_levels
from harness.planning.profiles import Profile

CONNECTS_PER_SECOND = 100.0
"""A trial settles for as long as it takes to open its sockets no faster than this: a storm of sign-ins would be
measured instead of the load. About as fast as a smoke run of Lectio's stage A on its way to 3x-peak."""

LEAST_BATCHES = 10
"""Of a trial's measure phase, as many as the shortest level of a run has."""

START_SECONDS = 10.0
"""Of each trial beside its load: the generator starts, its last requests end, the queues are looked at. Measured
on a 2-core virtual machine: 8 s."""

GENERATOR_CORES = 0.8
"""Of one core, by the dry run's own estimate: above it the generator's word would be worth nothing."""

DEEPEST = 32.0
"""A search goes no lower than the planned peak (or its first rate) ÷ this."""

UPLOAD_SLIS = ("jobs_finished_ratio", "job_end_to_end_seconds")
"""What cannot be observed in a trial in which no upload is due."""


@dataclass(frozen=True, slots=True)
class TrialProfile:
    """The lengths of a search's trials, in seconds.

    phases: ramp, settle, batches and drain of every trial, as of a run's profile of the same name, whose tests of
    steadiness hold. budget_seconds: for the whole search, without the start of the servers.
    """

    phases: Profile
    growth: float
    longest_extension: float
    confirmations: int
    confirm_seconds: float
    budget_seconds: float

    @property
    def name(self) -> str:
        """That of the run's profile."""
        return self.phases.name


# A confirmation is at least as long as the longest extension (docs/adr/0004).
TRIAL_PROFILES: tuple[TrialProfile, ...] = (
    TrialProfile(
        Profile("smoke", 2, 5, 20, 2, 1, 0, False, 60, "20-s trials, 3 confirmations of 40 s, within 20 minutes"),
        growth=1.5,
        longest_extension=2,
        confirmations=3,
        confirm_seconds=40,
        budget_seconds=20 * 60,
    ),
    TrialProfile(
        Profile(
            "standard", 5, 20, 60, 3, 5, 0, False, 120, "60-s trials, 3 confirmations of 3 minutes, within 2 hours"
        ),
        growth=1.5,
        longest_extension=3,
        confirmations=3,
        confirm_seconds=180,
        budget_seconds=2 * 60 * 60,
    ),
    TrialProfile(
        Profile(
            "nightly", 10, 60, 150, 10, 10, 0, False, 300, "150-s trials, 3 confirmations of 5 min, within 4 hours"
        ),
        growth=1.5,
        longest_extension=2,
        confirmations=3,
        confirm_seconds=300,
        budget_seconds=4 * 60 * 60,
    ),
)
"""The profiles; the first is the default."""


def trial_profile_named(name: str) -> TrialProfile:
    """The profile of that name. Raises PlanError."""
    for profile in TRIAL_PROFILES:
        if profile.name == name.lower():
            return profile
    names = ", ".join(profile.name for profile in TRIAL_PROFILES)
    raise PlanError(f'no profile is called "{name}"', "--profile", f"profiles: {names}")


def trial_plan(
    target: CapacityTarget,
    stage: Stage,
    profile: TrialProfile,
    rate_per_second: float,
    measure_seconds: float,
    *,
    seed: int,
    arrivals: Arrivals = Arrivals.POISSON,
) -> LoadPlan:
    """The load plan of one trial. Raises PlanError when the stage lacks a figure."""
    peak = peak_mix(target, stage)
    mix = peak.times(rate_per_second / peak.rate.value)
    phases = trial_lengths(profile.phases, measure_seconds, mix.users.value)
    level = build_level(target, stage, phases, mix, LevelName.PEAK, start_seconds=0.0)
    return plan_of_levels(target, stage, phases, (level,), seed=seed, arrivals=arrivals)


def trial_lengths(phases: Profile, measure_seconds: float, sockets: float) -> Profile:
    """The profile with that measure phase, in whole batches, and time enough to open the sockets."""
    batches = max(LEAST_BATCHES, round(measure_seconds / phases.batch_seconds))
    opening = sockets / CONNECTS_PER_SECOND + FLAT_SECONDS - phases.ramp_seconds
    return replace(
        phases,
        settle_seconds=max(phases.settle_seconds, float(math.ceil(opening))),
        measure_seconds=measure_seconds,
        batch_seconds=measure_seconds / batches,
    )


def trial_stage(stage: Stage, plan: LoadPlan) -> Stage:
    """The stage with the SLOs that a trial is judged by: those of the peak, facts included, at the peak alone; without
    those on uploads when none is due in the trial."""
    uploads = uploads_due(plan)
    slos = (slo for slo in stage.slos if LevelName.PEAK in slo.levels and (uploads or not _on_uploads(slo)))
    return replace(stage, slos=tuple(replace(slo, levels=(LevelName.PEAK.value,)) for slo in slos))


def uploads_due(plan: LoadPlan) -> int:
    """Uploads that the scheduler will make of the plan's rates: the expected number, rounded (docs/adr/0001)."""
    flows = {flow.name for flow in plan.flows if flow.kind is FlowKind.UPLOAD}
    segments = (segment for stream in plan.streams if stream.flow in flows for segment in stream.segments)
    return math.floor(sum(segment.expected_arrivals for segment in segments) + 0.5 + 1e-9)


def _on_uploads(slo: Slo) -> bool:
    return slo.sli in UPLOAD_SLIS


def search_settings(
    target: CapacityTarget,
    stage: Stage,
    profile: TrialProfile,
    *,
    first_rate_per_second: float | None = None,
    width: float = 0.05,
    budget_seconds: float | None = None,
) -> SearchSettings:
    """What the search is asked for. It begins at the planned peak unless told otherwise, and never goes where the
    generator, by the dry run's estimate, could not be believed. Raises PlanError."""
    if not any(LevelName.PEAK in slo.levels for slo in stage.slos):
        raise PlanError(
            f"stage {stage.name} of {target.title} promises nothing at its peak, so that no trial could be judged",
            f"{target.name} › stage {stage.name} › slos",
            'add "peak" to the levels of its SLOs',
        )
    peak = peak_mix(target, stage).rate.value
    first = peak if first_rate_per_second is None else first_rate_per_second
    highest = highest_rate(target, stage, profile)
    if not 0 < first <= highest:
        raise PlanError(
            f"a search cannot begin at {first:g}/s: one load generator sends at most {highest:.0f}/s of this mix",
            "--from",
            f"a rate above 0 and up to {highest:.0f}/s",
        )
    load = trial_plan(target, stage, profile, first, profile.phases.measure_seconds, seed=0)
    measure = load.levels[0].phase(PhaseName.MEASURE).duration_seconds
    return SearchSettings(
        first_rate_per_second=first,
        growth=profile.growth,
        width=width,
        trial_seconds=profile.phases.measure_seconds,
        longest_extension=profile.longest_extension,
        confirmations=profile.confirmations,
        confirm_seconds=profile.confirm_seconds,
        overhead_seconds=START_SECONDS + load.duration_seconds - measure,
        budget_seconds=profile.budget_seconds if budget_seconds is None else budget_seconds,
        lowest_rate_per_second=min(first, peak) / DEEPEST,
        highest_rate_per_second=highest,
    )


def highest_rate(target: CapacityTarget, stage: Stage, profile: TrialProfile) -> float:
    """The rate at which the generator would use GENERATOR_CORES while it measures: its cost is in proportion to the
    rate (ESTIMATED). Opening the sockets is left out: that ends before, and is never faster than
    CONNECTS_PER_SECOND."""
    peak = peak_mix(target, stage).rate.value
    plan = trial_plan(target, stage, profile, peak, profile.phases.measure_seconds, seed=0)
    level = budget(plan, trial_stage(stage, plan)).levels[0]
    cores = (
        level.rate_per_second * REQUEST_CORE_SECONDS
        + level.message_rate_per_second * MESSAGE_CORE_SECONDS
        + level.delivery_rate_per_second * DELIVERY_CORE_SECONDS
    )
    return peak * GENERATOR_CORES / cores
