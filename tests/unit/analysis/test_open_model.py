"""Vector T2 of docs/methodology.md as a pure simulation: one stall, and what each way of recording makes of it."""

from __future__ import annotations

import heapq

import pytest

from harness.analysis.decide import decide
from harness.analysis.histogram import distribution_of
from harness.analysis.observations import Times
from harness.analysis.percentiles import nearest_rank
from harness.model.figure import Citation, Figure, Provenance
from harness.model.samples import RequestRow
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome

MS = 1000
"""In whole microseconds, so that nothing is rounded."""
ARRIVALS = [10 * MS * index for index in range(30_000)]


def ended(start):
    """The end of a request of 1 ms in a system frozen in [100 s, 200 s)."""
    return 200_001 * MS if 100_000 * MS <= start < 200_000 * MS else start + MS


def simulate(users, queue):
    free = [0] * users
    done, dropped = [], []
    for due in ARRIVALS:
        if not queue and free[0] > due:
            dropped.append(due)
            continue
        start = max(due, heapq.heappop(free))
        end = ended(start)
        heapq.heappush(free, end)
        done.append((due, start, end))
    return done, dropped


def at(values, share):
    return sorted(values)[nearest_rank(share, len(values)) - 1] / 1e6


def test_one_user_with_a_queue_shows_the_stall():
    done, _ = simulate(1, queue=True)
    response = [end - due for due, _, end in done]
    assert [at(response, share) for share in (0.5, 0.9, 0.95, 0.99)] == pytest.approx([0.001, 73.001, 86.501, 97.301])
    assert at([end - start for _, start, end in done], 0.999) == 0.001
    assert sum(value > 1_000_000 for value in response) == 11_001
    on_time = next(due for due, start, _ in done if due > 200_000 * MS and start == due)
    assert on_time / 1e6 == pytest.approx(211.12)


def test_dropping_hides_the_stall_from_percentiles_but_not_from_the_verdict():
    done, dropped = simulate(50, queue=False)
    assert len(dropped) == 9951
    assert at([end - due for due, _, end in done], 0.99) == 0.001
    where = Citation("plan.md", "Alerts")
    bound = Figure("bound", 1.0, Unit.SECONDS, Provenance.STATED, where)
    slo = Slo("p99", "p99", "x", SloKind.QUANTILE, Comparison.AT_MOST, None, bound, ("peak",), where, 0.99)
    rows = []
    for batch in range(20):
        inside = range(batch * 15_000 * MS, (batch + 1) * 15_000 * MS)
        times = [(end - due) / 1e6 for due, _, end in done if due in inside]
        lost = sum(due in inside for due in dropped)
        over = {1.0: sum(time > 1 for time in times) + lost}
        histogram = distribution_of(times)
        row = RequestRow(batch, "GET /", "x", "http", len(times), 0, lost, 0, histogram, histogram, over)
        rows.append((row,))
    ruling = decide(slo, Times(tuple(rows), (0,) * 20, "requests"))
    assert ruling.outcome is Outcome.FAIL
