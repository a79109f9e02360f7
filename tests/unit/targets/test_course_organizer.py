"""Course Organizer's file against its plan: its numbers, written down here by hand a second time."""

from __future__ import annotations

import pytest

from harness.model.audit import Grade
from harness.model.figure import Figure, Provenance
from harness.model.rule import TimedRule, UptimeRule
from harness.model.target import Check, FlowKind, UploadFile
from harness.planning.audit import audit_plan
from harness.planning.paths import figures_by_path
from harness.planning.sizing import audience_of, size_of
from targets.loader import load_target

GIB = 1024**3
GBPS = 1e9 / 8

# Path, value, upper end of a range: what the document states, by section. One row of each kind for each stage.
STATED = [
    # Current Limitations
    ("figures.current.vcpu", 4, 8),
    ("figures.current.memory", 8 * GIB, 16 * GIB),
    ("figures.current.network", 2 * GBPS, 10 * GBPS),
    ("figures.current.websockets", 10_000, None),
    # Stage 1
    ("stages.1.audience.users", 2_000, None),
    ("stages.1.server.vcpu", 2, 4),
    ("stages.1.server.memory", 8 * GIB, 16 * GIB),
    ("stages.1.server.disk_app", 50 * GIB, None),
    ("stages.1.load.peak_rps", 50, None),
    ("stages.1.load.concurrent_users", 300, None),
    ("stages.1.figures.scale.concurrent_users", 0, 500),
    ("stages.1.figures.scale.websockets", 200, 300),
    ("stages.1.figures.scale.queries", 100, None),
    ("stages.1.figures.scale.storage", 10e9, None),
    ("stages.1.figures.expected.api", 0.05, 0.2),
    ("stages.1.figures.expected.page_load", 1, 3),
    ("stages.1.figures.expected.websocket", 0.01, 0.05),
    ("stages.1.figures.expected.video_room", 1, 10),
    ("stages.1.figures.breaking.concurrent_users", 400, None),
    ("stages.1.figures.breaking.websockets", 300, None),
    ("stages.1.figures.breaking.queries", 150, None),
    ("stages.1.figures.breaking.video_calls", 50, None),
    ("stages.1.costs.monthly", 50, 100),
    # Stage 2
    ("stages.2.audience.users", 10_000, None),
    ("stages.2.server.vcpu", 4, None),
    ("stages.2.server.memory", 16 * GIB, None),
    ("stages.2.sizing.replicas", 2, None),
    ("stages.2.sizing.workers_each", 4, None),
    ("stages.2.sizing.threads_each", 2, None),
    ("stages.2.sizing.redis_maxmemory", 2 * GIB, None),
    ("stages.2.load.peak_rps", 200, None),
    ("stages.2.load.concurrent_users", 1_000, None),
    ("stages.2.figures.scale.concurrent_users", 500, 2_000),
    ("stages.2.figures.scale.queries", 500, None),
    ("stages.2.figures.scale.storage", 50e9, 100e9),
    ("stages.2.figures.cdn.static", 30 * 86_400, None),
    ("stages.2.figures.cdn.media", 7 * 86_400, None),
    ("stages.2.costs.monthly", 200, 300),
    ("stages.2.costs.vm_upgrade", 100, 150),
    # Stage 3
    ("stages.3.audience.users", 50_000, None),
    ("stages.3.server.http_instances", 2, 10),
    ("stages.3.server.websocket_instances", 2, 5),
    ("stages.3.server.database_vcpu", 4, None),
    ("stages.3.server.database_memory", 15 * GIB, None),
    ("stages.3.server.figure_database_memory", 16 * GIB, None),
    ("stages.3.server.disk_db", 100 * GIB, None),
    ("stages.3.sizing.postgres_max_connections", 500, None),
    ("stages.3.sizing.read_replicas", 1, 2),
    ("stages.3.sizing.redis_maxmemory", 5 * GIB, None),
    ("stages.3.load.peak_rps", 1_000, None),
    ("stages.3.load.concurrent_users", 5_000, None),
    ("stages.3.figures.scale.concurrent_users", 2_000, 10_000),
    ("stages.3.figures.scale.queries", 2_000, None),
    ("stages.3.figures.database.queries", 5_000, None),
    ("stages.3.figures.database.failover", 60, None),
    ("stages.3.figures.load_balancer.websocket_timeout", 3_600, None),
    ("stages.3.figures.autoscaling.http_cooldown", 60, None),
    ("stages.3.figures.autoscaling.http_up", 2, None),
    ("stages.3.figures.autoscaling.websocket_cooldown", 120, None),
    ("stages.3.costs.monthly", 1_500, 2_000),
    ("stages.3.costs.database_section", 300, 400),
    ("stages.3.costs.redis_section", 150, None),
    # Stage 4
    ("stages.4.audience.users", 200_000, None),
    ("stages.4.server.api_pods", 20, 50),
    ("stages.4.server.websocket_pods", 10, 20),
    ("stages.4.server.worker_pods", 5, 10),
    ("stages.4.server.replica_api_pods", 10, 20),
    ("stages.4.server.memory_each", 4 * GIB, None),
    ("stages.4.load.peak_rps", 5_000, None),
    ("stages.4.load.concurrent_users", 25_000, None),
    ("stages.4.load.websocket_capacity", 100_000, None),
    ("stages.4.figures.scale.concurrent_users", 10_000, 50_000),
    ("stages.4.figures.scale.queries", 10_000, None),
    ("stages.4.figures.scale.storage", 2e12, 10e12),
    ("stages.4.figures.kubernetes.replicas", 20, None),
    ("stages.4.figures.kubernetes.least_replicas", 10, None),
    ("stages.4.figures.kubernetes.most_replicas", 50, None),
    ("stages.4.figures.caching.redis_ttl", 300, None),
    ("stages.4.figures.caching.memcached_ttl", 3_600, None),
    ("stages.4.figures.caching.cdn_ttl", 86_400, None),
    ("stages.4.figures.expected.global_latency", 0.1, None),
    ("stages.4.costs.monthly", 5_000, 8_000),
    # Component-Specific Scaling
    ("figures.database.standard_total", 500, None),
    ("figures.database.available_total", 1_300, None),
    ("figures.database.sharded_total", 3_500, None),
    ("figures.websockets.dedicated_containers", 5, 10),
    ("figures.connections.theoretical", 65_000, None),
    ("figures.connections.practical", 10_000, None),
    ("figures.connections.memory_each", 10e3, 50e3),
    ("figures.connections.example_memory", 500e6, None),
    ("figures.connections.per_pod", 5_000, None),
    ("figures.connections.redis_memory", 100e6, None),
    ("figures.media.ssd", 17, None),
    ("figures.media.standard", 20, 200),
    ("figures.media.large_total", 200, 2_200),
    ("figures.bridge.participants", 500, None),
    ("figures.bridge.meetings", 50, None),
    ("figures.bridge.bandwidth", 10 * GBPS, None),
    ("figures.bridge.monthly", 200, None),
    ("figures.bridge.stage_3_total", 700, None),
    ("figures.bridges.medium", 4, None),
    ("figures.bridges.large", 15, None),
    ("figures.bridges.large_cost", 3_000, None),
    ("figures.bridges.example", 1_500, None),
    # Migration Roadmap
    ("figures.roadmap.storage_cost", 50, 100),
    ("figures.roadmap.managed_cost", 500, 700),
    ("figures.roadmap.horizontal_cost", 800, 1_000),
    ("figures.roadmap.kubernetes_cost", 3_000, 5_000),
    ("figures.roadmap.horizontal_uptime", 0.9995, None),
    # Cost Analysis, Monitoring & Alerts, Conclusion
    ("stages.1.costs.per_user", 0.20, None),
    ("stages.2.costs.per_user", 0.15, None),
    ("stages.3.costs.per_user", 0.20, None),
    ("stages.4.costs.per_user", 0.16, None),
    ("figures.beyond.per_user", 0.15, None),
    ("figures.beyond.table", 15_000, 30_000),
    ("stages.3.costs.jitsi", 300, None),
    ("stages.4.costs.jitsi", 3_000, None),
    ("figures.monitoring.logs", 50, 500),
    ("figures.monitoring.total", 140, 850),
    ("figures.upgrade.indexes", 400, None),
    ("figures.upgrade.cloud_sql", 1_500, None),
    ("figures.upgrade.load_balancer", 5_000, None),
    ("figures.upgrade.kubernetes", 20_000, None),
    ("figures.upgrade.multi_region", 100_000, None),
    # Claims and rules
    ("claims.email-index.before", 1, None),
    ("claims.email-index.after", 0.002, None),
    ("claims.messages-index.before", 2, None),
    ("claims.messages-index.after", 0.005, None),
    ("claims.n-plus-one.before", 50, None),
    ("claims.n-plus-one.after", 1, None),
    ("claims.optimization.increase", 0.3, 0.5),
    ("claims.cdn-static.reduction", 0.8, None),
    ("claims.cdn-media.reduction", 0.7, None),
    ("claims.cdn-response.reduction", 0.5, None),
    ("claims.cloud-storage.reduction", 0.8, None),
    ("claims.horizontal.factor", 10, None),
    ("claims.kubernetes.factor", 100, None),
    ("rules.http-cpu-up.above", 0.7, None),
    ("rules.http-requests-up.above", 100, None),
    ("rules.websocket-memory-up.above", 0.75, None),
    ("rules.websocket-connections-up.above", 1_000, None),
    ("rules.pods-requests-up.above", 100, None),
    ("rules.uptime-3.uptime", 0.999, None),
    ("rules.uptime-4.uptime", 0.9995, None),
]

