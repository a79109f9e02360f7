"""Every HTTP endpoint, as README.md of the application promises it."""

from __future__ import annotations

from uuid import uuid4

import pytest
import requests

from tests.app.refapp_stack import STUDENTS, TEACHERS, Stack

pytestmark = pytest.mark.stack


def lesson(client_id: str | None = None, title: str = "Angles", description: str = "All of them") -> dict[str, str]:
    return {"client_id": client_id or str(uuid4()), "title": title, "description": description}


def test_the_audience_is_there_in_time(stack: Stack) -> None:
    assert stack.seed_seconds < 30
    assert stack.rows("SELECT role, count(*) FROM users GROUP BY role ORDER BY role") == [
        ("student", STUDENTS),
        ("teacher", TEACHERS),
    ]
    assert stack.rows("SELECT count(*) FROM lessons WHERE teacher_id <= 300")[0][0] >= TEACHERS * 24
    a_day = (
        "SELECT max(n) FROM (SELECT count(*) n FROM lessons WHERE starts_at < '2026-03-01' GROUP BY starts_at::date) d"
    )
    assert 100 <= stack.rows(a_day)[0][0] <= 200
    assert stack.rows("SELECT max(n) FROM (SELECT count(*) n FROM enrolments GROUP BY class_id) c") == [(10,)]
    assert stack.rows("SELECT count(*) FROM attendances") == [(TEACHERS * 24 * 10,)]
    assert stack.rows("SELECT reltuples::int FROM pg_class WHERE relname = 'attendances'") == [(TEACHERS * 24 * 10,)]


def test_signing_in(stack: Stack) -> None:
    reply = stack.call("POST", "/login", json={"email": "teacher1@lectio.test", "password": "lectio"})
    assert reply.status_code == 200
    user = reply.json()["user"]
    assert (user["id"], user["role"]) == (1, "teacher")
    assert user["name"]
    session = requests.Session()
    session.cookies.set("token", reply.cookies["token"])
    assert session.get(f"{stack.url}/api/dashboard", timeout=10).status_code == 200
    session.close()


@pytest.mark.parametrize(
    ("email", "password"), [("teacher1@lectio.test", "wrong"), ("nobody@lectio.test", "lectio"), ("x' OR 1=1", "x")]
)
def test_wrong_credentials(stack: Stack, email: str, password: str) -> None:
    reply = stack.call("POST", "/login", json={"email": email, "password": password})
    assert (reply.status_code, "error" in reply.json()) == (401, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/lessons"),
        ("GET", "/api/lessons/1"),
        ("GET", "/api/dashboard"),
        ("POST", "/api/lessons"),
        ("PUT", "/api/lessons/1"),
        ("GET", "/lessons/1"),
        ("POST", "/api/uploads"),
        ("GET", "/api/uploads/x"),
    ],
)
def test_nothing_without_a_token(stack: Stack, method: str, path: str) -> None:
    assert stack.call(method, path).status_code == 401
    forged = {"Authorization": "Bearer WzEsInRlYWNoZXIiLCJBIl0.aaaa.bbbb"}
    assert requests.request(method, stack.url + path, headers=forged, timeout=10).status_code == 401


def test_the_list_comes_in_pages(stack: Stack) -> None:
    first = stack.call("GET", "/api/lessons?page=1&per_page=10", "teacher9").json()
    assert (first["page"], first["pages"], first["total"], len(first["items"])) == (1, 3, 24, 10)
    assert set(first["items"][0]) == {"id", "title", "starts_at", "class_name"}
    third = stack.call("GET", "/api/lessons?page=3&per_page=10", "teacher9").json()
    assert len(third["items"]) == 4
    beyond = stack.call("GET", "/api/lessons?page=4&per_page=10", "teacher9").json()
    assert (beyond["items"], beyond["total"], beyond["pages"]) == ([], 24, 3)
    assert first["items"][0]["starts_at"] > third["items"][-1]["starts_at"]
    theirs = stack.call("GET", "/api/lessons?per_page=10", "student9").json()
    assert [item["id"] for item in theirs["items"]] == [item["id"] for item in first["items"]]


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=101", "page=-1", "page=99999999999999999999"])
def test_a_bad_page(stack: Stack, query: str) -> None:
    reply = stack.call("GET", f"/api/lessons?{query}", "teacher1")
    assert (reply.status_code, "error" in reply.json()) == (400, True)


def test_a_lesson(stack: Stack) -> None:
    identity = stack.call("GET", "/api/lessons", "teacher2").json()["items"][0]["id"]
    found = stack.call("GET", f"/api/lessons/{identity}", "student2").json()
    [(attended,)] = stack.rows("SELECT sum(present) FROM attendances WHERE lesson_id = %s", identity)
    assert (found["id"], found["attendees"], len(found["messages"])) == (identity, attended, 10)
    assert found["messages"][0]["id"] < found["messages"][-1]["id"]
    page = stack.call("GET", f"/lessons/{identity}", "student2")
    assert page.headers["Content-Type"].startswith("text/html")
    assert f"<h1>{found['title']}</h1>" in page.text


