"""A base class for any locustfile: Locust's ``FastHttpUser``, several times as fast.

::

    from harness.loadgen.locust_user import FasterHttpUser as FastHttpUser

It fires Locust's own request event, and knows nothing of Proofload's plans; flows that serve one derive from
``HttpFlowUser``, which has the same ``client``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import gevent
import gevent.ssl
from locust import User
from locust.exception import StopTest
from locust.user.users import RestMixin

from harness.errors import ConfigError
from harness.loadgen.http_client.client import HttpClient
from harness.loadgen.http_client.session import Session
from harness.loadgen.http_client.session_response import SessionResponse
from harness.loadgen.net import Origin

_NOT_HERE = ("client_pool", "proxy_host", "proxy_port")


class FasterHttpUser(User, RestMixin[SessionResponse]):
    """As ``locust.FastHttpUser``, with the class attributes of that and these differences.

    network_timeout: seconds for a whole request, not for each packet. insecure: False, so certificates are verified.
    other_hosts: False, so neither a redirect nor a full URL leaves ``host``. max_retries and concurrency mean nothing:
    a request is sent again only when that is safe, and a user has one connection to a host. A proxy or a shared
    ``client_pool`` is refused: ``locust.FastHttpUser`` has them.
    """

    abstract = True

    network_timeout: float = 60.0
    connection_timeout: float = 60.0
    max_redirects: int = 30
    insecure: bool = False
    default_headers: Mapping[str, str] | None = None
    ssl_context_factory: Callable[[], ssl.SSLContext] | None = None
    other_hosts: bool = False

    _contexts: ClassVar[dict[object, ssl.SSLContext]] = {}

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        gevent.config.track_greenlet_tree = False  # for debugging only, 0.4 KB to a user
        for name in _NOT_HERE:
            if getattr(self, name, None) is not None:
                raise StopTest(f"FasterHttpUser has no {name}: use locust.FastHttpUser for that")
        if self.host is None:
            raise StopTest("no host to load: give --host, or set host in the user class")
        try:
            origin = _origin(self.host)
        except ConfigError as error:
            raise StopTest(f"{error.message}: {self.host}") from error
        client = HttpClient(
            origin,
            self.network_timeout,
            connect_seconds=self.connection_timeout,
            standing=self.default_headers,
            tls=self._tls() if origin.scheme == "https" else None,
            other_hosts=self.other_hosts,
        )
        self.client = Session(
            self.host,
            client,
            environment.events.request.fire,
            context=None if type(self).context is User.context else self.context,
            max_redirects=self.max_redirects,
        )

    def _tls(self) -> ssl.SSLContext | None:
        """One context for all users of a class: loading the authorities takes some milliseconds."""
        factory = type(self).ssl_context_factory
        if factory is None and not self.insecure:
            return None  # the origin's own, which verifies
        key = factory or "insecure"
        context = self._contexts.get(key)
        if context is None:
            context = factory() if factory is not None else gevent.ssl._create_unverified_context()
            self._contexts[key] = context
        return context


@lru_cache(maxsize=64)
def _origin(host: str) -> Origin:
    """The same object for all users: it looks up its addresses once."""
    return Origin.parse(host)
