"""Every stage of every system, as `docker compose config` understands it. Needs the command and no engine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.planning.sizing import audience_of, size_of
from harness.stack.compose_engine import environment
from harness.stack.compose_render import COMPOSE_FILE, Options, render, write
from harness.stack.host import HostSize, share_of
from targets.loader import load_target
from tests.stack_contract.engine import no_compose

SYSTEMS = ("lectio", "course-organizer", "chitlaq", "flight-school", "mina")
STAGES = [(system, stage.name) for system in SYSTEMS for stage in load_target(system).stages]
HOST = HostSize(2, 8 * 1024**3)
CONFIG = ("config", "--format=json")
ADDED_CAPABILITIES = ("cap_add", "privileged", "network_mode", "pid", "ipc", "userns_mode", "devices")


@pytest.fixture(autouse=True)
def _compose() -> None:
    if why := no_compose():
        pytest.skip(why)


@pytest.mark.parametrize(("system", "stage"), STAGES)
def test_compose_accepts_every_stage(tmp_path: Path, system: str, stage: str) -> None:
    target = load_target(system)
    chosen = target.stage(stage)
    size = size_of(chosen)
    options = Options("proofload-test", tmp_path / "stack", tmp_path / "logs")
    made = render(size, audience_of(target, chosen), share_of(HOST, size), options, seed=7)
    write(made, options.folder)
    done = subprocess.run(
        ("docker", "compose", f"--env-file={options.folder}/stack.env", f"--file={COMPOSE_FILE}", *CONFIG),
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), "a variable that nobody sets"
    services = json.loads(done.stdout)["services"]
    assert set(services) == set(made.services)
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not set(ADDED_CAPABILITIES) & service.keys(), name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name
        if name != "setup":
            assert service["healthcheck"]["test"][:2] == ["CMD", "healthy"], name
        if name != "whisper":
            assert int(service["mem_limit"]) == min(HOST.memory_bytes, size.memory_bytes), name
            assert float(service["cpus"]) == min(HOST.cpu_cores, size.cpu_cores), name
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed == "setup" else "service_healthy"
            assert how["condition"] == expected, (name, needed)
    assert services["app"].get("scale", 1) == made.size.app_servers


def test_workers_are_as_many_as_asked_for_closed_and_no_part_of_the_stage(tmp_path: Path) -> None:
    size = size_of(load_target("lectio").stage("A"))
    options = Options("proofload-test", tmp_path / "stack", tmp_path / "logs")
    audience = audience_of(load_target("lectio"), load_target("lectio").stage("A"))
    made = render(size, audience, share_of(HOST, size), options, seed=7)
    write(made, options.folder)
    words = ("docker", "compose", f"--env-file={options.folder}/stack.env", f"--file={COMPOSE_FILE}")
    done = subprocess.run(
        (*words, "--profile=worker", *CONFIG), capture_output=True, text=True, timeout=30, env=environment(), check=True
    )
    worker = json.loads(done.stdout)["services"]["worker"]
    assert worker["command"] == ["worker", "--master", "127.0.0.1:5557"]
    assert worker["environment"] == {"PROOFLOAD_WORKER_TOKEN_FILE": "/run/secrets/worker-token"}
    assert [secret["source"] for secret in worker["secrets"]] == ["worker-token"]
    assert (worker["read_only"], worker["cap_drop"]) == (True, ["ALL"])
    assert not {"ports", "container_name", "mem_limit", "cpus", "cgroup_parent"} & worker.keys()
    assert made.secrets["worker-token"] not in done.stdout
