"""TLS: everything over it, nothing beside it, and what cannot be used is one line."""

import asyncio
import contextlib
import http.client
import json
import re
import secrets
import signal
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from bus.config_loading import load_config
from bus.errors import ConfigError
from tests.support.certificates import Certificate, certificate
from tests.support.processes import Processes
from tests.support.web_server import WAIT_S, WebServer, answer, ended
from web.edge.tls import Tls
from web.server import HEAD_BYTES_MAX

IDLE_S: Final = 1


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The certificate of the server."""
    return certificate(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def server(own: Certificate) -> Iterator[WebServer]:
    """A server that speaks TLS."""
    tls = Tls(own.certificate_file, own.private_key_file)
    with WebServer(tls=tls, idle_connection_s=IDLE_S) as running:
        yield running


def encrypted(server: WebServer, trusted: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection after its handshake."""
    return trusted.wrap_socket(server.connect(), server_hostname="127.0.0.1")


def test_https_says_what_http_says_and_that_it_is_to_stay(server: WebServer, own: Certificate) -> None:
    assert server.server.url == f"https://127.0.0.1:{server.port}"
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=WAIT_S, context=own.trusted())
    with contextlib.closing(connection):
        for path, status in (("/health", 200), ("/nothing", 404), ("/", 200)):
            connection.request("GET", path)
            said = connection.getresponse()
            said.read()
            assert (said.status, said.getheader("Strict-Transport-Security")) == (status, "max-age=31536000")


def test_a_websocket_over_tls(server: WebServer, own: Certificate) -> None:
    async def pong() -> Any:
        request = HTTPRequest(f"wss://127.0.0.1:{server.port}/ws", ssl_options=own.trusted())
        connection = await websocket_connect(request)
        await connection.write_message(json.dumps({"op": "ping", "id": 7}))
        said = await asyncio.wait_for(connection.read_message(), WAIT_S)
        connection.close()
        assert said is not None
        return json.loads(said)

    said = asyncio.run(pong())
    assert (said["type"], said["id"]) == ("pong", 7)


def test_what_is_refused_before_it_is_a_request_is_told_over_tls(server: WebServer, own: Certificate) -> None:
    with encrypted(server, own.trusted()) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * HEAD_BYTES_MAX)
        said = answer(connection)
    assert (said.status, said.json["reason"]) == (431, "head_too_large")
    assert said.headers["strict-transport-security"] == "max-age=31536000"


def test_who_speaks_no_tls_is_told_nothing(server: WebServer, own: Certificate) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not connection.recv(1_000).startswith(b"HTTP")
        assert ended(connection)
    with encrypted(server, own.trusted()) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(connection).status == 200


def test_who_begins_no_handshake_is_ended(server: WebServer) -> None:
    with server.connect() as silent, server.connect() as halfway:
        # The beginning of a record of a handshake whose rest never comes.
        halfway.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert ended(silent)
        assert ended(halfway)
    assert server.server.connections.working == 0


def test_what_is_older_than_tls_1_2_is_not_spoken(server: WebServer, own: Certificate) -> None:
    old = own.trusted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        encrypted(server, old)
    with encrypted(server, own.trusted()) as connection:
        assert connection.version() == "TLSv1.3"


