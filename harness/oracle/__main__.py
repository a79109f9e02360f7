"""``python -m harness.oracle '{"kind": …}'``: one server as a child process, which prints its URL and nothing else.

For ``harness.oracle.launch``; people start servers with ``proofload oracle``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.oracle.kinds import kind_named
from harness.oracle.metrics import Lie
from harness.oracle.server import Spec, serve


def main() -> None:
    """Serve what the first argument describes."""
    told = json.loads(sys.argv[1])
    kind = kind_named(told["kind"])
    spec = Spec(
        kind=kind,
        parameters=kind.parameters(**told["parameters"]),
        seed=told["seed"],
        port=told["port"],
        log=None if told["log"] is None else Path(told["log"]),
        lie=Lie(**told["lie"]),
        life_seconds=told["life_seconds"],
        ends_with_input=True,
    )

    def ready(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    serve(spec, ready)


if __name__ == "__main__":
    main()
