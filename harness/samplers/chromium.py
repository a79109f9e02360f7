"""Headless Chromium, driven over its own pipe by the DevTools protocol (chromedevtools.github.io/devtools-protocol).

Chromium reads commands from descriptor 3 and answers on 4, JSON texts that end in a zero byte. So there is no port that
others could take or use, no library, and Chromium ends by itself when the pipe is closed, however its owner died.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL = "apt-get install --no-install-recommends chromium"

_NICENESS = 10
"""The servers under load go first. A page that is drawn late for that is a worse time, never a better one."""
_ANSWER_SECONDS = 10.0
"""For Chromium's own answers, on a busy host."""
_END_SECONDS = 5.0
_READ_BYTES = 65_536
_MOST_BYTES = 16 * 1024 * 1024

# It waits for a line before it becomes Chromium: by then its priority is set, and all its children inherit that.
# Where Linux schedules sessions as groups, one of its own would weigh as much as the generator's, however nice it is.
_LAUNCH = (
    "read -r go || exit 125; "
    f"{{ echo {_NICENESS} > /proc/self/autogroup; }} 2>/dev/null; "
    'exec "$@" 3<&0 4>&1 </dev/null >&2'
)
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--password-store=basic",
    "--renderer-process-limit=1",
    "--js-flags=--max-old-space-size=128",
)
_PAINT = """new Promise(done => {
  const seen = entries => {
    const first = entries.find(entry => entry.name === "first-contentful-paint");
    if (first) done({paint: first.startTime, status: performance.getEntriesByType("navigation")[0].responseStatus});
  };
  seen(performance.getEntriesByType("paint"));
  new PerformanceObserver(list => seen(list.getEntries())).observe({type: "paint", buffered: true});
})"""

# loadEventEnd is set only after the event's own handlers, so it is looked at in a task of its own.
_LOAD = """new Promise(done => {
  const seen = () => setTimeout(() => done(performance.getEntriesByType("navigation")[0].loadEventEnd), 0);
  if (document.readyState === "complete") seen(); else addEventListener("load", seen);
})"""


class ChromiumEnded(Exception):
    """Chromium is gone."""


class Refused(Exception):
    """Chromium did not carry out a command; its text is why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as it was opened. paint_seconds: its first contentful paint, from the start of the navigation; None when
    there was none, and why. load_seconds: the end of its load event, when all that the page names has arrived (style
    sheets, scripts, pictures); None when that had not happened in time."""

    paint_seconds: float | None
    status: int = 0
    reason: str = ""
    load_seconds: float | None = None


