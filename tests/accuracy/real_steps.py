"""What the studies in real time share: steps that are made once, and a server for each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.oracle.launch import Oracle, start

PROJECT = Path(__file__).parents[2]
KEPT = PROJECT / "runs" / "accuracy"
TARGET = PROJECT / "harness" / "oracle" / "target.toml"
LOCUSTFILE = PROJECT / "locustfiles" / "oracle.py"

Found = dict[str, Any]


def step(study: str, name: str, make: Callable[[], Found]) -> Found:
    """What the step found, now or before."""
    path = KEPT / study / f"{name}.json"
    if not path.exists():
        began = time.monotonic()
        found = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        print(f"  {study} › {name}: {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    return dict(json.loads(path.read_text()))


@contextmanager
def serving(kind: str, log: Path, seed: int = 7, **parameters: float) -> Iterator[Oracle]:
    """One of the oracle's servers with a log of its own, and the samplers' addresses pointing at it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with start(kind, log=log, seed=seed, life_seconds=1200.0, **parameters) as server:
        before = {name: os.environ.get(name) for name in ("PROOFLOAD_METRICS_URL", "PROOFLOAD_NGINX_STATUS_URL")}
        os.environ["PROOFLOAD_METRICS_URL"] = f"{server.url}/metrics"
        os.environ["PROOFLOAD_NGINX_STATUS_URL"] = f"{server.url}/nginx_status"
        try:
            yield server
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
