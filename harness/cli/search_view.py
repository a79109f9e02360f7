"""A capacity search in the terminal: a line for each trial, the bracket as it closes, and the answer."""

from __future__ import annotations

import math

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from harness.analysis.capacity import headroom_words, peak_words, rate_words
from harness.cli.live import PlainPace, clock, plain_line, print_stack, render
from harness.experiment.live import LiveStatus
from harness.model.capacity import Bracket, TrialResult
from harness.model.exploration import CapacityEvidence, CapacityVerdict, Search, TrialUnderWay
from harness.model.plan import LoadPlan
from harness.model.run import Manifest
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from harness.store.layout import RunDirectory

MARKS = {
    Outcome.PASS: ("✓", "green"),
    Outcome.FAIL: ("✗", "bold red"),
    Outcome.INCONCLUSIVE: ("?", "yellow"),
    Outcome.INVALID: ("!", "magenta"),
}
BAR = 48
"""Columns of the bracket's bar."""
REASON = 90
"""Of a trial's reason on its line; the report has all of it."""


class SearchDisplay:
    """A SearchObserver for people. bound_seconds: the response-time bound that p95 is shown against."""

    def __init__(
        self, console: Console, search: Search, title: str, about: tuple[str, ...], bound_seconds: float | None
    ) -> None:
        self._console = console
        self._search = search
        self._title = title
        self._about = about
        self._bound = bound_seconds
        self._live: Live | None = None
        self._pace = PlainPace()
        self._status = ""
        self._now: tuple[TrialUnderWay, LoadPlan] | None = None

    def __enter__(self) -> SearchDisplay:
        self._console.print(Text.assemble(("Proofload", "bold"), f"  {self._title}"), highlight=False)
        for line in self._about:
            self._print(line)
        if self._console.is_terminal:
            self._live = Live(Text(""), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, text: str) -> None:
        """A step of the set-up, of a trial or of the clean-up; between trials only a terminal shows it."""
        if self._live is not None:
            self._live.update(Group(*self._head(), Text(f"  {text} …", style="dim")))
        elif text != self._status and self._now is None:
            self._print(f"  {text}")
        self._status = text

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        """The servers are up."""
        print_stack(self._console, manifest)
        self._print(f"run     {run.path}")
        self._print("")

    def trial_begins(self, now: TrialUnderWay, plan: LoadPlan) -> None:
        """A trial is about to be made."""
        self._now = (now, plan)

    def live(self, status: LiveStatus) -> None:
        """Once a second."""
        if self._now is None:
            return
        if self._live is not None:
            self._live.update(Group(*self._head(), render(status, self._now[1], self._bound)))
        elif self._pace.due():
            self._print(plain_line(status))

    def trial_ended(self, result: TrialResult, found: Bracket) -> None:
        """A line for the trial, and the bracket with it."""
        self._console.print(trial_line(result), highlight=False, soft_wrap=True)
        self._print(f"    {bracket_line(self._search, found)}")

    def note(self, text: str) -> None:
        """Something happened."""
        self._print(f"!       {text}")

    def _head(self) -> tuple[RenderableType, ...]:
        return () if self._now is None else trial_head(self._search, self._now[0])

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def describe_search(search: Search, profile: str, seed: int) -> tuple[str, ...]:
    """What is about to happen, and how long it takes at most."""
    its = search.settings
    return (
        f"search  profile {profile}: trials of {its.trial_seconds:g} s from {rate_words(its.first_rate_per_second)} "
        f"(planned peak {peak_words(search.planned_peak)}), × {its.growth:g} up to the first that fails, then "
        f"bisection to {its.width * 100:g} %, then {its.confirmations} confirmations of {its.confirm_seconds:g} s",
        f"        at most {minutes(its.budget_seconds)} of trials, the servers' start not counted; "
        f"never above {rate_words(its.highest_rate_per_second)} (ESTIMATED: what one generator can send); "
        f"open model, {search.arrivals} arrivals, seed {seed}",
    )


