"""Whether this machine can run containers: asked once, with the reason why not."""

from __future__ import annotations

import shutil
from functools import cache

from harness.errors import HarnessError
from harness.stack.compose_engine import docker, find_engine
from harness.stack.compose_render import image_tag

BASE_IMAGE = "debian:trixie-slim"


@cache
def no_compose() -> str:
    """Why `docker compose config`, which needs no engine, cannot be asked; "" when it can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    try:
        docker("compose", "version")
    except HarnessError as error:
        return f"docker has no compose plugin ({'; '.join(error.where)})"
    return ""


@cache
def no_engine() -> str:
    """Why no container can be started; "" when one can."""
    try:
        find_engine()
        have = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    except HarnessError as error:
        return f"{error.message} ({'; '.join(error.where)})"
    if f"proofload-app:{image_tag()}" not in have and BASE_IMAGE not in have:
        return f"neither the images nor {BASE_IMAGE} to build them on are there: docker/base-image/build makes it"
    return ""
