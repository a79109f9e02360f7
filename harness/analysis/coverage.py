"""How far a run came: whether it was cut short, and which levels were measured to their end."""

from __future__ import annotations

import math

from harness.analysis.phases import load_second, measured
from harness.analysis.workers import LOST, lost_workers
from harness.model.evidence import Evidence
from harness.model.plan import Level

LOAD_END = "load-end"
"""Written by the generator when the plan's time is over; detail: reason, "complete" or none, else why it is not."""
GENERATOR_END = "generator-end"
"""The generator's last word; detail: reason, completed | interrupted | crashed: … | not started: …"""
RUN_END = "run-end"
"""The harness's last word, before it judges; detail: reason, complete | interrupted: Ctrl-C | aborted: <rule> | … A
harness that was killed leaves none, and watched nothing after that."""
COMPLETE = ("complete", "completed")
ASKED = ("interrupted", "aborted")
"""How the reason of an end begins that was asked for, and the events that note the asking."""
GENERATOR = "generator"
"""How the reason of an end begins that was the generator's own doing."""


def cut_short(evidence: Evidence) -> str:
    """Why and when the load, or the watch over it, ended before its plan did; empty when it did not."""
    if evidence.load_start_seconds is None:
        return "the load never began"
    run_end, generator_end = _reason(evidence, RUN_END), _reason(evidence, GENERATOR_END)
    if _loaded(evidence) and run_end in COMPLETE:
        return ""
    at = f"at {end_seconds(evidence):.0f} s of {evidence.plan.duration_seconds:.0f} s"
    if run_end.startswith("interrupted"):
        return f"{run_end.partition(': ')[2] or 'Ctrl-C'} {at}"
    if not run_end:
        return f"{at} the harness was ended: nothing more was written"
    if run_end not in COMPLETE:
        return f"{at} {run_end}"
    return f"{at} the generator stopped{': ' + generator_end if generator_end else ''}"


def generator_lost(evidence: Evidence) -> str:
    """What became of the generator, or of a worker of it, in a run that was cut short, if that went away before anybody
    asked for the end; empty when it did not. What such a run holds from then on is not sound."""
    if not cut_short(evidence) or evidence.load_start_seconds is None:
        return ""
    asked = [event.monotonic_seconds for event in evidence.events if event.name in ASKED]
    run_end = evidence.event(RUN_END)
    if run_end is None:  # the harness was killed, and the generator follows it
        asked.append(evidence.load_start_seconds + end_seconds(evidence))
    elif _reason(evidence, RUN_END).startswith(ASKED):
        asked.append(run_end.monotonic_seconds)
    until = min(asked, default=math.inf)
    for event in evidence.events:
        second = load_second(evidence, event.monotonic_seconds)
        if event.name in LOST and second is not None and second >= 0 and event.monotonic_seconds < until:
            worker = event.detail.get("worker", "")
            who = f"worker {worker} of the generator" if worker else "the generator"
            return f"{who} was lost at {second:.0f} s of {evidence.plan.duration_seconds:.0f} s"
    if _reason(evidence, RUN_END).startswith(GENERATOR):
        return cut_short(evidence)
    return ""


def end_seconds(evidence: Evidence) -> float:
    """Until when the load was applied and watched, in seconds of the load; 0 when it never began."""
    if evidence.load_start_seconds is None:
        return 0.0
    ends = [evidence.plan.duration_seconds]
    if not _loaded(evidence):
        ends.append(_stopped(evidence))
    if evidence.event(RUN_END) is None:
        ends.append(
            max((load_second(evidence, each.monotonic_seconds) or 0.0 for each in evidence.servers), default=0.0)
        )
    return max(0.0, min(ends))


def is_measured(evidence: Evidence, level: Level) -> bool:
    """Whether the level's measure phase was seen to its end."""
    return end_seconds(evidence) >= measured(level).end_seconds


def has_begun(evidence: Evidence, level: Level) -> bool:
    """Whether any of the level's load was applied."""
    return end_seconds(evidence) > level.start_seconds


def unresolved(evidence: Evidence, level: Level) -> int:
    """Requests that were still under way when the evidence ends, if they may belong to the level's measure phase."""
    over = measured(level).end_seconds + evidence.plan.request_timeout_seconds
    last = {sample.worker: sample for sample in evidence.generator}
    if end_seconds(evidence) >= over or not cut_short(evidence):
        lost = [last[name] for name, second in lost_workers(evidence).items() if second < over and name in last]
        return sum(sample.requests_in_flight + sample.waiting for sample in lost)
    end = evidence.event(GENERATOR_END)
    if end is not None and end.detail.get("reason") in COMPLETE:
        return 0
    if end is not None and "requests_in_flight" in end.detail:
        return int(end.detail["requests_in_flight"]) + int(end.detail.get("arrivals_waiting", 0))
    return sum(sample.requests_in_flight + sample.waiting for sample in last.values())


def open_jobs(evidence: Evidence) -> dict[str, float]:
    """The second of sending of each job that a run cut short did not wait for as long as the plan says."""
    if not cut_short(evidence):
        return {}
    sent: dict[str, float] = {}
    until: dict[str, float] = {}
    over: set[str] = set()
    last = max(
        [end_seconds(evidence), *(load_second(evidence, s.monotonic_seconds) or 0.0 for s in evidence.generator)]
    )
    for job in evidence.jobs:
        second = load_second(evidence, job.monotonic_seconds)
        if second is None:
            continue
        if job.state == "sent":
            sent.setdefault(job.id, second)
        elif job.state == "censored":
            until[job.id] = second
        elif job.state in ("finished", "failed", "rejected", "seen"):
            over.add(job.id)
    patience = evidence.plan.job_timeout_seconds
    return {
        identifier: second
        for identifier, second in sent.items()
        if identifier not in over and until.get(identifier, last) - second < patience
    }


def _stopped(evidence: Evidence) -> float:
    """When a load that was not completed stopped: by its own last word, else by what it wrote last."""
    for name in (LOAD_END, GENERATOR_END, RUN_END):
        event = evidence.event(name)
        if event is not None:
            return load_second(evidence, event.monotonic_seconds) or 0.0
    heard = [load_second(evidence, sample.monotonic_seconds) or 0.0 for sample in evidence.generator]
    return max(heard or [row.second + 1.0 for row in evidence.requests], default=0.0)


def _loaded(evidence: Evidence) -> bool:
    event = evidence.event(LOAD_END)
    return event is not None and event.detail.get("reason", "complete") in COMPLETE


def _reason(evidence: Evidence, name: str) -> str:
    event = evidence.event(name)
    return "" if event is None else str(event.detail.get("reason", ""))
