"""From a stage to its load plan: levels, phases, and the rate of every flow at every time. Pure.

Rates. A level's rate is HTTP requests per second at nginx. Uploads and their polls are part of it, so

    session rate = (rate − upload rate × steps of an upload) ÷ Σ share·steps
    rate of an HTTP flow's sessions = session rate × share

and the HTTP requests expected of all flows add up to the level's rate.

Phases. ramp: the rate grows in a straight line; settle and measure: it holds; drain: arrivals pause and what is under
way ends, except after 3x-peak, where the normal rate follows at once, since that is when the clock of the recovery
starts (docs/adr/0002).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import PlanError
from harness.model.figure import Figure, Provenance
from harness.model.plan import Arrivals, Held, Level, LevelName, LoadPlan, Phase, PhaseName, Segment, Stream
from harness.model.rule import TimedRule
from harness.model.slo import PAGE_SLIS, SloKind
from harness.model.target import CapacityTarget, Flow, FlowKind, Stage
from harness.model.units import Unit
from harness.planning.profiles import Profile

PROOF_FACTOR = 3.0
"""3x-peak, unless the system's file says otherwise (``proof_factor``)."""

FLAT_SECONDS = 2.0
"""The end of settle in which no more sockets are opened, so that the measure phase begins with all of them."""

NOT_THE_GENERATORS = ("query_seconds", *PAGE_SLIS)
"""Counted by the application, at the edges of its own histogram, and by a browser: their bounds are no thresholds of
the generator's."""

DEFAULT_THINK_SECONDS = (0.5, 1.0)
DEFAULT_REQUEST_TIMEOUT_SECONDS = 10.0
IN_FLIGHT_FACTOR = 1.5


def build_plan(
    target: CapacityTarget, stage: Stage, profile: Profile, seed: int, arrivals: Arrivals = Arrivals.POISSON
) -> LoadPlan:
    """The load plan of a stage: normal → peak → 3x-peak → recovery. Raises PlanError when the stage lacks a figure."""
    return plan_of_levels(target, stage, profile, _levels(target, stage, profile), seed=seed, arrivals=arrivals)


def plan_of_levels(
    target: CapacityTarget,
    stage: Stage,
    profile: Profile,
    levels: tuple[Level, ...],
    *,
    seed: int,
    arrivals: Arrivals,
) -> LoadPlan:
    """The load plan of these levels: the rate of every flow at every time, and the bounds of the generator."""
    session_rates = {level.name: _session_rate(level, target.flows) for level in levels}
    message_rates = {level.name: level.message_rate_per_second for level in levels}
    upload_rates = {level.name: level.upload_rate_per_second for level in levels}
    batch = profile.batch_seconds
    streams: list[Stream] = []
    for flow in target.flows:
        match flow.kind:
            case FlowKind.HTTP:
                rates = {name: rate * flow.share for name, rate in session_rates.items()}
                streams.append(Stream(flow.name, _segments(levels, rates, batch, _ramp_end)))
            case FlowKind.SOCKETIO:
                streams.append(Stream(flow.name, _segments(levels, message_rates, batch, _flat_start)))
            case FlowKind.UPLOAD:
                probes = tuple(second for level in levels for second in _probe_seconds(level))
                streams.append(Stream(flow.name, _segments(levels, upload_rates, batch, _ramp_end), probes))
    think = _range(stage, "think_time", DEFAULT_THINK_SECONDS)
    timeout = stage.value("request_timeout", DEFAULT_REQUEST_TIMEOUT_SECONDS)
    top_rate = max(session_rates.values())
    return LoadPlan(
        system=target.name,
        stage=stage.name,
        profile=profile.name,
        seed=seed,
        arrivals=arrivals,
        levels=levels,
        flows=target.flows,
        streams=tuple(streams),
        held=_held(levels),
        thresholds_seconds=_thresholds(stage),
        room_size=int(stage.value("room_size", 1)),
        think_seconds=think,
        request_timeout_seconds=timeout,
        job_timeout_seconds=profile.job_timeout_seconds,
        max_in_flight=_max_in_flight(top_rate, target.flows, think, _slowest_good_response(stage, timeout)),
        # A queued arrival is a number: as many as come at the top rate while one request times out.
        max_waiting=max(100, math.ceil(top_rate * timeout)),
        recovery_bound_seconds=_recovery_bound(stage, levels),
        batch_seconds=batch,
        assumptions=tuple(figure for figure in stage.load if figure.provenance is Provenance.ASSUMED),
        page_seconds=_page_seconds(target, stage),
    )


