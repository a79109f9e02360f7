"""The servers of a run, without any."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

import harness.experiment.servers as subject
from harness.errors import MissingProgram
from harness.experiment.servers import STALE_PERIODS, bring_up
from harness.experiment.settings import Settings
from harness.model.samples import ServerSample
from harness.model.target import FlowKind
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.store.layout import RunDirectory
from targets.loader import find_stage, load_target


@pytest.fixture
def external(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A system that runs already, on a machine with no program at all."""
    monkeypatch.setattr("harness.stack.programs._locate", lambda name: None)
    target = load_target("lectio")
    stage = find_stage(target, "A")
    plan = build_plan(target, stage, profile_named("smoke"), seed=7)
    return Settings(target, stage, plan, tmp_path, Path("flows.py"), "digest", "", base_url="http://127.0.0.1:8000")


def up(settings: Settings, tmp_path: Path) -> subject.Servers:
    return bring_up(settings, RunDirectory(tmp_path), lambda text: None, lambda: None)


def test_an_external_stack_needs_no_servers_installed_here(external: Settings, tmp_path: Path) -> None:
    flows = tuple(flow for flow in external.plan.flows if flow.kind is not FlowKind.UPLOAD)
    streams = tuple(s for s in external.plan.streams if s.flow in {flow.name for flow in flows})
    servers = up(replace(external, plan=replace(external.plan, flows=flows, streams=streams)), tmp_path)
    assert servers.base_url == "http://127.0.0.1:8000"
    assert "PROOFLOAD_CLIP" not in servers.generator_environment
    assert servers.generator_environment["PROOFLOAD_STUDENTS"] == "3000"


def test_its_uploads_need_ffmpeg_and_nothing_else(external: Settings, tmp_path: Path) -> None:
    with pytest.raises(MissingProgram, match="not installed: ffmpeg") as caught:
        up(external, tmp_path)
    assert caught.value.exit_code == 20


def test_a_sampler_that_has_fallen_silent_says_nothing_of_now(
    external: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "find_ffmpeg", lambda: Path("ffmpeg"))
    monkeypatch.setattr(subject, "ensure_clip", lambda ffmpeg: Path("clip.mp4"))
    age = [0.5]

    class Sampling:
        def __init__(self, *_: object) -> None:
            pass

        def start(self) -> None:
            pass

        def latest(self, source: str) -> ServerSample:
            return ServerSample(time.monotonic() - age[0], source, {"cpu_busy_ratio": 0.99})

    monkeypatch.setattr(subject, "Sampling", Sampling)
    servers = up(external, tmp_path)
    servers.start_sampling(RunDirectory(tmp_path))
    assert servers.latest()["host.cpu_busy_ratio"] == 0.99
    age[0] = STALE_PERIODS + 1.0
    assert servers.latest() == {}


def test_each_run_on_one_stack_keeps_its_own_part_of_nginx_s_log(
    external: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "find_ffmpeg", lambda: Path("ffmpeg"))
    monkeypatch.setattr(subject, "ensure_clip", lambda ffmpeg: Path("clip.mp4"))
    monkeypatch.setattr(subject, "make_samplers", lambda targets: ())
    home = RunDirectory(tmp_path)
    home.logs.mkdir()
    home.nginx_log.write_bytes(b"before\n")
    servers = up(external, tmp_path)
    kept = []
    for number in (1, 2):
        run = home.trial(number)
        run.logs.mkdir(parents=True)
        servers.start_sampling(run)
        with home.nginx_log.open("ab") as log:
            log.write(f"trial {number}\n".encode())
        servers.stop_sampling()
        kept.append(run.nginx_log.read_bytes())
    servers.start_sampling(home)
    servers.stop_sampling()
    assert kept == [b"trial 1\n", b"trial 2\n"]
    assert home.nginx_log.read_bytes() == b"before\ntrial 1\ntrial 2\n"
