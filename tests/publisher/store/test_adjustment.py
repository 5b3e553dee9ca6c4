"""What an operator changes by hand stays changed, and is on record."""

from collections.abc import Callable

import pytest

from bus.errors import AdjustmentRefused
from bus.protocol.feed import TradeBusted
from publisher.candles.candle import Candle
from publisher.store import reading
from publisher.store.adjustment import adjust_candle, adjust_trade
from publisher.store.rows import BUSTED, CORRECTED, MANUAL, VALID, Progress, SymbolRows
from publisher.store.store import Store
from tests.support.stored import ALL, START_NS, minute, piece, stored_trades, trades


@pytest.fixture
def written(store: Store) -> SymbolRows:
    """Three trades and two minutes, which are in the store."""
    rows = piece(trades(1, 3))
    rows.candles = [("1m", minute(0, trades(1, 3))), ("1m", minute(1, price_ticks=100))]
    store.write([rows])
    return rows


def states(store: Store) -> list[tuple[int, int]]:
    """State and price of each trade."""
    return [(row.state, row.price_ticks) for row in stored_trades(store)]


def minutes(store: Store) -> list[Candle]:
    """The stored minutes."""
    with store.reading() as connection:
        return reading.last_candles(connection, "BTC-USD", "1m", ALL)


def test_an_adjusted_trade_stays_so_when_the_feed_is_written_again(store: Store, written: SymbolRows) -> None:
    made = adjust_trade(store, "BTC-USD", 2, 90, "fat finger")
    assert (made.number, made.step, made.kind, made.note) == (3, 1, MANUAL, "fat finger")
    assert (made.price_before_ticks, made.price_after_ticks, made.open_time_ns) == (100, 90, START_NS)
    adjust_trade(store, "BTC-USD", 1, None, "never was")
    adjusted = [(BUSTED, 100), (CORRECTED, 90), (VALID, 100)]
    assert states(store) == adjusted
    store.write([written])
    assert states(store) == adjusted
    with store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM trades")
        connection.exec_driver_sql("DELETE FROM progress")
    store.write([written])
    assert states(store) == adjusted
    with store.reading() as connection:
        told = reading.read_corrections(connection, "BTC-USD", limit=ALL)
    assert [(row.number, row.step, row.trade_id, row.note) for row in told] == [
        (3, 1, 2, "fat finger"),
        (3, 2, 1, "never was"),
    ]


@pytest.mark.usefixtures("written")
def test_a_newer_event_of_the_feed_is_the_last_word(store: Store) -> None:
    adjust_trade(store, "BTC-USD", 2, 90, "fat finger")
    bust = TradeBusted(40, START_NS + 10**10, 2, 100, 5)
    at = Progress(4, 40, START_NS + 10**10, 1)
    store.write([SymbolRows(symbol="BTC-USD", after_sequence=30, progress=at, revisions=[(4, bust)])])
    assert states(store)[1] == (BUSTED, 100)
    adjust_trade(store, "BTC-USD", 2, 95, "it did count")
    assert states(store)[1] == (CORRECTED, 95)


def test_an_adjusted_candle_stays_so_when_the_feed_is_written_again(
    store: Store, written: SymbolRows
) -> None:
    wanted = minute(0, trades(1, 3, price_ticks=90))
    wanted.quote_volume = 10**30
    made = adjust_candle(store, "BTC-USD", "1m", wanted, "late print")
    assert (made.trade_id, made.interval, made.open_time_ns, made.note) == (
        None,
        "1m",
        START_NS,
        "late print",
    )
    wanted.revision = 1
    expected = [wanted, minute(1, price_ticks=100)]
    assert minutes(store) == expected
    key = ("BTC-USD", "1m", START_NS)
    assert store.write([written]).kept == [key]
    # A revision of the feed's own does not undo it either; the owner is told.
    later = piece(trades(1, 3))
    later.candles = [("1m", minute(0, trades(1, 2), revision=5))]
    assert store.write([later]).kept == [key]
    assert minutes(store) == expected
    with store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM candles")
    assert store.write([written]).kept == [key]
    assert minutes(store) == expected


@pytest.mark.usefixtures("written")
def test_the_last_adjustment_of_a_candle_counts(store: Store) -> None:
    for price in (90, 80):
        adjust_candle(store, "BTC-USD", "1m", minute(0, trades(1, 3, price_ticks=price)), "again")
    assert [(row.open_ticks, row.revision) for row in minutes(store)] == [(80, 2), (100, 0)]


def crossed() -> Candle:
    """A candle that no trades could come to."""
    candle = minute(0, trades(1, 3))
    candle.low_ticks = candle.high_ticks + 1
    return candle


def bought_too_much() -> Candle:
    """Takers bought more than was traded."""
    candle = minute(0, trades(1, 3))
    candle.taker_buy_lots = candle.volume_lots + 1
    return candle


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("adjust", "line"),
    [
        (lambda s: adjust_trade(s, "ETH-USD", 2, 9, "x"), "ETH-USD: nothing is stored of this symbol"),
        (lambda s: adjust_trade(s, "BTC-USD", 9, 9, "x"), "BTC-USD: no trade 9 is stored"),
        (lambda s: adjust_trade(s, "BTC-USD", 2, 100, "x"), "BTC-USD: trade 2 is so already"),
        (lambda s: adjust_trade(s, "BTC-USD", 2, 0, "x"), "BTC-USD: a price is at least 1 tick, not 0"),
        (
            lambda s: adjust_trade(s, "BTC-USD", 2, 9, " "),
            "an adjustment needs a reason of 1 to 500 characters",
        ),
        (
            lambda s: adjust_candle(s, "BTC-USD", "1m", minute(7), "x"),
            f"BTC-USD: no candle of 1m that opens at {START_NS + 7 * 60 * 10**9} is stored",
        ),
        (
            lambda s: adjust_candle(s, "BTC-USD", "1m", minute(0, trades(1, 3)), "x"),
            f"BTC-USD: the candle of 1m that opens at {START_NS} is so already",
        ),
        (
            lambda s: adjust_candle(s, "BTC-USD", "1m", crossed(), "x"),
            "BTC-USD: open and close of a candle lie between its low and its high",
        ),
        (
            lambda s: adjust_candle(s, "BTC-USD", "1m", bought_too_much(), "x"),
            "BTC-USD: what takers bought in a candle is a part of its volume",
        ),
    ],
)
def test_what_cannot_be_adjusted_is_refused_and_changes_nothing(
    store: Store, adjust: Callable[[Store], object], line: str
) -> None:
    before = states(store), minutes(store)
    with pytest.raises(AdjustmentRefused) as caught:
        adjust(store)
    assert str(caught.value) == line
    assert (states(store), minutes(store)) == before
    with store.reading() as connection:
        assert reading.read_corrections(connection, "BTC-USD", limit=ALL) == []
