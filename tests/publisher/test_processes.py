"""Publishers as processes beside a real engine: what they say and answer, killed at any moment, asked for anything."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bus.protocol import reasons
from bus.protocol.codec import encode, encode_message
from bus.protocol.commands import AdvanceClock, CancelOrder, EnterOrder
from bus.protocol.control import Refused
from bus.protocol.feed import Level, Trade, TradeBusted
from bus.protocol.market.requests import (
    CANDLES_PER_ANSWER_MAX,
    TRADES_PER_ANSWER_MAX,
    AlertsAnswer,
    AlertsRequest,
    ArmAlert,
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    DisarmAlert,
    IndicatorAnswer,
    IndicatorRequest,
    MiniAnswer,
    MiniRequest,
    OrdersAnswer,
    OrdersRequest,
    StatisticsAnswer,
    StatisticsRequest,
    StreamReplay,
    StreamReplayed,
    SymbolsAnswer,
    SymbolsRequest,
    TradesAnswer,
    TradesRequest,
)
from bus.protocol.market.streams import AlertFired, CandleUpdated, Resync, StreamsHeartbeat
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.protocol.terms import BUY, SELL
from bus.sockets.client import Client
from tests.support.market_ears import PATIENCE_S, MarketEars
from tests.support.processes import Process, Processes, processes

__all__ = ["processes"]

SYMBOL = "BTC-USD"
MINUTE_NS = 60 * 10**9
BEGIN_NS = 1_700_000_040 * 10**9


class Exchange:
    """An engine whose time is the operator's, who defines, advances and revises; and alice, who trades with herself."""

    def __init__(self, processes: Processes, data: Path) -> None:
        self.processes = processes
        self.data = data
        self.time_ns = BEGIN_NS
        self.orders = 0
        self.engine = self.start_engine()
        token = (data / "token").read_text().strip()
        base = processes.port_base
        self.operator = Client(port_base=base, account="op", role="operator", token=token, timeout=PATIENCE_S)
        self.operator.open()
        self.advance(0)
        self.define(SYMBOL)
        # Only now: her first orders are to be of this time.
        self.alice = Client(port_base=base, account="alice", timeout=PATIENCE_S)
        self.alice.open()

    def start_engine(self) -> Process:
        return self.processes.engine(self.data, "--clock", "commands")

    def define(self, symbol: str) -> None:
        self.operator.define_instrument(
            symbol,
            "BTC",
            "USD",
            tick="0.01",
            lot="0.001",
            price_min="0.01",
            price_max="1000000",
            quantity_min="0.001",
            quantity_max="1000",
        ).result()

    def advance(self, by_ns: int) -> None:
        self.time_ns += by_ns + 1
        self.operator.send_commands([AdvanceClock(self.time_ns)])
        self.settle(self.operator)

    def settle(self, client: Client) -> None:
        while client.unanswered:
            client.poll(0.05)

    def trade(self, chance: random.Random, count: int, symbol: str = SYMBOL) -> None:
        """Orders that rest, trade and go, and time that passes."""
        for _ in range(count):
            commands: list[EnterOrder | CancelOrder] = []
            for _ in range(chance.randrange(1, 6)):
                self.orders += 1
                if chance.random() < 0.25 and self.orders > 5:
                    commands.append(CancelOrder(0, f"o-{chance.randrange(1, self.orders)}"))
                side = chance.choice((BUY, SELL))
                price = 1000 + chance.randrange(-30, 12) * (1 if side == BUY else -1)
                commands.append(EnterOrder(f"o-{self.orders}", symbol, side, 1 + chance.randrange(50), price))
            self.alice.send_commands(commands)
            self.settle(self.alice)
            self.advance(int(10 ** chance.uniform(7, 10.8)))

    def cross(self, price: int) -> None:
        """One trade at this price, and an empty book behind it."""
        for side in (SELL, BUY):
            self.orders += 1
            self.alice.send_commands([EnterOrder(f"o-{self.orders}", SYMBOL, side, 1, price)])
        self.settle(self.alice)
        self.advance(10**9)

    def publisher(self, *words: str) -> Process:
        process = self.processes.start(
            *self.processes.exchange("publisher", "--data", str(self.data), *words)
        )
        process.ready()
        return process

    @property
    def port(self) -> int:
        return self.processes.port_base + 11

    def close(self) -> None:
        self.operator.close()
        self.alice.close()