# Monitoring & Alerts: warning, critical, the words of the document.
ALERTS = {
    "cpu": (0.70, 0.85, "CPU Usage 70% 85%"),
    "memory": (0.75, 0.90, "Memory Usage 75% 90%"),
    "response-time": (0.2, 0.5, "API Response Time 200ms 500ms"),
    "postgres-connections": (0.70, 0.90, "Database Connections 70% 90%"),
    "websockets": (0.75, 0.90, "WebSocket Connections 75% 90%"),
    "disk": (0.70, 0.85, "Disk Usage 70% 85%"),
    "errors": (0.01, 0.05, "Error Rate 1% 5%"),
}

# What a careful reader finds with pencil and paper.
CONTRADICTIONS = {
    "current-vcpu",  # 2-4 vCPU and 4-8 of the same VM
    "e2-medium-largest",  # 2 vCPU, 8 GB, and 2-4, 8-16
    "database-memory",  # 15 GB and 16
    "sufficient",  # for 500 users, and not above 400
    "ten-times",  # 1,000 ÷ 200 = 5
    "cdn-ttl",  # 7 days and 30
    "uptime-3",  # 99.9 % and 99.95
    "http-instances",  # 2-5 and 2-10
    "http-capacity-figure",  # 1,000 ÷ 100 = 10, of 5
    "pods-least-figure",  # 10 and 20
    "single-backend",  # 1,000 are too many, the limit is 10,000
    "containers-2",  # 2 and 1
    "containers-4",  # 10-20 and 5-10
    "redis-channels-4",  # 2 nodes and 3
    "database-cost-3",  # $300-400 and $500
    "sharding-cost-4",  # $1,300 and $3,500
    "sharding-users",  # 200,000 and 50,000
    "storage-cost-2",  # $0.20 × 50-100 and $50
    "bridges-large",  # 10,000 ÷ 500 = 20, not 15
    "jitsi-total",  # 3 × 200 = 600, not 700
    "jitsi-3",  # $300 and $700
    "upgrade-load-balancer",  # 5,000 and 2,000
    "upgrade-kubernetes",  # 20,000 and 10,000
    "upgrade-multi-region",  # 100,000 and 10,000-50,000
}

