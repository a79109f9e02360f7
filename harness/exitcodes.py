"""The exit codes of ``proofload``; 1 and 2 stay unused, since a traceback exits 1 and an argument parser 2."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees."""

    PASS = 0
    """Every SLO is kept, with the stated confidence (a warning may be breached)."""
    FAIL = 10
    """A critical bound is broken, proven by sound evidence."""
    INCONCLUSIVE = 11
    """The evidence is sound but not enough to say."""
    INVALID = 12
    """The evidence is not sound: the generator, a sampler or the host failed its validity check."""
    BAD_INPUT = 20
    """The command, a file or the machine lacks something that the person can mend."""
    STACK_ERROR = 21
    """The servers under load did not come up as the stage wants them."""
    GENERATOR_ERROR = 22
    """The load generator could not start."""
    INTERNAL_ERROR = 70
    """A mistake of Proofload's own."""