# Levels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mix:
    """What a level is made of: requests per second, sockets held, uploads per second."""

    rate: Figure
    users: Figure
    uploads_per_second: float

    def times(self, factor: float) -> Mix:
        """The same mix, all of it multiplied."""
        return Mix(_times(self.rate, factor), _times(self.users, factor), self.uploads_per_second * factor)


def peak_mix(target: CapacityTarget, stage: Stage) -> Mix:
    """The stage's planned peak. Raises PlanError when the stage lacks a figure."""
    rate = _top_of(_needed(target, stage, "peak_rps"))
    users = _top_of(_needed(target, stage, "concurrent_users")) if _has_sockets(target) else _nobody(rate)
    return Mix(rate, users, _upload_range(target, stage)[1])


def build_level(
    target: CapacityTarget, stage: Stage, profile: Profile, mix: Mix, name: LevelName, *, start_seconds: float
) -> Level:
    """A level of that mix, with the profile's phases."""
    return Level(
        name,
        mix.rate,
        mix.users,
        stage.value("message_rate_per_user", 0.0) * mix.users.value,
        mix.uploads_per_second,
        _probe_count(target, profile, mix.uploads_per_second),
        _phases(start_seconds, profile),
    )


def _levels(target: CapacityTarget, stage: Stage, profile: Profile) -> tuple[Level, ...]:
    """normal, peak, 3x-peak and recovery, one after the other."""
    peak, normal = peak_mix(target, stage), normal_mix(target, stage)
    mixes = (
        (LevelName.NORMAL, normal),
        (LevelName.PEAK, peak),
        (LevelName.PROOF, peak.times(stage.value("proof_factor", PROOF_FACTOR))),
        (LevelName.RECOVERY, normal),
    )
    return tuple(
        build_level(target, stage, profile, mix, name, start_seconds=index * profile.level_seconds)
        for index, (name, mix) in enumerate(mixes)
    )


def normal_mix(target: CapacityTarget, stage: Stage) -> Mix:
    """The stage's normal level. Raises PlanError when the stage lacks a figure, or has more of it than at its peak."""
    peak = peak_mix(target, stage)
    normal_rate = _needed(target, stage, "normal_rps")
    if normal_rate.value > peak.rate.value:
        raise PlanError(
            f"stage {stage.name} of {target.title} has a normal level above its peak: {normal_rate}, {peak.rate}",
            f"{target.name} › stage {stage.name} › load.normal_rps",
            "normal_rps is at most peak_rps",
        )
    normal_users = _needed(target, stage, "normal_users") if _has_sockets(target) else peak.users
    return Mix(normal_rate, normal_users, _upload_range(target, stage)[0])


def _has_sockets(target: CapacityTarget) -> bool:
    return any(flow.kind is FlowKind.SOCKETIO for flow in target.flows)


def _phases(start_seconds: float, profile: Profile) -> tuple[Phase, ...]:
    lengths = (
        (PhaseName.RAMP, profile.ramp_seconds),
        (PhaseName.SETTLE, profile.settle_seconds),
        (PhaseName.MEASURE, profile.measure_seconds),
        (PhaseName.DRAIN, profile.drain_seconds),
    )
    phases: list[Phase] = []
    start_seconds = float(start_seconds)
    for name, seconds in lengths:
        phases.append(Phase(name, start_seconds, start_seconds + seconds))
        start_seconds += seconds
    return tuple(phases)


def _needed(target: CapacityTarget, stage: Stage, name: str) -> Figure:
    try:
        return stage.figure(name)
    except KeyError:
        raise PlanError(
            f"stage {stage.name} of {target.title} has no figure {name}",
            f"{target.name} › stage {stage.name} › load.{name}",
            "add it to the stage's load, assumed with a reason if the plan is silent",
        ) from None


