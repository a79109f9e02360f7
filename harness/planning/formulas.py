"""The formulas of the plans and of the field, as pure functions in base units, each with its source.

An audit calls them by name; anything else may import them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.model.units import Unit

SECONDS_PER_DAY = 86_400.0
DAYS_PER_MONTH = 30.0
"""The plans' own month: 1 GB a day is 30 GB a month."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A function with its words.

    arguments: what it takes, in order, in base units. unit: of the result; None when it is that of an argument.
    text: the formula as people write it. source: where it comes from. notation: its arithmetic with {0}, {1}…
    """

    name: str
    function: Callable[..., float]
    arguments: tuple[str, ...]
    unit: Unit | None
    text: str
    source: str
    notation: str

    def written(self, *arguments: str) -> str:
        """The arithmetic with these arguments."""
        return self.notation.format(*arguments)


def rate_of_cores(cores: float, utilisation: float, service_seconds: float) -> float:
    """Requests per second that cores can answer when each request keeps one busy: cores × utilisation ÷ seconds."""
    return cores * utilisation / service_seconds


def cores_for_rate(rate_per_second: float, utilisation: float, service_seconds: float) -> float:
    """The cores that a rate needs: rate × seconds ÷ utilisation."""
    return rate_per_second * service_seconds / utilisation


def in_system(rate_per_second: float, seconds: float) -> float:
    """Requests under way at once, by Little's law."""
    return rate_per_second * seconds


def connections_per_worker(rate_per_second: float, workers: float, seconds: float, overhead: float) -> float:
    """Connections that one worker needs: its share of the rate × how long each is held, and an overhead (0.5: half)."""
    return rate_per_second / workers * seconds * (1 + overhead)


def connections_needed(containers: float, per_container: float, background: float) -> float:
    """Database connections of all containers and the background jobs."""
    return containers * per_container + background


def pool_connections(processes: float, pool_size: float, max_overflow: float) -> float:
    """Connections that SQLAlchemy may open: its pool belongs to a process."""
    return processes * (pool_size + max_overflow)


def workers_for_cores(cores: float) -> float:
    """gunicorn's rule of thumb."""
    return 2 * cores + 1


def per_second(per_day: float) -> float:
    """The mean rate of a daily total."""
    return per_day / SECONDS_PER_DAY


def per_day(rate_per_second: float) -> float:
    """The daily total of a rate that lasts all day."""
    return rate_per_second * SECONDS_PER_DAY


def per_month(bytes_per_day: float) -> float:
    """A month's traffic."""
    return bytes_per_day * DAYS_PER_MONTH


def stored_bytes(users: float, records: float, record_bytes: float) -> float:
    """What users' records take."""
    return users * records * record_bytes


def bandwidth(rate_per_second: float, size_bytes: float) -> float:
    """Bytes per second."""
    return rate_per_second * size_bytes


def audio_bytes_per_second(sample_rate: float, bytes_per_sample: float) -> float:
    """Uncompressed sound of one channel."""
    return sample_rate * bytes_per_sample


def memory_of_connections(connections: float, bytes_each: float) -> float:
    """Memory that open connections hold."""
    return connections * bytes_each


def cost_per_user(usd_per_month: float, users: float) -> float:
    """US dollars per month and user."""
    return usd_per_month / users


def break_even(usd_per_month: float, price_usd_per_month: float) -> float:
    """The fewest paying customers whose price covers the cost."""
    # 93 × $25 is 2325, and 2325 / 25 must stay 93 whatever the last binary digit.
    return float(math.ceil(usd_per_month / price_usd_per_month - 1e-9))


def margin(revenue: float, cost: float) -> float:
    """Share of the revenue that is left."""
    return 1 - cost / revenue


def growth(before: float, after: float) -> float:
    """By which share of the value before it has grown."""
    return after / before - 1


def reduction(before: float, after: float) -> float:
    """By which share of the value before it has shrunk."""
    return 1 - after / before


def speedup(before: float, after: float) -> float:
    """How many times shorter."""
    return before / after


def bridges_needed(participants: float, per_bridge: float) -> float:
    """Video bridges for so many participants."""
    return float(math.ceil(participants / per_bridge - 1e-9))


def share_down(availability: float, period_seconds: float) -> float:
    """Seconds of a period that an availability leaves for being down."""
    return (1 - availability) * period_seconds


def cache_hit_rate(rate_per_second: float, seconds_kept: float) -> float:
    """Share of the requests for one key that find it: each miss is followed by as many hits as come while it is kept.
    The requests come at random (Poisson), and nothing drops the key before its time."""
    return rate_per_second * seconds_kept / (1 + rate_per_second * seconds_kept)


def ceil(value: float) -> float:
    """The next whole number."""
    return float(math.ceil(value - 1e-9))


_FLIGHT = "flight-school.md › Resource Estimates"
_MINA = "mina.md › Component Scaling Configuration"
_ITSELF = "arithmetic"

