"""One request of the HTTP client to a scripted server."""

from __future__ import annotations

import time

import pytest

from harness.loadgen.http_client.client import HttpClient
from harness.loadgen.http_client.response import Response
from harness.loadgen.net import FAILURES, Origin
from tests.loadgen.scripted_server import read_request, serving


def client_of(server, **options) -> HttpClient:
    return HttpClient(Origin.parse(f"http://127.0.0.1:{server.port}"), options.pop("timeout", 5.0), **options)


def ask(client: HttpClient, method: str = "GET", path: str = "/", **options) -> Response:
    response = Response()
    client.send(method, path, response, **options)
    return response


def fails(script, *, timeout: float = 1.0, **options) -> BaseException:
    """What a request to such a server ends with, within its timeout and a little."""
    with serving(script) as server:
        client = client_of(server, timeout=timeout)
        began = time.monotonic()
        with pytest.raises(FAILURES) as caught:
            ask(client, **options)
        assert time.monotonic() - began < timeout + 1.0
        client.close()
        return caught.value


def saying(data: bytes):
    def script(connection):
        read_request(connection)
        connection.sendall(data)

    return script
