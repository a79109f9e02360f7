"""A /proc of plain files."""

from __future__ import annotations

import shutil
from pathlib import Path

BOOT = "11111111-2222-3333-4444-555555555555"


class FakeProc:
    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "sys/kernel/random").mkdir(parents=True)
        (path / "sys/kernel/random/boot_id").write_text(BOOT + "\n")

    def add(
        self,
        pid: int,
        *,
        parent: int = 1,
        start: int = 100,
        state: str = "S",
        name: str = "server",
        environment: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
    ) -> None:
        folder = self.path / str(pid)
        folder.mkdir(exist_ok=True)
        numbers = " ".join(["0"] * 17)
        (folder / "stat").write_text(f"{pid} ({name}) {state} {parent} {numbers} {start} 0 0\n")
        (folder / "environ").write_bytes(b"".join(entry.encode() + b"\0" for entry in environment))
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in arguments))

    def remove(self, pid: int) -> None:
        shutil.rmtree(self.path / str(pid))
