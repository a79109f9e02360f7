"""Our users in a closed loop, everything recorded. Name the class to run: Get, Post, Upload or Idle."""

from __future__ import annotations

import os
import time
from pathlib import Path

from locust import events, task

from harness.loadgen.http import HttpFlowUser
from harness.planning.schedule import Arrival
from tests.benchmarks.recording import install

_ENDPOINTS = int(os.environ.get("BENCH_ENDPOINTS", "1"))


class Closed(HttpFlowUser):
    """One connection, one request after the other."""

    abstract = True

    def on_start(self):
        now = time.monotonic() - self.generator.start_seconds
        self._under_way = False
        self._begin_session(Arrival(now, "bench", 1))

    def wait_time(self):
        return 0.0


class Get(Closed):
    @task
    def ask(self):
        number = 0
        while True:
            number = (number + 1) % _ENDPOINTS
            self.get("/", f"GET /{number}", pause_seconds=0.0)


class Post(Closed):
    @task
    def ask(self):
        asked = {"name": "proofload", "values": [1, 2, 3]}
        while True:
            self.post("/json", "POST /json", json_body=asked, check=self.is_good, pause_seconds=0.0)

    @staticmethod
    def is_good(reply):
        answer = reply.json
        return answer["ok"] is True and answer["id"] == 7


class Upload(Closed):
    @task
    def send(self):
        clip = Path(os.environ["BENCH_FILE"]).read_bytes()
        head = (
            b'--proofload\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n'
            b"Content-Type: video/mp4\r\n\r\n"
        )
        tail = b"\r\n--proofload--\r\n"
        while True:
            self.post(
                "/upload",
                "POST /upload",
                body=(head, clip, tail),
                content_type="multipart/form-data; boundary=proofload",
                kind="upload",
                pause_seconds=0.0,
            )


class Idle(Closed):
    """Rests; with BENCH_ASKS it has asked once, and keeps its connection."""

    @task
    def rest(self):
        if os.environ["BENCH_ASKS"]:
            self.get("/", "GET /", pause_seconds=0.0)
        self.generator.alarm.sleep_until(time.monotonic() + 3600)  # as between two steps of a flow


@events.spawning_complete.add_listener
def _tell(**_):
    if ready := os.environ.get("BENCH_READY"):
        Path(ready).touch()


install()
