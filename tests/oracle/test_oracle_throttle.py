"""A command inside a CPU quota really gets no more than that."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest

from harness.oracle.throttle import ThrottleUnavailable, command_in, cpu_quota, throttled_seconds

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]

BUSY = "import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass"


def test_a_command_gets_its_share_and_no_more() -> None:
    try:
        quota = cpu_quota(0.25)
        with quota as cgroup:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            began = time.monotonic()
            subprocess.run(command_in(cgroup, [sys.executable, "-c", BUSY]), check=True, timeout=30)
            took = time.monotonic() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            held_back = throttled_seconds(cgroup)
    except ThrottleUnavailable as reason:
        pytest.skip(f"no CPU quota here: {reason}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used / took < 0.35
    assert held_back > 0.5
    assert not cgroup.exists()
