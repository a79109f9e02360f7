"""Mina's file against its plan: the key numbers of the document, written down here by hand a second time."""

from __future__ import annotations

import pytest

from harness.model.figure import Figure, Provenance
from harness.model.plan import LevelName
from harness.model.target import FlowKind
from harness.planning.audit import audit_plan
from harness.planning.build import build_plan
from harness.planning.paths import figures_by_path
from harness.planning.profiles import PROFILES
from harness.planning.sizing import audience_of, connection_budget, size_of
from targets.loader import load_target

MIB = 1024**2
GIB = 1024**3
LEVELS = ("Development", "Normal", "Peak", "Max")

# What the plan's tables say of each level, row by row: stages.LEVEL.…, and the four values.
BY_LEVEL = {
    # 1. Application Servers
    "sizing.gunicorn_workers": (1, 2, 4, 6),
    "sizing.gunicorn_worker_connections": (100, 500, 1_000, 1_000),
    "load.websocket_capacity": (100, 1_000, 4_000, 6_000),
    "server.app_vcpu": (1, 2, 4, 6),
    "server.app_memory": (512 * MIB, GIB, 2 * GIB, 4 * GIB),
    # 2. Database Connections
    "sizing.db_pool_size": (5, 15, 30, 60),
    "sizing.db_max_overflow": (10, 30, 90, 180),
    "figures.database.connections": (15, 45, 120, 240),
    "figures.database.queries": (100, 500, 2_000, 5_000),
    # 3. Redis
    "figures.cache.users": (100, 10_000, 50_000, 150_000),
    "sizing.redis_maxmemory": (64 * MIB, 256 * MIB, 512 * MIB, GIB),
    "figures.cache.hit_rate": (0.5, 0.6, 0.7, 0.7),
    # 4. WebSocket Connections
    "load.concurrent_users": (10, 200, 800, 2_000),
    "figures.sockets.messages": (100, 2_000, 5_000, 10_000),
    "figures.sockets.bandwidth": (1e6 / 8, 20e6 / 8, 50e6 / 8, 100e6 / 8),
    "figures.sockets.memory": (50 * MIB, 500 * MIB, 2 * GIB, 5 * GIB),
    # 5. External Service Limits: the free tier, then the paid one
    "application.whisper_per_minute": (50, 500, 500, 500),
    # Resource Requirements by Load Level
    "figures.resources.connections": (5, 45, 120, 240),
}
EVERYWHERE = {
    "sizing.gunicorn_timeout": 120,
    "sizing.gunicorn_keepalive": 5,
    "sizing.gunicorn_max_requests": 5_000,
    "sizing.gunicorn_max_requests_jitter": 500,
    "application.db_pool_recycle": 300,
    "application.db_pool_timeout": 30,
    "application.db_pool_pre_ping": 1,
    "application.cache_ttl_meetings_list": 60,
    "application.cache_ttl_meeting_detail": 300,
    "application.cache_ttl_analytics_dashboard": 300,
    "application.cache_ttl_analytics_trends": 600,
    "application.sio_ping_timeout": 60,
    "application.sio_ping_interval": 25,
    "application.whisper_at_once": 10,
    "application.whisper_file_bytes": 25e6,
}
ONCE = {
    "figures.growth.year_1_users": 50_000,
    "figures.growth.year_2_normal": 300,
    "figures.growth.year_2_peak": 1_000,
    "figures.growth.year_3_users": 500_000,
    "figures.growth.year_3_peak": 3_000,
    "figures.pool_now.pool_size": 20,
    "figures.pool_now.max_overflow": 40,
    "figures.pool_now.total": 60,
    "figures.connections.duration": 0.2,
    "figures.connections.overhead": 0.5,
    "figures.connections.peak_each": 30,
    "figures.connections.max_total": 300,
    "figures.connections.max_cap": 240,
    "figures.cache.list": 50e3,
    "figures.cache.dashboard": 100e3,
    "figures.cache.trends": 200e3,
    "figures.cache.detail": 20e3,
    "figures.cache.total": 550e6,
    "figures.cache.provisioned": GIB,
    "figures.sockets.memory_each": 2.5 * MIB,
    "figures.sockets.env_buffer": 10 * MIB,
    "figures.audio.sample_rate": 16_000,
    "figures.audio.chunk": 0.5,
    "figures.audio.session": 3_600,
    "figures.whisper.paid_rate": 500 / 60,
    "figures.sentry.transactions": 100_000,
    "figures.failure.failover": 30,
    "figures.failure.rpo": 300,
    "figures.failure.rto": 1_800,
    "claims.n-plus-one.reduction": 0.95,
    "claims.cached-list.before": 0.4,
    "claims.cached-list.after": 0.05,
    "claims.cached-analytics.before": 0.8,
    "claims.cached-analytics.after": 0.1,
    "claims.compression.reduction": 0.7,
}
RANGES = {
    "stages.Max.figures.cache.hit_rate": (0.7, 0.8),
    "figures.sockets.actual_each": (50 * MIB, 100 * MIB),
    "claims.indexes.factor": (5, 10),
    "claims.list-queries.before": (40, 60),
    "claims.list-queries.after": (1, 2),
    "claims.list-baseline.after": (0.4, 0.6),
    "claims.dashboard-baseline.after": (0.6, 1),
    "claims.detail-baseline.before": (1, 1.5),
    "rules.cpu-band.target": (0.5, 0.7),
    "rules.memory-band.target": (0.6, 0.75),
    "rules.connections-band.target": (0.5, 0.7),
}

