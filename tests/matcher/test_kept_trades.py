"""The trades of the day: kept in a checkpoint, also where their orders are forgotten; and the limits of accounts."""

from typing import Any

import msgspec
import pytest

from bus.protocol import feed, reports
from bus.protocol.commands import BustTrade, CorrectTrade, SetLimits
from bus.protocol.reasons import TRADE_NOT_KEPT
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules
from bus.protocol.terms import BUY, CLOCK_SYSTEM, IOC, SELL
from matcher.book.trades import PLACES
from matcher.codec.state_codec import STATE_FORMAT, decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Event, Exchange, enter
from tests.support.markets import HOUR_NS


def traded(*, ids: int = 1000, count: int = 6) -> Exchange:
    """Anna sells to Boris, a lot a trade; with few ids both have forgotten most of the orders."""
    exchange = Exchange("anna", "boris", ids=ids)
    for number in range(count):
        exchange.say(1, enter(f"a{number}", SELL, 1, 50 + number))
        exchange.say(2, enter(f"b{number}", BUY, 1, 60, time_in_force=IOC))
    exchange.say(1, CorrectTrade("BTC-USD", 3, 40), BustTrade("BTC-USD", 5))
    return exchange


def restored(exchange: Exchange) -> Exchange:
    """The same, with an engine out of a checkpoint."""
    payload = encode_state(exchange.engine.state)
    exchange.engine = Engine(decode_state(payload))
    exchange.engine.state.check()
    assert encode_state(exchange.engine.state) == payload
    return exchange


def revised(events: list[tuple[str, Event]]) -> list[tuple[str, Any]]:
    """Who was told of which order and trade: `(account, (client order id, trade, price, quantity, before))`."""
    return [
        (stream, (event[6], event[9], event[10], event[11], event[13]))
        for stream, event in events
        if event[0] == reports.TRADE_REVISED
    ]


@pytest.mark.parametrize("ids", [1000, 2])
def test_a_checkpoint_holds_the_trades_of_the_day_and_what_was_revised(ids: int) -> None:
    exchange = restored(traded(ids=ids))
    assert ("a0" in exchange.engine.state.accounts["anna"].requests) == (ids == 1000)
    assert revised(exchange.say(1, BustTrade("BTC-USD", 1))) == [
        ("anna", ("a0", 1, 0, 1, 50)),
        ("boris", ("b0", 1, 0, 1, 50)),
    ]
    assert revised(exchange.say(1, CorrectTrade("BTC-USD", 3, 41))) == [
        ("anna", ("a2", 3, 41, 1, 40)),
        ("boris", ("b2", 3, 41, 1, 40)),
    ]
    assert revised(exchange.say(1, BustTrade("BTC-USD", 5))) == []


def test_an_order_whose_id_was_taken_again_is_still_the_one_that_traded() -> None:
    exchange = Exchange("anna", "boris", ids=1)
    for number in range(2):
        exchange.now_ns += 1000
        exchange.say(1, enter("a", SELL, 1, 50 + number))
        exchange.say(2, enter(f"b{number}", BUY, 1, 60, time_in_force=IOC))
        if number == 0:
            exchange.now_ns += 1000
            exchange.say(1, enter("x", BUY, 1, 10, time_in_force=IOC))  # "a" is forgotten
            assert "a" not in exchange.engine.state.accounts["anna"].requests
    kept = restored(exchange).engine.state.instruments["BTC-USD"].kept
    assert [kept.maker(trade_id).request_id for trade_id in (1, 2)] == ["a", "a"]
    assert kept.maker(1) is not kept.maker(2)
    assert kept.maker(1).sequence < kept.maker(2).sequence


def test_a_restored_engine_forgets_at_the_same_midnight() -> None:
    exchange = restored(traded())
    exchange.now_ns += 24 * HOUR_NS
    assert revised(exchange.say(1, BustTrade("BTC-USD", 6))) == []
    kept = exchange.engine.state.instruments["BTC-USD"].kept
    assert (kept.items, kept.revised, kept.day_first) == ([], {}, 7)
    exchange.engine.state.check()
    restored(exchange)


def test_what_is_kept_is_bounded() -> None:
    exchange = Exchange("anna", "boris")
    exchange.record(EngineStarted(2, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(1000, 1000, 10, 8)))
    exchange.say(1, enter("a", SELL, 100, 50))
    kept = exchange.engine.state.instruments["BTC-USD"].kept
    lengths = []
    for number in range(40):
        exchange.say(2, enter(f"b{number}", BUY, 1, 50))
        if number == 20:
            exchange.say(1, CorrectTrade("BTC-USD", 21, 40))
        lengths.append(len(kept.items) // PLACES)
        exchange.engine.state.check()
        if lengths[-1] == 10:  # and still only eight can be revised
            oldest = kept.first + 2
            (_, answer), *_ = exchange.say(1, BustTrade("BTC-USD", oldest - 1))
            assert answer[-1] == TRADE_NOT_KEPT
            assert len(revised(exchange.say(1, BustTrade("BTC-USD", oldest)))) == 2
    assert max(lengths) == 10
    assert lengths[-1] >= 8
    assert all(trade_id >= kept.first for trade_id in kept.revised)
    restored(exchange)


def test_the_public_is_told_without_a_name() -> None:
    events = traded().say(1, BustTrade("BTC-USD", 1), CorrectTrade("BTC-USD", 2, 44))
    sequence, time_ns = events[0][1][1:3]
    assert [event for stream, event in events if stream == "trade.BTC-USD."] == [
        (feed.TRADE_BUSTED, sequence, time_ns, 1, 50, 1),
        (feed.TRADE_CORRECTED, sequence + 1, time_ns + 1, 2, 44, 1, 51),
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda kept: kept[2].pop(), "half a trade of BTC-USD is kept"),
        (lambda kept: kept[2].__setitem__(0, 999), "order 999 has traded and is not there"),
        (lambda kept: kept[3].append([7, 40]), "trade 7 was revised and is not kept"),
        (lambda kept: kept[4].append(["nobody", 4, "x", 1]), "order 4 is of no account"),
    ],
)
def test_kept_trades_that_could_not_have_come_about_are_refused(change: Any, error: str) -> None:
    row = msgspec.msgpack.decode(encode_state(traded().engine.state))
    assert row[0] == STATE_FORMAT
    change(row[10][0][12])
    with pytest.raises(ValueError, match=error):
        decode_state(msgspec.msgpack.encode(row))


@pytest.mark.parametrize("limits", [(5, 0, 0), (0, 700, 0), (0, 0, 3), (1, 2, 3)])
@pytest.mark.parametrize("symbol", ["", "BTC-USD"])
def test_a_checkpoint_holds_the_limits_of_accounts(symbol: str, limits: tuple[int, int, int]) -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(2, enter("b1", BUY, 1, 50), enter("b2", BUY, 1, 50))
    exchange.say(1, SetLimits("boris", symbol, *limits))
    kept = restored(exchange).engine.state.accounts["boris"].limits
    assert kept is not None
    (limit,) = kept.by_symbol.values()
    assert (limit.order_lots_max, limit.order_notional_max, limit.open_orders_max) == limits
    assert kept.open_orders == {"BTC-USD": 2}
