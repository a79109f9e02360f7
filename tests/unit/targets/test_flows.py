"""Flows and the classes that carry them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import TargetError
from targets.flows import check_flows, user_classes
from targets.loader import TARGETS_FOLDER, load_target, system_names

LOCUSTFILES = TARGETS_FOLDER.parent / "locustfiles"


@pytest.mark.parametrize("name", system_names())
def test_every_system_s_locustfile_has_its_flows(name: str) -> None:
    target = load_target(name)
    path = LOCUSTFILES / target.locustfile
    if not path.exists():
        pytest.skip(f"{target.locustfile} is not written yet: verify says so")
    check_flows(target, path)


def test_every_flow_without_a_class_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("class Teachers: ...\nclass Student: ...\nclass _Uploader: ...\n")
    with pytest.raises(TargetError, match="3 flows have no user class") as caught:
        check_flows(load_target("lectio"), path)
    assert caught.value.where[0] == (
        'lectio › flows.teacher: no class "Teacher" in mine.py; did you mean "Teachers"?'
    )  # fmt: skip
    assert user_classes(path) == ("Teachers", "Student")


def test_a_locustfile_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    with pytest.raises(TargetError, match="cannot be read"):
        user_classes(path)
    path.write_text("class :")
    with pytest.raises(TargetError, match="no Python"):
        user_classes(path)
