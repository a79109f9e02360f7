"""What must not happen, counted: kills for want of memory, servers that died, acknowledged writes that were lost."""

from __future__ import annotations

from harness.analysis.coverage import is_measured
from harness.analysis.means import MOST_GAPS
from harness.analysis.observations import Fact, Observation, Unobserved
from harness.analysis.phases import load_second, measured
from harness.model.evidence import Evidence
from harness.model.plan import Level, LevelName

PROCESS_DIED = "process-died"
"""Event of the harness: a server's main process (nginx, gunicorn, Celery, PostgreSQL…) ended by itself."""


def oom_kills(evidence: Evidence, level: Level) -> Observation:
    """Processes of the stack killed for want of memory, from the counter of its cgroup or of the host."""
    start, end = _span(evidence, level)
    before: tuple[float, float] | None = None
    last: tuple[float, float] | None = None
    for sample in evidence.servers:
        second = load_second(evidence, sample.monotonic_seconds)
        if second is None or sample.source != "stack" or "oom_kills_total" not in sample.values:
            continue
        now = second, sample.values["oom_kills_total"]
        if second < start:
            before = now
        elif second < end:
            before = now if before is None else before
            last = now
    if last is None or before is None:
        return Unobserved("no sampler could count out-of-memory kills")
    count = max(0, round(last[1] - before[1]))
    if not count:
        # The counter only grows, so that a gap hides nothing unless it lies at an end.
        levels = evidence.plan.levels if level.name is LevelName.PROOF else (level,)
        watched = [each for each in levels if is_measured(evidence, each)] or [level]
        slack = MOST_GAPS * measured(level).duration_seconds
        if before[0] > watched[0].start_seconds + slack or last[0] < measured(watched[-1]).end_seconds - slack:
            return Unobserved(f"out-of-memory kills were only counted from {before[0]:.0f} s to {last[0]:.0f} s")
    return Fact(count, _number(count, "process was killed", "processes were killed") + " for want of memory")


def server_crashes(evidence: Evidence, level: Level) -> Observation:
    """Main processes of the servers that ended by themselves; recycled workers are no crashes."""
    if evidence.manifest.stack == "external":
        return Unobserved("the processes of an external stack are not watched")
    start, end = _span(evidence, level)
    died: list[str] = []
    for event in evidence.events:
        second = load_second(evidence, event.monotonic_seconds)
        if event.name == PROCESS_DIED and second is not None and start <= second < end:
            name = str(event.detail.get("process", event.detail.get("name", "a server")))
            died.append(f"{name} at {second:.0f} s")
    return Fact(len(died), "no server died" if not died else "died: " + ", ".join(died))


def lost_writes(evidence: Evidence, level: Level) -> Observation:
    """Writes that the system acknowledged in this level and that the database does not hold after the drain.

    At 3x-peak those of the whole run: surviving means that nothing at all was lost. A lost write whose time is unknown
    counts at every level.
    """
    found = evidence.reconciliation
    if found is None:
        return Unobserved("the run ended before its writes could be compared with the database")
    if not found.checked:
        return Unobserved(f"the writes could not be compared with the database: {found.reason or 'no reason given'}")
    start, end = _span(evidence, level)
    times = {write.id: load_second(evidence, write.monotonic_seconds) for write in evidence.acknowledged}
    # The reconciliation names a write by its kind and id, since ids are unique within a kind only.
    named = {f"{write.kind} {write.id}": times[write.id] for write in evidence.acknowledged}

    def here(identifier: str) -> bool:
        second = named.get(identifier, times.get(identifier))
        return second is None or start <= second < end

    lost = sum(here(identifier) for identifier in found.missing)
    written = sum(second is not None and start <= second < end for second in named.values())
    if lost:  # a fact, however many others were not compared
        words = "acknowledged write" if written == 1 else "acknowledged writes"
        return Fact(lost, f"{lost:,} of {written:,} {words} {'is' if lost == 1 else 'are'} not in the database")
    if found.acknowledged < len(named):
        return Unobserved(
            f"only {found.acknowledged:,} of {len(named):,} acknowledged writes were compared with the database"
        )
    if not written:
        return Unobserved("no write was acknowledged, so that none could be lost")
    return Fact(
        0,
        "the one acknowledged write was not lost"
        if written == 1
        else f"none of {written:,} acknowledged writes was lost",
    )


def _span(evidence: Evidence, level: Level) -> tuple[float, float]:
    """Where a level's facts count: in the level, and at 3x-peak in the whole run, since that is what it survives."""
    if level.name is LevelName.PROOF:
        return float("-inf"), float("inf")
    last = level is evidence.plan.levels[-1]
    return level.start_seconds, float("inf") if last else level.end_seconds


def _number(count: int, one: str, many: str) -> str:
    return f"no {one}" if count == 0 else f"{count} {one if count == 1 else many}"
