"""docs/accuracy.json, which keeps every table, and docs/accuracy.md, which is written from it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import scipy

from tests.accuracy.study import SEED, Table

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Accuracy: found against true

How far are Proofload's findings from the truth? Each table answers one question about systems whose truth is known,
through the code that judges real runs.
{made}

```sh
make accuracy
make accuracy REAL=1
make accuracy ONLY="steadiness stall"
```

The first remakes the tables in simulated time, some minutes on one core and the same figures every time; the second
those in real time, on a machine that does nothing else; the third single ones. The figures are in
[accuracy.json](accuracy.json) too.
"""
REAL_HEAD = """
# In real time

Made with `make accuracy REAL=1`: real servers, the real generator, real clocks. They differ from one time to the next.
"""


def load(folder: Path = DOCS) -> dict[str, Any]:
    """What was found before; nothing where there is no file yet."""
    path = folder / "accuracy.json"
    return dict(json.loads(path.read_text())) if path.exists() else {"seed": SEED, "tables": {}}


def save(name: str, table: Table, folder: Path = DOCS, *, real: bool = False) -> None:
    """Put a table in the place of the one of that name, and write the page anew."""
    found = load(folder)
    versions = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__}
    found["tables"][name] = {**asdict(table), "reached": table.reached, "real": real, "versions": versions}
    (folder / "accuracy.json").write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    (folder / "accuracy.md").write_text(page(found, order(found)))


def order(found: Mapping[str, Any]) -> list[str]:
    """The names of the tables as the studies are listed; what is not listed comes last."""
    from tests.accuracy.studies import NAMES

    return sorted(found["tables"], key=lambda name: (NAMES.index(name) if name in NAMES else len(NAMES), name))


def page(found: Mapping[str, Any], names: Sequence[str]) -> str:
    """The whole page."""
    tables = found["tables"]
    simulated = [name for name in names if not tables[name]["real"]]
    versions = sorted({_versions(tables[name]["versions"]) for name in simulated})
    made = f"Those in simulated time were made with seed {found['seed']}, {'; '.join(versions)}."
    parts = [HEAD.format(made=made), _summary(tables, names)]
    parts += [_section(tables[name], "##") for name in simulated]
    real = [name for name in names if tables[name]["real"]]
    if real:
        parts += [REAL_HEAD.replace("\n# ", "\n## "), *(_section(tables[name], "###") for name in real)]
    return "\n".join(parts)


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items(), reverse=True))


def _summary(tables: Mapping[str, Any], names: Sequence[str]) -> str:
    lines = ["| question | time | required | reached |", "|--|--|--|--|"]
    for name in names:
        table = tables[name]
        required = ", ".join(dict.fromkeys(row["required"] for row in table["rows"] if row["reached"] is not None))
        link = f"[{table['title']}](#{_anchor(table['title'])})"
        lines.append(
            f"| {link} | {'real' if table['real'] else 'simulated'} | {required} | {_reached(table['rows'])} |"
        )
    return "\n".join(lines) + "\n"


def _reached(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [row["reached"] for row in rows if row["reached"] is not None]
    return "yes" if all(known) else f"in {sum(known)} of {len(known)}"


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in "_- ")
    return kept.replace(" ", "-")


def _section(table: Mapping[str, Any], level: str) -> str:
    columns = [*table["columns"], "required", "reached"]
    lines = [
        f"{level} {table['title']}",
        "",
        f"Truth: {table['truth']}.",
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "--|" * len(columns),
    ]
    for row in table["rows"]:
        reached = {True: "yes", False: "**no**", None: "–"}[row["reached"]]
        lines.append("| " + " | ".join((*row["cells"], row["required"] or "–", reached)) + " |")
    for note in table["notes"]:
        lines += ["", note]
    return "\n".join(lines) + "\n"
