"""Whatever happened in a run, there is a report of it."""

from xml.etree import ElementTree as ET

import pytest

from harness.analysis.judge import judge
from reports.build import build_report
from reports.html import render_html
from reports.junit import junit_xml
from reports.markdown import summary_markdown
from reports.material import collect
from reports.verdict_json import read_verdicts, verdicts_json
from tests.support.evidence import make_evidence
from tests.support.golden import text_of

EVERY_SAMPLER = ("host", "stack", "storage", "postgres", "redis", "celery", "gunicorn", "nginx")
RUNS = {
    "sound": ({}, "PASS"),
    "killed after 5 s": ({"stop_at": 5.0}, "The database was not asked"),
    "killed in the first second": ({"stop_at": 0.0}, "No request was recorded."),
    "interrupted": ({"stop_at": 60.0, "stop_reason": "interrupted"}, "Cut short: Ctrl-C"),
    "aborted": ({"stop_at": 120.0, "stop_reason": "aborted: errors above 50 %"}, "errors above 50 %"),
    "no server samples": ({"silent": EVERY_SAMPLER}, "No server was sampled."),
    "gaps": ({"gaps": {"postgres": 0.5}}, "Hatched: nothing was seen (no answer within 0.5 s)."),
    "out of memory": ({"oom_at": 100.0}, "Out-of-memory kills"),
    "a crash": ({"crash_at": 100.0}, "process died: exit_code -9, process gunicorn"),
    "a worker lost": ({"worker_lost_at": 60.0}, "worker lost: worker 2"),
    "lost writes": ({"lost": 3}, "3 are missing"),
    "not reconciled": (
        {"reconciled": False},
        "could not be asked for the acknowledged writes: PostgreSQL did not answer",
    ),
    "unfinished jobs": ({"unfinished_jobs": {"peak": 2}}, "2 unfinished at its end"),
    "dropped": ({"dropped": {"3x-peak": 0.2}}, "Errors and dropped arrivals"),
    "not enforced": ({"limits_enforced": False}, "not enforced: no permission"),
    "overloaded": (
        {"slow": {"peak": 0.6}, "slow_seconds": 4.0, "cpu": {"peak": 0.99}},
        "does not carry the planned peak",
    ),
}


@pytest.mark.parametrize(("knobs", "said"), RUNS.values(), ids=RUNS)
def test_every_file_is_made_and_says_it(knobs, said):
    evidence = make_evidence(**knobs)
    verdict = judge(evidence)
    page = render_html(build_report(evidence, verdict))
    assert said in text_of(page)
    assert read_verdicts(verdicts_json(evidence, verdict)).outcome == verdict.outcome
    suite = ET.fromstring(junit_xml(evidence, verdict)).find("testsuite")
    assert int(suite.get("tests")) == len(verdict.verdicts) + len(verdict.checks)
    assert verdict.outcome in summary_markdown(collect(evidence, verdict)).splitlines()[0]