def find_chromium() -> Path | None:
    """The program, by ``PATH``."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name)) is not None), None)
    return None if found is None else Path(found)


class DevTools:
    """Commands and their answers over two descriptors; what Chromium says unasked is passed over."""

    def __init__(self, commands: int, answers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._commands = commands
        self._answers = answers
        self._clock = clock
        self._number = 0
        self._buffer = bytearray()

    def call(
        self, method: str, *, session: str = "", patience_seconds: float = _ANSWER_SECONDS, **parameters: object
    ) -> dict[str, Any]:
        """Its result. Raises ChromiumEnded, Refused, or TimeoutError."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        try:
            os.write(self._commands, json.dumps(command).encode() + b"\0")  # far below what a pipe takes at once
        except BrokenPipeError:
            raise ChromiumEnded("Chromium has ended") from None
        deadline = self._clock() + patience_seconds
        while True:
            answer = json.loads(self._message(deadline))
            if answer.get("id") != self._number:
                continue  # an event, or the answer to a command that was given up
            if "error" in answer:
                raise Refused(str(answer["error"].get("message", "refused")))
            result: dict[str, Any] = answer["result"]
            return result

    def _message(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\0")) < 0:
            left = deadline - self._clock()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError("no answer in time")
            chunk = os.read(self._answers, _READ_BYTES)
            if not chunk or len(self._buffer) > _MOST_BYTES:
                raise ChromiumEnded("Chromium has ended")
            self._buffer += chunk
        message = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return message


@dataclass(slots=True)
class Chromium:
    """One Chromium with a profile folder of its own, which goes with it. environment: for finding it when orphaned."""

    program: Path
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _tools: DevTools | None = None

    def start(self) -> None:
        """Start it and wait for its first word. Raises OSError, ChromiumEnded, TimeoutError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # root has none
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                (
                    *("/bin/sh", "-c", _LAUNCH, "sh", str(self.program), *_FLAGS, *sandbox),
                    *(f"--user-data-dir={self.folder}", "about:blank"),
                ),
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        self._process = process
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        with suppress(BrokenPipeError):
            process.stdin.write(b"\n")
        self._tools = DevTools(process.stdin.fileno(), process.stdout.fileno())
        self._tools.call("Browser.getVersion", patience_seconds=3 * _ANSWER_SECONDS)

    def open(
        self, url: str, *, headers: Mapping[str, str], cookies: Mapping[str, str], patience_seconds: float
    ) -> Seen:
        """The page as somebody sees it who was never there before: nothing is cached, only the cookies are known.

        Raises ChromiumEnded, Refused or TimeoutError when it is Chromium that fails, not the page.
        """
        assert self._tools is not None, "start comes first"
        call = self._tools.call
        context = call("Target.createBrowserContext")["browserContextId"]
        try:
            target = call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            session = call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            call("Network.enable", session=session)
            call("Network.setExtraHTTPHeaders", session=session, headers=dict(headers))
            for name, value in cookies.items():
                call("Network.setCookie", session=session, name=name, value=value, url=url)
            return _look(call, session, url, patience_seconds)
        finally:
            with suppress(ChromiumEnded):
                call("Target.disposeBrowserContext", browserContextId=context)

    def end_soon(self) -> None:
        """Ask it to end; may be called from another thread, whose ``open`` then raises ChromiumEnded."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """End it and remove its folder; may be called again."""
        process, self._process, self._tools = self._process, None, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _look(call: Callable[..., dict[str, Any]], session: str, url: str, patience_seconds: float) -> Seen:
    deadline = time.monotonic() + patience_seconds
    try:
        went = call("Page.navigate", session=session, url=url, patience_seconds=patience_seconds)
        if went.get("errorText"):
            return Seen(None, reason=str(went["errorText"]))
        answer = call(
            "Runtime.evaluate",
            session=session,
            expression=_PAINT,
            awaitPromise=True,
            returnByValue=True,
            patience_seconds=max(0.0, deadline - time.monotonic()),
        )
    except TimeoutError:
        return Seen(None, reason=f"nothing was painted within {patience_seconds:g} s")
    seen = read_paint(answer)
    return seen if seen.paint_seconds is None else replace(seen, load_seconds=_loaded(call, session, deadline))


def _loaded(call: Callable[..., dict[str, Any]], session: str, deadline: float) -> float | None:
    """None when it has not loaded by then: it was painted all the same."""
    try:
        answer = call(
            "Runtime.evaluate",
            session=session,
            expression=_LOAD,
            awaitPromise=True,
            returnByValue=True,
            patience_seconds=max(0.0, deadline - time.monotonic()),
        )
    except TimeoutError:
        return None
    return read_load(answer)


def read_paint(answer: Mapping[str, Any]) -> Seen:
    """What the page said of itself. A page that answered with an error may paint fast; that is no good paint."""
    value = answer.get("result", {}).get("value")
    if not isinstance(value, dict):
        return Seen(None, reason="the page could not be asked")
    status, paint = int(value.get("status") or 0), float(value["paint"]) / 1000
    if status >= 400:
        return Seen(None, status, f"HTTP {status}")
    return Seen(paint, status)


def read_load(answer: Mapping[str, Any]) -> float | None:
    """When the page had loaded; None where it does not say, or says that it has not."""
    value = answer.get("result", {}).get("value")
    return float(value) / 1000 if isinstance(value, int | float) and value > 0 else None
