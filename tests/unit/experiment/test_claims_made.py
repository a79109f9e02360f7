"""The order of pairs, and that what was made is kept. The runs themselves are made up."""

from pathlib import Path

import pytest

import harness.experiment.claims as subject
from harness.cli.claims import print_claims
from harness.cli.conclude import conclude_claims, kind_of
from harness.cli.output import console
from harness.errors import StackError
from harness.experiment.claims import measure_claims
from harness.experiment.settings import Settings, StopRequest
from harness.model.claims import CLAIMS_KIND, ClaimsAsked, PairRun, Support
from harness.model.samples import Event
from harness.planning.claims import claims_to_measure, pair_plan
from harness.planning.trials import TRIAL_PROFILES
from harness.store.jsonl import Appender, read_lines
from harness.store.layout import RunDirectory
from targets.loader import load_target
from tests.support.evidence import make_evidence
from tests.support.golden import write_run

FLIGHT = load_target("flight-school")
STAGE = FLIGHT.stage("1")


class Watcher:
    """A ClaimsObserver that remembers."""

    def __init__(self):
        self.begun, self.notes = [], []

    def run_begins(self, switch, words, plan):
        self.begun.append(words)

    def run_ended(self, done):
        pass

    def note(self, text):
        self.notes.append(text)

    def step(self, text):
        pass


@pytest.fixture
def laboratory(tmp_path, monkeypatch):
    """Runs that take no time. happens: what one does instead, by its number from 0."""

    class Laboratory:
        def __init__(self):
            self.settings, self.happens = [], {}
            self.stop, self.watcher = StopRequest(), Watcher()

        def measure(self, *ids, budget=3600.0):
            plan = pair_plan(FLIGHT, STAGE, TRIAL_PROFILES[0], seed=7)
            claims = claims_to_measure(FLIGHT, ids)
            settings = Settings(FLIGHT, STAGE, plan, tmp_path, Path("flows.py"), "digest", "proofload claims")
            return measure_claims(settings, ClaimsAsked(claims, 1.0, 20.0, budget), self.watcher, self.stop)

    made = Laboratory()

    def execute(settings, observer, stop):
        number = len(made.settings)
        made.settings.append(settings)
        if number in made.happens:
            made.happens[number]()
        run = RunDirectory(tmp_path / f"run-{number}")
        write_run(run.path, make_evidence(median_seconds={"normal": 0.1 if number % 2 else 0.2}))
        run.events.unlink()
        with Appender(run.events) as events:
            events.append(*make_evidence().events[:-1], Event(2000, 2000, "run-end", {"reason": "complete"}))
        return run

    monkeypatch.setattr(subject, "execute", execute)
    return made


def test_a_pair_for_each_switch_without_and_with_the_same_load(laboratory):
    home = laboratory.measure("indexes", "n-plus-one")
    assert laboratory.watcher.begun == [
        "without database indexes, set on the command line",
        "with database indexes, set on the command line",
        "with N+1 queries, set on the command line",
        "without N+1 queries, set on the command line",
    ]
    assert len({id(settings.plan) for settings in laboratory.settings}) == 1
    assert [settings.deviations for settings in laboratory.settings] == [(words,) for words in laboratory.watcher.begun]
    assert [run.improved for run in read_lines(home.pairs, PairRun)] == [False, True, False, True]
    assert home.path.name.endswith("-claims")
    assert kind_of(home.path) == CLAIMS_KIND


def test_claims_of_one_switch_share_a_pair(laboratory):
    laboratory.measure("cache", "query-cache")
    assert len(laboratory.settings) == 2


def test_no_pair_is_begun_that_the_budget_does_not_hold(laboratory):
    home = laboratory.measure("indexes", "compression", budget=10.0)
    assert laboratory.settings == []
    _, _, found = conclude_claims(home.path)
    assert found.cut_short == "the budget is spent: indexes, compression not measured"


def test_what_was_made_before_an_interruption_is_kept(laboratory):
    laboratory.happens[2] = lambda: laboratory.stop.ask("Ctrl-C")
    home = laboratory.measure("indexes", "n-plus-one")
    _, evidence, found = conclude_claims(home.path)
    assert len(evidence.runs) == 3
    assert found.cut_short == "interrupted: Ctrl-C"
    assert found.results[1].support is Support.NOT_MEASURED


def fail():
    raise StackError("no PostgreSQL")


def test_a_first_run_that_cannot_be_made_is_an_error(laboratory):
    laboratory.happens[0] = fail
    with pytest.raises(StackError):
        laboratory.measure("indexes")


def test_a_later_one_ends_the_measurement(laboratory):
    laboratory.happens[1] = fail
    home = laboratory.measure("indexes")
    assert conclude_claims(home.path)[2].cut_short == "failed: no PostgreSQL"


def test_the_report_and_the_files(laboratory, capsys):
    home = laboratory.measure("indexes", "compression")
    directory, evidence, found = conclude_claims(home.path)
    first = directory.claims.read_bytes(), directory.report.read_bytes()
    conclude_claims(home.path)
    assert (directory.claims.read_bytes(), directory.report.read_bytes()) == first
    page = directory.report.read_text()
    assert "<title>MEASURED: Claims of Flight School, stage 1" in page
    assert "Indexes for common queries make queries 50 % faster" in page
    print_claims(console(), directory, evidence, found)
    printed = capsys.readouterr().out
    assert "indexes" in printed
    assert "no verdict" in printed
