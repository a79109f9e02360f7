"""The search's answer for programs and for CI: capacity.json, junit.xml, summary.md. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from xml.etree import ElementTree as ET

from pydantic import TypeAdapter

from harness.analysis.capacity import bracket_words, headroom_words, peak_words, rate_words
from harness.model.capacity import Bracket, SearchSettings, TrialResult
from harness.model.figure import Provenance
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from reports.capacity.material import CapacityMaterial
from reports.markdown import SYMBOLS, audit_lines, code, plain
from reports.text import fit
from reports.verdict_json import RunIdentity, identity

CapacitySchema = Literal["proofload.capacity/1"]
CAPACITY_SCHEMA: CapacitySchema = "proofload.capacity/1"


@dataclass(frozen=True, slots=True)
class CapacityFile:
    """capacity.json. planned_peak_provenance: stated, derived or assumed, since the outcome rests on it. headroom:
    capacity ÷ planned peak − 1, at the bracket's lower and upper end. complete: the search came to its own end."""

    schema: CapacitySchema
    run: RunIdentity
    outcome: Outcome
    headline: str
    more: str
    planned_peak_per_second: float
    planned_peak_provenance: Provenance
    bracket: Bracket
    middle_per_second: float | None
    headroom: tuple[float | None, float | None]
    complete: bool
    end: str
    settings: SearchSettings
    trials: tuple[TrialResult, ...]
    warnings: tuple[str, ...]
    not_proven: tuple[str, ...]


_ADAPTER: TypeAdapter[CapacityFile] = TypeAdapter(CapacityFile)


def capacity_json(material: CapacityMaterial) -> bytes:
    """The file's content."""
    verdict = material.verdict
    peak = verdict.planned_peak.value
    value = CapacityFile(
        schema=CAPACITY_SCHEMA,
        run=identity(material.found.manifest),
        outcome=verdict.outcome,
        headline=verdict.headline,
        more=verdict.more,
        planned_peak_per_second=peak,
        planned_peak_provenance=verdict.planned_peak.provenance,
        bracket=verdict.bracket,
        middle_per_second=verdict.bracket.middle_per_second,
        headroom=verdict.bracket.headroom(peak),
        complete=verdict.end.complete,
        end=verdict.end.reason,
        settings=material.found.search.settings,
        trials=verdict.results,
        warnings=verdict.warnings,
        not_proven=verdict.not_proven,
    )
    return _ADAPTER.dump_json(value, indent=2) + b"\n"


def capacity_junit(material: CapacityMaterial) -> bytes:
    """One test case: is the planned peak carried? A trial that fails is no failure, it is what the search looks for."""
    verdict, manifest = material.verdict, material.found.manifest
    place = f"{manifest.system}.{manifest.stage}"
    failed = verdict.outcome is Outcome.FAIL
    errors = verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.INVALID)
    seconds = f"{sum(result.took_seconds for result in verdict.results):.3f}"
    counts: dict[str, Any] = {"tests": "1", "failures": str(int(failed)), "errors": str(int(errors)), "time": seconds}
    root = ET.Element("testsuites", name=fit(f"proofload {place} capacity"), **counts)
    started = datetime.fromtimestamp(manifest.started_wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(
        root,
        "testsuite",
        name=fit(f"proofload {place} capacity"),
        skipped="0",
        timestamp=started,
        hostname="localhost",
        **counts,
    )
    name = f"carries the planned peak of {peak_words(verdict.planned_peak)}"
    case = ET.SubElement(suite, "testcase", classname=fit(f"{place}.capacity"), name=fit(name), time=seconds)
    if failed or errors:
        tag = "failure" if failed else "error"
        text = "\n".join(filter(None, (verdict.headline, verdict.more)))
        ET.SubElement(case, tag, type=verdict.outcome, message=fit(verdict.headline)).text = fit(text)
    lines = [f"{verdict.outcome}: {verdict.headline}", verdict.more, *(_trial_words(each) for each in verdict.results)]
    ET.SubElement(case, "system-out").text = fit("\n".join(filter(None, lines)))
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _trial_words(result: TrialResult) -> str:
    trial = result.trial
    return (
        f"trial {trial.number}: {trial.purpose} {rate_words(trial.rate_per_second)} for {trial.measure_seconds:g} s: "
        f"{result.outcome}: {result.reason}"
    )


def capacity_markdown(material: CapacityMaterial) -> str:
    """Outcome, sentence, the bracket, the trials, what was not proven."""
    verdict, found = material.verdict, material.found
    stage = f"{plain(found.subject.title)}, stage {plain(found.subject.stage.name)}"
    peak = verdict.planned_peak.value
    lines = [
        f"## {SYMBOLS[verdict.outcome]} {verdict.outcome}: capacity of {stage}",
        "",
        plain(verdict.headline),
        "",
    ]
    lines += [plain(verdict.more), ""] if verdict.more else []
    lines += [f"**Cut short:** {plain(verdict.cut_short)}", ""] if verdict.cut_short else []
    lines += [
        f"**Capacity:** {bracket_words(verdict.bracket)} · planned peak {peak_words(verdict.planned_peak)} · "
        f"headroom {headroom_words(verdict.bracket, peak)}",
        "",
        "| Trial | Purpose | Load | Measured | Outcome | p95 | Good responses | Why |",
        "|--|--|--|--|--|--|--|--|",
    ]
    for result in verdict.results:
        trial = result.trial
        p95 = result.quantiles_seconds.get("0.95")
        lines.append(
            f"| {trial.number} | {trial.purpose} | {rate_words(trial.rate_per_second)} | {trial.measure_seconds:g} s | "
            f"{SYMBOLS[result.outcome]} {result.outcome} | "
            f"{'–' if p95 is None else format_quantity(p95, Unit.SECONDS)} | "
            f"{rate_words(result.throughput_per_second)} | {plain(result.reason)} |"
        )
    lines.append("")
    if verdict.not_proven:
        lines += ["**Not proven**", "", *(f"- {plain(line)}" for line in verdict.not_proven), ""]
    lines += audit_lines(found.audit)
    lines += [
        f"Report: `report.html` in run `{code(found.manifest.run_id)}` · profile {plain(found.manifest.profile)} · "
        f"seed {found.manifest.seed}",
        "",
    ]
    return fit("\n".join(lines))
