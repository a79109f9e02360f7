"""What a plan says of something that a run measures, and what was measured of it. Never a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.audit import Relation
from harness.model.figure import Citation
from harness.model.measurement import Basis, Measurement
from harness.model.units import Unit


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that a run measures and a plan may predict. how: what it is, in words. basis: ESTIMATED where a model
    stands between what was sampled and the value. of_endpoint: what it is where one endpoint's is asked for; "" for a
    measure that cannot tell them apart."""

    name: str
    unit: Unit
    how: str
    basis: Basis = Basis.MEASURED
    of_endpoint: str = ""


MEASURES: tuple[Measure, ...] = (
    Measure("requests_per_core", Unit.PER_SECOND, "good responses per second ÷ CPU cores that the stack used"),
    Measure("requests_per_second", Unit.PER_SECOND, "good responses per second"),
    Measure(
        "response_seconds",
        Unit.SECONDS,
        "mean response time of good HTTP responses",
        of_endpoint="mean response time of good HTTP responses",
    ),
    Measure("requests_in_flight", Unit.COUNT, "requests under way at the generator: their busy time ÷ the time"),
    Measure("postgres_connections", Unit.COUNT, "connections of PostgreSQL, the samplers' own among them"),
    Measure("queries_per_second", Unit.PER_SECOND, "statements that the application sent to the database"),
    Measure(
        "queries_per_request",
        Unit.COUNT,
        "statements that the application sent ÷ good responses, of all endpoints",
        of_endpoint="statements ÷ requests that sent any (one answered from the cache sends none)",
    ),
    Measure("query_seconds", Unit.SECONDS, "mean time of the application's statements"),
    Measure("cache_hit_ratio", Unit.RATIO, "hits ÷ lookups of the application's own cache, as it counts them"),
    Measure("redis_hit_ratio", Unit.RATIO, "keys found ÷ keys looked up, of all clients of Redis"),
    Measure("redis_memory_bytes", Unit.BYTES, "memory that Redis uses"),
    Measure("response_bytes_per_second", Unit.BYTES_PER_SECOND, "bytes that nginx sent in answer to HTTP requests"),
    Measure("response_bytes", Unit.BYTES, "bytes that nginx sent ÷ HTTP requests that it answered"),
    Measure(
        "memory_per_socket_bytes",
        Unit.BYTES,
        "memory of the stack − its memory before the load, ÷ sockets held: what the requests need is in it, "
        "so an upper estimate",
        Basis.ESTIMATED,
    ),
    Measure("sockets", Unit.COUNT, "Socket.IO connections held"),
    Measure(
        "socket_messages_per_second",
        Unit.PER_SECOND,
        "Socket.IO messages: those that the server acknowledged, and those that reached a receiver",
    ),
    Measure(
        "socket_delivery_seconds",
        Unit.SECONDS,
        "mean time from a message's intended sending to each receiver that it reached",
    ),
    Measure("stack_cpu_cores", Unit.CORES, "CPU cores that the stack used"),
    Measure("stack_cpu_ratio", Unit.RATIO, "CPU that the stack used ÷ the stage's"),
    Measure("stack_memory_bytes", Unit.BYTES, "memory of the stack (working set)"),
    Measure("stored_bytes", Unit.BYTES, "data of the stack on disk"),
    Measure("disk_operations_per_second", Unit.PER_SECOND, "operations of the host's disks, others' among them"),
    Measure("job_processing_seconds", Unit.SECONDS, "processing time of background jobs, from start to end"),
)
"""What a plan's predictions can be held against; how each is observed stands in ``harness.analysis.predictions``."""


def measure(name: str) -> Measure:
    """The measure of that name; raises KeyError."""
    for each in MEASURES:
        if each.name == name:
            return each
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class PlannedPrediction:
    """A row of the plan's data. measure: the name of what is measured. relation: how the measured value should stand to
    ``expected``, an expression over the plan's figures in which {stage} is the stage's name. level: at which load.
    stages: empty for all. citations: the plan's own words, beside those of its figures.
    """

    id: str
    title: str
    measure: str
    relation: Relation
    expected: str
    level: str
    stages: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """The same for one stage, calculated: from low to high, in the unit of the measure. arithmetic: with its result.
    assumed: a figure in it is not the plan's own."""

    id: str
    title: str
    measure: str
    relation: Relation
    low: float
    high: float
    unit: Unit
    arithmetic: str
    level: str
    citations: tuple[Citation, ...]
    formulas: tuple[str, ...] = ()
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prediction beside its measurement, None where there is none.

    ratio: the measured value ÷ the predicted one, at both ends of a range (the smaller one first); None without a
    measurement or where zero is predicted. missing: why there is no measurement.
    """

    prediction: Prediction
    measurement: Measurement | None
    ratio: tuple[float, float] | None
    missing: str = ""
