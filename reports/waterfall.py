"""The lives of the slowest uploads, as static SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.model.evidence import Evidence
from harness.model.samples import JobEvent
from harness.model.units import Unit, format_quantity
from reports.charts import WIDTH
from reports.scales import Scale, format_clock, format_tick, linear_ticks
from reports.svg import element, group, number, text

LEFT, RIGHT, TOP, ROW = 186.0, 132.0, 26.0, 24.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a job's life, in seconds from the moment it was sent. kind: upload, wait, work, notice or open."""

    kind: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Job:
    """One upload. sent_seconds: of the load. ending: seen (by the client), finished, failed, rejected or unfinished."""

    id: str
    level: str
    probe: bool
    sent_seconds: float
    stretches: tuple[Stretch, ...]
    ending: str

    @property
    def seconds(self) -> float:
        """Its whole life, as far as it was followed."""
        return max((stretch.end_seconds for stretch in self.stretches), default=0.0)


def jobs_of(evidence: Evidence) -> tuple[Job, ...]:
    """Every upload of the run: unfinished ones first, then the slowest first."""
    start = evidence.load_start_seconds
    if start is None:
        return ()
    events: dict[str, list[JobEvent]] = {}
    for event in evidence.jobs:
        events.setdefault(event.id, []).append(event)
    last = max((event.monotonic_seconds for event in evidence.jobs), default=start)
    jobs = [_job(key, each, start, last) for key, each in events.items() if any(e.state == "sent" for e in each)]
    return tuple(sorted(jobs, key=lambda job: (job.ending != "unfinished", -job.seconds, job.id)))


def _job(key: str, events: Sequence[JobEvent], load_start: float, last: float) -> Job:
    at = {event.state: event.monotonic_seconds for event in reversed(events)}
    detail = {name: value for event in events for name, value in event.detail.items()}
    sent = at["sent"]
    marks = {state: max(0.0, moment - sent) for state, moment in at.items()}
    ending = next((state for state in ("failed", "rejected", "seen", "finished") if state in at), "unfinished")
    stretches: list[Stretch] = []
    previous = 0.0
    # A server's clock may put "queued" before the client's "accepted": the upload ends with whichever came first.
    taken = [marks[state] for state in ("accepted", "queued", "rejected") if state in marks]
    steps = (
        ("upload", min(taken, default=None)),
        ("wait", marks.get("started")),
        ("work", marks.get("finished", marks.get("failed"))),
        ("notice", marks.get("seen")),
    )
    for kind, end in steps:
        if end is not None and end > previous:
            stretches.append(Stretch(kind, previous, end))
            previous = end
    if ending == "unfinished":
        stretches.append(Stretch("open", previous, max(marks.get("censored", last - sent), previous)))
    return Job(
        key, str(detail.get("level", "")), bool(detail.get("probe")), sent - load_start, tuple(stretches), ending
    )


KINDS = (
    ("upload", "upload"),
    ("wait", "queue wait"),
    ("work", "processing"),
    ("notice", "until the client knew"),
    ("open", "unfinished"),
)


def render_waterfall(jobs: Sequence[Job]) -> Markup:
    """One bar for each job, from the moment it was sent."""
    longest = max((job.seconds for job in jobs), default=1.0)
    ticks = linear_ticks(max(longest, 0.1), Unit.SECONDS, 6)
    across = Scale(0.0, ticks[-1], LEFT, WIDTH - RIGHT)
    floor = TOP + ROW * len(jobs)
    grid = []
    for tick in ticks:
        x = across(tick)
        grid.append(element("line", x1=x, x2=x, y1=TOP - 4, y2=floor))
        grid.append(text(x, floor + 16, format_tick(tick, Unit.SECONDS), anchor="middle"))
    words = "; ".join(f"{_name(job)}: {_ending(job)}" for job in jobs)
    return element(
        "svg",
        element("title", "The slowest uploads, step by step", id="waterfall-title"),
        element("desc", words, id="waterfall-desc"),
        group(*_key(), class_="key"),
        group(*grid, class_="grid"),
        *(_row(job, TOP + ROW * index, across) for index, job in enumerate(jobs)),
        viewBox=f"0 0 {number(WIDTH)} {number(floor + 24)}",
        class_="chart waterfall",
        role="img",
        aria_labelledby="waterfall-title waterfall-desc",
    )


def _key() -> list[Markup]:
    drawn, x = [], LEFT
    for kind, words in KINDS:
        drawn.append(element("rect", x=x, y=2, width=12, height=10, class_=f"stretch {kind}"))
        drawn.append(text(x + 17, 11, words))
        x += 30 + len(words) * 6.4
    return drawn


def _row(job: Job, top: float, across: Scale) -> Markup:
    bars = [
        element(
            "rect",
            element(
                "title", f"{stretch.kind} {format_quantity(stretch.end_seconds - stretch.start_seconds, Unit.SECONDS)}"
            ),
            x=across(stretch.start_seconds),
            y=top + 4,
            width=max(across(stretch.end_seconds) - across(stretch.start_seconds), 1.0),
            height=ROW - 9,
            class_=f"stretch {stretch.kind}",
        )
        for stretch in job.stretches
    ]
    return group(
        text(LEFT - 8, top + 16, _name(job), anchor="end"),
        *bars,
        text(min(across(job.seconds), WIDTH - RIGHT) + 6, top + 16, _ending(job), class_="strong"),
    )


def _name(job: Job) -> str:
    return f"{job.level or 'upload'} at {format_clock(job.sent_seconds)}" + (" (probe)" if job.probe else "")


def _ending(job: Job) -> str:
    seconds = format_quantity(job.seconds, Unit.SECONDS)
    match job.ending:
        case "seen" | "finished":
            return seconds
        case "unfinished":
            return f"unfinished at {seconds}"
        case _:
            return f"{job.ending} at {seconds}"
