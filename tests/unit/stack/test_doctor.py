"""What a machine's facts mean for a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.stack.doctor import PROGRAMS, Docker, Facts, Need, Program, State, can_verify, diagnose

GIB = 1 << 30
DOCKER = Docker(
    version="20.10.24",
    compose_version="2.26.1",
    cgroup_driver="cgroupfs",
    cgroup_version=1,
    folder="/var/lib/docker",
    free_bytes=50 * GIB,
)
GOOD = Facts(
    python=(3, 11, 2),
    programs={name: Program(f"/usr/bin/{name}", "1.2") for name in (*PROGRAMS, "chromium")},
    has_h264=True,
    application_environment="",
    cgroup_version=1,
    cgroup_reason="",
    cpu_cores=4,
    memory_bytes=8 * GIB,
    open_files=1 << 20,
    ephemeral_ports=28_232,
    loopback_error="",
    runs_folder="runs",
    runs_error="",
    runs_free_bytes=50 * GIB,
    leftovers=(),
    pressure=True,
    services_account=True,
    docker=DOCKER,
)
STAGE_A = Need("A", cpu_cores=2, memory_bytes=4 * GIB)


def test_a_good_machine_is_ready_without_a_word_of_advice() -> None:
    findings = diagnose(GOOD, STAGE_A)
    assert {finding.state for finding in findings} == {State.READY}
    assert not any(finding.fix for finding in findings)
    assert can_verify(findings)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_missing_program_stops_a_run_and_names_its_package(program: str) -> None:
    facts = replace(GOOD, programs={name: found for name, found in GOOD.programs.items() if name != program})
    (missing,) = [finding for finding in diagnose(facts) if finding.state is State.MISSING]
    assert missing.subject == program
    assert PROGRAMS[program] in missing.fix
    assert not can_verify(diagnose(facts))


@pytest.mark.parametrize(
    ("facts", "subject", "words"),
    [
        (replace(GOOD, python=(3, 10, 9)), "Python", "3.10.9"),
        (replace(GOOD, has_h264=False), "ffmpeg", "without libx264"),
        (replace(GOOD, application_environment="is missing"), "application", ".venv-app is missing"),
        (replace(GOOD, services_account=False), "servers' account", "root"),
        (replace(GOOD, open_files=256), "open files", "256"),
        (replace(GOOD, loopback_error="Permission denied"), "ports", "Permission denied"),
        (replace(GOOD, runs_error="/srv may not be written"), "disk", "/srv may not be written"),
        (replace(GOOD, runs_free_bytes=GIB - 1), "disk", "free in runs"),
    ],
)
def test_what_no_run_is_possible_without(facts: Facts, subject: str, words: str) -> None:
    (missing,) = [finding for finding in diagnose(facts) if finding.state is State.MISSING]
    assert missing.subject == subject
    assert words in missing.found
    assert missing.fix


@pytest.mark.parametrize(
    ("facts", "subject", "words"),
    [
        (
            replace(GOOD, programs={name: GOOD.programs[name] for name in PROGRAMS}),
            "chromium",
            "no page is opened in a browser",
        ),
        (
            replace(GOOD, cgroup_version=None, cgroup_reason="/sys/fs/cgroup/cpu may not be written"),
            "CPU, memory limits",
            "not enforced: /sys/fs/cgroup/cpu may not be written",
        ),
        (replace(GOOD, cpu_cores=1), "CPU cores", "fewer than the stage's 2"),
        (replace(GOOD, cpu_cores=2), "CPU cores", "2, of them 2 for stage A"),
        (replace(GOOD, memory_bytes=3 * GIB), "memory", "3 GiB, less than the stage's 4 GiB"),
        (replace(GOOD, open_files=4096), "open files", "4,096"),
        (replace(GOOD, ephemeral_ports=1000), "ports", "1,000"),
        (replace(GOOD, runs_free_bytes=2 * GIB), "disk", "2 GiB"),
        (replace(GOOD, pressure=False), "pressure (PSI)", "not measured"),
        (
            replace(GOOD, docker=Docker("there is no docker command", "install Docker with its compose plugin")),
            "Docker",
            "there is no docker command: no --stack compose",
        ),
        (
            replace(GOOD, docker=replace(DOCKER, cgroup_driver="systemd", together="it leaves cgroups to systemd")),
            "Docker",
            "cgroup v1 by systemd; the stage's limits hold for each container, not together",
        ),
        (replace(GOOD, docker=replace(DOCKER, free_bytes=GIB)), "Docker", "1 GiB free in /var/lib/docker"),
        (replace(GOOD, leftovers=("run-1", "run-2")), "left behind", "servers of run-1, run-2"),
    ],
)
def test_what_makes_a_verdict_say_less_is_a_note_and_stops_nothing(facts: Facts, subject: str, words: str) -> None:
    findings = diagnose(facts, STAGE_A)
    (note,) = [finding for finding in findings if finding.state is State.NOTE]
    assert note.subject == subject
    assert words in note.found
    assert note.fix
    assert can_verify(findings)


def test_without_a_stage_the_size_of_the_machine_is_only_told() -> None:
    findings = {finding.subject: finding for finding in diagnose(replace(GOOD, cpu_cores=1, memory_bytes=GIB))}
    assert findings["CPU cores"].state is State.READY
    assert findings["memory"].found == "1 GiB"


def test_docker_tells_its_versions_and_how_it_limits() -> None:
    (docker,) = [finding for finding in diagnose(GOOD) if finding.subject == "Docker"]
    assert docker.found == "20.10.24 with compose 2.26.1, cgroup v1 by cgroupfs, 50 GiB free in /var/lib/docker"
    elsewhere = replace(GOOD, docker=replace(DOCKER, free_bytes=None))
    (docker,) = [finding for finding in diagnose(elsewhere) if finding.subject == "Docker"]
    assert (docker.state, "free" in docker.found) == (State.READY, False)


def test_an_ordinary_user_needs_no_account_for_the_servers() -> None:
    subjects = [finding.subject for finding in diagnose(replace(GOOD, services_account=None))]
    assert "servers' account" not in subjects


@pytest.mark.parametrize(
    ("state", "fix"),
    [("not compiled yet", "make setup"), ("no C compiler", "gcc libc6-dev python3-dev, then: make setup")],
)
def test_a_generator_that_is_interpreted_is_no_obstacle(state: str, fix: str) -> None:
    findings = diagnose(replace(GOOD, generator=state))
    (note,) = [finding for finding in findings if finding.state is State.NOTE]
    assert (note.subject, state in note.found, fix in note.fix) == ("load generator", True, True)
    assert can_verify(findings)
