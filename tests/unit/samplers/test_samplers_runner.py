"""The runner on made-up time; the last tests run real threads on a clock that jumps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.model.samples import ServerSample
from harness.samplers import runner
from harness.samplers.runner import SamplerLoop, Sampling
from harness.store.jsonl import Appender, read_lines


@dataclass
class World:
    """A clock that moves only when someone waits or works, and ends at a time."""

    now: float
    end: float
    cpu: float = 0.0
    rows: list[ServerSample] = field(default_factory=list)

    def wait(self, seconds: float) -> bool:
        if self.now + seconds >= self.end:
            self.now = self.end
            return True
        self.now += seconds
        return False


@dataclass
class Counter:
    """A server whose counter grows by 10 a second; ``script`` says what the n-th fetch does."""

    world: World
    script: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    period_seconds: float = 1.0
    source: str = "counter"
    fetches: int = 0
    closed: bool = False
    seen: list[tuple[float | None, float]] = field(default_factory=list)

    def fetch(self) -> float:
        self.fetches += 1
        self.world.cpu += 0.003
        self.script.get(self.fetches, lambda: None)()
        return 10 * self.world.now

    def parse(self, raw: float, previous: float | None, elapsed_seconds: float) -> Mapping[str, float]:
        self.seen.append((previous, elapsed_seconds))
        if previous is None:
            return {"level": raw}
        return {"level": raw, "rate": (raw - previous) / elapsed_seconds}

    def close(self) -> None:
        self.closed = True


def run(world: World, sampler: Counter, offset_seconds: float = 0.0) -> list[ServerSample]:
    SamplerLoop(
        sampler,
        world.rows.append,
        offset_seconds=offset_seconds,
        clock=lambda: world.now,
        wait=world.wait,
        cpu_clock=lambda: world.cpu,
    ).run()
    return world.rows


def takes(world: World, seconds: float) -> Callable[[], None]:
    def work() -> None:
        world.now += seconds

    return work


def fails(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_samples_are_taken_on_the_whole_second() -> None:
    rows = run(World(now=100.3, end=104.5), Counter(World(0, 0)))
    assert [row.monotonic_seconds for row in rows] == [101, 102, 103, 104]


def test_each_sampler_has_its_place_in_the_second() -> None:
    world = World(now=100.3, end=103.5)
    assert [row.monotonic_seconds for row in run(world, Counter(world), offset_seconds=0.04)] == [
        101.04,
        102.04,
        103.04,
    ]


def test_a_longer_period_is_kept() -> None:
    world = World(now=101, end=121)
    assert [row.monotonic_seconds for row in run(world, Counter(world, period_seconds=5.0))] == [105, 110, 115, 120]


def test_the_first_sample_has_no_rate_and_the_next_ones_do() -> None:
    world = World(now=0.5, end=3.5)
    first, *others = run(world, Counter(world))
    assert dict(first.values) == {"level": 10}
    assert [row.values["rate"] for row in others] == [10, 10]


def test_time_spent_in_fetching_does_not_shift_the_schedule() -> None:
    world = World(now=0.5, end=200.5)
    sampler = Counter(world, {number: takes(world, 0.3) for number in range(1, 1000)})
    assert [row.monotonic_seconds for row in run(world, sampler)] == list(range(1, 201))


def test_a_slow_fetch_leaves_gaps_and_does_not_pile_up() -> None:
    world = World(now=0.5, end=8.5)
    rows = run(world, Counter(world, {2: takes(world, 3.7)}))
    # From 2 to 5.7: the ticks at 3, 4 and 5 passed meanwhile; the one at 6 is in time.
    assert [(row.monotonic_seconds, bool(row.gap)) for row in rows] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
        (5, True),
        (6, False),
        (7, False),
        (8, False),
    ]
    assert all(not row.values and row.cost_seconds == 0 for row in rows if row.gap)
    assert rows[2].gap == "missed: 2.7 s behind"


def test_a_tick_that_is_a_little_late_is_served() -> None:
    world = World(now=0.5, end=3.5)
    rows = run(world, Counter(world, {1: takes(world, 1.4)}))
    assert [(row.monotonic_seconds, row.gap) for row in rows] == [(1, ""), (2.4, ""), (3, "")]


def test_rates_are_taken_between_the_middles_of_the_fetches() -> None:
    world = World(now=0.5, end=3.5)
    sampler = Counter(world, {2: takes(world, 0.4)})
    run(world, sampler)
    assert [elapsed for _, elapsed in sampler.seen] == pytest.approx([0.0, 1.2, 0.8])


def test_a_failed_fetch_is_a_gap_with_its_reason_and_sampling_goes_on() -> None:
    world = World(now=0.5, end=4.5)
    rows = run(world, Counter(world, {2: fails(ConnectionRefusedError("no redis://:hunter2@host"))}))
    assert [row.gap for row in rows] == ["", "ConnectionRefusedError: no redis://…@host", "", ""]
    assert not rows[1].values
    assert rows[2].values["rate"] == 10  # over the gap: the counter is still the same one


def test_a_failed_parse_is_a_gap_too() -> None:
    class Unreadable(Counter):
        def parse(self, raw: float, previous: float | None, elapsed_seconds: float) -> Mapping[str, float]:
            raise ValueError("not a status page")

    world = World(now=0.5, end=2.5)
    assert [row.gap for row in run(world, Unreadable(world))] == ["ValueError: not a status page"] * 2


def test_a_counter_is_not_compared_across_a_long_gap() -> None:
    world = World(now=0.5, end=10.5)
    sampler = Counter(world, {number: fails(OSError("down")) for number in range(2, 8)})
    rows = run(world, sampler)
    assert [sorted(row.values) for row in rows if not row.gap] == [
        ["level"],
        ["level"],
        ["level", "rate"],
        ["level", "rate"],
    ]


def test_the_cost_is_the_threads_cpu_time_writing_rows_included() -> None:
    world = World(now=0.5, end=3.5)

    def record(row: ServerSample) -> None:
        world.rows.append(row)
        world.cpu += 0.002

    world.cpu = 7.0
    loop = SamplerLoop(
        Counter(world), record, offset_seconds=0, clock=lambda: world.now, wait=world.wait, cpu_clock=lambda: world.cpu
    )
    loop.run()
    assert [row.cost_seconds for row in world.rows] == pytest.approx([0.003, 0.005, 0.005])


def test_the_sampler_is_closed_at_the_end() -> None:
    world = World(now=0.5, end=1.2)
    sampler = Counter(world)
    run(world, sampler)
    assert sampler.closed


class Ticking:
    """A clock that moves on a quarter of a second whenever someone looks, so that few looks make a second."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self._now += 0.25
            return self._now