# Alert Thresholds: warning, critical.
ALERTS = {
    "cpu": (0.7, 0.9),
    "memory": (0.8, 0.95),
    "api-p95": (0.8, 1.5),
    "errors": (0.001, 0.01),
    "connections": (0.8, 0.95),
    "redis-memory": (0.8, 0.95),
    "websockets": (0.8, 0.95),
}

# Automatic Scaling Triggers: bound, side, seconds (0: the plan names none).
RULES = {
    "cpu-up": (0.7, "above", 300),
    "memory-up": (0.8, "above", 300),
    "latency-up": (1.0, "above", 180),
    "errors-up": (0.01, "above", 120),
    "connections-up": (0.9, "above", 0),
    "redis-up": (0.8, "above", 0),
    "cpu-down": (0.3, "below", 900),
    "memory-down": (0.4, "below", 900),
    "latency-down": (0.3, "below", 600),
    "errors-down": (0.001, "below", 600),
    "connections-down": (0.5, "below", 0),
}

# Found by a careful reading: what the audit must not lose.
CONTRADICTIONS = (
    *("max-factor", "max-factor-sockets", "max-factor-pages", "max-factor-queries", "max-factor-verified"),
    *("users-normal", "workers-current", "manual-peak", "pool-diagram", "table-connections-development"),
    *("pool-processes-normal", "pool-processes-peak", "pool-processes-max", "need-max", "queries-per-request"),
    *("queries-detail", "queries-before", "cache-normal", "cache-level-peak", "cache-level-max", "redis-eviction"),
    *("capacity-memory-normal", "capacity-memory-peak", "capacity-memory-max", "sockets-memory-development"),
    *("sockets-room-peak", "sockets-room-max", "sockets-actual", "sockets-theory", "messages", "cors"),
    *("sentry-transactions", "cpu-band", "memory-band", "connections-down", "latency-dashboard"),
    *("verified", "baselines", "ready", "eventlet"),
)

MINA = load_target("mina")
FIGURES = figures_by_path(MINA)
LEVEL_ROWS = [
    (f"stages.{level}.{path}", value)
    for path, values in BY_LEVEL.items()
    for level, value in zip(LEVELS, values, strict=True)
]
EVERYWHERE_ROWS = [(f"stages.{level}.{path}", value) for path, value in EVERYWHERE.items() for level in LEVELS]


def stated(path: str) -> Figure:
    figure = FIGURES[path]
    assert figure.provenance is Provenance.STATED
    assert figure.citation.document == "mina.md"
    assert figure.citation.quote
    return figure


@pytest.mark.parametrize(("path", "value"), [*LEVEL_ROWS, *EVERYWHERE_ROWS, *ONCE.items()])
def test_the_key_numbers_of_the_plan_are_stated(path: str, value: float) -> None:
    assert stated(path).value == pytest.approx(value)


@pytest.mark.parametrize(("path", "ends"), RANGES.items())
def test_its_ranges_are_stated(path: str, ends: tuple[float, float]) -> None:
    figure = stated(path)
    assert (figure.value, figure.high) == pytest.approx(ends)


def test_nothing_else_is_a_stage() -> None:
    assert [stage.name for stage in MINA.stages] == list(LEVELS)


