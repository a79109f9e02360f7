"""``proofload worker``, and the options that wait for it: what is refused before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.cli.workers import awaited, parse_address, token_of
from harness.errors import ConfigError

TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROOFLOAD_WORKER_TOKEN", "PROOFLOAD_WORKER_TOKEN_FILE", "PROOFLOAD_WORKER_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_the_help_has_examples_and_the_exit_codes(printed) -> None:
    code, out, _ = printed("worker", "--help")
    assert code == 0
    assert "proofload worker --master 10.0.0.5" in out
    assert "PROOFLOAD_WORKER_TOKEN_FILE=/run/secrets/token" in out
    assert "Exit codes: 0 after its part of a load, 20 bad input, 22" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "token", "error"),
    [
        (("--master", "10.0.0.5"), "", "a worker needs the token of its master"),
        (("--master", "10.0.0.5"), "short", "the workers' token is too short"),
        (("--master", ":5557"), TOKEN, '":5557" is no address'),
        (("--master", "host:"), TOKEN, '"host:" is no address'),
        (("--master", "host:99999"), TOKEN, '"host:99999" is no address'),
        (("--master", "host", "--processes", "0"), TOKEN, '"0" is no number of processes'),
        (("--master", "host", "--processes", "all"), TOKEN, '"all" is no number of processes'),
        (("--master", "host", "--locustfile", "/none.py"), TOKEN, "there is no such locustfile"),
    ],
)
def test_bad_input_is_20_in_three_lines(printed, monkeypatch, arguments, token: str, error: str) -> None:
    monkeypatch.setenv("PROOFLOAD_WORKER_TOKEN", token)
    code, _, err = printed("worker", *arguments)
    assert code == 20
    assert err.startswith(f"error: {error}")
    assert " hint: " in err
    assert TOKEN not in err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--bind", "0.0.0.0"), "--bind is for workers of other machines"),
        (("--expect-workers", "2", "--workers", "2"), "--workers starts processes here, --expect-workers waits"),
        (("--expect-workers", "2", "--bind", "nowhere.invalid"), "nowhere.invalid is no address of this machine"),
        (("--expect-workers", "2", "--json"), "nobody would see the token that the workers need"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "capacity"])
def test_what_cannot_be_waited_for(printed, command: str, arguments, error: str) -> None:
    code, _, err = printed(command, "lectio", "--stage", "A", *arguments)
    assert code == 20
    assert err.startswith(f"error: {error}")


def test_addresses() -> None:
    assert parse_address("10.0.0.5", "--master") == ("10.0.0.5", 5557)
    assert parse_address(" master:7 ", "--master") == ("master", 7)


def test_the_token_is_the_environments_or_a_files(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert token_of({"PROOFLOAD_WORKER_TOKEN": TOKEN}) == TOKEN
    assert token_of({"PROOFLOAD_WORKER_TOKEN_FILE": str(path)}) == TOKEN
    assert token_of({}) is None
    path.write_text("\n")
    for broken in (path, tmp_path / "none"):
        with pytest.raises(ConfigError, match="token's file"):
            token_of({"PROOFLOAD_WORKER_TOKEN_FILE": str(broken)})


def test_loopback_unless_somebody_says_otherwise() -> None:
    found = awaited(2, None, 60, workers=1, allowed=(), seen=True)
    assert found is not None
    assert (found.address, found.port, found.exposed, found.shown) == ("127.0.0.1", 5557, False, True)
    assert len(found.token) >= 32
    assert found.token not in repr(found)
    named = awaited(2, "localhost:6000", 60, workers=1, allowed=("x",), seen=True)
    assert named is not None
    assert (named.address, named.port, named.allowed) == ("127.0.0.1", 6000, ("x",))
    assert named.token != found.token


def test_a_token_that_was_set_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFLOAD_WORKER_TOKEN", TOKEN)
    found = awaited(1, "0.0.0.0", 60, workers=1, allowed=(), seen=False)
    assert found is not None
    assert (found.token, found.shown, found.exposed) == (TOKEN, False, True)


def test_where_no_master_is_a_worker_gives_its_reason(printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends before it has told anything."""
    monkeypatch.setenv("PROOFLOAD_WORKER_TOKEN", TOKEN)
    monkeypatch.setattr("harness.experiment.child.sys.executable", "/bin/false")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        code, out, err = printed("worker", "--master", f"127.0.0.1:{port}")
    assert code == 22
    assert f"joining the master at 127.0.0.1:{port} with 1 process" in out
    assert err.startswith(f"error: no master was found at 127.0.0.1:{port}")