COURSE = load_target("course-organizer")
FIGURES = figures_by_path(COURSE)


@pytest.mark.parametrize(("path", "value", "high"), STATED)
def test_the_numbers_of_the_plan_are_stated(path: str, value: float, high: float | None) -> None:
    figure = FIGURES[path]
    assert figure.value == pytest.approx(value)
    assert figure.high == (None if high is None else pytest.approx(high))
    assert figure.provenance is Provenance.STATED
    assert figure.citation.document == "course-organizer.md"
    assert figure.citation.quote


@pytest.mark.parametrize("stage", ["1", "2", "3", "4"])
def test_the_alerts_hold_at_every_stage(stage: str) -> None:
    bounds = {slo.id: slo for slo in COURSE.stage(stage).slos}
    for name, (warning, critical, words) in ALERTS.items():
        slo = bounds[name]
        assert slo.warning is not None
        assert slo.critical is not None
        assert (slo.warning.value, slo.critical.value) == pytest.approx((warning, critical))
        assert slo.critical.provenance is Provenance.STATED
        assert slo.citation.quote == words


@pytest.mark.parametrize(
    ("stage", "response", "latency", "query"),
    [("1", 0.2, 0.05, None), ("2", None, None, None), ("3", 0.1, 0.03, 0.05), ("4", 0.05, 0.015, 0.02)],
)
def test_what_a_stage_expects_of_its_own(
    stage: str, response: float | None, latency: float | None, query: float | None
) -> None:
    bounds = {slo.id: slo.critical.value for slo in COURSE.stage(stage).slos if slo.critical is not None}
    found = tuple(bounds.get(name) for name in ("expected-response", "expected-latency", "query-p95"))
    assert found == (response, latency, query)


