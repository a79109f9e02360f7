"""``python -m tests.accuracy``: make the studies, and docs/accuracy.md from what they find.

Exit code 1 when something that is required was not found.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.accuracy.document import save
from tests.accuracy.studies import NAMES, REAL_NAMES, STUDIES


def main(words: list[str]) -> int:
    """Make the studies that are asked for, one after the other, each result kept at once."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description="Found against true.")
    parser.add_argument("--real", action="store_true", help="the studies in real time instead of the simulated ones")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="STUDY", help=", ".join(NAMES))
    asked = parser.parse_args(words)
    only = set(asked.only or (REAL_NAMES if asked.real else (study.name for study in STUDIES)))
    missed = []
    for study in STUDIES:
        if study.name in only:
            began = time.monotonic()
            table = study.run(study.runs)
            save(study.name, table)
            print(f"{study.name}: {'reached' if table.reached else 'NOT REACHED'}, {time.monotonic() - began:.0f} s")  # noqa: T201
            missed += [] if table.reached else [study.name]
    if only & set(REAL_NAMES):
        from tests.accuracy.real import run_real

        missed += run_real([name for name in REAL_NAMES if name in only])
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
