from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from reports.waterfall import jobs_of, render_waterfall
from tests.support.report_values import job, make_report_evidence, never_loaded


@pytest.fixture
def evidence():
    return make_report_evidence()


def stretches(job):
    return [(s.kind, round(s.start_seconds, 3), round(s.end_seconds, 3)) for s in job.stretches]


def test_unfinished_first_with_every_step(evidence):
    unfinished, finished = jobs_of(evidence)
    assert (unfinished.id, unfinished.ending) == ("u-2", "unfinished")
    assert stretches(unfinished) == [("upload", 0, 0.5), ("wait", 0.5, 2), ("open", 2, 13)]
    assert stretches(finished) == [("upload", 0, 0.5), ("wait", 0.5, 2), ("work", 2, 6), ("notice", 6, 6.5)]
    assert finished.sent_seconds == 8


@pytest.mark.parametrize("state", ["failed", "rejected", "finished"])
def test_other_endings(evidence, state):
    (only,) = jobs_of(replace(evidence, jobs=tuple(job("u-3", sent=1, **{state: 4}))))
    assert (only.ending, only.seconds) == (state, 3)


def test_a_job_cut_off_by_the_end_of_the_run_is_followed_to_the_last_event(evidence):
    events = tuple(job("u-4", sent=1) + job("u-5", sent=2, accepted=9))
    first = next(job for job in jobs_of(replace(evidence, jobs=events)) if job.id == "u-4")
    assert (first.ending, first.seconds) == ("unfinished", 8)


def test_server_events_without_the_client_are_no_upload(evidence):
    assert jobs_of(replace(evidence, jobs=tuple(job("u-6", queued=1)))) == ()
    assert jobs_of(never_loaded(evidence)) == ()


def test_drawn_with_words_for_each_job(evidence):
    svg = ET.fromstring(str(render_waterfall(jobs_of(evidence))))
    said = [node.text for node in svg.iter("text")]
    assert "peak at 0:26 (probe)" in said
    assert "unfinished at 13 s" in said
    assert "peak at 0:08 (probe): 6.5 s" in svg.find("desc").text
