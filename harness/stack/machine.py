"""Look at this machine: the facts that ``harness.stack.doctor`` judges."""

from __future__ import annotations

import os
import pwd
import re
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from harness import compiled
from harness.errors import HarnessError
from harness.stack.appenv import environment_problem
from harness.stack.cleanup import status
from harness.stack.compose_engine import find_engine
from harness.stack.compose_limits import find_parent
from harness.stack.doctor import PROGRAMS, Docker, Facts, Program
from harness.stack.limits import LimitsUnavailable, find_cgroup

PROJECT = Path(__file__).resolve().parents[2]
APPLICATION_ENVIRONMENT = ".venv-app"
APPLICATION_REQUIREMENTS = "docker/app/requirements.txt"
PROBE_SECONDS = 15.0
"""A program that takes longer to say its version is broken."""
SEARCH_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian keeps servers, and an ordinary user's PATH does not look."""

_VERSION_OPTIONS = {"postgres": "-V", "pgbouncer": "-V", "redis-server": "-v", "nginx": "-v", "ffmpeg": "-version"}
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def look(runs: Path, project: Path = PROJECT) -> Facts:
    """The facts of this machine, for runs that are kept in that folder. Takes about a second."""
    programs = find_programs()
    version, reason = _cgroup()
    info = sys.version_info
    return Facts(
        python=(info.major, info.minor, info.micro),
        programs=programs,
        has_h264="ffmpeg" in programs and "libx264" in said(programs["ffmpeg"].path, "-hide_banner", "-encoders"),
        application_environment=environment_problem(
            project / APPLICATION_ENVIRONMENT, project / APPLICATION_REQUIREMENTS, project
        ),
        cgroup_version=version,
        cgroup_reason=reason,
        cpu_cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        open_files=_open_files(),
        ephemeral_ports=ephemeral_ports(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()),
        loopback_error=_loopback_error(),
        runs_folder=str(runs),
        runs_error=_write_error(runs),
        runs_free_bytes=shutil.disk_usage(_nearest(runs)).free,
        leftovers=tuple(stack.run_id for stack in status(runs) if stack.state == "orphaned"),
        pressure=Path("/proc/pressure/cpu").exists(),
        services_account=_has_account("postgres") if os.geteuid() == 0 else None,
        docker=find_docker(),
        generator=compiled.state(project),
    )


def find_programs() -> dict[str, Program]:
    """The programs that are installed; of several PostgreSQLs the newest."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SEARCH_FOLDERS])
    found = {}
    for name in (*PROGRAMS, "chromium"):
        place = _newest_postgres() if name == "postgres" else shutil.which(name, path=path)
        if place is not None:
            version = _VERSION.search(said(place, _VERSION_OPTIONS.get(name, "--version")))
            found[name] = Program(place, version.group() if version else "of unknown version")
    return found


def find_docker() -> Docker:
    """The engine that ``--stack compose`` would use."""
    try:
        engine = find_engine()
    except HarnessError as error:
        return Docker("; ".join((error.message, *error.where)), error.hint)
    together = ""
    try:
        find_parent(engine, "proofload-doctor")
    except LimitsUnavailable as reason:
        together = str(reason)
    try:
        free_bytes = shutil.disk_usage(engine.folder).free if engine.folder else None
    except OSError:
        free_bytes = None
    return Docker(
        version=engine.version,
        compose_version=engine.compose_version,
        cgroup_driver=engine.cgroup_driver,
        cgroup_version=engine.cgroup_version,
        together=together,
        folder=engine.folder,
        free_bytes=free_bytes,
    )


def said(program: str, *arguments: str) -> str:
    """What a program prints, on either stream; nothing when it cannot be run."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout + done.stderr


def ephemeral_ports(text: str) -> int:
    """How many ports the kernel chooses from, by its ``ip_local_port_range``."""
    low, high = text.split()
    return int(high) - int(low) + 1


def _newest_postgres() -> str | None:
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = sorted(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parents[1].name)])
    return str(versions[-1]) if versions else None


def _cgroup() -> tuple[int | None, str]:
    try:
        return find_cgroup("proofload-doctor").version, ""
    except LimitsUnavailable as error:
        return None, str(error)


def _open_files() -> int:
    """The hard limit: a process may raise its own soft one up to it, and the generator does."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard


def _loopback_error() -> str:
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    path = folder.absolute()
    while not path.exists():
        path = path.parent
    return path


def _write_error(folder: Path) -> str:
    nearest = _nearest(folder)
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} may not be written"


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
