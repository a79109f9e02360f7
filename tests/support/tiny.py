"""Sound evidence of any load plan, in simulated time: the real schedule's arrivals, each session as the plan has it.

Unlike ``make_evidence`` it has no rate of its own, so that plans of a few requests look as they do in a real run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from harness.analysis.histogram import distribution_of
from harness.model.evidence import Evidence, Subject
from harness.model.plan import LoadPlan
from harness.model.samples import Event, GeneratorSample, JobEvent, Reconciliation, RequestRow
from harness.model.target import CapacityTarget, FlowKind, Stage
from harness.planning.schedule import Arrival, held_at, schedule
from tests.support.evidence import START, WALL, make_evidence


@dataclass(frozen=True)
class Request:
    """One request or message: its intended start, its end, where it went."""

    start: float
    end: float
    endpoint: str
    flow: str
    kind: str
    probe: bool
    receivers: int = 0


def simulate(
    target: CapacityTarget, stage: Stage, plan: LoadPlan, *, seed: int = 1, phase: float = 0.3, response: float = 0.02
) -> Evidence:
    """phase: of the generator's samples, in seconds after the load's own. response: the mean, in seconds."""
    random = Random(seed)
    arrivals = tuple(schedule(plan))
    sessions = [tuple(_session(plan, arrival, random, response)) for arrival in arrivals]
    requests = sorted((each for session in sessions for each in session), key=lambda each: each.start)
    jobs = tuple(_jobs(plan, arrivals))
    end = plan.duration_seconds
    made_up = make_evidence()
    nginx = Counter(int(each.start + 0.0005) for each in requests if each.kind in ("http", "upload"))
    return Evidence(
        subject=Subject(target.name, target.title, target.document, stage),
        manifest=replace(made_up.manifest, system=target.name, stage=stage.name, profile=plan.profile),
        plan=plan,
        load_start_seconds=START,
        requests=tuple(_rows(plan, requests)),
        servers=tuple(sample for sample in made_up.servers if sample.monotonic_seconds < START + end),
        generator=tuple(_samples(plan, arrivals, sessions, requests, phase)),
        events=(_event(0, "load-start"), _event(end, "load-end"), _event(end + 9, "run-end", reason="complete")),
        acknowledged=(),
        jobs=jobs,
        reconciliation=Reconciliation(True, 0, 0, ()),
        nginx_requests=tuple(sorted(nginx.items())),
    )


def _event(second: float, name: str, **detail: object) -> Event:
    return Event(START + second, WALL + second, name, detail)


def _session(plan: LoadPlan, arrival: Arrival, random: Random, response: float) -> Iterable[Request]:
    flow, at = plan.flow(arrival.flow), arrival.seconds
    if flow.kind is FlowKind.SOCKETIO:
        receivers = plan.room_size - 1
        yield Request(at, at + response, "socket ack", flow.name, "socketio", arrival.probe, receivers)
        return
    upload = flow.kind is FlowKind.UPLOAD
    for step in range(random.randint(1, 6) if upload else int(flow.http_steps)):
        end = at + random.uniform(0.5, 1.5) * response
        kind = "upload" if upload and not step else "http"
        yield Request(at, end, "POST /x" if upload and not step else "GET /x", flow.name, kind, arrival.probe)
        at = end + (1.0 if upload else random.uniform(*plan.think_seconds))


def _rows(plan: LoadPlan, requests: list[Request]) -> Iterable[RequestRow]:
    groups: dict[tuple[int, str, str, str, bool], list[Request]] = defaultdict(list)
    for each in requests:
        groups[int(each.start), each.endpoint, each.flow, each.kind, each.probe].append(each)
    for (second, endpoint, flow, kind, probe), group in groups.items():
        yield _row(plan, second, endpoint, flow, kind, probe, [each.end - each.start for each in group], 0)
        heard = sum(each.receivers for each in group)
        if heard:
            times = [0.02] * heard
            yield _row(plan, second, "socket delivery", flow, kind, probe, times, heard)


def _row(
    plan: LoadPlan, second: int, endpoint: str, flow: str, kind: str, probe: bool, times: list[float], expected: int
) -> RequestRow:
    found = distribution_of(times)
    exceeded = {bound: sum(value > bound for value in times) for bound in plan.thresholds_seconds}
    return RequestRow(
        second, endpoint, flow, kind, len(times), 0, 0, 0, found, found, exceeded, probe=probe, expected=expected
    )


def _samples(
    plan: LoadPlan,
    arrivals: tuple[Arrival, ...],
    sessions: list[tuple[Request, ...]],
    requests: list[Request],
    phase: float,
) -> Iterable[GeneratorSample]:
    ends = [session[-1].end for session in sessions]
    for second in range(int(plan.duration_seconds) + 12):
        now = second + phase
        intended = sum(arrival.seconds <= now for arrival in arrivals)
        over = sum(end <= now for end in ends)
        begun = [each for each in requests if each.start <= now]
        done = [each for each in begun if each.end <= now]
        yield GeneratorSample(
            monotonic_seconds=START + now,
            worker="local",
            cpu_ratio=0.03,
            loop_lag_p99_seconds=0.001,
            loop_lag_max_seconds=0.002,
            schedule_lag_p99_seconds=0.001,
            schedule_lag_max_seconds=0.002,
            intended=intended,
            started=intended,
            completed=over,
            failed=0,
            dropped=0,
            late=0,
            in_flight=intended - over,
            waiting=0,
            requests_started=len(begun),
            requests_completed=len(done),
            requests_failed=0,
            requests_in_flight=len(begun) - len(done),
            busy_seconds=sum(min(each.end, now) - each.start for each in begun),
            service_sum_seconds=sum(each.end - each.start for each in done),
            sockets=held_at(plan.held, now),
            rss_bytes=1,
        )


def _jobs(plan: LoadPlan, arrivals: tuple[Arrival, ...]) -> Iterable[JobEvent]:
    for index, arrival in enumerate(arrivals):
        if plan.flow(arrival.flow).kind is FlowKind.UPLOAD:
            for state, after in (("sent", 0.0), ("accepted", 0.1), ("finished", 2.0)):
                yield JobEvent(START + arrival.seconds + after, f"job-{index}", state, {"probe": arrival.probe})
