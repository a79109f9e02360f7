"""``proofload schema``: what an editor needs to complete and check a system's file."""

from __future__ import annotations

from harness.cli.output import print_json
from targets.json_schema import schema_json


def schema() -> None:
    """Print the JSON Schema of a system's TOML file (docs/target.schema.json is the same).

    Editors with a TOML language server (taplo, Even Better TOML) take it by a first line in the file:
    #:schema path/to/target.schema.json

    Examples:

      proofload schema
    """
    print_json(schema_json())
