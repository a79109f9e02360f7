"""The studies in real time: real servers, the real generator, real clocks. Nothing else may run on the machine.

Every step keeps what it found in runs/accuracy/<study>/<step>.json at once, and is not made again while that file is
there: an interrupted study goes on where it was. Remove the folder to begin anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

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
from harness.oracle.launch import Oracle, start
from harness.oracle.log import Served, read_served
from harness.oracle.simulation import arrive, plateau, respond
from harness.planning.build import build_plan
from harness.planning.profiles import Profile
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from targets.loader import parse_target
from tests.accuracy.bottleneck_named import bottleneck_real
from tests.accuracy.document import save
from tests.accuracy.study import SEED, Row, Table

PROJECT = Path(__file__).parents[2]
KEPT = PROJECT / "runs" / "accuracy"
TARGET = PROJECT / "harness" / "oracle" / "target.toml"
LOCUSTFILE = PROJECT / "locustfiles" / "oracle.py"

Found = dict[str, Any]


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


# Capacity ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queue:
    """An M/M/c queue, and the p90 that it is to keep."""

    servers: int
    service_seconds: float
    bound_seconds: float

    @property
    def first_rate(self) -> float:
        """Where its searches begin: below the truth."""
        return 0.6 * self.servers / self.service_seconds


QUEUES = (Queue(1, 1 / 600, 0.020), Queue(2, 2 / 600, 0.020), Queue(8, 8 / 600, 0.040))
"""600 services a second: the slower the queue, the longer its requests share their fate, and the less 20 s can tell."""
SEARCHES = 2
QUANTILE = 0.9
SEARCH_BUDGET = "480s"
WIDTH = "5%"


def capacity_real() -> Table:
    """Two searches for each number of servers, against the truth from the server's own log."""
    lines, within, contains = [], 0, 0
    for queue in QUEUES:
        for number in range(1, SEARCHES + 1):
            found = step("capacity-real", f"c{queue.servers}-{number}", lambda q=queue, n=number: _search(q, n))  # type: ignore[misc]
            lower, upper, truth = found["lower"], found["upper"], found["truth"]
            middle = None if lower is None or upper is None else (lower * upper) ** 0.5
            near = middle is not None and abs(middle / truth - 1) <= 0.05
            holds = lower is not None and upper is not None and lower <= truth <= upper
            within, contains = within + near, contains + holds
            lines.append(
                Row(
                    (
                        f"M/M/{queue.servers}, search {number}",
                        f"{truth:.1f}/s (Poisson: {found['truth_poisson']:.1f}/s)",
                        "–" if middle is None else f"{middle:.1f}/s",
                        "–" if middle is None else f"{(middle / truth - 1) * 100:+.1f} %",
                        f"{_rate(lower)} to {_rate(upper)}" + (", holds it" if holds else ", does not hold it"),
                        f"{found['trials']}",
                    ),
                    "± 5 %",
                    near,
                )
            )
    return Table(
        "Is a real queue's capacity found?",
        "the service times that the server logged, drawn again in the simulation with arrivals as the generator offers "
        "them, at the rate at which the p90 is its bound",
        ("queue", "true capacity", "found", "off", "bracket", "trials"),
        tuple(lines),
        (
            f"20-s trials, brackets of {WIDTH}, {SEARCH_BUDGET} a search; p90 ≤ 20 ms (c = 8: 40 ms). "
            f"{within} of {len(lines)} within 5 %, {contains} brackets hold the truth.",
        ),
    )


def _rate(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}/s"


def _search(queue: Queue, number: int) -> Found:
    folder = KEPT / "capacity-real" / f"c{queue.servers}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "oracle.toml"
    text = TARGET.read_text().replace('"95 %"', f'"{QUANTILE:.0%}"'.replace("%", " %"))
    target.write_text(text.replace('at_most = "100 ms"', f'at_most = "{queue.bound_seconds * 1000:g} ms"'))
    log = folder / "served.jsonl"
    with _server("mmc", log, servers=queue.servers, service_seconds=queue.service_seconds, seed=number) as server:
        words = ["capacity", str(target), "--stage", "1", "--stack", "external", "--host", server.url]
        words += ["--from", f"{queue.first_rate:.0f}", "--width", WIDTH, "--budget", SEARCH_BUDGET]
        words += ["--seed", str(number), "--locustfile", str(LOCUSTFILE), "--runs", str(folder / "runs"), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli.main", *words],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(PROJECT))},
            stdout=subprocess.PIPE,
            text=True,
            timeout=900,
            check=False,
        )
    if not done.stdout.strip():
        raise RuntimeError(f"the search gave no answer (exit code {done.returncode})")
    answer = json.loads(done.stdout)
    served = [each for each in read_served(log) if each.status == 200]
    return {
        "lower": answer["bracket"]["lower_per_second"],
        "upper": answer["bracket"]["upper_per_second"],
        "trials": len(answer["trials"]),
        "truth": true_capacity(queue, served, batch_seconds=2.0),
        "truth_poisson": true_capacity(queue, served, batch_seconds=None),
        "served": len(served),
    }


def true_capacity(queue: Queue, served: Sequence[Served], batch_seconds: float | None, seconds: float = 2000) -> float:
    """The rate at which the quantile is the bound, with service times and delays of sending drawn from the log.

    batch_seconds: arrivals are Poisson given their count in each batch, as the generator offers them; None: plain
    Poisson. The same draws at every rate, so that the root is that of one smooth curve.
    """
    services = np.array([each.service_seconds for each in served])
    overshoots = np.array([each.overshoot_seconds for each in served])
    most = queue.servers / float(services.mean())

    def quantile(rate: float) -> float:
        random, numbers = Random(SEED), np.random.default_rng(SEED)
        if batch_seconds is None:
            starts = np.cumsum(numbers.exponential(1 / rate, round(rate * seconds)))
        else:
            starts = arrive(plateau(rate, seconds, batch_seconds), random)
        chosen = numbers.integers(0, len(services), len(starts))
        responses = respond(starts, services[chosen], queue.servers) + overshoots[chosen]
        return float(np.quantile(responses, QUANTILE, method="inverted_cdf"))

    low, high = 0.3 * most, 0.995 * most
    while high - low > 0.002 * most:
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) <= queue.bound_seconds else (low, middle)
    return (low + high) / 2


# Runs against one server -------------------------------------------------------------------------------------------

USERS = 300
SHORT = Profile("short", 1, 2, 15, 1.5, 1, 0, False, 10, "one level of 15 s")


@contextmanager
def _server(kind: str, log: Path, seed: int = 7, **parameters: float) -> Iterator[Oracle]:
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
            with _server("mmc", folder / "served.jsonl", servers=2, service_seconds=0.010) as server:
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
            with _server("stall", log, every_seconds=every, stall_seconds=stall, service_seconds=0.002) as server:
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