@pytest.fixture
def exchange(processes: Processes, tmp_path: Path) -> Iterator[Exchange]:
    running = Exchange(processes, tmp_path / "data")
    yield running
    running.close()


def traded(ears: MarketEars) -> list[Trade]:
    """The trades that were heard, as they were said."""
    events = [event for frame in ears.frames(f"trades.{SYMBOL}.") for event in frame.events]
    return [event for event in events if isinstance(event, Trade)]


def stored_trades(ears: MarketEars) -> list[Trade]:
    """All trades, page by page."""
    found: list[Trade] = []
    while True:
        after = found[-1].trade_id + 1 if found else 1
        page = ears.answer(TradesRequest(SYMBOL, from_trade_id=after, limit=100), TradesAnswer)
        found += [row.trade for row in page.trades]
        if not page.more:
            return found


def caught_up(ears: MarketEars, exchange: Exchange) -> None:
    """The publisher is where the engine is: it says so in its heartbeat."""
    exchange.advance(2 * 10**9)
    ears.listen()
    ears.heard.pop(f"heartbeat.{SYMBOL}.", None)
    ears.until(
        lambda: any(
            frame.time_ns >= exchange.time_ns - 10**9 for frame in ears.frames(f"heartbeat.{SYMBOL}.")
        )
    )


def test_it_says_and_answers_what_happened(exchange: Exchange) -> None:
    chance = random.Random(1)
    exchange.publisher()
    with MarketEars(exchange.port, "") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(chance, 60)
        caught_up(ears, exchange)
        trades = traded(ears)
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        assert stored_trades(ears) == trades
        depth = ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        orders = ears.answer(OrdersRequest(SYMBOL), OrdersAnswer)
        for rows, of_orders in ((depth.bids, orders.bids), (depth.asks, orders.asks)):
            prices = [price for price, _, _ in rows]
            assert prices == list(dict.fromkeys(price for _, price, _ in of_orders))
            for price, quantity, count in rows:
                at_price = [lots for _, of, lots in of_orders if of == price]
                assert (sum(at_price), len(at_price)) == (quantity, count)
        assert ears.answer(DepthRequest(SYMBOL, 2), DepthAnswer).bids == depth.bids[:2]
        coarse = ears.answer(DepthRequest(SYMBOL, 0, 10), DepthAnswer)
        assert all(price % 10 == 0 for price, _, _ in coarse.bids + coarse.asks)
        assert sum(row[1] for row in coarse.asks) == sum(row[1] for row in depth.asks)
        page = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=3), CandlesAnswer)
        rest = ears.answer(
            CandlesRequest(SYMBOL, "1m", from_ns=page.candles[-1].open_time_ns + 1, limit=1000), CandlesAnswer
        )
        assert (page.more, rest.more) == (True, False)
        candles = page.candles + rest.candles
        assert sum(candle.trades for candle in candles) == len(trades)
        last = ears.answer(CandlesRequest(SYMBOL, "1m", limit=2), CandlesAnswer)
        assert last.candles == candles[-2:]
        assert not last.candles[-1].closed
        day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
        assert (day.trades, day.last_ticks) == (len(trades), trades[-1].price_ticks)
        assert ears.answer(MiniRequest(), MiniAnswer).symbols[0][1].volume_lots == day.volume_lots
        (symbol,) = ears.answer(SymbolsRequest(), SymbolsAnswer).symbols
        assert (symbol.symbol, symbol.base, symbol.tick_decimals, symbol.product) == (
            SYMBOL,
            "BTC",
            2,
            "spot",
        )
        frames = ears.frames(f"depth.{SYMBOL}.")
        again = ears.answer(StreamReplay(f"depth.{SYMBOL}.", frames[-4].sequence), StreamReplayed)
        assert len(again.frames) == 3


