"""ChitLaq's file against its plan: the numbers of the document, written down here by hand a second time."""

from __future__ import annotations

import pytest

from harness.model.audit import Grade
from harness.model.figure import Provenance
from harness.model.rule import TimedRule, UptimeRule
from harness.model.target import FlowKind, UploadFile
from harness.model.units import Unit
from harness.planning.audit import audit_plan
from harness.planning.build import build_plan
from harness.planning.paths import figures_by_path
from harness.planning.profiles import profile_named
from harness.planning.sizing import audience_of, size_of
from targets.loader import load_target

GIB = 1024**3
CHITLAQ = load_target("chitlaq")
FIGURES = figures_by_path(CHITLAQ)
FINDINGS = {finding.id: finding for finding in audit_plan(CHITLAQ).findings}
STAGES = ("baseline", "1", "2", "3")

# (stage, figure, value, upper end of a range), by section of the document.
STATED = [
    # Hardware Specifications
    ("baseline", "vcpu", 3, None),
    ("baseline", "memory", 8 * GIB, None),
    ("baseline", "disk_app", 160 * GIB, None),
    ("baseline", "bandwidth", 20e12, None),
    ("baseline", "total", 100, None),
    # Current Capacity Limits
    ("baseline", "concurrent_users", 500, 800),
    ("baseline", "peak_rps", 1_000, None),
    ("baseline", "postgres_max_connections", 200, None),
    ("baseline", "websocket_capacity", 1_000, None),
    # Phase 1
    ("1", "users", 10_000, None),
    ("1", "vcpu", 4, None),
    ("1", "memory", 16 * GIB, None),
    ("1", "disk_app", 320 * GIB, None),
    ("1", "vcpu_before", 3, None),
    ("1", "memory_before", 8 * GIB, None),
    ("1", "disk_before", 160 * GIB, None),
    ("1", "concurrent_users", 1_000, 2_000),
    ("1", "peak_rps", 2_000, None),
    ("1", "postgres_max_connections", 400, None),
    ("1", "websocket_capacity", 2_000, None),
    ("1", "before", 100, None),
    ("1", "total", 200, None),
    ("1", "range", 100, 200),
    ("1", "per_user", 0.10, 0.20),
    ("1", "per_user_of", 1_000, None),
    # Phase 2
    ("2", "app_servers", 2, None),
    ("2", "api_vcpu_each", 4, None),
    ("2", "api_memory_each", 16 * GIB, None),
    ("2", "database_servers", 1, None),
    ("2", "database_vcpu_each", 8, None),
    ("2", "database_memory_each", 32 * GIB, None),
    ("2", "redis_servers", 1, None),
    ("2", "redis_vcpu_each", 2, None),
    ("2", "redis_memory_each", 8 * GIB, None),
    ("2", "balancer_servers", 1, None),
    ("2", "balancer_vcpu_each", 2, None),
    ("2", "balancer_memory_each", 4 * GIB, None),
    ("2", "concurrent_users", 10_000, 20_000),
    ("2", "peak_rps", 10_000, None),
    ("2", "postgres_max_connections", 1_000, None),
    ("2", "websocket_capacity", 10_000, None),
    ("2", "total", 800, None),
    ("2", "range", 800, None),
    ("2", "per_user", 0.08, 0.16),
    ("2", "per_user_of", 10_000, None),
    # Phase 3
    ("3", "app_servers", 5, None),
    ("3", "api_vcpu_each", 8, None),
    ("3", "api_memory_each", 32 * GIB, None),
    ("3", "database_servers", 3, None),
    ("3", "database_vcpu_each", 8, None),
    ("3", "database_memory_each", 32 * GIB, None),
    ("3", "redis_servers", 3, None),
    ("3", "redis_vcpu_each", 4, None),
    ("3", "redis_memory_each", 16 * GIB, None),
    ("3", "balancer_servers", 2, None),
    ("3", "balancer_vcpu_each", 4, None),
    ("3", "balancer_memory_each", 8 * GIB, None),
    ("3", "concurrent_users", 100_000, None),
    ("3", "peak_rps", 50_000, None),
    ("3", "postgres_max_connections", 5_000, None),
    ("3", "websocket_capacity", 100_000, None),
    ("3", "total", 2_500, None),
    ("3", "range", 2_500, None),
    ("3", "per_user", 0.05, 0.10),
    ("3", "per_user_of", 100_000, None),
]