def _top_of(figure: Figure) -> Figure:
    """A plan that names a range of peaks, of requests or of users, promises the upper end."""
    if figure.high is None:
        return figure
    note = "; ".join(filter(None, (figure.note, "the upper end of the range")))
    return Figure(figure.name, figure.high, figure.unit, figure.provenance, figure.citation, note=note)


def _times(figure: Figure, factor: float) -> Figure:
    note = f"{factor:g} × {figure}"
    value = figure.value * factor
    return Figure(f"{factor:g}x {figure.name}", value, figure.unit, Provenance.DERIVED, figure.citation, note=note)


def _nobody(like: Figure) -> Figure:
    return Figure("concurrent_users", 0, Unit.COUNT, Provenance.DERIVED, like.citation, note="no Socket.IO flow")


def _upload_range(target: CapacityTarget, stage: Stage) -> tuple[float, float]:
    """Uploads per second at the normal level and at the peak: the ends of the range, or a figure for each."""
    if not any(flow.kind is FlowKind.UPLOAD for flow in target.flows):
        return 0.0, 0.0
    figure = _needed(target, stage, "upload_rate")
    return stage.value("normal_upload_rate", figure.value), figure.top


def _probe_count(target: CapacityTarget, profile: Profile, upload_rate: float) -> int:
    if not any(flow.kind is FlowKind.UPLOAD for flow in target.flows):
        return 0
    # Carried fractions make a whole upload of every whole one that is expected (docs/adr/0001).
    scarce = upload_rate * profile.measure_seconds < 1 - 1e-9
    return profile.probe_uploads if profile.always_probe or scarce else 0


def _probe_seconds(level: Level) -> tuple[float, ...]:
    """Evenly over the measure phase, each in the middle of its share."""
    measure = level.phase(PhaseName.MEASURE)
    share = measure.duration_seconds / max(level.probe_uploads, 1)
    return tuple(measure.start_seconds + (index + 0.5) * share for index in range(level.probe_uploads))


# Rates over time -------------------------------------------------------------------------------------------------


def _session_rate(level: Level, flows: Sequence[Flow]) -> float:
    """HTTP sessions per second, so that all flows together make the level's rate."""
    upload_steps = sum(flow.http_steps for flow in flows if flow.kind is FlowKind.UPLOAD)
    mean_steps = sum(flow.share * flow.http_steps for flow in flows if flow.kind is FlowKind.HTTP)
    left = level.rate.value - level.upload_rate_per_second * upload_steps
    if left < 0:
        raise PlanError(
            f"level {level.name}: the uploads alone make more requests than the level's {level.rate}",
            "load.upload_rate",
            "lower upload_rate, or the upload flow's http_steps",
        )
    return left / mean_steps if mean_steps else 0.0


def _segments(
    levels: Sequence[Level],
    rates: dict[LevelName, float],
    batch_seconds: float,
    rise_end: Callable[[Level], float],
) -> tuple[Segment, ...]:
    """A flow's rate over the whole run. Stretches without arrivals are left out.

    A plateau is cut at the batches of the measure phase. The scheduler puts exactly the planned number of arrivals
    into each segment, so every batch is offered the same load, and batch means compare like with like.
    """
    segments: list[Segment] = []
    before = 0.0
    for level in levels:
        rate = rates[level.name]
        drain = rates[LevelName.NORMAL] if level.name is LevelName.PROOF else 0.0
        top, stop = rise_end(level), level.phase(PhaseName.MEASURE).end_seconds
        segments.append(Segment(level.start_seconds, top, before, rate))
        segments += (Segment(start, end, rate, rate) for start, end in _cuts(top, stop, batch_seconds))
        if level.end_seconds > stop:
            segments.append(Segment(stop, level.end_seconds, drain, drain))
        before = drain
    return tuple(segment for segment in segments if segment.expected_arrivals > 0)


def _ramp_end(level: Level) -> float:
    return level.phase(PhaseName.RAMP).end_seconds


