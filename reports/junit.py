"""junit.xml: a test case for each SLO × level, and for each validity check. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from harness.model.evidence import Evidence
from harness.model.plan import PhaseName
from harness.model.verdict import CheckResult, Outcome, RuleVerdict, RunVerdict, Verdict
from reports.sections.promise import value_words
from reports.text import fit


def junit_xml(evidence: Evidence, verdict: RunVerdict) -> bytes:
    """The run as one test suite: FAIL is a failure, INCONCLUSIVE and INVALID are errors, no cell is skipped.

    A rule that has no say in the run's outcome, since the run was too short for it, is skipped and says what it takes.
    """
    manifest = evidence.manifest
    place = f"{manifest.system}.{manifest.stage}"
    cases = [_cell_case(place, evidence, cell) for cell in verdict.verdicts]
    cases += [_rule_case(place, evidence, rule) for rule in verdict.rules]
    tainting = {check for cell in verdict.everything for check in cell.tainted_by}
    cases += [_check_case(place, check, tainting=check.id in tainting) for check in verdict.checks]
    failures = sum(case.find("failure") is not None for case in cases)
    errors = sum(case.find("error") is not None for case in cases)
    suite = ET.Element(
        "testsuite",
        name=fit(f"proofload {place} {manifest.profile}{f' ({manifest.rehearsal})' if manifest.rehearsal else ''}"),
        tests=str(len(cases)),
        failures=str(failures),
        errors=str(errors),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{evidence.plan.duration_seconds:.3f}",
        timestamp=datetime.fromtimestamp(manifest.started_wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("run", manifest.run_id),
        ("outcome", verdict.outcome),
        ("severity", verdict.severity),
        ("seed", str(manifest.seed)),
        ("proofload", manifest.proofload_version),
        *((("rehearsal", manifest.rehearsal),) if manifest.rehearsal else ()),
    ):
        ET.SubElement(properties, "property", name=name, value=fit(value))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = fit(
        "\n".join([f"{verdict.outcome}: {verdict.headline}", *(f"not proven: {line}" for line in verdict.not_proven)])
    )
    root = ET.Element(
        "testsuites", {key: suite.get(key, "") for key in ("name", "tests", "failures", "errors", "time")}
    )
    root.append(suite)
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _cell_case(place: str, evidence: Evidence, cell: Verdict) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=fit(f"{place}.{cell.level}"),
        name=fit(cell.title),
        time=f"{_measured_seconds(evidence, cell.level):.3f}",
    )
    words = f"{value_words(cell.measurement)} against {cell.bound}: {cell.reason}"
    text = "\n".join([words, f"citation: {cell.citation}", *(f"unsound: {check}" for check in cell.tainted_by)])
    if cell.outcome is Outcome.FAIL:
        ET.SubElement(case, "failure", type=cell.outcome, message=fit(words)).text = fit(text)
    elif cell.outcome is not Outcome.PASS:
        ET.SubElement(case, "error", type=cell.outcome, message=fit(words)).text = fit(text)
    else:
        ET.SubElement(case, "system-out").text = fit(text)
    return case


def _rule_case(place: str, evidence: Evidence, rule: RuleVerdict) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=fit(f"{place}.{rule.level}.rules"),
        name=fit(f"{rule.title} {rule.condition}"),
        time=f"{_measured_seconds(evidence, rule.level):.3f}",
    )
    words = f"{rule.state}: {rule.reason}"
    text = "\n".join([words, f"citation: {rule.citation}", *(f"unsound: {check}" for check in rule.tainted_by)])
    if rule.outcome is Outcome.FAIL:
        ET.SubElement(case, "failure", type=rule.outcome, message=fit(words)).text = fit(text)
    elif rule.outcome is Outcome.PASS:
        ET.SubElement(case, "system-out").text = fit(text)
    elif rule.counts:
        ET.SubElement(case, "error", type=rule.outcome, message=fit(words)).text = fit(text)
    else:
        ET.SubElement(case, "skipped", message=fit(words))
    return case


def _check_case(place: str, check: CheckResult, *, tainting: bool) -> ET.Element:
    """tainting: whether any row is INVALID because of it. Where none is, a failed check is no error of the run's."""
    case = ET.Element(
        "testcase",
        classname=fit(f"{place}.{check.level or 'run'}.validity"),
        name=fit(check.title),
        time="0.000",
    )
    words = f"{check.value} against {check.limit}: {check.reason}"
    if check.passed is False and not tainting:
        ET.SubElement(case, "system-out").text = fit(f"failed, but no row hangs on it: {words}")
    elif check.passed is False:
        ET.SubElement(case, "error", type="INVALID", message=fit(words)).text = fit(words)
    elif check.passed is None:
        # What hangs on a check that could not be made is INCONCLUSIVE in its own test case; here it is only recorded.
        ET.SubElement(case, "skipped", message=fit(f"could not be evaluated: {check.reason}"))
    return case


def _measured_seconds(evidence: Evidence, level: str) -> float:
    try:
        return evidence.plan.level(level).phase(PhaseName.MEASURE).duration_seconds
    except KeyError:
        return 0.0
