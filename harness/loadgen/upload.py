"""Uploads and the jobs that they start: sent, accepted, waiting, processed, seen by the client.

An upload's job is watched in two ways at once, as a real client does: by polling each second, and by the event on the
client's own Socket.IO connection. Whichever comes first ends "job end to end"; the polls go on until the server says
when the job was queued, started and finished. Queue wait and processing are differences of the server's own clock.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, ClassVar

import gevent

from harness.errors import GeneratorError
from harness.loadgen.http import PROBE_HEADER, HttpFlowUser, Reply
from harness.loadgen.net import FAILURES, TimedOut
from harness.loadgen.socketio import SocketIO

CLIP_VARIABLE = "PROOFLOAD_CLIP"
POLL_SECONDS = 1.0
_DONE = ("finished", "failed")
_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg"}


def read_clip() -> bytes:
    """The file to upload, read once and kept. Raises GeneratorError when there is none."""
    path = os.environ.get(CLIP_VARIABLE, "")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise GeneratorError(
            f"the clip to upload cannot be read: {error.strerror}", path, f"{CLIP_VARIABLE} names a video or a picture"
        ) from error


class UploadFlowUser(HttpFlowUser):
    """Uploads a file in a session and follows its job. Use ``upload`` and ``follow`` in a task.

    clip: the file's content, set before the load. A plan without uploads needs none.
    """

    abstract = True
    clip: ClassVar[bytes] = b""
    clip_suffix: ClassVar[str] = Path(os.environ.get(CLIP_VARIABLE, "clip.mp4")).suffix

    def begin_session(self) -> None:
        """A new browser, which hears the events of its own jobs."""
        super().begin_session()
        self._heard: dict[str, tuple[float, str]] = {}
        self._listener: gevent.Greenlet[..., Any] | None = None
        self._socket: SocketIO | None = None
        self._posted = (self.intended, self.intended)

    def end_session(self) -> None:
        """The browser is closed."""
        if self._listener is not None:
            self._listener.kill(block=False)
        if self._socket is not None:
            self._socket.close()
        super().end_session()

    def listen(self, auth: object, event: str) -> None:
        """Connect for the job's events (``client_id`` and ``status`` in ``event``), in the background.

        An observer beside the plan's sockets: its connect is no "socket connect" row, and when it fails the poll alone
        sees the job's end.
        """
        self._listener = gevent.spawn(self._hear, auth, event)

    def _hear(self, auth: object, expected: str) -> None:
        def on_event(event: str, data: Any) -> None:
            if event == expected and isinstance(data, dict) and data.get("status") in _DONE:
                self._heard.setdefault(str(data.get("client_id")), (time.monotonic(), str(data["status"])))

        headers = {PROBE_HEADER: "1"} if self.arrival.probe else {}
        timeout = self.generator.settings.request_timeout_seconds
        try:
            with gevent.Timeout(timeout, TimedOut()):
                self._socket = SocketIO(
                    self.generator.origin, on_event, auth=auth, timeout_seconds=timeout, headers=headers
                )
            self._socket.listen()
        except FAILURES:
            pass  # the poll remains

    def upload(self, path: str, endpoint: str, identifier: str) -> bool:
        """POST the clip as multipart; whether the server has taken it (202)."""
        boundary = f"proofload{identifier}"
        kind = _TYPES.get(self.clip_suffix, "application/octet-stream")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="client_id"\r\n\r\n{identifier}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{identifier}{self.clip_suffix}"\r\nContent-Type: {kind}\r\n\r\n'
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        detail = {"probe": self.arrival.probe, "level": self.generator.level_at(self.arrival.second)}
        self.generator.job(identifier, "sent", size_bytes=len(self.clip), **detail)
        reply = self.post(
            path,
            endpoint,
            body=(head, self.clip, tail),
            content_type=f"multipart/form-data; boundary={boundary}",
            expect=202,
            check=lambda reply: reply.json["client_id"] == identifier,
            kind="upload",
            pause_seconds=0.0,
        )
        if reply.ok:
            self.generator.acknowledged(identifier, "upload")
            self.generator.job(identifier, "accepted", **detail)
        else:
            self.generator.job(identifier, "rejected", error=reply.error, **detail)
        return reply.ok

    def follow(self, path: str, endpoint: str, identifier: str) -> None:
        """Poll each second until the job has ended, or the plan's patience has: then it is censored, and bad."""
        generator = self.generator
        self._posted = sent, intended = self.last_began, self.last_intended
        give_up = sent + generator.settings.job_timeout_seconds
        generator.open_jobs[identifier] = {
            "probe": self.arrival.probe,
            "level": generator.level_at(self.arrival.second),
        }
        seen = False
        status = ""
        try:
            while time.monotonic() < give_up:
                reply = self.get(path, endpoint, pause_seconds=POLL_SECONDS, check=_is_status)
                if not seen and identifier in self._heard:
                    at, status = self._heard[identifier]
                    seen = True
                    self._saw(identifier, "socket", at, status)
                if not reply.ok or reply.json["status"] not in _DONE:
                    continue
                if not seen:
                    status = reply.json["status"]
                    seen = True
                    self._saw(identifier, "poll", time.monotonic(), status)
                self._server_times(reply, intended)
                return
            if not seen:
                self._censor(identifier, intended)
            # else the event came but the polls never agreed: the end is known, its parts are not
        except BaseException:  # killed at the end of the load, or a mistake of the flow's: the job is not forgotten
            if not seen and not generator.closed:
                self._censor(identifier, intended)
            raise

    def _saw(self, identifier: str, seen_by: str, at: float, status: str) -> None:
        sent, intended = self._posted
        self.generator.open_jobs.pop(identifier, None)
        self.generator.job(
            identifier,
            "seen",
            seen_by=seen_by,
            status=status,
            seen_monotonic_seconds=at,
            probe=self.arrival.probe,
            level=self.generator.level_at(self.arrival.second),
        )
        row = self.endpoint("job end to end", "job")
        if status == "finished":
            service = max(0.0, at - sent)
            self.generator.good(row, intended, max(service, at - intended), service)
        else:
            self.session_failed = True
            self.generator.bad(row, intended, "job failed")

    def _server_times(self, reply: Reply, intended: float) -> None:
        times = [reply.json.get(name) for name in ("queued_at", "started_at", "finished_at")]
        if not all(isinstance(value, int | float) for value in times):
            return
        queued, started, finished = times
        for name, seconds in (("job queue wait", started - queued), ("job processing", finished - started)):
            # A server's clock may be set back between two readings; a time is never negative.
            took = max(0.0, seconds)
            self.generator.good(self.endpoint(name, "job"), intended, took, took)

    def _censor(self, identifier: str, intended: float) -> None:
        self.session_failed = True
        detail = self.generator.open_jobs.pop(identifier, {})
        self.generator.job(identifier, "censored", reason="unfinished", **detail)
        self.generator.bad(self.endpoint("job end to end", "job"), intended, "unfinished")


def _is_status(reply: Reply) -> bool:
    return isinstance(reply.json["status"], str)
