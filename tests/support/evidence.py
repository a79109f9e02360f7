"""A made-up smoke run of Lectio stage A, as evidence in memory, with knobs for what goes wrong.
The plan is in ``tests.support.lectio``.

``make_evidence()`` is a sound run that passes. Everything is computed from the seed: two calls with the same knobs give
equal evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random

from harness.analysis.histogram import EMPTY, distribution_of
from harness.model.evidence import Evidence, Subject
from harness.model.plan import Level, LevelName, PhaseName
from harness.model.run import SCHEMA_VERSION, HostFingerprint, Manifest, ReadBack
from harness.model.samples import (
    AcknowledgedWrite,
    Event,
    GeneratorSample,
    JobEvent,
    Reconciliation,
    RequestRow,
    ServerSample,
)
from harness.model.slo import Slo
from tests.support.lectio import DOCUMENT, GIB, THRESHOLDS, make_plan, make_stage, probe_seconds

START = 1000.0
"""CLOCK_MONOTONIC at the start of the load."""
WALL = 1_795_000_000.0
"""Epoch at the start of the load."""
ENDPOINTS = (
    ("POST /login", "http", 0.15),
    ("GET /api/lessons", "http", 0.25),
    ("GET /api/lessons/:id", "http", 0.2),
    ("GET /api/dashboard", "http", 0.15),
    ("POST /api/lessons", "http", 0.05),
    ("PUT /api/lessons/:id", "http", 0.05),
    ("GET /lessons/:id", "http", 0.15),
)


@dataclass
class Knobs:
    """What may be said differently. Mappings are by level name; a missing level keeps the default.

    median_seconds: of HTTP responses. slow: share of responses that take ``slow_seconds``. errors, dropped: shares.
    recovers_after: bad seconds after the load has fallen from 3x-peak. cpu, memory, disk, connections, psi, host_busy,
    throttled: means by level. growth: requests in flight added per second of the level. stop_at: when the run is cut
    short; stop_reason: "interrupted: Ctrl-C", "aborted: …", or "" for a harness that was killed. silent: samplers
    without any sample. gaps: sampler → share of its samples that are gaps. nginx: factor on nginx's own count, None
    for no log.
    offered: factor on the requests that were sent. slos: instead of Lectio's.
    """

    profile: str = "smoke"
    seed: int = 7
    median_seconds: Mapping[str, float] = field(default_factory=dict)
    slow: Mapping[str, float] = field(default_factory=dict)
    slow_seconds: float = 0.8
    errors: Mapping[str, float] = field(default_factory=dict)
    dropped: Mapping[str, float] = field(default_factory=dict)
    recovers_after: int = 6
    cpu: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, float] = field(default_factory=dict)
    disk: Mapping[str, float] = field(default_factory=dict)
    connections: Mapping[str, float] = field(default_factory=dict)
    psi: Mapping[str, float] = field(default_factory=dict)
    host_busy: Mapping[str, float] = field(default_factory=dict)
    throttled: Mapping[str, float] = field(default_factory=dict)
    growth: Mapping[str, float] = field(default_factory=dict)
    sockets: Mapping[str, float] = field(default_factory=dict)
    reach: Mapping[str, float] = field(default_factory=dict)
    generator_cpu: Mapping[str, float] = field(default_factory=dict)
    loop_lag_seconds: Mapping[str, float] = field(default_factory=dict)
    schedule_lag_seconds: Mapping[str, float] = field(default_factory=dict)
    sent: Mapping[str, float] = field(default_factory=dict)
    offered: Mapping[str, float] = field(default_factory=dict)
    client_errors: Mapping[str, int] = field(default_factory=dict)
    nginx: float | None = 1.0
    silent: tuple[str, ...] = ()
    gaps: Mapping[str, float] = field(default_factory=dict)
    sampling_cost_seconds: float = 0.001
    clock_drift_seconds: float = 0.0
    oom_at: float | None = None
    crash_at: float | None = None
    worker_lost_at: float | None = None
    unfinished_jobs: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    reconciled: bool = True
    stop_at: float | None = None
    stop_reason: str = ""
    stack: str = "native"
    limits_enforced: bool = True
    host_cores: int = 2
    host_memory_bytes: int = 4 * GIB
    lost_records: int = 0
    slos: tuple[Slo, ...] | None = None


def make_evidence(**knobs: object) -> Evidence:
    """The evidence of one run; the knobs are the fields of ``Knobs``."""
    return _Run(Knobs(**knobs)).evidence() if knobs else _sound_run()  # type: ignore[arg-type]


@cache
def _sound_run() -> Evidence:
    return _Run(Knobs()).evidence()


class _Run:
    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.random = Random(knobs.seed)
        self.plan = make_plan(knobs.profile, knobs.seed)
        self.end = self.plan.duration_seconds if knobs.stop_at is None else knobs.stop_at

    def evidence(self) -> Evidence:
        requests = tuple(row for row in self.rows() if row.second < self.end)
        jobs, acknowledged = self.jobs(), self.acknowledged()
        nginx = None
        if self.knobs.nginx is not None:
            nginx = tuple(self.nginx(requests, self.knobs.nginx))
        return Evidence(
            subject=Subject("lectio", "Lectio Space", DOCUMENT, make_stage(self.knobs.slos)),
            manifest=self.manifest(),
            plan=self.plan,
            load_start_seconds=START,
            requests=requests,
            servers=tuple(self.servers()),
            generator=tuple(self.generator(requests)),
            events=tuple(self.events()),
            acknowledged=acknowledged,
            jobs=jobs,
            reconciliation=self.reconciliation(acknowledged),
            nginx_requests=nginx,
        )

    def level(self, second: float) -> Level:
        for level in self.plan.levels:
            if second < level.end_seconds:
                return level
        return self.plan.levels[-1]

    def rate(self, second: int) -> float:
        level = self.level(second)
        ramp, drain = level.phase(PhaseName.RAMP), level.phase(PhaseName.DRAIN)
        rate = level.rate.value
        if second >= drain.start_seconds:
            return 50.0 if level.name is LevelName.PROOF else 0.0
        if second < ramp.end_seconds:
            start = 50.0 if level.name is LevelName.RECOVERY else 0.0
            return start + (rate - start) * (second + 0.5 - ramp.start_seconds) / ramp.duration_seconds
        return rate

    def rows(self) -> Iterable[RequestRow]:
        carry = 0.0
        for second in range(int(self.plan.duration_seconds)):
            level = self.level(second)
            carry += self.rate(second) * self.knobs.offered.get(level.name.value, 1.0)
            count, carry = int(carry), carry - int(carry)
            kinds = self.random.choices(range(len(ENDPOINTS)), [e[2] for e in ENDPOINTS], k=count)
            for index, (endpoint, kind, _) in enumerate(ENDPOINTS):
                if kinds.count(index):
                    yield self.row(second, level, endpoint, "student", kind, kinds.count(index))
            yield from self.probes(second, level)
            yield from self.chat(second, level)

    def row(
        self, second: int, level: Level, endpoint: str, flow: str, kind: str, count: int, probe: bool = False
    ) -> RequestRow:
        knobs, name, random = self.knobs, level.name.value, self.random
        late = self._recovering(second)
        errors = sum(random.random() < knobs.errors.get(name, 0.0) for _ in range(count))
        dropped = sum(random.random() < knobs.dropped.get(name, 0.0) for _ in range(count - errors))
        good = count - errors - dropped
        median = knobs.median_seconds.get(name, {"peak": 0.025, "3x-peak": 0.4}.get(name, 0.018))
        slow = 0.5 if late else knobs.slow.get(name, 0.0)
        over = 2.5 if late else knobs.slow_seconds
        service = [
            min(0.49, random.lognormvariate(0, 0.6) * median) if name != "3x-peak" else median for _ in range(good)
        ]
        service = [over * random.uniform(1.0, 1.1) if random.random() < slow else value for value in service]
        response = [value + random.uniform(0.0001, 0.001) for value in service]
        return RequestRow(
            second=second,
            endpoint=endpoint,
            flow=flow,
            kind=kind,
            completed=good,
            errors=errors,
            dropped=dropped,
            late=0,
            response=distribution_of(response),
            service=distribution_of(service),
            exceeded={bound: sum(value > bound for value in response) + errors + dropped for bound in THRESHOLDS},
            error_kinds={"HTTP 503": errors} if errors else {},
            probe=probe,
        )

    def _recovering(self, second: int) -> bool:
        fell = self.plan.level("3x-peak").phase(PhaseName.MEASURE).end_seconds
        return fell <= second < fell + self.knobs.recovers_after

    def probes(self, second: int, level: Level) -> Iterable[RequestRow]:
        if second not in probe_seconds(level):
            return
        calm = Level(LevelName.NORMAL, level.rate, level.users, 0, 0, 0, level.phases)
        yield self.row(second, calm, "POST /api/uploads", "upload", "upload", 1, probe=True)
        yield self.row(second + 1, calm, "GET /api/uploads/:id", "upload", "http", 3, probe=True)
        for endpoint, seconds in (("job queue wait", 0.4), ("job processing", 4.0), ("job end to end", 5.0)):
            yield self.timed(second, endpoint, "upload", "job", [seconds], probe=True)

    def chat(self, second: int, level: Level) -> Iterable[RequestRow]:
        if self.rate(second) == 0:
            return
        messages = round(level.message_rate_per_second)
        yield self.timed(second, "socket ack", "classroom", "socketio", [0.012] * messages)
        expected = messages * (self.plan.room_size - 1)
        arrived = round(expected * self.knobs.reach.get(level.name.value, 1.0))
        yield self.timed(second, "socket delivery", "classroom", "socketio", [0.02] * arrived, expected=expected)

    def timed(
        self,
        second: int,
        endpoint: str,
        flow: str,
        kind: str,
        seconds: list[float],
        probe: bool = False,
        expected: int = 0,
    ) -> RequestRow:
        times = distribution_of(seconds) if seconds else EMPTY
        return RequestRow(
            second,
            endpoint,
            flow,
            kind,
            len(seconds),
            0,
            0,
            0,
            times,
            times,
            {bound: sum(value > bound for value in seconds) for bound in THRESHOLDS},
            expected=expected,
            probe=probe,
        )

    def nginx(self, requests: tuple[RequestRow, ...], factor: float) -> Iterable[tuple[int, int]]:
        counts: dict[int, int] = {}
        for row in requests:
            if row.kind in ("http", "upload"):
                counts[row.second] = counts.get(row.second, 0) + row.completed + row.errors
        for second, count in sorted(counts.items()):
            yield second, round(count * factor)

    def servers(self) -> Iterable[ServerSample]:
        for second in range(-2, int(self.end)):
            level = self.level(second).name.value
            for source, values in self.values(second, level).items():
                if source in self.knobs.silent:
                    continue
                gap = self.random.random() < self.knobs.gaps.get(source, 0.0)
                yield ServerSample(
                    START + second + 0.5,
                    source,
                    {} if gap else values,
                    "no answer within 0.5 s" if gap else "",
                    self.knobs.sampling_cost_seconds,
                )

    def values(self, second: int, level: str) -> dict[str, dict[str, float]]:
        knobs, noise = self.knobs, self.random.uniform(-0.01, 0.01)
        cpu = knobs.cpu.get(level, {"normal": 0.28, "peak": 0.41, "3x-peak": 0.95}.get(level, 0.29)) + noise
        memory = knobs.memory.get(level, 0.33) + noise / 10
        connections = knobs.connections.get(level, 0.3) + noise
        killed = knobs.oom_at is not None and second + 0.5 >= knobs.oom_at
        return {
            "host": {
                "cpu_busy_ratio": knobs.host_busy.get(level, min(1.0, cpu + 0.1)),
                "psi_cpu_some_ratio": knobs.psi.get(level, 0.02),
                "memory_used_ratio": memory,
            },
            "stack": {
                "cpu_cores": cpu * 2,
                "cpu_ratio": cpu,
                "throttled_ratio": knobs.throttled.get(level, 0.0),
                "memory_bytes": memory * 4 * GIB,
                "memory_ratio": memory,
                "oom_kills_total": float(killed),
                "processes": 20.0,
            },
            "storage": {"disk_bytes": GIB * 1.0, "disk_ratio": knobs.disk.get(level, 0.02)},
            "postgres": {
                "connections": connections * 50,
                "connections_ratio": connections,
                "active": 2.0,
                "waiting_lock": 0.0,
            },
            "redis": {"used_memory_bytes": 5e6, "operations_per_second": 900.0},
            "celery": {"depth.default": 0.0, "unacknowledged": 0.0},
            "gunicorn": {"workers": 3.0, "worker_cpu_ratio_max": cpu / 2, "listen_queue": 0.0},
            "nginx": {
                "active": 20.0,
                "requests_total": 1000.0 + sum(self.rate(each) for each in range(second)),
                "requests_per_second": self.rate(max(0, second)),
            },
        }

    def generator(self, requests: tuple[RequestRow, ...]) -> Iterable[GeneratorSample]:
        knobs = self.knobs
        by_second: dict[int, list[RequestRow]] = {}
        for row in requests:
            if row.kind != "job" and row.endpoint != "socket delivery":
                by_second.setdefault(row.second, []).append(row)
        intended = started = completed = failed = 0
        done = bad = backlog = 0
        busy = service = mistakes = 0.0
        for second in range(int(self.end)):
            level = self.level(second)
            name = level.name.value
            rows = by_second.get(second, [])
            arrivals = round(self.rate(second))
            intended += arrivals
            started += round(arrivals * knobs.sent.get(name, 1.0))
            completed = started
            done += sum(row.completed for row in rows)
            bad += sum(row.errors for row in rows)
            used = sum(row.service.sum_seconds for row in rows)
            busy, service = busy + used, service + used
            drained = second >= level.phase(PhaseName.MEASURE).end_seconds
            backlog = 0 if drained else round(knobs.growth.get(name, 0.0) * (second - level.start_seconds))
            if backlog:
                busy += backlog
                service += backlog  # of requests that are not told apart here
            mistakes += knobs.client_errors.get(name, 0) if second == int(level.start_seconds) + 12 else 0
            yield GeneratorSample(
                monotonic_seconds=START + second + 1,
                worker="local",
                cpu_ratio=knobs.generator_cpu.get(name, 0.22),
                loop_lag_p99_seconds=knobs.loop_lag_seconds.get(name, 0.0012),
                loop_lag_max_seconds=knobs.loop_lag_seconds.get(name, 0.0012) * 2,
                schedule_lag_p99_seconds=knobs.schedule_lag_seconds.get(name, 0.001),
                schedule_lag_max_seconds=knobs.schedule_lag_seconds.get(name, 0.001) * 2,
                intended=intended,
                started=started,
                completed=completed,
                failed=failed,
                dropped=0,
                late=0,
                in_flight=0,
                waiting=0,
                requests_started=done + bad + backlog,
                requests_completed=done - (knobs.lost_records if second > 20 else 0),
                requests_failed=bad,
                requests_in_flight=backlog,
                busy_seconds=busy,
                service_sum_seconds=service,
                sockets=round(level.users.value * knobs.sockets.get(name, 1.0)),
                rss_bytes=120_000_000,
                client_errors={"EMFILE": int(mistakes)} if mistakes else {},
            )

    def events(self) -> Iterable[Event]:
        def at(second: float, name: str, **detail: object) -> Event:
            drift = self.knobs.clock_drift_seconds * second / self.plan.duration_seconds
            return Event(START + second, WALL + second + drift, name, detail)

        knobs = self.knobs
        found = [at(-4, "run-start"), at(-1, "stack-ready"), at(0, "load-start")]
        for level in self.plan.levels:
            found += [
                at(phase.start_seconds, "phase-start", level=level.name.value, phase=phase.name.value)
                for phase in level.phases
                if phase.start_seconds < self.end
            ]
        if knobs.crash_at is not None:
            found.append(at(knobs.crash_at, "process-died", process="gunicorn", exit_code=-9))
        if knobs.worker_lost_at is not None:
            found.append(at(knobs.worker_lost_at, "worker-lost", worker="2"))
        if knobs.stop_at is None:
            found += [at(self.end, "load-end", reason="complete"), at(self.end + 3, "run-end", reason="complete")]
        elif knobs.stop_reason:
            found += [
                at(self.end, "load-end", reason="stopped"),
                at(self.end + 1, "run-end", reason=knobs.stop_reason),
            ]
        return sorted(found, key=lambda event: event.monotonic_seconds)

    def acknowledged(self) -> tuple[AcknowledgedWrite, ...]:
        return tuple(
            AcknowledgedWrite(START + second + 0.5, f"write-{second}", "lesson") for second in range(int(self.end))
        )

    def jobs(self) -> tuple[JobEvent, ...]:
        found = []
        for level in self.plan.levels:
            unfinished = self.knobs.unfinished_jobs.get(level.name.value, 0)
            for number, second in enumerate(probe_seconds(level)):
                job = f"job-{level.name.value}-{number}"
                steps = [("sent", 0.0), ("accepted", 0.2), ("queued", 0.2), ("started", 0.6)]
                steps.append(("censored", 120.0) if number < unfinished else ("finished", 4.6))
                for state, after in steps:
                    if second + after < self.end:
                        detail = {"level": level.name.value, "probe": True}
                        found.append(JobEvent(START + second + after, job, state, detail))
        return tuple(sorted(found, key=lambda job: job.monotonic_seconds))

    def reconciliation(self, acknowledged: tuple[AcknowledgedWrite, ...]) -> Reconciliation | None:
        if self.knobs.stop_at is not None and not self.knobs.stop_reason:
            return None
        if not self.knobs.reconciled:
            return Reconciliation(False, len(acknowledged), 0, (), "PostgreSQL did not answer")
        missing = tuple(f"{write.kind} {write.id}" for write in acknowledged[100 : 100 + self.knobs.lost])
        return Reconciliation(True, len(acknowledged), len(acknowledged) - len(missing), missing)

    def manifest(self) -> Manifest:
        knobs = self.knobs
        return Manifest(
            schema_version=SCHEMA_VERSION,
            run_id="2026-11-20T165012Z-lectio-A-verify",
            proofload_version="0.1.0",
            system="lectio",
            stage="A",
            profile=knobs.profile,
            seed=knobs.seed,
            started_wall_seconds=WALL - 4,
            stack=knobs.stack,
            base_url="http://127.0.0.1:18080",
            host=HostFingerprint(
                "6.1.0", "Example CPU", knobs.host_cores, knobs.host_memory_bytes, "Debian 12", "3.11.2"
            ),
            limits="cgroup v1" if knobs.limits_enforced else "not enforced: no permission",
            limits_enforced=knobs.limits_enforced,
            read_back=(
                ReadBack("gunicorn", "workers", "3", "3", True),
                ReadBack("postgres", "max_connections", "50", "50", True),
                ReadBack("postgres", "shared_buffers", "1 GiB", "1 GiB", True),
            ),
            versions={"nginx": "1.22.1", "postgres": "15.14", "redis": "7.0.15"},
            plan_digest="0" * 64,
            command="proofload verify lectio --stage A --profile smoke",
            stack_seconds=4.0,
        )
