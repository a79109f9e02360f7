"""What is the same on two hosts, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import GeneratorError
from harness.loadgen.distributed.identity import file_digest, sources_digest, this_clock, this_network, worker_name


def test_the_sources_are_told_by_name_and_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text("no source")
    first = sources_digest(tmp_path)
    (tmp_path / "notes.txt").write_text("changed")
    assert sources_digest(tmp_path) == first
    (tmp_path / "a.py").write_text("x = 2\n")
    second = sources_digest(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, sources_digest(tmp_path)}) == 3


def test_our_own_are_found() -> None:
    assert sources_digest() == sources_digest() != sources_digest(Path(__file__).parent)


def test_a_locustfile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="cannot be read"):
        file_digest(tmp_path / "none.py")


def test_a_host_is_itself() -> None:
    assert this_clock() == this_clock() != ""
    assert this_network() != this_clock()


def test_processes_of_two_containers_in_one_hosts_network_have_different_names(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    for namespace in (first, second):
        namespace.touch()
    plain = f"{os.uname().nodename}-{os.getpid()}"
    assert worker_name(first).startswith(f"{plain}-")
    assert worker_name(first) == worker_name(first) != worker_name(second)


def test_without_namespaces_host_and_process_are_the_name(tmp_path: Path):
    assert worker_name(tmp_path / "none") == f"{os.uname().nodename}-{os.getpid()}"
