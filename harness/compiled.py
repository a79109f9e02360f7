"""The generator's hot path as machine code: the same modules, compiled by mypyc where that can be done (docs/adr/0012).

``scripts/compile`` makes a folder named after exactly these sources and this interpreter. Whoever edits one of them
runs what he has written, interpreted, until it is compiled anew. A compiled module is only found earlier: nothing else
changes. The environment's PROOFLOAD_COMPILED: ``no`` leaves it aside, ``yes`` makes its absence an error.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ".compiled"

SOURCES = (
    "harness/loadgen/generator.py",
    "harness/loadgen/recorder.py",
    "harness/loadgen/socketio/client.py",
    "harness/loadgen/socketio/engineio.py",
    "harness/loadgen/socketio/frames.py",
    "harness/loadgen/socketio/lookout.py",
    "harness/loadgen/socketio/namespace.py",
    "harness/loadgen/socketio/packets.py",
    "harness/loadgen/socketio/readers.py",
    "harness/loadgen/socketio/websocket.py",
)
"""What runs for every request or message."""

BUILT_ON = ("harness/loadgen/net.py", "harness/model/plan.py", "harness/model/samples.py", "scripts/compile")
"""What its machine code takes for granted besides."""

CAN_BE_COMPILED = "not compiled yet"
"""The state of a checkout where nothing is missing but `scripts/compile`."""

NEEDED_PACKAGES = "gcc libc6-dev python3-dev"
"""Debian's, for compiling."""


def folder(root: Path = ROOT) -> Path:
    """Where the machine code of these very sources is, or would be. Raises OSError where there are no sources."""
    digest = hashlib.sha256(str(sysconfig.get_config_var("SOABI")).encode())
    for name in (*SOURCES, *BUILT_ON):
        digest.update((root / name).read_bytes())
    return root / FOLDER / digest.hexdigest()[:16]


def state(root: Path = ROOT) -> str:
    """``compiled``, or why not: CAN_BE_COMPILED, or what is missing."""
    try:
        if folder(root).is_dir():
            return "compiled"
    except OSError:
        return "installed without its sources"
    if shutil.which("gcc") is None:
        return "no C compiler"
    if not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        return "no headers of Python"
    return CAN_BE_COMPILED


def is_used() -> bool:
    """Whether a process that is started now will use compiled modules."""
    return os.environ.get("PROOFLOAD_COMPILED") != "no" and state() == "compiled"


@cache
def use() -> bool:
    """Let this process import the compiled modules, from now on; whether there are any. Raises ImportError."""
    wanted = os.environ.get("PROOFLOAD_COMPILED", "")
    if wanted == "no":
        return False
    try:
        found = folder()
        _load_shared(found)
    except (OSError, ImportError) as error:
        if wanted == "yes":
            raise ImportError("the generator is not compiled; make setup does it where gcc is") from error
        return False
    sys.meta_path.insert(0, _Finder(found))
    return True


class _Finder:
    """Finds compiled modules."""

    def __init__(self, found: Path) -> None:
        ending = str(sysconfig.get_config_var("EXT_SUFFIX"))
        self._files = {
            source.removesuffix(".py").replace("/", "."): found / f"{source.removesuffix('.py')}{ending}"
            for source in SOURCES
        }

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """As importlib asks for it."""
        file = self._files.get(name)
        return None if file is None else spec_from_file_location(name, file)


def _load_shared(found: Path) -> None:
    """Load what the compiled modules have in common, which they look for under its own name. Raises ImportError."""
    path = next(found.glob("*__mypyc.*"), None)
    if path is None:
        raise ImportError("not compiled")
    name = path.name.partition(".")[0]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no module of this interpreter")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
