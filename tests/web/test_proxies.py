"""Behind proxies: limits and keys are by the address of the client, and whoever only says so is not believed."""

import json
import time
from collections.abc import Iterator
from itertools import count, islice, repeat

import pytest

from bus.config_loading import load_config
from bus.errors import ConfigError
from tests.support.venue import ApiKey
from tests.support.web_server import WAIT_S, WebServer, answer
from web.edge.proxies import sender
from web.guard.keys import network_of, wish
from web.guard.networks import Networks

PROXY = "127.9.0.1"
STRANGER = "127.5.0.1"
CLIENT = "203.0.113.9"


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A server that trusts proxies of one network, and allows hardly anything."""
    with WebServer(
        guarded=True,
        house_per_s_max=1,
        trusted_proxies="127.9.0.0/16, 10.0.0.0/8",
        metrics_networks="198.51.100.0/24",
    ) as running:
        yield running


def test_the_last_address_that_is_not_trusted_is_the_sender() -> None:
    trusted = Networks("127.0.0.1, 10.0.0.0/8, fd00::/8")

    def seen(peer: str, forwarded_for: str) -> str:
        return sender(trusted, peer, forwarded_for)

    assert seen("127.0.0.1", CLIENT) == CLIENT
    assert seen("127.0.0.1", f"{CLIENT}, 10.0.0.2") == CLIENT
    assert seen("127.0.0.1", f"6.6.6.6, {CLIENT},10.0.0.2 ") == CLIENT
    assert seen("::ffff:127.0.0.1", f"::ffff:{CLIENT}") == CLIENT
    assert seen("fd00::1", "2001:DB8::0:7") == "2001:db8::7"
    # Whoever connects by itself says what it wants.
    assert seen("198.51.100.1", CLIENT) == "198.51.100.1"
    # Nothing, or what is no address: as far as anybody knows it came from the proxy.
    assert seen("127.0.0.1", "") == "127.0.0.1"
    assert seen("127.0.0.1", f"{CLIENT}, unknown") == "127.0.0.1"
    assert seen("127.0.0.1", f"{CLIENT}, 10.0.0.2:80") == "127.0.0.1"
    # All are trusted: the first of them has sent it.
    assert seen("127.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"


@pytest.mark.parametrize("name", ["web.never_blocked", "web.metrics_networks", "web.trusted_proxies"])
def test_a_setting_that_names_no_network_is_refused_by_name(name: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^command line: {name} = '10.0.0.1/8': .*10.0.0.1/8 has host bits set"
    ):
        load_config(command_line={name: "127.0.0.1, 10.0.0.1/8"})
    assert not Networks(" , ")


def test_the_audit_log_names_clients_behind_a_proxy_and_a_liar_by_its_own_address(server: WebServer) -> None:
    def looked(source: str, *forwarded_for: str) -> None:
        headers = {"X-Forwarded-For": ", ".join(forwarded_for)} if forwarded_for else {}
        assert server.request("/nothing", {**headers, "X-Real-IP": "6.6.6.6"}, source).status == 404

    looked(PROXY, CLIENT)
    looked(PROXY, "6.6.6.6", CLIENT, "10.0.0.2")
    looked(PROXY)
    looked(STRANGER, CLIENT)
    looked(STRANGER)
    with server.connect(PROXY) as connection:
        for client in ("203.0.113.20", "203.0.113.21"):
            head = f"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n"
            connection.sendall(head.encode())
            assert answer(connection).status == 404
    deadline = time.monotonic() + WAIT_S
    while len(lines := (server.data / "web/audit.log").read_text(encoding="utf-8").splitlines()) < 7:
        assert time.monotonic() < deadline, lines
    found = [json.loads(line)["address"] for line in lines]
    assert found == [CLIENT, CLIENT, PROXY, STRANGER, STRANGER, "203.0.113.20", "203.0.113.21"]


def test_clients_behind_a_proxy_have_an_allowance_each_and_a_liar_has_one(server: WebServer) -> None:
    def status(source: str, client: str) -> int:
        return server.request("/api/v1/time", {"X-Forwarded-For": client}, source).status

    def asks_until_refused(source: str, clients: Iterator[str]) -> bool:
        return any(status(source, client) == 429 for client in islice(clients, 60))

    assert asks_until_refused(PROXY, repeat("203.0.113.30"))
    assert status(PROXY, "203.0.113.31") == 200
    assert asks_until_refused("127.5.0.3", (f"203.0.113.{number}" for number in count(100)))


def test_a_key_for_one_network_is_good_from_there_and_not_for_who_says_so(server: WebServer) -> None:
    key, secret = server.keys.create(wish("alice", ["read"], networks=[str(network_of(CLIENT))]))
    assert secret is not None
    alice = ApiKey("alice", key.key_id, secret)

    def reason(source: str) -> str:
        path = "/v1/orders?limit=0"
        headers = {**alice.headers("GET", path), "X-Forwarded-For": CLIENT}
        return str(server.request(path, headers, source).json["reason"])

    assert reason(PROXY) == "invalid_field"
    assert reason(STRANGER) == "address_refused"


def test_metrics_are_told_to_operators_and_to_the_addresses_of_the_setting(server: WebServer) -> None:
    def status(source: str, *forwarded_for: str) -> int:
        headers = {"X-Forwarded-For": ", ".join(forwarded_for)} if forwarded_for else {}
        return server.request("/metrics", headers, source).status

    assert status(PROXY, "198.51.100.7") == 200
    assert [status("127.5.0.2", "198.51.100.7"), status("127.5.0.2"), status(PROXY, "203.0.113.40")] == [
        401
    ] * 3


def test_a_proxy_of_which_no_setting_knows_opens_metrics_to_nobody() -> None:
    with WebServer(guarded=True, metrics_networks="127.0.0.0/8") as server:
        assert server.request("/metrics").status == 200
        told = server.request("/metrics")
        assert told.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b'matchbus_web_requests_total{method="GET",path="/metrics",status="200"} 1.0' in told.body
        assert server.request("/metrics", {"X-Forwarded-For": CLIENT}).status == 401
