"""DevTools over a pipe, and what pages say of their paint. The replies were recorded from Chromium 156."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.samplers.chromium as subject
from harness.samplers.chromium import ChromiumEnded, DevTools, Refused, Seen, find_chromium, read_load, read_paint

EVENT = b'{"method":"Target.attachedToTarget","params":{"sessionId":"CD40"}}\0'
VERSION = b'{"id":1,"result":{"protocolVersion":"1.3","product":"Chrome/156.0.8078.79"}}\0'
REFUSED = b'{"id":1,"error":{"code":-32601,"message":"\'Page.fly\' wasn\'t found"}}\0'


class Pipes:
    """What DevTools writes to, and what it reads."""

    def __init__(self) -> None:
        self.sent, self._commands = os.pipe()
        self._answers, self.says = os.pipe()
        self.tools = DevTools(self._commands, self._answers)

    def close(self) -> None:
        for descriptor in (self.sent, self._commands, self._answers, self.says):
            try:
                os.close(descriptor)
            except OSError:
                continue  # the test has closed it


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def test_a_command_gets_its_answer_past_events_and_answers_to_others(pipes: Pipes) -> None:
    os.write(pipes.says, EVENT + b'{"id":7,"result":{}}\0' + VERSION)
    answer = pipes.tools.call("Browser.getVersion", session="CD40", depth=1)
    assert answer["product"] == "Chrome/156.0.8078.79"
    sent = os.read(pipes.sent, 4096)
    assert sent.endswith(b"\0")
    assert json.loads(sent[:-1]) == {
        "id": 1,
        "method": "Browser.getVersion",
        "params": {"depth": 1},
        "sessionId": "CD40",
    }


def test_what_it_will_not_do_is_said(pipes: Pipes) -> None:
    os.write(pipes.says, REFUSED)
    with pytest.raises(Refused, match=r"Page\.fly"):
        pipes.tools.call("Page.fly")


def test_silence_ends_in_time(pipes: Pipes) -> None:
    os.write(pipes.says, VERSION[:20])
    with pytest.raises(TimeoutError):
        pipes.tools.call("Browser.getVersion", patience_seconds=0.01)


def test_a_browser_that_has_gone_is_noticed_on_either_pipe(pipes: Pipes) -> None:
    os.close(pipes.says)
    with pytest.raises(ChromiumEnded):
        pipes.tools.call("Browser.getVersion")
    os.close(pipes.sent)
    with pytest.raises(ChromiumEnded):
        pipes.tools.call("Browser.getVersion")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"result": {"type": "object", "value": {"paint": 143.7, "status": 200}}}, Seen(0.1437, 200)),
        ({"result": {"type": "object", "value": {"paint": 12, "status": 503}}}, Seen(None, 503, "HTTP 503")),
        (
            {"result": {"type": "undefined"}, "exceptionDetails": {"text": "Uncaught"}},
            Seen(None, 0, "the page could not be asked"),
        ),
    ],
)
def test_a_page_that_answered_with_an_error_has_no_good_paint(answer: dict[str, object], seen: Seen) -> None:
    assert read_paint(answer) == seen


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({"result": {"type": "number", "value": 312.5}}, 0.3125),
        ({"result": {"type": "number", "value": 0}}, None),
        ({"result": {"type": "undefined"}, "exceptionDetails": {"text": "Uncaught"}}, None),
    ],
)
def test_a_page_has_loaded_when_it_says_so(answer: dict[str, object], seconds: float | None) -> None:
    assert read_load(answer) == seconds


def test_a_page_that_was_painted_may_not_have_loaded_in_time() -> None:
    answers: dict[str, dict[str, object] | None] = {
        "Page.navigate": {},
        "first-contentful-paint": {"result": {"value": {"paint": 100, "status": 200}}},
        "loadEventEnd": {"result": {"value": 250.0}},
    }

    def call(method: str, *, expression: str = "", **_: object) -> dict[str, object]:
        answer = answers[next(key for key in answers if key in method or key in expression)]
        if answer is None:
            raise TimeoutError
        return answer

    assert subject._look(call, "CD40", "http://127.0.0.1:1/", 1.0) == Seen(0.1, 200, load_seconds=0.25)
    answers["loadEventEnd"] = None
    assert subject._look(call, "CD40", "http://127.0.0.1:1/", 1.0) == Seen(0.1, 200)
    answers["first-contentful-paint"] = None
    assert subject._look(call, "CD40", "http://127.0.0.1:1/", 1.0) == Seen(
        None, reason="nothing was painted within 1 s"
    )


def test_chromium_goes_by_several_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.shutil, "which", lambda name: "/opt/chrome" if name == "google-chrome" else None)
    assert find_chromium() == Path("/opt/chrome")
    monkeypatch.setattr(subject.shutil, "which", lambda name: None)
    assert find_chromium() is None
