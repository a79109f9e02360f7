"""What the people of every product of the reference application do alike: sign in, read lists, write something once.

For the locustfiles that come with Proofload; docker/app/README.md describes the interface.
"""

from __future__ import annotations

from typing import Any, ClassVar

from harness.loadgen.generator import Generator
from harness.loadgen.http import HttpFlowUser, Reply, request_plainly


def sign_in(generator: Generator, product: str, name: str) -> tuple[int, str]:
    """Id and token of the account ``name`` (``teacher1``), before the load. Raises GeneratorError."""
    account = {"email": f"{name}@{product}.test", "password": product}
    answer = request_plainly(generator.origin, "POST", "/login", json_body=account)
    return int(answer["user"]["id"]), str(answer["token"])


def look_up(generator: Generator, path: str, token: str) -> list[dict[str, Any]]:
    """The items of a list, before the load. Raises GeneratorError."""
    headers = {"Authorization": f"Bearer {token}"}
    items: list[dict[str, Any]] = request_plainly(generator.origin, "GET", path, headers=headers)["items"]
    return items


def is_list(reply: Reply) -> bool:
    """A good answer of a list: items, each with its id."""
    return isinstance(reply.json["items"], list) and all("id" in item for item in reply.json["items"])


class Person(HttpFlowUser):
    """Somebody with one of the seeded accounts. product: whose, and everyone's password."""

    abstract = True
    product: ClassVar[str]

    def log_in(self, role: str, how_many: int) -> int | None:
        """As one of so many of a role; their id. Whoever cannot log in goes away: the session's other steps never
        happen."""
        reply = self.post(
            "/login",
            "POST /login",
            json_body={
                "email": f"{role}{self.random.randint(1, how_many)}@{self.product}.test",
                "password": self.product,
            },
            check=lambda reply: bool(reply.json["token"]),
        )
        if not reply.ok:
            return None
        self.token = str(reply.json["token"])
        return int(reply.json["user"]["id"])

    def choose(self, path: str, endpoint: str, otherwise: int) -> int:
        """The id of one of a list's items; ``otherwise`` when the list fails or is empty: the session goes on."""
        reply = self.get(path, endpoint, check=is_list)
        items = reply.json["items"] if reply.ok else []
        return int(self.random.choice(items)["id"]) if items else otherwise

    def write(self, path: str, endpoint: str, kind: str, values: dict[str, Any]) -> int | None:
        """Something new with an id of our own, acknowledged by the server; its id there."""
        identifier = self.generator.new_id(self.random)
        reply = self.post(
            path,
            endpoint,
            json_body={"client_id": identifier, **values},
            expect=201,
            check=lambda reply: reply.json["client_id"] == identifier and int(reply.json["id"]) > 0,
        )
        if not reply.ok:
            return None
        self.generator.acknowledged(identifier, kind)
        return int(reply.json["id"])
