"""Systems from their TOML files: find, read, check, with all mistakes of a file reported at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import TargetError
from harness.model.slo import PAGE_SLIS
from harness.model.target import CapacityTarget, Stage
from harness.model.units import Unit, parse_quantity
from harness.planning.audit import mistakes as audit_mistakes
from harness.planning.paths import STAGE_TABLES
from harness.planning.predictions import mistakes as prediction_mistakes
from targets.hints import did_you_mean
from targets.rows import GROUP_WORDS
from targets.schema import TargetFile
from targets.vocabulary import KNOWN_FIGURES, METRIC_PREFIX

TARGETS_FOLDER = Path(__file__).parent
"""Where the systems that come with Proofload lie."""

STAGED = ("rules", "audit", "predictions")
"""Tables whose rows may name the stages that they hold for."""

_HINT = "docs/your-own-system.md explains each field; targets/lectio.toml is a whole file"


def system_names(folder: Path = TARGETS_FOLDER) -> tuple[str, ...]:
    """The systems that come with Proofload, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def target_path(system: str, folder: Path = TARGETS_FOLDER) -> Path:
    """The TOML file of a system: its name, or a path to one's own. Raises TargetError."""
    if "/" in system or system.endswith(".toml"):
        path = Path(system).expanduser()
        if not path.is_file():
            raise TargetError("no such file", str(path), "give the path of a system's TOML file, or a system's name")
        return path
    path = folder / f"{system.lower()}.toml"
    if system.lower() not in system_names(folder):
        known = ", ".join(system_names(folder))
        close = get_close_matches(system.lower(), system_names(folder), n=1)
        hint = f'did you mean "{close[0]}"? ' if close else ""
        raise TargetError(
            f'no system is called "{system}"', "SYSTEM", f"{hint}systems: {known}; or a path to your own TOML"
        )
    return path


def digest(path: Path) -> str:
    """The SHA-256 of the file, which the manifest of a run keeps."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_target(system: str, folder: Path = TARGETS_FOLDER) -> CapacityTarget:
    """The system of that name, or of one's own TOML file. Raises TargetError with every mistake of the file."""
    return load_file(target_path(system, folder))


def load_file(path: Path) -> CapacityTarget:
    """The system in that file. Raises TargetError with every mistake of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError("the file cannot be read as text", f"{path}: {error}") from error
    return parse_target(text, path.name)


def parse_target(text: str, file_name: str) -> CapacityTarget:
    """The system that the text describes. Raises TargetError with every mistake of it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError("not a TOML file", f"{file_name}: {error}", "toml.io describes the format") from error
    return target_of(raw, file_name)


def target_of(raw: Mapping[str, Any], file_name: str) -> CapacityTarget:
    """The system that the file's content describes. Raises TargetError with every mistake of it."""
    mistakes: list[tuple[str, str]] = []
    try:
        parsed = TargetFile.model_validate(raw)
    except ValidationError as error:
        mistakes += [_mistake(problem) for problem in error.errors(include_url=False)]
    mistakes += _rules(raw)
    if mistakes:
        lines = list(dict.fromkeys(f"{file_name} › {path}: {message}" for path, message in mistakes))
        raise TargetError(_count(lines, file_name), lines, _HINT)
    target = parsed.target()
    unsound = [f"{file_name} › audit.{name}: {message}" for name, message in audit_mistakes(target)]
    unsound += [f"{file_name} › predictions.{name}: {message}" for name, message in prediction_mistakes(target)]
    if unsound:
        raise TargetError(_count(unsound, file_name), unsound, _HINT)
    return target


def _count(mistakes: list[str], file_name: str) -> str:
    return f"{'1 mistake' if len(mistakes) == 1 else f'{len(mistakes)} mistakes'} in {file_name}"


def find_stage(target: CapacityTarget, name: str) -> Stage:
    """The stage of that name, in any case. Raises TargetError."""
    try:
        return target.stage(name)
    except KeyError:
        stages = ", ".join(stage.name for stage in target.stages)
        raise TargetError(f'{target.title} has no stage "{name}"', "--stage", f"stages: {stages}") from None


# Mistakes of form ------------------------------------------------------------------------------------------------


def _mistake(problem: Mapping[str, Any]) -> tuple[str, str]:
    """A path and a sentence for one of pydantic's errors."""
    place = list(problem["loc"])
    kind = problem["type"]
    given = problem["input"]
    if kind == "value_error":
        if place and place[-1] == "is":
            place.pop()
        return _path(place), str(problem["ctx"]["error"])
    if kind == "missing":
        key = place.pop()
        if key == "cite":
            return _path(place), 'no citation; write cite = "the section\'s heading", in the row or once for its table'
        if key == "is":
            return _path(place), 'no value; write is = "80/s"'
        return _path([*place, key]), "missing"
    if kind == "extra_forbidden":
        return _path(place), f'unknown key "{place[-1]}"{did_you_mean(str(place[-1]), _keys_at(place[:-1]))}'
    if kind in ("enum", "literal_error"):
        return _path(place), f'"{given}" is not possible here; write {problem["ctx"]["expected"]}'
    if kind == "string_pattern_mismatch":
        return _path(place), f'"{given}" has characters that a name may not have'
    if kind in ("string_type", "list_type", "tuple_type", "dict_type", "model_type", "float_type"):
        wanted = {
            "string_type": "text in quotes",
            "list_type": "a list: [ … ]",
            "tuple_type": "a list: [ … ]",
            "dict_type": "a table",
            "model_type": "a table: { … }",
            "float_type": "a number",
        }[kind]
        return _path(place), f"write {wanted}"
    return _path(place), str(problem["msg"])


