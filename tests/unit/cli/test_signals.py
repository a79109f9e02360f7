"""Signals while a run is up, and displays that nobody watches any more."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.live import LiveDisplay, render
from harness.cli.signals import stopped_by_signals
from harness.experiment.live import LiveView
from harness.experiment.settings import Interrupted, StopRequest
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from targets.loader import find_stage, load_target

PROJECT = Path(__file__).parents[3]


def lectio_plan():
    target = load_target("lectio")
    return build_plan(target, find_stage(target, "A"), profile_named("smoke"), seed=7)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGINT, "Ctrl-C"),
        (signal.SIGTERM, "SIGTERM"),
        (signal.SIGHUP, "the terminal was closed"),
    ],
)
def test_a_signal_asks_and_who_waits_hears_it(number: signal.Signals, reason: str) -> None:
    stop = StopRequest()
    with stopped_by_signals(stop):
        stop.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted, match=reason):
            stop.check()


def test_the_second_ctrl_c_hurries_and_a_third_breaks_no_clean_up() -> None:
    stop = StopRequest()
    with stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.reason == "Ctrl-C"


def test_nohup_is_heeded_and_handlers_are_given_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = StopRequest()
        with stopped_by_signals(stop):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.asked
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_after_the_terminal_has_gone_writing_to_it_is_no_error() -> None:
    script = """
import os, pty, signal, sys
parent, child = pty.openpty()
os.dup2(child, 1)
os.close(child)
from harness.cli.signals import stopped_by_signals
from harness.experiment.settings import StopRequest
stop = StopRequest()
with stopped_by_signals(stop):
    os.close(parent)
    os.kill(os.getpid(), signal.SIGHUP)
    print("nobody reads this", flush=True)
sys.stderr.write(stop.reason)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, timeout=30)
    assert (done.returncode, done.stderr) == (0, "the terminal was closed")


def test_a_display_whose_reader_has_gone_goes_on() -> None:
    script = """
import sys
from harness.cli.output import console
out = console(lasting=True)
for _ in range(3):
    out.print("x" * 100_000)
    sys.stdout.flush()
sys.stderr.write("still here")
"""
    through = f"'{sys.executable}' -c '{script}' | head -c 1 >/dev/null"
    done = subprocess.run(["sh", "-c", through], capture_output=True, text=True, cwd=PROJECT, timeout=30)
    assert done.stderr == "still here"


def test_a_title_with_brackets_is_shown_as_it_is() -> None:
    text = io.StringIO()
    with LiveDisplay(Console(file=text, width=100), lectio_plan(), "[/] of [bold]mine[/bold]", None):
        pass
    assert text.getvalue() == "Proofload  [/] of [bold]mine[/bold]\n"


def test_the_view_fits_a_narrow_terminal_and_shows_no_numbers_before_there_are_any() -> None:
    plan = lectio_plan()
    text = io.StringIO()
    Console(file=text, width=60, color_system=None).print(render(LiveView(plan).status(0.3, None, {}), plan, 0.5))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    shown = " ".join(text.getvalue().split())
    assert "normal ramp" in shown
    assert "p95 – of 500 ms" in shown
    assert "CPU – memory – PostgreSQL –" in shown
    assert "\x1b" not in text.getvalue()
