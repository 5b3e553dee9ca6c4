"""Keys over REST: an account manages its own, an operator everybody's, and nobody makes more than they may."""

import time
from typing import Any

import pytest

from tests.support.venue import ApiKey, Response, Venue

OWN = "/api/v1/keys"


@pytest.fixture(scope="module")
def alice(venue: Venue) -> ApiKey:
    """A key of alice that may manage her keys."""
    return venue.key("alice", "trade")


def made(answer: Response) -> tuple[ApiKey, Any]:
    """The key of an answer, to sign with, and the rest of it."""
    assert answer.status == 201, answer.body
    said = answer.json
    return ApiKey(said["account"], said["key"], said["secret"]), said


def test_an_account_makes_uses_and_revokes_its_keys(venue: Venue, alice: ApiKey) -> None:
    body = {"scopes": ["trade", "read"], "addresses": ["127.0.0.0/8"], "label": "robot"}
    key, said = made(venue.signed(alice, "POST", OWN, body))
    assert said.pop("created_ms") <= time.time_ns() // 1_000_000
    assert said == {
        "key": key.key_id,
        "account": "alice",
        "scopes": ["read", "trade"],
        "kind": "hmac",
        "addresses": ["127.0.0.0/8"],
        "label": "robot",
        "expires_ms": None,
        "revoked_ms": None,
        "secret": key.secret,
    }
    listed = venue.signed(key, "GET", OWN).json["keys"]
    assert [one["key"] for one in listed] == [alice.key_id, key.key_id]
    assert all("secret" not in one for one in listed)
    revoked = venue.signed(alice, "DELETE", f"{OWN}/{key.key_id}")
    assert (revoked.status, revoked.json["key"]) == (200, key.key_id)
    assert revoked.json["revoked_ms"] >= listed[1]["created_ms"]
    # Here at once, and not only within a second.
    assert venue.signed(key, "GET", OWN).json["reason"] == "bad_key"


def test_nobody_reaches_the_keys_of_others(venue: Venue, alice: ApiKey) -> None:
    bob = venue.key("bob", "trade")
    assert [one["key"] for one in venue.signed(bob, "GET", OWN).json["keys"]] == [bob.key_id]
    answer = venue.signed(bob, "DELETE", f"{OWN}/{alice.key_id}")
    assert (answer.status, answer.json["reason"], answer.json["field"]) == (404, "not_found", "key")
    for method, path, body in (
        ("GET", "/api/v1/accounts/alice/keys", None),
        ("POST", "/api/v1/accounts/bob/keys", {"scopes": ["read"]}),
        ("DELETE", f"/api/v1/accounts/alice/keys/{alice.key_id}", None),
    ):
        refused = venue.signed(bob, method, path, body)
        assert (refused.status, refused.json["reason"]) == (403, "scope_missing")
        assert venue.request(method, path).json["reason"] == "key_needed"
    assert venue.signed(alice, "GET", OWN).status == 200


def test_who_may_only_read_manages_no_keys(venue: Venue) -> None:
    reader = venue.key("carol", "read")
    for method, body in (("GET", None), ("POST", {"scopes": ["read"]})):
        assert venue.signed(reader, method, OWN, body).json["reason"] == "scope_missing"


def test_an_account_makes_no_operators(venue: Venue, alice: ApiKey) -> None:
    answer = venue.signed(alice, "POST", OWN, {"scopes": ["read", "operator"]})
    assert (answer.status, answer.json["reason"], answer.json["field"]) == (403, "scope_missing", "scopes")


def test_an_operator_manages_everybodys_keys(venue: Venue) -> None:
    operator = venue.key("house", "operator")
    path = "/api/v1/accounts/dave/keys"
    key, _ = made(venue.signed(operator, "POST", path, {"scopes": ["trade"]}))
    other, _ = made(
        venue.signed(operator, "POST", path, {"scopes": ["operator"], "expires_ms": 4_000_000_000_000})
    )
    assert (key.account, other.account) == ("dave", "dave")
    assert len(venue.signed(operator, "GET", path).json["keys"]) == 2
    assert len(venue.signed(other, "GET", path).json["keys"]) == 2
    assert venue.signed(operator, "DELETE", f"/api/v1/accounts/erin/keys/{key.key_id}").status == 404
    assert venue.signed(operator, "DELETE", f"{path}/{key.key_id}").status == 200
    assert venue.signed(key, "GET", OWN).json["reason"] == "bad_key"
    for strange in ("none", "%00", "A" * 32, key.key_id[:-1]):
        assert venue.signed(operator, "DELETE", f"{path}/{strange}").status == 404
    for method, body in (("GET", None), ("POST", {"scopes": ["read"]})):
        refused = venue.signed(operator, method, "/api/v1/accounts/a%00b/keys", body)
        assert (refused.status, refused.json["field"]) == (400, "account")
    # An operator's key is not of scope trade.
    assert venue.signed(operator, "GET", OWN).json["reason"] == "scope_missing"


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        ({}, 400, "missing_field", "scopes"),
        ({"scopes": []}, 400, "invalid_field", "scopes"),
        ({"scopes": ["all"]}, 400, "invalid_field", "scopes[0]"),
        ({"scopes": "read"}, 400, "invalid_field", "scopes"),
        ({"scopes": ["read"], "account": "bob"}, 400, "unknown_field", "account"),
        ({"scopes": ["read"], "addresses": ["here"]}, 400, "invalid_field", "addresses[0]"),
        ({"scopes": ["read"], "addresses": ["10.0.0.1/8"]}, 409, "invalid_field", "addresses"),
        ({"scopes": ["read"], "addresses": ["::1"] * 21}, 400, "invalid_field", "addresses"),
        ({"scopes": ["read"], "label": "a\nb"}, 409, "invalid_field", "label"),
        ({"scopes": ["read"], "expires_ms": 1}, 409, "invalid_field", "expires_ms"),
        ({"scopes": ["read"], "public_key": "ab"}, 400, "invalid_field", "public_key"),
    ],
)
def test_a_key_that_cannot_be_made_says_why(
    venue: Venue, alice: ApiKey, body: Any, status: int, reason: str, field: str
) -> None:
    before = venue.signed(alice, "GET", OWN).body
    answer = venue.signed(alice, "POST", OWN, body)
    assert (answer.status, answer.json["reason"], answer.json["field"]) == (status, reason, field)
    assert venue.signed(alice, "GET", OWN).body == before


def test_an_account_has_a_hundred_keys_and_no_more(venue: Venue) -> None:
    grace = venue.key("grace", "trade")
    for _ in range(99):
        assert venue.signed(grace, "POST", OWN, {"scopes": ["read"]}).status == 201
    answer = venue.signed(grace, "POST", OWN, {"scopes": ["read"]})
    assert (answer.status, answer.json["reason"]) == (409, "too_many_keys")
