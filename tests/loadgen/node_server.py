"""The reference Node server: installed into .state when it is first needed, and only where node and npm are."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests/loadgen/node"
INSTALLED = ROOT / ".state/socketio-node"


class NodeMissing(Exception):
    """Why the reference server cannot be had here."""


def node_command(options: dict[str, object] | None = None) -> list[str]:
    """The command that starts it; it prints its port, and ends with its standard input. Raises NodeMissing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeMissing(
            "node and npm are not installed: the reference Node server (npm package socket.io) needs them"
        )
    _install(npm)
    return [node, str(INSTALLED / "server.js"), json.dumps(options or {})]


def _install(npm: str) -> None:
    lock = (SOURCE / "package-lock.json").read_text()
    done = INSTALLED / "installed.json"
    if not done.exists() or done.read_text() != lock:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, INSTALLED / name)
        command = [
            npm,
            "ci",
            "--prefix",
            str(INSTALLED),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--omit=optional",
        ]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
        except subprocess.TimeoutExpired as error:
            raise NodeMissing("npm did not install socket.io within 240 s: is there a network?") from error
        if ended.returncode:
            raise NodeMissing(f"npm could not install socket.io: {ended.stderr.strip()[-300:]}")
        done.write_text(lock)
    shutil.copy(SOURCE / "server.js", INSTALLED / "server.js")
