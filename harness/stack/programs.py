"""The programs that the stack is made of, and where this machine has them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MissingProgram
from harness.stack.processes import SEARCH_PATH

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
"""Debian keeps the servers of each version below it, out of PATH."""
PACKAGES = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "pg_basebackup": "postgresql",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "pgbouncer": "pgbouncer",
    "ffmpeg": "ffmpeg",
    "setpriv": "util-linux",
}


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths. pgbouncer is None where the stage needs none and the machine has none."""

    postgres: Path
    initdb: Path
    pg_basebackup: Path
    redis_server: Path
    nginx: Path
    ffmpeg: Path
    pgbouncer: Path | None


def newest_postgres(root: Path = DEBIAN_POSTGRES) -> str:
    """The folder with the newest version's programs; empty when there is none."""
    versions = [folder for folder in root.glob("*/bin") if re.fullmatch("[0-9]+", folder.parent.name)]
    return str(max(versions, key=lambda folder: int(folder.parent.name), default=""))


def find_programs(*, pgbouncer: bool, locate: Callable[[str], Path | None] | None = None) -> Programs:
    """Find them all. Raises MissingProgram that names every missing one and the line that installs them."""
    locate = locate or _locate
    wanted = ["postgres", "initdb", "pg_basebackup", "redis-server", "nginx", "ffmpeg"]
    if pgbouncer:
        wanted.append("pgbouncer")
    if os.geteuid() == 0:
        wanted.append("setpriv")
    found = {name: path for name in (*wanted, "pgbouncer") if (path := locate(name)) is not None}
    missing = [name for name in wanted if name not in found]
    if missing:
        packages = dict.fromkeys(PACKAGES[name] for name in missing)
        raise MissingProgram(
            f"the stack needs programs that are not installed: {', '.join(missing)}",
            hint=f"apt-get install --no-install-recommends {' '.join(packages)}",
        )
    return Programs(
        postgres=found["postgres"],
        initdb=found["initdb"],
        pg_basebackup=found["pg_basebackup"],
        redis_server=found["redis-server"],
        nginx=found["nginx"],
        ffmpeg=found["ffmpeg"],
        pgbouncer=found.get("pgbouncer"),
    )


def find_ffmpeg(locate: Callable[[str], Path | None] | None = None) -> Path:
    """The one program that loading somebody else's servers takes, to make the videos. Raises MissingProgram."""
    found = (locate or _locate)("ffmpeg")
    if found is None:
        raise MissingProgram(
            "the uploads need a program that is not installed: ffmpeg",
            hint="apt-get install --no-install-recommends ffmpeg",
        )
    return found


def _locate(name: str) -> Path | None:
    places = (newest_postgres(), SEARCH_PATH, os.environ.get("PATH", ""))
    found = shutil.which(name, path=os.pathsep.join(place for place in places if place))
    return None if found is None else Path(found)