def _keys_at(place: Iterable[str | int]) -> list[str]:
    """The keys that the schema knows at a place of the file."""
    schema = _json_schema()
    node: Any = schema
    for part in place:
        node = _resolve(schema, node)
        node = node.get("items", {}) if isinstance(part, int) else _child(node, part)
    return list(_resolve(schema, node).get("properties", {}))


@cache
def _json_schema() -> dict[str, Any]:
    return TargetFile.model_json_schema()


def _child(node: Any, key: str) -> Any:
    found = node.get("properties", {}).get(key)
    return found if found is not None else node.get("additionalProperties") or {}


def _resolve(schema: Any, node: Any) -> Any:
    while isinstance(node, dict) and ("$ref" in node or "anyOf" in node):
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        else:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
    return node if isinstance(node, dict) else {}


def _path(place: Iterable[str | int]) -> str:
    """``stages[1].load.peak_rps``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


# Mistakes across tables, looked for in the raw file so that a mistake of form elsewhere hides none of them ----------


def _rules(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stages = _tables(raw.get("stages"))
    shared = _table(raw.get("every_stage"))
    yield from _figure_names("every_stage", shared, {})
    shared_names = dict(_figures("every_stage", shared))
    for index, stage in stages:
        yield from _figure_names(f"stages[{index}]", stage, shared_names)
    yield from _twice((f"stages[{index}].name", str(stage.get("name", "")).lower()) for index, stage in stages)
    common = [(f"slos[{index}]", slo) for index, slo in _tables(raw.get("slos"))]
    yield from _twice((f"{place}.id", str(slo.get("id"))) for place, slo in common if "stages" not in slo)
    for table in ("claims", "rules", "audit", "predictions"):
        rows = _tables(raw.get(table))
        yield from _twice((f"{table}[{index}].id", str(row.get("id"))) for index, row in rows if "id" in row)
    bounded = common + [
        (f"stages[{index}].slos[{row}]", slo) for index, stage in stages for row, slo in _tables(stage.get("slos"))
    ]
    for place, slo in bounded:
        if slo.get("sli") in PAGE_SLIS and "browser" not in raw:
            yield f"{place}.sli", "needs the table [browser]: the page that is to be opened"
    metrics = list(_table(raw.get("metrics")))
    judged = bounded + [(f"rules[{index}]", row) for index, row in _tables(raw.get("rules"))]
    for place, key, name in ((place, key, str(row.get(key))) for place, row in judged for key in ("sli", "only_with")):
        own = name.removeprefix(METRIC_PREFIX)
        if own != name and own not in metrics:
            yield f"{place}.{key}", f'no metric is called "{own}"{did_you_mean(own, metrics)}'
    names = [str(stage.get("name")) for _, stage in stages]
    naming = [(f"{table}[{index}]", row) for table in STAGED for index, row in _tables(raw.get(table))]
    for place, row in common + naming:
        wanted = row.get("stages")
        for name in wanted if isinstance(wanted, list) else ():
            if name not in names:
                yield f"{place}.stages", f'no stage is called "{name}"{did_you_mean(str(name), names)}'
    for index, stage in stages:
        other, others = stage.get("normal_from"), [name for name in names if name != stage.get("name")]
        if other is not None and other not in others:
            hint = did_you_mean(str(other), others)
            yield f"stages[{index}].normal_from", f'no other stage is called "{other}"{hint}'
    for index, stage in stages:
        holding = [(place, slo) for place, slo in common if stage.get("name") in slo.get("stages", [])]
        holding += [(f"stages[{index}].slos[{row}]", slo) for row, slo in _tables(stage.get("slos"))]
        everywhere = [(place, slo) for place, slo in common if "stages" not in slo]
        yield from _twice((f"{place}.id", str(slo.get("id"))) for place, slo in everywhere + holding if "id" in slo)


def _figure_names(place: str, stage: Mapping[str, Any], shared: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = dict(shared)
    for name, where in _figures(place, stage):
        if name in seen:
            yield where, f"a figure of that name stands in {seen[name]} already"
        seen[name] = where
        close = get_close_matches(name, KNOWN_FIGURES, n=1, cutoff=0.87)
        if name not in KNOWN_FIGURES:
            if close:
                yield where, f'no figure that the harness reads is called so; did you mean "{close[0]}"?'
            continue
        unit = _unit(_at(stage, where.removeprefix(f"{place}.")))
        if unit is not None and unit is not KNOWN_FIGURES[name]:
            yield where, f"is in {unit}, but {name} is in {KNOWN_FIGURES[name]}"


def _figures(place: str, stage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group in STAGE_TABLES:
        for name in _table(stage.get(group)):
            if name not in GROUP_WORDS:
                yield name, f"{place}.{group}.{name}"


def _at(stage: Mapping[str, Any], where: str) -> Any:
    group, name = where.split(".", 1)
    return stage[group][name]


def _unit(row: Any) -> Unit | None:
    text = row.get("is") if isinstance(row, dict) else row
    try:
        return parse_quantity(str(text)).unit
    except ValueError:
        return None


def _twice(named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for where, name in named:
        if name in seen and seen[name] != where:
            yield where, f'"{name}" stands at {seen[name]} already'
        seen.setdefault(name, where)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[tuple[int, dict[str, Any]]]:
    rows = value if isinstance(value, list) else []
    return [(index, row) for index, row in enumerate(rows) if isinstance(row, dict)]
