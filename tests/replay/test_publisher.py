"""A day's beginning on a real exchange, through a real engine and a real publisher: what readers of the publisher get.

Three witnesses: the exchange's own snapshots of its book, pandas over the trades that the engine made, and the trades
as the exchange told them where the engine made the same ones.
"""

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own, for two tests
import pytest

from bus.protocol.feed import Level, Trade
from bus.protocol.market.requests import (
    CandlesAnswer,
    CandlesRequest,
    StatisticsAnswer,
    StatisticsRequest,
    TradesAnswer,
    TradesRequest,
)
from bus.protocol.market.streams import CandleUpdated, Statistics, StreamsHeartbeat
from bus.protocol.reports import Completed
from bus.protocol.terms import BUY
from bus.sockets.client import Client
from publisher.candles.intervals import DAY_NS, INTERVALS, MINUTE_NS, SECOND_NS
from publisher.store.reading import read_candles, read_trades
from publisher.store.store import Store
from tests.publisher.candles.test_real_trades import resampled
from tests.publisher.naive_candles import Said
from tests.publisher.real_trades import RECORDING, needs_the_recording, real_trades
from tests.replay.engines import running
from tests.replay.test_replay import outcome
from tests.support.market_ears import PATIENCE_S, MarketEars
from tests.support.processes import Processes, processes
from tools.replay.comparison import WINDOW_NS, TopComparer
from tools.replay.flow import RealTop

__all__ = ["processes"]

SYMBOL = "BTC-USD"
HEARD = ("depth.", "trades.", "candle-", "statistics.", "heartbeat.")


