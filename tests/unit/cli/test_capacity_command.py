"""``proofload capacity``: what is typed, what is shown, and what ``report`` makes of a search."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.capacity import _share, parse_rate, parse_seconds
from harness.cli.search_view import SearchDisplay, bracket_line, describe_search, shortened, trial_head, trial_line
from harness.errors import ConfigError
from harness.experiment.live import LiveStatus
from harness.experiment.settings import Settings
from harness.model.capacity import Bracket
from harness.model.exploration import TrialUnderWay
from harness.model.verdict import Outcome
from harness.planning.search import bracket
from harness.planning.trials import trial_plan
from harness.store.jsonl import Appender, write_whole
from harness.store.layout import RunDirectory
from tests.support.searches import LECTIO, SMOKE, STAGE_A, MadeUp, made_up_search

FOUND = made_up_search(MadeUp(strange={7: (Outcome.INCONCLUSIVE, "Response time: p95 1.9 s to 2.1 s")}))


@pytest.mark.parametrize(
    ("words", "seconds"), [("20m", 1200), ("20", 1200), ("900s", 900), ("1h", 3600), ("1.5 min", 90)]
)
def test_a_budget_is_a_time(words: str, seconds: float) -> None:
    assert parse_seconds(words) == seconds


@pytest.mark.parametrize(("words", "share"), [("5%", 0.05), ("0.05", 0.05), ("20 %", 0.2)])
def test_a_width_is_a_share(words: str, share: float) -> None:
    assert _share(words) == pytest.approx(share)


@pytest.mark.parametrize(("words", "rate"), [("80", 80), ("80/s", 80), ("42.5 rps", 42.5)])
def test_a_rate_is_per_second(words: str, rate: float) -> None:
    assert parse_rate(words, "--from") == rate


def _from(words: str) -> float:
    return parse_rate(words, "--from")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (parse_seconds, "soon"),
        (parse_seconds, "0m"),
        (parse_seconds, "5%"),
        (_from, "-3"),
        (_from, "80 %"),
        (_share, "0"),
        (_share, "2"),
    ],
)
def test_nonsense_is_refused_with_the_option_s_name(read, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(words)
    assert caught.value.where[0].startswith("--")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("capacity", "lectio", "--stage", "Z"), "stage"),
        (("capacity", "lectio", "--stage", "A", "--profile", "weekly"), "no profile"),
        (("capacity", "lectio", "--stage", "A", "--from", "1000000"), "cannot begin"),
        (("capacity", "lectio", "--stage", "A", "--stack", "external"), "--host"),
        (("capacity", "lectio", "--stage", "A", "--set", "peak_rps=5/s"), "is stated"),
        (("capacity", "lectio", "--stage", "A", "--with", "indxs"), "no switch"),
        (("capacity", "lectio", "--stage", "A", "--with", "cache", "--without", "cache"), "on and off"),
        (
            (
                *("capacity", "lectio", "--stage", "A", "--without", "indexes"),
                *("--stack", "external", "--host", "http://127.0.0.1:9"),
            ),
            "cannot be switched",
        ),
        (("claims", "flight-school", "--set", "peak_rps=5 count"), "is in count"),
        (("capacity", "lectio", "--stage", "A", "--stack", "external", "--host", "http://192.0.2.7"), "--allow"),
    ],
)
def test_bad_input_is_said_before_anything_starts(printed, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = printed(*arguments)
    assert code == 20
    assert said in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "indexes", "compression", "deviations"),
    [
        ((), 1.0, 1.0, ()),
        (
            ("--without", "indexes", "--with", "compression"),
            0.0,
            1.0,
            (
                "with compressed responses, set on the command line",
                "without database indexes, set on the command line",
            ),
        ),
        (("--without", "compression"), 1.0, 0.0, ("without compressed responses, set on the command line",)),
    ],
)
def test_a_search_is_made_with_and_without_what_is_switched(
    printed, run: Path, monkeypatch: pytest.MonkeyPatch, arguments, indexes, compression, deviations
) -> None:
    asked: list[Settings] = []

    def explored(settings: Settings, *_: object) -> RunDirectory:
        asked.append(settings)
        return RunDirectory(run)

    monkeypatch.setattr("harness.cli.capacity.explore", explored)
    code, _, err = printed("capacity", "lectio", "--stage", "A", *arguments)
    assert (code, err) == (0, "")
    (settings,) = asked
    assert settings.stage.value("indexes", 1.0) == indexes
    assert settings.stage.value("compression", 1.0) == compression
    assert settings.deviations == deviations


# Shown -------------------------------------------------------------------------------------------------------------


def shown(*, terminal: bool) -> str:
    out = Console(file=io.StringIO(), width=160, force_terminal=terminal, color_system=None, highlight=False)
    about = describe_search(FOUND.search, "smoke", 7)
    plan = trial_plan(LECTIO, STAGE_A, SMOKE, 80, 20, seed=7)
    status = LiveStatus(12.0, None, None, 8.0, 80.0, 79.5, 0, 0, 0, 0.01, 0.02, 0.03, 0.02, None, {})
    with SearchDisplay(out, FOUND.search, "Lectio Space, stage A: capacity search", about, 0.5) as display:
        for number, line in enumerate(FOUND.lines):
            now = bracket(FOUND.search.settings, FOUND.lines[:number])
            display.trial_begins(TrialUnderWay(line.trial, now, 600.0), plan)
            display.step("waiting for the queues at rest")
            display.live(status)
            display.trial_ended(line, bracket(FOUND.search.settings, FOUND.lines[: number + 1]))
        display.note("Ctrl-C: ending the load")
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


PIPED = """\
Proofload  Lectio Space, stage A: capacity search
search  profile smoke: trials of 20 s from 80/s (planned peak 80/s), × 1.5 up to the first that fails, then bisection \
to 5 %, then 3 confirmations of 40 s
        at most 20 min of trials, the servers' start not counted; never above 1,510/s (ESTIMATED: what one generator \
can send); open model, poisson arrivals, seed 7
  0:12  finishing            arrivals 80.0/s  completed 79.5/s  p95 20 ms  errors 0  dropped 0  CPU –  left 0:08
  1  ramp        80/s   20 s  ✓ PASS          p95 48 ms
    ························|███████████████████████  80/s … ?
  2  ramp       120/s   20 s  ✓ PASS          p95 58 ms
    ················|··············█████████████████  120/s … ?
