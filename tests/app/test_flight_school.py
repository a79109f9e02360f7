"""The flight school, as README.md of the application promises it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.app.refapp_stack import Stack, running_stack, until

pytestmark = pytest.mark.stack

PEOPLE = ("--people", "instructors=3", "--people", "students=8")


@pytest.fixture(scope="module")
def school() -> Iterator[Stack]:
    with running_stack("flight-school", PEOPLE) as running:
        yield running


def plan() -> dict[str, str]:
    return {"client_id": str(uuid4()), "title": "Stalls", "content": "Recover at once."}


def flight(student: int, **values: object) -> dict[str, object]:
    usual = {
        "client_id": str(uuid4()),
        "student_id": student,
        "plan_id": 1,
        "minutes": 60,
        "grade": 4,
        "remarks": "Good",
    }
    return usual | values


def unseen_flight(school: Stack, student: int) -> None:
    """Behind the application's back."""
    values = "(student_id, plan_id, minutes, grade, remarks) VALUES (%s, 1, 60, 3, '')"
    school.rows(f"INSERT INTO flights {values} RETURNING 1", student)


def flights_of(school: Stack, student: int, user: str) -> int:
    return int(school.call("GET", f"/api/students/{student}/progress", user).json()["flights"])


def test_the_audience_is_dealt_out(school: Stack) -> None:
    assert school.rows("SELECT role, count(*) FROM users GROUP BY role ORDER BY role") == [
        ("instructor", 3),
        ("student", 8),
    ]
    # Users 4, 7 and 10 are the first instructor's.
    items = school.call("GET", "/api/students", "instructor1").json()["items"]
    assert [item["id"] for item in items] == [4, 7, 10]
    assert all(item["flights"] == 40 and 40 * 40 / 60 <= item["hours"] <= 40 * 120 / 60 for item in items)


def test_progress_is_kept_until_the_next_flight(school: Stack) -> None:
    assert flights_of(school, 4, "student1") == 40
    unseen_flight(school, 4)
    assert flights_of(school, 4, "instructor1") == 40, "out of the cache"
    sent = flight(4)
    reply = school.call("POST", "/api/flights", "instructor1", json=sent)
    assert (reply.status_code, reply.json()["client_id"]) == (201, sent["client_id"])
    again = school.call("POST", "/api/flights", "instructor1", json=sent)
    assert again.json() == reply.json(), "written once"
    assert flights_of(school, 4, "instructor1") == 42
    page = school.call("GET", "/students/4", "student1")
    assert "42 flights" in page.text
    assert ("flight",) in school.rows("SELECT kind FROM acknowledged WHERE client_id = %s", sent["client_id"])


def test_plans(school: Stack) -> None:
    written = school.call("POST", "/api/plans", "instructor2", json=plan())
    assert written.status_code == 201
    newest = school.call("GET", "/api/plans?per_page=5", "student2").json()
    assert (newest["items"][0]["id"], newest["total"], newest["pages"]) == (written.json()["id"], 21, 5)
    shown = school.call("GET", f"/api/plans/{written.json()['id']}", "student2").json()
    assert shown["content"] == "Recover at once."


@pytest.mark.parametrize(
    ("method", "path", "user", "json", "status"),
    [
        ("GET", "/api/students", None, None, 401),
        ("GET", "/api/students", "student1", None, 403),
        ("GET", "/api/students/5/progress", "student1", None, 404),
        ("GET", "/api/students/5/progress", "instructor1", None, 404),
        ("GET", "/api/plans/999999", "student1", None, 404),
        ("POST", "/api/plans", "student1", plan(), 403),
        ("POST", "/api/plans", "instructor1", plan() | {"title": ""}, 400),
        ("POST", "/api/flights", "student1", flight(4), 403),
        ("POST", "/api/flights", "instructor1", flight(5), 404),
        ("POST", "/api/flights", "instructor1", flight(4, plan_id=99_999), 400),
        ("POST", "/api/flights", "instructor1", flight(4, minutes=601), 400),
        ("POST", "/api/flights", "instructor1", flight(4, grade=6), 400),
        ("POST", "/api/flights", "instructor1", flight(4, client_id="no spaces"), 400),
        ("GET", "/api/lessons", "instructor1", None, 404),
    ],
)
def test_what_is_refused(
    school: Stack, method: str, path: str, user: str | None, json: dict[str, object] | None, status: int
) -> None:
    reply = school.call(method, path, user, json=json)
    assert (reply.status_code, "error" in reply.json()) == (status, True)


def test_a_list_that_asks_for_each_row_says_the_same(school: Stack) -> None:
    with school.web(N_PLUS_ONE="1") as slow:
        items = school.call("GET", "/api/students", "instructor3", url=slow).json()
    assert items == school.call("GET", "/api/students", "instructor3").json()


def test_without_the_cache_every_answer_is_new(school: Stack) -> None:
    with school.web(CACHE="0") as plain:
        before = int(school.call("GET", "/api/students/6/progress", "student3", url=plain).json()["flights"])
        unseen_flight(school, 6)
        assert school.call("GET", "/api/students/6/progress", "student3", url=plain).json()["flights"] == before + 1


def test_a_scan_becomes_a_smaller_picture(school: Stack, tmp_path: Path) -> None:
    scan = tmp_path / "scan.jpg"
    source = ("-f", "lavfi", "-i", "testsrc2=size=2400x3200:rate=1:duration=1", "-frames:v", "1")
    subprocess.run(("ffmpeg", "-v", "error", *source, str(scan)), check=True)
    name = str(uuid4())
    files = {"file": ("scan.jpg", scan.read_bytes(), "image/jpeg")}
    sent = school.call("POST", "/api/uploads", "instructor1", data={"client_id": name}, files=files)
    assert sent.status_code == 202

    def ended() -> str:
        status = str(school.call("GET", f"/api/uploads/{name}", "instructor1").json()["status"])
        return status if status in ("finished", "failed") else ""

    assert until(ended, 30) == "finished"
    [(result,)] = school.rows("SELECT result_path FROM uploads WHERE client_id = %s", name)
    shown = subprocess.run(
        ("ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(result)),
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == "1200,1600"


def test_without_indexes_only_keys_are_left(school: Stack) -> None:
    url = school.postgres.url.replace("/postgres", "/bare")
    with psycopg.connect(school.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    school.python("-m", "refapp.schema", DATABASE_URL=url.replace("postgresql:", "postgresql+psycopg:"), INDEXES="0")
    with psycopg.connect(url) as connection:
        found = {row[0] for row in connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    assert found
    assert all(name.startswith(("pk_", "uq_")) for name in found)