@pytest.mark.parametrize("name", ["1", "2", "3", "4"])
def test_the_arithmetic_of_the_notes_is_right(name: str) -> None:
    stage = COURSE.stage(name)
    for normal, peak in (("normal_rps", "peak_rps"), ("normal_users", "concurrent_users")):
        assert stage.value(normal) == pytest.approx(stage.value(peak) * 2 / 3, rel=0.02)
        assert stage.figure(normal).provenance is Provenance.ASSUMED
    storage, uploads = FIGURES[f"stages.{name}.figures.scale.storage"], stage.figure("upload_rate")
    seconds = 2_000 * 3_600
    assert _ends(uploads) == pytest.approx(tuple(size / 1e6 / seconds for size in _ends(storage)))
    pooled = stage.value("pgbouncer") > 0
    assert pooled == (name != "1")
    if pooled:
        assert stage.value("pgbouncer_pool_size") == 0.6 * stage.value("postgres_max_connections")


def _ends(figure: Figure) -> tuple[float, float]:
    return figure.value, figure.top


def test_several_servers_stand_as_their_total() -> None:
    assert COURSE.stage("2").value("gunicorn_workers") == 2 * 4
    third, fourth = COURSE.stage("3"), COURSE.stage("4")
    assert third.value("vcpu") == 10 * 2 + 5 * 4 + 4
    assert third.value("memory") == (10 * 8 + 5 * 16 + 15 + 5) * GIB
    assert third.value("gunicorn_workers") == 10 * 4 + 5
    assert third.value("websocket_capacity") == 5 * 5_000
    pods = 50 + 20 + 10 + 20 + 10 + 5
    assert fourth.value("vcpu") == pods * 2 + 5 * 4
    assert fourth.value("memory") == (pods * 4 + 5 * 15 + 2 * 5) * GIB
    assert fourth.value("gunicorn_workers") == 50 + 20 + 20 + 10
    assert fourth.value("celery_default_workers") == 10 + 5
    assert [len(COURSE.stage(name).deviations) for name in "1234"] == [4, 5, 6, 7]


def test_its_rules_are_of_the_stages_that_scale_by_themselves() -> None:
    rules = {name: {rule.id: rule for rule in COURSE.stage(name).rules} for name in "1234"}
    assert not rules["1"]
    assert not rules["2"]
    down = rules["3"]["http-cpu-down"]
    assert isinstance(down, TimedRule)
    assert (down.threshold.value, down.duration.value) == (0.7, 300)
    slow = rules["3"]["websocket-memory-down"]
    assert isinstance(slow, TimedRule)
    assert (slow.threshold.value, slow.duration.value) == (0.75, 600)
    assert {"pods-cpu-up", "pods-memory-up", "uptime-4"} == set(rules["4"])
    assert isinstance(rules["3"]["uptime-3"], UptimeRule)


def test_its_flows() -> None:
    flows = {flow.name: (flow.kind, flow.user_class, flow.http_steps) for flow in COURSE.flows}
    assert flows == {
        "reader": (FlowKind.HTTP, "Reader", 5),
        "organizer": (FlowKind.HTTP, "Organizer", 7),
        "group": (FlowKind.SOCKETIO, "GroupMember", 0),
        "sharer": (FlowKind.UPLOAD, "Sharer", 3),
    }
    assert sum(flow.share for flow in COURSE.flows) == pytest.approx(1)
    assert [flow.file for flow in COURSE.flows if flow.kind is FlowKind.UPLOAD] == [UploadFile.IMAGE]


@pytest.mark.parametrize(("name", "users"), [("1", 2_000), ("2", 10_000), ("3", 50_000), ("4", 200_000)])
def test_the_registered_users_are_seeded(name: str, users: int) -> None:
    assert audience_of(COURSE, COURSE.stage(name)).people == (("users", users),)
    assert ("INDEXES", "1") in size_of(COURSE.stage(name)).application
    assert ("CACHE_SECONDS", "300") in size_of(COURSE.stage(name)).application


def test_the_audit_finds_what_a_careful_reader_finds() -> None:
    findings = {finding.id: finding for finding in audit_plan(COURSE).findings}
    found = {name for name, finding in findings.items() if finding.grade is Grade.CONTRADICTION}
    assert found >= CONTRADICTIONS
    assert findings["bridges-large"].found == "20"
    assert findings["jitsi-total"].found == "$600/month"
    for name in ("example-bridges", "meetings", "example-memory", "total-connections", "cost-items-4"):
        assert findings[name].agrees, name
    own = [finding for finding in findings.values() if "own arithmetic" in finding.says]
    assert own == []


def test_what_a_video_bridge_does_is_modelled_or_computed() -> None:
    rows = [row for row in COURSE.coverage if row.path.startswith(("figures.bridge.", "figures.bridges."))]
    assert len(rows) == 13 + 24
    assert {row.check for row in rows} == {Check.MODELLED, Check.COMPUTED}
