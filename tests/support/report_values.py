"""A small run for the tests of the reports, made by hand, with every kind of evidence in it."""

from __future__ import annotations

from dataclasses import replace

from harness.analysis.histogram import EMPTY, distribution_of
from harness.model.evidence import Evidence, Subject
from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.measurement import Measurement
from harness.model.plan import Arrivals, Held, Level, LevelName, LoadPlan, Phase, PhaseName
from harness.model.run import HostFingerprint, Manifest, ReadBack
from harness.model.samples import Event, GeneratorSample, JobEvent, Reconciliation, RequestRow, ServerSample
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.target import Flow, FlowKind, Stage
from harness.model.units import Unit
from harness.model.verdict import CheckResult, Outcome, RunVerdict, Severity, Taint, Verdict

CITATION = Citation("lectio-space.md", "Мониторинг › Алерты", "Response time | 500ms | 2000ms")
LOAD_START = 1000.0
LEVEL_SECONDS = 20.0


def figure(name: str, value: float, unit: Unit, provenance: Provenance = Provenance.STATED) -> Figure:
    note = "" if provenance is Provenance.STATED else f"why {name} is so"
    return Figure(name, value, unit, provenance, CITATION, note=note)


def make_level(name: LevelName, rate: float, start: float) -> Level:
    edges = (
        (PhaseName.RAMP, 2.0),
        (PhaseName.SETTLE, 3.0),
        (PhaseName.MEASURE, 12.0),
        (PhaseName.DRAIN, 3.0),
    )
    phases, at = [], start
    for phase, seconds in edges:
        phases.append(Phase(phase, at, at + seconds))
        at += seconds
    provenance = Provenance.STATED if name is LevelName.PEAK else Provenance.ASSUMED
    return Level(
        name=name,
        rate=figure(f"rate_{name}", rate, Unit.PER_SECOND, provenance),
        users=figure("users", 20, Unit.COUNT),
        message_rate_per_second=1.0,
        upload_rate_per_second=0.1,
        probe_uploads=1,
        phases=tuple(phases),
    )


def make_plan() -> LoadPlan:
    return LoadPlan(
        system="lectio",
        stage="A",
        profile="smoke",
        seed=7,
        arrivals=Arrivals.POISSON,
        levels=(make_level(LevelName.NORMAL, 5, 0.0), make_level(LevelName.PEAK, 8, LEVEL_SECONDS)),
        flows=(Flow("student", FlowKind.HTTP, "Student", 1.0, 5),),
        streams=(),
        held=Held(((0.0, 20),)),
        thresholds_seconds=(0.5, 2.0),
        room_size=25,
        think_seconds=(1, 3),
        request_timeout_seconds=30,
        job_timeout_seconds=60,
        max_in_flight=100,
        max_waiting=100,
        recovery_bound_seconds=30,
        batch_seconds=3,
        assumptions=(figure("room_size", 25, Unit.COUNT, Provenance.ASSUMED),),
    )


def make_slos() -> tuple[Slo, ...]:
    levels = ("normal", "peak")
    return (
        Slo(
            id="response-time",
            title="Response time",
            sli="http_response_seconds",
            kind=SloKind.QUANTILE,
            comparison=Comparison.AT_MOST,
            warning=figure("response_warning", 0.5, Unit.SECONDS),
            critical=figure("response_critical", 2.0, Unit.SECONDS),
            levels=levels,
            citation=CITATION,
            quantile=0.95,
            note="the plan names no percentile: p95",
        ),
        Slo(
            id="connections",
            title="PostgreSQL connections",
            sli="postgres_connections_ratio",
            kind=SloKind.GAUGE,
            comparison=Comparison.AT_MOST,
            warning=figure("connections_warning", 0.4, Unit.RATIO),
            critical=figure("connections_critical", 0.8, Unit.RATIO),
            levels=levels,
            citation=CITATION,
        ),
    )


