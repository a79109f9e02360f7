"""What the commands that make or are a distributed load have in common: addresses, the token, who is expected."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import ConfigError
from harness.experiment.settings import Awaited

PORT = 5557
"""Locust's own."""

LOOPBACK = "127.0.0.1"
TOKEN, TOKEN_FILE = "PROOFLOAD_WORKER_TOKEN", "PROOFLOAD_WORKER_TOKEN_FILE"
LEAST_TOKEN = 16
"""Characters: whoever can listen may try them all at leisure."""

Workers = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Processes of the load generator; the load stays the same.")
]
ExpectWorkers = Annotated[
    int | None,
    typer.Option(
        "--expect-workers", min=1, max=1000, help="Wait for that many workers of other machines (proofload worker)."
    ),
]
Bind = Annotated[
    str | None,
    typer.Option(
        "--bind", metavar="HOST[:PORT]", help=f"Where they find the master; {LOOPBACK}:{PORT} if nothing is said."
    ),
]
Patience = Annotated[
    float, typer.Option("--patience", min=1, help="Seconds to wait for them; none is there later.", show_default=True)
]


def parse_address(words: str, option: str) -> tuple[str, int]:
    """HOST[:PORT]. Raises ConfigError."""
    host, colon, port = words.strip().partition(":")
    if not host or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ConfigError(f'"{words}" is no address', option, f"such as {option} 10.0.0.5 or {option} 10.0.0.5:{PORT}")
    return host, int(port) if colon else PORT


def token_of(environment: Mapping[str, str] = os.environ) -> str | None:
    """What master and workers share, from the environment or a file (a secret of Docker's or Kubernetes'); None
    without either. Raises ConfigError."""
    token = environment.get(TOKEN, "")
    if not token and (path := environment.get(TOKEN_FILE)):
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("the token's file cannot be read", f"{TOKEN_FILE}={path}: {error}") from error
        if not token:
            raise ConfigError("the token's file is empty", f"{TOKEN_FILE}={path}")
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(
            "the workers' token is too short", TOKEN, f"at least {LEAST_TOKEN} characters, made at random"
        )
    return token or None


def awaited(
    expected: int | None,
    bind: str | None,
    patience_seconds: float,
    *,
    workers: int,
    allowed: tuple[str, ...],
    seen: bool,
) -> Awaited | None:
    """The workers of other machines that a run is to wait for. Raises ConfigError.

    workers: of this machine. seen: whether somebody reads what is printed, and so the token.
    """
    if expected is None:
        if bind is not None:
            raise ConfigError("--bind is for workers of other machines", "--bind", "add --expect-workers N")
        return None
    if workers > 1:
        raise ConfigError(
            "--workers starts processes here, --expect-workers waits for those of others",
            "--workers, --expect-workers",
            "leave out --workers, and run proofload worker --processes N on this machine too",
        )
    host, port = parse_address(bind or LOOPBACK, "--bind")
    try:
        address = str(socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise ConfigError(f"{host} is no address of this machine", f"--bind {bind}: {error}") from error
    token = token_of()
    if token is None and not seen:
        raise ConfigError(
            "nobody would see the token that the workers need", "--json, --expect-workers", f"set {TOKEN} beforehand"
        )
    return Awaited(
        expected,
        address,
        port,
        patience_seconds,
        token or secrets.token_urlsafe(24),
        shown=token is None,
        allowed=allowed,
    )