def test_who_subscribes_late_gets_the_newest_at_once(exchange: Exchange) -> None:
    """In a market in which nothing happens any more."""
    exchange.publisher()
    with MarketEars(exchange.port, f"heartbeat.{SYMBOL}.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(random.Random(2), 20)
        caught_up(ears, exchange)
        wanted = ("statistics", "mini", "candle-1m", "candle-1w", "top5-100ms", "top20-1s", "symbol")
        for kind in wanted:
            ears.subscribe(f"{kind}.")
        ears.until(lambda: all(ears.frames(f"{kind}.{SYMBOL}.") for kind in wanted))


def test_it_is_killed_at_any_moment_and_loses_and_doubles_nothing(exchange: Exchange) -> None:
    seed = 3
    chance = random.Random(seed)
    heard: dict[int, Trade] = {}
    publisher = exchange.publisher()
    for life in range(5):
        with MarketEars(exchange.port, "trades.", "heartbeat.") as ears:
            exchange.trade(chance, chance.randrange(1, 25))
            if life % 2:
                caught_up(ears, exchange)
            publisher.kill()
            ears.listen()
            for frame in ears.frames(f"trades.{SYMBOL}."):
                for event in frame.events:
                    if isinstance(event, Resync):  # what it missed while it was away is asked for
                        assert frame.previous_sequence == 0
                        continue
                    assert isinstance(event, Trade)
                    assert heard.setdefault(event.trade_id, event) == event
        exchange.trade(chance, 3)
        publisher = exchange.publisher()
    with MarketEars(exchange.port, "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        caught_up(ears, exchange)
        trades = stored_trades(ears)
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        assert len(trades) > 50
        assert all(trades[trade_id - 1] == trade for trade_id, trade in heard.items())
        candles = ears.answer(CandlesRequest(SYMBOL, "5m", from_ns=1, limit=1000), CandlesAnswer).candles
        check_candles(candles, trades, 5 * MINUTE_NS)
        day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
        assert (day.trades, day.open_ticks) == (len(trades), trades[0].price_ticks)


def check_candles(candles: list[CandleUpdated], trades: list[Trade], length_ns: int) -> None:
    """Dense, and each what its trades come to."""
    for candle in candles:
        until_ns = candle.open_time_ns + length_ns
        within = [trade for trade in trades if candle.open_time_ns <= trade.time_ns < until_ns]
        assert candle.trades == len(within)
        assert candle.volume_lots == str(sum(trade.quantity_lots for trade in within))
        if within:
            prices = [trade.price_ticks for trade in within]
            assert (candle.open_ticks, candle.close_ticks) == (prices[0], prices[-1])
            assert (candle.high_ticks, candle.low_ticks) == (max(prices), min(prices))
    opens = [candle.open_time_ns for candle in candles]
    assert opens == list(range(opens[0], opens[-1] + 1, length_ns))


def test_the_engine_dies_and_comes_back(exchange: Exchange) -> None:
    """Nothing is missing and nothing is said twice in the streams."""
    chance = random.Random(4)
    exchange.publisher()
    with MarketEars(exchange.port, "trades.", "depth.", "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        for _ in range(3):
            exchange.trade(chance, 10)
            exchange.engine.kill()
            exchange.engine = exchange.start_engine()
            exchange.settle(exchange.operator)
        exchange.trade(chance, 10)
        caught_up(ears, exchange)
        trades = traded(ears)
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        depth = ears.frames(f"depth.{SYMBOL}.")
        for before, frame in pairwise(depth):
            assert frame.previous_sequence in (0, before.sequence)
        changes = [event for frame in ears.frames(f"depth.{SYMBOL}.") for event in frame.events]
        assert any(isinstance(change, Level) for change in changes)


def test_a_bust_is_seen_in_every_place(exchange: Exchange) -> None:
    """The trade, the candles that held it, the statistics, and the store behind a restart."""
    publisher = exchange.publisher()
    with MarketEars(exchange.port, "trades.", "candle-", "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(random.Random(5), 40)
        caught_up(ears, exchange)
        trades = stored_trades(ears)
        busted = trades[len(trades) // 2]
        exchange.operator.bust_trade(SYMBOL, busted.trade_id).result()
        caught_up(ears, exchange)
        counted = [trade for trade in trades if trade is not busted]
        said = [event for frame in ears.frames(f"trades.{SYMBOL}.") for event in frame.events]
        assert [event.trade_id for event in said if isinstance(event, TradeBusted)] == [busted.trade_id]
        revised = [
            event
            for frame in ears.frames(f"candle-1m.{SYMBOL}.")
            for event in frame.events
            if isinstance(event, CandleUpdated) and event.revision
        ]
        assert revised[0].open_time_ns == busted.time_ns // MINUTE_NS * MINUTE_NS
        for _ in range(2):
            minutes = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=1000), CandlesAnswer).candles
            check_candles(minutes, counted, MINUTE_NS)
            day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
            assert day.trades == len(counted)
            rows = ears.answer(TradesRequest(SYMBOL, busted.trade_id, limit=1), TradesAnswer).trades
            assert [(row.trade.trade_id, row.state) for row in rows] == [(busted.trade_id, 1)]
            assert publisher.stop()[0] == 0
            publisher = exchange.publisher()
            ears.answer(DepthRequest(SYMBOL), DepthAnswer)


def test_alerts_are_armed_fire_and_survive_a_kill(exchange: Exchange) -> None:
    """One that fires while the publisher is dead is told when it is back; one that fired once is no more."""
    publisher = exchange.publisher()
    with MarketEars(exchange.port, "alert.", "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.cross(1000)
        caught_up(ears, exchange)
        armed = ears.answer(ArmAlert("up", SYMBOL, "price-above", [1005]), AlertsAnswer)
        assert [(alert.alert_id, alert.armed, alert.fired) for alert in armed.alerts] == [("up", True, 0)]
        ears.answer(
            ArmAlert("again", SYMBOL, "price-below", [990], repeating=True, hysteresis=5),
            AlertsAnswer,
        )
        ears.answer(ArmAlert("wide", SYMBOL, "spread-ticks", [40]), AlertsAnswer)
        exchange.cross(1004)
        exchange.cross(1006)
        ears.until(lambda: fired(ears) == [("up", 1006, 1005)])
        publisher.kill()
        exchange.cross(989)
        publisher = exchange.publisher()
        ears.until(lambda: len(fired(ears)) > 1)
        assert fired(ears)[1][:2] == ("again", 989)
        publisher.kill()
        publisher = exchange.publisher()
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.cross(993)
        exchange.cross(988)
        exchange.cross(996)
        exchange.cross(985)
        ears.until(lambda: len(fired(ears)) > 2)
        caught_up(ears, exchange)
        assert [(alert_id, value) for alert_id, value, _ in fired(ears)] == [
            ("up", 1006),
            ("again", 989),
            ("again", 985),
        ]
        left = ears.answer(AlertsRequest(), AlertsAnswer).alerts
        assert sorted((alert.alert_id, alert.fired) for alert in left) == [("again", 2), ("wide", 0)]
        assert ears.answer(DisarmAlert("again"), AlertsAnswer).alerts[0].alert_id == "again"
        for request, text in (
            (DisarmAlert("again"), "there is no alert 'again'"),
            (ArmAlert("x", SYMBOL, "moon", [1]), "'moon' is no condition: price-above, price-below"),
            (
                ArmAlert("x", SYMBOL, "move-up", [1]),
                "the parameters of move-up are threshold, window_seconds",
            ),
            (ArmAlert("x", SYMBOL, "move-up", [1, 0]), "such a window has 1 to"),
            (ArmAlert("x", "NOPE", "spread-ticks", [41]), "'NOPE' is no symbol"),
        ):
            refused = ears.ask(request)
            assert isinstance(refused, Refused)
            assert text in refused.text


def fired(ears: MarketEars) -> list[tuple[str, int, int]]:
    """What fired, once for each sequence: behind a kill the same may be said again."""
    events = [event for frame in ears.frames(f"alert.{SYMBOL}.") for event in frame.events]
    alerts = {(event.alert_id, event.sequence): event for event in events if isinstance(event, AlertFired)}
    return [(alert.alert_id, alert.value, alert.threshold) for alert in alerts.values()]


def test_indicators_and_status(exchange: Exchange) -> None:
    exchange.publisher("--name", "one")
    with MarketEars(exchange.port, "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        for _ in range(8):
            exchange.trade(random.Random(8), 3)
            exchange.advance(MINUTE_NS)
        caught_up(ears, exchange)
        candles = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=1000), CandlesAnswer).candles
        closes = [candle.close_ticks for candle in candles if candle.closed]
        values = ears.answer(IndicatorRequest(SYMBOL, "1m", "sma", [4], limit=5), IndicatorAnswer).values
        expected = [sum(closes[at - 4 : at]) * 250_000 for at in range(len(closes) - 3, len(closes) + 1)]
        assert [value for _, value in values] == expected
        assert values[-1][0] == candles[-2].open_time_ns
        for request, text in (
            (IndicatorRequest(SYMBOL, "1m", "moon", [4]), "'moon' is no indicator: sma, ema, vwap"),
            (IndicatorRequest(SYMBOL, "2m", "sma", [4]), "'2m' is no interval"),
            (IndicatorRequest(SYMBOL, "1m", "sma", [0]), "the period of sma is 1 to"),
            (IndicatorRequest(SYMBOL, "1m", "sma", []), "the parameters of sma are period"),
        ):
            refused = ears.ask(request)
            assert isinstance(refused, Refused)
            assert text in refused.text
        status = ears.answer(QueryStatus(), ProcessStatus)
        assert (status.name, status.health, status.problem) == ("publisher", "ok", "")
        assert ("name", "one") in status.facts
        assert status.time_ns >= exchange.time_ns


def test_two_publishers_say_the_same_frames_and_agree(exchange: Exchange) -> None:
    """Each with a store of its own; they compare their digests, and so does the test."""
    data, base = exchange.data, exchange.port
    exchange.publisher("--peer", f"127.0.0.1:{base + 8}")
    other = exchange.publisher(
        "--at", str(base + 8), "--peer", f"127.0.0.1:{base}", "--store", f"sqlite:///{data}/other.db"
    )
    with MarketEars(base, "") as one, MarketEars(base + 8, "") as two:
        for ears in (one, two):
            ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(random.Random(6), 60)
        for _ in range(3):
            exchange.advance(10 * 10**9)
        caught_up(one, exchange)
        caught_up(two, exchange)
        begun_ns = max(ears.frames(f"depth-1s.{SYMBOL}.")[0].time_ns for ears in (one, two))
        for name in one.heard:
            if not name.startswith(("heartbeat.", "symbol.")):
                ours, theirs = (
                    [
                        (frame.sequence, frame.events)
                        for frame in ears.frames(name)
                        if frame.time_ns > begun_ns
                    ]
                    for ears in (one, two)
                )
                assert ours == theirs, name

        def spans_of_both() -> set[int]:
            two.listen()
            return digests(one).keys() & digests(two).keys()

        one.until(lambda: bool(spans_of_both()))
        shared = spans_of_both()
        assert {segment: digests(one)[segment] for segment in shared} == {
            segment: digests(two)[segment] for segment in shared
        }
    _, _, errors = other.stop()
    assert not [line for line in errors if "alarm" in line]


def digests(ears: MarketEars) -> dict[int, bytes]:
    """The digests that were heard, by their spans."""
    beats = [event for frame in ears.frames(f"heartbeat.{SYMBOL}.") for event in frame.events]
    return {beat.segment: beat.digest for beat in beats if isinstance(beat, StreamsHeartbeat) and beat.digest}


def test_shares_divide_the_symbols(exchange: Exchange) -> None:
    names = [f"S{n}-USD" for n in range(6)]
    for name in names:
        exchange.define(name)
    base = exchange.port
    exchange.publisher("--share", "1/2")
    exchange.publisher("--share", "2/2", "--at", str(base + 8))
    with MarketEars(base) as one, MarketEars(base + 8) as two:
        found: list[set[str]] = []

        def all_there() -> bool:
            found[:] = [symbols_of(ears) for ears in (one, two)]
            return len(found[0]) + len(found[1]) == len(names) + 1

        one.until(all_there)
        assert found[0] & found[1] == set()
        assert found[0] | found[1] == {SYMBOL, *names}
        other = next(iter(found[1]))
        refused = one.ask(DepthRequest(other))
        assert isinstance(refused, Refused)
        assert f"{other!r} is no symbol of this publisher" in refused.text


def symbols_of(ears: MarketEars) -> set[str]:
    return {symbol.symbol for symbol in ears.answer(SymbolsRequest(), SymbolsAnswer).symbols}


def test_what_is_asked_wrongly_is_refused_by_name(exchange: Exchange) -> None:
    exchange.publisher()
    with MarketEars(exchange.port) as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        for request, reason, text in (
            (DepthRequest("NOPE"), reasons.NOT_OFFERED, "'NOPE' is no symbol"),
            (DepthRequest(SYMBOL, 0, 0), reasons.NOT_OFFERED, "a step is 1 tick or more"),
            (CandlesRequest(SYMBOL, "7m"), reasons.NOT_OFFERED, "'7m' is no interval: 1m, 5m"),
            (CandlesRequest(SYMBOL, "1m", limit=0), reasons.MESSAGE_TOO_LARGE, "limit = 0"),
            (
                CandlesRequest(SYMBOL, "1m", limit=CANDLES_PER_ANSWER_MAX + 1),
                reasons.MESSAGE_TOO_LARGE,
                f"1 to {CANDLES_PER_ANSWER_MAX} are allowed",
            ),
            (
                TradesRequest(SYMBOL, limit=TRADES_PER_ANSWER_MAX + 1),
                reasons.MESSAGE_TOO_LARGE,
                f"1 to {TRADES_PER_ANSWER_MAX} are allowed",
            ),
            (StatisticsRequest(SYMBOL), reasons.NOT_OFFERED, "has not traded yet"),
            (StreamReplay(f"candle-1m.{SYMBOL}.", 0), reasons.NOT_OFFERED, "nothing was published"),
            (StreamReplay("nonsense", 0), reasons.NOT_OFFERED, "is no symbol"),
        ):
            refused = ears.ask(request)
            assert isinstance(refused, Refused), request
            assert (refused.reason, text in refused.text) == (reason, True), refused
        many = [DepthRequest(SYMBOL)] * 17
        for payload, reason in (
            (b"", reasons.MALFORMED),
            (b"\xc1", reasons.MALFORMED),
            (encode([1, 0, 5, 0, [[110]]]), reasons.MALFORMED),
            (encode([1, 0, 5, 0, [[110, "A", 1, 1, 1]]]), reasons.MALFORMED),
            (encode([1, 0, 5, 0, [[110, "A" * 21]]]), reasons.MALFORMED),
            (encode([1, 0, 5, 0, [[110, "A", -1]]]), reasons.MALFORMED),
            (encode([1, 0, 5, 0, []]), reasons.MALFORMED),
            (encode([2, 0, 5, 0, [[110, "A"]]]), reasons.UNSUPPORTED_VERSION),
            (encode_message(0, 5, 0, many), reasons.MESSAGE_TOO_LARGE),
        ):
            (refused,) = ears.envelope(payload).items
            assert isinstance(refused, Refused)
            assert refused.reason == reason, payload
        (refused,) = ears.send_parts(b"", encode_message(0, 1, 0, [DepthRequest(SYMBOL)])).items
        assert isinstance(refused, Refused)
        assert refused.text == "a message has exactly one part"
        assert ears.answer(DepthRequest(SYMBOL), DepthAnswer).bids == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--share", "4/3"), "expected PART/PARTS"),
        (("--symbols", "btc"), "'btc' is no symbol"),
        (("--port-base", "0"), "the publisher could not find the engine"),
        (("--store", "mysql://x"), "Expected sqlite:///FILE or postgresql://"),
    ],
)
def test_what_makes_no_sense_is_one_line(processes: Processes, words: tuple[str, str], text: str) -> None:
    assert text in processes.start("publisher", *words).wait()[2][-1]
