"""A job's life, on made-up time."""

from __future__ import annotations

from harness.oracle.jobs import Job
from harness.oracle.stations import Fate


def test_a_job_tells_no_more_than_has_happened():
    job = Job(10.0, Fate(12.0, 15.0))
    assert [job.status(at) for at in (10, 11.9, 12, 14.9, 15)] == [
        "queued",
        "queued",
        "processing",
        "processing",
        "finished",
    ]
    assert job.told(13.0, 1000.0) == {
        "status": "processing",
        "queued_at": 1010.0,
        "started_at": 1012.0,
        "finished_at": None,
    }
