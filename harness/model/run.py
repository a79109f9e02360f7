"""What identifies a run: manifest.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA_VERSION = 1
"""Of the run directory; a reader refuses a newer one."""

HOST_CAPPED = "host-capped"
"""How the deviations begin of a stage that was started smaller, since the host has no more."""
IMAGE_ID = "image "
"""How the names of versions begin that are the id of a container image."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """One setting of the stage as the running server reports it. matches None: recorded, not compared."""

    component: str
    setting: str
    wanted: str
    effective: str
    matches: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class HostFingerprint:
    """The machine that a run was made on."""

    kernel: str
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    os_name: str
    python: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who, what, when. kind: verify, capacity or trial (of a capacity search). stack: native, compose or external.
    limits: enforced how ("cgroup v1", or "not enforced: reason").

    plan_digest: SHA-256 of the system's TOML file. command: to run it again. scale: of the stage's load and sizes;
    below 1 it is a rehearsal, which neither passes nor fails the stage.
    """

    schema_version: int
    run_id: str
    proofload_version: str
    system: str
    stage: str
    profile: str
    seed: int
    started_wall_seconds: float
    stack: str
    base_url: str
    host: HostFingerprint
    limits: str
    limits_enforced: bool
    read_back: tuple[ReadBack, ...]
    versions: Mapping[str, str]
    plan_digest: str
    command: str
    stack_seconds: float = 0.0
    deviations: tuple[str, ...] = field(default=())
    kind: str = "verify"
    scale: float = 1.0

    @property
    def host_capped(self) -> tuple[str, ...]:
        """Where the host made the stack smaller than its stage: ``host-capped: 2 of 8 CPU``."""
        return tuple(words for words in self.deviations if words.startswith(HOST_CAPPED))

    @property
    def rehearsal(self) -> str:
        """``scaled to 0.25: a rehearsal``; empty for a run of the stage itself."""
        return scale_words(self.scale)


def scale_words(scale: float) -> str:
    """``scaled to 0.25: a rehearsal``; empty for the stage itself."""
    return "" if scale == 1 else f"scaled to {scale:g}: a rehearsal"
