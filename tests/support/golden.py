"""Golden runs: small run directories that were made once, and what is read out of them.

``python -m tests.support.golden`` makes the run directories anew, from ``make_evidence``;
``pytest tests/golden --update-golden`` writes down what they say now.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

from harness.model.evidence import Evidence
from harness.model.rule import Fires, Purpose, Rule
from harness.model.verdict import Severity
from harness.store.jsonl import Appender, write_whole
from harness.store.layout import RunDirectory
from tests.support.evidence import make_evidence
from tests.support.lectio import PROFILES
from tests.support.plan_values import with_plan
from tests.support.rules import band, slow, timed, uptime, with_rules

ROOT = Path(__file__).parents[1] / "golden"
SHORT = ((1, 2, 15, 2), 3.0)
"""Ramp, settle, measure and drain in seconds, and the batches: long enough to judge, short enough to keep."""

CASES: Mapping[str, Mapping[str, object]] = {
    "pass": {"recovers_after": 2},
    "fail": {"recovers_after": 2, "slow": {"peak": 0.5}, "slow_seconds": 2.4, "errors": {"peak": 0.03, "3x-peak": 0.1}},
    "inconclusive": {"stop_at": 30.0, "stop_reason": "interrupted"},
    "invalid": {
        "recovers_after": 2,
        "generator_cpu": {"peak": 0.97},
        "loop_lag_seconds": {"peak": 0.08},
        "gaps": {"postgres": 0.2},
    },
    "rules": {"recovers_after": 2},
}
RULES: Mapping[str, tuple[Rule, ...]] = {
    "rules": (
        timed(seconds=300, name="cpu-up"),
        timed(0.3, 900, fires=Fires.BELOW, purpose=Purpose.SCALE_DOWN, name="cpu-down"),
        slow(0, purpose=Purpose.ALERT, severity=Severity.CRITICAL),
        timed(0.35, 10, name="soon"),
        timed(0.01, 10, sli="request_error_ratio", name="errors"),
        band(0.5, 0.7, 0.3, 0.8),
        uptime(0.99),
        replace(uptime(0.9999), id="uptime-sla", title="Uptime SLA"),
    ),
}
"""Of the cases whose plan has some."""
PLANS = ("rules",)
"""The cases with an audit and predictions."""


def make_golden_evidence(case: str) -> Evidence:
    """The evidence of a case, over shorter levels than those of the smoke profile."""
    with patch.dict(PROFILES, {"smoke": SHORT}):
        evidence = make_evidence(**CASES[case])
    evidence = with_rules(evidence, *RULES.get(case, ()))
    return with_plan(evidence) if case in PLANS else evidence


def write_run(path: Path, evidence: Evidence) -> None:
    """The evidence as the run directory from which it could have been read."""
    run = RunDirectory(path)
    run.logs.mkdir(parents=True)
    write_whole(run.manifest, evidence.manifest)
    write_whole(run.plan, evidence.plan)
    write_whole(run.target, evidence.subject)
    if evidence.audit is not None:
        write_whole(run.audit, evidence.audit)
    for file, rows in (
        (run.requests, evidence.requests),
        (run.servers, evidence.servers),
        (run.generator, evidence.generator),
        (run.events, evidence.events),
        (run.acknowledged, evidence.acknowledged),
        (run.jobs, evidence.jobs),
    ):
        with Appender(file) as appender:
            appender.append(*rows)
    if evidence.reconciliation is not None:
        write_whole(run.reconciliation, evidence.reconciliation)
    start = evidence.event("load-start")
    if evidence.nginx_requests is not None and start is not None:
        with (run.logs / "nginx-access.jsonl").open("w") as log:
            for second, count in evidence.nginx_requests:
                row = {"msec": start.wall_seconds + second + 0.5, "request_time": 0.0, "path": "/"}
                log.write((json.dumps(row, separators=(",", ":")) + "\n") * count)


class _Text(HTMLParser):
    """What a page says, block by block."""

    BLOCKS = frozenset(
        {"tr", "p", "li", "h1", "h2", "h3", "dt", "figcaption", "summary", "section", "desc", "pre", "div"}
    )
    SILENT = frozenset({"style", "script"})

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        if tag in self.BLOCKS:
            self.lines.append("")
        elif tag == "br":
            self.lines[-1] += " "
        elif tag in {"td", "th", "dd", "text", "title"}:
            self.lines[-1] += " · "

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self.SILENT
        if tag in self.BLOCKS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines[-1] += data


def text_of(page: str) -> str:
    """The words of a page, without its markup, one block to a line."""
    parser = _Text()
    parser.feed(page)
    lines = (" ".join(line.split()).removeprefix("· ") for line in parser.lines)
    return "\n".join(line for line in lines if line) + "\n"


def main() -> None:
    """Make the golden run directories anew."""
    for case in CASES:
        path = ROOT / case / "run"
        if path.exists():
            shutil.rmtree(path)
        write_run(path, make_golden_evidence(case))


if __name__ == "__main__":
    main()
