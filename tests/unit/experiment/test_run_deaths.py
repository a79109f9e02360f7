"""A server that dies in the last second of the load has died all the same."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from harness.experiment import run as module
from harness.experiment.abort import RULES
from harness.experiment.run import Execution
from harness.experiment.settings import StopRequest
from harness.experiment.standing import Journal
from harness.model.samples import Event
from harness.store.jsonl import Appender, read_lines
from harness.store.layout import RunDirectory
from tests.support.lectio import make_plan


class Generator:
    """One that has said all it had to say and is gone, or that somebody stopped."""

    def __init__(self, run, *_, **__):
        self.run, self.log = run, run.path / "generator.log"

    def start(self):
        now = time.monotonic()
        with Appender(self.run.events) as events:
            events.append(Event(now, 0.0, "load-start"), Event(now, 0.0, "load-end"))
            events.append(Event(now, 0.0, "generator-end", {"reason": "completed"}))

    def poll(self):
        return 0

    def stop(self):
        pass


class Servers(SimpleNamespace):
    """One of them died while nobody looked."""

    base_url, generator_environment, postgres_dsn = "http://127.0.0.1:1", {}, None

    def newly_dead(self):
        dead, self.dead = self.dead, ()
        return dead

    def start_sampling(self, run):
        pass

    def stop_sampling(self):
        return ()

    def stop(self):
        pass


@pytest.mark.parametrize("dead", [("gunicorn",), ()])
def test_the_dead_of_the_last_second_are_noted(dead, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Generator", Generator)
    run, journal = RunDirectory(tmp_path), Journal(RunDirectory(tmp_path))
    observer = SimpleNamespace(step=lambda _: None, note=lambda _: None, live=lambda _: None)
    settings = SimpleNamespace(
        target=SimpleNamespace(page=None), plan=make_plan(), locustfile=None, workers=1, awaited=None, abort_rules=RULES
    )
    servers = Servers(dead=dead)
    Execution(settings, run, servers, journal, observer, StopRequest(), servers.stop).carry_out()
    journal.close()
    events = list(read_lines(run.events, Event))
    assert [event.detail["process"] for event in events if event.name == "process-died"] == list(dead)
    assert (events[-1].name, events[-1].detail["reason"]) == ("run-end", "complete")
