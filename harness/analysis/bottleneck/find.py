"""From the states of all resources to the one that is named, or to the reason why none is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.bottleneck.breach import Broken, Path, first_breach, rate_at
from harness.analysis.bottleneck.resources import RESOURCES, Resource
from harness.analysis.bottleneck.seen import Seen
from harness.analysis.bottleneck.series import SUSTAINED_SAMPLES, Stretch, Watched
from harness.analysis.phases import level_at, load_second
from harness.analysis.tested import percent
from harness.model.bottleneck import Bottleneck, Breach, Confidence, ResourceState, State
from harness.model.evidence import Evidence
from harness.model.units import Unit, format_quantity

TOLERANCE_SECONDS = 3.0
"""Samples come once a second and speak of the second before; the onset of what is sampled more rarely is known no
better than to its period."""
LOOK_SECONDS = 5.0
"""The evidence is told over so many seconds from the onset on."""
GENERATOR_BUSY = 0.9


@dataclass(frozen=True, slots=True)
class _Look:
    """One resource as one rule saw it. stretch: of its saturation, that in which the SLO broke."""

    resource: Resource
    seen: Seen
    stretch: Stretch | None
    state: ResourceState


def find_bottleneck(evidence: Evidence) -> Bottleneck:
    """What was saturated first. Never raises for lack of evidence; works for a plan of any number of levels."""
    if evidence.load_start_seconds is None or not evidence.requests:
        return Bottleneck(Confidence.NOT_LOADED, "", "", "There was no load, so nothing was short.")
    watched = Watched(evidence)
    broken = first_breach(evidence, watched)
    native = evidence.manifest.stack != "external"
    looks = [_look(resource, resource.look(watched, native), watched, broken) for resource in RESOURCES]
    states = tuple(look.state for look in looks)
    if broken is None:
        return _nothing_broke(evidence, looks, states)
    named, why = _single_out(looks, broken)
    busy = _generator_busy(evidence, broken.breach)
    if named is None or busy:
        return _undetermined(broken.breach, looks, states, busy or why)
    return _named(evidence, named, broken.breach, looks, states)


def _look(resource: Resource, seen: Seen, watched: Watched, broken: Broken | None) -> _Look:
    reading = seen.reading or resource.reading
    stretch = _stretch_at(seen.stretches, broken, watched.period_seconds(reading[0]))
    if seen.absent:
        state, words = State.ABSENT, seen.absent
    elif seen.missing:
        state, words = State.NOT_OBSERVED, seen.missing
    else:
        state = State.SATURATED if stretch is not None else State.UNSATURATED
        words = seen.words(*_told(stretch, broken, watched))
    return _Look(
        resource,
        seen,
        stretch,
        ResourceState(
            resource.id,
            resource.title,
            state,
            None if stretch is None else stretch.start_seconds,
            seen.use,
            words,
            resource.limit,
            ".".join(reading),
        ),
    )


def _stretch_at(found: Sequence[Stretch], broken: Broken | None, period_seconds: float) -> Stretch | None:
    """The stretch that was under way when the SLO broke; without a breach the first one of all.

    One that had ended before is not what broke it, and one that began later is what followed.
    """
    if broken is None:
        return found[0] if found else None
    second, reach = broken.breach.second, max(TOLERANCE_SECONDS, period_seconds)
    under_way = [
        stretch
        for stretch in found
        if stretch.start_seconds <= second + reach and stretch.end_seconds >= second - reach
    ]
    return under_way[0] if under_way else None


def _told(stretch: Stretch | None, broken: Broken | None, watched: Watched) -> tuple[float, float]:
    """The seconds whose means the evidence names: from the onset, else around the breach, else the whole run."""
    if stretch is not None:
        until = stretch.start_seconds + LOOK_SECONDS
        if broken is not None:
            until = max(until, broken.breach.second)
        return stretch.start_seconds, min(until, max(stretch.end_seconds, stretch.start_seconds + 1))
    if broken is not None:
        return max(0.0, broken.breach.second - LOOK_SECONDS), broken.breach.second + 1
    last = max((sample.second for sample in watched.samples("stack") or watched.samples("host")), default=0.0)
    return 0.0, last


def _single_out(looks: Sequence[_Look], broken: Broken) -> tuple[_Look | None, str]:
    """The one that explains the breach; None and the reason when there is no such one."""
    by_id = {look.resource.id: look for look in looks}
    concerned = [look for look in looks if _concerned(look.resource, broken.path)]
    saturated = [look for look in concerned if look.state.state is State.SATURATED]
    if not saturated:
        unseen = [look.state.title for look in concerned if look.state.state is State.NOT_OBSERVED]
        rest = f"; not observed: {', '.join(unseen)}" if unseen else ""
        return None, f"no resource that was observed was saturated{rest}"
    innermost = [
        look for look in saturated if not any(_is(by_id, behind, State.SATURATED) for behind in look.resource.behind)
    ]
    if len(innermost) != 1:
        titles = " and ".join(look.state.title for look in innermost)
        return None, f"{titles} were saturated at the same time, and neither explains the other"
    named = innermost[0]
    unexplained = [
        look.state.title
        for look in saturated
        if look is not named and named.resource.id not in _all_behind(look.resource, by_id)
    ]
    if unexplained:
        return (
            None,
            f"{named.state.title} and {', '.join(unexplained)} were saturated, and one does not explain the other",
        )
    unseen = [
        by_id[behind].state.title
        for behind in _all_behind(named.resource, by_id)
        if _is(by_id, behind, State.NOT_OBSERVED)
    ]
    if unseen:
        return None, f"{named.state.title} had saturated, but what may be behind was not observed: {', '.join(unseen)}"
    return named, ""


def _concerned(resource: Resource, path: Path) -> bool:
    match path:
        case Path.WEB:
            return resource.serves_web
        case Path.JOBS:
            return resource.serves_jobs
        case Path.ANY:
            return True


def _is(looks: Mapping[str, _Look], resource: str, state: State) -> bool:
    return looks[resource].state.state is state


def _all_behind(resource: Resource, looks: Mapping[str, _Look]) -> tuple[str, ...]:
    """What it depends on, directly or not."""
    found: dict[str, None] = {}
    waiting = list(resource.behind)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += looks[name].resource.behind
    return tuple(found)


def _generator_busy(evidence: Evidence, breach: Breach) -> str:
    """A generator without CPU to spare makes requests late by itself."""
    before = [
        sample.cpu_ratio
        for sample in evidence.generator
        if abs((load_second(evidence, sample.monotonic_seconds) or 0.0) - breach.second) <= TOLERANCE_SECONDS
    ]
    if len(before) >= SUSTAINED_SAMPLES and sum(before) / len(before) >= GENERATOR_BUSY:
        return f"the load generator itself used {percent(sum(before) / len(before))} of a core when it broke"
    return ""


def _named(
    evidence: Evidence, named: _Look, breach: Breach, looks: Sequence[_Look], states: tuple[ResourceState, ...]
) -> Bottleneck:
    assert named.stretch is not None
    onset = named.stretch.start_seconds
    level, rate, lead = _level(evidence, onset), rate_at(evidence, onset), breach.second - onset
    title = named.state.title
    when = f"{_seconds(lead)} before" if round(lead) >= 1 else "as"
    sentence = f"First to saturate: {title}, from {_rate(rate)}, {when} {_what_broke(breach)}."
    chain = [
        f"{_clock(onset)} {_capital(title)}: {named.state.evidence}.",
        _breach_words(breach),
        *_others(looks, named),
    ]
    return Bottleneck(
        Confidence.NAMED, named.resource.id, title, sentence, onset, level, rate, lead, breach, tuple(chain), states
    )


def _undetermined(breach: Breach, looks: Sequence[_Look], states: tuple[ResourceState, ...], why: str) -> Bottleneck:
    sentence = f"What saturated first is undetermined: when {_what_broke(breach)}, {why}."
    chain = [_breach_words(breach), *_others(looks, None)]
    return Bottleneck(Confidence.UNDETERMINED, "", "", sentence, breach=breach, chain=tuple(chain), resources=states)


def _nothing_broke(evidence: Evidence, looks: Sequence[_Look], states: tuple[ResourceState, ...]) -> Bottleneck:
    saturated = [look for look in looks if look.stretch is not None]
    first = min(saturated, key=_onset, default=None)
    if first is not None and first.stretch is not None:
        onset = first.stretch.start_seconds
        rate = rate_at(evidence, onset)
        level = _level(evidence, onset)
        length = max(1.0, first.stretch.end_seconds - onset)
        title, lasting = first.state.title, _seconds(length)
        sentence = f"No bound broke; first to saturate: {title}, for {lasting} at {level} ({_rate(rate)})."
        chain = (f"{_clock(onset)} {_capital(title)}: {first.state.evidence}.", *_others(looks, first))
        return Bottleneck(
            Confidence.NOTHING_BROKE,
            first.resource.id,
            title,
            sentence,
            onset,
            level,
            rate,
            chain=chain,
            resources=states,
        )
    nearest = max(
        (look for look in looks if look.state.use is not None), key=lambda look: look.state.use or 0, default=None
    )
    if nearest is None:
        return Bottleneck(
            Confidence.NOTHING_BROKE, "", "", "No bound broke; no resource was observed.", resources=states
        )
    use = percent(nearest.state.use or 0.0)
    sentence = f"No bound broke and nothing was saturated; nearest to its limit: {nearest.state.title}, {use} in use."
    return Bottleneck(
        Confidence.NOTHING_BROKE,
        nearest.resource.id,
        nearest.state.title,
        sentence,
        chain=tuple(_others(looks, None)),
        resources=states,
    )


def _onset(look: _Look) -> float:
    assert look.stretch is not None
    return look.stretch.start_seconds


def _others(looks: Sequence[_Look], named: _Look | None) -> list[str]:
    """What is said of the other resources: those that were saturated too, then the rest by name."""
    lines = []
    for look in looks:
        if look is not named and look.stretch is not None:
            explained = (
                ""
                if named is None or named.resource.id not in look.resource.behind
                else (f", waiting for {named.state.title}")
            )
            lines.append(
                f"{_clock(_onset(look))} {_capital(look.state.title)}: saturated too{explained}: {look.state.evidence}."
            )
    for state, words in ((State.UNSATURATED, "Not saturated"), (State.NOT_OBSERVED, "Not observed")):
        titles = [look.state.title for look in looks if look.state.state is state]
        if titles:
            lines.append(f"{words}: {', '.join(titles)}.")
    return lines


def _breach_words(breach: Breach) -> str:
    where = "" if breach.promised else "; nothing is promised there, the peak's bound is only held up to it"
    return f"{_clock(breach.second)} At {breach.level}, {_rate(breach.rate_per_second)}, {breach.what}{where}."


def _what_broke(breach: Breach) -> str:
    bound = "their bound" if breach.promised else "the peak's bound"
    match breach.slo:
        case "response-time":
            return f"response times broke {bound} at {breach.level}"
        case _:
            return f"{breach.what}, at {breach.level}"


def _level(evidence: Evidence, second: float) -> str:
    level = level_at(evidence, second)
    return "" if level is None else level.name.value


def _rate(rate: float) -> str:
    return format_quantity(float(f"{rate:.3g}"), Unit.PER_SECOND)


def _seconds(seconds: float) -> str:
    return format_quantity(float(round(seconds)), Unit.SECONDS)


def _clock(second: float) -> str:
    return f"{int(second) // 60}:{int(second) % 60:02d}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
