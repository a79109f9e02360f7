"""What a worker of another host gets beside the plan, and what it is held against. See ``messages``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locust.env import Environment

import harness
from harness.loadgen.distributed.admission import Terms
from harness.loadgen.distributed.identity import file_digest, sources_digest, this_clock, this_network
from harness.loadgen.sizes import arrives
from harness.loadgen.upload import CLIP_VARIABLE, UploadFlowUser, read_clip
from harness.loadgen.variables import ALLOWED_VARIABLE, HOME_VARIABLE
from harness.model.plan import LoadPlan
from harness.model.target import FlowKind

_FIGURE = re.compile(r"PROOFLOAD_[A-Z_]+")
_NUMBER = re.compile(r"\d{1,15}")
_NOT_FIGURES = re.compile(r"PROOFLOAD_WORKER.*")


def terms_of(environment: Environment) -> Terms:
    """The master's own. Raises GeneratorError."""
    assert environment.parsed_options is not None
    locustfile = Path(str(environment.parsed_options.locustfile))
    return Terms(
        harness.__version__,
        sources_digest(),
        locustfile.name,
        file_digest(locustfile),
        this_clock(),
        this_network(),
        environment.host or "",
    )


def luggage_of(plan: LoadPlan, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The file to upload, the numbers of accounts, the hosts that may be loaded. Raises GeneratorError."""
    luggage: dict[str, Any] = {
        "figures": {name: value for name, value in environment.items() if _is_figure(name, value)},
        "allowed": environment.get(ALLOWED_VARIABLE, "").split(),
    }
    if any(flow.kind is FlowKind.UPLOAD and arrives(plan, flow) for flow in plan.flows):
        luggage["clip"] = read_clip()
        luggage["clip_suffix"] = Path(environment[CLIP_VARIABLE]).suffix
    return luggage


def unpack(luggage: Mapping[str, Any]) -> None:
    """Lay it out as a locustfile looks for it: in the environment, before it is loaded. Nothing but numbers, and none
    of the names that steer the generator itself: the master is trusted with a load, not with this machine."""
    for name, value in luggage.get("figures", {}).items():
        if _is_figure(str(name), str(value)):
            os.environ[str(name)] = str(value)
    if "clip" in luggage:
        suffix = re.sub(r"[^A-Za-z0-9.]", "", str(luggage["clip_suffix"]))
        path = Path(os.environ[HOME_VARIABLE]) / f"upload-{os.getpid()}{suffix}"
        path.write_bytes(luggage["clip"])
        os.environ[CLIP_VARIABLE] = str(path)
        UploadFlowUser.clip_suffix = suffix


def _is_figure(name: str, value: str) -> bool:
    """Such as PROOFLOAD_STUDENTS=3000."""
    return bool(_FIGURE.fullmatch(name) and _NUMBER.fullmatch(value) and not _NOT_FIGURES.fullmatch(name))
