"""The HTTP side of the metrics: what is answered, and that nobody can keep others from being answered."""

import contextlib
import gc
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bus.config import Metrics
from bus.errors import AddressInUse
from bus.metrics.metric import COUNTER, GAUGE, HISTOGRAM, Metric, Reading
from bus.metrics.page import OF_THE_LIBRARY
from bus.metrics.powers import Powers
from bus.metrics.server import CONNECTIONS_MAX, HEAD_BYTES_MAX, PAUSE_S, MetricsServer
from tests.support.scraping import SCRAPE_S_MAX, defined, kinds, samples, scrape

ANYWHERE = ("127.0.0.1", 0)
SIZE = Metric("matchbus_test_size_bytes", GAUGE, 'How large; with "quotes", a \\ and an ä.')
DONE = Metric("matchbus_test_done_total", COUNTER, "What was done.", ("by", "to"))
TOOK = Metric("matchbus_test_took_seconds", HISTOGRAM, "How long.")


class Readings:
    """What is read: set by a test."""

    def __init__(self) -> None:
        self.size = 1
        self.took = Powers(3, lowest=1, unit=2)
        self.times = 0
        self.error: Exception | None = None
        self.errors_left = 1_000_000

    def read(self) -> Iterator[Reading]:
        """One reading each."""
        self.times += 1
        yield SIZE, self.size
        if self.error is not None and self.errors_left:
            self.errors_left -= 1
            raise self.error
        yield DONE, {("alice", 'b"o\\b\n'): 2, ("bob", "alice"): 0.5}
        yield TOOK, self.took


@pytest.fixture
def readings() -> Readings:
    """What the server of the test reads."""
    return Readings()


@pytest.fixture
def server(readings: Readings, caplog: pytest.LogCaptureFixture) -> Iterator[MetricsServer]:
    """A server; whatever is done to it, it complains of nothing, and nothing is left of it."""
    with MetricsServer(ANYWHERE, Metrics()) as server:
        server.start(readings.read)
        yield server
    gc.collect()  # tasks and sockets that were forgotten say so then
    assert caplog.records == []
    assert "metrics" not in [thread.name for thread in threading.enumerate()]


def place(server: MetricsServer) -> tuple[str, int]:
    """Its host and port."""
    host, _, port = server.url.removeprefix("http://").removesuffix("/metrics").partition(":")
    return host, int(port)


