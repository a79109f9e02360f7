"""Real runs, made small enough to keep: what the bottleneck is found from, and nothing else.

``python -m tests.support.recording RUN tests/golden/starved/CASE.tar.gz`` keeps one.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.model.evidence import Evidence
from harness.store.read import read_run

WHOLE = ("manifest.json", "plan.json", "target.json", "events.jsonl", "jobs.jsonl")
KINDS = ("http", "upload")


def keep(run: Path, archive: Path) -> None:
    """The run directory as an archive that is the same for the same run."""
    files = {name: (run / name).read_bytes() for name in WHOLE}
    files["requests.jsonl"] = _rows(run / "requests.jsonl", _request)
    files["servers.jsonl"] = _rows(run / "servers.jsonl", _server)
    files["generator.jsonl"] = _rows(run / "generator.jsonl", _generator)
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    archive.parent.mkdir(parents=True, exist_ok=True)
    with archive.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(tarred.getvalue())


def recorded(archive: Path) -> Evidence:
    """The evidence of an archive."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        return read_run(Path(folder))


def _rows(path: Path, shortened: Any) -> bytes:
    rows = (shortened(json.loads(line)) for line in path.read_text().splitlines())
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows if row is not None).encode()


def _request(row: dict[str, Any]) -> Mapping[str, Any] | None:
    """Counts and exceedances; times only of what was sent, without their distribution."""
    if row["kind"] not in KINDS:
        return None
    empty = {"buckets": {}, "count": 0, "sum_seconds": 0.0, "max_seconds": 0.0}
    return {**row, "response": empty, "service": empty}


def _server(row: dict[str, Any]) -> Mapping[str, Any]:
    return {
        **row,
        "monotonic_seconds": round(row["monotonic_seconds"], 3),
        "values": {key: float(f"{value:.4g}") for key, value in row["values"].items()},
        "cost_seconds": 0.0,
    }


def _generator(row: dict[str, Any]) -> Mapping[str, Any]:
    return {**row, "loop_lag": None, "schedule_lag": None}


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
