"""``python -m tests.benchmarks``: measure, print the table, keep every reading, write the page.

Exit code 0 when every claim that was asked for is reached, 1 when one is missed or could not be measured, 20 when
something is asked for that does not exist.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import compiled
from tests.benchmarks.figures import Outcome, Readings, found, outcome
from tests.benchmarks.page import page
from tests.benchmarks.peers import PEERS, peer
from tests.benchmarks.processes import BenchError
from tests.benchmarks.profile import profile
from tests.benchmarks.report import (
    CLAIM_HEAD,
    DOCS,
    READING_HEAD,
    claim_lines,
    kept_of,
    load,
    number,
    plain,
    reading_lines,
    save,
)
from tests.benchmarks.rows import CLAIMS, GROUPS, Group
from tests.benchmarks.setting import Setting, two_cores

LEAST_RUNS = 5


def measure(group: Group, setting: Setting, runs: int) -> Readings:
    """Every contestant once, then again, and so on. One that fails is not asked again, and its reason is kept."""
    missing = {
        contestant.name: f"missing: {peer(absent[0]).install}"
        for contestant in group.contestants
        if (absent := [name for name in contestant.needs if not peer(name).present])
    }
    values: dict[str, list[float]] = {each.name: [] for each in group.contestants if each.name not in missing}
    for run in range(runs):
        for contestant in group.contestants:
            if contestant.name in missing:
                continue
            began = time.monotonic()
            try:
                values[contestant.name].append(contestant.measure(setting))
            except BenchError as error:
                missing[contestant.name] = str(error)
                _say(f"  {group.name} {run + 1}/{runs} {contestant.name}: {error}")
                continue
            took = time.monotonic() - began
            shown = number(values[contestant.name][-1])
            _say(f"  {group.name} {run + 1}/{runs} {contestant.name}: {shown} {group.unit} ({took:.0f} s)")
    return Readings({name: tuple(each) for name, each in values.items()}, missing)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def host() -> str:
    """This machine in a few words."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> dict[str, str]:
    """Of everything that takes part; empty where it is missing."""
    mine = "compiled" if compiled.is_used() else "interpreted"
    shared = "libpython" in Path("/proc/self/maps").read_text()  # every call inside it then takes a detour
    python = f"{platform.python_version()}, {'in a shared library' if shared else 'linked statically'}"
    return {"proofload": mine, "python": python, **{each.name: each.version for each in PEERS}}


def _main(words: Sequence[str]) -> int:
    names = [group.name for group in GROUPS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="How fast, against whom.")
    parser.add_argument("--only", nargs="+", choices=names, metavar="GROUP", help=", ".join(names))
    parser.add_argument("--runs", type=int, default=LEAST_RUNS)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--out", type=Path, default=DOCS, help="where performance.json and performance.md are kept")
    parser.add_argument("--small", action="store_true", help="tiny sizes: tests the bench itself, says nothing")
    parser.add_argument("--profile", type=float, metavar="RATE", help="only py-spy's samples; RATE of the open model")
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    asked = parser.parse_args(words)
    if asked.runs < 1 or asked.seconds <= 0:
        parser.error("--runs and --seconds are above 0")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    stored = load(asked.out)
    if not asked.page:
        server, generator = two_cores()
        if server is not None:
            os.sched_setaffinity(0, {server})  # the bench itself must not disturb the generator
        made_of, this = versions(), host()
        with tempfile.TemporaryDirectory(prefix="proofload-bench-") as folder:
            setting = Setting(
                Path(folder), asked.seconds, min(1.0, asked.seconds / 2), server, generator, small=asked.small
            )
            if asked.profile:
                stored["profile"] = profile(setting, asked.profile)
            for group in GROUPS:
                if group.name in (asked.only or names) and not asked.profile:
                    readings = measure(group, setting, asked.runs)
                    stored["groups"][group.name] = _kept(group, readings, this, made_of, asked.seconds)
                    save(stored, page(stored), asked.out)  # each at once: what comes after it may fail
    save(stored, page(stored), asked.out)
    if asked.profile or asked.page:
        return 0
    return _tell(stored, asked.only or names)


def _kept(group: Group, readings: Readings, this: str, made_of: dict[str, str], seconds: float) -> dict[str, Any]:
    return {
        "title": group.title,
        "unit": group.unit,
        "values": {name: list(values) for name, values in readings.values.items()},
        "missing": dict(readings.missing),
        "host": this,
        "versions": made_of,
        "seconds": seconds,
    }


def _tell(stored: dict[str, Any], names: Sequence[str]) -> int:
    kept = {name: readings for name, readings in kept_of(stored).items() if name in names}
    titles = {group.name: (group.title, group.unit) for group in GROUPS}
    claims = [claim for claim in CLAIMS if claim.group in names]
    print(plain(READING_HEAD, reading_lines(titles, kept)))  # noqa: T201
    if claims:
        print("\n" + plain(CLAIM_HEAD, claim_lines(claims, kept)))  # noqa: T201
    reached = (outcome(claim, found(claim, kept.get(claim.group))) for claim in claims)
    return 0 if all(each in (Outcome.AIM, Outcome.REACHED) for each in reached) else 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