class Positions(TopComparer):
    """As the replay uses it, and it remembers at which log sequence each snapshot of the exchange stands."""

    positions: list[tuple[int, RealTop]]

    def __init__(self) -> None:
        super().__init__()
        type(self).positions = []
        self._waiting: deque[tuple[int, RealTop]] = deque()

    def expect(self, commands_sent: int, top: RealTop) -> None:
        super().expect(commands_sent, top)
        self._waiting.append((commands_sent, top))
        self._look()

    def answered(self, command: int, sequence: int) -> None:
        super().answered(command, sequence)
        self._look()

    def _look(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._answered:
            self.positions.append((self.sequence, self._waiting.popleft()[1]))


class World:
    """The replay is done, and the publisher has said everything of it."""

    def __init__(self, ears: MarketEars, operator: Client, database: Path) -> None:
        self.ears = ears
        self.database = database
        self._operator = operator
        self.trades = [event for event in self._events("trades") if isinstance(event, Trade)]
        self.end_ns = self.trades[-1].time_ns

    def advance(self, time_ns: int) -> None:
        """Nothing more happens until then, and the publisher says what comes of that."""
        self._operator.advance_clock(time_ns).result()
        self.ears.until(lambda: self.time_ns() >= time_ns)

    def time_ns(self) -> int:
        """How far the publisher has come with the symbol."""
        frames = self.ears.frames(f"heartbeat.{SYMBOL}.")
        return frames[-1].time_ns if frames else 0

    def levels(self) -> list[Level]:
        return [event for event in self._events("depth") if isinstance(event, Level)]

    def statistics(self) -> list[Statistics]:
        return [event for event in self._events("statistics") if isinstance(event, Statistics)]

    def closed(self, interval: str) -> list[CandleUpdated]:
        found = [event for event in self._events(f"candle-{interval}") if isinstance(event, CandleUpdated)]
        return [candle for candle in found if candle.closed]

    def asked(self, interval: str) -> list[CandleUpdated]:
        """All closed candles of an interval, page by page."""
        found: list[CandleUpdated] = []
        from_ns = 1
        while True:
            request = CandlesRequest(SYMBOL, interval, from_ns, 0, 1_500)
            answer = self.ears.answer(request, CandlesAnswer)
            found += answer.candles
            if not answer.more:
                return [candle for candle in found if candle.closed]
            from_ns = found[-1].open_time_ns + 1

    def _events(self, kind: str) -> list[Any]:
        return [event for frame in self.ears.frames(f"{kind}.{SYMBOL}.") for event in frame.events]


@contextlib.contextmanager
def replayed(processes: Processes, folder: Path) -> Iterator[World]:
    """Engine and publisher first, then the recording as fast as it can be taken."""
    data = folder / "data"
    with running(data) as port_base:
        base = ("--port-base", str(port_base))
        publisher = processes.start("publisher", "--data", str(data), *base)
        publisher.ready()
        token = (data / "token").read_text().strip()
        with (
            Client(
                port_base=port_base, account="op", role="operator", token=token, timeout=PATIENCE_S
            ) as operator,
            MarketEars(port_base + 11, *HEARD) as ears,
        ):
            defined = operator.define_instrument(
                SYMBOL, "BTC", "USD", tick="0.01", lot="0.00000001", price_min="0.01", price_max="100000",
                quantity_min="0.00000001", quantity_max="1000",
            ).result()  # fmt: skip
            assert isinstance(defined, Completed)
            ears.until(lambda: bool(ears.frames(f"depth.{SYMBOL}.")))
            result = outcome(RECORDING, "--format", "bitstamp", *base, "--data", data)
            assert result["snapshots_equal"] >= 4950
            last = Positions.positions[-1][0]
            ears.until(lambda: _reached(ears) >= last)
            yield World(ears, operator, data / "publisher" / "market.db")
        assert publisher.stop()[0] == 0


def _reached(ears: MarketEars) -> int:
    """Up to which log sequence the publisher has said everything."""
    frames = ears.frames(f"heartbeat.{SYMBOL}.")
    return frames[-1].sequence if frames and _is_whole(frames[-1].events[0]) else 0


def _is_whole(heartbeat: object) -> bool:
    assert isinstance(heartbeat, StreamsHeartbeat)
    return not heartbeat.healing


@needs_the_recording
def test_readers_of_the_publisher_get_what_the_exchange_had(
    processes: Processes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.replay.replayer.TopComparer", Positions)
    with replayed(processes, tmp_path) as world:
        books_are_the_exchanges(world)
        statistics_now_are_those_of_pandas(world)
        for days in range(1, 10):  # more at once would be more frames than wait for a reader
            world.advance(world.end_ns + days * DAY_NS)
        statistics_were_those_of_pandas(world)
        for interval in INTERVALS:
            candles_are_those_of_pandas(world, interval)
        candles_are_those_of_the_exchange(world)
        trades_are_everywhere_the_same(world)
        said = {interval: world.closed(interval) for interval in INTERVALS}
    store = Store(f"sqlite:///{world.database}", "")
    with store.reading() as connection:
        stored_trades = read_trades(connection, SYMBOL, limit=1_000_000)
        for interval in INTERVALS:
            rows = read_candles(connection, SYMBOL, interval, limit=1_000_000)
            assert [row.row()[:12] for row in rows] == [_row(candle) for candle in said[interval]]
            assert {row.revision for row in rows} == {0}
            # The store alone knows the log sequence of a candle's last trade.
            expected = resampled(interval, world.trades)
            assert [row.last_sequence for row in rows[: len(expected)]] == [row[-1] for row in expected]
    store.close()
    assert [(row.trade_id, row.sequence, row.price_ticks) for row in stored_trades] == [
        (trade.trade_id, trade.sequence, trade.price_ticks) for trade in world.trades
    ]
    proof = processes.run("publisher", "rebuild", "--data", str(tmp_path / "data"))
    assert proof.startswith(f"equal: 1 symbol, {len(world.trades)} trades, ")


def books_are_the_exchanges(world: World) -> None:
    """A reader's book, made of `depth.` alone, at the log sequence of each of the exchange's own snapshots."""
    comparer = TopComparer()
    positions = Positions.positions
    for number, (sequence, top) in enumerate(positions, 1):
        comparer.expect(number, top)
        comparer.answered(number, sequence)
    for level in world.levels():
        comparer.level(level)
    comparer.finish()
    assert len(positions) == 5011
    assert comparer.comparable == 5010
    assert comparer.equal >= 4950


# Candles.


def _row(candle: CandleUpdated) -> tuple[int, ...]:
    """Up to the ids of its trades, as whole numbers."""
    return (
        candle.open_time_ns, candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks,
        int(candle.volume_lots), int(candle.quote_volume), candle.trades, int(candle.taker_buy_lots),
        int(candle.taker_buy_quote), candle.first_trade_id, candle.last_trade_id,
    )  # fmt: skip


def candles_are_those_of_pandas(world: World, interval: str) -> None:
    """From the streams and from requests, to the last digit; those behind the last trade are flat."""
    said = [_row(candle) for candle in world.closed(interval)]
    assert said == [_row(candle) for candle in world.asked(interval)]
    expected: list[Said] = resampled(interval, world.trades)
    traded = len(expected)
    assert said[:traded] == [row[:-1] for row in expected]
    length_ns, last_ticks = INTERVALS[interval].length_ns, world.trades[-1].price_ticks
    for number, row in enumerate(said[traded:], 1):
        assert row == (expected[-1][0] + number * length_ns, *[last_ticks] * 4, *[0] * 7)
    assert len(said) > traded or interval == "1w"


def candles_are_those_of_the_exchange(world: World) -> None:
    """Minutes in which the engine made the very trades of the exchange, computed from the exchange's own lines."""
    real = real_trades()
    partners = _partners(world.trades, real)
    minutes = defaultdict(list)
    for trade in world.trades:
        minutes[trade.time_ns // MINUTE_NS].append(partners.get(trade.trade_id))
    compared = 0
    for candle in world.closed("1m"):
        raw = minutes.get(candle.open_time_ns // MINUTE_NS, [])
        if not raw or None in raw:
            continue
        compared += 1
        frame: Any = pd.DataFrame([(trade.price_ticks, trade.quantity_lots) for trade in raw if trade])
        assert (candle.open_ticks, candle.close_ticks) == (frame[0].iloc[0], frame[0].iloc[-1])
        assert (candle.high_ticks, candle.low_ticks) == (frame[0].max(), frame[0].min())
        assert (int(candle.volume_lots), int(candle.quote_volume)) == (
            frame[1].sum(),
            (frame[0] * frame[1]).sum(),
        )
        assert candle.trades == len(frame)
    assert len(partners) >= 512
    assert compared > 150


def _partners(made: list[Trade], real: list[Trade]) -> dict[int, Trade]:
    """The exchange's trade for each of the engine's that has one: same price and amount, told within a second."""
    waiting: defaultdict[tuple[int, int], deque[Trade]] = defaultdict(deque)
    for trade in made:
        waiting[trade.price_ticks, trade.quantity_lots].append(trade)
    found: dict[int, Trade] = {}
    for trade in real:
        candidates = waiting[trade.price_ticks, trade.quantity_lots]
        while candidates and candidates[0].time_ns < trade.time_ns - WINDOW_NS:
            candidates.popleft()
        if candidates and candidates[0].time_ns < trade.time_ns + 10**6:
            found[candidates.popleft().trade_id] = trade
    return found


# Statistics.


class Day:
    """The statistics of the trades of 24 hours, by pandas."""

    def __init__(self, trades: list[Trade]) -> None:
        self.frame: Any = pd.DataFrame(
            {
                "time_ns": [trade.time_ns for trade in trades],
                "price": [trade.price_ticks for trade in trades],
                "lots": [trade.quantity_lots for trade in trades],
            }
        )
        self.frame["quote"] = self.frame.price * self.frame.lots

    def at(self, time_ns: int) -> tuple[int, ...]:
        """From the open to the end of the session, as of a time; everything before it counts."""
        before = self.frame[self.frame.time_ns < time_ns]
        day = before[before.time_ns >= (time_ns // SECOND_NS - 86_400) * SECOND_NS]
        session = before[before.time_ns >= time_ns // DAY_NS * DAY_NS]
        last = int(before.price.iloc[-1])
        prices = day.price if len(day) else before.price.iloc[-1:]
        opened = int(prices.iloc[0])
        return (
            opened,
            int(prices.max()),
            int(prices.min()),
            last,
            last - opened,
            _half_away(Fraction((last - opened) * 10**6, opened)),
            int(day.lots.sum()),
            int(day.quote.sum()),
            len(day),
            _average(day),
            int(session.price.iloc[0]) if len(session) else 0,
            int(session.lots.sum()),
            _average(session),
        )


def _average(frame: Any) -> int:
    """Volume-weighted, in millionths of a tick, half to even."""
    return round(Fraction(int(frame.quote.sum()) * 10**6, int(frame.lots.sum()))) if len(frame) else 0


def _half_away(value: Fraction) -> int:
    magnitude = int(abs(value) + Fraction(1, 2))
    return magnitude if value >= 0 else -magnitude


def _told(said: Statistics) -> tuple[int, ...]:
    return (
        said.open_ticks, said.high_ticks, said.low_ticks, said.last_ticks, said.change_ticks, said.change_ppm,
        int(said.volume_lots), int(said.quote_volume), said.trades, said.vwap_microticks,
        said.session_open_ticks, int(said.session_volume_lots), said.session_vwap_microticks,
    )  # fmt: skip


def statistics_now_are_those_of_pandas(world: World) -> None:
    """As they stand when they are asked for, and best prices as they are in the book."""
    answer = world.ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer)
    assert _told(answer.statistics) == Day(world.trades).at(answer.statistics.time_ns + 1)
    levels = {(level.side, level.price_ticks): level.quantity_lots for level in world.levels()}
    best_bid = max(price for (side, price), lots in levels.items() if side == BUY and lots)
    assert (answer.statistics.best_bid_ticks, answer.statistics.best_bid_lots) == (
        best_bid,
        levels[BUY, best_bid],
    )


def statistics_were_those_of_pandas(world: World) -> None:
    """Each one that was said: while trades came, while they left the window second by second, and with the session."""
    day = Day(world.trades)
    said = world.statistics()
    for statistics in said:
        assert statistics.time_ns % SECOND_NS == 0
        assert _told(statistics) == day.at(statistics.time_ns), statistics.time_ns
    left = [statistics for statistics in said if statistics.time_ns > world.end_ns + SECOND_NS]
    assert len(said) - len(left) > 300
    assert len(left) > 300
    assert said[-1].trades == 0


def trades_are_everywhere_the_same(world: World) -> None:
    """Page by page what the stream has said."""
    found: list[Trade] = []
    while len(found) < len(world.trades):
        request = TradesRequest(SYMBOL, from_trade_id=len(found) + 1, limit=100)
        found += [row.trade for row in world.ears.answer(request, TradesAnswer).trades]
    assert found == world.trades
