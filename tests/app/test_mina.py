"""Mina, as README.md of the application promises it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import socketio

from harness.stack.ports import free_ports
from tests.app.refapp_stack import APP, PYTHON, Stack, listening, process, running_stack, until

pytestmark = pytest.mark.stack

USERS = 12
CHUNK = bytes(16_000)
"""Half a second of 16 kHz and 16 bits."""


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The external service, which takes two requests at once and fifty a minute."""
    port = free_ports(1)[0]
    log = tmp_path_factory.mktemp("whisper") / "log"
    limits = ("--per-minute", "50", "--at-once", "2", "--file-bytes", "1000000", "--seconds", "0.2")
    command = [PYTHON, "-m", "refapp.products.mina.whisper", "--port", str(port), *limits]
    settings = {"DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    settings |= {"SECRET_KEY": "x", "UPLOAD_DIR": str(Path(log).parent)}
    with process(command, log, cwd=APP, env=os.environ | settings):
        until(lambda: listening(port))
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def mina(whisper: str) -> Iterator[Stack]:
    with running_stack("mina", ("--people", f"users={USERS}"), WHISPER_URL=whisper, TRANSCRIBE_CHUNKS="4") as running:
        yield running


class Speaker:
    """One connection that speaks."""

    def __init__(self, mina: Stack, user: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.client = socketio.Client(reconnection=False)
        self.client.on("transcript", self.heard.append)
        self.client.connect(mina.url, auth={"token": mina.token(user)}, transports=["websocket"])

    def call(self, event: str, data: object) -> Any:
        return self.client.call(event, data, timeout=10)

    def speak(self, session: str, chunk: object = CHUNK) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("audio", {"client_id": str(uuid4()), "session": session, "chunk": chunk})
        return answer


@pytest.fixture
def speaker(mina: Stack) -> Iterator[Speaker]:
    made = Speaker(mina, "user1")
    try:
        yield made
    finally:
        made.client.disconnect()


def test_the_audience_has_the_plans_sizes(mina: Stack) -> None:
    assert mina.rows("SELECT count(*) FROM meetings") == [(USERS * 20,)]
    sizes = {
        path: len(mina.call("GET", path, "user1").content) / 1000
        for path in ("/api/meetings", "/api/analytics/dashboard", "/api/analytics/trends")
    }
    # The plan's 50, 100 and 200 kB; a user has 20 meetings, so the dashboard shows half of its 40.
    assert 40 < sizes["/api/meetings"] < 60
    assert 40 < sizes["/api/analytics/dashboard"] < 120
    assert 150 < sizes["/api/analytics/trends"] < 220


def test_a_new_meeting_drops_the_list_that_is_kept(mina: Stack) -> None:
    before = mina.call("GET", "/api/meetings", "user2").json()["items"]
    mina.rows("UPDATE meetings SET title = 'unseen' WHERE id = %s RETURNING 1", before[0]["id"])
    assert mina.call("GET", "/api/meetings", "user2").json()["items"] == before, "out of the cache"
    sent = {"client_id": str(uuid4()), "title": "Stand-up"}
    first = mina.call("POST", "/api/meetings", "user2", json=sent)
    assert first.status_code == 201
    assert mina.call("POST", "/api/meetings", "user2", json=sent).json() == first.json()
    after = mina.call("GET", "/api/meetings", "user2").json()["items"]
    assert [item["title"] for item in after[:2]] == ["Stand-up", "unseen"]
    assert "Stand-up" in mina.call("GET", "/meetings", "user2").text
    with mina.web(N_PLUS_ONE="1", CACHE="0") as slow:
        assert mina.call("GET", "/api/meetings", "user2", url=slow).json()["items"] == after


def statements(mina: Stack, url: str) -> dict[str, tuple[float, float]]:
    """Of each endpoint: statements, and requests that sent any."""
    seen: dict[str, list[float]] = {}
    for line in mina.call("GET", "/metrics", url=url).text.splitlines():
        for place, ending in enumerate(("_sum", "_count")):
            if line.startswith(f"refapp_request_statements{ending}{{"):
                endpoint = line.partition('endpoint="')[2].partition('"')[0]
                seen.setdefault(endpoint, [0.0, 0.0])[place] = float(line.rsplit(" ", 1)[1])
    return {endpoint: (each[0], each[1]) for endpoint, each in seen.items()}


def test_the_answers_are_the_same_with_more_statements_before_the_optimization(mina: Stack) -> None:
    mina.call("POST", "/api/meetings", "user4", json={"client_id": str(uuid4()), "title": "Today's"})
    meeting = mina.call("GET", "/api/meetings", "user4").json()["items"][1]["id"]
    paths = ("/api/meetings", f"/api/meetings/{meeting}", "/api/analytics/dashboard")
    answers, counted = [], []
    for n_plus_one in ("0", "1"):
        with mina.web(CACHE="0", N_PLUS_ONE=n_plus_one) as url:
            answers.append([mina.call("GET", path, "user4", url=url).json() for path in paths])
            assert mina.call("GET", "/api/meetings/999999", "user4", url=url).status_code == 404
            assert mina.call("GET", "/nowhere/at/all", "user4", url=url).status_code == 404
            counted.append(statements(mina, url))
    assert answers[0] == answers[1]
    detail, dashboard = answers[0][1:]
    assert (len(detail["participants"]), len(detail["tasks"])) == (3, 3)
    assert [day["meetings"] for day in dashboard["days"]] == [1, 0, 0, 0, 0, 0, 0]
    assert (dashboard["days"][0]["minutes"], dashboard["meetings"], len(dashboard["recent"])) == (30, 21, 21)
    # The meeting that is not there takes one statement too.
    names = ("GET /api/meetings", "GET /api/meetings/:id", "GET /api/analytics/dashboard")
    assert counted[0] == dict(zip(names, [(1, 1), (2, 2), (1, 1)], strict=True))
    assert counted[1] == dict(zip(names, [(41, 1), (5, 2), (9, 1)], strict=True))


def test_what_the_cache_answers_sends_no_statement(mina: Stack) -> None:
    with mina.web() as url:
        for _ in range(3):
            assert mina.call("GET", "/api/analytics/dashboard", "user5", url=url).status_code == 200
        assert statements(mina, url) == {"GET /api/analytics/dashboard": (1, 1)}


def test_a_new_task_drops_the_analytics_that_are_kept(mina: Stack) -> None:
    meeting = mina.call("GET", "/api/meetings", "user3").json()["items"][0]["id"]
    detail = mina.call("GET", f"/api/meetings/{meeting}", "user3").json()
    assert len(detail["participants"]) == 3
    kept = mina.call("GET", "/api/analytics/dashboard", "user3").json()
    mina.rows("UPDATE meetings SET minutes = minutes + 100 WHERE id = %s RETURNING 1", meeting)
    assert mina.call("GET", "/api/analytics/dashboard", "user3").json() == kept
    sent = {"client_id": str(uuid4()), "meeting_id": meeting, "title": "Write it down"}
    assert mina.call("POST", "/api/tasks", "user3", json=sent).status_code == 201
    assert mina.call("GET", "/api/analytics/dashboard", "user3").json()["minutes"] == kept["minutes"] + 100
    assert len(mina.call("GET", f"/api/meetings/{meeting}", "user3").json()["tasks"]) == len(detail["tasks"]) + 1
    assert mina.rows("SELECT kind FROM acknowledged WHERE client_id = %s", sent["client_id"]) == [("task",)]


def test_a_window_of_audio_comes_back_as_text(mina: Stack, speaker: Speaker) -> None:
    session = str(uuid4())
    assert speaker.call("start", {"session": session}) == {"ok": True, "session": session}
    answers = [speaker.speak(session) for _ in range(8)]
    assert [answer["queued"] for answer in answers] == [False, False, False, True] * 2
    until(lambda: len(speaker.heard) == 2, 30)
    closing = {answers[3]["client_id"], answers[7]["client_id"]}
    assert {heard["client_id"] for heard in speaker.heard} == closing
    assert {heard["text"] for heard in speaker.heard} == {"2.0 seconds of speech"}
    assert mina.rows("SELECT count(*) FROM transcripts WHERE session = %s", session) == [(2,)]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("start", {"session": "no spaces"}),
        ("audio", {"client_id": "a", "session": "not-started", "chunk": CHUNK}),
        ("audio", {"client_id": "a", "session": "s", "chunk": "text"}),
        ("audio", {"client_id": "a", "session": "s", "chunk": b""}),
    ],
)
def test_bad_events_are_acknowledged_as_such(speaker: Speaker, event: str, data: object) -> None:
    assert speaker.call(event, data)["ok"] is False


