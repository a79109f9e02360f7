from __future__ import annotations

from dataclasses import replace

from harness.analysis.not_proven import not_proven
from harness.model.run import ReadBack
from tests.support.evidence import make_evidence


def test_a_short_run_of_the_reference_application():
    assert not_proven(make_evidence()) == (
        "your own code (this is the reference application)",
        "the server's application disk 50 GiB, database disk 100 GiB, disk operations 100/s"
        " (no limit could be set here)",
        "daily lessons of 100/day to 200/day (a run of 3 minutes is no day)",
        "a steady state (short run: only a growing backlog was looked for)",
    )


def test_a_longer_run_tests_its_steadiness():
    assert not any("steady state" in line for line in not_proven(make_evidence(profile="standard")))


def test_an_external_system():
    lines = not_proven(make_evidence(stack="external"))
    assert not any("your own code" in line for line in lines)
    assert "the size of the servers (an external stack is not read back)" in lines


def test_limits_that_were_not_enforced_and_a_smaller_host():
    lines = not_proven(make_evidence(limits_enforced=False, host_cores=1))
    assert "the stage's CPU and memory as limits (not enforced: no permission)" in lines
    assert "the stage's full size (the host has 1 of 2 CPUs)" in lines


def test_levels_that_were_not_measured():
    lines = not_proven(make_evidence(stop_at=110.0))
    assert "level 3x-peak (not measured to its end)" in lines
    assert "level recovery (not measured to its end)" in lines
    assert not any("level peak" in line for line in lines)


def test_what_was_set_and_read_back_is_proven():
    evidence = make_evidence()
    read_back = (*evidence.manifest.read_back, ReadBack("disk", "iops", "100", "100", True))
    lines = not_proven(replace(evidence, manifest=replace(evidence.manifest, read_back=read_back)))
    assert not any("disk operations" in line for line in lines)


def test_deviations_from_the_plan():
    evidence = make_evidence()
    manifest = replace(evidence.manifest, deviations=("gevent instead of eventlet",))
    assert not_proven(replace(evidence, manifest=manifest))[-1] == "the plan to the letter: gevent instead of eventlet"
