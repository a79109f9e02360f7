"""What a plan will cost and whether it can prove anything: the dry run. Pure; every number here is ESTIMATED."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.model.due import events_planned
from harness.model.measurement import Basis
from harness.model.plan import Held, Level, LevelName, LoadPlan, Phase, PhaseName, Segment, Stream
from harness.model.rule import BandRule, Rule, TimedRule, UptimeRule, windowing
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.target import FlowKind, Stage
from harness.planning.profiles import PROFILES

REQUEST_CORE_SECONDS = 0.27e-3
"""Of the generator, for an HTTP request. Assumed: twice the 0.135 ms that Locust's FastHttpUser alone was measured to
take (7,400/s on one core of a 2-core virtual machine), for scheduling and recording."""

MESSAGE_CORE_SECONDS = 0.42e-3
"""For a chat message with its acknowledgement. Assumed: twice the 0.21 ms measured for python-socketio (4,860/s)."""

DELIVERY_CORE_SECONDS = 0.21e-3
"""For a message that arrives at a socket. Assumed: half of a message and its acknowledgement."""

CONNECT_CORE_SECONDS = 2e-3
"""For opening a socket: sign in, handshake, join. Assumed."""

RECOVERY_REQUESTS = 5
"""In a second of recovery, for that second to say anything (methodology §10)."""

TIGHT_FACTOR = 3
"""A sample below three times the least needed fails to prove anything after a few bad requests or with a design effect
of three; the table of methodology §4 has 153 for three bad ones where 59 do for none."""


def least_sample(allowed_ratio: float) -> int:
    """The fewest observations that can show, with 95 % confidence, that less than that share is bad: when none is bad.

    (1 − a)^n ≤ 0.05, so n ≥ ln 0.05 ÷ ln(1 − a): 59 for 5 %, 299 for 1 %, 2,995 for 0.1 % (methodology §4).
    """
    if not 0 < allowed_ratio < 1:
        raise ValueError("a share lies between 0 and 1")
    return math.ceil(math.log(0.05) / math.log1p(-allowed_ratio))


@dataclass(frozen=True, slots=True)
class FlowBudget:
    """One flow at one level. arrivals: sessions, chat messages or uploads, probes included; requests: over HTTP."""

    flow: str
    kind: FlowKind
    arrivals: float
    requests: float
    measured_arrivals: float
    measured_requests: float


@dataclass(frozen=True, slots=True)
class LevelBudget:
    """One level. measured_*: those of its measure phase. generator_cores: while the load is highest in that level."""

    level: LevelName
    seconds: float
    measure_seconds: float
    rate_per_second: float
    users: int
    message_rate_per_second: float
    delivery_rate_per_second: float
    flows: tuple[FlowBudget, ...]
    generator_cores: float

    @property
    def requests(self) -> float:
        """HTTP requests of the whole level."""
        return sum(flow.requests for flow in self.flows)

    def arrivals(self, kind: FlowKind) -> float:
        """Arrivals of that kind in the measure phase."""
        return sum(flow.measured_arrivals for flow in self.flows if flow.kind is kind)


@dataclass(frozen=True, slots=True)
class SampleBudget:
    """Whether one SLO can be proven at one level. counted: of what ``expected`` and ``needed`` are numbers; a fact has
    neither. needed_seconds: measured at each level, where this plan's are not enough; run_seconds: of such a run; both
    None where no length of run would do, or none is needed. profile: the shortest that does; "" if none does."""

    slo_id: str
    title: str
    level: str
    expected: float | None
    needed: int | None
    counted: str
    enough: bool
    reason: str
    needed_seconds: float | None = None
    run_seconds: float | None = None
    profile: str = ""


@dataclass(frozen=True, slots=True)
class RuleBudget:
    """Whether one rule can be decided at one level: a timed rule's windows fit into the measure phase, an uptime's
    sample is large enough if nothing is bad.

    needed_seconds: measured at each level; None where nothing comes at all. run_seconds: of a run whose levels are
    measured for so long, at least this one's. profile: the shortest that does; "" if none does.
    """

    rule_id: str
    title: str
    condition: str
    level: str
    needed_seconds: float | None
    run_seconds: float | None
    profile: str
    enough: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """A plan's dry run."""

    seconds: float
    levels: tuple[LevelBudget, ...]
    samples: tuple[SampleBudget, ...]
    generator_cores: float
    basis: Basis = Basis.ESTIMATED
    rules: tuple[RuleBudget, ...] = ()

    @property
    def requests(self) -> float:
        """HTTP requests of the whole run."""
        return sum(level.requests for level in self.levels)


