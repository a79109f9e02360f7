"""Free ports on the loopback address."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from harness.errors import ConfigError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports that are free now.

    Someone else may take one before a server binds it: whoever starts the server must be ready to try others.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return tuple(one.getsockname()[1] for one in sockets)


def require_free(port: int) -> int:
    """The port that a person asked for. Raises ConfigError when it cannot be had."""
    with socket.socket() as one:
        # As servers do: a connection of the last run that is still in TIME_WAIT does not keep the port.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "is in use" if in_use else f"cannot be used: {getattr(error, 'strerror', None) or error}"
            raise ConfigError(
                f"port {port} {reason}", f"{LOOPBACK}:{port}", "name another port, or none for any free one"
            ) from error
    return port
