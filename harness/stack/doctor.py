"""What a machine must have for a run: facts in, findings out. Nothing is looked up here; ``machine.look`` does that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.compiled import CAN_BE_COMPILED, NEEDED_PACKAGES
from harness.model.units import Unit, format_quantity

LEAST_PYTHON = (3, 11)
LEAST_OPEN_FILES = 1024
"""Below it not even the normal level's sockets and sessions fit."""
ENOUGH_OPEN_FILES = 8192
LEAST_DISK_BYTES = 1 << 30
"""A smoke run of the smallest stage leaves some hundred MiB of data, videos and evidence."""
ENOUGH_DISK_BYTES = 5 << 30
ENOUGH_DOCKER_BYTES = 5 << 30
"""The images take 2 GiB, what they are built from as much again, and a run's volumes some hundred MiB."""
ENOUGH_PORTS = 4096
"""A request leaves its port in TIME-WAIT for a minute, and a 3x-peak makes thousands of them."""

PROGRAMS: Mapping[str, str] = {
    "postgres": "postgresql",
    "pgbouncer": "pgbouncer",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "ffmpeg": "ffmpeg",
}
"""Programs that a run needs, and the Debian package of each."""

SET_UP = "make setup"


class State(StrEnum):
    """What a finding means for ``proofload verify``."""

    READY = "ready"
    NOTE = "note"
    """A run is possible; its verdict may say less."""
    MISSING = "missing"
    """No run is possible."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer. found: what is there; fix: what to do, empty when nothing is."""

    subject: str
    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Docker:
    """What ``--stack compose`` would find. error: "" when it can be used, else why not, and ``fix`` what to do.

    together: "" when one cgroup can hold all containers to the stage, else why not. free_bytes: where the engine keeps
    its images; None when that is another machine's, or closed to this user.
    """

    error: str = ""
    fix: str = ""
    version: str = ""
    compose_version: str = ""
    cgroup_driver: str = ""
    cgroup_version: int = 0
    together: str = ""
    folder: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a stage's server has."""

    stage: str
    cpu_cores: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine, as far as a run cares.

    programs: those found. application_environment: "" when current, else what is wrong with it.
    cgroup_version: None when no limits can be set, and ``cgroup_reason`` says why. pressure: PSI is there.
    ephemeral_ports: how many there are. loopback_error: "" when a free port of 127.0.0.1 can be taken.
    runs_error: "" when the runs' folder can be written. leftovers: ids of runs whose servers outlived their harness.
    generator: compiled, or why its hot path is interpreted, as ``harness.compiled.state`` says it.
    services_account: as root, whether there is an account for PostgreSQL, which refuses to run as root; else None.
    """

    python: tuple[int, int, int]
    programs: Mapping[str, Program]
    has_h264: bool
    application_environment: str
    cgroup_version: int | None
    cgroup_reason: str
    cpu_cores: int
    memory_bytes: int
    open_files: int
    ephemeral_ports: int
    loopback_error: str
    runs_folder: str
    runs_error: str
    runs_free_bytes: int
    leftovers: tuple[str, ...]
    pressure: bool
    services_account: bool | None = None
    docker: Docker = Docker("not looked for", "")
    generator: str = "compiled"


def diagnose(facts: Facts, need: Need | None = None) -> tuple[Finding, ...]:
    """Every finding, in the order in which a person would mend them."""
    return tuple(_findings(facts, need))


def can_verify(findings: tuple[Finding, ...]) -> bool:
    """Whether ``proofload verify`` can run here."""
    return all(finding.state is not State.MISSING for finding in findings)


def _findings(facts: Facts, need: Need | None) -> Iterator[Finding]:
    yield _python(facts)
    for name, package in PROGRAMS.items():
        yield _program(facts, name, package)
    yield _chromium(facts)
    if facts.services_account is not None:
        yield _account(facts.services_account)
    yield _environment(facts)
    yield _generator(facts)
    yield _limits(facts)
    yield _cores(facts, need)
    yield _memory(facts, need)
    yield _open_files(facts)
    yield _ports(facts)
    yield _disk(facts)
    yield _pressure(facts)
    yield _docker(facts.docker)
    yield _leftovers(facts)


def _python(facts: Facts) -> Finding:
    version = ".".join(str(part) for part in facts.python)
    if facts.python[:2] < LEAST_PYTHON:
        return Finding("Python", State.MISSING, f"{version}, too old", "install Python 3.11 or newer, then: make setup")
    return Finding("Python", State.READY, version)


def _program(facts: Facts, name: str, package: str) -> Finding:
    program = facts.programs.get(name)
    if program is None:
        fix = f"{SET_UP} (or: apt-get install --no-install-recommends {package})"
        return Finding(name, State.MISSING, "not installed", fix)
    if name == "ffmpeg" and not facts.has_h264:
        found = f"{program.version} without libx264"
        return Finding(name, State.MISSING, found, "install a build with libx264, such as Debian's ffmpeg")
    return Finding(name, State.READY, f"{program.version} ({program.path})")


def _chromium(facts: Facts) -> Finding:
    program = facts.programs.get("chromium")
    if program is None:
        fix = "apt-get install --no-install-recommends chromium; only a page in a browser needs it, and the tests"
        return Finding("chromium", State.NOTE, "not installed: no page is opened in a browser", fix)
    return Finding("chromium", State.READY, f"{program.version} ({program.path})")


def _account(present: bool) -> Finding:
    if present:
        return Finding("servers' account", State.READY, "postgres, since PostgreSQL refuses to run as root")
    return Finding("servers' account", State.MISSING, "no account postgres, and you are root", SET_UP)


def _environment(facts: Facts) -> Finding:
    if facts.application_environment:
        return Finding("application", State.MISSING, f".venv-app {facts.application_environment}", SET_UP)
    return Finding("application", State.READY, ".venv-app is made from docker/app/requirements.txt")


def _generator(facts: Facts) -> Finding:
    if facts.generator == "compiled":
        return Finding("load generator", State.READY, "its hot path is compiled")
    if facts.generator == CAN_BE_COMPILED:
        fix = SET_UP
    else:
        fix = f"apt-get install --no-install-recommends {NEEDED_PACKAGES}, then: {SET_UP}; only speed depends on it"
    return Finding("load generator", State.NOTE, f"its hot path is interpreted: {facts.generator}", fix)


def _limits(facts: Facts) -> Finding:
    if facts.cgroup_version is None:
        found = f"not enforced: {facts.cgroup_reason}"
        return Finding("CPU, memory limits", State.NOTE, found, "run as root; the run records that it had no limits")
    return Finding("CPU, memory limits", State.READY, f"enforced with cgroup v{facts.cgroup_version}")


def _cores(facts: Facts, need: Need | None) -> Finding:
    found = f"{facts.cpu_cores}"
    if need is None:
        return Finding("CPU cores", State.READY, found)
    found += f", of them {format_quantity(need.cpu_cores, Unit.COUNT)} for stage {need.stage}"
    if facts.cpu_cores < need.cpu_cores:
        fix = "a larger machine: on this one a FAIL becomes INCONCLUSIVE"
        return Finding("CPU cores", State.NOTE, f"{facts.cpu_cores}, fewer than the stage's {need.cpu_cores:g}", fix)
    if facts.cpu_cores < need.cpu_cores + 1:
        fix = "one core more: the generator shares the stage's, and measured contention makes a FAIL INCONCLUSIVE"
        return Finding("CPU cores", State.NOTE, found, fix)
    return Finding("CPU cores", State.READY, found)


def _memory(facts: Facts, need: Need | None) -> Finding:
    has = format_quantity(facts.memory_bytes, Unit.BYTES)
    if need is None:
        return Finding("memory", State.READY, has)
    wants = format_quantity(need.memory_bytes, Unit.BYTES)
    if facts.memory_bytes < need.memory_bytes:
        fix = "a larger machine: on this one a FAIL becomes INCONCLUSIVE"
        return Finding("memory", State.NOTE, f"{has}, less than the stage's {wants}", fix)
    return Finding("memory", State.READY, f"{has}, of them {wants} for stage {need.stage}")


def _open_files(facts: Facts) -> Finding:
    found = f"at most {facts.open_files:,} for a process"
    if facts.open_files < LEAST_OPEN_FILES:
        return Finding("open files", State.MISSING, found, f"as root: ulimit -Hn {ENOUGH_OPEN_FILES}")
    if facts.open_files < ENOUGH_OPEN_FILES:
        fix = f"for the larger stages, as root: ulimit -Hn {ENOUGH_OPEN_FILES}"
        return Finding("open files", State.NOTE, found, fix)
    return Finding("open files", State.READY, found)


def _ports(facts: Facts) -> Finding:
    if facts.loopback_error:
        fix = "see that 127.0.0.1 is up and not filtered"
        return Finding("ports", State.MISSING, f"127.0.0.1: {facts.loopback_error}", fix)
    found = f"{facts.ephemeral_ports:,} free to choose from on 127.0.0.1"
    if facts.ephemeral_ports < ENOUGH_PORTS:
        return Finding("ports", State.NOTE, found, 'sysctl -w net.ipv4.ip_local_port_range="32768 60999"')
    return Finding("ports", State.READY, found)


def _disk(facts: Facts) -> Finding:
    if facts.runs_error:
        fix = "name a folder that you may write with --runs DIR"
        return Finding("disk", State.MISSING, f"{facts.runs_folder}: {facts.runs_error}", fix)
    found = f"{format_quantity(facts.runs_free_bytes, Unit.BYTES)} free in {facts.runs_folder}"
    if facts.runs_free_bytes < LEAST_DISK_BYTES:
        return Finding("disk", State.MISSING, found, "make room (make clean-runs removes old runs), or --runs DIR")
    if facts.runs_free_bytes < ENOUGH_DISK_BYTES:
        return Finding("disk", State.NOTE, found, "make room before a nightly run")
    return Finding("disk", State.READY, found)


def _pressure(facts: Facts) -> Finding:
    if facts.pressure:
        return Finding("pressure (PSI)", State.READY, "measured by the kernel")
    found = "not measured by this kernel: contention is told from CPU use alone"
    return Finding("pressure (PSI)", State.NOTE, found, "boot with psi=1")


def _docker(docker: Docker) -> Finding:
    if docker.error:
        fix = f"{docker.fix}; only --stack compose needs it" if docker.fix else ""
        return Finding("Docker", State.NOTE, f"{docker.error}: no --stack compose", fix)
    found = (
        f"{docker.version} with compose {docker.compose_version}, "
        f"cgroup v{docker.cgroup_version} by {docker.cgroup_driver}"
    )
    if docker.together:
        found += f"; the stage's limits hold for each container, not together: {docker.together}"
        fix = "for a proof: dockerd --exec-opt native.cgroupdriver=cgroupfs, as root; or --stack native"
        return Finding("Docker", State.NOTE, found, fix)
    if docker.free_bytes is not None:
        found += f", {format_quantity(docker.free_bytes, Unit.BYTES)} free in {docker.folder}"
        if docker.free_bytes < ENOUGH_DOCKER_BYTES:
            return Finding("Docker", State.NOTE, found, "make room before images are built: docker system prune")
    return Finding("Docker", State.READY, found)


def _leftovers(facts: Facts) -> Finding:
    if not facts.leftovers:
        return Finding("left behind", State.READY, "nothing")
    found = f"servers of {', '.join(facts.leftovers)}"
    return Finding("left behind", State.NOTE, found, "proofload stack down (the next run does it as well)")
