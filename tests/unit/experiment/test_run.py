"""The order of things in a run, and that nothing is lost when one of them fails. Servers and generator are made up."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness.experiment.run as subject
import harness.experiment.standing as standing
from harness.errors import EvidenceError, GeneratorError, StackError
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.model.samples import Event
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.store.jsonl import Appender, read_lines
from harness.store.layout import RunDirectory
from harness.store.read import read_manifest
from targets.loader import find_stage, load_target


class Watcher:
    """An Observer that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def stack_ready(self, *_: object) -> None:
        pass

    def live(self, _: object) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


class MadeUpServers(SimpleNamespace):
    """Up from the start. trouble: called at every look at the samplers."""

    def __init__(self, trouble: Callable[[], None]) -> None:
        super().__init__(
            base_url="http://127.0.0.1:1",
            limits="none",
            limits_enforced=False,
            read_back=(),
            versions={},
            deviations=(),
            generator_environment={},
            postgres_dsn=None,
            stops=0,
            trouble=trouble,
        )

    def start_sampling(self, run: RunDirectory) -> None:
        pass

    def stop_sampling(self) -> tuple[str, ...]:
        return ()

    def latest(self) -> dict[str, float]:
        self.trouble()
        return {}

    def newly_dead(self) -> tuple[str, ...]:
        return ()

    def stop(self) -> None:
        self.stops += 1


class MadeUpGenerator:
    """Writes its events at the start, then ends after a few looks."""

    events: tuple[tuple[str, str], ...] = (("load-start", ""), ("load-end", ""), ("generator-end", "completed"))

    def __init__(self, run: RunDirectory, *_: object, **__: object) -> None:
        self._run = run
        self._looks = 0
        self.log = run.logs / "generator.log"

    def start(self) -> None:
        with Appender(self._run.events) as lines:
            for name, reason in self.events:
                lines.append(Event(time.monotonic(), time.time(), name, {"reason": reason} if reason else {}))

    def poll(self) -> int | None:
        self._looks += 1
        return None if self._looks < 4 else 0

    def stop(self) -> None:
        pass

    def crashed(self) -> GeneratorError:
        return GeneratorError("it crashed", str(self.log))


class Stage:
    """One made-up run. trouble: what a look at the samplers does; bring_up: what starting the servers does."""

    def __init__(self, runs: Path) -> None:
        target = load_target("lectio")
        stage = find_stage(target, "A")
        plan = build_plan(target, stage, profile_named("smoke"), seed=7)
        self.settings = Settings(target, stage, plan, runs, Path("flows.py"), "digest", "proofload verify")
        self.stop = StopRequest()
        self.watcher = Watcher()
        self.servers = MadeUpServers(lambda: None)
        self.bring_up: Callable[..., MadeUpServers] = lambda *_: self.servers

    def execute(self) -> RunDirectory:
        return execute(self.settings, self.watcher, self.stop)

    @property
    def run(self) -> RunDirectory:
        return RunDirectory(next(path.parent for path in self.settings.runs.glob("*/manifest.json")))

    @property
    def end(self) -> str:
        return next(event.detail["reason"] for event in self.events if event.name == "run-end")

    @property
    def events(self) -> list[Event]:
        return list(read_lines(self.run.events, Event))


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(tmp_path)
    monkeypatch.setattr(standing, "bring_up", lambda *arguments: stage.bring_up(*arguments))
    monkeypatch.setattr(subject, "Generator", MadeUpGenerator)
    monkeypatch.setattr(subject, "TICK_SECONDS", 0.001)
    return stage


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_run_to_its_end(made_up: Stage) -> None:
    assert made_up.execute() == made_up.run
    assert made_up.end == "complete"
    assert made_up.servers.stops > 0


def test_ctrl_c_while_the_servers_start_is_a_run_that_never_loaded(made_up: Stage) -> None:
    def bring_up(settings: object, run: object, report: object, check: Callable[[], None]) -> MadeUpServers:
        made_up.stop.ask("Ctrl-C")
        check()
        raise AssertionError("check raises")

    made_up.bring_up = bring_up
    assert made_up.execute() == made_up.run
    assert made_up.end == "interrupted: Ctrl-C"


def test_servers_that_do_not_come_up_are_an_error_that_names_the_run(made_up: Stage) -> None:
    made_up.bring_up = failing(StackError("nginx would not start", "line 3"))
    with pytest.raises(StackError) as caught:
        made_up.execute()
    assert any(str(made_up.run.path) in place for place in caught.value.where)
    assert made_up.end == "failed: nginx would not start"


