"""Whether a locustfile has the user classes that a system's flows name. The file is read, never imported: importing
locust patches the process (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

from harness.errors import TargetError
from harness.model.target import CapacityTarget
from targets.hints import did_you_mean


def check_flows(target: CapacityTarget, locustfile: Path) -> None:
    """Raises TargetError with every flow whose class the locustfile lacks."""
    classes = user_classes(locustfile)
    missing = [
        f'{target.name} › flows.{flow.name}: no class "{flow.user_class}" in {locustfile.name}'
        f"{did_you_mean(flow.user_class, classes)}"
        for flow in target.flows
        if flow.user_class not in classes
    ]
    if missing:
        count = "a flow has" if len(missing) == 1 else f"{len(missing)} flows have"
        raise TargetError(f"{count} no user class in {locustfile}", missing, "name the class as the flow's user_class")


def user_classes(locustfile: Path) -> tuple[str, ...]:
    """The names of the file's public classes. Raises TargetError when it is no Python."""
    try:
        module = ast.parse(locustfile.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise TargetError("the locustfile is no Python file", f"{locustfile}: {error}") from error
    except OSError as error:
        raise TargetError("the locustfile cannot be read", f"{locustfile}: {error.strerror}") from error
    names = (node.name for node in module.body if isinstance(node, ast.ClassDef))
    return tuple(name for name in names if not name.startswith("_"))
