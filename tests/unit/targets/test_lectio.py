"""Lectio's file against its plan: every number of the document, written down here by hand a second time."""

from __future__ import annotations

import pytest

from harness.model.figure import Provenance
from harness.model.target import FlowKind
from harness.planning.sizing import audience_of, size_of
from targets.loader import load_target

GIB = 1024**3

# (stage, figure, value, upper end of a range): all numbers that the document states, by section.
STATED = [
    # Целевая аудитория
    ("A", "teachers", 300, None),
    ("A", "students", 3_000, None),
    ("B", "teachers", 750, None),
    ("B", "students", 7_500, None),
    ("C", "teachers", 1_500, None),
    ("C", "students", 15_000, None),
    # Характеристики сервера
    ("A", "vcpu", 2, None),
    ("A", "memory", 4 * GIB, None),
    ("A", "disk_app", 50 * GIB, None),
    ("A", "disk_db", 100 * GIB, None),
    ("A", "iops", 100, None),
    ("B", "vcpu", 4, None),
    ("B", "memory", 8 * GIB, None),
    ("B", "disk_app", 100 * GIB, None),
    ("B", "disk_db", 250 * GIB, None),
    ("B", "iops", 500, None),
    ("C", "vcpu", 8, None),
    ("C", "memory", 16 * GIB, None),
    ("C", "alternative_servers", 2, None),
    ("C", "alternative_vcpu_each", 4, None),
    ("C", "alternative_memory_each", 8 * GIB, None),
    ("C", "disk_app", 200 * GIB, None),
    ("C", "disk_db", 500 * GIB, None),
    ("C", "iops", 3_000, None),
    # Конфигурация
    ("A", "gunicorn_workers", 3, None),
    ("A", "celery_default_workers", 2, None),
    ("A", "postgres_max_connections", 50, None),
    ("A", "postgres_shared_buffers", 1 * GIB, None),
    ("B", "gunicorn_workers", 5, None),
    ("B", "celery_default_workers", 2, None),
    ("B", "celery_heavy_workers", 1, None),
    ("B", "postgres_max_connections", 100, None),
    ("B", "postgres_shared_buffers", 2 * GIB, None),
    ("B", "pgbouncer", 1, None),
    ("B", "pgbouncer_port", 6432, None),
    ("C", "gunicorn_workers", 8, None),
    ("C", "alternative_gunicorn_workers_each", 4, None),
    ("C", "celery_default_workers", 3, None),
    ("C", "celery_heavy_workers", 2, None),
    ("C", "postgres_max_connections", 200, None),
    ("C", "postgres_shared_buffers", 4 * GIB, None),
    ("C", "pgbouncer", 1, None),
    # Решения применены в конфигах
    ("A", "statement_timeout", 30, None),
    ("B", "statement_timeout", 30, None),
    ("C", "statement_timeout", 30, None),
    # Ожидаемая нагрузка
    ("A", "concurrent_share", 0.15, None),
    ("A", "concurrent_users", 495, None),
    ("A", "peak_rps", 50, 80),
    ("A", "daily_lessons", 100, 200),
    ("B", "concurrent_share", 0.15, None),
    ("B", "concurrent_users", 1_237, None),
    ("B", "peak_rps", 120, 180),
    ("B", "daily_lessons", 300, 500),
    ("C", "concurrent_share", 0.15, None),
    ("C", "concurrent_users", 2_475, None),
    ("C", "peak_rps", 250, 400),
    ("C", "daily_lessons", 800, 1_500),
    # Стоимость
    ("A", "monthly", 24, 48),
    ("A", "provider_memory", 4 * GIB, None),
    ("B", "monthly", 120, 180),
    ("B", "provider_memory", 8 * GIB, None),
    ("C", "monthly", 350, 500),
]

# Алерты: warning, critical, the words of the document.
ALERTS = {
    "cpu": (0.70, 0.90, "CPU % | 70% | 90%"),
    "memory": (0.80, 0.95, "Memory % | 80% | 95%"),
    "disk": (0.80, 0.90, "Disk % | 80% | 90%"),
    "postgres-connections": (0.40, 0.80, "PG connections % | 40% | 80%"),
    "response-time": (0.5, 2.0, "Response time | 500ms | 2000ms"),
}

LECTIO = load_target("lectio")


@pytest.mark.parametrize(("stage", "name", "value", "high"), STATED)
def test_every_number_of_the_plan_is_stated(stage: str, name: str, value: float, high: float | None) -> None:
    figure = LECTIO.stage(stage).figure(name)
    assert (figure.value, figure.high) == (pytest.approx(value), high)
    assert figure.provenance is Provenance.STATED
    assert figure.citation.document == "lectio-space.md"
    assert figure.citation.quote