def test_files_that_cannot_be_used_are_named(own: Certificate, tmp_path: Path) -> None:
    other, locked = certificate(tmp_path, "other"), certificate(tmp_path, "locked", b"secret")
    text = tmp_path / "text"
    text.write_text("no PEM")
    text.chmod(0o600)
    open_key = tmp_path / "open.key"
    open_key.write_bytes(Path(own.private_key_file).read_bytes())
    missing = tmp_path / "missing"
    refused = {
        (str(missing), own.private_key_file): f"{missing}: cannot be read: No such file or directory",
        (own.certificate_file, str(missing)): f"{missing}: cannot be read: No such file or directory",
        (str(text), own.private_key_file): f"{text}: no certificate in PEM",
        (own.certificate_file, str(text)): f"{text}: no private key in PEM",
        (own.certificate_file, other.private_key_file): (
            f"{other.private_key_file}: not the key of {own.certificate_file}"
        ),
        (locked.certificate_file, locked.private_key_file): (
            f"{locked.private_key_file}: encrypted with a passphrase, which nobody is there to enter"
        ),
    }
    for mode in (0o604, 0o660, 0o644):
        open_key.chmod(mode)
        with pytest.raises(ConfigError, match=rf"open.key: open to others \(mode {mode:04o}\)"):
            Tls(own.certificate_file, str(open_key))
    open_key.chmod(0o640)
    Tls(own.certificate_file, str(open_key))
    for files, line in refused.items():
        with pytest.raises(ConfigError, match=f"^{re.escape(line)}$"):
            Tls(*files)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"host": "0.0.0.0"},
            (
                "web.host = '0.0.0.0': Beyond loopback only with TLS: set web.certificate_file and"
                " web.private_key_file, or web.unencrypted_beyond_loopback where a proxy ends TLS"
            ),
        ),
        (
            {"host": "example.com"},
            "web.host = 'example.com': Expected a numeric IPv4 address such as 127.0.0.1",
        ),
        (
            {"certificate_file": "a.pem"},
            "web.private_key_file = '': Expected a file, since web.certificate_file is given",
        ),
        (
            {"private_key_file": "a.key"},
            "web.certificate_file = '': Expected a file, since web.private_key_file is given",
        ),
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(line)):
        load_config(command_line={f"web.{name}": value for name, value in settings.items()})


def test_beyond_loopback_with_tls_or_by_name() -> None:
    everywhere = {"web.host": "0.0.0.0"}
    files = {"web.certificate_file": "a.pem", "web.private_key_file": "a.key"}
    for further in (files, {"web.unencrypted_beyond_loopback": True}):
        assert load_config(command_line={**everywhere, **further}).web.host == everywhere["web.host"]


def test_instances_read_a_new_certificate_while_they_serve(tmp_path: Path) -> None:
    """And what cannot be used changes nothing."""
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    served = Certificate(str(tmp_path / "served.pem"), str(tmp_path / "served.key"))
    (tmp_path / "token").write_text(secrets.token_hex(32))
    (tmp_path / "token").chmod(0o600)

    def put(one: Certificate, key: Certificate) -> None:
        Path(served.certificate_file).write_bytes(Path(one.certificate_file).read_bytes())
        Path(served.private_key_file).touch(mode=0o600)
        Path(served.private_key_file).write_bytes(Path(key.private_key_file).read_bytes())

    def shown(port: int) -> str:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=WAIT_S)

    put(first, first)
    with contextlib.closing(Processes()) as processes:
        words = processes.exchange("web", "--data", str(tmp_path), "--instances", "2")
        web = processes.start(
            *words,
            MATCHBUS_WEB_HOST="0.0.0.0",
            MATCHBUS_WEB_ANSWER_TIMEOUT_MS="100",
            MATCHBUS_WEB_CERTIFICATE_FILE=served.certificate_file,
            MATCHBUS_WEB_PRIVATE_KEY_FILE=served.private_key_file,
        )
        port = processes.port_base + 30
        assert web.ready()["web"] == f"https://0.0.0.0:{port}"
        # Eight connections: were one of two instances passed over, it would be by a chance of 1 in 128.
        assert {shown(port) for _ in range(8)} == {Path(first.certificate_file).read_text()}
        said = processes.run(*processes.exchange("status", "--expect", "web", "--json"), status=1)
        row = next(row for row in map(json.loads, said.splitlines()) if row["name"] == "web")
        assert row["facts"]["publisher"] == "unreachable", "it was asked over TLS"
        put(second, second)
        web.signal(signal.SIGHUP)
        for _ in range(2):
            web.error_line(lambda line: "the certificate was read again" in line)
        assert {shown(port) for _ in range(8)} == {Path(second.certificate_file).read_text()}
        put(second, first)
        web.signal(signal.SIGHUP)
        for _ in range(2):
            web.error_line(lambda line: "the certificate is not renewed" in line)
        assert {shown(port) for _ in range(8)} == {Path(second.certificate_file).read_text()}
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while connection.recv(1_000):
                    pass  # an alert of TLS, if any
        status, _, errors = web.stop()
        assert (status, [line for line in errors if "SSL" in line]) == (0, []), "outsiders write no lines"
