"""The HTTP client over TLS."""

from __future__ import annotations

import ssl
import subprocess

import gevent
import pytest

from harness.loadgen.http_client.body import of_bytes
from harness.loadgen.http_client.client import HttpClient
from harness.loadgen.net import FAILURES, Origin, error_kind
from tests.loadgen.asking import ask, saying
from tests.loadgen.scripted_server import answer, read_request, serving


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority of our own, and a server's certificate for localhost that it signed."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signed)
    return folder


def test_tls_is_verified(certificates):
    serve = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    body = bytes(range(256)) * 8000

    def script(connection):
        while (request := read_request(connection))[0]:
            connection.sendall(answer(request[2] or body))

    with serving(script, tls=serve) as server:
        for host, context in (("localhost", trusting), ("127.0.0.1", blind)):
            client = HttpClient(Origin.parse(f"https://{host}:{server.port}"), 5.0, tls=context)
            before = server.connections
            assert ask(client).body == body
            assert ask(client, "POST", body=of_bytes((body, body))).body == body * 2
            assert server.connections == before + 1
            client.close()
        for host, context in (("localhost", None), ("127.0.0.1", trusting)):  # unknown authority, another name
            client = HttpClient(Origin.parse(f"https://{host}:{server.port}"), 5.0, tls=context)
            with pytest.raises(ssl.SSLCertVerificationError) as caught:
                ask(client)
            assert error_kind(caught.value) == "TLS error"

    def ticket_in_the_pause(connection):
        """A new session ticket comes while nobody waits: that does not end the connection."""
        for number in range(3):
            read_request(connection)
            connection.sendall(answer(b"%d" % number))

    serve.num_tickets = 4
    with serving(ticket_in_the_pause, tls=serve) as server:
        client = HttpClient(Origin.parse(f"https://localhost:{server.port}"), 5.0, tls=trusting)
        for number in range(3):
            assert ask(client, "POST").body == b"%d" % number
            gevent.sleep(0.3)
        assert server.connections == 1
        client.close()
    with serving(saying(b"this is no TLS")) as server, pytest.raises(FAILURES):
        ask(HttpClient(Origin.parse(f"https://localhost:{server.port}"), 2.0, tls=trusting))