"""


def test_a_pipe_gets_a_line_for_each_trial_and_the_bracket_below_it() -> None:
    out = shown(terminal=False)
    assert "\x1b" not in out
    assert out.startswith(PIPED)
    assert "  5  ramp       405/s   20 s  ✗ FAIL          p95 12 s     Response time: p95 8.2 s" in out
    assert "  7  " in out
    assert "? INCONCLUSIVE  p95" in out
    assert out.endswith("!       Ctrl-C: ending the load\n")
    assert "confirmed" in out.splitlines()[-2]


def test_a_terminal_sees_the_trial_under_way() -> None:
    assert "✓ PASS" in shown(terminal=True)
    now = TrialUnderWay(FOUND.lines[1].trial, bracket(FOUND.search.settings, FOUND.lines[:1]), 600.0)
    _, bar, words = (line.plain for line in trial_head(FOUND.search, now))
    assert bar.endswith("80/s … ?")
    assert words == "  trial 2  ramp  120/s, 20 s   10:00 of the budget left"


def test_the_bar_marks_the_planned_peak_and_shrinks() -> None:
    wide, narrow = (
        bracket_line(FOUND.search, Bracket(low, high, False, True)) for low, high in ((180, 405), (300, 310))
    )
    assert narrow.count("█") < wide.count("█")
    assert wide.count("|") == narrow.count("|") == 1
    assert narrow.endswith("300/s … 310/s, 3.3 % wide")
    assert bracket_line(FOUND.search, Bracket(None, None, False, False)).endswith("? … ?")


def test_a_reason_is_shortened_at_a_word() -> None:
    assert shortened("short; and more") == "short; and more"
    assert shortened("word " * 40).endswith("word …")


def test_colour_never_carries_a_meaning_alone() -> None:
    lines = {line.outcome: trial_line(line).plain for line in FOUND.lines}
    for outcome, mark in ((Outcome.PASS, "✓"), (Outcome.FAIL, "✗"), (Outcome.INCONCLUSIVE, "?")):
        assert f"{mark} {outcome}" in lines[outcome]


# Report ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = RunDirectory(tmp_path / "a-search")
    folder.path.mkdir()
    write_whole(folder.manifest, FOUND.manifest)
    write_whole(folder.target, FOUND.subject)
    write_whole(folder.search, FOUND.search)
    for file, rows in ((folder.trials, FOUND.lines), (folder.events, FOUND.events)):
        with Appender(file) as lines:
            lines.append(*rows)
    return folder.path


def test_report_works_on_a_search_and_changes_nothing_the_second_time(printed, run: Path) -> None:
    code, out, err = printed("report", str(run))
    assert (code, err) == (0, "")
    assert "PASS   The reference application, sized as Lectio Space stage A, carries between" in out
    made = {path.name: path.read_bytes() for path in run.iterdir()}
    assert {"capacity.json", "junit.xml", "summary.md", "report.html"} <= set(made)
    assert printed("report", str(run)) == (code, out, err)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == made


def test_json_is_all_that_is_printed(printed, run: Path) -> None:
    code, out, err = printed("report", str(run), "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert (answer["schema"], answer["outcome"]) == ("proofload.capacity/1", "PASS")
    assert (answer["planned_peak_per_second"], answer["planned_peak_provenance"]) == (80, "stated")
    assert answer["headroom"][0] == pytest.approx(answer["bracket"]["lower_per_second"] / 80 - 1)
    assert len(answer["trials"]) == len(FOUND.lines)


def test_hostile_text_is_escaped(printed, run: Path) -> None:
    lines = (run / "trials.jsonl").read_text().replace("every bound kept", "<script>alert(1)</script>")
    (run / "trials.jsonl").write_text(lines)
    printed("report", str(run))
    assert "<script>alert" not in (run / "report.html").read_text()
    assert "<script>alert" not in (run / "summary.md").read_text()
