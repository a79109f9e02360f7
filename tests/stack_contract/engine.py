"""Whether this machine can run containers: asked once, with the reason why not."""

from __future__ import annotations

import shutil
from functools import cache

from harness.errors import HarnessError
from harness.stack.compose import IMAGES
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
def _no_engine() -> str:
    try:
        find_engine()
    except HarnessError as error:
        return f"{error.message} ({'; '.join(error.where)})"
    return ""


def no_base() -> str:
    """Why no image can be built; "" when one can."""
    if why := _no_engine():
        return why
    return "" if _has(BASE_IMAGE) else f"there is no image {BASE_IMAGE} to build on: docker/base-image/build makes it"


def no_images() -> str:
    """Why no container of the stack can be started; "" when one can. Asked anew: test_compose_images.py builds them."""
    if why := _no_engine():
        return why
    if all(_has(f"proofload-{name}:{image_tag()}") for name in IMAGES):
        return ""
    return "the images are not built: pytest tests/stack_contract/test_compose_images.py does that"


def no_worker() -> str:
    """Why no container of the generator can be started; "" when one can."""
    if why := _no_engine():
        return why
    return (
        "" if _has("proofload-worker:latest") else "the worker's image is not built: test_compose_images.py does that"
    )


def _has(image: str) -> bool:
    return bool(docker("image", "ls", "--quiet", image).strip())
