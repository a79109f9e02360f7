"""The open model: which rate is held, how exactly the schedule is kept, and whether k6 and we see the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.histogram import merge, quantile
from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import Arrivals, Held, Level, LevelName, LoadPlan, Phase, PhaseName, Segment, Stream
from harness.model.samples import GeneratorSample, RequestRow
from harness.model.target import Flow, FlowKind
from harness.model.units import Unit
from harness.oracle.launch import start
from harness.store.jsonl import read_lines, write_whole
from harness.store.layout import RunDirectory
from tests.benchmarks.figures import highest_held, next_rate, percentile
from tests.benchmarks.flat_out import k6_command, locust_command
from tests.benchmarks.processes import BenchError, program
from tests.benchmarks.servers import nginx, python_server
from tests.benchmarks.setting import Setting

USERS = 300
LAG_SECONDS = 0.005
OVER_SERVER_SECONDS = 0.002
WARM_SECONDS = 1
"""Of both contestants, before they are judged: 300 connections are opened in it."""
FIRST_RATE = 2000.0
RESOLUTION = 1.08
_SENT_SHARE = 0.99
_BOOT_SECONDS = 30.0
_CHANCES = 2


@dataclass(frozen=True, slots=True)
class Step:
    """How a rate went. Times in seconds; lag_p99: None where the contestant does not tell it."""

    sent: int
    intended: int
    dropped: int
    errors: int
    p50: float
    p95: float
    lag_p99: float | None = None
    cpu_ratio: float = 0.0

    def holds(self, server_p95: float) -> bool:
        """Everything was sent in time, nothing failed, and the times are the server's."""
        return (
            self.sent >= _SENT_SHARE * self.intended
            and self.dropped == 0
            and self.errors == 0
            and self.p95 <= server_p95 + OVER_SERVER_SECONDS
            and (self.lag_p99 is None or self.lag_p99 < LAG_SECONDS)
        )


def plan_of(rate: float, seconds: float) -> LoadPlan:
    """One flow of sessions with one request each, evenly spaced."""
    figure = Figure("rate", rate, Unit.PER_SECOND, Provenance.STATED, Citation("bench", "bench"))
    level = Level(LevelName.NORMAL, figure, figure, 0.0, 0.0, 0, (Phase(PhaseName.MEASURE, 0, seconds),))
    return LoadPlan(
        system="bench",
        stage="A",
        profile="bench",
        seed=7,
        arrivals=Arrivals.CONSTANT,
        levels=(level,),
        flows=(Flow("bench", FlowKind.HTTP, "Bench", 1.0, 1),),
        streams=(Stream("bench", (Segment(0, seconds, rate, rate),)),),
        held=Held(()),
        thresholds_seconds=(0.1, 0.3, 0.5, 1.0),
        room_size=5,
        think_seconds=(0.0, 0.0),
        request_timeout_seconds=5.0,
        job_timeout_seconds=5.0,
        max_in_flight=USERS,
        max_waiting=1000,
        recovery_bound_seconds=30,
        batch_seconds=1,
    )


def ours_at(setting: Setting, url: str, rate: float, environment: Mapping[str, str] | None = None) -> Step:
    """Our generator on a plan with that rate, judged by what it wrote down. Raises BenchError."""
    seconds = max(1, round(setting.seconds))
    run = RunDirectory(setting.path("run-open"))
    run.path.mkdir()
    write_whole(run.plan, plan_of(rate, WARM_SECONDS + seconds))
    command = locust_command("ours_open.py", url, USERS)
    told = {"PROOFLOAD_RUN": str(run.path), **(environment or {})}
    with program(command, setting.generator_core, setting.path("open.log"), told) as running:
        running.wait(seconds + 10 + _BOOT_SECONDS)
        rows = [row for row in read_lines(run.requests, RequestRow) if row.second >= WARM_SECONDS]
        samples = list(read_lines(run.generator, GeneratorSample))[WARM_SECONDS:]
        if not rows or not samples:
            raise BenchError(running.last_words() or "nothing was recorded")
    response = merge(row.response for row in rows)
    lag = merge(sample.schedule_lag for sample in samples if sample.schedule_lag is not None)
    whole = samples[:seconds]
    return Step(
        sent=sum(row.completed for row in rows),
        intended=int(rate * seconds),
        dropped=sum(row.dropped for row in rows),
        errors=sum(row.errors for row in rows),
        p50=quantile(response, 0.5) or float("inf"),
        p95=quantile(response, 0.95) or float("inf"),
        lag_p99=quantile(lag, 0.99),
        cpu_ratio=sum(sample.cpu_ratio for sample in whole) / len(whole),
    )