FORMULAS: tuple[Formula, ...] = (
    Formula(
        "rate_of_cores",
        rate_of_cores,
        ("cores", "utilisation", "service_seconds"),
        Unit.PER_SECOND,
        "requests/s = vCPU × utilisation ÷ response time",
        f"{_FLIGHT} › Compute (API)",
        "{0} × {1} ÷ {2}",
    ),
    Formula(
        "cores_for_rate",
        cores_for_rate,
        ("rate_per_second", "utilisation", "service_seconds"),
        Unit.CORES,
        "vCPU = requests/s × response time ÷ utilisation",
        f"{_FLIGHT} › Compute (API), solved for the vCPU",
        "{0} × {2} ÷ {1}",
    ),
    Formula(
        "in_system",
        in_system,
        ("rate_per_second", "seconds"),
        Unit.COUNT,
        "under way = rate × time",
        "Little's law (Little 1961)",
        "{0} × {1}",
    ),
    Formula(
        "connections_per_worker",
        connections_per_worker,
        ("rate_per_second", "workers", "seconds", "overhead"),
        Unit.COUNT,
        "connections per worker = rate ÷ workers × duration × (1 + overhead)",
        f"{_MINA} › 2. Database Connections (PostgreSQL)",
        "{0} ÷ {1} × {2} × (1 + {3})",
    ),
    Formula(
        "connections_needed",
        connections_needed,
        ("containers", "per_container", "background"),
        Unit.COUNT,
        "connections = containers × connections per container + background jobs",
        f"{_FLIGHT} › Database Connections",
        "{0} × {1} + {2}",
    ),
    Formula(
        "pool_connections",
        pool_connections,
        ("processes", "pool_size", "max_overflow"),
        Unit.COUNT,
        "connections = processes × (pool_size + max_overflow)",
        "SQLAlchemy, Connection Pooling: an engine's pool belongs to one process",
        "{0} × ({1} + {2})",
    ),
    Formula(
        "workers_for_cores",
        workers_for_cores,
        ("cores",),
        Unit.COUNT,
        "workers = 2 × cores + 1",
        "gunicorn, Design › How many workers",
        "2 × {0} + 1",
    ),
    Formula(
        "per_second",
        per_second,
        ("per_day",),
        Unit.PER_SECOND,
        "mean rate = daily total ÷ 86,400 s",
        _ITSELF,
        "{0} ÷ 86,400 s",
    ),
    Formula(
        "per_day",
        per_day,
        ("rate_per_second",),
        Unit.PER_DAY,
        "daily total = rate × 86,400 s",
        _ITSELF,
        "{0} × 86,400 s",
    ),
    Formula(
        "per_month",
        per_month,
        ("bytes_per_day",),
        Unit.BYTES_PER_MONTH,
        "monthly traffic = daily traffic × 30",
        _ITSELF,
        "{0} × 30 days",
    ),
    Formula(
        "stored_bytes",
        stored_bytes,
        ("users", "records", "record_bytes"),
        Unit.BYTES,
        "storage = users × records per user × size",
        f"{_FLIGHT} › Storage",
        "{0} × {1} × {2}",
    ),
    Formula(
        "bandwidth",
        bandwidth,
        ("rate_per_second", "size_bytes"),
        Unit.BYTES_PER_SECOND,
        "bandwidth = rate × size",
        _ITSELF,
        "{0} × {1}",
    ),
    Formula(
        "audio_bytes_per_second",
        audio_bytes_per_second,
        ("sample_rate", "bytes_per_sample"),
        Unit.BYTES_PER_SECOND,
        "sound = sample rate × bytes per sample",
        "pulse-code modulation, one channel",
        "{0} × {1}",
    ),
    Formula(
        "memory_of_connections",
        memory_of_connections,
        ("connections", "bytes_each"),
        Unit.BYTES,
        "memory = connections × memory per connection",
        f"{_MINA} › 4. WebSocket Connections (Socket.IO)",
        "{0} × {1}",
    ),
    Formula(
        "cost_per_user",
        cost_per_user,
        ("usd_per_month", "users"),
        Unit.USD_PER_MONTH,
        "cost per user = cost ÷ users",
        "flight-school.md › Cost Model › Cost Per User",
        "{0} ÷ {1}",
    ),
    Formula(
        "break_even",
        break_even,
        ("usd_per_month", "price_usd_per_month"),
        Unit.COUNT,
        "break-even = cost ÷ price, rounded up",
        "flight-school.md › Cost Model › Revenue Targets",
        "⌈{0} ÷ {1}⌉",
    ),
    Formula(
        "margin",
        margin,
        ("revenue", "cost"),
        Unit.RATIO,
        "margin = 1 − cost ÷ revenue",
        "flight-school.md › Cost Model › Revenue Targets",
        "1 − {1} ÷ {0}",
    ),
    Formula(
        "growth",
        growth,
        ("before", "after"),
        Unit.RATIO,
        "growth = after ÷ before − 1",
        _ITSELF,
        "{1} ÷ {0} − 1",
    ),
    Formula(
        "reduction",
        reduction,
        ("before", "after"),
        Unit.RATIO,
        "reduction = 1 − after ÷ before",
        _ITSELF,
        "1 − {1} ÷ {0}",
    ),
    Formula(
        "speedup",
        speedup,
        ("before", "after"),
        Unit.FACTOR,
        "times faster = before ÷ after",
        _ITSELF,
        "{0} ÷ {1}",
    ),
    Formula(
        "bridges_needed",
        bridges_needed,
        ("participants", "per_bridge"),
        Unit.COUNT,
        "video bridges = participants ÷ participants per bridge, rounded up",
        "course-organizer.md › Component-Specific Scaling › 4. Jitsi Scaling",
        "⌈{0} ÷ {1}⌉",
    ),
    Formula(
        "share_down",
        share_down,
        ("availability", "period_seconds"),
        Unit.SECONDS,
        "time down = (1 − availability) × period",
        _ITSELF,
        "(1 − {0}) × {1}",
    ),
    Formula(
        "cache_hit_rate",
        cache_hit_rate,
        ("rate_per_second", "seconds_kept"),
        Unit.RATIO,
        "hits = rate × time kept ÷ (1 + rate × time kept)",
        "Jung, Berger & Balakrishnan, Modeling TTL-based Internet Caches (2003)",
        "{0} × {1} ÷ (1 + {0} × {1})",
    ),
    Formula(
        "ceil",
        ceil,
        ("value",),
        None,
        "rounded up",
        _ITSELF,
        "⌈{0}⌉",
    ),
)
"""Every formula that an audit may name."""
