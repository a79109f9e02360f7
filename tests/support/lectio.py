"""What Lectio's plan says of stage A, as values: the subject and the plan of a made-up run."""

from __future__ import annotations

from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.plan import (
    Arrivals,
    Held,
    Level,
    LevelName,
    LoadPlan,
    Phase,
    PhaseName,
    Segment,
    Stream,
)
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.target import Flow, FlowKind, Stage
from harness.model.units import Unit

GIB = 1024**3
DOCUMENT = "lectio-space.md"
RATES = {"normal": 50.0, "peak": 80.0, "3x-peak": 240.0, "recovery": 50.0}
USERS = {"normal": 309, "peak": 495, "3x-peak": 495, "recovery": 309}
THRESHOLDS = (0.5, 2.0)
WHERE = Citation(DOCUMENT, "Stage A: MVP (текущий)", "300 учителей / 3,000 учеников")
ALERTS = Citation(DOCUMENT, "Мониторинг › Алерты (настроить в мониторинге)")
PROFILES = {
    "smoke": ((3, 7, 30, 5), 3.0),
    "standard": ((10, 60, 180, 10), 9.0),
}


def figure(name: str, value: float, unit: Unit, provenance: Provenance = Provenance.STATED, note: str = "") -> Figure:
    """A figure of the plan."""
    return Figure(name, value, unit, provenance, WHERE, note=note)


def lectio_slos() -> tuple[Slo, ...]:
    """The alerts and the survival rows of Lectio, as targets/lectio.toml has them."""
    judged = ("normal", "peak", "recovery")
    everywhere = ("normal", "peak", "3x-peak", "recovery")

    def alert(name: str, title: str, sli: str, warning: float, critical: float) -> Slo:
        return Slo(
            name,
            title,
            sli,
            SloKind.GAUGE,
            Comparison.AT_MOST,
            Figure("warning", warning, Unit.RATIO, Provenance.STATED, ALERTS),
            Figure("critical", critical, Unit.RATIO, Provenance.STATED, ALERTS),
            judged,
            ALERTS,
        )

    def assumed(
        name: str, title: str, sli: str, kind: SloKind, comparison: Comparison, bound: Figure, levels: tuple[str, ...]
    ) -> Slo:
        return Slo(name, title, sli, kind, comparison, None, bound, levels, WHERE)

    none = figure("bound", 0, Unit.COUNT, Provenance.ASSUMED, "whatever the load")
    share = figure("bound", 0.99, Unit.RATIO, Provenance.ASSUMED, "the plan is silent")
    least, most = Comparison.AT_LEAST, Comparison.AT_MOST
    return (
        Slo(
            "response-time",
            "Response time",
            "http_response_seconds",
            SloKind.QUANTILE,
            Comparison.AT_MOST,
            Figure("warning", 0.5, Unit.SECONDS, Provenance.STATED, ALERTS),
            Figure("critical", 2.0, Unit.SECONDS, Provenance.STATED, ALERTS),
            judged,
            ALERTS,
            0.95,
            "the plan names no percentile: p95",
        ),
        alert("cpu", "CPU", "stack_cpu_ratio", 0.7, 0.9),
        alert("memory", "Memory", "stack_memory_ratio", 0.8, 0.95),
        alert("disk", "Disk", "stack_disk_ratio", 0.8, 0.9),
        alert("postgres-connections", "PostgreSQL connections", "postgres_connections_ratio", 0.4, 0.8),
        assumed(
            "load-carried",
            "Planned requests answered",
            "request_success_ratio",
            SloKind.PROPORTION,
            least,
            share,
            judged,
        ),
        assumed("users-held", "Concurrent users held", "sockets_held_ratio", SloKind.GAUGE, least, share, judged),
        assumed(
            "chat-reach", "Chat messages delivered", "socket_reach_ratio", SloKind.PROPORTION, least, share, judged
        ),
        assumed(
            "uploads-finished",
            "Uploads transcoded",
            "jobs_finished_ratio",
            SloKind.COUNT,
            least,
            figure("bound", 1, Unit.RATIO, Provenance.ASSUMED, "every recording"),
            judged,
        ),
        assumed("oom-kills", "Out-of-memory kills", "oom_kills", SloKind.COUNT, most, none, everywhere),
        assumed("server-crashes", "Server crashes", "server_crashes", SloKind.COUNT, most, none, everywhere),
        assumed("lost-writes", "Lost acknowledged writes", "lost_writes", SloKind.COUNT, most, none, everywhere),
        assumed(
            "recovery",
            "Back to normal after 3x-peak",
            "recovery_seconds",
            SloKind.COUNT,
            most,
            figure("bound", 30, Unit.SECONDS, Provenance.ASSUMED, "half a minute"),
            ("3x-peak",),
        ),
    )


