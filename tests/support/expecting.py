"""A whole run against the oracle that waits for workers of other hosts, as a program of its own: URL, the address to
listen on, how many, the folder for runs. Prints what a person would see, then the verdict as a line of JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from harness.analysis.judge import judge
from harness.cli.workers import awaited
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.model.run import Manifest
from harness.planning.build import build_plan
from harness.planning.profiles import Profile
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from targets.loader import parse_target
from tests.oracle.test_oracle_pipeline import Watcher, two_levels
from tests.support.command import PROJECT

SHORT = Profile("short", 1, 2, 10, 1, 1.0, 0, False, 10, "for tests")
OF_A_BUSY_MACHINE = {"loop-lag", "schedule-lag", "generator-cpu"}
"""Checks that fail where something else runs beside the test."""


class Told(Watcher):
    """Prints what a person would see."""

    def __init__(self) -> None:
        super().__init__(lambda run, second: None)

    def step(self, text: str) -> None:
        print(text, flush=True)  # noqa: T201

    note = step

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        self.step(str(run.path))
        super().stack_ready(run, manifest)


def settings_for(url: str, runs: Path) -> Settings:
    """Two levels of the oracle's own system."""
    target = parse_target((PROJECT / "harness/oracle/target.toml").read_text(), "oracle.toml")
    stage = target.stage("1")
    return Settings(
        target=target,
        stage=stage,
        plan=two_levels(build_plan(target, stage, SHORT, seed=7)),
        runs=runs,
        locustfile=PROJECT / "locustfiles" / target.locustfile,
        plan_digest="",
        command="a test",
        base_url=url,
    )


def main(url: str, bind: str, count: str, runs: str) -> None:
    host = urlsplit(url).hostname or ""
    expected = awaited(int(count), bind, 60, workers=1, allowed=(host,), seen=True)
    evidence = read_run(execute(replace(settings_for(url, Path(runs)), awaited=expected), Told(), StopRequest()).path)
    verdict = judge(evidence)
    cells = {f"{each.slo_id} {each.level}": [each.outcome, list(each.tainted_by)] for each in verdict.verdicts}
    failed = [[each.id, each.level, each.value] for each in verdict.checks if each.passed is False]
    print(json.dumps({"outcome": verdict.outcome, "cells": cells, "failed": failed}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
