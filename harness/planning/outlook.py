"""What can come out of a run, said before it: what host, profile and rates allow to be decided. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.hostsize import HostSize
from harness.model.plan import LevelName
from harness.model.rule import duration_words
from harness.model.run import scale_words
from harness.model.verdict import Outcome
from harness.planning.budget import Budget, LevelBudget, SampleBudget
from harness.planning.profiles import profile_named

WORKER_CORES = 0.85
"""Of one core, before a worker of the generator counts as saturated (methodology §5)."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """possible: PASS and FAIL, as far as a sound run of the stage can end so, and INCONCLUSIVE, which every run can
    (an unsound one is INVALID anywhere). said: sentences, the farthest-reaching first, each with whether it stands in
    the way of an outcome."""

    possible: tuple[Outcome, ...]
    said: tuple[tuple[str, bool], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that there is to say."""
        return tuple(line for line, _ in self.said)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why not everything is possible."""
        return tuple(line for line, hinders in self.said if hinders)

    @property
    def words(self) -> str:
        """``PASS or INCONCLUSIVE``."""
        if len(self.possible) == 1:
            return f"only {self.possible[0]}"
        return f"{', '.join(self.possible[:-1])} or {self.possible[-1]}"


def outlook(cost: Budget, profile: str, host: HostSize, scale: float = 1.0, *, cpu_cores: float = math.inf) -> Outlook:
    """For that host. cpu_cores: those that it has. Rules are in the budget: what a run is too short for has no say."""
    rehearsal = scale_words(scale)
    open_rows = tuple(sample for sample in cost.samples if not sample.enough)
    too_much = tuple(level for level in cost.levels if level.generator_cores >= cpu_cores)
    below_proof = any(level.level is not LevelName.PROOF for level in too_much)
    possible = (
        *([Outcome.PASS] if not (rehearsal or open_rows or too_much) else []),
        *([Outcome.FAIL] if not (rehearsal or host.smaller or below_proof) else []),
        Outcome.INCONCLUSIVE,
    )
    said = (
        *([(f"{rehearsal}; neither a PASS nor a FAIL of the stage can come out of it", True)] if rehearsal else []),
        *_sizes(host),
        *_generator(cost, too_much, cpu_cores),
        *_rows(cost, open_rows, profile, possible),
    )
    return Outlook(possible, said)


def _sizes(host: HostSize) -> Iterable[tuple[str, bool]]:
    if host.smaller:
        unproven = "a FAIL cannot be proven, but by a lost write; a PASS would stand"
        yield f"the host is smaller than the stage ({host.smaller}): {unproven}", True
    if host.larger:
        limits = "a PASS needs its limits enforced, else it is INVALID"
        yield f"the host is larger than the stage ({host.larger}): {limits}", False


def _generator(cost: Budget, too_much: tuple[LevelBudget, ...], cpu_cores: float) -> Iterable[tuple[str, bool]]:
    """What offering the load takes: more than the host has, or more than one process can use."""
    if too_much:
        first = too_much[0]
        needs = f"the load generator alone needs about {first.generator_cores:.2g} CPUs at {first.level} (ESTIMATED)"
        yield f"{needs}, this host has {cpu_cores:g}, the servers' among them: no PASS is to be expected", True
    elif cost.generator_cores > WORKER_CORES:
        workers = math.ceil(cost.generator_cores / WORKER_CORES)
        needs = f"the load generator may need about {cost.generator_cores:.2g} CPUs (ESTIMATED)"
        yield f"{needs}, more than one process can use: --workers {workers}", True


def _rows(
    cost: Budget, open_rows: tuple[SampleBudget, ...], profile: str, possible: tuple[Outcome, ...]
) -> Iterable[tuple[str, bool]]:
    if not open_rows:
        both = {Outcome.PASS, Outcome.FAIL} <= set(possible)
        words = f"profile {profile} is long enough for every row"
        yield f"{words}: PASS and FAIL can both come out" if both else words, False
        return
    these = f"{len(open_rows)} of {len(cost.samples)} rows can only be INCONCLUSIVE in profile {profile}"
    those = "; a FAIL can still be proven by one of those" if Outcome.FAIL in possible else ""
    yield f"{these}, and so is a run that passes all others{those}", True
    longest = max((row.run_seconds for row in open_rows if row.run_seconds is not None), default=None)
    if longest is not None:
        named = {row.profile for row in open_rows if row.run_seconds is not None}
        fits = "" if "" in named else f", such as profile {max(named, key=_length)}"
        takes = "no profile is so long; rates are not raised for it" if not fits else "at the plan's own rates"
        yield f"all of them that time can decide take a run of {duration_words(round(longest))}{fits}: {takes}", True
    never = [row for row in open_rows if row.run_seconds is None]
    for title in dict.fromkeys(row.title for row in never):
        levels = ", ".join(row.level for row in never if row.title == title)
        reason = next(row.reason for row in never if row.title == title)
        yield f"no run of this load decides {title} at {levels}: {reason}", True


def _length(profile: str) -> float:
    return profile_named(profile).measure_seconds
