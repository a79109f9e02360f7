from __future__ import annotations

import pytest

from harness.errors import LimitsMismatch
from harness.exitcodes import ExitCode
from harness.stack.readback import compare, recorded, require_matches


@pytest.mark.parametrize(
    ("wanted", "effective", "matches"),
    [(50, 50, True), (50, 49, False), (2.0, 2, True), ("on", "on", True), ("on", "off", False), (50, None, False)],
)
def test_a_setting_agrees_or_not(wanted: float | str, effective: float | str | None, matches: bool) -> None:
    assert compare("postgres", "x", wanted, effective).matches is matches


def test_sizes_are_shown_as_people_read_them() -> None:
    row = compare("postgres", "shared_buffers", 1024**3, 128 * 1024**2, unit="bytes")
    assert (row.wanted, row.effective) == ("1 GiB", "128 MiB")
    assert compare("postgres", "statement_timeout", 30.0, 30.0, unit="s").effective == "30 s"


def test_every_mismatch_is_listed_and_what_is_only_recorded_is_none() -> None:
    rows = (
        compare("postgres", "max_connections", 50, 100),
        recorded("redis", "maxmemory", "0"),
        compare("gunicorn", "workers", 3, None),
        compare("nginx", "worker_processes", 2, 2),
    )
    with pytest.raises(LimitsMismatch) as caught:
        require_matches(rows)
    assert caught.value.where == (
        "postgres › max_connections: wanted 50, is 100",
        "gunicorn › workers: wanted 3, is unknown",
    )
    assert caught.value.exit_code is ExitCode.STACK_ERROR
    require_matches(rows[3:])
