"""What can come out of a run, said before it: what host, profile and rates allow to be decided. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.hostsize import HostSize
from harness.model.rule import duration_words
from harness.model.run import scale_words
from harness.planning.budget import Budget
from harness.planning.profiles import profile_named


def outlook(cost: Budget, profile: str, host: HostSize, scale: float = 1.0) -> tuple[str, ...]:
    """A line each, the farthest-reaching first. Rules are in the budget: what a run is too short for has no say."""
    return tuple(_lines(cost, profile, host, scale))


def _lines(cost: Budget, profile: str, host: HostSize, scale: float) -> Iterable[str]:
    rehearsal = scale_words(scale)
    if rehearsal:
        yield f"{rehearsal}; neither a PASS nor a FAIL of the stage can come out of it"
    if host.smaller:
        yield f"the host is smaller than the stage ({host.smaller}): a FAIL cannot be proven, a PASS stands"
    if host.larger:
        yield f"the host is larger than the stage ({host.larger}): a PASS needs its limits enforced, else it is INVALID"
    open_rows = [sample for sample in cost.samples if not sample.enough]
    if not open_rows:
        both = "" if rehearsal or host.smaller else ": PASS and FAIL can both come out"
        yield f"profile {profile} is long enough for every row{both}"
        return
    total = len(cost.samples)
    yield (
        f"{len(open_rows)} of {total} rows can only be INCONCLUSIVE in profile {profile}, and so is a run that passes "
        "all others" + ("" if host.smaller or rehearsal else "; a FAIL can still be proven by one of those")
    )
    longest = max((row.run_seconds for row in open_rows if row.run_seconds is not None), default=None)
    if longest is not None:
        named = {row.profile for row in open_rows if row.run_seconds is not None}
        fits = "" if "" in named else f", such as profile {max(named, key=_length)}"
        takes = "no profile is so long; rates are not raised for it" if not fits else "at the plan's own rates"
        yield f"all of them that time can decide take a run of {duration_words(round(longest))}{fits}: {takes}"
    never = [row for row in open_rows if row.run_seconds is None]
    for title in dict.fromkeys(row.title for row in never):
        levels = ", ".join(row.level for row in never if row.title == title)
        reason = next(row.reason for row in never if row.title == title)
        yield f"no run of this load decides {title} at {levels}: {reason}"


def _length(profile: str) -> float:
    return profile_named(profile).measure_seconds