# API requests and page views at each of the levels: the row above, the row's own, three times that.
@pytest.mark.parametrize(
    ("name", "rates", "sockets"),
    [
        ("Development", (2.5, 10, 30, 2.5), (3, 10, 30, 3)),
        ("Normal", (10, 150, 450, 10), (10, 200, 600, 10)),
        ("Peak", (150, 600, 1_800, 150), (200, 800, 2_400, 200)),
        ("Max", (600, 1_500, 4_500, 600), (800, 2_000, 6_000, 800)),
    ],
)
def test_a_load_level_is_a_stage_whose_normal_level_is_the_row_above(
    name: str, rates: tuple[float, ...], sockets: tuple[float, ...]
) -> None:
    plan = build_plan(MINA, MINA.stage(name), PROFILES[0], seed=7)
    assert [level.name for level in plan.levels] == list(LevelName)
    assert [level.rate.value for level in plan.levels] == pytest.approx(rates)
    assert [level.users.value for level in plan.levels] == pytest.approx(sockets)
    assert [level.message_rate_per_second for level in plan.levels] == pytest.approx([2 * each for each in sockets])
    assert plan.room_size == 1


def test_two_api_requests_come_to_a_page_view() -> None:
    flows = {flow.name: (flow.kind, flow.user_class, flow.http_steps) for flow in MINA.flows}
    assert flows == {
        "reader": (FlowKind.HTTP, "Reader", 5),
        "analyst": (FlowKind.HTTP, "Analyst", 5),
        "host": (FlowKind.HTTP, "Host", 5),
        "speaker": (FlowKind.SOCKETIO, "Speaker", 0),
    }
    share = {flow.name: flow.share for flow in MINA.flows}
    pages = 2 * (share["reader"] + share["analyst"]) / 5
    assert (1 - pages) / pages == pytest.approx(2, abs=0.01)
    assert share["reader"] / share["analyst"] == pytest.approx(50 / 30, abs=0.01)


@pytest.mark.parametrize("name", LEVELS)
def test_the_alerts_hold_at_every_level(name: str) -> None:
    bounds = {slo.id: slo for slo in MINA.stage(name).slos}
    for slo, (warning, critical) in ALERTS.items():
        found = bounds[slo]
        assert found.warning is not None
        assert found.critical is not None
        assert (found.warning.value, found.critical.value) == pytest.approx((warning, critical))
        assert found.levels == ("normal", "peak", "recovery")
    assert bounds["api-p95"].quantile == pytest.approx(0.95)


def test_the_scaling_rules_go_up_and_down_with_their_durations() -> None:
    rules = {rule.id: rule for rule in MINA.planned_rules}
    found = {
        name: (numbers[side].value, side, numbers["for"].value if "for" in numbers else 0)
        for name, (_, side, _) in RULES.items()
        if (numbers := {figure.name: figure for figure in rules[name].numbers})
    }
    assert found == RULES
    assert rules["redis-up"].only_with == "redis_evictions_per_second"
    assert {rule.id for rule in MINA.planned_rules} - set(RULES) == {"cpu-band", "memory-band", "connections-band"}
    assert all(len(MINA.stage(name).rules) == 14 for name in LEVELS)


@pytest.mark.parametrize(("name", "pools"), [("Development", 15), ("Normal", 90), ("Peak", 480), ("Max", 1_440)])
def test_every_worker_gets_the_plans_pool_though_the_plan_counts_one(name: str, pools: int) -> None:
    size = size_of(MINA.stage(name))
    budget = connection_budget(size)
    tasks = 2 * size.celery_default_concurrency
    assert budget.most_clients == pools + tasks
    assert size.redis_evicts
    assert dict(size.application) | {"DB_POOL_RECYCLE": "300", "WHISPER_FILE_BYTES": "25000000"} == dict(
        size.application
    )


def test_so_many_users_are_seeded() -> None:
    seeded = [dict(audience_of(MINA, MINA.stage(name)).people)["users"] for name in LEVELS]
    assert seeded == [100, 10_000, 50_000, 75_000]
    assert MINA.stage("Max").figure("users").provenance is Provenance.ASSUMED
    assert any("75,000" in deviation.text for deviation in MINA.stage("Max").deviations)


@pytest.mark.parametrize("name", LEVELS)
def test_gevent_is_a_deviation(name: str) -> None:
    assert any("gevent instead of eventlet" in deviation.text for deviation in MINA.stage(name).deviations)


def test_the_audit_finds_the_contradictions() -> None:
    findings = {finding.id: finding for finding in audit_plan(MINA).findings}
    found = {name for name, finding in findings.items() if not finding.agrees and str(finding.grade) == "contradiction"}
    assert set(CONTRADICTIONS) <= found
    for agreeing in ("need-each-peak", "need-total-max", "cache-total", "capacity-example", "pool-now", "cached-list"):
        assert findings[agreeing].agrees, agreeing