def k6_at(setting: Setting, url: str, rate: float) -> Step:
    """k6's constant-arrival-rate with as many users, by its own summary. Raises BenchError."""
    seconds = max(1, round(setting.seconds))
    summary = setting.path("k6-summary.json")
    told = {
        "BENCH_URL": url + "/",
        "BENCH_RATE": str(round(rate)),
        "BENCH_SECONDS": str(seconds),
        "BENCH_USERS": str(USERS),
        "BENCH_SUMMARY": str(summary),
    }
    with program(k6_command("open.k6.js"), setting.generator_core, setting.path("k6-open.log"), told) as running:
        running.wait(seconds + 30 + _BOOT_SECONDS)
        if not summary.exists():
            raise BenchError(running.last_words() or "no summary")
    metrics = json.loads(summary.read_text())
    times = metrics["http_req_duration{scenario:open}"]["values"]
    dropped = metrics.get("dropped_iterations{scenario:open}", {"values": {"count": 0}})["values"]["count"]
    return Step(
        sent=int(metrics["http_reqs{scenario:open}"]["values"]["count"]),
        intended=round(rate) * seconds,
        dropped=int(dropped),
        errors=int(metrics["http_req_failed{scenario:open}"]["values"].get("passes", 0)),
        p50=times["med"] / 1e3,
        p95=times["p(95)"] / 1e3,
    )


def search(setting: Setting, name: str, at: Callable[[Setting, str, float], Step], first: float) -> float:
    """The highest rate held: doubled, then bisected; from the second run on in smaller steps around what was found
    before. A rate that does not hold gets a second chance."""
    known = setting.folder / f"top-rate-{name}.json"
    stride = 2.0
    if known.exists():
        first, stride = float(json.loads(known.read_text())), RESOLUTION**2
    holds: dict[float, bool] = {}
    resolution = 1.5 if setting.small else RESOLUTION
    while (rate := next_rate(holds, first, resolution, stride)) is not None:
        holds[rate] = _holds(setting, at, rate) or (not setting.small and _holds(setting, at, rate))
    if not (highest := highest_held(holds)):
        raise BenchError(f"held no rate down to {min(holds):.0f}/s")
    known.write_text(json.dumps(highest))
    return highest


def _holds(setting: Setting, at: Callable[[Setting, str, float], Step], rate: float) -> bool:
    times = setting.path("nginx-times")
    with nginx(setting, times) as server:
        tried = at(setting, server.url, rate)
    return tried.holds(_server_p95(times))


def _server_p95(times: Path) -> float:
    seconds = [float(line) for line in times.read_text().split()]
    return percentile(seconds, 0.95) if seconds else 0.0


def rate_ours(setting: Setting) -> float:
    """Our generator's highest rate."""
    return search(setting, "proofload", ours_at, 200.0 if setting.small else 4 * FIRST_RATE)


def rate_k6(setting: Setting) -> float:
    """k6's highest rate."""
    return search(setting, "k6", k6_at, FIRST_RATE)


def stamps(setting: Setting, rate: float) -> Mapping[str, list[float]]:
    """For each request at that rate: our service time − the server's own ("error"), and actual − intended start
    ("start"), in seconds. Raises BenchError."""
    for _ in range(_CHANCES):  # as where a rate is searched for: a machine that stops for 50 ms drops arrivals
        told = setting.path("stamps.json")
        with python_server(setting, "stamp") as server:
            seen = ours_at(setting, server.url, rate, {"BENCH_STAMPS": str(told)})
        if not (seen.errors or seen.dropped) and told.exists():
            found: Mapping[str, list[float]] = json.loads(told.read_text())
            return found
    raise BenchError(f"{seen.errors} errors and {seen.dropped} dropped at {rate:.0f}/s")


def half_of_the_top(setting: Setting) -> float:
    """Half of the highest rate that our generator holds here, found once for a bench."""
    known = setting.folder / "top-rate-proofload.json"
    return float(json.loads(known.read_text())) / 2 if known.exists() else rate_ours(setting) / 2


def service_error(setting: Setting) -> float:
    """p99 of our service time − the server's own, in milliseconds, at half of the top rate."""
    return percentile(stamps(setting, half_of_the_top(setting))["error"], 0.99) * 1e3


def start_error(setting: Setting) -> float:
    """p99 of response time − service time, in milliseconds, at the same rate."""
    return percentile(stamps(setting, half_of_the_top(setting))["start"], 0.99) * 1e3


# Agreement: one server of known response times, k6 and we one after the other.

_RATE = 200.0
_SHARE, _SLOW_SECONDS, _QUICK_SECONDS = 0.10, 0.100, 0.020


def _on_known_server(
    setting: Setting, at: Callable[[Setting, str, float], Step], share: Callable[[Step], float]
) -> float:
    with start("tail", share=_SHARE, slow_seconds=_SLOW_SECONDS, service_seconds=_QUICK_SECONDS) as oracle:
        if setting.server_core is not None:
            os.sched_setaffinity(oracle.pid, {setting.server_core})
        seen = at(setting, oracle.url, _RATE / 4 if setting.small else _RATE)
    if seen.errors or seen.dropped:
        raise BenchError(f"{seen.errors} errors, {seen.dropped} dropped")
    return share(seen) * 1e3


def known_p50_ours(setting: Setting) -> float:
    """Our p50 in milliseconds; the truth is 20."""
    return _on_known_server(setting, ours_at, lambda seen: seen.p50)


def known_p50_k6(setting: Setting) -> float:
    """k6's."""
    return _on_known_server(setting, k6_at, lambda seen: seen.p50)


def known_p95_ours(setting: Setting) -> float:
    """Our p95 in milliseconds; the truth is 100."""
    return _on_known_server(setting, ours_at, lambda seen: seen.p95)


def known_p95_k6(setting: Setting) -> float:
    """k6's."""
    return _on_known_server(setting, k6_at, lambda seen: seen.p95)
