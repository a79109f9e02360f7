"""The JSON Schema of a system's file, as people write it: with the short forms, and what a table gives its rows.

python -m targets.json_schema      writes docs/target.schema.json anew
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from targets.schema import TargetFile

PAGE = Path(__file__).parents[1] / "docs" / "target.schema.json"
_INHERITING = {"FigureRow": "is", "StatementRow": "text", "Bounds": "critical"}
"""Definitions that may be written as one value alone (the key), and whose citation may stand in their table."""


def schema_json() -> str:
    """The schema, as docs/target.schema.json holds it."""
    schema = TargetFile.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for name, key in _INHERITING.items():
        whole = definitions[name]
        whole["required"] = [each for each in whole.get("required", []) if each != "cite"]
        value = whole["properties"][key]
        short = next((option for option in value.get("anyOf", [value]) if option.get("type") == "string"), value)
        definitions[name] = {"anyOf": [{"type": "string", **_examples(short)}, whole], "title": whole["title"]}
    table = definitions["FigureTable"]
    table["additionalProperties"] = {"$ref": "#/$defs/FigureRow"}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _examples(value: dict[str, Any]) -> dict[str, Any]:
    return {"examples": value["examples"]} if "examples" in value else {}


if __name__ == "__main__":
    PAGE.write_text(schema_json(), encoding="utf-8")
