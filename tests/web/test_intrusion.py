"""Whoever sends too much or tries what is not theirs is told, then kept out, over HTTP; others go on.

Each test comes from addresses of loopback of its own.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.venue import ApiKey, Response
from tests.support.web_server import WebServer
from web.guard.keys import wish

TIME = "/api/v1/time"
OWN = "/api/v1/keys"


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A guarded server. One class of cost has more than a test sends within seconds, another one less."""
    with WebServer(guarded=True, house_per_s_max=1_000, keys_per_s_max=1) as running:
        yield running


def key_of(server: WebServer, account: str) -> ApiKey:
    """A key that may read and trade."""
    key, secret = server.keys.create(wish(account, ["read", "trade"]))
    assert secret is not None
    return ApiKey(account, key.key_id, secret)


def audit(server: WebServer, **facts: Any) -> list[str]:
    """The events of the audit log that have these facts."""
    return [entry["event"] for entry in entries(server) if facts.items() <= entry.items()]


def entries(server: WebServer) -> list[dict[str, Any]]:
    """The lines of the audit log."""
    # What is written behind an answer is there before the next one.
    server.request(TIME, source="127.9.9.9")
    lines = (server.data / "web" / "audit.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def signed(server: WebServer, key: ApiKey | None, path: str, source: str) -> Response:
    """A GET, signed when there is a key."""
    return server.request(path, key.headers("GET", path) if key else None, source)


def until_kept_out(server: WebServer, key: ApiKey | None, path: str, source: str) -> list[Response]:
    """The answers to one request after the other, up to the first 403."""
    answers = [signed(server, key, path, source)]
    while answers[-1].status != 403:
        assert len(answers) < 100
        answers.append(signed(server, key, path, source))
    return answers


def test_answers_tell_how_much_is_left(server: WebServer) -> None:
    first, second = (server.request(TIME, source="127.1.0.1").headers for _ in range(2))
    assert (first["ratelimit-limit"], first["ratelimit-reset"]) == ("2000", "1")
    assert int(first["ratelimit-remaining"]) == 1999
    assert int(second["ratelimit-remaining"]) in (1998, 1999)
    # Each address has its own, and each key wherever it comes from.
    key = key_of(server, "alice")
    remaining = [
        signed(server, key, OWN, source).headers["ratelimit-remaining"]
        for source in ("127.1.0.2", "127.1.0.3")
    ]
    assert remaining[0] == "9"
    assert remaining[1] in ("8", "9")


def test_too_many_are_told_when_to_go_on_then_kept_out(server: WebServer) -> None:
    key, other, source = key_of(server, "bob"), key_of(server, "bob"), "127.1.1.1"
    answers = until_kept_out(server, key, OWN, source)
    statuses = [answer.status for answer in answers]
    for answer in answers:
        if answer.status == 429:
            assert answer.json["reason"] == "rate_limited"
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["ratelimit-remaining"] == "0"
    # Some were let in meanwhile, since the allowance fills; so does the patience with who ignores 429.
    assert statuses[:10] == [200] * 10
    assert 21 <= statuses.count(429) < 35
    assert answers[-1].json["reason"] == "blocked"
    assert answers[-1].headers["retry-after"] in ("9", "10")
    assert audit(server, holder=f"key {key.key_id}") == ["banned"]
    # The key is kept out wherever it comes from; other keys and the address are not.
    assert signed(server, key, TIME, "127.1.1.2").status == 403
    assert signed(server, other, OWN, source).status == 200
    assert server.request(TIME, source=source).status == 200


def test_who_sends_too_much_without_a_key_is_kept_out_by_address(server: WebServer) -> None:
    source = "127.1.2.1"
    statuses = [answer.status for answer in until_kept_out(server, None, OWN, source)]
    assert statuses[:10] == [401] * 10
    assert 21 <= statuses.count(429) < 35
    assert server.request(TIME, source=source).status == 403
    assert server.request(TIME, source="127.1.2.2").status == 200
    assert audit(server, address=source) == ["banned", "ban"]


@pytest.mark.parametrize(
    ("sign", "source", "tries"), [("bad_key", "127.1.3.1", 10), ("bad_signature", "127.1.3.2", 20)]
)
def test_guessing_is_an_alarm_and_then_a_block(server: WebServer, sign: str, source: str, tries: int) -> None:
    key = key_of(server, "carol")
    wrong = (
        ApiKey("carol", "f" * 32, key.secret) if sign == "bad_key" else ApiKey("carol", key.key_id, "wrong")
    )
    answers = until_kept_out(server, wrong, TIME, source)
    statuses = [answer.status for answer in answers]
    # Points fade while the requests are sent.
    assert tries <= statuses.count(401) < 2 * tries
    assert answers[-1].json["reason"] == "blocked"
    assert answers[-1].headers["retry-after"] in ("59", "60")
    events = audit(server, address=source)
    assert events.count(sign) == statuses.count(401)
    assert [event for event in events if event != sign] == ["alarm", "blocked"]
    # What is right is refused from there as well, and not from elsewhere: the owner is not locked out.
    assert signed(server, key, TIME, source).status == 403
    assert signed(server, key, TIME, "127.1.3.3").status == 200


def test_looking_for_what_may_be_there_is_found_out(server: WebServer) -> None:
    source = "127.1.4.1"
    statuses = [answer.status for answer in until_kept_out(server, None, "/admin.php", source)]
    assert 50 <= statuses.count(404) == len(statuses) - 1
    assert audit(server, address=source)[-1] == "blocked"
    # Wrong methods and refused values are no signs.
    for _ in range(60):
        assert server.request(TIME, source="127.1.4.2", method="DELETE").status == 405
    assert audit(server, address="127.1.4.2") == []


def test_requests_out_of_time_are_no_signs(server: WebServer) -> None:
    key = key_of(server, "dave")
    for _ in range(30):
        assert server.request(TIME, key.headers("GET", TIME, time_ms=1), "127.1.5.1").status == 401
    assert audit(server, address="127.1.5.1") == []


def test_changes_of_keys_are_on_record_without_secrets(server: WebServer) -> None:
    key, source = key_of(server, "erin"), "127.1.6.1"
    path = f"{OWN}/{key_of(server, 'erin').key_id}"
    assert server.request(path, key.headers("DELETE", path), source, "DELETE").status == 200
    assert audit(server, address=source, by=key.key_id, account="erin", path=path) == ["keys_changed"]
    assert signed(server, key, OWN, source).status == 200
    assert audit(server, address=source) == ["keys_changed"]
    assert key.secret not in (server.data / "web" / "audit.log").read_text(encoding="utf-8")


def test_an_audit_line_holds_whatever_comes_from_outside(server: WebServer) -> None:
    source = "127.1.7.1"
    server.request("/" + "x" * 5_000 + '"%0a{', source=source)
    (entry,) = (found for found in entries(server) if found.get("address") == source)
    assert entry["path"] == "/" + "x" * 199


def test_who_is_never_blocked_is_told_and_let_in_again() -> None:
    with WebServer(guarded=True, keys_per_s_max=1, never_blocked="127.2.0.0/16, 10.0.0.1") as server:
        statuses = [server.request(OWN, source="127.2.0.1").status for _ in range(60)]
        assert set(statuses) == {401, 429}
        assert audit(server, address="127.2.0.1") == []
        for _ in range(60):
            assert server.request("/none", source="127.2.0.1").status == 404
        assert set(audit(server, address="127.2.0.1")) == {"scan", "alarm"}


def test_a_flood_does_not_fill_the_disk() -> None:
    with WebServer(guarded=True, house_per_s_max=10_000, never_blocked="127.2.0.0/16") as server:
        for _ in range(300):
            server.request("/none", source="127.2.0.1")
        events = audit(server, address="127.2.0.1")
        # Two a second come to the two hundred.
        assert 200 <= len(events) < 250