def test_what_is_refused(mina: Stack) -> None:
    others = mina.rows("SELECT min(id) FROM meetings WHERE owner_id = 2")[0][0]
    task = {"client_id": "t", "meeting_id": others, "title": "not mine"}
    assert mina.call("POST", "/api/tasks", "user1", json=task).status_code == 404
    assert mina.call("GET", "/api/meetings/999999", "user1").status_code == 404
    assert mina.call("GET", "/api/meetings?page=11", "user1").status_code == 400
    assert mina.call("POST", "/api/meetings", "user1", json={"client_id": "x"}).status_code == 400
    assert mina.call("GET", "/api/analytics/trends").status_code == 401


def test_the_external_service_keeps_its_limits(whisper: str) -> None:
    assert requests.post(whisper, data=bytes(1_000_001), timeout=10).status_code == 413
    codes: list[int] = []
    waits: list[float] = []

    def ask() -> None:
        reply = requests.post(whisper, data=CHUNK, timeout=10)
        codes.append(reply.status_code)
        waits.append(float(reply.headers.get("Retry-After", "0")))

    together = [threading.Thread(target=ask) for _ in range(6)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert codes.count(429) >= 1, "two at once"
    assert codes.count(200) >= 2
    for _ in range(60):
        ask()
        if codes[-1] == 429 and waits[-1] > 1:
            break
    assert (codes[-1], waits[-1] > 1) == (429, True), "fifty a minute"
    assert codes.count(200) <= 50