def make_plan(profile: str = "smoke", seed: int = 7) -> LoadPlan:
    """Lectio A's plan of that profile."""
    (ramp, settle, measure, drain), batch = PROFILES[profile]
    levels, segments, at, before = [], [], 0.0, 0.0
    points: list[tuple[float, int]] = [(0.0, 0)]
    for name in LevelName:
        lengths = (ramp, settle, measure, drain)
        phases = []
        start = at
        for phase, length in zip(PhaseName, lengths, strict=True):
            phases.append(Phase(phase, at, at + length))
            at += length
        rate = RATES[name.value]
        assumed = name in (LevelName.NORMAL, LevelName.RECOVERY)
        levels.append(
            Level(
                name,
                figure(
                    "rate",
                    rate,
                    Unit.PER_SECOND,
                    Provenance.ASSUMED if assumed else Provenance.STATED,
                    "the plan gives no normal level: the lower end of its peak range" if assumed else "",
                ),
                figure("users", USERS[name.value], Unit.COUNT),
                USERS[name.value] / 60,
                15 / 3600,
                3,
                tuple(phases),
            )
        )
        segments.append(Segment(start, start + ramp, before / 6.2, rate / 6.2))
        segments.append(Segment(start + ramp, start + ramp + settle + measure, rate / 6.2, rate / 6.2))
        points += [(start + ramp, USERS[name.value]), (at, USERS[name.value])]
        before = 0.0
        if name is LevelName.PROOF:
            segments.append(Segment(at - drain, at, 50 / 6.2, 50 / 6.2))
            before = 50.0
    return LoadPlan(
        system="lectio",
        stage="A",
        profile=profile,
        seed=seed,
        arrivals=Arrivals.POISSON,
        levels=tuple(levels),
        flows=(
            Flow("teacher", FlowKind.HTTP, "Teacher", 0.2, 7),
            Flow("student", FlowKind.HTTP, "Student", 0.8, 6),
            Flow("classroom", FlowKind.SOCKETIO, "Classroom", 0.0, 0),
            Flow("upload", FlowKind.UPLOAD, "Uploader", 0.0, 8),
        ),
        streams=(
            Stream("teacher", tuple(_scaled(segment, 0.2) for segment in segments)),
            Stream("student", tuple(_scaled(segment, 0.8) for segment in segments)),
            Stream("upload", (), tuple(float(second) for level in levels for second in probe_seconds(level))),
        ),
        held=Held(tuple(points)),
        thresholds_seconds=THRESHOLDS,
        room_size=11,
        think_seconds=(0.5, 1.0),
        request_timeout_seconds=10.0,
        job_timeout_seconds=120.0,
        max_in_flight=4000,
        max_waiting=1000,
        recovery_bound_seconds=30.0,
        batch_seconds=batch,
    )


def probe_seconds(level: Level) -> tuple[int, ...]:
    """When the marked uploads of a level are meant to start."""
    measure = level.phase(PhaseName.MEASURE)
    return tuple(int(measure.start_seconds) + offset for offset in (2, 6, 10))


def _scaled(segment: Segment, share: float) -> Segment:
    return Segment(
        segment.start_seconds,
        segment.end_seconds,
        segment.start_rate_per_second * share,
        segment.end_rate_per_second * share,
    )


def make_stage(slos: tuple[Slo, ...] | None = None) -> Stage:
    """Lectio's stage A."""
    return Stage(
        name="A",
        title="MVP",
        audience=(figure("teachers", 300, Unit.COUNT), figure("students", 3000, Unit.COUNT)),
        server=(
            figure("vcpu", 2, Unit.CORES),
            figure("memory", 4 * GIB, Unit.BYTES),
            figure("disk_app", 50 * GIB, Unit.BYTES),
            figure("disk_db", 100 * GIB, Unit.BYTES),
            figure("iops", 100, Unit.PER_SECOND),
        ),
        sizing=(
            figure("gunicorn_workers", 3, Unit.COUNT),
            figure("celery_default_workers", 2, Unit.COUNT),
            figure("postgres_max_connections", 50, Unit.COUNT),
            figure("postgres_shared_buffers", GIB, Unit.BYTES),
        ),
        load=(
            figure("concurrent_users", 495, Unit.COUNT),
            Figure("peak_rps", 50, Unit.PER_SECOND, Provenance.STATED, WHERE, high=80),
            Figure("daily_lessons", 100, Unit.PER_DAY, Provenance.STATED, WHERE, high=200),
        ),
        costs=(Figure("monthly", 24, Unit.USD_PER_MONTH, Provenance.STATED, WHERE, high=48),),
        bottleneck=Statement("RAM: video processing may run out of memory", WHERE),
        migration=(),
        recommendations=(),
        slos=lectio_slos() if slos is None else slos,
        citation=WHERE,
    )