class Watched(Counter):
    """Tells when it has been fetched often enough."""

    def __init__(self, source: str) -> None:
        super().__init__(World(0, 0), source=source)
        self.enough = threading.Event()

    def fetch(self) -> float:
        if self.fetches >= 3:
            self.enough.set()
        return super().fetch()


def test_every_sampler_writes_its_rows_from_its_own_thread(tmp_path: Path) -> None:
    samplers = [Watched("one"), Watched("two")]
    with Appender(tmp_path / "servers.jsonl") as rows:
        sampling = Sampling(samplers, rows, clock=Ticking())
        assert sampling.latest("one") is None
        sampling.start()
        assert all(sampler.enough.wait(20) for sampler in samplers)
        assert sampling.stop() == ()
    written = list(read_lines(tmp_path / "servers.jsonl", ServerSample))
    for sampler in samplers:
        own = [row for row in written if row.source == sampler.source]
        assert len([row for row in own if not row.gap]) >= 3
        assert sampling.latest(sampler.source) == own[-1]
        assert sampler.closed


def test_a_sampler_that_hangs_holds_up_nobody_and_writes_nothing_after_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.samplers.runner._JOIN_SECONDS", 0.1)
    hangs, release, ended = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Watched):
        def fetch(self) -> float:
            hangs.set()
            release.wait(20)
            return 0.0

        def close(self) -> None:
            ended.set()

    fine = Watched("fine")
    with Appender(tmp_path / "servers.jsonl") as rows:
        sampling = Sampling([Hanging("hanging"), fine], rows, clock=Ticking())
        sampling.start()
        assert fine.enough.wait(20)
        assert hangs.wait(20)
        assert sampling.stop() == ("sampler-hanging did not end",)
    release.set()
    assert ended.wait(20)
    assert {row.source for row in read_lines(tmp_path / "servers.jsonl", ServerSample)} == {"fine"}


def test_rows_that_cannot_be_written_are_told_at_the_end_and_the_live_view_goes_on() -> None:
    class FullDisk:
        def append(self, *values: object) -> None:
            raise OSError(28, "No space left on device")

    sampler = Watched("one")
    sampling = Sampling([sampler], FullDisk(), clock=Ticking())
    sampling.start()
    assert sampler.enough.wait(20)
    (problem,) = sampling.stop()
    assert "No space left on device" in problem
    assert sampling.latest("one") is not None


def test_what_was_never_started_can_be_stopped() -> None:
    world = World(0, 0)
    assert Sampling([Counter(world)], FakeRows()).stop() == ()


class FakeRows:
    def append(self, *values: object) -> None:
        raise AssertionError("nothing is to be written")


@pytest.mark.parametrize("refusal", [None, PermissionError()])
def test_the_threads_go_first_where_they_may_and_run_where_they_may_not(
    monkeypatch: pytest.MonkeyPatch, refusal: OSError | None
) -> None:
    asked = []

    def setpriority(*arguments: int) -> None:
        asked.append(arguments)
        if refusal is not None:
            raise refusal

    monkeypatch.setattr(runner.os, "setpriority", setpriority)
    ran = []
    runner._first(lambda: ran.append(True))
    assert ran == [True]
    assert asked[0][2] < 0
