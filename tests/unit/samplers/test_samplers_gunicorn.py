from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.gunicorn import GunicornRaw, GunicornSampler, from_targets, listen_queue
from harness.samplers.processes import ProcessTimes
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SOCKETS = (DATA / "proc-net-tcp.txt").read_bytes()
PORT = 0xEB35
SAMPLER = GunicornSampler((1,), (PORT,))


def worker(pid: int, own_seconds: float, started_ticks: int = 100) -> ProcessTimes:
    return ProcessTimes(pid, started_ticks, own_seconds, 0.0)


def test_the_listen_queue_of_a_recorded_port() -> None:
    assert listen_queue(SOCKETS, PORT) == 0
    waiting = SOCKETS.replace(b"EB35 00000000:0000 0A 00000000:00000000", b"EB35 00000000:0000 0A 00000000:0000001F")
    assert listen_queue(waiting, PORT) == 31


def test_bytes_that_wait_on_a_connection_are_no_listen_queue() -> None:
    # Port D81B listens with nobody waiting, and has a connection with 0x4F bytes unread.
    assert b":D81B 0100007F:DC3A 01 00000000:0000004F" in SOCKETS
    assert listen_queue(SOCKETS, 0xD81B) == 0


def test_a_port_where_nobody_listens_is_unknown() -> None:
    assert listen_queue(SOCKETS, 1) is None


def test_the_busiest_worker_tells() -> None:
    before = GunicornRaw((worker(7, 1.0), worker(8, 2.0)), 2, (SOCKETS,))
    now = GunicornRaw((worker(7, 1.2), worker(8, 3.8)), 2, (SOCKETS,))
    assert SAMPLER.parse(now, before, 2.0) == {
        "workers": 2,
        "worker_starts_total": 2,
        "worker_cpu_ratio_max": pytest.approx(0.9),
        "worker_cpu_ratio_min": pytest.approx(0.1),
        "worker_cpu_ratio_mean": pytest.approx(0.5),
        "listen_queue": 0,
    }


def test_a_recycled_worker_is_compared_with_nobody() -> None:
    before = GunicornRaw((worker(7, 50.0), worker(8, 2.0)), 2, ())
    now = GunicornRaw((worker(7, 0.5, started_ticks=900), worker(8, 2.1)), 3, ())  # the same pid, another process
    values = SAMPLER.parse(now, before, 1.0)
    assert values["worker_starts_total"] == 3
    assert values["worker_cpu_ratio_max"] == pytest.approx(0.1)
    assert "listen_queue" not in values


def test_no_worker_known_from_before_means_no_ratio() -> None:
    assert "worker_cpu_ratio_max" not in SAMPLER.parse(
        GunicornRaw((worker(9, 1.0),), 1, ()), GunicornRaw((), 0, ()), 1.0
    )


def test_workers_of_a_made_up_proc(tmp_path: Path) -> None:
    stat = (DATA / "proc-stat-process.txt").read_text()

    def process(pid: int, started_ticks: int) -> None:
        fields = stat.split()
        fields[0], fields[21] = str(pid), str(started_ticks)
        (tmp_path / str(pid)).mkdir(exist_ok=True)
        (tmp_path / str(pid) / "stat").write_text(" ".join(fields))

    children = tmp_path / "1" / "task" / "1" / "children"
    children.parent.mkdir(parents=True)
    (tmp_path / "1/net").mkdir()
    (tmp_path / "1/net/tcp").write_bytes(SOCKETS)
    process(7, 100)
    process(8, 101)
    children.write_text("7 8 ")
    sampler = GunicornSampler((1,), (PORT,), proc=tmp_path)
    assert sampler.fetch().workers_seen == 2
    process(7, 900)
    children.write_text("7 8 ")
    raw = sampler.fetch()
    sampler.close()
    assert raw.workers_seen == 3
    assert [one.pid for one in raw.workers] == [7, 8]
    (sockets,) = raw.sockets
    assert sockets.count(b"\n") == 7  # up to our port's line, and no further


def test_several_servers_are_one_and_their_queues_add_up() -> None:
    both = GunicornSampler((1, 2), (PORT, PORT))
    waiting = SOCKETS.replace(b"EB35 00000000:0000 0A 00000000:00000000", b"EB35 00000000:0000 0A 00000000:0000001F")
    found = both.parse(GunicornRaw((worker(7, 1.0), worker(8, 2.0)), 2, (waiting, waiting)), None, 0.0)
    assert found["workers"] == 2
    assert found["listen_queue"] == 62
    # One that does not say how many wait leaves the sum unknown.
    assert "listen_queue" not in both.parse(GunicornRaw((), 0, (SOCKETS, b"")), None, 0.0)
    both.close()


def test_an_arbiter_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        GunicornSampler((1,), proc=tmp_path).fetch()


def test_made_when_the_arbiter_is_known() -> None:
    assert from_targets(Targets(gunicorn_ports=(80,))) is None
    assert from_targets(Targets(gunicorn_pids=(1,))) is not None
