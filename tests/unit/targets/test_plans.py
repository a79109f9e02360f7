"""Every stage of every file in targets/ loads, is audited, planned and sized; each row says how it is checked."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from harness.model.plan import LevelName
from harness.model.target import Check
from harness.planning.audit import audit_plan
from harness.planning.budget import budget
from harness.planning.build import build_plan
from harness.planning.paths import figures_by_path
from harness.planning.profiles import PROFILES
from harness.planning.sizing import audience_of, connection_budget, size_of
from targets.coverage import NOBODY_ASKS
from targets.coverage_page import PAGE, coverage_page, shipped
from targets.loader import TARGETS_FOLDER, load_target, system_names

SYSTEMS = {name: load_target(name) for name in system_names()}
STAGES = [(name, stage.name) for name, target in SYSTEMS.items() for stage in target.stages]


@pytest.mark.parametrize(("system", "name"), STAGES)
def test_every_stage_can_be_planned_and_sized(system: str, name: str) -> None:
    target = SYSTEMS[system]
    stage = target.stage(name)
    for profile in PROFILES:
        plan = build_plan(target, stage, profile, seed=7)
        normal, peak, proof, recovery = (level.rate.value for level in plan.levels)
        assert 0 < normal == recovery <= peak
        assert proof == pytest.approx(stage.value("proof_factor", 3.0) * peak)
        assert [level.name for level in plan.levels] == list(LevelName)
        assert budget(plan, stage).requests > 0
    assert connection_budget(size_of(stage)).most_clients > 0


@pytest.mark.parametrize("system", SYSTEMS)
def test_its_audience_can_be_seeded(system: str) -> None:
    for stage in SYSTEMS[system].stages:
        assert all(count > 0 for _, count in audience_of(SYSTEMS[system], stage).people)


@pytest.mark.parametrize("system", SYSTEMS)
def test_its_audit_is_calculated_and_every_difference_is_put_into_words(system: str) -> None:
    report = audit_plan(SYSTEMS[system])
    assert len(report.findings) > 20
    assert [finding.id for finding in report.findings if not finding.agrees and not finding.says] == []
    assert len({finding.id for finding in report.findings}) == len(report.findings)
    for finding in report.findings:
        assert finding.citations, finding.id


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_measured_claim_speaks_of_an_endpoint_that_the_flows_ask_for(system: str) -> None:
    target = SYSTEMS[system]
    project = TARGETS_FOLDER.parent
    sources = (project / "locustfiles" / target.locustfile, project / "harness" / "loadgen" / "people.py")
    flows = "".join(path.read_text() for path in sources)
    asked_for = [claim.endpoint for claim in target.claims if claim.switch is not None and claim.endpoint]
    assert [endpoint for endpoint in asked_for if f'"{endpoint}"' not in flows] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_row_says_how_it_is_checked(system: str) -> None:
    rows = SYSTEMS[system].coverage
    assert [row.path for row in rows if row.why == NOBODY_ASKS] == []
    assert [row.path for row in rows if row.check in (Check.MODELLED, Check.STATED_ONLY) and not row.why] == []
    assert [path for path, count in Counter(row.path for row in rows).items() if count > 1] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_figure_has_a_row_of_coverage(system: str) -> None:
    target = SYSTEMS[system]
    paths = {row.path for row in target.coverage}
    derived = {"normal_rps", "normal_users", "normal_upload_rate"}  # by normal_from: they have no row of their own
    for path in figures_by_path(target):
        _, _, inner = path.split(".", 2) if path.startswith("stages.") else ("", "", path)
        whole = ".".join(path.split(".")[:2])
        slo = f"slos.{path.split('.')[3]}" if ".slos." in path else ""
        known = {path, f"every_stage.{inner}", whole, slo, path.rpartition(".")[0]} & paths
        assert known or path.rpartition(".")[2] in derived, path


def test_the_page_of_the_coverage_is_that_of_the_data(update_golden: bool) -> None:
    page = coverage_page(shipped())
    if update_golden:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run python -m targets.coverage_page"


def rows(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table of a file that quotes the document, with its place."""
    if isinstance(node, dict):
        if "quote" in node:
            yield place, node
        for key, inner in node.items():
            yield from rows(inner, f"{place}.{key}")
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from rows(inner, f"{place}[{index}]")


def numbers(text: str) -> set[float]:
    """Those of a text: ``$100K``, ``1,000``, ``0.7``; a multiple of ten written out counts as itself."""
    found = re.findall(r"(\d[\d,_]*(?:\.\d+)?)\s*([KMk])?", text)
    scales = {"": 1, "K": 1e3, "k": 1e3, "M": 1e6}
    return {float(number.replace(",", "").replace("_", "")) * scales[scale] for number, scale in found}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stated_number_stands_in_its_quote(system: str) -> None:
    """So that a mistyped figure shows. A quote without any number is of words: "add a read replica"."""
    raw = tomllib.loads((TARGETS_FOLDER / f"{system}.toml").read_text(encoding="utf-8"))
    wrong = [
        f"{place}: {text} is not in “{row['quote']}”"
        for place, row in rows(raw)
        if "assumed" not in row and "derived" not in row
        for text in quantities(row)
        if numbers(row["quote"]) and not numbers(text) <= numbers(row["quote"])
    ]
    assert wrong == []


def quantities(row: dict[str, Any]) -> Iterator[str]:
    """What a row of figures, an SLO, a claim or a rule says in numbers."""
    for key in ("is", *BOUNDS):
        value = row.get(key)
        yield from value.values() if isinstance(value, dict) else [value] if value is not None else []


BOUNDS = (
    *("at_most", "at_least"),
    *("above", "below", "for", "lead_time", "target", "over_below", "under_above", "uptime"),
    *("before", "after", "factor", "reduction", "increase"),
)
