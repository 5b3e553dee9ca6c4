"""A trading day of an engine that an operator leads through its phases, as readers of real publishers see it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bus.protocol.commands import EnterOrder
from bus.protocol.feed import AuctionEnded, Indicative, PhaseChanged, Trade
from bus.protocol.market.requests import (
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    StatisticsAnswer,
    StatisticsRequest,
)
from bus.protocol.market.streams import Symbol
from bus.protocol.terms import (
    AT_CLOSE,
    BUY,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    GFA,
    GTC,
    HALTED,
    LIMIT,
    MARKET,
    OPENING_AUCTION,
    PRE_OPEN,
    SELL,
    VOLATILITY_AUCTION,
)
from tests.publisher.test_processes import (
    MINUTE_NS,
    SYMBOL,
    Exchange,
    caught_up,
    check_candles,
    stored_trades,
)
from tests.support.market_ears import MarketEars
from tests.support.processes import Processes, processes

__all__ = ["processes"]

SECOND_NS = 10**9


class TradingDay(Exchange):
    """An exchange with phases."""

    def phase(self, phase: int, duration_ms: int = 0, random_ms: int = 0) -> None:
        self.operator.set_phase(SYMBOL, phase, duration_ms=duration_ms, random_ms=random_ms).result()

    def enter(self, side: int, lots: int, price: int, time_in_force: int = GTC) -> None:
        """A limit order; at price 0 a market order."""
        self.orders += 1
        kind = LIMIT if price else MARKET
        self.alice.send_commands(
            [EnterOrder(f"d-{self.orders}", SYMBOL, side, lots, price, kind, time_in_force)]
        )
        self.settle(self.alice)


@pytest.fixture
def day(processes: Processes, tmp_path: Path) -> Iterator[TradingDay]:
    running = TradingDay(processes, tmp_path / "data")
    yield running
    running.close()


def newest(ears: MarketEars, kind: str) -> object:
    """The last event of the newest frame of a stream."""
    frames = ears.frames(f"{kind}.{SYMBOL}.")
    return frames[-1].events[-1] if frames else None


def is_in(ears: MarketEars, phase: int) -> bool:
    """Whether the newest word of the symbol is of this phase."""
    symbol = newest(ears, "symbol")
    return isinstance(symbol, Symbol) and symbol.phase == phase


@pytest.mark.slow
def test_a_trading_day(day: TradingDay, tmp_path: Path) -> None:
    """Pre-open, an opening auction with a random end, a halt, a volatility auction in which the publisher is killed, a
    closing auction: said, stored and answered by the rules; and what is stored is what the log says.
    """
    publisher = day.publisher()
    with MarketEars(day.port, "trades.", "indicative.", "symbol.", "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        day.phase(PRE_OPEN)
        day.enter(BUY, 7, 1010)
        day.enter(SELL, 5, 1000)
        day.enter(BUY, 1, 0, GFA)
        day.phase(OPENING_AUCTION, 60_000, 5_000)
        day.advance(SECOND_NS)
        ears.until(
            lambda: is_in(ears, OPENING_AUCTION) and isinstance(newest(ears, "indicative"), Indicative)
        )
        depth = ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        assert (depth.bids, depth.asks) == ([(1010, 7, 1)], [(1000, 5, 1)])
        assert (depth.spread_ticks, depth.imbalance_ppm, depth.microprice_microticks) == (0, 0, 0)
        told = joins_late(day, f"sqlite:///{tmp_path}/late.db")
        assert isinstance(told, Indicative)
        assert (told.price_ticks, told.quantity_lots, told.imbalance_lots) == (1010, 5, 3)
        day.advance(65 * SECOND_NS)
        ears.until(lambda: is_in(ears, CONTINUOUS) and isinstance(newest(ears, "indicative"), PhaseChanged))
        ended, begun = ears.frames(f"indicative.{SYMBOL}.")[-1].events
        assert isinstance(ended, AuctionEnded)
        assert (ended.price_ticks, ended.quantity_lots) == (1010, 5)
        assert isinstance(begun, PhaseChanged)
        symbol = newest(ears, "symbol")
        assert isinstance(symbol, Symbol)
        assert (symbol.phase_ends_ns, symbol.auction_ticks, symbol.auction_lots) == (0, 1010, 5)
        day.enter(SELL, 2, 1005)  # somebody took
        day.phase(HALTED, 150_000)
        day.advance(151 * SECOND_NS)
        day.enter(SELL, 3, 1020)
        day.phase(VOLATILITY_AUCTION, 30_000)
        day.enter(BUY, 4, 1030)
        ears.until(lambda: is_in(ears, VOLATILITY_AUCTION))
        publisher.kill()
    day.enter(BUY, 2, 1000, AT_CLOSE)  # it waits for its own auction
    day.advance(31 * SECOND_NS)
    day.operator.bust_trade(SYMBOL, 1).result()
    day.phase(CLOSING_AUCTION, 60_000)
    day.enter(SELL, 6, 990)
    publisher = day.publisher()
    with MarketEars(day.port, "indicative.", "symbol.", "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        ears.until(lambda: isinstance(newest(ears, "indicative"), Indicative))
        day.advance(61 * SECOND_NS)
        day.advance(MINUTE_NS)
        ears.until(lambda: is_in(ears, CLOSED))
        caught_up(ears, day)
        check_day(ears)
    assert publisher.stop()[0] == 0  # what it has said is stored then
    proof = day.processes.run("publisher", "rebuild", "--data", str(day.data))
    assert proof.startswith("equal: 1 symbol"), proof
    # A publisher that begins may store what the engine answers before it has read so far: it is there, further on.
    day.phase(PRE_OPEN)
    with closing(sqlite3.connect(day.data / "publisher" / "market.db")) as database, database as connection:
        assert connection.execute("UPDATE symbols SET status = ?", (PRE_OPEN,)).rowcount == 1
    proof = day.processes.run("publisher", "rebuild", "--data", str(day.data))
    assert proof.startswith("equal: 1 symbol"), proof


def joins_late(day: TradingDay, store: str) -> object:
    """What a reader of a publisher that begins now hears at once of the auction that is on."""
    port = day.port + 8
    publisher = day.publisher("--at", str(port), "--store", store)
    with MarketEars(port, "indicative.", "symbol.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        ears.until(lambda: newest(ears, "indicative") is not None and is_in(ears, OPENING_AUCTION))
        symbol = newest(ears, "symbol")
        assert isinstance(symbol, Symbol)
        assert day.time_ns < symbol.phase_ends_ns < day.time_ns + 60 * SECOND_NS
        told = newest(ears, "indicative")
    publisher.kill()
    return told


def check_day(ears: MarketEars) -> None:
    """The trades, candles and statistics of the day; the first trade was busted."""
    trades = stored_trades(ears)
    sides = [(trade.price_ticks, trade.quantity_lots, trade.aggressor) for trade in trades]
    assert sides[0][::2] == (1010, 0)
    assert [lots for _, lots, side in sides if side] == [2]
    assert {side for _, _, side in sides} == {0, SELL}
    counted: list[Trade] = trades[1:]
    minutes = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=100), CandlesAnswer).candles
    check_candles(minutes, counted, MINUTE_NS)
    assert sum(int(candle.taker_buy_lots) for candle in minutes) == 0
    flat = [candle for candle in minutes if not candle.trades]
    assert len(flat) >= 2
    assert all(candle.open_ticks == candle.close_ticks and candle.volume_lots == "0" for candle in flat)
    statistics = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
    assert statistics.trades == len(counted)
    assert statistics.last_ticks == counted[-1].price_ticks
    assert statistics.session_open_ticks == counted[0].price_ticks
    volume = sum(trade.quantity_lots for trade in counted)
    assert statistics.session_volume_lots == str(volume)