def budget(plan: LoadPlan, stage: Stage) -> Budget:
    """The dry run of a plan."""
    levels = tuple(_level(plan, level) for level in plan.levels)
    samples = tuple(_sample(slo, plan, level) for slo in stage.slos for level in levels if level.level in slo.levels)
    rules = tuple(_rule(rule, plan, level) for rule in stage.rules for level in levels if level.level in rule.levels)
    cores = max(level.generator_cores for level in levels)
    return Budget(plan.duration_seconds, levels, samples, cores, rules=rules)


# Levels ----------------------------------------------------------------------------------------------------------


def _level(plan: LoadPlan, level: Level) -> LevelBudget:
    measure = level.phase(PhaseName.MEASURE)
    deliveries = level.message_rate_per_second * max(plan.room_size - 1, 0)
    cores = (
        level.rate.value * REQUEST_CORE_SECONDS
        + level.message_rate_per_second * MESSAGE_CORE_SECONDS
        + deliveries * DELIVERY_CORE_SECONDS
        + _connects_per_second(plan.held, level) * CONNECT_CORE_SECONDS
    )
    return LevelBudget(
        level.name,
        level.end_seconds - level.start_seconds,
        measure.duration_seconds,
        level.rate.value,
        round(level.users.value),
        level.message_rate_per_second,
        deliveries,
        tuple(_flow(plan, stream, level, measure) for stream in plan.streams),
        cores,
    )


def _flow(plan: LoadPlan, stream: Stream, level: Level, measure: Phase) -> FlowBudget:
    flow = plan.flow(stream.flow)
    whole = _arrivals(stream, level.start_seconds, level.end_seconds)
    measured = _arrivals(stream, measure.start_seconds, measure.end_seconds)
    steps = 0.0 if flow.kind is FlowKind.SOCKETIO else flow.http_steps
    return FlowBudget(flow.name, flow.kind, whole, whole * steps, measured, measured * steps)


def _arrivals(stream: Stream, start_seconds: float, end_seconds: float) -> float:
    planned = sum(expected_between(segment, start_seconds, end_seconds) for segment in stream.segments)
    return planned + sum(start_seconds <= second < end_seconds for second in stream.extra_seconds)


def expected_between(segment: Segment, start_seconds: float, end_seconds: float) -> float:
    """Arrivals of the segment between two times: the area below its line."""
    start, end = max(start_seconds, segment.start_seconds), min(end_seconds, segment.end_seconds)
    if end <= start:
        return 0.0
    rise = segment.end_rate_per_second - segment.start_rate_per_second
    slope = rise / (segment.end_seconds - segment.start_seconds)
    middle = (start + end) / 2
    return (segment.start_rate_per_second + slope * (middle - segment.start_seconds)) * (end - start)


def _connects_per_second(held: Held, level: Level) -> float:
    """The fastest opening of sockets within the level."""
    fastest = 0.0
    for (before, fewer), (after, more) in zip(held.points, held.points[1:], strict=False):
        if after > before and level.start_seconds <= before < level.end_seconds:
            fastest = max(fastest, (more - fewer) / (after - before))
    return fastest


# Samples ---------------------------------------------------------------------------------------------------------


def _sample(slo: Slo, plan: LoadPlan, level: LevelBudget) -> SampleBudget:
    needed_seconds = None
    match slo.kind:
        case SloKind.COUNT if slo.sli == "recovery_seconds":
            return _recovery(slo, plan, level)
        case SloKind.COUNT:
            return SampleBudget(slo.id, slo.title, level.level, None, None, "", True, "a fact: needs no sample")
        case SloKind.GAUGE | SloKind.THROUGHPUT:
            expected: float = round(level.measure_seconds / plan.batch_seconds)
            needed, counted = 2, "batches"
            reason = f"the spread of the batches, {plan.batch_seconds:g} s each, tells how sure their mean is"
        case SloKind.QUANTILE | SloKind.PROPORTION:
            expected, counted = _observations(slo.sli, plan, level)
            needed = least_sample(_allowed(slo))
            reason = f"{needed} needed if none is bad"
            if expected < needed:
                reason = f"too few: {needed} needed even if none is bad; a longer profile has more"
                per_second, _ = events_planned(plan, plan.level(level.level), slo.sli)
                needed_seconds = needed / per_second if per_second > 0 else None
                if needed_seconds is None:
                    reason = f"{needed} {counted} are needed, and the plan has none at this level"
            elif expected < needed * TIGHT_FACTOR:
                reason = f"tight: {reason}"
    run, profile = _takes(needed_seconds, plan, level)
    enough = expected >= needed
    return SampleBudget(
        slo.id, slo.title, level.level, expected, needed, counted, enough, reason, needed_seconds, run, profile
    )