def _flat_start(level: Level) -> float:
    """When all of a level's sockets are to be open: chat grows with them, through ramp and settle."""
    settle = level.phase(PhaseName.SETTLE)
    return settle.end_seconds - min(FLAT_SECONDS, settle.duration_seconds / 2)


def _cuts(start_seconds: float, end_seconds: float, length_seconds: float) -> list[tuple[float, float]]:
    """Pieces of that length, aligned to the end; the first may be shorter."""
    count = math.ceil((end_seconds - start_seconds) / length_seconds - 1e-9)
    edges = [start_seconds, *(end_seconds - length_seconds * left for left in range(count - 1, -1, -1))]
    return list(pairwise(edges))


def _held(levels: Sequence[Level]) -> Held:
    """Sockets are opened evenly over ramp and settle, so that no level begins with a storm of connects. When fewer are
    wanted they are closed from the end of the measure phase before, where that level's load ends, to the end of the
    ramp. They stay open through a drain."""
    points: list[tuple[float, int]] = [(0.0, 0)]
    ended = 0.0
    for level in levels:
        users, before = round(level.users.value), points[-1][1]
        start, end = (ended, _ramp_end(level)) if users < before else (level.start_seconds, _flat_start(level))
        if start > points[-1][0]:
            points.append((start, before))
        points.append((end, users))
        ended = level.phase(PhaseName.MEASURE).end_seconds
    points.append((levels[-1].end_seconds, points[-1][1]))
    return Held(tuple(points))


# Bounds of the generator -----------------------------------------------------------------------------------------


def _thresholds(stage: Stage) -> tuple[float, ...]:
    """Every bound and rule's threshold on a response time: its exceedances are counted exactly when they happen."""
    bounds = {
        bound.value
        for slo in stage.slos
        if slo.kind is SloKind.QUANTILE and slo.sli not in NOT_THE_GENERATORS
        for bound in (slo.warning, slo.critical)
        if bound is not None
    }
    bounds |= {
        rule.threshold.value
        for rule in stage.rules
        if isinstance(rule, TimedRule) and rule.quantile and rule.sli not in NOT_THE_GENERATORS
    }
    return tuple(sorted(bounds))


def _page_seconds(target: CapacityTarget, stage: Stage) -> float:
    """How often a browser opens the page: never where the stage bounds nothing of it, since a browser takes CPU."""
    asked = any(slo.sli in PAGE_SLIS for slo in stage.slos) or any(
        isinstance(rule, TimedRule) and rule.sli in PAGE_SLIS for rule in stage.rules
    )
    return 0.0 if target.page is None or not asked else target.page.every_seconds


def _slowest_good_response(stage: Stage, timeout_seconds: float) -> float:
    return max(_thresholds(stage), default=timeout_seconds)


def _max_in_flight(
    top_rate: float, flows: Sequence[Flow], think_seconds: tuple[float, float], response_seconds: float
) -> int:
    """Sessions under way at once, by Little's law: at 3x-peak's rate, each as long as its longest pauses and responses
    at the slowest bound, and half as much again.

    With the timeout in the place of the bound no arrival could ever wait (methodology §1), but that would take
    thousands of users' memory; beyond this many the servers are past saving, and arrivals wait with their intended
    time kept, then are dropped and counted as bad.
    """
    steps = max((flow.http_steps for flow in flows if flow.kind is FlowKind.HTTP), default=1)
    session_seconds = (steps - 1) * think_seconds[1] + steps * response_seconds
    return max(50, math.ceil(top_rate * session_seconds * IN_FLIGHT_FACTOR))


def _recovery_bound(stage: Stage, levels: Sequence[Level]) -> float:
    """The SLO's bound; without one, as long as the recovery is watched (not at all where there is one level only)."""
    for slo in stage.slos:
        if slo.sli == "recovery_seconds" and (bound := slo.critical or slo.warning) is not None:
            return bound.value
    return levels[-1].end_seconds - levels[-2:][0].phase(PhaseName.MEASURE).end_seconds


def _range(stage: Stage, name: str, default: tuple[float, float]) -> tuple[float, float]:
    try:
        figure = stage.figure(name)
    except KeyError:
        return default
    return figure.value, figure.top