def test_a_generator_that_never_begins_is_an_error_that_names_the_run(
    made_up: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MadeUpGenerator, "events", ())
    with pytest.raises(GeneratorError) as caught:
        made_up.execute()
    assert any(str(made_up.run.path) in place for place in caught.value.where)
    assert made_up.end == "failed: it crashed"
    assert made_up.servers.stops > 0


def test_a_mistake_while_the_load_runs_loses_nothing(made_up: Stage) -> None:
    made_up.servers.trouble = failing(RuntimeError("a mistake"))
    assert made_up.execute() == made_up.run
    assert made_up.end == "failed: RuntimeError: a mistake"
    assert "RuntimeError" in (made_up.run.logs / "harness.log").read_text()
    assert any("judged" in note for note in made_up.watcher.notes)
    assert made_up.servers.stops > 0


def test_a_run_directory_that_goes_ends_the_load(made_up: Stage) -> None:
    made_up.servers.trouble = lambda: shutil.rmtree(made_up.run.path)
    with pytest.raises(EvidenceError, match="has gone"):
        made_up.execute()
    assert made_up.servers.stops > 0


def test_corrupt_lines_do_not_end_the_watch(made_up: Stage) -> None:
    def corrupt() -> None:
        for file in (made_up.run.requests, made_up.run.generator):
            file.write_bytes(b'{"second": "x"}\n{"sec\n')

    made_up.servers.trouble = corrupt
    made_up.execute()
    assert made_up.end == "complete"


@pytest.mark.parametrize(
    "events",
    [
        (("load-start", ""),),
        (("load-start", ""), ("load-end", "")),
        (("load-start", ""), ("load-end", ""), ("generator-end", "crashed: OSError")),
    ],
)
def test_a_generator_without_its_last_word_was_lost(
    made_up: Stage, monkeypatch: pytest.MonkeyPatch, events: tuple[tuple[str, str], ...]
) -> None:
    monkeypatch.setattr(MadeUpGenerator, "events", events)
    made_up.execute()
    assert made_up.end.startswith("generator: it ended early")
    assert any(event.name == "worker-lost" for event in made_up.events)


def test_a_worker_that_is_lost_is_said_at_once_and_ends_nothing(
    made_up: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = (
        ("load-start", ""),
        ("worker-lost", "killed by signal 9"),
        ("load-end", ""),
        ("generator-end", "completed"),
    )
    monkeypatch.setattr(MadeUpGenerator, "events", events)
    made_up.execute()
    assert made_up.end == "complete"
    assert [note for note in made_up.watcher.notes if "lost" in note] == [
        "worker ? of the generator was lost (killed by signal 9): INVALID from here on"
    ]


def test_accounts_that_cannot_be_settled_end_nothing(made_up: Stage) -> None:
    made_up.servers.postgres_dsn = "postgresql://somewhere"

    def corrupt() -> None:
        made_up.run.acknowledged.write_bytes(b'{"id": 3}\n')

    made_up.servers.trouble = corrupt
    made_up.execute()
    assert made_up.end == "complete"
    assert any("could not be reconciled" in note for note in made_up.watcher.notes)
    assert made_up.servers.stops > 0


def test_a_full_disk_is_said_with_what_to_do_and_the_servers_go(
    made_up: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made_up.servers.trouble = lambda: monkeypatch.setattr("harness.store.jsonl.os.write", full)
    with pytest.raises(EvidenceError, match="No space left") as caught:
        made_up.execute()
    assert caught.value.exit_code == 20
    assert f"proofload report {made_up.run.path}" in caught.value.hint
    assert made_up.servers.stops > 0


def test_a_second_ctrl_c_stops_the_servers_and_says_how_to_judge_later(made_up: Stage) -> None:
    made_up.servers.postgres_dsn = "postgresql://somewhere"
    made_up.stop.reason = "Ctrl-C"
    made_up.servers.trouble = failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        made_up.execute()
    assert made_up.end == "interrupted: Ctrl-C"
    assert not any("reconciling" in step for step in made_up.watcher.steps), "it waits for no database"
    assert f"proofload report {made_up.run.path}" in made_up.watcher.notes[-1]
    assert made_up.servers.stops > 0


def test_a_rehearsal_says_so_in_its_manifest(made_up: Stage) -> None:
    made_up.settings = replace(made_up.settings, scale=0.25)
    made_up.execute()
    manifest = read_manifest(made_up.run)
    assert (manifest.scale, manifest.rehearsal) == (0.25, "scaled to 0.25: a rehearsal")
