"""Quotes in a checkpoint, and in messages that are judged before anything is done."""

import pytest

from bus.protocol import reports
from bus.protocol.commands import CancelOrder, Quote, SetLimits
from bus.protocol.reasons import BATCH_REFUSED, OPEN_ORDERS_LIMIT, ORDER_ENDED, UNKNOWN_SYMBOL
from bus.protocol.terms import ALL_OR_NOTHING, BUY, SELL, VALIDATE_ONLY
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Exchange, answers


def bid(name: str, lots: int, price: int = 0) -> Quote:
    return Quote(name, "BTC-USD", BUY, lots, price)


def ask(name: str, lots: int, price: int = 0) -> Quote:
    return Quote(name, "BTC-USD", SELL, lots, price)


def quoted() -> Exchange:
    """Anna quotes 5 at 99 and at 101, and may have no third order open."""
    exchange = Exchange("anna")
    exchange.say(1, SetLimits("anna", "", open_orders_max=2), bid("b1", 5, 99), ask("a1", 5, 101))
    return exchange


def say(exchange: Exchange, options: int, *items: object) -> list[tuple[int, int]]:
    """What a message with options is answered."""
    exchange.engine.apply_message(1, 1, exchange.now_ns, items, exchange.now_ns, 0, options)
    private, _ = exchange.engine.take_outputs()
    exchange.engine.state.check()
    return answers([(stream, event) for stream, _, events in private for event in events])


def test_a_checkpoint_knows_what_is_a_quote() -> None:
    exchange = quoted()
    payload = encode_state(exchange.engine.state)
    exchange.engine = Engine(decode_state(payload))
    assert encode_state(exchange.engine.state) == payload
    assert say(exchange, 0, bid("b2", 4, 99)) == [(reports.REPLACED, 0)]
    assert say(exchange, 0, ask("a2", 0))[-1] == (reports.COMPLETED, 0)
    assert len(exchange.engine.state.accounts["anna"].open) == 1


@pytest.mark.parametrize("options", [VALIDATE_ONLY, VALIDATE_ONLY | ALL_OR_NOTHING])
def test_judged_quotes_take_each_others_places_and_change_nothing(options: int) -> None:
    exchange = quoted()
    before = exchange.engine.state.accounts["anna"].open.copy()
    items = (bid("b2", 6, 100), ask("a2", 4, 101), bid("b3", 6, 102), ask("a3", 6, 104), bid("b4", 0))
    assert say(exchange, options, *items) == [(reports.COMPLETED, 0)] * 5
    account = exchange.engine.state.accounts["anna"]
    assert account.open == before
    assert list(account.quotes or ()) == [("BTC-USD", BUY), ("BTC-USD", SELL)]
    assert account.requests["a1"].reason == 0
    assert exchange.order("anna", "a1").quantity_lots == 5


def test_of_judged_quotes_one_that_has_no_room_is_named() -> None:
    exchange = quoted()
    third = Quote("c1", "BTC-USD", BUY, 5, 98)
    exchange.say(1, CancelOrder(0, "b1"))
    told = say(exchange, VALIDATE_ONLY, third, ask("a2", 5, 102), CancelOrder(0, "a2"), ask("a3", 0))
    assert told == [(reports.COMPLETED, 0)] * 4
    exchange.engine.apply_message(1, 1, exchange.now_ns, [SetLimits("anna", "", open_orders_max=1)], 0)
    exchange.engine.take_outputs()
    assert say(exchange, VALIDATE_ONLY, third) == [(reports.REJECTED, OPEN_ORDERS_LIMIT)]


def test_all_quotes_of_a_message_are_taken_or_none() -> None:
    exchange = quoted()
    wrong = Quote("x", "GOLD", BUY, 5, 99)
    refused = say(exchange, ALL_OR_NOTHING, bid("b2", 6, 100), wrong, ask("a2", 6, 102))
    others = (reports.REJECTED, BATCH_REFUSED)
    assert refused == [others, (reports.REJECTED, UNKNOWN_SYMBOL), others]
    assert exchange.order("anna", "b1").ended_ns == 0
    taken = say(exchange, ALL_OR_NOTHING, bid("b2", 6, 102), ask("a2", 6, 104))
    assert [tag for tag, _ in taken] == [
        *(reports.CANCELLED, reports.CANCELLED, reports.ACCEPTED),
        reports.ACCEPTED,
    ]


def test_judged_quotes_end_what_they_would_end() -> None:
    ended = (reports.REJECTED, ORDER_ENDED)
    exchange = quoted()
    crossing = say(exchange, VALIDATE_ONLY, bid("b2", 6, 102), CancelOrder(0, "a1"), CancelOrder(0, "b1"))
    assert crossing == [(reports.COMPLETED, 0), ended, ended]
    shrunk = say(exchange, VALIDATE_ONLY, ask("a2", 4, 101), ask("a3", 5, 101), CancelOrder(0, "a1"))
    assert shrunk == [(reports.COMPLETED, 0), (reports.COMPLETED, 0), ended]
    kept = say(exchange, VALIDATE_ONLY, ask("a2", 4, 101), ask("a3", 4, 101), CancelOrder(0, "a1"))
    assert kept == [(reports.COMPLETED, 0)] * 3
