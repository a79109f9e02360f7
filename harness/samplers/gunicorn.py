"""gunicorn: its workers, the CPU of the busiest, and the listen queue, from /proc.

A gevent worker accepts at once, so that the listen queue is a last sign; a worker near one core is the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.samplers.base import KernelFile, known, per_second
from harness.samplers.processes import ProcessTimes, children, read_times
from harness.samplers.targets import Targets

_LISTEN = b"0A"
_LINE_BYTES = 150
"""Every line of /proc/net/tcp, its end included."""


@dataclass(frozen=True, slots=True)
class GunicornRaw:
    """The workers now, how many different ones have been seen, and /proc/PID/net/tcp of each arbiter up to the line of
    the port."""

    workers: tuple[ProcessTimes, ...]
    workers_seen: int
    sockets: tuple[bytes, ...]


class GunicornSampler:
    """Samples gunicorn by the process ids of its arbiters, one for each application server.

    ports: the TCP port that each of them listens on; without, the listen queue is left out.
    """

    source = "gunicorn"
    period_seconds = 1.0

    def __init__(self, pids: Sequence[int], ports: Sequence[int] = (), proc: Path = Path("/proc")) -> None:
        self._pids = tuple(pids)
        self._ports = tuple(ports)
        self._proc = proc
        # Of the process: an arbiter in a container has a network of its own.
        self._sockets = tuple(KernelFile(proc / str(pid) / "net/tcp") for pid in self._pids[: len(self._ports)])
        self._seen: set[tuple[int, int]] = set()

    def fetch(self) -> GunicornRaw:
        """Look at the arbiters' children. Raises FileNotFoundError when one of them is gone."""
        workers = read_times([child for pid in self._pids for child in children(pid, self._proc)], self._proc)
        self._seen |= {(worker.pid, worker.started_ticks) for worker in workers}
        return GunicornRaw(workers, len(self._seen), self._read_all_sockets())

    def _read_all_sockets(self) -> tuple[bytes, ...]:
        return tuple(_read_sockets(file, port) for file, port in zip(self._sockets, self._ports, strict=True))

    def parse(self, raw: GunicornRaw, previous: GunicornRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the server. A worker that lived less than a second may never be seen."""
        values: dict[str, float | None] = {
            "workers": len(raw.workers),
            "worker_starts_total": raw.workers_seen,
        }
        if raw.sockets:
            queues = [listen_queue(sockets, port) for sockets, port in zip(raw.sockets, self._ports, strict=True)]
            known_queues = [queue for queue in queues if queue is not None]
            values["listen_queue"] = sum(known_queues) if len(known_queues) == len(queues) else None
        if previous is not None:
            before = {(worker.pid, worker.started_ticks): worker.own_seconds for worker in previous.workers}
            ratios = [
                per_second(worker.own_seconds, before.get((worker.pid, worker.started_ticks)), elapsed_seconds)
                for worker in raw.workers
            ]
            seen = [ratio for ratio in ratios if ratio is not None]
            values["worker_cpu_ratio_max"] = max(seen, default=None)
            values["worker_cpu_ratio_min"] = min(seen, default=None)
            values["worker_cpu_ratio_mean"] = sum(seen) / len(seen) if seen else None
        return known(values)

    def close(self) -> None:
        """Close the files."""
        for file in self._sockets:
            file.close()


def from_targets(targets: Targets) -> GunicornSampler | None:
    """Made when the arbiter is known."""
    return GunicornSampler(targets.gunicorn_pids, targets.gunicorn_ports) if targets.gunicorn_pids else None


def _read_sockets(file: KernelFile, port: int) -> bytes:
    # Listening sockets come first: line by line up to ours, since the kernel walks all its thousands of connections for
    # whoever asks for more (2.5 ms instead of 0.02).
    return file.read(until=lambda line: _waiting(line, port) is not None, chunk_bytes=_LINE_BYTES)


def listen_queue(sockets: bytes, port: int) -> int | None:
    """Connections that wait to be accepted on the port; None when nobody listens there."""
    found = (_waiting(line, port) for line in sockets.splitlines())
    return next((waiting for waiting in found if waiting is not None), None)


def _waiting(line: bytes, port: int) -> int | None:
    """rx_queue, where the line is of a socket that listens on the port (proc_net(5), tcp)."""
    words = line.split()
    if len(words) < 5 or words[3] != _LISTEN or not words[1].endswith(b":%04X" % port):
        return None
    return int(words[4].partition(b":")[2], 16)
