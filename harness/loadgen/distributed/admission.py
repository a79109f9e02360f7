"""Which workers may take part in a load, and why another may not. No sockets here: messages in, answers out."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from harness.errors import GeneratorError
from harness.loadgen.distributed.trust import Token, challenge

_MOST_PENDING = 256
"""Who has said hello and not yet proven anything: strangers must not fill the memory."""

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Terms:
    """What a worker is held against: the master's version, sources, locustfile (name and digest), clock and network
    (``identity``), and the address of the system to load."""

    version: str
    sources: str
    locustfile: str
    flows: str
    clock: str
    network: str
    target: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A worker that may take part. number: of its process on the master's host, 0 for one of another; index: of its
    part of the load. same_clock: whether it reads the master's CLOCK_MONOTONIC."""

    client: str
    name: str
    number: int
    index: int
    same_clock: bool


@dataclass(slots=True)
class Admission:
    """The door. All that it is told may come from a stranger: what cannot be read is refused like anything else."""

    terms: Terms
    token: Token
    count: int
    begun: bool = False
    members: dict[str, Newcomer] = field(default_factory=dict)
    _pending: dict[str, tuple[str, str]] = field(default_factory=dict)

    def hello(self, client: str, data: Mapping[str, Any]) -> dict[str, str]:
        """The master's challenge, with the proof that it is the master. Raises GeneratorError."""
        name, version, asked = _name(data), str(data.get("version")), data.get("challenge")
        if version != self.terms.version:
            raise GeneratorError(
                f"worker {name} runs version {version}, the master {self.terms.version}",
                hint="install the same version on both hosts",
            )
        if not isinstance(asked, str):
            raise GeneratorError(f"worker {name} said something that cannot be understood")
        self._look_for_room(client, name)
        while len(self._pending) >= _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        own = challenge()
        self._pending[client] = (asked, own)
        proof = self.token.prove("master", asked, own)
        return {"challenge": own, "proof": proof, "locustfile": self.terms.locustfile}

    def join(self, client: str, data: Mapping[str, Any]) -> Newcomer:
        """Take it in. Raises GeneratorError."""
        name, terms = _name(data), self.terms
        asked, own = self._pending.pop(client, ("", ""))
        if not own or not self.token.accepts(data.get("proof"), "worker", asked, own):
            raise GeneratorError(f"worker {name} does not know the token", hint=TOKEN_HINT)
        self._look_for_room(client, name)
        if any(member.name == name for member in self.members.values()):
            raise GeneratorError(
                f"a worker {name} is here already",
                hint="does another host have the same name? each needs one of its own",
            )
        if data.get("sources") != terms.sources:
            raise GeneratorError(
                f"worker {name} has other sources of Proofload {terms.version} than the master",
                hint="the same checkout or image on both hosts",
            )
        if data.get("flows") != terms.flows:
            what = f"another {terms.locustfile} than the master" if data.get("flows") else f"no {terms.locustfile}"
            raise GeneratorError(
                f"worker {name} has {what}",
                hint="copy the master's there: proofload worker --locustfile FILE",
            )
        target = str(data.get("target") or "")
        if not target and data.get("network") != terms.network and is_loopback(terms.target):
            raise GeneratorError(
                f"{terms.target} is another machine for worker {name}: there, it is that host itself",
                hint="give the system's address as all hosts know it: --stack external --host URL, "
                "or proofload worker --host URL",
            )
        number = data.get("number")
        number = number if isinstance(number, int) else 0
        free = set(range(self.count)) - {member.index for member in self.members.values()}
        index = number - 1 if number - 1 in free else min(free)
        member = Newcomer(client, name, number, index, data.get("clock") == terms.clock)
        self.members[client] = member
        return member

    def leave(self, client: str) -> None:
        """It has gone before the load: another may take its place."""
        self.members.pop(client, None)

    def _look_for_room(self, client: str, name: str) -> None:
        if client in self.members:
            raise GeneratorError(f"worker {name} has joined already")
        if self.begun:
            raise GeneratorError(
                f"worker {name} comes too late: the load has begun", hint="who joins or comes back later has no part"
            )
        if len(self.members) >= self.count:
            raise GeneratorError(f"worker {name} is one too many", hint=f"the master expects {self.count}")


TOKEN_HINT = "the master prints it; PROOFLOAD_WORKER_TOKEN, or PROOFLOAD_WORKER_TOKEN_FILE, hands it on"  # noqa: S105


def _name(data: Mapping[str, Any]) -> str:
    """As it may be shown: it was written by somebody else."""
    name = "".join(character for character in str(data.get("name", "")) if character.isprintable())
    return name[:_LONGEST_NAME] or "?"


def is_loopback(url: str) -> bool:
    """Whether the address means the host that uses it."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
