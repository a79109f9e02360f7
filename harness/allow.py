"""Which hosts may be loaded: loopback, and what somebody has named.

A load test against a stranger's server is an attack. So a host is loaded only when *every* address that its name
resolves to is loopback, or when the person has named the host (or each such address) with ``--allow``. Ask again for
every redirect.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

from harness.errors import UnsafeTargetError

Resolver = Callable[[str], Iterable[str]]
"""From a host's name to all its addresses, v4 and v6; raises OSError when there are none."""

_HINT = "a host that is yours to load is named with --allow HOST"


def resolve_all(host: str) -> tuple[str, ...]:
    """Every address of the host, v4 and v6. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_allowed(url: str, allowed: Iterable[str] = (), resolve: Resolver = resolve_all) -> tuple[str, ...]:
    """The addresses behind the URL, when all of them may be loaded. Raises UnsafeTargetError.

    allowed: names or addresses that the person has named.
    """
    host = _host(url)
    named = {_plain(name) for name in allowed}
    try:
        addresses = tuple(resolve(host))
    except OSError as error:
        raise UnsafeTargetError(
            f"the host {host} cannot be resolved", f"{url}: {error}", "is it spelled so?"
        ) from error
    if not addresses:
        raise UnsafeTargetError(f"the host {host} has no address", url, "is it spelled so?")
    if host in named:
        return addresses
    strangers = [address for address in addresses if not _is_loopback(address) and _plain(address) not in named]
    if strangers:
        where = url if strangers == [host] else f"{url}: {host} is {', '.join(strangers)}"
        raise UnsafeTargetError(f"{host} is not this machine, and nobody has allowed loading it", where, _HINT)
    return addresses


def _host(url: str) -> str:
    """The URL's host, in lower case; refuses what could hide another host or a password."""
    try:
        parts: SplitResult = urlsplit(url)
        _ = parts.port  # raises on a port that is no number
    except ValueError as error:
        raise UnsafeTargetError(
            "the address cannot be read", f"{url}: {error}", "write http://127.0.0.1:8000"
        ) from error
    if parts.username is not None or parts.password is not None:
        shown = url.replace(parts.netloc, f"…@{parts.netloc.rpartition('@')[2]}")
        raise UnsafeTargetError(
            "a user or a password does not belong in the address", shown, "leave out what is before @"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnsafeTargetError("not the address of an HTTP server", url, "write http://127.0.0.1:8000")
    return _plain(parts.hostname)


def _plain(name: str) -> str:
    """One spelling for one host."""
    return name.strip().strip("[]").rstrip(".").lower()


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
