"""The images of the stack and of the generator, built before any test starts a container: it may take minutes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stack.compose_engine import docker, environment
from harness.stack.compose_render import COMPOSE_FILE, image_tag
from tests.stack_contract.engine import BASE_IMAGE, no_base, no_images
from tests.support.command import PROJECT, proofload

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]

BUILD_SECONDS = 1400


@pytest.fixture
def compose(tmp_path: Path) -> list[str]:
    """``docker compose`` with the largest stage of Lectio, which has every image."""
    if why := no_base():
        pytest.skip(why)
    proofload("stack", "render", "lectio", "--stage", "C", "--to", str(tmp_path / "stack"), exit_code=0)
    return ["docker", "compose", f"--env-file={tmp_path}/stack/stack.env", f"--file={COMPOSE_FILE}"]


def build(command: list[str], *words: str) -> None:
    """Build. Skips where a container of the base reaches no packages at all, since that is the machine's affair."""
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=BUILD_SECONDS, env=environment(), check=False
    )
    if done.returncode != 0 and (why := no_packages()):
        pytest.skip(f"images cannot be built here: {why}")
    assert done.returncode == 0, done.stderr[-4000:]


def no_packages() -> str:
    try:
        docker("run", "--rm", BASE_IMAGE, "apt-get", "update", "-qq", timeout_seconds=120)
    except HarnessError as error:
        return "; ".join((error.message, *error.where))
    return ""


def test_the_images_of_the_stack(compose: list[str]) -> None:
    build(compose, "build")
    assert no_images() == ""
    for name in ("postgres", "pgbouncer", "redis", "app"):
        (image,) = json.loads(docker("image", "inspect", f"proofload-{name}:{image_tag()}"))
        assert image["Config"]["User"] not in ("", "root", "0"), name


def test_the_image_of_a_master_plans() -> None:
    if why := no_base():
        pytest.skip(why)
    network = os.environ.get("PROOFLOAD_BUILD_NETWORK", "default")
    index = os.environ.get("PIP_INDEX_URL", "")
    build(
        ["docker", "build", f"--file={PROJECT}/docker/Dockerfile", "--target=master", "--tag=proofload-master:test"],
        *(f"--network={network}", f"--build-arg=PIP_INDEX_URL={index}", str(PROJECT)),
    )
    closed = ("--read-only", "--cap-drop=ALL", "--network=none", "--tmpfs=/tmp", "--security-opt=no-new-privileges")
    said = docker("run", "--rm", *closed, "proofload-master:test", "plan", "lectio", "--stage", "C", timeout_seconds=60)
    assert "400/s" in said
    docker("run", "--rm", *closed, "--entrypoint=ffmpeg", "proofload-master:test", "-version", timeout_seconds=60)


def test_the_image_of_a_worker_is_the_generator_alone(compose: list[str]) -> None:
    build(compose, "--profile=worker", "build", "worker")
    (image,) = json.loads(docker("image", "inspect", "proofload-worker:latest"))
    assert image["Config"]["User"] == "10001"
    closed = ("--read-only", "--cap-drop=ALL", "--network=none", "--tmpfs=/tmp", "--security-opt=no-new-privileges")
    # It starts closed as it is in compose.yaml and on Kubernetes, and has no server in it.
    said = docker("run", "--rm", *closed, "proofload-worker:latest", "--help", timeout_seconds=60)
    assert "verify" in said
    servers = "command -v postgres nginx redis-server gunicorn ffmpeg || ls /srv"
    found = docker("run", "--rm", *closed, "--entrypoint=sh", "proofload-worker:latest", "-c", servers)
    assert found.split() == ["proofload"]
