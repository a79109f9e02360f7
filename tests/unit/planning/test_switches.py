import pytest

from harness.errors import ConfigError
from harness.model.target import Switch
from harness.planning.sizing import size_of
from harness.planning.switches import switch_named, switched
from targets.loader import load_target


def size(stage, on=(), off=()):
    return size_of(switched(load_target("lectio").stage(stage), on, off)[0])


@pytest.mark.parametrize("switch", [Switch.INDEXES, Switch.CACHE, Switch.N_PLUS_ONE])
def test_the_application_is_told(switch):
    assert dict(size("A", on=[switch]).application)[switch.value.upper()] == "1"
    assert dict(size("A", off=[switch]).application)[switch.value.upper()] == "0"


def test_nginx_compresses_only_when_asked():
    assert not size("A").compression
    assert size("A", on=[Switch.COMPRESSION]).compression


def test_pgbouncer_comes_and_goes():
    assert size("B", off=[Switch.PGBOUNCER]).pgbouncer_pool_size is None
    assert size("A", on=[Switch.PGBOUNCER]).pgbouncer_pool_size == 20
    assert size("B", on=[Switch.PGBOUNCER]).pgbouncer_pool_size == 30


@pytest.mark.parametrize(
    ("stage", "on", "workers"), [("A", True, (1, 1)), ("A", False, (2, 0)), ("B", False, (3, 0)), ("B", True, (2, 1))]
)
def test_a_heavy_queue_takes_its_workers_from_the_others(stage, on, workers):
    found = size(stage, **{"on" if on else "off": [Switch.HEAVY_QUEUE]})
    assert (found.celery_default_concurrency, found.celery_heavy_workers) == workers


def test_what_was_set_is_said():
    stage, words = switched(load_target("lectio").stage("B"), [Switch.N_PLUS_ONE], [Switch.PGBOUNCER])
    assert words == (
        "with N+1 queries, set on the command line",
        "without PgBouncer, set on the command line",
    )
    assert stage.figure("pgbouncer").note == "PgBouncer: set on the command line; the file has 1"
    assert stage.figure("n_plus_one").note.endswith("the file says nothing of it")


def test_on_and_off_is_a_mistake():
    with pytest.raises(ConfigError, match="on and off"):
        switched(load_target("lectio").stage("A"), [Switch.CACHE], [Switch.CACHE])


def test_names():
    assert switch_named("n-plus-one", "--with") is Switch.N_PLUS_ONE
    with pytest.raises(ConfigError, match='no switch "index"'):
        switch_named("index", "--with")