# Tables that belong to no stage, and the stages' own tables.
TABLES = {
    "stages.baseline.figures.limits.storage": 160 * GIB,
    "stages.baseline.figures.limits.bandwidth": 20e12,
    "figures.record.user": 1_000,
    "figures.record.post": 2_000,
    "figures.record.posts": 10,
    "figures.record.message": 500,
    "figures.record.messages": 50,
    "figures.record.total": 25_000,
    "figures.alerts.warning": 3_600,
    "figures.alerts.info": 86_400,
    "figures.recovery.backup_interval": 86_400,
    "figures.recovery.backup_retention": 30 * 86_400,
    "figures.recovery.application_backup_interval": 86_400,
    "figures.recovery.rto": 4 * 3_600,
    "figures.recovery.rpo": 3_600,
    "figures.timeline.phase_1": 1,
    "figures.timeline.phase_2": 3,
    "figures.timeline.phase_3": 5,
    "figures.timeline.phase_4": 7,
    "figures.success.concurrent_users": 10_000,
    "figures.success.growth_without_degradation": 1,
    "figures.success.cost_per_user": 0.10,
    "figures.success.utilisation": 0.8,
    "figures.success.cost_growth": 0.5,
    "figures.success.roi": 6,
    "figures.success.user_growth": 0.2,
    "figures.success.revenue_growth": 0.3,
    "figures.success.feature_delivery": 14 * 86_400,
    "figures.success.satisfaction": 0.9,
    "figures.conclusion.users_first": 1_000,
    "figures.conclusion.users_last": 1_000_000,
    "figures.growth.horizon": 6,
}

GROWTH = {
    "conservative": [1_000, 2_500, 5_000, 8_000, 12_000, 18_000],
    "moderate": [2_000, 6_000, 15_000, 30_000, 50_000, 80_000],
    "aggressive": [5_000, 20_000, 60_000, 150_000, 300_000, 500_000],
}

# Users: database, images, total; calls and images a day, bandwidth a month.
BY_USERS = {
    1_000: (25e6, 500e6, 525e6, 100e3, 1e9, 30e9),
    10_000: (250e6, 5e9, 5.25e9, 1e6, 10e9, 300e9),
    100_000: (2.5e9, 50e9, 52.5e9, 10e6, 100e9, 3e12),
    1_000_000: (25e9, 500e9, 525e9, 100e6, 1e12, 30e12),
}

# Scaling triggers: SLI, bound, seconds.
TIMED = {
    "p95": ("http_response_seconds", 0.2, 0),
    "query-p95": ("query_seconds", 0.1, 0),
    "websocket-p95": ("socket_delivery_seconds", 0.15, 0),
    "cpu": ("stack_cpu_ratio", 0.8, 600),
    "memory": ("stack_memory_ratio", 0.85, 600),
    "disk": ("stack_disk_ratio", 0.8, 0),
    "connections": ("postgres_connections_ratio", 0.8, 0),
    "storage": ("stack_disk_ratio", 0.8, 0),
}

CONTRADICTIONS = {
    "record": "46 KB",
    "record-messages": "0 B",
    "database-by-records-1000": "46 MB",
    "database-by-records-10000": "460 MB",
    "database-by-records-100000": "4.6 GB",
    "database-by-records-1000000": "46 GB",
    "websockets-2": "20,000",
    "aggressive-fits-2": "20,000",
    "aggressive-fits-4": "150,000",
    "cost-per-user-2-high": "$0.08/month",
    "cost-per-user-3": "$0.025/month",
    "cost-per-user-goal-1": "$0.2/month",
    "cost-per-user-goal-2": "$0.16/month",
    "cost-growth-months": "3",
    "cost-growth-months-3": "2.12",
    "utilisation-cpu": "0 %",
    "utilisation-disk": "0 %",
    "replica": "",
    "redis-cluster": "",
}
"""Each with what the plan's own figures come to."""


@pytest.mark.parametrize(("stage", "name", "value", "high"), STATED)
def test_every_number_of_a_stage_is_stated(stage: str, name: str, value: float, high: float | None) -> None:
    figure = CHITLAQ.stage(stage).figure(name)
    assert figure.value == pytest.approx(value)
    assert figure.high == high
    assert figure.provenance is Provenance.STATED
    assert figure.citation.document == "chitlaq.md"
    assert figure.citation.quote


def test_nothing_else_of_a_stage_is_called_stated() -> None:
    stated = {
        (stage.name, figure.name)
        for stage in CHITLAQ.stages
        for figure in stage.figures
        if figure.provenance is Provenance.STATED
    }
    assert stated == {(stage, name) for stage, name, _, _ in STATED}


@pytest.mark.parametrize(("path", "value"), TABLES.items())
def test_the_tables_of_no_stage_are_the_plan_s(path: str, value: float) -> None:
    assert FIGURES[path].value == pytest.approx(value)
    assert FIGURES[path].provenance is Provenance.STATED