def test_nothing_else_is_called_stated() -> None:
    listed = {(stage, name) for stage, name, _, _ in STATED} | {("C", "read_replicas"), ("C", "app_servers")}
    stated = {
        (stage.name, figure.name)
        for stage in LECTIO.stages
        for figure in stage.figures
        if figure.provenance is Provenance.STATED
    }
    assert stated == listed


@pytest.mark.parametrize("stage", ["A", "B", "C"])
def test_the_alerts_hold_at_every_stage(stage: str) -> None:
    bounds = {slo.id: slo for slo in LECTIO.stage(stage).slos}
    for name, (warning, critical, words) in ALERTS.items():
        slo = bounds[name]
        assert slo.warning is not None
        assert slo.critical is not None
        assert (slo.warning.value, slo.critical.value) == pytest.approx((warning, critical))
        assert slo.critical.provenance is Provenance.STATED
        assert slo.citation.quote == words
        assert slo.levels == ("normal", "peak", "recovery")


def test_the_percentile_of_the_response_time_is_called_assumed() -> None:
    slo = next(slo for slo in LECTIO.stage("A").slos if slo.id == "response-time")
    assert slo.quantile == pytest.approx(0.95)
    assert "no percentile" in slo.note


@pytest.mark.parametrize("stage", ["A", "B", "C"])
def test_only_survival_is_judged_at_3x_peak(stage: str) -> None:
    survival = {slo.sli for slo in LECTIO.stage(stage).slos if "3x-peak" in slo.levels}
    assert survival == {"oom_kills", "server_crashes", "lost_writes", "recovery_seconds"}


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_the_arithmetic_of_the_notes_is_right(name: str) -> None:
    stage = LECTIO.stage(name)
    people = stage.value("teachers") + stage.value("students")
    assert int(stage.value("concurrent_share") * people) == stage.value("concurrent_users")
    assert stage.value("normal_rps") == stage.value("peak_rps")
    share = stage.value("normal_rps") / stage.figure("peak_rps").top
    assert stage.value("normal_users") == round(stage.value("concurrent_users") * share)
    assert stage.value("room_size") == stage.value("students") / stage.value("teachers") + 1
    lessons, uploads = stage.figure("daily_lessons"), stage.figure("upload_rate")
    per_second = stage.value("recordings_per_lesson") / stage.value("school_day")
    assert (uploads.value, uploads.top) == pytest.approx((lessons.value * per_second, lessons.top * per_second))
    assert stage.value("gunicorn_max_requests_jitter") == 0.1 * stage.value("gunicorn_max_requests")


def test_bottleneck_migration_recommendations_and_facts_are_there() -> None:
    assert [LECTIO.stage(name).bottleneck.text.split(":")[0] for name in "ABC"] == ["RAM", "Disk I/O", "CPU"]
    assert [len(LECTIO.stage(name).migration) for name in "ABC"] == [0, 5, 0]
    assert len(LECTIO.stage("C").recommendations) == 4 + 2
    sections = [fact.citation.section for fact in LECTIO.facts]
    assert sections.count("Текущие узкие места (выявлены)") == 3
    assert sections.count("Решения применены в конфигах") == 4
    assert sections.count("Мониторинг › Ключевые метрики") == 6


def test_pgbouncer_and_the_heavy_queue_begin_with_stage_b() -> None:
    assert [LECTIO.stage(name).value("pgbouncer") for name in "ABC"] == [0, 1, 1]
    assert [LECTIO.stage(name).value("celery_heavy_workers") for name in "ABC"] == [0, 1, 2]
    with pytest.raises(KeyError):
        LECTIO.stage("A").figure("pgbouncer_pool_size")
    for name in "BC":
        stage = LECTIO.stage(name)
        alert = next(slo for slo in stage.slos if slo.id == "postgres-connections")
        assert alert.warning is not None
        assert stage.value("pgbouncer_pool_size") < alert.warning.value * stage.value("postgres_max_connections")


def test_its_flows() -> None:
    flows = {flow.name: (flow.kind, flow.user_class, flow.http_steps) for flow in LECTIO.flows}
    assert flows == {
        "teacher": (FlowKind.HTTP, "Teacher", 7),
        "student": (FlowKind.HTTP, "Student", 6),
        "classroom": (FlowKind.SOCKETIO, "Classroom", 0),
        "upload": (FlowKind.UPLOAD, "Uploader", 8),
    }
    assert sum(flow.share for flow in LECTIO.flows) == pytest.approx(1)


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_the_stack_can_be_sized_by_it(name: str) -> None:
    stage = LECTIO.stage(name)
    size = size_of(stage)
    assert size.gunicorn_workers == stage.value("gunicorn_workers")
    assert (size.pgbouncer_pool_size is not None) == (name != "A")
    assert dict(audience_of(LECTIO, stage).people)["students"] == stage.value("students")
