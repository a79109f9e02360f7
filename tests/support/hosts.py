"""Hosts of their own on one machine: network namespaces on a bridge, with addresses, delays and cables that can be cut.

Everything is named after this process, and goes with ``Hosts.close``; a machine that does not permit it says why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field

SUBNET = "10.203.77"
"""Of addresses that are private and that nobody here uses."""


def why_not() -> str:
    """Why there can be no hosts here; empty where there can."""
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"plx{os.getpid()}"
    made = subprocess.run(("ip", "netns", "add", name), capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace: {made.stderr.strip()}"
    try:
        link = ("ip", "-n", name, "link", "add", "plv0", "type", "veth", "peer", "name", "plv1")
        pair = subprocess.run(link, capture_output=True, text=True)
        return f"no veth pair: {pair.stderr.strip()}" if pair.returncode else ""
    finally:
        _run("ip", "netns", "del", name)


def why_no_time() -> str:
    """Why no process can have a monotonic clock of its own; empty where one can."""
    tried = subprocess.run(
        ("unshare", "--time", "--fork", "--monotonic", "1000", "true"), capture_output=True, text=True
    )
    return f"no time namespace: {tried.stderr.strip()}" if tried.returncode else ""


def can_delay() -> bool:
    """Whether the kernel has netem."""
    name = f"ply{os.getpid()}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "-n", name, "link", "set", "lo", "up")
        netem = ("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
        return subprocess.run(netem, capture_output=True).returncode == 0
    finally:
        _run("ip", "netns", "del", name)


@dataclass
class Hosts:
    """One switch, and hosts that hang on it. The first is at SUBNET.1."""

    prefix: str = field(default_factory=lambda: f"pl{os.getpid()}")
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._switch = f"{self.prefix}s"
        _run("ip", "netns", "add", self._switch)
        _run("ip", "-n", self._switch, "link", "add", "br0", "type", "bridge")
        _run("ip", "-n", self._switch, "link", "set", "br0", "up")

    def add(self) -> int:
        """Another host; its number, from 1, which is the last part of its address."""
        number = len(self.names) + 1
        name, port = f"{self.prefix}h{number}", f"p{number}"
        _run("ip", "netns", "add", name)
        self.names.append(name)
        _run(*("ip", "-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name))
        _run("ip", "-n", self._switch, "link", "set", port, "master", "br0")
        _run("ip", "-n", self._switch, "link", "set", port, "up")
        _run("ip", "-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
        _run("ip", "-n", name, "link", "set", "eth0", "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        return number

    def address(self, number: int) -> str:
        """Of that host."""
        return f"{SUBNET}.{number}"

    def on(self, number: int, *, monotonic_ahead_seconds: int = 0) -> tuple[str, ...]:
        """What a command begins with to run there, if need be with a monotonic clock that is ahead."""
        inside = ("ip", "netns", "exec", self.names[number - 1])
        clock = ("unshare", "--time", "--fork", "--kill-child=SIGKILL", "--monotonic", str(monotonic_ahead_seconds))
        return (*inside, *clock) if monotonic_ahead_seconds else inside

    def cut(self, number: int) -> None:
        """Pull its cable."""
        _run("ip", "-n", self._switch, "link", "set", f"p{number}", "down")

    def mend(self, number: int) -> None:
        """Put it back."""
        _run("ip", "-n", self._switch, "link", "set", f"p{number}", "up")

    def lose(self, number: int, share: float) -> None:
        """Have it lose that share of the packets that come in, whatever they are."""
        match = ("-m", "statistic", "--mode", "random", "--probability", str(share))
        _run(*self.on(number), "iptables", "-A", "INPUT", "-i", "eth0", *match, "-j", "DROP")

    def throttle(self, number: int, bits_per_second: int) -> None:
        """Have what it sends wait in a token bucket: short messages are delayed behind long ones."""
        shape = ("rate", str(bits_per_second), "burst", "4kb", "latency", "400ms")
        _run(*self.on(number), "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *shape)

    def close(self) -> None:
        """Nothing is left."""
        for name in (*self.names, self._switch):
            subprocess.run(("ip", "netns", "del", name), capture_output=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
