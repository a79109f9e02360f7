"""docs/accuracy.md is what docs/accuracy.json says."""

from __future__ import annotations

from pathlib import Path

from tests.accuracy.document import DOCS, load, order, page, save
from tests.accuracy.studies import STUDIES
from tests.accuracy.study import Row, Table

TABLE = Table(
    "Is it so?", "known", ("what", "found"), (Row(("a", "1 %"), "≤ 5 %", True), Row(("b", "7 %"), "≤ 5 %", False))
)


def test_the_page_is_written_from_the_figures() -> None:
    found = load()
    assert (DOCS / "accuracy.md").read_text() == page(found, order(found))
    assert {study.name for study in STUDIES} <= found["tables"].keys()


def test_a_table_says_what_was_not_reached(tmp_path: Path) -> None:
    save("new", TABLE, tmp_path)
    text = (tmp_path / "accuracy.md").read_text()
    assert "| [Is it so?](#is-it-so) | simulated | ≤ 5 % | in 1 of 2 |" in text
    assert "| b | 7 % | ≤ 5 % | **no** |" in text


def test_real_tables_stand_apart_and_stay(tmp_path: Path) -> None:
    save("stall-real", TABLE, tmp_path, real=True)
    save("bounds", TABLE, tmp_path)
    text = (tmp_path / "accuracy.md").read_text()
    assert text.index("## In real time") > text.index("## Is it so?")
    assert "### Is it so?" in text
    assert order(load(tmp_path)) == ["bounds", "stall-real"]
