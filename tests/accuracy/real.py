"""The studies in real time: real servers, the real generator, real clocks. Nothing else may run on the machine.

Every step keeps what it found in runs/accuracy/<study>/<step>.json at once, and is not made again while that file is
there: an interrupted study goes on where it was. Remove the folder to begin anew.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.analysis import histogram
from harness.analysis.coverage import cut_short
from harness.analysis.judge import judge
from harness.analysis.percentiles import nearest_rank
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of
from harness.experiment.live import LiveStatus
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.model.evidence import Evidence
from harness.model.plan import LoadPlan
from harness.model.run import Manifest
from harness.oracle.launch import Oracle
from harness.oracle.log import read_served
from harness.planning.build import build_plan
from harness.planning.profiles import Profile
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from targets.loader import parse_target
from tests.accuracy.bottleneck_named import bottleneck_real
from tests.accuracy.capacity_real import capacity_real
from tests.accuracy.document import save
from tests.accuracy.real_steps import KEPT, LOCUSTFILE, PROJECT, TARGET, Found, serving, step
from tests.accuracy.study import Row, Table


class Quiet:
    """Watches a run and shows nobody anything."""

    def step(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None: ...

    def live(self, status: LiveStatus) -> None: ...


def run_real(names: Sequence[str]) -> list[str]:
    """Make those studies; returns the names of those that did not find what is required."""
    missed = []
    for name in names:
        try:
            table = REAL[name]()
        except RuntimeError as error:
            print(f"{name}: {error}", flush=True)  # noqa: T201
            missed.append(name)
            continue
        save(name, table, real=True)
        print(f"{name}: {'reached' if table.reached else 'NOT REACHED'}", flush=True)  # noqa: T201
        missed += [] if table.reached else [name]
    return missed


USERS = 300
SHORT = Profile("short", 1, 2, 15, 1.5, 1, 0, False, 10, "one level of 15 s")


def _one_level(plan: LoadPlan) -> LoadPlan:
    level = plan.levels[0]
    streams = tuple(
        replace(stream, segments=tuple(each for each in stream.segments if each.end_seconds <= level.end_seconds))
        for stream in plan.streams
    )
    return replace(
        plan, levels=(level,), streams=streams, held=replace(plan.held, points=((0.0, 0), (level.end_seconds, 0)))
    )


def _run(server: Oracle, rate: float, seed: int, folder: Path, profile: Profile = SHORT) -> Evidence:
    """One level at that rate. Raises RuntimeError when it was cut short, as by another program that needs the CPU."""
    text = TARGET.read_text().replace('normal_rps = { is = "40/s"', f'normal_rps = {{ is = "{rate:g}/s"')
    text = text.replace('peak_rps = { is = "60/s"', f'peak_rps = {{ is = "{max(60, rate):g}/s"')
    target = parse_target(text, "oracle.toml")
    stage = target.stage("1")
    settings = Settings(
        target=target,
        stage=stage,
        # So many users that a stall lets no arrival wait: then the server's own log says all that is true.
        plan=replace(_one_level(build_plan(target, stage, profile, seed=seed)), max_in_flight=USERS),
        runs=folder / "runs",
        locustfile=LOCUSTFILE,
        plan_digest="",
        command="python -m tests.accuracy --real",
        base_url=server.url,
    )
    evidence = read_run(execute(settings, Quiet(), StopRequest()).path)
    short = cut_short(evidence)
    if short:
        raise RuntimeError(f"the run was cut short, {short}; once more on a machine that does nothing else")
    return evidence


HEALTHY = 20


def healthy_real() -> Table:
    """20 runs in which nothing is wrong, at rates from 40 to 120 requests a second."""
    results = []
    for number in range(1, HEALTHY + 1):

        def make(number: int = number) -> Found:
            folder = KEPT / "healthy-real" / f"{number}"
            with serving("mmc", folder / "served.jsonl", servers=2, service_seconds=0.010) as server:
                verdict = judge(_run(server, 40 + 80 * (number - 1) / (HEALTHY - 1), number, folder))
            failed = [f"{each.id}: {each.value}" for each in verdict.checks if each.passed is False and each.taints]
            return {"outcome": str(verdict.outcome), "failed": failed}

        results.append(step("healthy-real", f"{number}", make))
    invalid = [each for each in results if each["outcome"] == "INVALID"]
    said = "; ".join(dict.fromkeys(text for each in results for text in each["failed"])) or "none"
    return Table(
        "Are real healthy runs believed?",
        "nothing was done to them",
        ("runs", "found", "checks that failed"),
        (Row((f"{HEALTHY} of 15 s, 40/s to 120/s", f"{len(invalid)} INVALID", said), "none", not invalid),),
        ("The server is an M/M/2 queue of 10 ms; each run is one level.",),
    )


STALLS = ((1.0, 5.0), (0.5, 5.0), (2.0, 10.0))
STALL_RATE = 100.0
STALLED = Profile("stalled", 1, 2, 40, 4, 3, 0, False, 10, "one level of 40 s")


def stall_real() -> Table:
    """The p99 of a run against a server that freezes, and the p99 of the waits that the server logged."""
    lines = []
    for stall, every in STALLS:

        def make(stall: float = stall, every: float = every) -> Found:
            folder = KEPT / "stall-real" / f"{stall:g}-{every:g}"
            log = folder / "served.jsonl"
            with serving("stall", log, every_seconds=every, stall_seconds=stall, service_seconds=0.002) as server:
                evidence = _run(server, STALL_RATE, 7, folder, STALLED)
            level = evidence.plan.levels[0]
            reported = histogram.merge(
                row.response for row in rows(evidence, seconds_of(measured(level)), kinds=HTTP_KINDS)
            )
            start_seconds = evidence.load_start_seconds or 0.0
            phase = measured(level)
            waits = sorted(
                each.response_seconds
                for each in read_served(log)
                if phase.start_seconds <= each.arrival_seconds - start_seconds < phase.end_seconds
            )
            return {
                "found": histogram.quantile(reported, 0.99),
                "truth": waits[nearest_rank(0.99, len(waits)) - 1],
                "n": len(waits),
            }

        found = step("stall-real", f"{stall:g}-{every:g}", make)
        off = found["found"] / found["truth"] - 1
        lines.append(
            Row(
                (
                    f"{stall:g} s every {every:g} s",
                    f"{found['truth']:.3f} s",
                    f"{found['found']:.3f} s",
                    f"{off * 100:+.2f} %",
                ),
                "± 2 %",
                abs(off) <= 0.02,
            )
        )
    return Table(
        "Is a real stall seen in full? p99 of response times",
        "how long the server itself held each request that arrived in the measure phase, by its log",
        ("the server stands still", "true p99", "found", "off"),
        tuple(lines),
        (f"{STALL_RATE:g} requests a second for 40 s.",),
    )


def liars_real() -> Table:
    """The liars of tests/oracle: real processes that freeze, reset, are throttled and killed."""

    def make() -> Found:
        report = KEPT / "liars-real" / "junit.xml"
        report.parent.mkdir(parents=True, exist_ok=True)
        words = [
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:randomly",
            "tests/oracle/test_oracle_pipeline.py",
            f"--junitxml={report}",
        ]
        subprocess.run([sys.executable, *words], cwd=PROJECT, timeout=600, check=False, stdout=subprocess.DEVNULL)
        cases = ElementTree.parse(report).getroot().iter("testcase")
        return {case.attrib["name"]: all(each.tag not in ("failure", "error") for each in case) for case in cases}

    found = step("liars-real", "pipeline", make)
    lines = [
        Row((name.removeprefix("test_").replace("_", " "), "so" if good else "not so"), "so", good)
        for name, good in sorted(found.items())
    ]
    return Table(
        "Are real liars found?",
        "what was done to the server or the generator",
        ("case", "found"),
        tuple(lines),
        ("A generator that is gone altogether ends the load: what was under way is INVALID, and so is the run.",),
    )


REAL: dict[str, Callable[[], Table]] = {
    "capacity-real": capacity_real,
    "stall-real": stall_real,
    "healthy-real": healthy_real,
    "liars-real": liars_real,
    "bottleneck-real": bottleneck_real,
}