@pytest.mark.parametrize(
    "path", ["/api/lessons/2147483647", "/api/lessons/99999999999999999999", "/api/lessons/x", "/lessons/0", "/nowhere"]
)
def test_unknown_things_are_404_in_json(stack: Stack, path: str) -> None:
    reply = stack.call("GET", path, "teacher1")
    assert (reply.status_code, "error" in reply.json()) == (404, True)


def test_the_dashboard(stack: Stack) -> None:
    teacher = stack.call("GET", "/api/dashboard", "teacher5").json()
    assert teacher["lessons"] == 24
    assert (teacher["students"], teacher["attendances_expected"], teacher["messages"]) == (10, 240, 240)
    [(present,)] = stack.rows(
        "SELECT sum(present) FROM attendances JOIN lessons ON lessons.id = lesson_id WHERE teacher_id = 5"
    )
    assert teacher["attendances"] == present
    student = stack.call("GET", "/api/dashboard", "student5").json()
    [(own,)] = stack.rows("SELECT sum(present) FROM attendances WHERE student_id = %s", TEACHERS + 5)
    assert (student["attendances_expected"], student["attendances"]) == (24, own)


def test_writing_is_acknowledged_once(stack: Stack) -> None:
    body = lesson()
    made = stack.call("POST", "/api/lessons", "teacher3", json=body)
    assert made.status_code == 201
    assert made.json()["client_id"] == body["client_id"]
    assert stack.call("POST", "/api/lessons", "teacher3", json=body).json() == made.json()
    path = f"/api/lessons/{made.json()['id']}"
    change = lesson(title="<b>Corners</b>")
    assert stack.call("PUT", path, "teacher3", json=change).json() == {
        "id": made.json()["id"],
        "client_id": change["client_id"],
    }
    later = lesson(title="Edges")
    assert stack.call("PUT", path, "teacher3", json=later).status_code == 200
    repeated = stack.call("PUT", path, "teacher3", json=change)
    assert (repeated.status_code, repeated.json()["id"]) == (200, made.json()["id"])
    assert stack.call("GET", path, "teacher3").json()["title"] == "Edges", "the repeat changed nothing"
    ids = [body["client_id"], change["client_id"], later["client_id"]]
    found = stack.rows("SELECT client_id, kind FROM acknowledged WHERE client_id = ANY(%s)", ids)
    assert sorted(found) == sorted((identity, "lesson") for identity in ids)


def test_text_is_escaped(stack: Stack) -> None:
    made = stack.call("POST", "/api/lessons", "teacher4", json=lesson(title="<script>x</script>")).json()
    page = stack.call("GET", f"/lessons/{made['id']}", "teacher4").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        lesson() | {"client_id": "a b"},
        lesson() | {"client_id": "x" * 65},
        lesson() | {"title": ""},
        lesson() | {"title": "x" * 201},
        lesson() | {"title": 7},
        lesson() | {"description": "nul \0"},
    ],
)
def test_bad_writes(stack: Stack, body: object) -> None:
    for method, path in (("POST", "/api/lessons"), ("PUT", "/api/lessons/1")):
        reply = stack.call(method, path, "teacher1", json=body)
        assert (reply.status_code, "error" in reply.json()) == (400, True)


def test_what_is_not_theirs(stack: Stack) -> None:
    assert stack.call("POST", "/api/lessons", "student1", json=lesson()).status_code == 403
    assert stack.call("PUT", "/api/lessons/1", "student1", json=lesson()).status_code == 403
    assert stack.call("PUT", "/api/lessons/2", "teacher1", json=lesson()).status_code == 404


def test_a_body_too_large(stack: Stack) -> None:
    reply = stack.call("POST", "/api/lessons", "teacher1", json=lesson(description="x" * 70_000))
    assert (reply.status_code, "error" in reply.json()) == (413, True)


def test_health_and_metrics(stack: Stack) -> None:
    assert stack.call("GET", "/healthz").status_code == 200
    assert stack.call("GET", "/readyz").status_code == 200
    stack.call("GET", "/api/dashboard", "teacher1")
    text = stack.call("GET", "/metrics").text
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    label = 'endpoint="lectio.show_dashboard",method="GET",status="2xx"'
    assert float(samples[f"refapp_request_seconds_count{{{label}}}"]) >= 1
    assert float(samples["refapp_query_seconds_count"]) >= 1
    assert float(samples["refapp_requests_in_flight"]) >= 1, "this very request"
    assert "refapp_sockets_open" in samples
    assert sum(name.startswith("refapp_hub_lag_seconds{") for name in samples) == 2
    assert "healthz" not in text
