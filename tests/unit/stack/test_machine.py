"""Reading what a machine says about itself."""

from __future__ import annotations

from pathlib import Path

from harness.stack.machine import ephemeral_ports, said


def test_the_port_range_counts_both_ends() -> None:
    assert ephemeral_ports("32768\t60999\n") == 28_232


def test_a_program_that_cannot_be_started_says_nothing(tmp_path: Path) -> None:
    assert said(str(tmp_path / "absent"), "--version") == ""
