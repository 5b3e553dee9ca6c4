"""What is forgotten, and what stays however old it is."""

import pytest

from bus.config import Store as Settings
from bus.protocol.feed import Trade
from publisher.candles.intervals import DAY_NS, INTERVALS, MINUTE_NS
from publisher.store import reading, retention
from publisher.store.retention import Forgetting
from publisher.store.rows import Progress, SymbolRows
from publisher.store.store import Store
from tests.support.stored import ALL, START_NS, minute, stored_trades


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small transactions and few trades that stay, so that a few rows show it."""
    monkeypatch.setattr(retention, "FORGOTTEN_ROWS_MAX", 7)
    monkeypatch.setattr(retention, "TRADES_MIN", 5)


def written(store: Store, days: float, symbol: str = "BTC-USD", count: int = 50) -> None:
    """Trades spread evenly over so many days; the symbol stands at their end."""
    made = [Trade(n, START_NS + int(days * DAY_NS * n) // count, n, 1, 1, 1) for n in range(1, count + 1)]
    at = Progress(count, count, START_NS + int(days * DAY_NS), 1)
    store.write([SymbolRows(symbol=symbol, after_sequence=None, progress=at, trades=made)])


def forget(store: Store, settings: Settings) -> int:
    """A whole round: the steps that it took."""
    forgetting = Forgetting(settings)
    assert forgetting.wanted
    forgetting.begin(store)
    steps = 0
    while forgetting.under_way:
        forgetting.step(store)
        steps += 1
    return steps


def test_by_default_nothing_is_forgotten() -> None:
    assert not Forgetting(Settings()).wanted


def test_trades_are_forgotten_by_the_time_of_their_symbol_a_few_at_a_time(store: Store) -> None:
    written(store, 10)
    written(store, 3, "ETH-USD")
    assert forget(store, Settings(trades_days=4)) == 6
    assert [row.trade_id for row in stored_trades(store)] == list(range(30, 51))
    assert len(stored_trades(store, "ETH-USD")) == 50


def test_the_trades_of_two_days_stay(store: Store) -> None:
    written(store, 10)
    forget(store, Settings(trades_days=1))
    assert [row.trade_id for row in stored_trades(store)] == list(range(40, 51))


def test_the_last_trades_stay_however_old(store: Store) -> None:
    written(store, 1)
    store.write(
        [
            SymbolRows(
                symbol="BTC-USD", after_sequence=50, progress=Progress(50, 51, START_NS + 400 * DAY_NS, 1)
            )
        ]
    )
    forget(store, Settings(trades_days=30))
    assert [row.trade_id for row in stored_trades(store)] == [46, 47, 48, 49, 50]


def test_candles_are_forgotten_by_interval_and_a_full_ring_stays(store: Store) -> None:
    ring = INTERVALS["1m"].ring_length
    made = [("1m", minute(at)) for at in range(ring + 30)]
    made += [("5m", minute(5 * at)) for at in range(3)]
    for days in (1, 30):
        at = Progress(0, days, START_NS + days * DAY_NS, 1)
        store.write([SymbolRows(symbol="BTC-USD", after_sequence=None, progress=at, candles=made)])
    forget(store, Settings(candles_1m_days=1, candles_5m_days=1))
    with store.reading() as connection:
        minutes = reading.last_candles(connection, "BTC-USD", "1m", ALL)
        assert len(reading.last_candles(connection, "BTC-USD", "5m", ALL)) == 3
    assert len(minutes) == ring
    assert minutes[0].open_time_ns == START_NS + 30 * MINUTE_NS


def test_candles_that_are_young_enough_stay_beyond_the_ring(store: Store) -> None:
    ring = INTERVALS["1m"].ring_length
    made = [("1m", minute(at)) for at in range(ring + 30)]
    at = Progress(0, 1, START_NS + DAY_NS + 40 * MINUTE_NS, 1)
    store.write([SymbolRows(symbol="BTC-USD", after_sequence=None, progress=at, candles=made)])
    for days, left in ((2, ring + 30), (1, ring)):
        forget(store, Settings(candles_1m_days=days))
        with store.reading() as connection:
            assert len(reading.last_candles(connection, "BTC-USD", "1m", ALL)) == left
