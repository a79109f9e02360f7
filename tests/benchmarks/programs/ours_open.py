"""Our users in the open model: each arrival of plan.json asks once. Connections are kept from one arrival to the next,
as k6's virtual users keep theirs. With BENCH_STAMPS each answer's stamps are compared with what was recorded."""

from __future__ import annotations

import json
import os
from array import array
from pathlib import Path

from locust import events, task

from harness.loadgen.boot import install
from harness.loadgen.http import HttpFlowUser

_STAMPS = os.environ.get("BENCH_STAMPS", "")
_errors = array("d")
_starts = array("d")


class Bench(HttpFlowUser):
    first_step = ("GET /", "http")

    def begin_session(self):
        kept = getattr(self, "_browser", None)
        super().begin_session()
        if kept is not None:
            self._browser = kept

    def end_session(self):
        pass

    @task
    def ask(self):
        if not _STAMPS:
            self.get("/", "GET /")
            return
        recorded = []
        generator = self.generator
        watched = generator.good

        def good(endpoint, intended, response, service, length=0):
            watched(endpoint, intended, response, service, length)
            recorded.append((response, service))

        self.generator = _Watched(generator, good)
        reply = self.get("/", "GET /")
        self.generator = generator
        if recorded and self.arrival.seconds >= 1.0:  # after the warm-up
            response, service = recorded[0]
            told = reply.json
            _errors.append(service - (told["sent"] - told["received"]) / 1e9)
            _starts.append(response - service)


class _Watched:
    """The generator, with one more listener to good responses."""

    def __init__(self, generator, good):
        self._generator = generator
        self.good = good

    def __getattr__(self, name):
        return getattr(self._generator, name)


@events.quit.add_listener
def _write(**_):
    if _STAMPS:
        Path(_STAMPS).write_text(json.dumps({"error": list(_errors), "start": list(_starts)}))


install(events, lambda _: None)