def make_subject() -> Subject:
    return Subject(
        system="lectio",
        title="Lectio Space",
        document="lectio-space.md",
        stage=Stage(
            name="A",
            title="MVP",
            audience=(figure("teachers", 300, Unit.COUNT), figure("students", 3000, Unit.COUNT)),
            server=(figure("ram", 4 * 2**30, Unit.BYTES),),
            sizing=(figure("gunicorn_workers", 3, Unit.COUNT),),
            load=(figure("peak_rate", 8, Unit.PER_SECOND),),
            costs=(figure("cost", 24, Unit.USD_PER_MONTH),),
            bottleneck=Statement("RAM", CITATION),
            migration=(),
            recommendations=(),
            slos=make_slos(),
            citation=CITATION,
        ),
    )


def make_manifest() -> Manifest:
    return Manifest(
        schema_version=1,
        run_id="2026-11-20T165012Z-lectio-A-verify",
        proofload_version="0.1.0",
        system="lectio",
        stage="A",
        profile="smoke",
        seed=7,
        started_wall_seconds=1_795_193_412.0,
        stack="native",
        base_url="http://127.0.0.1:8080",
        host=HostFingerprint("6.1", "Xeon", 2, 8 * 2**30, "Debian 12", "3.11.2"),
        limits="cgroup v1",
        limits_enforced=True,
        read_back=(
            ReadBack("PostgreSQL", "max_connections", "50", "50", True),
            ReadBack("Redis", "maxmemory", "–", "0", None),
        ),
        versions={"nginx": "1.22.1"},
        plan_digest="ab" * 32,
        command="proofload verify lectio --stage A --seed 7",
        stack_seconds=4.2,
        deviations=("no limit on disk operations",),
    )


def request(
    second: int, *, errors: int = 0, dropped: int = 0, seconds: float = 0.05, probe: bool = False
) -> RequestRow:
    times = distribution_of([seconds] * 5)
    return RequestRow(
        second=second,
        endpoint="POST /api/uploads" if probe else "GET /api/lessons",
        flow="student",
        kind="upload" if probe else "http",
        completed=5,
        errors=errors,
        dropped=dropped,
        late=0,
        response=times,
        service=times,
        exceeded={0.5: errors + dropped},
        error_kinds={"HTTP 502": errors} if errors else {},
        probe=probe,
    )


def socket_row(second: int, endpoint: str, completed: int, expected: int = 0) -> RequestRow:
    times = distribution_of([0.02] * completed) if completed else EMPTY
    return RequestRow(
        second, endpoint, "classroom", "socketio", completed, 0, 0, 0, times, times, {}, expected=expected
    )


def server(at: float, source: str, **values: float) -> ServerSample:
    return ServerSample(
        LOAD_START + at, source, {key.replace("__", "."): value for key, value in values.items()}, "", 0.001
    )


def generator(at: float, worker: str = "w0") -> GeneratorSample:
    return GeneratorSample(
        monotonic_seconds=LOAD_START + at,
        worker=worker,
        cpu_ratio=0.2,
        loop_lag_p99_seconds=0.001,
        loop_lag_max_seconds=0.002,
        schedule_lag_p99_seconds=0.001,
        schedule_lag_max_seconds=0.002,
        intended=10,
        started=10,
        completed=10,
        failed=0,
        dropped=0,
        late=0,
        in_flight=1,
        waiting=0,
        requests_started=10,
        requests_completed=10,
        requests_failed=0,
        requests_in_flight=1,
        busy_seconds=1.0,
        service_sum_seconds=1.0,
        sockets=20,
        rss_bytes=2**20,
    )


def event(at: float, name: str, **detail: object) -> Event:
    return Event(LOAD_START + at, 1_795_193_440.0 + at, name, detail)


def job(identifier: str, **at: float) -> list[JobEvent]:
    detail = {"level": "peak", "probe": True}
    return [JobEvent(LOAD_START + seconds, identifier, state, detail) for state, seconds in at.items()]