def asked(server: MetricsServer, method: str, path: str, **headers: str) -> tuple[int, str, str]:
    """`(status, content type, body)`."""
    with contextlib.closing(http.client.HTTPConnection(*place(server), timeout=SCRAPE_S_MAX)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()


def raw(server: MetricsServer, sent: bytes) -> bytes:
    """What comes until the end of the connection; a reset is an end as well."""
    with socket.create_connection(place(server), SCRAPE_S_MAX) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            while part := connection.recv(65_536):
                received += part
        return received


def test_a_page_has_what_is_read_and_what_the_library_knows(
    server: MetricsServer, readings: Readings
) -> None:
    for number in (1, 2, 3, 100):
        readings.took.add(number)
    status, content_type, text = asked(server, "GET", "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = samples(text)
    of_the_library = [name for name in kinds(text) if not name.startswith("matchbus_")]
    assert sorted(of_the_library) == list(OF_THE_LIBRARY)
    assert found["process_resident_memory_bytes"] > 10**6
    assert found["process_cpu_seconds_total"] > 0
    assert {name: value for name, value in found.items() if name.startswith("matchbus_")} == {
        "matchbus_test_size_bytes": 1,
        'matchbus_test_done_total{by="alice",to="b"o\\b\n"}': 2,
        'matchbus_test_done_total{by="bob",to="alice"}': 0.5,
        'matchbus_test_took_seconds_bucket{le="1.0"}': 2,
        'matchbus_test_took_seconds_bucket{le="2.0"}': 3,
        'matchbus_test_took_seconds_bucket{le="4.0"}': 3,
        'matchbus_test_took_seconds_bucket{le="+Inf"}': 4,
        "matchbus_test_took_seconds_count": 4,
        "matchbus_test_took_seconds_sum": 53,
    }
    told = kinds(text)
    assert defined((DONE, TOOK)).items() <= told.items()
    assert told[SIZE.name] == (GAUGE, 'How large; with "quotes", a \\\\ and an ä.')


def test_it_is_read_when_it_is_asked_for_and_not_before(server: MetricsServer, readings: Readings) -> None:
    assert readings.times == 0
    for size in (5, 7):
        readings.size = size
        assert scrape(server.url)["matchbus_test_size_bytes"] == size
    assert readings.times == 2
    assert asked(server, "HEAD", "/metrics")[::2] == (200, "")


def test_the_format_is_the_one_that_is_asked_for(server: MetricsServer) -> None:
    status, content_type, text = asked(
        server, "GET", "/metrics", Accept="application/openmetrics-text;version=1.0.0"
    )
    assert (status, content_type.split(";")[0]) == (200, "application/openmetrics-text")
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/", 404, "metrics are at /metrics\n"),
        ("GET", "/metrics/", 404, "metrics are at /metrics\n"),
        ("GET", "/../../etc/passwd", 404, "metrics are at /metrics\n"),
        ("GET", "/metrics?name[]=x", 200, None),
        ("POST", "/metrics", 405, "metrics are read with GET\n"),
        ("DELETE", "/metrics", 405, "metrics are read with GET\n"),
        ("OPTIONS", "/", 405, "metrics are read with GET\n"),
        ("BREW", "/pot", 405, "metrics are read with GET\n"),
    ],
)
def test_other_requests_are_told_why_not(
    server: MetricsServer, readings: Readings, method: str, path: str, status: int, body: str | None
) -> None:
    found = asked(server, method, path)
    assert found[0] == status
    if body is not None:
        assert found[2] == body
        assert readings.times == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"metrics please\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nhello",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n",
        b"GET /" + b"x" * 3_000_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 500_000,
    ],
)
def test_what_is_no_request_gets_no_page_and_others_get_theirs(
    server: MetricsServer, readings: Readings, sent: bytes
) -> None:
    answer = raw(server, sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert readings.times == 0
    assert scrape(server.url)["matchbus_test_size_bytes"] == 1


def test_a_bug_in_a_reading_is_told_to_whoever_reads_and_to_nobody_else(
    server: MetricsServer, readings: Readings
) -> None:
    readings.error = KeyError("ring")
    assert asked(server, "GET", "/metrics") == (500, "text/plain; charset=utf-8", "KeyError: 'ring'\n")
    readings.error = None
    assert scrape(server.url)["matchbus_test_size_bytes"] == 1


def test_what_failed_once_since_the_process_changed_meanwhile_is_read_again(
    server: MetricsServer, readings: Readings
) -> None:
    readings.error = RuntimeError("dictionary changed size during iteration")
    readings.errors_left = 2
    assert scrape(server.url)["matchbus_test_size_bytes"] == 1
    assert readings.times == 3


def test_clients_that_hang_are_cut_and_others_get_their_page(server: MetricsServer) -> None:
    """More than are taken at once: some say nothing at all, some the half of a request."""
    with contextlib.ExitStack() as stack:
        hanging = [
            stack.enter_context(socket.create_connection(place(server), SCRAPE_S_MAX))
            for _ in range(CONNECTIONS_MAX + 2)
        ]
        for connection in hanging[::2]:
            connection.sendall(b"GET /metrics HT")
        assert scrape(server.url)["matchbus_test_size_bytes"] == 1
        assert [connection.recv(1) for connection in hanging] == [b""] * len(hanging)


def test_a_client_that_is_gone_before_it_is_answered_leaves_nothing(server: MetricsServer) -> None:
    for sent in (b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(5):
            with socket.create_connection(place(server), SCRAPE_S_MAX) as connection:
                connection.sendall(sent)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert scrape(server.url)["matchbus_test_size_bytes"] == 1


def test_however_often_it_is_asked_it_takes_breaks(server: MetricsServer, readings: Readings) -> None:
    began = time.monotonic()
    threads = [threading.Thread(target=lambda: [scrape(server.url) for _ in range(8)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readings.times == 32
    assert time.monotonic() - began > 31 * PAUSE_S


def test_a_port_that_is_taken_is_one_line(server: MetricsServer) -> None:
    host, port = place(server)
    with pytest.raises(AddressInUse) as caught, MetricsServer((host, port), Metrics()):
        pass
    assert str(caught.value) == (
        f"http://{host}:{port}: metrics cannot be served there: Address already in use;"
        " choose another --port-base, or set metrics.enabled = false"
    )


def test_the_port_is_free_again_at_once() -> None:
    port = 0
    for _ in range(2):
        with MetricsServer(("127.0.0.1", port), Metrics()) as server:
            server.start(Readings().read)
            scrape(server.url)
            port = place(server)[1]


def test_its_end_cuts_who_is_still_there(caplog: pytest.LogCaptureFixture) -> None:
    with MetricsServer(ANYWHERE, Metrics()) as server, socket.create_connection(place(server)) as hanging:
        server.start(Readings().read)
        scrape(server.url)  # whoever came before it was taken before it
        server.close()
        hanging.settimeout(SCRAPE_S_MAX)
        assert hanging.recv(1) == b""
        with pytest.raises(ConnectionRefusedError), socket.create_connection(place(server)):
            pass
    gc.collect()
    assert caplog.records == []


def test_off_listens_nowhere() -> None:
    before = threading.active_count()
    with MetricsServer(ANYWHERE, Metrics(enabled=False)) as server:
        server.start(Readings().read)
        assert (server.url, threading.active_count()) == ("off", before)


def test_what_was_made_and_never_started_lets_its_port_go() -> None:
    with MetricsServer(ANYWHERE, Metrics()) as server:
        where = place(server)
    with MetricsServer(where, Metrics()):
        pass
