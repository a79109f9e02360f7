"""Everything a person can get wrong before a run: three parts, exit 20, nothing started, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import harness.stack.programs
from harness.model.run import SCHEMA_VERSION
from targets.loader import TARGETS_FOLDER

LECTIO = (TARGETS_FOLDER / "lectio.toml").read_text()
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def refused(printed, tmp_path: Path):
    """Run a command that must be refused; its error, place and hint."""

    def call(*arguments: str) -> tuple[str, list[str], str]:
        runs = tmp_path / "runs"
        more = ("--runs", str(runs)) if arguments[0] == "verify" and "--runs" not in arguments else ()
        code, out, err = printed(*arguments, *more)
        assert code == 20, out + err
        assert out == ""
        assert "Traceback" not in err
        assert not runs.exists(), "nothing may be started before the input is found good"
        first, *others = err.splitlines()
        assert first.startswith("error: ")
        hints = [line for line in others if line.startswith(" hint: ")]
        places = [line[7:] for line in others if line.startswith(("   at: ", "       "))]
        assert len(places) + len(hints) == len(others), err
        return first.removeprefix("error: "), places, "".join(hints).removeprefix(" hint: ")

    return call


def test_an_unknown_system(refused) -> None:
    error, _, hint = refused("verify", "lectoi", "--stage", "A")
    assert error == 'no system is called "lectoi"'
    assert 'did you mean "lectio"?' in hint


def test_an_unknown_stage(refused) -> None:
    error, _, hint = refused("verify", "lectio", "--stage", "D")
    assert error == 'Lectio Space has no stage "D"'
    assert hint == "stages: A, B, C"


def test_an_unknown_profile(refused) -> None:
    assert "smok" in refused("verify", "lectio", "--stage", "A", "--profile", "smok")[0]


@pytest.mark.parametrize("workers", ["0", "65", "two"])
def test_a_number_of_workers_that_makes_no_sense(refused, workers: str) -> None:
    assert "'--workers'" in refused("verify", "lectio", "--stage", "A", "--workers", workers)[0]


@pytest.mark.parametrize(
    ("good", "bad", "place", "said"),
    [
        ('name = "lectio"', 'name = "lectio', "lectio-of-mine.toml", ""),
        ('peak_rps = { is = "50-80/s"', 'peak_rps = { is = "80"', "peak_rps", 'has no unit; write "80/s"'),
        ('peak_rps = { is = "50-80/s"', 'peak_rps = { is = "-80/s"', "peak_rps", "negative"),
        ('normal_rps = { is = "50/s", assumed =', 'normal_rps = { is = "50/s", asumed =', "normal_rps", "assumed"),
    ],
)
def test_a_file_that_is_wrong(refused, tmp_path: Path, good: str, bad: str, place: str, said: str) -> None:
    assert good in LECTIO
    path = tmp_path / "lectio-of-mine.toml"
    path.write_text(LECTIO.replace(good, bad, 1))
    _, places, _ = refused("verify", str(path), "--stage", "A")
    assert any(place in line and said in line for line in places), places


def test_all_mistakes_of_a_file_at_once(refused, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        LECTIO.replace('peak_rps = { is = "50-80/s"', 'peak_rps = { is = "80"', 1).replace(
            'teachers = { is = "300 count"', 'teachers = { is = "many"', 1
        )
    )
    error, places, _ = refused("verify", str(path), "--stage", "A")
    assert error.startswith("2 mistakes")
    assert len(places) == 2


def test_a_host_that_may_not_be_loaded(refused) -> None:
    _, _, hint = refused("verify", "lectio", "--stage", "A", "--stack", "external", "--host", "http://192.0.2.1:80")
    assert "--allow" in hint


def test_an_external_stack_without_a_host_and_a_host_without_one(refused) -> None:
    assert "--host" in refused("verify", "lectio", "--stage", "A", "--stack", "external")[2]
    assert "external" in refused("verify", "lectio", "--stage", "A", "--host", "http://127.0.0.1:1")[2]
    assert "native, compose or external" in refused("verify", "lectio", "--stage", "A", "--stack", "cloud")[2]


def test_a_locustfile_that_is_missing_or_lacks_a_flow(refused, tmp_path: Path) -> None:
    own = tmp_path / "flows.py"
    assert "no such locustfile" in refused("verify", "lectio", "--stage", "A", "--locustfile", str(own))[0]
    own.write_text("class Teacher:\n    pass\n")
    _, places, _ = refused("verify", "lectio", "--stage", "A", "--locustfile", str(own))
    assert any("Student" in line for line in places)


def test_a_runs_folder_that_cannot_be_written(printed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, _, err = printed("verify", "lectio", "--stage", "A", "--runs", str(tmp_path / "file"))
    assert code == 20
    assert err.splitlines()[1:] == [f"   at: {tmp_path / 'file'}", " hint: name another one with --runs DIR"]


def test_programs_that_are_missing(printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.stack.programs, "_locate", lambda name: None)
    code, _, err = printed("verify", "lectio", "--stage", "A", "--runs", str(tmp_path / "runs"))
    assert code == 20
    assert "postgres" in err
    assert "apt-get install" in err
    assert "Traceback" not in err


def test_a_folder_that_is_no_run(refused, tmp_path: Path) -> None:
    assert "manifest.json is missing" in refused("report", str(tmp_path))[0]
    assert "manifest.json is missing" in refused("report", str(tmp_path / "absent"))[0]


def test_a_run_of_a_newer_schema(refused, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(GOLDEN / "pass" / "run", run)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["schema_version"] = SCHEMA_VERSION + 1
    (run / "manifest.json").write_text(json.dumps(manifest))
    error, _, hint = refused("report", str(run))
    assert f"schema {SCHEMA_VERSION + 1}" in error
    assert "upgrade" in hint


def test_a_run_cut_off_in_the_middle_of_a_line_is_no_bad_input(printed, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(GOLDEN / "pass" / "run", run)
    for name in ("requests.jsonl", "servers.jsonl", "events.jsonl"):
        text = (run / name).read_bytes()
        (run / name).write_bytes(text[: len(text) * 2 // 3])
    code, out, _ = printed("report", str(run))
    assert code == 11
    assert "cut short" in " ".join(out.split())
    assert (run / "report.html").exists()
