"""Which user the servers run as. PostgreSQL refuses root, and the others do not need it."""

from __future__ import annotations

import os
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MissingProgram

NAME = "postgres"
"""Debian's own unprivileged user of the postgresql package."""
FALLBACKS = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - a folder of our own with a random name is made in it


@dataclass(frozen=True, slots=True)
class Account:
    """A system user."""

    name: str
    uid: int
    gid: int

    def prefix(self) -> tuple[str, ...]:
        """What to put before a command so that it runs as this user."""
        return ("setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--")


def service_account() -> Account | None:
    """The user for the servers when the harness runs as root; otherwise None: they run as the harness does.

    Raises MissingProgram when the machine has no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError as error:
        raise MissingProgram(
            f"there is no user {NAME}, and PostgreSQL refuses to run as root", hint="apt-get install postgresql"
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_traverse(folder: Path, account: Account) -> bool:
    """Whether the user can reach what lies in the folder."""
    for place in (folder, *folder.parents):
        status = place.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == account.gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True


def data_folder(preferred: Path, account: Account | None, run_id: str) -> Path:
    """Where the servers' data goes: the run's own folder, or, where the servers' user cannot reach that (a project
    below /root), one outside with a name that nobody can guess. Makes nothing."""
    if account is None or can_traverse(preferred.parent, account):
        return preferred
    for fallback in FALLBACKS:
        if fallback.is_dir() and can_traverse(fallback, account):
            return fallback / f"proofload-{run_id}-{secrets.token_hex(4)}"
    return preferred


def make_passage(path: Path) -> None:
    """Make a folder that others may pass through and not look into, whatever the umask."""
    path.mkdir(mode=0o700)
    path.chmod(0o711)


def make_folder(path: Path, account: Account | None, mode: int = 0o700) -> Path:
    """Make a folder that belongs to the servers' user."""
    path.mkdir(mode=mode)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def write_private(path: Path, text: str, account: Account | None) -> Path:
    """Write a file, such as one with a password, that only the servers' user may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)
        file.write(text)
    return path
