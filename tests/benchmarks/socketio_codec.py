"""``python -m tests.benchmarks.socketio_codec``: microseconds to a packet, our codec beside python-socketio's.

The reason why the Socket.IO client has a codec of its own. Nothing is sent.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from dataclasses import dataclass

from engineio import packet as engineio_packet
from socketio import packet as socketio_packet

from harness.loadgen.socketio import packets

EVENT = ["chat", {"text": "hello world", "client_id": "0b1c2d3e-1234-4abc-8def-0123456789ab", "lesson_id": 12345}]
_CALLS, _REPEATS = 20_000, 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one packet, in microseconds."""

    name: str
    ours: float
    python_socketio: float

    @property
    def ratio(self) -> float:
        """How many times as long python-socketio's takes."""
        return self.python_socketio / self.ours


def _theirs_write() -> object:
    text = socketio_packet.Packet(socketio_packet.EVENT, EVENT, None, 17).encode()
    return engineio_packet.Packet(engineio_packet.MESSAGE, text).encode()


def _ours_write() -> object:
    return packets.encode(packets.EVENT, "", "17", EVENT)


_MESSAGE = str(_theirs_write())


def _theirs_read() -> object:
    return socketio_packet.Packet(encoded_packet=engineio_packet.Packet(encoded_packet=_MESSAGE).data).data


def _ours_read() -> object:
    return packets.read_list(_MESSAGE, packets.read_header(_MESSAGE).start)


def _microseconds(call: Callable[[], object], calls: int) -> float:
    return min(timeit.repeat(call, number=calls, repeat=_REPEATS)) / calls * 1e6


def costs(calls: int = _CALLS) -> tuple[Cost, ...]:
    """Writing an event that wants an acknowledgement, and reading one. The best of five rounds."""
    assert _ours_read() == _theirs_read() == EVENT
    return (
        Cost("write", _microseconds(_ours_write, calls), _microseconds(_theirs_write, calls)),
        Cost("read", _microseconds(_ours_read, calls), _microseconds(_theirs_read, calls)),
    )


if __name__ == "__main__":
    for cost in costs():
        print(  # noqa: T201
            f"{cost.name:6} ours {cost.ours:5.2f} µs, python-socketio {cost.python_socketio:5.2f} µs: {cost.ratio:.1f}"
        )
