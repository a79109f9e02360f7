"""The docker command: the engine it reaches, and what is asked of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import MissingProgram, StackError
from harness.stack.compose_containers import PROJECT_LABEL, Container, parse_inspect
from harness.stack.compose_render import COMPOSE_FILE, ENVIRONMENT_FILE

ANSWER_SECONDS = 30.0
"""For a question to the engine."""
DO_SECONDS = 120.0
"""For something that the engine does, such as to stop all containers."""
POLL_SECONDS = 0.1
TAIL_LINES = 12
NATIVE = "without an engine: --stack native"


def environment() -> dict[str, str]:
    """Of the docker command: what names its engine. Any other variable would win over the stage's env file."""
    kept = ("PATH", "HOME", "LANG")
    return {name: value for name, value in os.environ.items() if name in kept or name.startswith(("DOCKER_", "XDG_"))}


def docker(*words: str, timeout_seconds: float = ANSWER_SECONDS) -> str:
    """What a docker command prints. Raises StackError with its last lines, MissingProgram."""
    try:
        done = subprocess.run(
            ("docker", *words), capture_output=True, text=True, timeout=timeout_seconds, env=environment(), check=False
        )
    except FileNotFoundError as error:
        raise MissingProgram(
            "there is no docker command", hint=f"install Docker with its compose plugin, or do {NATIVE}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"docker {words[0]} took longer than {timeout_seconds:g} s") from error
    if done.returncode != 0:
        raise StackError(f"docker {words[0]} failed", tail(done.stderr or done.stdout))
    return done.stdout


def tail(text: str) -> tuple[str, ...]:
    """The last lines, as plain text."""
    lines = ("".join(letter if letter.isprintable() else " " for letter in line) for line in text.splitlines())
    return tuple(line.rstrip() for line in lines if line.strip())[-TAIL_LINES:]


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers. cgroup_driver: "cgroupfs" or "systemd". memory_bytes: of its machine. folder: where
    it keeps images and volumes there."""

    version: str
    compose_version: str
    cgroup_driver: str
    cgroup_version: int
    cpu_cores: int
    memory_bytes: int
    folder: str = ""


def find_engine() -> Engine:
    """Ask the engine what it is. Raises MissingProgram (no docker, no compose), StackError (it does not answer)."""
    if shutil.which("docker") is None:
        raise MissingProgram(
            "there is no docker command", hint=f"install Docker with its compose plugin, or do {NATIVE}"
        )
    try:
        compose = docker("compose", "version", "--short").strip()
    except StackError as error:
        raise MissingProgram(
            "docker has no compose plugin", error.where, hint=f"install it (docker-compose-plugin), or do {NATIVE}"
        ) from error
    try:
        return parse_info(docker("info", "--format", "{{json .}}"), compose)
    except StackError as error:
        raise StackError("the Docker engine does not answer", error.where, f"start it, or do {NATIVE}") from error


def parse_info(text: str, compose: str) -> Engine:
    """What ``docker info`` printed as JSON. Raises StackError when that is not an engine's answer."""
    try:
        info = json.loads(text)
        if info.get("ServerErrors"):
            raise StackError("docker info failed", [str(error) for error in info["ServerErrors"]])
        return Engine(
            version=info["ServerVersion"],
            compose_version=compose,
            cgroup_driver=info["CgroupDriver"],
            cgroup_version=int(info.get("CgroupVersion") or 1),
            cpu_cores=int(info["NCPU"]),
            memory_bytes=int(info["MemTotal"]),
            folder=str(info.get("DockerRootDir") or ""),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StackError("docker info answered something else", repr(text[:200])) from error


def containers_of(project: str) -> tuple[Container, ...]:
    """All containers of a project, also those that have ended. Raises StackError."""
    ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={PROJECT_LABEL}={project}").split()
    return parse_inspect(docker("inspect", *ids)) if ids else ()


def remove_project(project: str, logs: Path | None = None) -> int:
    """End and remove its containers, networks and volumes, and return how many containers there were. What is gone
    already is no error. logs: a folder to keep what the servers said in. Raises StackError."""
    try:
        found = containers_of(project)
    except StackError as error:
        hint = "start the Docker engine, then: proofload stack down"
        raise StackError(f"the containers of {project} cannot be removed", error.where, hint) from error
    if logs is not None and logs.is_dir():
        keep_logs(found, logs)
    label = f"label={PROJECT_LABEL}={project}"
    gates = [one.id for one in found if one.service == "nginx" and one.running]
    if gates:
        docker("stop", "--time=5", *gates)  # in good order: it has lines of its log in memory
    count = len(found)
    while found:
        docker("rm", "--force", "--volumes", *(one.id for one in found), timeout_seconds=DO_SECONDS)
        found = containers_of(project)  # what a command had begun that was killed in the middle
        count += len(found)
    for kind in ("network", "volume"):
        names = docker(kind, "ls", "--quiet", "--filter", label).split()
        if names:
            docker(kind, "rm", *names, timeout_seconds=DO_SECONDS)
    return count


def keep_logs(containers: Sequence[Container], logs: Path) -> None:
    """What the containers have printed, a file each."""
    counts: dict[str, int] = {}
    for one in containers:
        counts[one.service] = counts.get(one.service, 0) + 1
        number = "" if counts[one.service] == 1 else f"-{counts[one.service]}"
        with (logs / f"{one.service}{number}.log").open("wb") as file:
            write_log(one, file)


def write_log(container: Container, file: IO[bytes]) -> None:
    """What a container has printed; nothing when the engine does not say."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ("docker", "logs", container.id),
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_SECONDS,
            env=environment(),
            check=False,
        )


class Project:
    """One stack: docker/compose.yaml with the env file of its stage."""

    def __init__(
        self, name: str, folder: Path, logs: Path, mark: str, check: Callable[[], None] = lambda: None
    ) -> None:
        """mark: NAME=value in the environment of its commands, so that they are found when the harness was killed.
        check: called again and again while waiting; what it raises ends the wait."""
        self.name = name
        self._mark = dict([mark.split("=", 1)])
        self._logs = logs
        self._check = check
        self._words = (
            "docker",
            "compose",
            "--ansi=never",
            "--progress=plain",
            f"--project-name={name}",
            f"--env-file={folder / ENVIRONMENT_FILE}",
            f"--file={COMPOSE_FILE}",
        )

    def compose(self, *words: str, timeout_seconds: float = DO_SECONDS) -> None:
        """Run a compose command with its output in a log. Raises StackError with the log's last lines."""
        log = self._logs / "compose.log"
        deadline = time.monotonic() + timeout_seconds
        with log.open("ab") as output:
            begins = output.tell()
            with subprocess.Popen(
                (*self._words, *words),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment() | self._mark,
                start_new_session=True,
            ) as process:
                try:
                    while (code := process.poll()) is None:
                        if time.monotonic() > deadline:
                            raise StackError(
                                f"docker compose {words[0]} took longer than {timeout_seconds:g} s", str(log)
                            )
                        self._check()
                        time.sleep(POLL_SECONDS)
                except BaseException:
                    process.terminate()
                    raise
        if code != 0:
            with log.open("rb") as file:
                file.seek(begins)
                said = tail(file.read().decode(errors="replace"))
            raise StackError(f"docker compose {words[0]} failed", said, f"the whole log: {log}")

    def containers(self) -> tuple[Container, ...]:
        """All of them. Raises StackError."""
        return containers_of(self.name)
