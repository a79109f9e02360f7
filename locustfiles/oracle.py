"""Flows for the oracle's servers: one request a session, so that arrivals at the server are the plan's::

    proofload oracle mmc --servers 2 --service-ms 10
    proofload verify harness/oracle/target.toml --stage 1 --stack external --host URL

A file of one's own that serves a study of this project's accuracy, too: it needs nothing prepared and signs nobody in.
"""

from __future__ import annotations

from locust import events, task

from harness.loadgen.boot import install
from harness.loadgen.generator import Generator
from harness.loadgen.http import HttpFlowUser
from harness.loadgen.upload import UploadFlowUser


class Visitor(HttpFlowUser):
    """Asks once: 1 request."""

    first_step = ("GET /", "http")

    @task
    def ask(self) -> None:
        """GET /."""
        self.get("/", "GET /")


class Sender(UploadFlowUser):
    """Hands a job in and follows it: for the job queue (``proofload oracle jobs``)."""

    first_step = ("POST /jobs", "upload")

    @task
    def send_a_job(self) -> None:
        """POST /jobs, then ask each second."""
        identifier = self.generator.new_id(self.random)
        if self.upload("/jobs", "POST /jobs", identifier):
            self.follow(f"/jobs/{identifier}", "GET /jobs/:id", identifier)


def prepare(generator: Generator) -> None:
    """Nobody signs in."""


install(events, prepare)