def _recovery(slo: Slo, plan: LoadPlan, level: LevelBudget) -> SampleBudget:
    """A second after the load has fallen says something when it has so many requests, however long the run is."""
    rate = plan.levels[-1].rate.value
    enough = rate >= RECOVERY_REQUESTS
    reason = (
        "a fact: needs no sample" if enough else f"a second with fewer than {RECOVERY_REQUESTS} requests says nothing"
    )
    return SampleBudget(slo.id, slo.title, level.level, rate, RECOVERY_REQUESTS, "requests a second", enough, reason)


def _takes(needed_seconds: float | None, plan: LoadPlan, level: LevelBudget) -> tuple[float | None, str]:
    """Of a run whose levels are measured for so long: its length, and the shortest profile that does."""
    if needed_seconds is None:
        return None, ""
    longer = max(0.0, needed_seconds - level.measure_seconds)
    profile = next((each.name for each in PROFILES if needed_seconds <= each.measure_seconds), "")
    return plan.duration_seconds + len(plan.levels) * longer, profile


def _allowed(slo: Slo) -> float:
    """The share of bad observations that the SLO allows, by the stricter bound."""
    if slo.quantile is not None:
        return 1 - slo.quantile
    bounds = [bound.value for bound in (slo.warning, slo.critical) if bound is not None]
    allowed = 1 - max(bounds) if slo.comparison is Comparison.AT_LEAST else min(bounds)
    return min(max(allowed, 1e-6), 1 - 1e-6)


def _observations(sli: str, plan: LoadPlan, level: LevelBudget) -> tuple[float, str]:
    """How many there will be in the measure phase, and what they are."""
    messages = level.arrivals(FlowKind.SOCKETIO)
    match sli:
        case "socket_reach_ratio" | "socket_delivery_seconds":
            return messages * max(plan.room_size - 1, 0), "deliveries"
        case "socket_ack_seconds":
            return messages, "messages"
        case "job_end_to_end_seconds" | "jobs_finished_ratio":
            return level.arrivals(FlowKind.UPLOAD), "uploads"
        case "query_seconds":  # a request makes one at least
            return level.rate_per_second * level.measure_seconds, "statements"
        case "first_contentful_paint_seconds" | "page_load_seconds":
            return page_views(level.measure_seconds, plan.page_seconds), "page views"
        case _:  # probes are left out of HTTP's own numbers
            return level.rate_per_second * level.measure_seconds, "requests"


def page_views(measure_seconds: float, every_seconds: float) -> int:
    """How often a browser opens the page in a measure phase."""
    return int(measure_seconds / every_seconds + 1e-9) if every_seconds else 0


# Rules -----------------------------------------------------------------------------------------------------------


def _rule(rule: Rule, plan: LoadPlan, level: LevelBudget) -> RuleBudget:
    needed = _needed_seconds(rule, plan, level)
    run, profile = _takes(needed, plan, level)
    enough = needed is not None and needed <= level.measure_seconds
    return RuleBudget(rule.id, rule.title, rule.condition, level.level, needed, run, profile, enough)


def _needed_seconds(rule: Rule, plan: LoadPlan, level: LevelBudget) -> float | None:
    """How long a level must be measured for it."""
    match rule:
        case TimedRule():
            return windowing(rule.duration.value, _per_second(rule.sli, plan, level)).seconds
        case BandRule():
            return 2 * plan.batch_seconds
        case UptimeRule():
            rate = _per_second(rule.sli, plan, level)
            return None if not rate else least_sample(1 - rule.least.value) / rate


def _per_second(sli: str, plan: LoadPlan, level: LevelBudget) -> float | None:
    """Events of the SLI per second; None for a sampled series."""
    if not sli.startswith(_COUNTED):
        return None
    observed, _ = _observations(sli, plan, level)
    return observed / level.measure_seconds


_COUNTED = ("http_", "request_", "socket_", "job_", "first_")
"""How the names of the SLIs begin that are counts of events; all others are sampled series."""
