"""A master and its workers prove to each other that they know the same token, which itself is never sent.

Each side answers a random challenge of the other with an HMAC (RFC 2104) over both challenges and its own role, so that
an answer can be used neither a second time nor by the other side. It guards the joining, not the wire: whoever can
change messages on their way can change what is said after it. The port belongs into a network that is trusted.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.loadgen.variables import TOKEN_VARIABLE

_CHALLENGE_BYTES = 16


def challenge() -> str:
    """Something that was never said before."""
    return secrets.token_hex(_CHALLENGE_BYTES)


@dataclass(frozen=True, slots=True)
class Token:
    """The secret of one run. It is shown by nothing."""

    _secret: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Token:
        """The environment's; a master without one makes it up, for the workers that it starts itself."""
        return cls(environment.get(TOKEN_VARIABLE, "") or secrets.token_urlsafe(24))

    def prove(self, role: str, worker: str, master: str) -> str:
        """The answer of ``role`` (worker or master) to both sides' challenges."""
        words = f"proofload {role} {worker} {master}".encode()
        return hmac.new(self._secret.encode(), words, "sha256").hexdigest()

    def accepts(self, proof: object, role: str, worker: str, master: str) -> bool:
        """Whether that side knows the token. Takes the same time whatever is wrong."""
        given = proof if isinstance(proof, str) else ""
        return hmac.compare_digest(given.encode(), self.prove(role, worker, master).encode())

    def environment(self) -> dict[str, str]:
        """For a child that is to know it: never an argument, which every user of the machine could read."""
        return {TOKEN_VARIABLE: self._secret}
