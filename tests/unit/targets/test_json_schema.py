"""docs/target.schema.json: current, and true of every file as people write it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from targets.json_schema import PAGE, schema_json
from targets.loader import TARGETS_FOLDER, system_names

JSON_TYPES = {"object": dict, "array": list, "string": str, "number": int | float, "integer": int, "boolean": bool}


def faults(schema: dict[str, Any], value: Any, whole: dict[str, Any], place: str = "") -> Iterator[str]:
    """What the schema has against the value; the words of JSON Schema that this one uses."""
    if "$ref" in schema:
        yield from faults(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, whole, place)
    if "anyOf" in schema:
        found = [list(faults(option, value, whole, place)) for option in schema["anyOf"]]
        if all(found):
            yield from found[-1]  # the short form comes first, the whole one last
    kind = schema.get("type")
    if kind == "null" or (kind and not isinstance(value, JSON_TYPES[kind])):
        yield f"{place}: no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value} is not {schema['const']}"
    if isinstance(value, str) and (
        len(value) < schema.get("minLength", 0) or not re.search(schema.get("pattern", ""), value)
    ):
        yield f"{place}: {value}"
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from faults(schema.get("items", {}), each, whole, f"{place}[{index}]")
    if isinstance(value, dict) and kind == "object":
        known = schema.get("properties", {})
        yield from (f"{place}: {key} is missing" for key in schema.get("required", []) if key not in value)
        for key, each in value.items():
            if key in known:
                yield from faults(known[key], each, whole, f"{place}.{key}")
            elif schema.get("additionalProperties") is False:
                yield f"{place}: {key} is unknown"
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from faults(schema["additionalProperties"], each, whole, f"{place}.{key}")


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(schema_json())
    return loaded


def test_the_documented_schema_is_current(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(schema_json(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == schema_json(), "run python -m targets.json_schema"


@pytest.mark.parametrize("name", system_names())
def test_every_file_keeps_it(name: str) -> None:
    raw = tomllib.loads((TARGETS_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    whole = schema()
    assert list(faults(whole, raw, whole)) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("stages", 0, "load", "peak_rps"), 80, ".stages[0].load.peak_rps: no object"),
        (("stages", 0, "load", "peak_rps"), {"iss": "80/s"}, ".stages[0].load.peak_rps: is is missing"),
        (("stages", 0, "laod"), {}, ".stages[0]: laod is unknown"),
        (("slos", 0, "levels"), "peak", ".slos[0].levels: no array"),
        (("audit", 0, "grade"), "bad", ".audit[0].grade: bad is none of ['contradiction', 'tension', "),
        (("format",), 2, ".format: 2 is not 1"),
    ],
)
def test_it_finds_mistakes(path: tuple[str | int, ...], value: Any, fault: str) -> None:
    raw: Any = tomllib.loads((TARGETS_FOLDER / "lectio.toml").read_text(encoding="utf-8"))
    node = raw
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    whole = schema()
    assert any(found.startswith(fault) for found in faults(whole, raw, whole)), list(faults(whole, raw, whole))
