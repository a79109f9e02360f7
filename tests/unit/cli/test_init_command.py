"""``proofload init``: files that work as they stand, and that overwrite nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.exitcodes import ExitCode
from harness.planning.sizing import audience_of, size_of
from targets.flows import check_flows
from targets.json_schema import schema_json
from targets.loader import load_target


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_load_plan_and_fit_together(folder: Path, printed) -> None:
    code, out, _ = printed("init", "my-shop")
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["my-shop.toml", "my_shop_flows.py"]
    assert "proofload verify ./my-shop.toml --stage 1" in out
    target = load_target("./my-shop.toml")
    check_flows(target, folder / target.locustfile)
    stage = target.stage("1")
    size_of(stage)
    assert audience_of(target, stage).product == "lectio"
    assert printed("show", "./my-shop.toml")[0] == 0
    code, out, _ = printed("plan", "./my-shop.toml", "--stage", "1", "--json")
    assert code == 0
    assert json.loads(out)


def test_the_first_line_leads_editors_to_the_schema(folder: Path, printed) -> None:
    printed("init", "shop")
    first = (folder / "shop.toml").read_text().splitlines()[0]
    assert first.startswith("#:schema ")
    assert (folder / first.removeprefix("#:schema ")).read_text() == schema_json()


def test_every_key_and_table_of_the_plan_is_explained_or_stands_in_one_that_is(folder: Path, printed) -> None:
    printed("init", "shop")
    text = (folder / "shop.toml").read_text()
    assert "@" not in text.replace("@task", "")
    lines = text.splitlines()
    for table in tomllib.loads(text)["stages"][0]:
        if table in ("audience", "server", "sizing", "load"):
            assert any(line.startswith(f"[stages.{table}]") and "#" in line for line in lines), table


def test_ruff_has_nothing_against_the_flows(folder: Path, printed) -> None:
    printed("init", "shop")
    # Whether Proofload's imports come before or after locust's depends on the user's own configuration.
    words = ("ruff", "check", "--isolated", "--ignore", "I001", "shop_flows.py")
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("present", ["shop.toml", "shop_flows.py"])
def test_nothing_is_overwritten(folder: Path, present: str, printed) -> None:
    (folder / present).write_text("mine")
    code, _, err = printed("init", "shop")
    assert code == ExitCode.BAD_INPUT
    assert present in err
    assert (folder / present).read_text() == "mine"
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["Shop", "../shop", "-shop", "lectio", "", "shöp"])
def test_names_that_cannot_be(folder: Path, name: str, printed) -> None:
    assert printed("init", "--", name)[0] == ExitCode.BAD_INPUT
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(folder: Path, printed, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    code, _, err = printed("init", "shop")
    assert code == ExitCode.BAD_INPUT
    assert "Permission denied" in err
