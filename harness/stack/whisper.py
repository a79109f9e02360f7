"""The stand-in for the transcription service that Mina's plan buys from outside: it keeps that service's limits.

It is no part of the stage, so it runs outside of the stage's limits on CPU and memory.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harness.stack.places import APPLICATION
from harness.stack.ports import LOOPBACK
from harness.stack.processes import Command

OPTIONS = {
    "WHISPER_PER_MINUTE": "--per-minute",
    "WHISPER_AT_ONCE": "--at-once",
    "WHISPER_FILE_BYTES": "--file-bytes",
    "WHISPER_SECONDS": "--seconds",
}
"""What a stage's ``application`` table may say of it, and the stand-in's options."""

ASKS_FOR_IT = "WHISPER_PER_MINUTE"


@dataclass(frozen=True, slots=True)
class Whisper:
    """Where it listens."""

    port: int

    @property
    def url(self) -> str:
        """For the application's WHISPER_URL."""
        return f"http://{LOOPBACK}:{self.port}/"


def is_wanted(application: Mapping[str, str]) -> bool:
    """Whether the stage says which limits the service has."""
    return ASKS_FOR_IT in application


def arguments(server: Whisper, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Python's, with the limits that the environment names."""
    options = tuple(f"{option}={environment[name]}" for name, option in OPTIONS.items() if name in environment)
    return ("-m", "refapp.products.mina.whisper", f"--port={server.port}", *options)


def serve(python: Path, server: Whisper, environment: Mapping[str, str]) -> Command:
    """Serve it, with the limits that the environment names."""
    argv = (str(python), *arguments(server, environment))
    return Command("whisper", argv, cwd=APPLICATION, environment=environment, as_account=False, outside=True)


def answers(server: Whisper) -> bool:
    """Whether somebody listens there."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex((LOOPBACK, server.port)) == 0
