"""What can stop the harness from doing its work.

::

    HarnessError(message, where, hint)
    ├── ConfigError        the person's input is wrong                     exit 20
    │   ├── TargetError        a system's TOML file
    │   ├── PlanError          a load plan that cannot be built or run
    │   └── UnsafeTargetError  a host that may not be loaded
    ├── StackError         the servers under load                          exit 21
    │   ├── StackNotReady      did not come up in time
    │   ├── LimitsMismatch     came up with another size than the stage's
    │   └── MissingProgram     not installed                               exit 20
    ├── GeneratorError     the load generator                              exit 22
    │   ├── GeneratorCrashed
    │   └── WorkerLost
    ├── EvidenceError      the run directory                               exit 20
    │   ├── SchemaMismatch     written by another version
    │   └── CorruptRun
    └── ReportError        a report that could not be made                 exit 70

A verdict is a value, never an exception: a system that fails its SLOs raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.exitcodes import ExitCode


class HarnessError(Exception):
    """The harness could not do its work.

    message: what is wrong, one sentence without a full stop at its end.
    where: the place, one line each (``mina.toml › stage[1].slo[0].bound: "80" has no unit``); may be empty.
    hint: what to do about it; may be empty.
    """

    exit_code = ExitCode.INTERNAL_ERROR

    def __init__(self, message: str, where: str | Iterable[str] = (), hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where: tuple[str, ...] = (where,) if isinstance(where, str) else tuple(where)
        self.hint = hint


class ConfigError(HarnessError):
    """The person's input is wrong."""

    exit_code = ExitCode.BAD_INPUT


class TargetError(ConfigError):
    """A system's TOML file is wrong; ``where`` lists every mistake of the file."""


class PlanError(ConfigError):
    """The load plan cannot be built or run."""


class UnsafeTargetError(ConfigError):
    """The host may not be loaded."""


class StackError(HarnessError):
    """The servers under load."""

    exit_code = ExitCode.STACK_ERROR


class StackNotReady(StackError):
    """A server did not come up in time."""


class LimitsMismatch(StackError):
    """A server came up with another size than the stage's."""


class MissingProgram(StackError):
    """A program that the stack needs is not installed: bad input, since the person can mend it."""

    exit_code = ExitCode.BAD_INPUT


class GeneratorError(HarnessError):
    """The load generator."""

    exit_code = ExitCode.GENERATOR_ERROR


class GeneratorCrashed(GeneratorError):
    """The generator ended before the load began."""


class WorkerLost(GeneratorError):
    """A worker of the generator went away before the load began; later it is an INVALID verdict."""


class EvidenceError(HarnessError):
    """The run directory cannot be read."""

    exit_code = ExitCode.BAD_INPUT


class SchemaMismatch(EvidenceError):
    """The run directory was written by a newer version."""


class CorruptRun(EvidenceError):
    """The run directory lacks what no run can be read without, or holds something that is not evidence."""


class ReportError(HarnessError):
    """A report could not be made."""
