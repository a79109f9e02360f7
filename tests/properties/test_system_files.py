"""Whatever stands in a system's file, it is a system or a list of mistakes, never a traceback."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.model.figure import Citation, Figure, Provenance
from harness.model.target import CapacityTarget
from harness.model.units import Unit
from harness.planning.expression import evaluate
from targets.loader import TARGETS_FOLDER, system_names, target_of

FIGURE = Figure("rate", 50, Unit.PER_SECOND, Provenance.STATED, Citation("plan.md", "Load"), 80)
FILES = [tomllib.loads((TARGETS_FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in system_names()]

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["80/s", "5 %"])
)
KEYS = st.sampled_from(["cite", "is", "text", "x"])
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=6)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of the file below its top."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [place for key, each in inner for place in places(each, (*path, key))]


PLACES = [places(file) for file in FILES]
CHANGES = st.lists(st.tuples(st.integers(min_value=0, max_value=5000), ANYTHING), min_size=1, max_size=4)


def changed(file: int, changes: list[tuple[int, Any]]) -> dict[str, Any]:
    """A file with other values at some of its places, each given by a number."""
    raw = copy.deepcopy(FILES[file])
    for number, value in changes:
        path = PLACES[file][number % len(PLACES[file])]
        node: Any = raw
        try:
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has removed the place
    return raw


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=len(FILES) - 1), CHANGES)
def test_a_file_with_anything_in_it_gives_a_system_or_mistakes_with_their_places(file: int, changes: Any) -> None:
    try:
        target = target_of(changed(file, changes), "its.toml")
    except TargetError as error:
        assert error.where
        assert all(line.startswith("its.toml › ") for line in error.where)
    else:
        assert isinstance(target, CapacityTarget)


@given(st.text(alphabet="0123456789 .+-*/(),'abx_", max_size=40))
def test_any_expression_is_calculated_or_said_to_be_wrong(text: str) -> None:
    try:
        value = evaluate(text, lambda path: FIGURE)
    except ValueError as error:
        assert str(error)
    else:
        assert value.low <= value.high
        assert value.shown(Unit.COUNT)
