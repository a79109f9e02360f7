from __future__ import annotations

import os
from pathlib import Path

from harness.loadgen.health import worker_name


def test_processes_of_two_containers_in_one_hosts_network_have_different_names(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    for namespace in (first, second):
        namespace.touch()
    plain = f"{os.uname().nodename}-{os.getpid()}"
    assert worker_name(first).startswith(f"{plain}-")
    assert worker_name(first) == worker_name(first) != worker_name(second)


def test_without_namespaces_host_and_process_are_the_name(tmp_path: Path):
    assert worker_name(tmp_path / "none") == f"{os.uname().nodename}-{os.getpid()}"