def make_report_evidence(seconds: int = 40) -> Evidence:
    """The first ``seconds`` of the run: 40 is all of it."""
    servers = []
    for at in range(seconds):
        servers.append(server(at + 0.4, "stack", cpu_ratio=0.4, memory_ratio=0.3))
        servers.append(server(at + 0.4, "storage", disk_ratio=0.02))
        servers.append(server(at + 0.4, "gunicorn", worker_starts_total=3 if at < 30 else 4, worker_cpu_ratio_max=0.5))
        if 25 <= at < 28:
            servers.append(ServerSample(LOAD_START + at + 0.4, "postgres", {}, gap="connection refused"))
        else:
            servers.append(server(at + 0.4, "postgres", connections_ratio=0.3))
    jobs = [
        *job("u-1", sent=8, accepted=8.5, queued=8.6, started=10, finished=14, seen=14.5),
        *job("u-2", sent=26, accepted=26.5, queued=26.6, started=28, censored=39),
    ]
    rows = [request(second, errors=1 if second == 30 else 0) for second in range(seconds)]
    rows += [socket_row(second, "socket delivery", 9, 10) for second in range(seconds)]
    rows += [request(second, probe=True) for second in (8, 26) if second < seconds]
    return Evidence(
        subject=make_subject(),
        manifest=make_manifest(),
        plan=make_plan(),
        load_start_seconds=LOAD_START,
        requests=tuple(rows),
        servers=tuple(servers),
        generator=tuple(generator(at + 0.5) for at in range(seconds)),
        events=(event(0, "load-start"), event(0, "phase", level="normal"), event(12, "socket-reconnect", count=15)),
        acknowledged=(),
        jobs=tuple(each for each in jobs if each.monotonic_seconds < LOAD_START + seconds),
        reconciliation=Reconciliation(True, 12, 12, ()) if seconds >= 40 else None,
    )


def never_loaded(evidence: Evidence) -> Evidence:
    """The same run, ended before the load began."""
    return replace(
        evidence,
        load_start_seconds=None,
        requests=(),
        servers=(),
        generator=(),
        events=(),
        jobs=(),
        reconciliation=None,
    )


def cell(slo_id: str, level: str, outcome: Outcome = Outcome.PASS, **changes: object) -> Verdict:
    """One verdict; its measurement depends on the SLO alone."""
    response = slo_id == "response-time"
    measurement = Measurement(
        sli=slo_id,
        value=0.074 if response else 0.31,
        unit=Unit.SECONDS if response else Unit.RATIO,
        n=2412,
        lower=0.069 if response else 0.3,
        upper=0.08 if response else 0.32,
        n_effective=1890.0,
        bad=4 if response else None,
        maximum=0.9,
        method="Korn–Graubard",
    )
    made = Verdict(
        outcome=outcome,
        severity=Severity.CRITICAL if outcome is Outcome.FAIL else Severity.NONE,
        slo_id=slo_id,
        title="Response time" if response else "PostgreSQL connections",
        level=level,
        measurement=measurement,
        bound="p95 ≤ 500 ms (warning), ≤ 2 s (critical)" if response else "≤ 40 % (warning), ≤ 80 % (critical)",
        bound_value=0.5 if response else 0.4,
        reason=f"the reason for {outcome}",
        citation=CITATION,
        assumed=("rate_normal",) if level == "normal" else (),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def make_verdict(outcome: Outcome = Outcome.PASS, *cells: Verdict) -> RunVerdict:
    """The answer: all cells pass unless others are given."""
    return RunVerdict(
        outcome=outcome,
        severity=Severity.NONE,
        headline="The reference application carries the planned peak of 8 requests/s.",
        verdicts=cells
        or tuple(cell(slo, level) for slo in ("response-time", "connections") for level in ("normal", "peak")),
        checks=(
            CheckResult("loop_lag", "Event loop lag", "peak", True, "1 ms", "≤ 25 ms", "sound", (Taint.TIMES,)),
            CheckResult("nginx", "nginx counted the same", "", None, "–", "within 2 %", "no log", (Taint.THROUGHPUT,)),
        ),
        not_proven=("your own code (this is the reference application)",),
    )