def test_ranges_of_tables_have_both_ends() -> None:
    assert [FIGURES[f"figures.timeline.phase_{phase}"].high for phase in (1, 2, 3, 4)] == [2, 4, 6, None]
    users = [FIGURES[f"stages.{phase}.figures.scale.users"] for phase in (1, 2, 3)]
    assert [(figure.value, figure.high) for figure in users] == [(0, 10_000), (10_000, 100_000), (100_000, None)]


@pytest.mark.parametrize(("scenario", "users"), GROWTH.items())
def test_the_users_of_each_month(scenario: str, users: list[int]) -> None:
    found = [FIGURES[f"figures.growth.{scenario}_{month}"] for month in range(1, 7)]
    assert [figure.value for figure in found] == users
    assert all(scenario.capitalize() in figure.citation.section for figure in found)


@pytest.mark.parametrize(("users", "row"), BY_USERS.items())
def test_storage_and_bandwidth_by_users(users: int, row: tuple[float, ...]) -> None:
    stored = [FIGURES[f"figures.storage.{name}_{users}"] for name in ("database", "images", "total")]
    moved = [FIGURES[f"figures.bandwidth.{name}_{users}"] for name in ("calls", "images", "monthly")]
    assert [figure.value for figure in stored + moved] == pytest.approx(list(row))
    assert [figure.unit for figure in moved] == [Unit.PER_DAY, Unit.BYTES_PER_DAY, Unit.BYTES_PER_MONTH]
    assert FIGURES[f"figures.storage.users_{users}"].value == FIGURES[f"figures.bandwidth.users_{users}"].value == users


@pytest.mark.parametrize("name", STAGES)
def test_the_triggers_are_rules_of_every_stage(name: str) -> None:
    rules = {rule.id: rule for rule in CHITLAQ.stage(name).rules}
    timed = {rule.id: rule for rule in rules.values() if isinstance(rule, TimedRule)}
    assert {name: (rule.sli, rule.threshold.value, rule.duration.value) for name, rule in timed.items()} == TIMED
    assert [timed[each].quantile for each in ("p95", "query-p95", "websocket-p95")] == pytest.approx([0.95] * 3)
    uptime = rules["uptime"]
    assert isinstance(uptime, UptimeRule)
    assert uptime.least.value == pytest.approx(0.999)


def test_triggers_that_no_run_can_judge_are_kept_with_their_reason() -> None:
    kept = {rule.id: rule for rule in CHITLAQ.planned_rules if not rule.sli}
    bounds = {name: rule.numbers[0].value for name, rule in kept.items()}
    assert bounds == pytest.approx(
        {"concurrent-users": 0.8, "requests": 0.8, "bandwidth": 0.8, "user-growth": 0.2, "revenue-growth": 0.3}
    )


def test_the_savings_are_claims_that_no_run_shows() -> None:
    reductions = {claim.id: claim.reduction for claim in CHITLAQ.claims}
    ranges = {name: (figure.value, figure.high) for name, figure in reductions.items() if figure is not None}
    assert ranges == {"reserved-instances": (0.3, 0.5), "spot-instances": (0.6, 0.8)}


@pytest.mark.parametrize("name", STAGES)
def test_the_response_time_is_promised_and_only_survival_at_3x_peak(name: str) -> None:
    slos = {slo.id: slo for slo in CHITLAQ.stage(name).slos}
    promised = slos["response-time"]
    assert promised.critical is not None
    assert (promised.quantile, promised.critical.value) == pytest.approx((0.95, 0.15))
    assert promised.critical.provenance is Provenance.STATED
    survival = {slo.sli for slo in slos.values() if "3x-peak" in slo.levels}
    assert survival == {"oom_kills", "server_crashes", "lost_writes", "recovery_seconds"}


# Users, mean requests per second by 100 calls a day, sockets normal and peak, by hand.
@pytest.mark.parametrize(
    ("name", "mean_rps", "peak_rps", "sockets"),
    [
        ("baseline", 5.787, 1_000, (500, 800)),
        ("1", 11.574, 2_000, (1_000, 2_000)),
        ("2", 115.74, 10_000, (10_000, 20_000)),
        ("3", 1_157.4, 50_000, (50_000, 100_000)),
    ],
)
def test_normal_is_the_mean_of_the_day_and_peak_the_limit(
    name: str, mean_rps: float, peak_rps: float, sockets: tuple[int, int]
) -> None:
    plan = build_plan(CHITLAQ, CHITLAQ.stage(name), profile_named("smoke"), seed=7)
    normal, peak, proof, recovery = plan.levels
    assert [level.rate.value for level in plan.levels] == pytest.approx(
        [mean_rps, peak_rps, 3 * peak_rps, mean_rps], rel=1e-3
    )
    assert (normal.users.value, peak.users.value) == sockets
    assert proof.users.value == 3 * sockets[1]
    assert recovery.users.value == sockets[0]
    # 90 % of the sessions have 6 requests and 10 % have 7; one upload to 100 of them.
    assert peak.upload_rate_per_second == pytest.approx(peak_rps / 6.1 / 100, rel=0.01)
    assert normal.upload_rate_per_second == pytest.approx(mean_rps / 6.1 / 100, rel=0.01)
    assert plan.room_size == 2


