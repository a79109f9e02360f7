from __future__ import annotations

import pytest

from harness.errors import ConfigError
from harness.stack.external import ExternalStack


def test_nothing_is_known_but_the_host() -> None:
    with ExternalStack("http://127.0.0.1:8000/", {}) as stack:
        running = stack.start()
    assert running.endpoints.base_url == "http://127.0.0.1:8000"
    assert running.endpoints.postgres_dsn is None
    assert running.endpoints.celery_queues == ()
    assert not running.limits_enforced
    assert running.read_back == ()


def test_what_the_owner_names_is_watched() -> None:
    environment = {
        "PROOFLOAD_POSTGRES_DSN": "postgresql://u:secret@127.0.0.1/x",
        "PROOFLOAD_REDIS_URL": "",
        "PROOFLOAD_CELERY_QUEUES": "default, heavy,",
    }
    endpoints = ExternalStack("https://staging.example", environment).start().endpoints
    assert endpoints.postgres_dsn == "postgresql://u:secret@127.0.0.1/x"
    assert endpoints.redis_url is None
    assert endpoints.celery_queues == ("default", "heavy")
    assert "secret" not in repr(endpoints)


@pytest.mark.parametrize("host", ["", "127.0.0.1:8000", "ftp://x", "http://"])
def test_a_host_that_is_no_url(host: str) -> None:
    with pytest.raises(ConfigError, match="the host is no URL"):
        ExternalStack(host, {})


@pytest.mark.parametrize("host", ["http://127.0.0.1:8000/app", "http://127.0.0.1:8000?x=1"])
def test_a_host_with_a_path_would_be_loaded_without_it(host: str) -> None:
    with pytest.raises(ConfigError, match="the host has a path") as caught:
        ExternalStack(host, {})
    assert caught.value.hint == "--host http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROOFLOAD_METRICS_URL", "https://:secret@127.0.0.1/metrics"),
        ("PROOFLOAD_NGINX_STATUS_URL", "127.0.0.1/status?secret"),
        ("PROOFLOAD_REDIS_URL", "http://:secret@127.0.0.1:6379"),
        ("PROOFLOAD_REDIS_URL", "redis://:secret@127.0.0.1:port/0"),
        ("PROOFLOAD_POSTGRES_DSN", "nonsense secret"),
        ("PROOFLOAD_PGBOUNCER_DSN", "postgresql://u:secret@[::1/x"),
    ],
)
def test_an_address_that_no_sampler_can_use_is_bad_input_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ExternalStack("http://127.0.0.1:8000", {name: value})
    assert caught.value.where == (name,)
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"
