"""What a person sees while workers of other machines are waited for, and what becomes of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import GeneratorError
from harness.experiment.arriving import Arriving
from harness.experiment.participant import Part, Participant
from harness.experiment.settings import Awaited
from harness.model.samples import Event
from harness.store.jsonl import Appender

AWAITED = Awaited(3, "10.0.0.5", 5557, 300.0, "the secret of this run", shown=True)


class Screen:
    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.step, self.note = self.steps.append, self.notes.append

    def stack_ready(self, run: object, manifest: object) -> None: ...

    def live(self, status: object) -> None: ...


def event(name: str, /, **detail: object) -> Event:
    return Event(1.0, 2.0, name, detail)


def test_the_command_for_the_others_and_who_has_come() -> None:
    screen = Screen()
    arriving = Arriving(AWAITED, screen)
    arriving.tell(event("workers-awaited", workers=3, port=5557))
    arriving.tell(event("worker-joined", worker="b", here=["host-a-1", "host-b-7"], of=3))
    arriving.tell(event("worker-left", worker="host-a-1", reason="not heard of any more", here=["host-b-7"], of=3))
    arriving.tell(event("worker-refused", reason="worker x does not know the token", hint="the master prints it"))
    arriving.tell(event("level", name="normal"))
    assert screen.steps == [
        "waiting for 3 workers",
        "2 of 3 workers came: host-a-1, host-b-7",
        "1 of 3 workers came: host-b-7",
    ]
    assert screen.notes[0].startswith("the master listens on 10.0.0.5, port 5557: it must be reachable in a trusted")
    assert screen.notes[1] == (
        "on each worker's machine: PROOFLOAD_WORKER_TOKEN=the secret of this run "
        "proofload worker --master 10.0.0.5:5557"
    )
    assert screen.notes[2:] == [
        "worker host-a-1 has left: not heard of any more",
        "refused: worker x does not know the token (the master prints it)",
    ]


def test_a_token_that_was_given_is_not_printed() -> None:
    lines = Arriving(replace(AWAITED, shown=False), Screen()).invitation()
    assert not any(AWAITED.token in line for line in lines)


def test_loopback_is_said_to_be_this_machine_alone() -> None:
    assert "this machine alone" in Arriving(replace(AWAITED, address="127.0.0.1"), Screen()).invitation()[0]


@pytest.fixture
def participant(tmp_path: Path) -> Participant:
    return Participant(Part("10.0.0.5", 5557, "the secret of this run"), tmp_path, {"PROOFLOAD_RUN": "/x", "A": "1"})


def told(participant: Participant, tmp_path: Path, *events: Event) -> GeneratorError | None:
    (tmp_path / "worker.log").write_text("")
    with Appender(tmp_path / "status.jsonl") as lines:
        lines.append(*events)
    participant.news()
    return participant.problem()


@pytest.mark.parametrize("reason", ["completed", "interrupted", "interrupted: the harness has gone away"])
def test_what_the_master_ended_is_no_problem(participant: Participant, tmp_path: Path, reason: str) -> None:
    assert told(participant, tmp_path, event("joined"), event("begun"), event("ended", reason=reason)) is None


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([event("joined"), event("begun")], "not carried to its end: it died"),
        ([event("joined"), event("ended", reason="crashed: x")], "not carried to its end: crashed: x"),
        ([event("refused", message="you are late", where=["there"], hint="be early")], "you are late"),
        ([], "no master was found at 10.0.0.5:5557"),
    ],
)
def test_everything_else_is(participant: Participant, tmp_path: Path, events: list[Event], words: str) -> None:
    problem = told(participant, tmp_path, *events)
    assert problem is not None
    assert words in problem.message
    assert problem.exit_code == 22


@pytest.mark.parametrize(
    ("events", "counted_on"),
    [
        ([], False),
        ([event("joined")], True),
        ([event("joined"), event("begun")], True),
        ([event("joined"), event("begun"), event("ended", reason="completed")], False),
        ([event("refused", message="you are late", where=["there"], hint="be early")], False),
    ],
)
def test_a_worker_is_counted_on_from_its_joining_to_its_end(
    participant: Participant, tmp_path: Path, events: list[Event], counted_on: bool
) -> None:
    told(participant, tmp_path, *events)
    assert participant.is_counted_on is counted_on


def test_the_token_is_in_no_argument(participant: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    def start(command: list[str], *, env: dict[str, str], **_: object) -> None:
        seen.append((command, env))

    monkeypatch.setattr("harness.experiment.child.subprocess.Popen", start)
    participant.start()
    ((command, environment),) = seen
    assert not any("secret" in word for word in command)
    assert environment["PROOFLOAD_WORKER_TOKEN"] == "the secret of this run"
    assert "PROOFLOAD_RUN" not in environment
    assert "secret" not in repr(Part("h", 1, "the secret of this run"))
