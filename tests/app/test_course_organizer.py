"""Course Organizer, as README.md of the application promises it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import socketio

from harness.samplers.browser import PageProbe
from harness.samplers.chromium import Chromium, find_chromium
from targets.loader import load_target
from tests.app.refapp_stack import APP, PYTHON, Stack, running_stack, until

pytestmark = pytest.mark.stack

USERS = 60
"""2 courses, 6 study groups."""


@pytest.fixture(scope="module")
def campus() -> Iterator[Stack]:
    with running_stack("course-organizer", ("--people", f"users={USERS}")) as running:
        yield running


def said(**values: object) -> dict[str, object]:
    return {"client_id": str(uuid4()), "text": "who has solved it?"} | values


def item(**values: object) -> dict[str, object]:
    return {"client_id": str(uuid4()), "title": "Essay", "body": "Two pages."} | values


class Member:
    """One member's connection."""

    def __init__(self, campus: Stack, user: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.arrived = threading.Event()
        self.client = socketio.Client(reconnection=False)
        self.client.on("group_message", self._hear)
        self.client.connect(campus.url, auth={"token": campus.token(user)}, transports=["websocket"])

    def _hear(self, data: dict[str, Any]) -> None:
        self.heard.append(data)
        self.arrived.set()

    def call(self, event: str, data: object) -> Any:
        return self.client.call(event, data, timeout=10)


@pytest.fixture
def group(campus: Stack) -> Iterator[tuple[Member, Member]]:
    members = Member(campus, "user1"), Member(campus, "user2")
    try:
        yield members
    finally:
        for member in members:
            member.client.disconnect()


def test_the_audience_has_its_courses_and_groups(campus: Stack) -> None:
    assert campus.rows("SELECT count(*) FROM courses") == [(2,)]
    assert campus.rows("SELECT count(*) FROM study_groups") == [(6,)]
    assert campus.rows("SELECT count(*) FROM group_messages") == [(600,)]
    assert campus.rows("SELECT DISTINCT count(*) FROM memberships GROUP BY user_id ORDER BY 1") == [(2,)]
    reply = campus.call("GET", "/api/groups", "user1")
    assert reply.status_code == 200, reply.text
    items = reply.json()["items"]
    assert len(items) == 2
    assert all(found["members"] >= 1 for found in items)


def test_a_large_audience_has_no_more_than_a_million_messages_but_a_page_for_each_group(campus: Stack) -> None:
    """The audiences of the plan's four stages, and one ten times the last: the rows are not made, only counted."""
    program = (
        "from refapp.products.course_organizer.seed import groups_of, messages_each\n"
        "for users in (2_000, 10_000, 50_000, 100_000, 200_000, 2_000_000):\n"
        "    print(groups_of(users), messages_each(groups_of(users)))"
    )
    found = subprocess.run(
        [PYTHON, "-c", program], cwd=APP, env=campus.environment, check=True, capture_output=True, text=True
    )
    assert found.stdout.split("\n")[:-1] == [
        "200 100",
        "1000 100",
        "5000 100",
        "10000 100",
        "20000 50",
        "200000 50",
    ]


def test_a_timeline_is_kept_until_something_is_added(campus: Stack) -> None:
    course = campus.call("GET", "/api/courses", "user1").json()["items"][0]["id"]
    path = f"/api/courses/{course}/timeline"
    before = campus.call("GET", path, "user1").json()["items"]
    assert len(before) == 40
    assert before == sorted(before, key=lambda found: found["due_at"], reverse=True)
    campus.rows("UPDATE timeline_items SET title = 'unseen' WHERE id = %s RETURNING 1", before[0]["id"])
    assert campus.call("GET", path, "user1").json()["items"] == before, "out of the cache"
    sent = item()
    first = campus.call("POST", path, "user1", json=sent)
    assert first.status_code == 201
    assert campus.call("POST", path, "user1", json=sent).json() == first.json()
    after = campus.call("GET", path, "user1").json()["items"]
    assert [found["title"] for found in after[:2]] == ["Essay", "unseen"]


def test_the_page_holds_the_timeline_and_names_what_it_needs(campus: Stack) -> None:
    timeline = campus.call("GET", "/api/courses/2/timeline", "user1").json()
    page = campus.call("GET", "/courses/2", "user1")
    assert page.status_code == 200
    assert all(entry["body"] in page.text for entry in timeline["items"])
    for name, kind in (("timeline.css", "text/css"), ("timeline.js", "text/javascript")):
        path = f"/static/course-organizer/{name}"
        assert path in page.text
        assert campus.call("GET", path).headers["Content-Type"].startswith(kind)
    assert campus.call("GET", "/courses/2").status_code == 401
    assert campus.call("GET", "/courses/999", "user1").status_code == 404


@pytest.mark.browser
def test_the_page_is_whole_in_a_browser(campus: Stack) -> None:
    playwright_sync = pytest.importorskip("playwright.sync_api")
    groups = campus.call("GET", "/api/groups", "user1").json()["items"]
    with playwright_sync.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            context = chromium.new_context()
            context.add_cookies([{"name": "token", "value": campus.token("user1"), "url": campus.url}])
            page = context.new_page()
            broken: list[str] = []
            page.on("pageerror", lambda error: broken.append(str(error)))
            page.goto(f"{campus.url}/courses/2")
            page.wait_for_selector("#messages li")
            assert page.locator("main li").count() == 40
            assert page.locator("#groups li").count() == len(groups)
            assert page.locator("#messages li").count() == 50
            assert broken == []
        finally:
            chromium.close()


@pytest.mark.browser
def test_the_probe_sees_its_paint_and_when_it_has_loaded(campus: Stack, tmp_path: Path) -> None:
    target = load_target("course-organizer")
    assert target.page is not None
    page = replace(target.page, path="/courses/2")  # of the few that this audience has
    program = find_chromium()
    assert program is not None
    chromium = Chromium(program, tmp_path / "profile", tmp_path / "log")
    try:
        chromium.start()
        seen = PageProbe(chromium, campus.url, page, {}).open()
    finally:
        chromium.close()
    assert (seen.status, seen.reason) == (200, "")
    assert seen.paint_seconds is not None and seen.load_seconds is not None
    assert 0 < seen.paint_seconds < 5
    assert 0 < seen.load_seconds < 5


def test_messages_of_a_group_take_one_statement(campus: Stack) -> None:
    with campus.web() as url:
        assert campus.call("GET", "/api/groups/1/messages", "user1", url=url).status_code == 200
        text = campus.call("GET", "/metrics", url=url).text
    assert 'refapp_request_statements_sum{endpoint="GET /api/groups/:id/messages"} 1.0' in text


def test_messages_come_newest_first(campus: Stack) -> None:
    sent = said()
    assert campus.call("POST", "/api/groups/3/messages", "user5", json=sent).status_code == 201
    items = campus.call("GET", "/api/groups/3/messages", "user6").json()["items"]
    assert items[0]["text"] == sent["text"]
    assert len(items) == 50
    assert items == sorted(items, key=lambda found: found["created_at"], reverse=True)
    assert campus.rows("SELECT kind FROM acknowledged WHERE client_id = %s", sent["client_id"]) == [("message",)]
    with campus.web(N_PLUS_ONE="1") as slow:
        assert campus.call("GET", "/api/groups/3/messages", "user6", url=slow).json()["items"] == items


def test_a_group_talks(group: tuple[Member, Member]) -> None:
    one, other = group
    assert one.call("join_group", {"group_id": 1}) == {"ok": True, "group_id": 1}
    assert other.call("join_group", {"group_id": 1})["ok"]
    sent = said(group_id=1)
    assert one.call("group_message", sent) == {"ok": True, "client_id": sent["client_id"]}
    assert other.arrived.wait(10)
    assert one.call("group_message", sent)["ok"], "known already"
    marker = said(group_id=1)
    one.call("group_message", marker)
    until(lambda: len(other.heard) > 1)
    assert [message["client_id"] for message in other.heard] == [sent["client_id"], marker["client_id"]]
    assert one.heard == []


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("join_group", {"group_id": 999}),
        ("join_group", {"group_id": "1"}),
        ("join_group", None),
        ("group_message", said(group_id=2)),
        ("group_message", said(group_id=1, client_id="no spaces")),
    ],
)
def test_bad_events_are_acknowledged_as_such(group: tuple[Member, Member], event: str, data: object) -> None:
    assert group[0].call(event, data)["ok"] is False


@pytest.mark.parametrize(
    ("method", "path", "json", "status"),
    [
        ("GET", "/api/courses/999/timeline", None, 404),
        ("POST", "/api/courses/999/timeline", item(), 404),
        ("POST", "/api/courses/1/timeline", item(title=""), 400),
        ("GET", "/api/groups/999/messages", None, 404),
        ("POST", "/api/groups/999/messages", said(), 404),
        ("POST", "/api/groups/1/messages", said(text=" "), 400),
    ],
)
def test_what_is_refused(campus: Stack, method: str, path: str, json: dict[str, object] | None, status: int) -> None:
    reply = campus.call(method, path, "user1", json=json)
    assert (reply.status_code, "error" in reply.json()) == (status, True)
    assert campus.call(method, path, json=json).status_code == 401
