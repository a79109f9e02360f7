"""Who uses the system: the table that every product shares, and passwords."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import scrypt

from sqlalchemy import Column, Identity, Integer, Table, Text, bindparam, select

from refapp.db import connect, metadata

users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
)

_BY_EMAIL = select(users.c.id, users.c.role, users.c.name, users.c.password_hash).where(
    users.c.email == bindparam("email")
)


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in; role is one of the product's."""

    id: int
    role: str
    name: str


def find_by_email(email: str) -> tuple[User, str] | None:
    """The user of that address and the hash of their password."""
    with connect() as connection:
        row = connection.execute(_BY_EMAIL, {"email": email}).one_or_none()
    return None if row is None else (User(row.id, row.role, row.name), row.password_hash)


def hash_password(password: str, cost: int, salt: bytes) -> str:
    """``scrypt$cost$salt$hash``. cost is scrypt's n, a power of two: 4096 takes about 10 ms and 4 MB."""
    digest = scrypt(password.encode(), salt=salt, n=cost, r=8, p=1, dklen=32)
    return f"scrypt${cost}${salt.hex()}${digest.hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Whether it is the password that was hashed."""
    _, cost, salt, _ = stored.split("$")
    return hmac.compare_digest(hash_password(password, int(cost), bytes.fromhex(salt)), stored)
