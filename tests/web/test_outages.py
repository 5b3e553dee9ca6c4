"""The engine goes away under orders: nothing acknowledged is lost, and what nobody knows of can be found out."""

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.venue import ApiKey, Response, Venue

#: Long for an engine that is there, short for who waits for one that is not.
ANSWER_MS = 1_000


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue whose web waits for a second."""
    folder = tmp_path_factory.mktemp("venue")
    with Venue(folder, MATCHBUS_WEB_ANSWER_TIMEOUT_MS=str(ANSWER_MS)) as running:
        running.define("BTC-USD")
        yield running


def enter(venue: Venue, key: ApiKey, client_order_id: str) -> Response:
    """An order that rests."""
    body = {"symbol": "BTC-USD", "side": "buy", "quantity": "0.5", "price": "100"}
    return venue.signed(key, "POST", "/v1/order", {**body, "client_order_id": client_order_id})


def asked(venue: Venue, key: ApiKey, client_order_id: str) -> Response:
    """What became of an order, as soon as anybody knows."""
    path = f"/v1/order?client_order_id={client_order_id}"
    return venue.until(lambda: venue.signed(key, "GET", path), lambda answer: answer.status != 503)


def open_ids(venue: Venue, key: ApiKey, at_least: int) -> list[str]:
    """The client order ids of all open orders."""
    page = venue.signed(key, "GET", f"/v1/orders?limit=1000&at_least={at_least}").json
    assert not page["more"]
    return [order["client_order_id"] for order in page["orders"]]


def test_an_order_to_an_engine_that_says_nothing_is_unknown_until_it_is_back(venue: Venue) -> None:
    key = venue.key("paused", "read", "trade")
    before = enter(venue, key, "before").json
    assert asked(venue, key, "before").status == 200  # the history has it
    venue.engine.signal(signal.SIGSTOP)
    try:
        unknown = enter(venue, key, "unknown")
        assert unknown.status == 503
        said: Any = unknown.json
        assert said["reason"] == "unknown"
        assert "execution status unknown" in said["message"]
        assert "GET /v1/order?client_order_id=unknown" in said["message"]
        # That there is none is not said while nobody can know.
        assert venue.signed(key, "GET", "/v1/order?client_order_id=unknown").status == 503
        # What is known is told all the same.
        assert venue.signed(key, "GET", "/v1/order?client_order_id=before").json["status"] == "open"
    finally:
        venue.engine.signal(signal.SIGCONT)
    # It came too late, so it was not carried out, and its id is free.
    assert asked(venue, key, "unknown").json["reason"] == "unknown_order"
    again = venue.until(lambda: enter(venue, key, "unknown"), lambda answer: answer.status == 200).json
    assert again["order_id"] > before["order_id"]
    assert open_ids(venue, key, again["sequence"]) == ["before", "unknown"]


@pytest.mark.parametrize("name", ["engine", "publisher", "history"])
def test_who_spreads_requests_is_told_that_a_part_is_away_and_that_it_is_back(
    venue: Venue, name: str
) -> None:
    def ready() -> Response:
        return venue.get("/ready")

    venue.until(ready, lambda answer: answer.status == 200)
    process = getattr(venue, name)
    process.signal(signal.SIGSTOP)
    try:
        away = venue.until(ready, lambda answer: answer.status == 503).json
        assert not away["ready"]
        assert [part["name"] for part in away["parts"] if part["health"] == "unreachable"] == [name]
        assert venue.request("HEAD", "/ready").status == 503
        assert venue.get("/ready?fields=ready").json == {"ready": False}
        assert venue.get("/health").status == 200
    finally:
        process.signal(signal.SIGCONT)
    assert venue.until(ready, lambda answer: answer.status == 200).json["ready"]


def test_orders_go_on_without_a_publisher(venue: Venue) -> None:
    key = venue.key("alone", "read", "trade")
    venue.publisher.kill()
    try:
        said = enter(venue, key, "alone")
        assert said.status == 200
        assert open_ids(venue, key, said.json["sequence"]) == ["alone"]
    finally:
        words = venue.processes.exchange("publisher", "--data", str(venue.data))
        venue.publisher = venue.processes.start(*words)
        venue.publisher.ready()


def test_without_a_history_the_past_is_not_told_and_orders_go_on(venue: Venue) -> None:
    key = venue.key("no-past", "read", "trade")
    venue.history.kill()
    try:
        said = enter(venue, key, "now")
        assert said.status == 200
        away = venue.signed(key, "GET", "/v1/orders")
        assert (away.status, away.json["reason"]) == (503, "unreachable")
    finally:
        venue.history = venue.processes.history(venue.data)
    assert open_ids(venue, key, said.json["sequence"]) == ["now"]


def test_nothing_acknowledged_is_lost_when_the_engine_is_killed_under_orders(venue: Venue) -> None:
    key = venue.key("killed", "read", "trade")
    answers: dict[str, Response] = {}
    some, gone = threading.Event(), threading.Event()

    def send() -> None:
        number = 0
        while not gone.is_set():
            number += 1
            name = f"k-{number}"
            answers[name] = answer = enter(venue, key, name)
            if number == 20:
                some.set()
            if answer.json.get("reason") == "unreachable":
                gone.set()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert some.wait(30)
        venue.engine.kill()
        assert gone.wait(30)
    finally:
        gone.set()
        sender.join()
    venue.engine = venue.processes.engine(venue.data)
    last = venue.until(lambda: enter(venue, key, "last"), lambda answer: answer.status == 200).json
    kept = []
    for name, answer in answers.items():
        found = asked(venue, key, name)
        if answer.status == 200:
            assert found.json["order_id"] == answer.json["order_id"]
        elif answer.json["reason"] == "unreachable":
            assert found.json["reason"] == "unknown_order"
        else:
            assert answer.json["reason"] == "unknown"
        if found.status == 200:
            kept.append(name)
    assert len(kept) >= 20
    assert any(answer.json.get("reason") == "unknown" for answer in answers.values())
    assert open_ids(venue, key, last["sequence"]) == [*kept, "last"]
    # Who sends everything again has each order once.
    sequence = 0
    for name in answers:
        again = enter(venue, key, name)
        assert again.status == 200
        sequence = again.json["sequence"]
    assert sorted(open_ids(venue, key, sequence)) == sorted([*answers, "last"])
