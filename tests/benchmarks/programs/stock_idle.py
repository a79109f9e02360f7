"""Locust's FastHttpUser at rest; with BENCH_ASKS each has asked once, and kept its connection."""

import os
from pathlib import Path

import gevent
from locust import FastHttpUser, events, task


class Idle(FastHttpUser):
    @task
    def rest(self):
        if os.environ["BENCH_ASKS"]:
            self.client.get("/")
        gevent.sleep(3600)


@events.spawning_complete.add_listener
def tell(**_):
    Path(os.environ["BENCH_READY"]).touch()
