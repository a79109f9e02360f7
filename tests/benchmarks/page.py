"""docs/performance.md, written from what was measured: no number is typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.peers import PEERS
from tests.benchmarks.report import CLAIM_HEAD, READING_HEAD, claim_lines, kept_of, markdown, reading_lines
from tests.benchmarks.rows import CLAIMS, GROUPS

HEAD = """# Performance: how fast the generator is

A generator that needs few cores can share a machine with nothing but itself, and its clock can be believed. This page
is written by `make bench` from [performance.json](performance.json), which keeps every single reading.

```sh
make bench
make bench ONLY="get open" RUNS=5 SECONDS=5
```

The generator has one core to itself, the server another. Contestants alternate, run by run; a ratio is that of the
medians, its spread that of the runs. Only the ratios are meant to last: the rates are this machine's. A peer that is
not installed is named with the command that installs it.
"""

MEANINGS = """
## How each row is measured

- **Closed loops** (GET, POST, uploads, Socket.IO): the server counts what it served, the same referee for everybody,
  over the same window after a warm-up. Ours record everything while they do it: rows each second, both distributions,
  thresholds, the law of conservation; the bench holds the rows against the server's count.
- **Acknowledged messages**: one is under way on each connection, the next follows its acknowledgement, and all check
  what it says. The referee is a plain event loop (programs/acknowledge.py), because socket.io's own server is slower
  than the faster contestant; the row below it is what both reach on that.
- **Ours is compiled** where "proofload" below says so: `make setup` does that with gcc (adr/0012). Interpreted, an
  acknowledged message takes a quarter more.
- **Uploads** are divided by the CPU time of the generator in that window, since one core swallows no faster than
  another sends.
- **Open model**: 300 users each, connections kept; the first second, in which they are opened, is left out. A rate is
  held when 99 % of it was sent, nothing dropped or failed, p95 is within 2 ms of nginx's own, and for us the p99 of the
  schedule lag is below 5 ms (k6 does not tell its own, and its times begin when a request is sent, ours when it was
  meant to be). The rate is doubled and bisected to 8 %.
- **Memory** is a slope, from 500 to 10,000 users (5,000 sockets), so that the program itself is left out. An idle HTTP
  user rests without a connection, as the stock figure of the bound was taken; the row below it has asked once and keeps
  its connection. Everybody's users rest as they do between two requests: ours on the generator's alarm, Locust's in
  gevent's sleep.
- **Service-time error**: each answer carries when the server had the request and when it let the answer go, by the
  same clock. The oracle's servers serve a few thousand requests a second, too few for half of our top rate, so a plain
  event loop stands in for them. It had a request when its kernel stamped the packet, so what the request then waits for
  that loop is the server's time; everything before and after is our error, both ways through the kernel included. Half
  of our top rate leaves little room for anything else on the two cores: a busy neighbour shows in this row first. What
  comes while the machine has stopped the generator is stamped by the kernel (adr/0013).
- **Agreement**: the oracle's `tail` server answers 90 % in 20 ms and 10 % in 100 ms, so p50 and p95 are known.
"""


def page(stored: Mapping[str, Any]) -> str:
    """The whole page."""
    kept = kept_of(stored)
    must = {claim.group for claim in CLAIMS}
    titles = {group.name: (group.title, group.unit) for group in GROUPS if group.name in must}
    grown = {group.name: (group.title, group.unit) for group in GROUPS if group.name not in must}
    parts = [HEAD, "## What must be reached\n", markdown(CLAIM_HEAD, claim_lines(CLAIMS, kept)), MEANINGS]
    parts += ["## Everybody's own figures\n", markdown(READING_HEAD, reading_lines(titles, kept)), ""]
    if lines := reading_lines(grown, kept):
        parts += ["## As the work grows\n", markdown(READING_HEAD, lines), ""]
    if stored.get("profile"):
        parts += ["## Where the time goes\n", *map(_profile, stored["profile"])]
    parts += ["## Measured on\n", _host(stored)]
    return "\n".join(parts) + "\n"


def _profile(profile: Mapping[str, Any]) -> str:
    told = (
        f"{profile['samples']:,} samples of py-spy: {profile['what']}. "
        "Own time; native code counts for the Python function that called it, and nothing is compiled here."
    )
    lines = [(f"{100 * share:.0f} %", f"`{place}`") for place, share in profile["places"]]
    return told + "\n\n" + markdown(("share", "where"), lines) + "\n"


def _host(stored: Mapping[str, Any]) -> str:
    groups = stored["groups"].values()
    hosts = dict.fromkeys(group["host"] for group in groups)
    versions: dict[str, str] = {}
    for group in groups:
        versions |= group["versions"]
    lines = [f"- {host}" for host in hosts]
    lines += [f"- {name} {version}" for name, version in sorted(versions.items()) if version]
    lines += [f"- {peer.name}: missing; `{peer.install}`" for peer in PEERS if not versions.get(peer.name, "?")]
    return "\n".join(lines)
