"""The locustfile without a run: ordinary Locust."""

from __future__ import annotations

import os
import subprocess

from tests.loadgen.conftest import ROOT, locust_command


def test_a_missing_host_is_said_in_a_line():
    command = [word for word in locust_command(1) if not word.startswith("http") and word != "--host"]
    environment = {name: value for name, value in os.environ.items() if name != "PROOFLOAD_RUN"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "--host http://127.0.0.1:8080" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_init_writes_runs_as_well(server):
    target = server()
    environment = {name: value for name, value in os.environ.items() if name != "PROOFLOAD_RUN"}
    done = subprocess.run(
        [*locust_command(target.port, "locustfiles/starter.py"), "-u", "4", "-r", "4", "-t", "8s"],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for endpoint in ("POST /login", "GET /api/lessons", "GET /api/lessons/:id", "GET /api/dashboard"):
        assert endpoint in done.stderr, done.stderr
    assert "Error report" not in done.stderr


def test_every_class_runs_under_a_bare_locust(server, tmp_path):
    target = server()
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"\0" * 10_000)
    environment = {name: value for name, value in os.environ.items() if name != "PROOFLOAD_RUN"}
    done = subprocess.run(
        [*locust_command(target.port), "--host", f"http://localhost:{target.port}", "-u", "8", "-r", "8", "-t", "8s"],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT), "PROOFLOAD_CLIP": str(clip)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for endpoint in ("POST /login", "GET /api/dashboard", "POST /api/uploads", "job end to end", "socket connect"):
        assert endpoint in done.stderr, done.stderr
    assert "Error report" not in done.stderr
    # It leaves nothing behind: there is no run to write to.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]
