"""The live view's numbers from rows as they come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.experiment.live import Busiest, LiveView, position
from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import Arrivals, Held, Level, LevelName, LoadPlan, Phase, PhaseName
from harness.model.samples import Distribution, RequestRow
from harness.model.units import Unit
from tests.support.report_values import generator


def plan() -> LoadPlan:
    citation = Citation("plan.md", "Load")
    rate = Figure("peak_rps", 80, Unit.PER_SECOND, Provenance.STATED, citation)
    users = Figure("users", 495, Unit.COUNT, Provenance.STATED, citation)
    phases = (Phase(PhaseName.RAMP, 0, 3), Phase(PhaseName.MEASURE, 3, 33), Phase(PhaseName.DRAIN, 33, 36))
    level = Level(LevelName.PEAK, rate, users, 1.0, 0.0, 0, phases)
    return LoadPlan(
        system="lectio",
        stage="A",
        profile="smoke",
        seed=7,
        arrivals=Arrivals.POISSON,
        levels=(level,),
        flows=(),
        streams=(),
        held=Held(((0, 0),)),
        thresholds_seconds=(0.5,),
        room_size=11,
        think_seconds=(0.5, 1),
        request_timeout_seconds=10,
        job_timeout_seconds=60,
        max_in_flight=100,
        max_waiting=100,
        recovery_bound_seconds=30,
        batch_seconds=3,
    )


def row(second: int, completed: int, errors: int = 0, kind: str = "http") -> RequestRow:
    times = Distribution({255: completed + errors}, completed + errors, 0.0, 0.0)
    return RequestRow(second, "GET /", "student", kind, completed, errors, 0, 0, times, times, {})


def test_rates_are_those_of_the_last_ten_whole_seconds() -> None:
    view = LiveView(plan())
    view.add(row(second, 80 if second >= 10 else 20) for second in range(20))
    status = view.status(21.5, None, {})
    assert status.arrivals_per_second == 80
    assert status.response_p95_seconds == pytest.approx(255e-6)


def test_errors_add_up_over_the_run_and_sockets_do_not_count_as_requests() -> None:
    view = LiveView(plan())
    view.add([row(1, 5, errors=2), row(2, 7, kind="socketio"), row(2, 3, errors=9, kind="job")])
    assert view.errors == 2
    assert view.take_ended() == (5, 2)
    assert view.take_ended() == (0, 0)


def test_seconds_in_which_nothing_came_count_too() -> None:
    view = LiveView(plan())
    view.add([row(12, 5), row(17, 5)])
    assert view.status(21.5, None, {}).arrivals_per_second == 1
    assert LiveView(plan()).status(0.5, None, {}).arrivals_per_second == 0


def test_memory_does_not_grow_with_the_run() -> None:
    view = LiveView(plan())
    view.add(row(second, 1) for second in range(10_000))
    assert len(view._seconds) <= 40


def test_a_moment_lies_in_one_phase_of_one_level() -> None:
    level, phase = position(plan(), 3.0)
    assert level is not None
    assert phase is not None
    assert phase.name is PhaseName.MEASURE
    assert position(plan(), 36.0) == (None, None)


def test_before_the_first_row_there_is_nothing_rather_than_zero_seconds() -> None:
    status = LiveView(plan()).status(0.5, None, {})
    assert status.response_p95_seconds is None


def test_of_several_workers_the_busiest_is_shown_with_all_their_sockets() -> None:
    busiest = Busiest()
    assert busiest.sample is None
    one = replace(generator(10.0, "one"), cpu_ratio=0.3, loop_lag_p99_seconds=0.009, sockets=40)
    two = replace(generator(10.1, "two"), cpu_ratio=0.7, loop_lag_p99_seconds=0.002, sockets=50)
    busiest.add((one, two))
    shown = busiest.sample
    assert shown is not None
    assert (shown.worker, shown.cpu_ratio, shown.loop_lag_p99_seconds, shown.sockets) == ("two", 0.7, 0.009, 90)
    assert busiest.count == 2
    busiest.add(replace(one, monotonic_seconds=one.monotonic_seconds + later) for later in range(1, 9))
    assert busiest.sample is not None
    assert (busiest.sample.worker, busiest.sample.sockets) == ("one", 40)  # the other was lost
