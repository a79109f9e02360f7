"""Start a server, keep its log, wait until it answers, and say why it did not."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import StackNotReady
from harness.model.sizing import StackSize
from harness.stack.account import Account
from harness.stack.ledger import MARKER, LedgerFile, LedgerProcess
from harness.stack.limits import CgroupPaths
from harness.stack.proc import state_of

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
READY_SECONDS = 60.0
"""Generous, since a server that ends is noticed at once: on two busy cores a large stage's workers take their time."""
WORKER_SECONDS = 3.0
"""Of one core, for a worker of gunicorn or Celery to import the application: one second, with room for a busy host."""
POLL_SECONDS = 0.02
OPEN_FILES = 65_536
TAIL_LINES = 12
TAIL_BYTES = 16_384

# The shell waits for a line before it becomes the server: by then the server is in the ledger. When the harness dies
# in between, the line never comes, and nothing was started. It enters the cgroups first, so that all memory counts,
# and allows itself more open files than the usual 1,024: every held socket is one.
_LAUNCH = (
    "read -r go || exit 125; "
    f"ulimit -n {OPEN_FILES} 2>/dev/null || ulimit -n $(ulimit -Hn); "
    'while [ "$1" != -- ]; do echo $$ > "$1" || exit 126; shift; done; shift; '
    'exec "$@" </dev/null'
)


def ready_seconds(size: StackSize) -> float:
    """How long the application may take to come up on that many cores."""
    workers = size.gunicorn_workers + size.celery_default_concurrency + size.celery_heavy_workers
    return max(READY_SECONDS, WORKER_SECONDS * workers / size.cpu_cores)


class PortTaken(StackNotReady):
    """Someone else took the port between its choice and the server's start: try again with others."""


@dataclass(frozen=True, slots=True)
class Command:
    """A server to start. stop_signal: what ends it soonest in good order. as_account: as the servers' user.

    backing: the application uses it, so it ends after the application. outside: no part of the stage, so none of its
    limits holds for it.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    as_account: bool = True
    backing: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started. log: its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its id."""
        return self.process.pid


class Processes:
    """Starts the stack's processes: in its cgroup, in sessions of their own (Ctrl-C in the terminal is the harness's
    business), with a log each, recorded in the ledger."""

    def __init__(
        self,
        ledger: LedgerFile,
        logs: Path,
        *,
        cgroup: CgroupPaths | None,
        account: Account | None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """check: called again and again while waiting; what it raises ends the wait."""
        self._check = check
        self._ledger = ledger
        self._logs = logs
        self._cgroup = cgroup
        self._account = account
        self._started: list[Started] = []
        self._secrets: list[str] = []

    def keep_secret(self, *texts: str) -> None:
        """Never show these in a message."""
        self._secrets.extend(texts)

    def start(self, command: Command) -> Started:
        """Start it and return at once."""
        cgroup = None if command.outside else self._cgroup
        entrances = () if cgroup is None else tuple(str(path) for path in cgroup.entrances)
        prefix = self._account.prefix() if command.as_account and self._account is not None else ()
        log = self._logs / f"{command.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                ("/bin/sh", "-c", _LAUNCH, "sh", *entrances, "--", *prefix, *command.argv),
                cwd=command.cwd,
                env={
                    "PATH": SEARCH_PATH,
                    "LANG": "C.UTF-8",
                    "HOME": str(command.cwd),
                    MARKER: self._ledger.value.mark,
                    **command.environment,
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Started(command.name, process, log)
        self._started.append(started)
        state = state_of(process.pid)
        if state is not None:
            self._ledger.add(LedgerProcess(command.name, state.key, command.stop_signal, command.backing))
        assert process.stdin is not None
        try:
            with process.stdin as go:
                go.write(b"\n")
        except BrokenPipeError:
            pass  # it ended at once; whoever waits for it will read its log
        return started

    def wait_until(
        self,
        ready: Callable[[], bool],
        started: Started,
        *,
        timeout_seconds: float = READY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Poll until it answers. Raises StackNotReady, with the last lines of its log, when it ends or takes too long;
        PortTaken when it ended because of its port."""
        deadline = clock() + timeout_seconds
        while True:
            code = started.process.poll()
            if code is not None:
                raise self._failure(started, f"{started.name} ended with code {code} while it was starting")
            if ready():
                return
            if clock() >= deadline:
                raise self._failure(started, f"{started.name} did not answer within {timeout_seconds:g} s")
            self._check()
            sleep(POLL_SECONDS)

    def finish(self, started: Started, *, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait for a step that ends by itself. Raises StackNotReady when it fails or takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while (code := started.process.poll()) is None:
            if time.monotonic() >= deadline:
                raise self._failure(started, f"{started.name} took longer than {timeout_seconds:g} s")
            self._check()
            time.sleep(POLL_SECONDS)
        if code != 0:
            raise self._failure(started, f"{started.name} failed with code {code}")

    def reap(self) -> None:
        """Collect those that have ended."""
        for started in self._started:
            try:
                started.process.wait(1)
            except subprocess.TimeoutExpired:
                continue  # not ours to end: the ledger's owner ends processes

    def _failure(self, started: Started, message: str) -> StackNotReady:
        lines = log_tail(started.log, self._secrets)
        kind = PortTaken if any(_PORT_TAKEN.search(line) for line in lines) else StackNotReady
        return kind(message, lines, f"the whole log: {started.log}")


_PORT_TAKEN = re.compile("address already in use|connection in use", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")


def log_tail(log: Path, secrets: list[str]) -> tuple[str, ...]:
    """The last lines of a log as plain text: no control characters, no secrets."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    for secret in secrets:
        text = text.replace(secret, "…")
    lines = (_UNPRINTABLE.sub(" ", line).rstrip() for line in text.splitlines())
    return tuple(line for line in lines if line)[-TAIL_LINES:]
