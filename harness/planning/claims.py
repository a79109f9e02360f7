"""The pairs of runs that measure a plan's claims of improvement: which load, which switches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import ConfigError, PlanError
from harness.model.plan import Arrivals, LevelName, LoadPlan
from harness.model.target import CapacityTarget, Claim, Stage, Switch
from harness.planning.build import build_level, normal_mix, plan_of_levels
from harness.planning.switches import switched
from harness.planning.trials import TrialProfile, trial_lengths

START_SECONDS = 35.0
"""Of each run beside its load: its own servers start and stop, the generator starts. Measured on a 2-core virtual
machine: 30 s to 40 s."""

HARMFUL = (Switch.N_PLUS_ONE,)
"""Switches whose being on is the state before the improvement."""


def claims_to_measure(target: CapacityTarget, wanted: Sequence[str]) -> tuple[Claim, ...]:
    """Those with a switch, or those asked for by their ids; claims of one switch are neighbours, since one pair of runs
    measures them all. Raises ConfigError."""
    by_id = {claim.id: claim for claim in target.claims}
    for name in wanted:
        if name not in by_id:
            known = ", ".join(by_id) or "none"
            raise ConfigError(f'{target.title} has no claim "{name}"', "--claim", f"claims: {known}")
        if by_id[name].switch is None:
            raise ConfigError(f'nothing switches what the claim "{name}" speaks of', "--claim", by_id[name].text)
    found = [claim for claim in target.claims if claim.switch is not None and (not wanted or claim.id in wanted)]
    if not found:
        raise ConfigError(
            f"{target.title} claims nothing that the reference application can switch", target.name, "add [[claims]]"
        )
    order = list(Switch)
    return tuple(sorted(found, key=lambda claim: order.index(claim.switch or order[0])))


def side(stage: Stage, switch: Switch, *, improved: bool) -> tuple[Stage, tuple[str, ...]]:
    """The stage with or without the improvement, and its deviations in words. Only what is promised at the normal level
    stays: there is no other."""
    on = improved != (switch in HARMFUL)
    changed, words = switched(stage, [switch] if on else [], [] if on else [switch])
    slos = tuple(replace(slo, levels=(LevelName.NORMAL.value,)) for slo in stage.slos if LevelName.NORMAL in slo.levels)
    return replace(changed, slos=slos, rules=()), words


def pair_plan(
    target: CapacityTarget,
    stage: Stage,
    profile: TrialProfile,
    *,
    seed: int,
    rate_per_second: float | None = None,
    measure_seconds: float | None = None,
) -> LoadPlan:
    """The load of every run of a pair: the normal level, or its mix at another rate. Raises PlanError."""
    mix = normal_mix(target, stage)
    if rate_per_second is not None:
        if rate_per_second <= 0:
            raise PlanError("a rate is above 0", "--rate")
        mix = mix.times(rate_per_second / mix.rate.value)
    seconds = profile.phases.measure_seconds if measure_seconds is None else measure_seconds
    phases = trial_lengths(profile.phases, seconds, mix.users.value)
    level = build_level(target, stage, phases, mix, LevelName.NORMAL, start_seconds=0.0)
    return plan_of_levels(target, stage, phases, (level,), seed=seed, arrivals=Arrivals.POISSON)


def pair_seconds(plan: LoadPlan) -> float:
    """How long a pair takes, about (ESTIMATED)."""
    return 2 * (plan.duration_seconds + START_SECONDS)