@pytest.mark.parametrize(
    ("name", "vcpu", "memory_gib", "workers", "buffers_gib"),
    [("baseline", 3, 8, 3, 2), ("1", 4, 16, 4, 4), ("2", 20, 76, 8, 8), ("3", 84, 320, 40, 8)],
)
def test_the_stack_has_the_totals_of_the_servers(
    name: str, vcpu: int, memory_gib: int, workers: int, buffers_gib: int
) -> None:
    size = size_of(CHITLAQ.stage(name))
    assert size.cpu_cores == vcpu
    assert size.memory_bytes == memory_gib * GIB
    assert size.gunicorn_workers == workers
    assert size.postgres_shared_buffers_bytes == buffers_gib * GIB
    assert size.pgbouncer_pool_size is None


def test_each_stage_seeds_users_and_says_so_when_they_are_fewer_than_planned() -> None:
    seeded = {name: dict(audience_of(CHITLAQ, CHITLAQ.stage(name)).people) for name in STAGES}
    assert seeded == {
        "baseline": {"users": 5_000},
        "1": {"users": 10_000},
        "2": {"users": 10_000},
        "3": {"users": 10_000},
    }
    for name in ("2", "3"):
        assert any("seeded" in deviation.text for deviation in CHITLAQ.stage(name).deviations)
        assert CHITLAQ.stage(name).figure("users").provenance is Provenance.ASSUMED


def test_its_flows() -> None:
    flows = {flow.name: (flow.kind, flow.user_class, flow.share, flow.http_steps) for flow in CHITLAQ.flows}
    assert flows == {
        "reader": (FlowKind.HTTP, "Reader", pytest.approx(0.9), 6),
        "writer": (FlowKind.HTTP, "Writer", pytest.approx(0.1), 7),
        "talker": (FlowKind.SOCKETIO, "Talker", 0, 0),
        "photographer": (FlowKind.UPLOAD, "Photographer", 0, 3),
    }
    assert next(flow for flow in CHITLAQ.flows if flow.name == "photographer").file is UploadFile.IMAGE
    assert CHITLAQ.stage("1").value("upload_size") == 500_000  # 500 MB ÷ 1,000 users


def test_the_contradictions_of_the_plan_are_found() -> None:
    found = {name: finding.found for name, finding in FINDINGS.items() if finding.grade is Grade.CONTRADICTION}
    assert found == CONTRADICTIONS


# Worked by hand from the document.
@pytest.mark.parametrize(
    ("finding", "agrees", "found"),
    [
        ("database-1000000", True, "25 GB"),
        ("storage-total-10000", True, "5.25 GB"),
        ("bandwidth-1000000", True, "30 TB/month"),
        ("bandwidth-calls", False, "36 GB/month"),
        ("calls-1000000", True, "100/day"),
        ("cost-per-user-1", True, "$0.1/month to $0.2/month"),
        ("cost-per-user-2-low", True, "$0.08/month"),
        ("price-memory-2", False, "$950/month"),
        ("price-memory-3", False, "$4,000/month"),
        ("price-vcpu-2", False, "$1,000/month"),
        ("price-vcpu-3", False, "$4,200/month"),
        ("rate-per-user-1", False, "1/s"),
        ("rate-per-user-3", False, "0.5/s"),
        ("rate-per-vcpu-1", False, "500"),
        ("rate-of-a-day-baseline", False, "80 s"),
        ("rate-of-a-day-3", False, "3:20 min"),
        ("connections-baseline", True, "150"),
        ("connections-2", False, "1,500"),
        ("conservative-trigger", False, "50 %"),
        ("aggressive-first-month", False, "300 %"),
        ("conservative-asks-3", False, "5,000"),
        ("moderate-fits-4", True, "30,000"),
        ("p95-trigger", False, "200 ms"),
        ("uptime-month", False, "4:00 h"),
        ("uptime-year", True, "4:00 h"),
        ("throughput-baseline", False, "800"),
        ("throughput-2", True, "20,000"),
        ("totals-vcpu-3", True, "84 CPU"),
    ],
)
def test_the_audit_s_arithmetic_is_right(finding: str, agrees: bool, found: str) -> None:
    assert (FINDINGS[finding].agrees, FINDINGS[finding].found) == (agrees, found)
