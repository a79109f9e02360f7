import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from reports.verdict_json import VERDICTS_SCHEMA, read_verdicts, schema_json, verdicts_file, verdicts_json
from tests.support.report_values import make_report_evidence, make_verdict

DOCS = Path(__file__).parents[3] / "docs"


def test_survives_a_round_trip():
    evidence, verdict = make_report_evidence(), make_verdict()
    assert read_verdicts(verdicts_json(evidence, verdict)) == verdicts_file(evidence, verdict)


def test_names_its_schema_and_its_run():
    file = json.loads(verdicts_json(make_report_evidence(), make_verdict()))
    assert file["schema"] == VERDICTS_SCHEMA == "proofload.verdicts/1"
    assert file["run"]["started"] == "2026-11-20T16:50:12Z"
    assert file["verdicts"][0]["measurement"]["value"] == 0.074


def test_another_schema_is_refused():
    file = json.loads(verdicts_json(make_report_evidence(), make_verdict()))
    with pytest.raises(ValidationError):
        read_verdicts(json.dumps({**file, "schema": "proofload.verdicts/2"}).encode())


def test_the_documented_schema_is_current(update_golden):
    path = DOCS / "verdicts.schema.json"
    if update_golden:
        path.write_text(schema_json())
    assert path.read_text() == schema_json(), "run pytest with --update-golden"


def fields(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from fields(value)


def test_every_field_is_documented():
    text = (DOCS / "verdicts.md").read_text()
    assert [name for name in sorted(set(fields(json.loads(schema_json())))) if f"`{name}`" not in text] == []
