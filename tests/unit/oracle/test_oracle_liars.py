"""Liars on recorded files and made-up evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.checks import run_checks
from harness.analysis.judge import judge
from harness.model.verdict import Outcome
from harness.oracle.liars import generator_processes, with_drifting_clock
from harness.oracle.throttle import ThrottleUnavailable, command_in, cpu_quota, throttled_seconds
from tests.support.evidence import make_evidence


def process(proc: Path, pid: int, environ: bytes, cmdline: bytes) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "environ").write_bytes(environ)
    (folder / "cmdline").write_bytes(cmdline)


def test_the_generator_is_found_by_its_run(tmp_path: Path):
    run, proc = tmp_path / "run", tmp_path / "proc"
    proc.mkdir()
    (proc / "self").mkdir()
    (proc / "7").mkdir()  # it ended between two looks
    mine = b"A=1\0PROOFLOAD_RUN=" + bytes(run) + b"\0"
    process(proc, 20, mine, b"python\0-m\0locust\0--master\0")
    process(proc, 100, b"PROOFLOAD_WORKER=1\0", b"python\0-m\0locust\0--worker\0")
    process(proc, 30, mine, b"sleep\0" + b"1\0")
    process(proc, 40, b"PROOFLOAD_RUN=/another\0", b"python\0-m\0locust\0")
    assert generator_processes(run, proc, {20: 20, 100: 20, 30: 20, 40: 40}.__getitem__) == (20, 100)
    assert generator_processes(tmp_path / "none", proc, {20: 20, 100: 20, 30: 20, 40: 40}.__getitem__) == ()


def test_a_clock_that_drifts_is_noticed():
    evidence = make_evidence()
    assert judge(evidence).outcome is Outcome.PASS
    drifting = with_drifting_clock(evidence, 0.001)
    (check,) = (each for each in run_checks(drifting) if each.id == "clock-drift")
    assert check.passed is False
    verdict = judge(drifting)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.cell("response-time", "peak").tainted_by == ("clock-drift",)
    # What does not rest on times stands.
    assert verdict.cell("cpu", "peak").outcome is Outcome.PASS


def test_a_clock_that_hardly_drifts_is_good_enough():
    assert judge(with_drifting_clock(make_evidence(), 1e-4)).outcome is Outcome.PASS


def test_a_command_enters_before_it_starts(tmp_path: Path):
    assert command_in(tmp_path, ["sleep", "1"])[3:] == [str(tmp_path / "cgroup.procs"), "sleep", "1"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("nr_periods 4\nnr_throttled 2\nthrottled_time 1500000000\n", 1.5),
        ("usage_usec 9\nthrottled_usec 250000\n", 0.25),
    ],
)
def test_throttling_is_read_back_in_both_versions(tmp_path: Path, text: str, seconds: float):
    (tmp_path / "cpu.stat").write_text(text)
    assert throttled_seconds(tmp_path) == seconds


def test_without_cgroups_it_says_why(tmp_path: Path):
    with pytest.raises(ThrottleUnavailable, match=r"cgroup.subtree_control"), cpu_quota(0.5, tmp_path):
        pass
    with pytest.raises(ValueError, match="above 0"), cpu_quota(0, tmp_path):
        pass
