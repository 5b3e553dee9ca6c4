"""Who may: signatures of both kinds, what breaks them, and keys that end, over HTTP."""

import json
import os
import time
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.venue import ApiKey, Response, Venue

BOOK = "/api/v1/orderbook/BTC-USD"


@pytest.fixture(scope="module")
def alice(venue: Venue) -> ApiKey:
    """A key of alice."""
    return venue.key("alice", "read", "trade")


def refusal(answer: Response) -> tuple[int, str]:
    """The status and the reason."""
    return answer.status, answer.json["reason"]


def test_a_signed_request_is_let_in(venue: Venue, alice: ApiKey) -> None:
    for path in (BOOK, f"{BOOK}?depth=5&fields=bids", f"{BOOK}?fields=%62ids"):
        assert venue.signed(alice, "GET", path).status == 200


def test_a_key_of_ed25519_signs_with_what_only_its_owner_has(venue: Venue) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    said = json.loads(
        venue.processes.run(
            "keys", "create", "bob", "--public-key", public, "--data", str(venue.data), "--json"
        )
    )
    assert (said["kind"], said["secret"]) == ("ed25519", None)
    timestamp = str(time.time_ns() // 1_000_000)
    headers = {"X-API-Key": said["key"], "X-Timestamp": timestamp}

    def ask(signed: str) -> Response:
        signature = private.sign(signed.encode()).hex()
        return venue.get(BOOK, {**headers, "X-Signature": signature})

    assert ask(f"{timestamp}GET{BOOK}").status == 200
    assert refusal(ask(f"{timestamp}GET{BOOK}?")) == (401, "bad_signature")
    # What was signed for one kind is nothing for the other.
    as_hmac = ApiKey("bob", said["key"], public)
    assert refusal(venue.signed(as_hmac, "GET", BOOK)) == (401, "bad_signature")


def test_whatever_is_changed_breaks_the_signature(venue: Venue, alice: ApiKey) -> None:
    headers = alice.headers("GET", f"{BOOK}?depth=5")

    def ask(
        path: str = f"{BOOK}?depth=5",
        method: str = "GET",
        body: bytes | None = None,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        return venue.request(method, path, body, {**headers, **changed})

    assert ask().status == 200
    later = str(int(headers["X-Timestamp"]) + 1)
    other = venue.key("alice", "read")
    for answer in (
        ask(f"{BOOK}?depth=6"),
        ask("/api/v1/time"),
        ask(method="DELETE"),
        ask(body=b"{}"),
        ask(changed={"X-Timestamp": later}),
        ask(changed={"X-API-Key": other.key_id}),
        ask(changed={"X-Signature": ""}),
        ask(changed={"X-Signature": "no hex"}),
        ask(changed={"X-Signature": headers["X-Signature"][:-2]}),
        ask(changed={"X-Signature": "é"}),
    ):
        assert refusal(answer) == (401, "bad_signature")


def test_what_is_no_key_is_refused(venue: Venue, alice: ApiKey) -> None:
    for key_id in ("", "f" * 32, alice.key_id.upper(), f"{alice.key_id} ", "x" * 5_000):
        headers = {**alice.headers("GET", BOOK), "X-API-Key": key_id}
        # A space behind a header's value does not belong to it.
        expected = (200, None) if key_id.strip() == alice.key_id else (401, "bad_key")
        answer = venue.get(BOOK, headers)
        assert (answer.status, answer.json.get("reason")) == expected


def test_a_signed_request_is_signed_as_a_whole(venue: Venue, alice: ApiKey) -> None:
    headers = alice.headers("GET", BOOK)
    for missing in ("X-Timestamp", "X-Signature"):
        answer = venue.get(BOOK, {name: value for name, value in headers.items() if name != missing})
        assert refusal(answer) == (401, "key_needed")
        assert answer.json["field"] == missing


@pytest.mark.parametrize("offset_ms", [-5_500, 6_000, -(10**12)])
def test_a_request_out_of_time_is_told_the_servers_time(venue: Venue, alice: ApiKey, offset_ms: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    answer = venue.get(BOOK, alice.headers("GET", BOOK, time_ms=now_ms + offset_ms))
    assert refusal(answer) == (401, "timestamp_outside")
    server_ms = int(answer.headers["x-server-time"])
    assert now_ms <= server_ms <= time.time_ns() // 1_000_000
    assert str(server_ms) in answer.json["message"]


def test_a_request_a_little_off_is_in_time(venue: Venue, alice: ApiKey) -> None:
    now_ms = time.time_ns() // 1_000_000
    for offset_ms in (-2_500, 4_000):
        assert venue.get(BOOK, alice.headers("GET", BOOK, time_ms=now_ms + offset_ms)).status == 200


@pytest.mark.parametrize("text", ["", "now", "-5", "1e12", "\uff11\uff12", "9" * 17, "0x10"])
def test_what_is_no_time_is_refused(venue: Venue, alice: ApiKey, text: str) -> None:
    headers = {**alice.headers("GET", BOOK), "X-Timestamp": text.encode().decode("latin-1")}
    assert refusal(venue.get(BOOK, headers)) == (401, "timestamp_outside")


def test_a_key_is_used_from_where_it_may(venue: Venue) -> None:
    here = venue.key("carol", "read", words=("--address", "10.0.0.0/8", "--address", "127.0.0.1"))
    elsewhere = venue.key("carol", "read", words=("--address", "10.0.0.0/8", "--address", "2001:db8::/32"))
    assert venue.signed(here, "GET", BOOK).status == 200
    assert refusal(venue.signed(elsewhere, "GET", BOOK)) == (403, "address_refused")
    # Who cannot sign is not told from where the key may be used.
    stolen = ApiKey("carol", elsewhere.key_id, "f" * 64)
    assert refusal(venue.signed(stolen, "GET", BOOK)) == (401, "bad_signature")


def test_a_key_expires(venue: Venue) -> None:
    key = venue.key("dave", "read", words=("--expires", "2s"))
    assert venue.signed(key, "GET", BOOK).status == 200
    ended = venue.until(partial(venue.signed, key, "GET", BOOK), lambda answer: answer.status != 200)
    assert refusal(ended) == (401, "bad_key")


def test_a_revoked_key_is_refused_by_every_instance_within_a_second(venue: Venue) -> None:
    other = venue.start_web("--port", "0").ready()["web"]
    ports = (venue.web_port, int(other.rpartition(":")[2]))
    key = venue.key("erin", "trade")
    assert [venue.signed(key, "GET", BOOK, port=port).status for port in ports] == [200, 200]
    revoked = time.monotonic()
    said = venue.processes.run("keys", "revoke", key.key_id, "--data", str(venue.data))
    assert said == f"{key.key_id} of erin is revoked"
    for port in ports:
        answer = venue.until(
            partial(venue.signed, key, "GET", BOOK, port=port), lambda answer: answer.status != 200
        )
        assert refusal(answer) == (401, "bad_key")
        # With what the verb and a request take, which is not the instances' time.
        assert time.monotonic() - revoked < 1.5


def test_market_data_needs_a_key_where_it_is_configured(venue: Venue, alice: ApiKey) -> None:
    words = venue.processes.exchange("web", "--data", str(venue.data), "--port", "0")
    closed = venue.processes.start(*words, MATCHBUS_WEB_MARKET_DATA_NEEDS_KEY="true")
    port = int(closed.ready()["web"].rpartition(":")[2])
    trader = venue.key("alice", "trade")
    assert refusal(venue.request("GET", BOOK, port=port)) == (401, "key_needed")
    assert refusal(venue.signed(trader, "GET", BOOK, port=port)) == (403, "scope_missing")
    assert venue.signed(alice, "GET", BOOK, port=port).status == 200
    assert venue.request("GET", "/api/v1/time", port=port).status == 200
    closed.stop()


def test_secrets_are_nowhere_in_the_data_directory(venue: Venue, alice: ApiKey) -> None:
    assert venue.signed(alice, "GET", BOOK).status == 200
    wanted = (alice.secret.encode(), bytes.fromhex(alice.secret))
    looked_at = 0
    for folder, _, names in os.walk(venue.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            looked_at += 1
            assert not any(secret in content for secret in wanted), name
    assert looked_at > 5
    assert oct((venue.data / "web" / "master.key").stat().st_mode & 0o777) == "0o600"
    assert oct((venue.data / "web").stat().st_mode & 0o777) == "0o700"


def test_keys_are_listed_without_their_secrets(venue: Venue) -> None:
    key = venue.key("frank", "read", words=("--address", "10.0.0.0/8", "--label", "the robot"))
    said = venue.processes.run("keys", "list", "--account", "frank", "--data", str(venue.data), "--json")
    listed: Any = json.loads(said)
    assert listed.pop("created_ms") <= time.time_ns() // 1_000_000
    assert listed == {
        "account": "frank",
        "key": key.key_id,
        "scopes": ["read"],
        "kind": "hmac",
        "addresses": ["10.0.0.0/8"],
        "label": "the robot",
        "expires_ms": None,
        "revoked_ms": None,
    }
    table = venue.processes.run("keys", "list", "--data", str(venue.data))
    assert key.key_id in table
    assert key.secret not in table


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("al ice",), "'al ice': account names are 1 to 32 of A-Z a-z 0-9 _ . -"),
        (("a", "--scope", "all"), "scopes: 'all': expected some of read, trade, withdraw, operator"),
        (("a", "--expires", "soon"), "--expires: 'soon' is no time: say 2h, or 2026-12-31T17:00"),
        (("a", "--expires", "2020-01-01"), "expires: the time is over already"),
        (("a", "--label", "a\nb"), "label: at most 100 characters that can be printed"),
        (
            ("a", "--public-key", "abcd"),
            "public_key: expected the 32 bytes of an Ed25519 public key, as 64 hexadecimal digits",
        ),
    ],
)
def test_a_key_that_cannot_be_made_is_one_line(venue: Venue, words: tuple[str, ...], line: str) -> None:
    said = venue.processes.run("keys", "create", *words, "--data", str(venue.data), status=1)
    assert said == f"matchbus: {line}"


def test_where_no_engine_has_run_no_keys_are_made(venue: Venue) -> None:
    nowhere = venue.data / "nowhere"
    said = venue.processes.run("keys", "create", "a", "--data", str(nowhere), status=1)
    assert said.startswith(f"matchbus: {nowhere}: no engine has run there")
    assert not nowhere.exists()