def trial_head(search: Search, now: TrialUnderWay) -> tuple[Text, ...]:
    """What stands above the view of a trial that is under way: the bracket, and which trial it is."""
    words = (
        f"  trial {now.trial.number}  {now.trial.purpose}  {rate_words(now.trial.rate_per_second)}, "
        f"{now.trial.measure_seconds:g} s   {clock(now.left_seconds)} of the budget left"
    )
    return Text(""), Text(f"  {bracket_line(search, now.bracket)}"), Text(words, style="bold")


def trial_line(result: TrialResult) -> Text:
    """`` 4  bisect    220/s   20 s  ✗ FAIL          p95 2.3 s     Response time: …``."""
    mark, style = MARKS[result.outcome]
    trial = result.trial
    p95 = result.quantiles_seconds.get("0.95")
    said = "" if result.outcome is Outcome.PASS and "warning" not in result.reason else shortened(result.reason)
    undrained = "" if result.drained else "  (the queues were not empty before it)"
    rate = rate_words(trial.rate_per_second)
    return Text.assemble(
        f"{trial.number:>3}  {trial.purpose:<7} {rate:>8} {trial.measure_seconds:>4.0f} s  ",
        (f"{mark} {result.outcome:<12}", style),
        f"  p95 {'–' if p95 is None else format_quantity(p95, Unit.SECONDS):<8} {said}{undrained}".rstrip(),
    )


def shortened(reason: str) -> str:
    """The beginning of the reason, whole words."""
    return reason if len(reason) <= REASON else reason[:REASON].rsplit(" ", 1)[0].rstrip(";,") + " …"


def bracket_line(search: Search, found: Bracket) -> str:
    """The bracket as a bar between the lowest and the highest rate of interest, and in numbers."""
    lower, upper = found.lower_per_second, found.upper_per_second
    ends = [rate for rate in (lower, upper, search.planned_peak.value) if rate is not None]
    low, high = min(ends) / search.settings.growth, max(ends) * search.settings.growth

    def column(rate: float) -> int:
        return round(math.log(rate / low) / math.log(high / low) * (BAR - 1))

    left = 0 if lower is None else column(lower)
    right = BAR - 1 if upper is None else column(upper)
    bar = ["█" if left <= place <= right else "·" for place in range(BAR)]
    bar[column(search.planned_peak.value)] = "|"
    return f"{''.join(bar)}  {bracket_numbers(found)}"


def bracket_numbers(found: Bracket) -> str:
    """``213/s … 225/s, 5.5 % wide``; ``?`` for an end that no trial has shown."""
    lower, upper = found.lower_per_second, found.upper_per_second
    words = " … ".join("?" if rate is None else rate_words(rate) for rate in (lower, upper))
    if lower is not None and upper is not None:
        words += f", {(upper / lower - 1) * 100:.1f} % wide"
    marks = ["confirmed"] if found.confirmed else []
    marks += ["upper end not proven"] if upper is not None and not found.proven else []
    return ", ".join((words, *marks))


def print_capacity(console: Console, run: RunDirectory, found: CapacityEvidence, verdict: CapacityVerdict) -> None:
    """Every trial, then the sentence, what was not proven, and where the report lies."""
    console.print("")
    for result in verdict.results:
        console.print(trial_line(result), highlight=False, soft_wrap=True)
    console.print("")
    style = MARKS[verdict.outcome][1]
    console.print(f"[{style}]{verdict.outcome}[/{style}]   {escape(verdict.headline)}", highlight=False, soft_wrap=True)
    if verdict.more:
        console.print(f"       {verdict.more}", highlight=False, markup=False, soft_wrap=True)
    if verdict.cut_short:
        console.print(f"short   {verdict.cut_short}", highlight=False, markup=False, soft_wrap=True)
    headroom = headroom_words(verdict.bracket, verdict.planned_peak.value)
    console.print(
        f"bracket {bracket_numbers(verdict.bracket)}; headroom {headroom} against the planned peak of "
        f"{peak_words(verdict.planned_peak)}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for line in verdict.warnings:
        console.print(f"warning {line}", highlight=False, markup=False, soft_wrap=True)
    if verdict.not_proven:
        console.print("not proven:", highlight=False)
        for line in verdict.not_proven:
            console.print(f"  · {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"report  {run.report}", markup=False, highlight=False, soft_wrap=True)


def minutes(seconds: float) -> str:
    """``15 min``; below two minutes in seconds."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"
