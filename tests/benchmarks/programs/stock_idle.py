"""Locust's FastHttpUser at rest: each has asked once, and kept its connection."""

import gevent
from locust import FastHttpUser, task


class Idle(FastHttpUser):
    @task
    def rest(self):
        self.client.get("/")
        gevent.sleep(3600)
