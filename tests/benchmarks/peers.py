"""The other generators: where they are, which version, and the command that installs one that is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

K6_VERSION = "v2.2.0"
NODE_FOLDER = Path(os.environ.get("BENCH_NODE", Path(__file__).parents[2] / ".state" / "bench-node"))
"""Where npm puts artillery and socket.io; BENCH_NODE names another folder."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, or a package of this Python. install: what to type when it is missing."""

    name: str
    install: str
    program: str = ""
    package: str = ""
    folder: Path | None = None
    node_package: str = ""
    version_words: tuple[str, ...] = ("--version",)

    @property
    def path(self) -> Path | None:
        """Where the program is; None when it is missing."""
        places = [str(self.folder)] if self.folder else []
        places += [os.environ.get("PATH", ""), str(Path.home() / "go" / "bin"), "/usr/sbin"]
        found = shutil.which(self.program, path=os.pathsep.join(places))
        return Path(found) if found else None

    @property
    def present(self) -> bool:
        """Whether it is installed."""
        return bool(self.version)

    @property
    def version(self) -> str:
        """As it says itself; empty when it is missing."""
        if self.package:
            try:
                return version(self.package)
            except PackageNotFoundError:
                return ""
        if self.node_package:
            return _node_version(self.node_package)
        if self.path is None:
            return ""
        told = subprocess.run([self.path, *self.version_words], capture_output=True, text=True, timeout=60, check=False)
        lines = (told.stdout + told.stderr).strip().splitlines()
        return lines[0].strip() if lines else "?"


def _node_version(package: str) -> str:
    import json

    try:
        described = json.loads((NODE_FOLDER / "node_modules" / package / "package.json").read_text())
    except OSError:
        return ""
    return str(described["version"])


_PROJECT = Path(__file__).parents[2]
# From the project's folder where it lies there: a page that is kept names no folder of the machine that wrote it.
_SHOWN = NODE_FOLDER.relative_to(_PROJECT) if NODE_FOLDER.is_relative_to(_PROJECT) else "$BENCH_NODE"
_NPM = f"npm install --no-audit --no-fund --prefix {_SHOWN}"

PEERS: tuple[Peer, ...] = (
    Peer("k6", f"go install go.k6.io/k6/v2@{K6_VERSION}", program="k6", version_words=("version",)),
    Peer("locust", "pip install locust", package="locust"),
    Peer("wrk", "apt-get install wrk", program="wrk", version_words=("-v",)),
    Peer("ab", "apt-get install apache2-utils", program="ab", version_words=("-V",)),
    Peer("artillery", f"{_NPM} artillery", program="artillery", folder=NODE_FOLDER / "node_modules" / ".bin",
         node_package="artillery"),
    Peer("socket.io", f"{_NPM} socket.io", node_package="socket.io"),
    Peer("python-socketio", "pip install python-socketio websocket-client", package="python-socketio"),
    Peer("py-spy", "pip install py-spy", program="py-spy", folder=Path(sys.executable).parent),
    Peer("nginx", "apt-get install nginx-light", program="nginx", version_words=("-v",)),
)  # fmt: skip
"""Every program that a row of the table needs beside our own."""


def peer(name: str) -> Peer:
    """The peer of that name; raises KeyError."""
    for each in PEERS:
        if each.name == name:
            return each
    raise KeyError(name)
