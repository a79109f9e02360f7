"""Machine code is used for exactly the sources that it was made of."""

from __future__ import annotations

import shutil

import pytest

from harness import compiled


@pytest.fixture
def checkout(tmp_path):
    for name in (*compiled.SOURCES, *compiled.BUILT_ON):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(compiled.ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", [*compiled.SOURCES, *compiled.BUILT_ON])
def test_who_edits_a_source_runs_what_he_wrote(checkout, name):
    made = compiled.folder(checkout)
    made.mkdir(parents=True)
    assert compiled.state(checkout) == "compiled"
    with (checkout / name).open("a") as file:
        file.write("\n")
    assert compiled.folder(checkout) != made
    assert compiled.state(checkout) != "compiled"


def test_two_checkouts_of_the_same_sources_have_the_same_name(checkout):
    assert compiled.folder(checkout).name == compiled.folder().name


def test_why_nothing_is_compiled(checkout, monkeypatch):
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert compiled.state(checkout) == "no C compiler"
    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/usr/bin/gcc")
    monkeypatch.setattr(compiled.sysconfig, "get_paths", lambda: {"include": str(checkout)})
    assert compiled.state(checkout) == "no headers of Python"
    (checkout / "Python.h").touch()
    assert compiled.state(checkout) == compiled.CAN_BE_COMPILED
    (checkout / compiled.SOURCES[0]).unlink()
    assert compiled.state(checkout) == "installed without its sources"


def test_what_is_asked_for_and_missing_is_an_error(checkout, monkeypatch):
    monkeypatch.setattr(compiled, "folder", lambda: checkout / "nowhere")
    monkeypatch.setenv("PROOFLOAD_COMPILED", "yes")
    with pytest.raises(ImportError, match="make setup"):
        compiled.use.__wrapped__()
    monkeypatch.setenv("PROOFLOAD_COMPILED", "no")
    assert compiled.use.__wrapped__() is False
    monkeypatch.delenv("PROOFLOAD_COMPILED")
    assert compiled.use.__wrapped__() is False
