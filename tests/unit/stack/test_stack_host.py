from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.stack.host import HostSize, Share, fitted, host_size, share_of
from tests.unit.planning.test_sizing_of_stages import GIB, SIZE_A


def test_a_large_host_gives_the_stage_and_no_more() -> None:
    assert share_of(HostSize(16, 64 * GIB), SIZE_A) == Share(2, 4 * GIB, ())


def test_a_small_host_gives_what_it_has_and_says_so() -> None:
    size = replace(SIZE_A, cpu_cores=8, memory_bytes=16 * GIB)
    assert share_of(HostSize(2, 4 * GIB), size) == Share(
        2,
        4 * GIB,
        ("host-capped: 2 of 8 CPU", "host-capped: 4 GiB of 16 GiB memory"),
    )


def test_memory_is_read_in_kibibytes(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        4096 kB\nMemFree:         1 kB\n")
    assert host_size(tmp_path / "meminfo").memory_bytes == 4 * 1024**2


def test_what_is_started_on_a_small_host_fits_it_and_says_so() -> None:
    size = replace(SIZE_A, cpu_cores=8, memory_bytes=16 * GIB, postgres_shared_buffers_bytes=4 * GIB)
    assert fitted(size, share_of(HostSize(16, 64 * GIB), size)) == (size, ())
    few_cores, said = fitted(size, share_of(HostSize(2, 64 * GIB), size))
    assert (few_cores, said) == (replace(size, cpu_cores=2), ())
    little_memory, said = fitted(size, share_of(HostSize(8, 4 * GIB), size))
    assert little_memory.postgres_shared_buffers_bytes == GIB
    assert said == ("host-capped: 1 GiB of 4 GiB shared_buffers",)
    both, said = fitted(replace(size, read_replicas=1), share_of(HostSize(8, 8 * GIB), size))
    assert both.postgres_shared_buffers_bytes == GIB, "of the primary and the replica, a quarter together"
    assert said == ("host-capped: 1 GiB of 4 GiB shared_buffers",)
