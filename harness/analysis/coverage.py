"""How far a run came: whether it was cut short, and which levels were measured to their end."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.phases import load_second, measured
from harness.model.evidence import Evidence
from harness.model.plan import Level

LOAD_END = "load-end"
"""Written by the generator; detail: reason, "complete" when every arrival of the plan has been accounted for."""
RUN_END = "run-end"
"""Written by the harness; detail: reason, complete | interrupted | aborted: <rule>."""
COMPLETE = "complete"


def cut_short(evidence: Evidence) -> str:
    """Why and when the load ended before its plan did; empty when it did not."""
    if evidence.load_start_seconds is None:
        return "the load never began"
    load_end, run_end = evidence.event(LOAD_END), evidence.event(RUN_END)
    loaded = load_end is not None and load_end.detail.get("reason") == COMPLETE
    reason = COMPLETE if run_end is None else str(run_end.detail.get("reason", "unknown"))
    if loaded and reason == COMPLETE:
        return ""
    at = f"at {end_seconds(evidence):.0f} s of {evidence.plan.duration_seconds:.0f} s"
    match reason:
        case "complete" if load_end is None:
            return f"{at} the harness or its generator was ended: nothing more was written"
        case "complete":
            return f"{at} the generator stopped: {load_end.detail.get('reason', 'unknown') if load_end else 'unknown'}"
        case "interrupted":
            return f"Ctrl-C {at}"
        case _:
            return f"{at} {reason}"


def end_seconds(evidence: Evidence) -> float:
    """Until when the load was applied and watched, in seconds of the load; 0 when it never began."""
    if evidence.load_start_seconds is None:
        return 0.0
    for name in (LOAD_END, RUN_END):
        event = evidence.event(name)
        if event is not None:
            if event.detail.get("reason") == COMPLETE and name == LOAD_END:
                return evidence.plan.duration_seconds
            return max(0.0, load_second(evidence, event.monotonic_seconds) or 0.0)
    return max((second for second in _last_seen(evidence)), default=0.0)


def is_measured(evidence: Evidence, level: Level) -> bool:
    """Whether the level's measure phase was seen to its end."""
    return end_seconds(evidence) >= measured(level).end_seconds


def has_begun(evidence: Evidence, level: Level) -> bool:
    """Whether any of the level's load was applied."""
    return end_seconds(evidence) > level.start_seconds


def unresolved(evidence: Evidence, level: Level) -> int:
    """Requests that were still under way when the evidence ends, if they may belong to the level's measure phase."""
    over = measured(level).end_seconds + evidence.plan.request_timeout_seconds
    if not cut_short(evidence) or end_seconds(evidence) >= over:
        return 0
    last = {sample.worker: sample for sample in evidence.generator}
    return sum(sample.requests_in_flight + sample.waiting for sample in last.values())


def _last_seen(evidence: Evidence) -> Iterator[float]:
    """The ends of what was written: of the generator, since it is its load that counts, else of the request rows."""
    heard = [load_second(evidence, sample.monotonic_seconds) or 0.0 for sample in evidence.generator]
    yield from heard or [row.second + 1.0 for row in evidence.requests]
