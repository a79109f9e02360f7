"""Videos: stored, transcoded to H.264, asked about, and told about."""

from __future__ import annotations

import queue
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import socketio

from tests.app.refapp_stack import Stack, until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 720p with sound, not yet H.264."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    source = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=15:duration=2", "-f", "lavfi", "-i", "sine=duration=2"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "mpeg4", "-q:v", "8", str(path)], check=True)
    return path


def send(stack: Stack, user: str, client_id: str, content: bytes) -> requests.Response:
    files = {"file": ("../../etc/clip.avi", content, "video/x-msvideo")}
    return stack.call("POST", "/api/uploads", user, data={"client_id": client_id}, files=files)


def status(stack: Stack, user: str, client_id: str) -> dict[str, Any]:
    reply: dict[str, Any] = stack.call("GET", f"/api/uploads/{client_id}", user).json()
    return reply


def test_a_video_becomes_h264(stack: Stack, clip: Path) -> None:
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    owner = socketio.Client(reconnection=False)
    owner.on("job", jobs.put)
    owner.connect(stack.url, auth={"token": stack.token("teacher1")}, transports=["websocket"])
    try:
        name = str(uuid4())
        reply = send(stack, "teacher1", name, clip.read_bytes())
        assert (reply.status_code, reply.json()) == (202, {"client_id": name, "status": "queued"})
        again = send(stack, "teacher1", name, clip.read_bytes())
        assert (again.status_code, again.json()["client_id"]) == (202, name)
        assert jobs.get(timeout=20) == {"client_id": name, "status": "finished"}
    finally:
        owner.disconnect()
    found = status(stack, "teacher1", name)
    assert (found["client_id"], found["status"]) == (name, "finished")
    assert found["queued_at"] < found["started_at"] < found["finished_at"]
    assert stack.rows("SELECT kind FROM acknowledged WHERE client_id = %s", name) == [("upload",)]
    [(path, result, size)] = stack.rows("SELECT path, result_path, size_bytes FROM uploads WHERE client_id = %s", name)
    assert Path(path).read_bytes() == clip.read_bytes()
    assert size == clip.stat().st_size
    assert Path(result).parent == Path(stack.environment["UPLOAD_DIR"])
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,height", "-of", "csv=p=0", result]
    streams = subprocess.run(probe, check=True, capture_output=True, text=True).stdout.split()
    assert streams == ["h264,480", "aac"]
    assert not list(Path(stack.environment["UPLOAD_DIR"]).glob(".incoming-*")), "nothing half-written stays"
    assert stack.call("GET", f"/api/uploads/{name}", "teacher2").status_code == 404


def test_what_is_no_video_fails(stack: Stack) -> None:
    name = str(uuid4())
    assert send(stack, "student1", name, b"no video at all").status_code == 202
    found = until(lambda: (reply := status(stack, "student1", name))["finished_at"] and reply)
    assert found["status"] == "failed"
    [(problem,)] = stack.rows("SELECT error FROM uploads WHERE client_id = %s", name)
    assert "Invalid data" in problem


def test_bad_uploads(stack: Stack) -> None:
    kept = len(list(Path(stack.environment["UPLOAD_DIR"]).iterdir()))
    assert send(stack, "student1", "a b", b"x").status_code == 400
    assert send(stack, "student1", str(uuid4()), b"").status_code == 400
    assert stack.call("POST", "/api/uploads", "student1", data={"client_id": "x"}).status_code == 400
    assert send(stack, "student1", str(uuid4()), b"x" * (5 * 1024 * 1024)).status_code == 413
    assert len(list(Path(stack.environment["UPLOAD_DIR"]).iterdir())) == kept
    assert stack.call("GET", "/api/uploads/unknown", "student1").status_code == 404
