"""The disk that the stack's data takes.

A sampler of its own, since the folders hold thousands of files and grow slowly: walking them every second would cost
more than all the other samplers together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from harness.samplers.base import known, share
from harness.samplers.targets import Targets


class StorageSampler:
    """Adds up the data folders and compares them with the stage's disk."""

    source = "storage"
    period_seconds = 10.0

    def __init__(self, data_paths: Sequence[Path], disk_bytes: float | None = None) -> None:
        self._data_paths = tuple(data_paths)
        self._disk_bytes = disk_bytes

    def fetch(self) -> int:
        """Bytes on the disk. Raises PermissionError."""
        return folder_bytes(self._data_paths)

    def parse(self, raw: int, previous: int | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The size and its share of the stage's disk."""
        del previous, elapsed_seconds
        return known({"disk_bytes": raw, "disk_ratio": share(raw, self._disk_bytes)})

    def close(self) -> None:
        """Nothing is kept open."""


def from_targets(targets: Targets) -> StorageSampler | None:
    """Made when there are data folders to look at."""
    return StorageSampler(targets.data_paths, targets.disk_bytes) if targets.data_paths else None


def folder_bytes(folders: Iterable[Path]) -> int:
    """Bytes that the files below the folders take on the disk, as du counts them; what goes meanwhile is gone.

    Raises PermissionError.
    """
    total = 0
    waiting = [str(folder) for folder in folders]
    while waiting:
        with suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    with suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
