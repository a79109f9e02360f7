"""Where each thing lies in a run directory, and how a new one is named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The folder that a run leaves behind, and the only thing that the harness and its generator share."""

    path: Path

    @property
    def manifest(self) -> Path:
        """Who, what, when: a ``Manifest``."""
        return self.path / "manifest.json"

    @property
    def plan(self) -> Path:
        """The ``LoadPlan``, as executed."""
        return self.path / "plan.json"

    @property
    def target(self) -> Path:
        """The ``Stage`` with its SLOs and citations, as judged."""
        return self.path / "target.json"

    @property
    def audit(self) -> Path:
        """The whole plan held against itself when the run began: an ``AuditReport``."""
        return self.path / "audit.json"

    @property
    def requests(self) -> Path:
        """``RequestRow`` lines."""
        return self.path / "requests.jsonl"

    @property
    def servers(self) -> Path:
        """``ServerSample`` lines."""
        return self.path / "servers.jsonl"

    @property
    def pages(self) -> Path:
        """``PageView`` lines."""
        return self.path / "pages.jsonl"

    @property
    def browser(self) -> Path:
        """Chromium's profile while it runs; removed with it."""
        return self.path / "browser"

    @property
    def generator(self) -> Path:
        """``GeneratorSample`` lines."""
        return self.path / "generator.jsonl"

    @property
    def events(self) -> Path:
        """``Event`` lines, from the harness and from the generator."""
        return self.path / "events.jsonl"

    @property
    def acknowledged(self) -> Path:
        """``AcknowledgedWrite`` lines."""
        return self.path / "acknowledged.jsonl"

    @property
    def reconciliation(self) -> Path:
        """What the database said of them after the drain: a ``Reconciliation``."""
        return self.path / "reconciliation.json"

    @property
    def jobs(self) -> Path:
        """``JobEvent`` lines."""
        return self.path / "jobs.jsonl"

    @property
    def logs(self) -> Path:
        """Each process's own log."""
        return self.path / "logs"

    @property
    def stack(self) -> Path:
        """Data of the stack while it runs; removed with it."""
        return self.path / "stack"

    @property
    def search(self) -> Path:
        """Of a capacity search: what was searched for, a ``Search``."""
        return self.path / "search.json"

    @property
    def trials(self) -> Path:
        """Of a capacity search: ``TrialResult`` lines, one as each trial ends."""
        return self.path / "trials.jsonl"

    def trial(self, number: int) -> RunDirectory:
        """Of a capacity search: the run directory of one of its trials, counted from 1."""
        return RunDirectory(self.path / "trials" / f"{number:02d}")

    @property
    def capacity(self) -> Path:
        """Of a capacity search: its answer, for programs."""
        return self.path / "capacity.json"

    @property
    def claims_asked(self) -> Path:
        """Of measured claims: which, and how: a ``ClaimsAsked``."""
        return self.path / "asked.json"

    @property
    def pairs(self) -> Path:
        """Of measured claims: ``PairRun`` lines, one as each run ends; the runs lie beside this one."""
        return self.path / "pairs.jsonl"

    @property
    def claims(self) -> Path:
        """Of measured claims: what was found, for programs."""
        return self.path / "claims.json"

    @property
    def nginx_log(self) -> Path:
        """Every request that nginx answered, a line each."""
        return self.logs / "nginx-access.jsonl"

    @property
    def verdicts(self) -> Path:
        """The ``RunVerdict`` with its schema version."""
        return self.path / "verdicts.json"

    @property
    def report(self) -> Path:
        """For people."""
        return self.path / "report.html"

    @property
    def junit(self) -> Path:
        """For CI."""
        return self.path / "junit.xml"

    @property
    def summary(self) -> Path:
        """For a CI step summary."""
        return self.path / "summary.md"


def create_run_directory(root: Path, system: str, stage: str, kind: str, now: datetime) -> RunDirectory:
    """Make ``root/<UTC time>-<system>-<stage>-<kind>``; a number is added when it exists already.

    Raises ConfigError when the folder cannot be written.
    """
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{system}-{stage}-{kind}")
    stem = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{label}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for attempt in range(1000):
            path = root / (stem if attempt == 0 else f"{stem}-{attempt + 1}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            directory = RunDirectory(path.resolve())
            directory.logs.mkdir()
            return directory
    except OSError as error:
        raise ConfigError(
            f"the run folder cannot be written: {error.strerror}", str(root), "name another one with --runs DIR"
        ) from error
    raise ConfigError("a thousand runs of this second exist already", str(root))
