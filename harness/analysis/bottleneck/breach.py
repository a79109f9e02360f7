"""When the first SLO broke: response times, bad answers, jobs, and kills for want of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from harness.analysis.bottleneck.series import Watched, growth
from harness.analysis.exceedances import exceeded
from harness.analysis.intervals import clopper_pearson_lower
from harness.analysis.phases import HTTP_KINDS, level_at, rows, whole_seconds
from harness.analysis.tested import percent
from harness.model.bottleneck import Breach
from harness.model.evidence import Evidence
from harness.model.samples import RequestRow
from harness.model.slo import Slo
from harness.model.units import Unit, format_quantity

WINDOW_SECONDS = 5
"""A share is looked at over so many seconds: long enough for a few dozen requests, short enough to tell when."""

_JOB_ENDS_BADLY = {"rejected": "was refused", "failed": "failed", "censored": "did not end in time"}
RECOVERY = "recovery"


class Path(Enum):
    """Which way the work goes that is late or lost."""

    WEB = auto()
    """nginx → gunicorn → PgBouncer → PostgreSQL."""
    JOBS = auto()
    """Redis → Celery → PostgreSQL."""
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Broken:
    """A breach, and which resources can have caused it."""

    breach: Breach
    path: Path


def first_breach(evidence: Evidence, watched: Watched) -> Broken | None:
    """The earliest; None when every bound was kept."""
    finders = (_response, _success, _jobs, _kills)
    found = [broken for finder in finders if (broken := finder(evidence, watched)) is not None]
    return min(found, key=lambda broken: broken.breach.second, default=None)


def rate_at(evidence: Evidence, second: float) -> float:
    """HTTP requests offered per second in the five seconds around that one."""
    first = max(0, int(second) - 2)
    around = range(first, first + WINDOW_SECONDS)
    return sum(row.offered for row in rows(evidence, around, kinds=HTTP_KINDS, probes=False)) / WINDOW_SECONDS


def _response(evidence: Evidence, watched: Watched) -> Broken | None:
    del watched
    slo = _slo(evidence, "http_response_seconds")
    bound = None if slo is None else slo.warning or slo.critical
    if slo is None or bound is None or slo.quantile is None:
        return None
    at = _first_window(evidence, lambda row: exceeded(row, bound.value)[0], 1 - slo.quantile)
    if at is None:
        return None
    second, bad, n = at
    what = f"{percent(bad / n)} of the requests took longer than {bound}, where {percent(1 - slo.quantile)} may"
    return _broken(evidence, slo, what, second, Path.WEB)


def _success(evidence: Evidence, watched: Watched) -> Broken | None:
    del watched
    slo = _slo(evidence, "request_success_ratio")
    bound = None if slo is None else slo.warning or slo.critical
    if slo is None or bound is None:
        return None
    at = _first_window(evidence, lambda row: row.errors + row.dropped, 1 - bound.value)
    if at is None:
        return None
    second, bad, n = at
    what = f"{percent(bad / n)} of the requests failed, where {percent(1 - bound.value)} may"
    return _broken(evidence, slo, what, second, Path.WEB)


def _jobs(evidence: Evidence, watched: Watched) -> Broken | None:
    del watched
    slo = _slo(evidence, "jobs_finished_ratio")
    start = evidence.load_start_seconds
    if slo is None or start is None:
        return None
    sent = {job.id: job.monotonic_seconds for job in evidence.jobs if job.state == "sent"}
    patience = evidence.plan.job_timeout_seconds - 1
    ended = [
        job
        for job in evidence.jobs
        if job.state in _JOB_ENDS_BADLY
        # What a run that was cut short did not wait for did not end badly.
        and (job.state != "censored" or job.monotonic_seconds - sent.get(job.id, job.monotonic_seconds) >= patience)
    ]
    if not ended:
        return None
    first = min(ended, key=lambda job: job.monotonic_seconds)
    what = f"an upload {_JOB_ENDS_BADLY[first.state]}"
    if first.state == "censored":
        what += f" ({format_quantity(evidence.plan.job_timeout_seconds, Unit.SECONDS)})"
    path = Path.ANY if first.state == "rejected" else Path.JOBS
    return _broken(evidence, slo, what, max(0.0, first.monotonic_seconds - start), path)


def _kills(evidence: Evidence, watched: Watched) -> Broken | None:
    slo = _slo(evidence, "oom_kills")
    kills = growth(watched.samples("stack"), "oom_kills_total")
    if slo is None or not kills:
        return None
    return _broken(evidence, slo, "a process was killed for want of memory", kills[0].start_seconds, Path.ANY)


def _broken(evidence: Evidence, slo: Slo, what: str, second: float, path: Path) -> Broken:
    level = level_at(evidence, second) or evidence.plan.levels[-1]
    name = level.name.value
    return Broken(Breach(slo.id, what, second, name, rate_at(evidence, second), name in slo.levels), path)


def _slo(evidence: Evidence, sli: str) -> Slo | None:
    return next((slo for slo in evidence.subject.stage.slos if slo.sli == sli), None)


def _first_window(
    evidence: Evidence, bad_of: Callable[[RequestRow], int], allowed: float
) -> tuple[float, int, int] | None:
    """(second, bad, n) of the first five seconds whose share of bad requests is above the allowed one with 95 %
    certainty, if it also stays above it from then to the end of the level: a moment's stall that the level as a whole
    can bear breaks nothing. The second is the first of them with a bad request.
    """
    counts = _by_second(rows(evidence, whole_seconds(0, evidence.plan.duration_seconds), kinds=HTTP_KINDS), bad_of)
    for first in range(max(counts, default=-1) + 1):
        bad, n = _sum(counts, first, first + WINDOW_SECONDS)
        if not n or bad / n <= allowed or clopper_pearson_lower(bad, n) <= allowed:
            continue
        level = level_at(evidence, first)
        rest_bad, rest = _sum(
            counts, first, max(first + WINDOW_SECONDS, 0 if level is None else int(level.end_seconds))
        )
        if rest_bad / rest > allowed:
            onset = next(
                second for second in range(first, first + WINDOW_SECONDS) if _sum(counts, second, second + 1)[0]
            )
            return float(onset), bad, n
    return None


def _sum(counts: Mapping[int, tuple[int, int]], first: int, end: int) -> tuple[int, int]:
    found = [counts[second] for second in range(first, end) if second in counts]
    return sum(bad for bad, _ in found), sum(n for _, n in found)


def _by_second(found: Iterable[RequestRow], bad_of: Callable[[RequestRow], int]) -> dict[int, tuple[int, int]]:
    counts: dict[int, tuple[int, int]] = {}
    for row in found:
        if not row.probe:
            bad, n = counts.get(row.second, (0, 0))
            counts[row.second] = (bad + bad_of(row), n + row.offered)
    return counts
