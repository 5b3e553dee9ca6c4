"""Phases and auctions in a publisher's market, by the rules of docs/market-data.md, "Phases, auctions and busts"."""

from itertools import pairwise
from pathlib import Path

import pytest

from bus.protocol.commands import BustTrade, CancelOrder, EnterOrder, SetPhase, SetProtection
from bus.protocol.control import NO_AUCTION, InstrumentState, Protection
from bus.protocol.feed import AuctionEnded, Indicative, PhaseChanged, ScheduleSet, Trade, TradeBusted
from bus.protocol.market.streams import AlertFired, CandleUpdated, Statistics, Symbol, Top
from bus.protocol.terms import (
    AT_OPEN,
    BUY,
    BY_OPERATOR,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    GFA,
    GTC,
    HALTED,
    LIMIT,
    MARKET,
    OPENING_AUCTION,
    PHASES,
    PRE_OPEN,
    SELL,
    VOLATILITY_AUCTION,
)
from publisher.alerts.definition import AlertDefinition
from publisher.alignment import Moment
from publisher.rebuilding.comparison import Kept
from publisher.rebuilding.moments import cut
from publisher.rebuilding.rebuilding import Rebuilding
from publisher.store.store import Store
from publisher.symbols import SymbolState
from tests.publisher import naive_candles, naive_statistics
from tests.publisher.simulated_publisher import SimulatedPublisher
from tests.publisher.storing_publisher import StoringPublisher, catch_up, give_log
from tests.publisher.test_market import (
    BEGIN_NS,
    DEFINED,
    SYMBOL,
    Walk,
    agree,
    counted,
    deliver,
    heal,
    said,
    settle,
)
from tests.support.simulated_network import Pipe, SimulatedEngine

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
#: Statuses that are said on `indicative.<S>.`, by their tags.
OF_AUCTIONS = {kind.__struct_config__.tag: kind for kind in (PhaseChanged, Indicative, AuctionEnded)}


class WalkOfPhases(Walk):
    """A walk through all phases, with orders that are for an auction alone."""

    def step(self) -> None:
        chance = self.chance
        if chance.random() < 0.08:
            phase = chance.choice((CONTINUOUS, CONTINUOUS, *PHASES))
            ends = phase not in (CONTINUOUS, CLOSED, PRE_OPEN) and chance.random() < 0.5
            duration_ms = chance.randrange(100, 90_000) if ends else 0
            self.engine.command(self.operator, SetPhase(SYMBOL, phase, duration_ms))
        elif chance.random() < 0.1:
            self.orders += 1
            side, lots, until = (
                chance.choice((BUY, SELL)),
                chance.randint(1, 50),
                chance.choice((GFA, AT_OPEN)),
            )
            self.engine.command(
                self.alice, EnterOrder(f"a-{self.orders}", SYMBOL, side, lots, 0, MARKET, until)
            )
        else:
            super().step()


def of_auctions(engine: SimulatedEngine) -> list[object]:
    """What the engine said of phases and auctions."""
    events = engine.events[f"status.{SYMBOL}."]
    return [OF_AUCTIONS[event[0]](*event[1:]) for event in events if event[0] in OF_AUCTIONS]


def told(publisher: SimulatedPublisher, kind: str) -> list[object]:
    return [event for frame in publisher.frames(kind) for event in frame.events]


@pytest.mark.parametrize("seed", range(4))
def test_a_market_with_auctions_against_a_naive_look_at_its_trades(seed: int) -> None:
    """Candles, statistics and streams; and a publisher that loses some of the feed says the same."""
    walk = WalkOfPhases(seed)
    one, other, pipe = SimulatedPublisher(SYMBOL), SimulatedPublisher(SYMBOL), Pipe()
    deliver(walk.engine, one, other)
    for step in range(500):
        walk.step()
        published = list(walk.engine.published)
        walk.engine.published.clear()
        one.take(published)
        heal(walk.engine, one)
        for publication in published:
            pipe.put(publication)
        if step % 5 == 0:
            pipe.shake(walk.chance, drop=0.15, repeat=0.1, swap=0.15)
            other.take(pipe.take())
    settle(walk.engine, one, other)
    heal(walk.engine, other)
    assert said(one) == said(other)
    assert agree(one, other) > 5
    trades = counted(walk.engine)
    of_auction = [trade for trade in trades if not trade.aggressor]
    assert len(of_auction) > 20
    check_candles(walk, one, trades)
    check_statistics(one, trades)
    assert told(one, "indicative") == of_auctions(walk.engine)[-len(told(one, "indicative")) :]
    instrument = walk.engine.engine.state.instruments[SYMBOL]
    (symbol,) = one.frames("symbol")[-1].events
    assert isinstance(symbol, Symbol)
    ends_ns = instrument.stage.ends_ns if instrument.stage is not None else 0
    assert (symbol.phase, symbol.phase_ends_ns) == (instrument.phase, ends_ns)
    assert (symbol.auction_ticks, symbol.auction_lots) == (
        instrument.reference_ticks,
        instrument.auction_lots,
    )
    assert len({(frame.sequence, frame.time_ns) for frame in one.frames("indicative")}) == len(
        one.frames("indicative")
    )


def check_candles(walk: Walk, publisher: SimulatedPublisher, trades: list[Trade]) -> None:
    """Every stored candle is that of the calendar and the list of trades."""
    first = next(Trade(*event[1:]) for event in walk.engine.events[f"trade.{SYMBOL}."])
    for interval in ("1m", "1h"):
        naive = {
            row[0]: row
            for row in naive_candles.candles(
                interval, trades, first.time_ns, first.price_ticks, publisher.market.time_ns
            )
        }
        made = {opens_ns: c for (name, opens_ns), c in publisher.candles.items() if name == interval}
        assert made
        assert {opens_ns: naive_candles.said(c.row()) for opens_ns, c in made.items()} == {
            opens_ns: naive[opens_ns] for opens_ns in made
        }


def check_statistics(publisher: SimulatedPublisher, trades: list[Trade]) -> None:
    """Each time that they were said, of the trades before that; and no best prices of a crossed book."""
    crossed = [
        frame.time_ns
        for frame in publisher.frames("top5-1s")
        for top in frame.events
        if isinstance(top, Top) and top.bids and top.asks and top.bids[0][0] >= top.asks[0][0]
    ]
    assert crossed
    for event in told(publisher, "statistics"):
        assert isinstance(event, Statistics)
        if event.best_bid_ticks and event.best_ask_ticks:
            assert event.best_bid_ticks < event.best_ask_ticks
        if event.time_ns in crossed:
            assert (event.best_bid_ticks, event.best_ask_ticks) == (0, 0)
            assert (event.best_bid_lots, event.best_ask_lots) == (0, 0)
    values = publisher.market.statistics.values()
    assert values is not None
    assert values.row() == naive_statistics.statistics(trades, publisher.market.time_ns)


class Story:
    """An engine, somebody who trades, an operator, and a publisher who hears everything at once."""

    def __init__(self, phase: int = CONTINUOUS) -> None:
        self.engine = SimulatedEngine(time_ns=BEGIN_NS)
        self.operator = self.engine.open_session("operator", 3)
        self.alice = self.engine.open_session("alice")
        self.engine.command(self.operator, DEFINED)
        self.publisher = SimulatedPublisher(SYMBOL)
        self.publishers = [self.publisher]
        self.orders = 0
        self.set(phase)

    def set(self, phase: int, duration_ms: int = 0) -> None:
        self.engine.command(self.operator, SetPhase(SYMBOL, phase, duration_ms))
        self.hear()

    def enter(self, side: int, lots: int, price: int) -> None:
        """A limit order; at price 0 a market order for the next auction."""
        self.orders += 1
        kind = (LIMIT, GTC) if price else (MARKET, GFA)
        self.engine.command(self.alice, EnterOrder(f"a-{self.orders}", SYMBOL, side, lots, price, *kind))
        self.hear()

    def join(self) -> SimulatedPublisher:
        """A publisher that begins now."""
        late = SimulatedPublisher(SYMBOL)
        self.publishers.append(late)
        self.hear()
        return late

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.engine.tick()
        self.hear()

    def hear(self) -> None:
        self.engine.heartbeats()
        deliver(self.engine, *self.publishers)


def test_the_trades_of_an_auction_have_one_price_and_nobody_took() -> None:
    """They count in everything, and are in no taker's volume; the minute before, in which orders collected, is flat."""
    story = Story()
    story.enter(SELL, 1, 900)
    story.enter(BUY, 1, 900)
    story.set(OPENING_AUCTION)
    story.wait(120)
    story.enter(BUY, 5, 1010)
    story.enter(BUY, 3, 1005)
    story.enter(SELL, 6, 1000)
    story.enter(SELL, 4, 0)
    before = story.publisher.market.candles.open("1m")
    story.set(CONTINUOUS)
    trades = [event for event in told(story.publisher, "trades") if isinstance(event, Trade)][1:]
    assert {(trade.price_ticks, trade.aggressor, trade.sequence, trade.time_ns) for trade in trades} == {
        (trades[0].price_ticks, 0, trades[0].sequence, trades[0].time_ns)
    }
    assert sum(trade.quantity_lots for trade in trades) == 8
    story.wait(120)
    minutes = [candle for (name, _), candle in sorted(story.publisher.candles.items()) if name == "1m"]
    assert before is not None
    _, flat, of_auction, _ = minutes
    assert (flat.open_ticks, flat.close_ticks, flat.volume_lots, flat.trades) == (900, 900, 0, 0)
    price = trades[0].price_ticks
    assert of_auction.open_time_ns == before.open_time_ns
    assert of_auction.row()[1:9] == (price, price, price, price, 8, 8 * price, len(trades), 0)
    assert (of_auction.first_trade_id, of_auction.last_trade_id) == (2, trades[-1].trade_id)
    values = story.publisher.market.statistics.values()
    assert values is not None
    assert (values.last_ticks, values.volume_lots, values.session_open_ticks) == (price, 9, 900)


def test_the_opening_auction_opens_the_day() -> None:
    """On the morning after a day with trades."""
    story = Story()
    story.enter(SELL, 1, 900)
    story.enter(BUY, 1, 900)
    story.set(CLOSED)
    story.engine.time_ns += 86_400 * SECOND_NS
    story.set(OPENING_AUCTION)
    story.enter(BUY, 5, 1010)
    story.enter(SELL, 5, 1010)
    story.set(CONTINUOUS)
    story.enter(SELL, 1, 990)
    story.enter(BUY, 1, 990)
    story.wait(2)
    (event,) = story.publisher.frames("statistics")[-1].events
    assert isinstance(event, Statistics)
    assert (event.session_open_ticks, event.session_volume_lots, event.last_ticks) == (1010, "6", 990)
    assert event.session_vwap_microticks == (5 * 1010 + 990) * 10**6 // 6 + 1  # 1006.66..., half to even


def test_what_would_be_is_in_no_candle_and_ends_with_the_auction() -> None:
    story = Story(VOLATILITY_AUCTION)
    story.enter(BUY, 5, 1010)
    story.enter(SELL, 3, 1000)
    story.wait(1)
    (event,) = story.publisher.frames("indicative")[-1].events
    assert isinstance(event, Indicative)
    assert (event.price_ticks, event.quantity_lots, event.imbalance_lots) == (1010, 3, 2)
    assert not story.publisher.market.candles.begun()
    assert story.publisher.market.statistics.values() is None
    story.set(HALTED)  # nothing is traded at the end of this one
    (event,) = story.publisher.frames("indicative")[-1].events
    assert isinstance(event, PhaseChanged)
    assert not story.publisher.market.candles.begun()
    story.set(VOLATILITY_AUCTION)
    story.set(CONTINUOUS)
    ended, begun = story.publisher.frames("indicative")[-1].events
    assert isinstance(ended, AuctionEnded)
    assert isinstance(begun, PhaseChanged)
    assert (ended.price_ticks, ended.quantity_lots, begun.phase) == (1010, 3, CONTINUOUS)


def test_nothing_is_made_of_the_best_prices_of_a_crossed_book() -> None:
    story = Story(PRE_OPEN)
    story.enter(BUY, 5, 1010)
    book = story.publisher.market.book
    assert book.quotes() == ((1010, 5, 1), (0, 0, 0))
    story.enter(SELL, 3, 1010)
    assert (book.bids.best(1), book.asks.best(1)) == ([(1010, 5, 1)], [(1010, 3, 1)])
    assert book.quotes() == ((0, 0, 0), (0, 0, 0))
    assert (book.spread_ticks(), book.imbalance_ppm(), book.microprice_microticks()) == (0, 0, 0)
    story.enter(BUY, 9, 0)
    assert list(book.bids.rows()) == [(1010, 5, 1)]
    assert story.publisher.market.checks > 0
    assert not story.publisher.market.wrong_book


def test_alerts_look_at_quotes_in_continuous_trading_alone() -> None:
    """The spread of a halt is looked at when trading goes on, even if nothing of the book changes then."""
    story = Story()
    story.enter(BUY, 5, 1000)
    story.enter(SELL, 5, 1010)
    market = story.publisher.market
    assert market.arm(AlertDefinition("wide", SYMBOL, "spread-ticks", (50,), True, 0)) == ""
    assert market.arm(AlertDefinition("high", SYMBOL, "price-above", (1040,), False, 0)) == ""
    story.set(VOLATILITY_AUCTION)
    story.engine.command(story.alice, EnterOrder("x", SYMBOL, SELL, 5, 1060))
    story.engine.command(story.alice, EnterOrder("y", SYMBOL, BUY, 5, 1050))  # takes what stood at 1010
    story.wait(1)
    assert told(story.publisher, "alert") == []
    story.set(HALTED)
    story.wait(1)
    assert told(story.publisher, "alert") == []
    story.set(CONTINUOUS)  # the five trade at 1010 or above: what is left is 1000 to 1060
    fired = told(story.publisher, "alert")
    assert [event.alert_id for event in fired if isinstance(event, AlertFired)][-1] == "wide"
    price = next(event for event in told(story.publisher, "trades") if isinstance(event, Trade)).price_ticks
    assert ("high" in [event.alert_id for event in fired if isinstance(event, AlertFired)]) == (price >= 1040)


def test_alerts_look_again_when_a_halt_ends_and_nothing_else_changes() -> None:
    story = Story()
    for side, price in ((BUY, 1000), (SELL, 1060), (SELL, 1010)):
        story.enter(side, 5, price)
    market = story.publisher.market
    assert market.arm(AlertDefinition("wide", SYMBOL, "spread-ticks", (50,), True, 0)) == ""
    story.set(HALTED)
    story.engine.command(story.alice, CancelOrder(0, "a-3"))
    story.wait(1)
    assert told(story.publisher, "alert") == []
    story.set(CONTINUOUS)
    (fired,) = told(story.publisher, "alert")
    assert isinstance(fired, AlertFired)
    assert (fired.value, fired.sequence) == (60, market.log_sequence)


def test_a_bust_of_one_trade_of_an_auction_leaves_the_others() -> None:
    story = Story(OPENING_AUCTION)
    for lots in (2, 3, 4):
        story.enter(BUY, lots, 1000)
        story.enter(SELL, lots, 1000)
    story.set(CONTINUOUS)
    market = story.publisher.market
    story.engine.command(story.operator, BustTrade(SYMBOL, 2))
    story.hear()
    candle = market.candles.open("1m")
    assert candle is not None
    assert (candle.volume_lots, candle.trades, candle.taker_buy_lots) == (6, 2, 0)
    assert [type(event) for event in told(story.publisher, "trades")][-1] is TradeBusted
    (symbol,) = story.publisher.frames("symbol")[-1].events
    assert isinstance(symbol, Symbol)
    assert (symbol.auction_ticks, symbol.auction_lots) == (1000, 9)


def test_who_begins_in_the_midst_of_an_auction_knows_it_at_once() -> None:
    """From the snapshot of the book and the engine's answer; from then on it says what the others say."""
    story = Story(OPENING_AUCTION)
    story.enter(BUY, 4, 1000)
    story.enter(SELL, 4, 1000)
    story.set(VOLATILITY_AUCTION)  # the auction begins anew, with another name
    story.set(CONTINUOUS)
    story.set(CLOSING_AUCTION, 60_000)
    story.enter(BUY, 5, 1010)
    story.enter(SELL, 3, 1000)
    story.wait(1)
    late = story.join()
    (event,) = late.frames("indicative")[0].events
    assert isinstance(event, Indicative)
    assert (event.price_ticks, event.quantity_lots, event.imbalance_lots) == (1010, 3, 2)
    story.enter(SELL, 1, 1000)
    story.wait(60)
    further = late.frames("indicative")[1:]
    assert len(further) == 2
    assert further == story.publisher.frames("indicative")[-2:]
    assert [type(event) for event in late.frames("indicative")[-1].events] == [AuctionEnded, PhaseChanged]


def test_a_snapshot_tells_the_phase_and_its_end() -> None:
    story = Story(HALTED)
    story.set(HALTED, 60_000)
    late = story.join()
    state, stage = late.market.state, story.engine.engine.state.instruments[SYMBOL].stage
    assert stage is not None
    assert (state.phase, state.phase_ends_ns) == (HALTED, stage.ends_ns)
    assert late.frames("indicative") == []


def test_the_latest_word_of_a_phase_holds_in_whatever_order_they_come() -> None:
    state = SymbolState(SYMBOL)
    state.take_state(InstrumentState(DEFINED, HALTED), (1, 10))
    state.take_event(PhaseChanged(9, 0, CONTINUOUS, BY_OPERATOR, 0), 1)
    assert state.phase == HALTED
    state.take_event(PhaseChanged(11, 0, VOLATILITY_AUCTION, BY_OPERATOR, 99), 1)
    state.take_state(InstrumentState(DEFINED, HALTED), (1, 10))
    assert (state.phase, state.phase_ends_ns) == (VOLATILITY_AUCTION, 99)
    state.take_phase(CONTINUOUS, NO_AUCTION, (1, 10))
    assert (state.phase, state.phase_ends_ns) == (VOLATILITY_AUCTION, 99)
    state.take_event(AuctionEnded(12, 0, VOLATILITY_AUCTION, 1000, 5, 0), 1)
    state.take_event(AuctionEnded(13, 0, VOLATILITY_AUCTION, 0, 0, 7), 1)  # in which nothing traded
    assert (state.auction_ticks, state.auction_lots) == (1000, 5)
    state.take_state(InstrumentState(DEFINED, CLOSED), (2, 3))  # another life, which lost some of the log
    assert (state.phase, state.phase_ends_ns, state.auction_ticks) == (CLOSED, 0, 0)


def test_trading_hours_are_told_with_the_symbol() -> None:
    """By the event that sets them, or by the engine's answer; and that they are gone."""
    state = SymbolState(SYMBOL)
    state.take_state(InstrumentState(DEFINED, CONTINUOUS), (1, 10))
    assert state.told().trading_hours == "always"
    state.take_event(ScheduleSet(11, 0, "Europe/Berlin", [(31, [(32_400, CONTINUOUS, 0)])], []), 1)
    assert state.told().trading_hours == "scheduled"
    state.take_event(ScheduleSet(12, 0, "Europe/Berlin", [], []), 1)
    assert state.told().trading_hours == "always"
    state.take_state(InstrumentState(DEFINED, CONTINUOUS, schedule=13), (1, 13))
    assert state.told().trading_hours == "scheduled"


def test_bands_are_told_with_the_symbol() -> None:
    """As they are set, as an auction moves them, as an answer has them; and no more when they are gone."""
    story = Story()
    publisher = story.publisher

    def bands() -> Protection | None:
        (symbol,) = publisher.frames("symbol")[-1].events
        assert isinstance(symbol, Symbol)
        return symbol.protection

    publisher.market.take_state(InstrumentState(DEFINED, CONTINUOUS), (1, 4))
    story.engine.command(story.operator, SetProtection(SYMBOL, 1000, 500, 1000, 60_000))
    story.hear()
    assert bands() == Protection(1000, 1000, 900, 1100, 500, 60_000, 0, 0)
    story.set(VOLATILITY_AUCTION)
    story.enter(BUY, 5, 1050)
    story.enter(SELL, 5, 1050)
    story.set(CONTINUOUS)
    moved = Protection(1050, 1000, 945, 1155, 500, 60_000, 0, 0)
    assert bands() == moved
    story.engine.command(story.operator, SetProtection(SYMBOL))
    story.hear()
    assert bands() is None
    answer = InstrumentState(DEFINED, CONTINUOUS, NO_AUCTION, moved)
    publisher.market.take_state(answer, (1, story.engine.engine.sequence))
    assert publisher.market.state.told().protection == moved


@pytest.mark.parametrize(("seed", "restarts"), [(0, 0.0), (1, 0.05)])
def test_a_rebuild_finds_what_a_publisher_stored_of_auctions(
    tmp_path: Path, seed: int, restarts: float
) -> None:
    walk = WalkOfPhases(seed)
    stored = Store(f"sqlite:///{tmp_path / 'stored.db'}", "")
    publisher = StoringPublisher(SYMBOL, stored)
    for _ in range(250):
        walk.step()
        deliver(walk.engine, publisher)
        if walk.chance.random() < restarts:
            publisher = StoringPublisher(SYMBOL, stored)
            catch_up(walk.engine, publisher)
    settle(walk.engine, publisher)
    fresh = Store(f"sqlite:///{tmp_path / 'fresh.db'}", "")
    with stored.reading() as connection:
        rebuilding = Rebuilding(
            fresh, connection, Kept(0, dict.fromkeys(naive_candles.SECONDS, 0)), whole=False
        )
        give_log(walk.engine, rebuilding)
    assert rebuilding.findings.differences.first == []
    assert rebuilding.findings.trades > 50
    assert any(not trade.aggressor for trade in counted(walk.engine))
    for store in (stored, fresh):
        store.close()


def test_a_batch_is_cut_where_the_store_ends_within_it() -> None:
    """What was said of auctions up to there stands in the first part, the rest behind it."""
    moment = Moment(10, 100, 1)
    moment.trades = [Trade(5, 50, 1, 1000, 1, 0), Trade(9, 90, 2, 1000, 1, 0)]
    before, after = Indicative(4, 40, 1000, 1, 0), AuctionEnded(9, 90, OPENING_AUCTION, 1000, 1, 0)
    moment.statuses = [before, after]
    head, rest = cut(moment, 5)
    assert (head.statuses, rest.statuses) == ([before], [after])
    assert (head.trades, rest.trades) == (moment.trades[:1], moment.trades[1:])


def test_candles_are_whole_over_a_night() -> None:
    """No minute of a closed market is left out of what is said."""
    story = Story()
    story.enter(SELL, 1, 1000)
    story.enter(BUY, 1, 1000)
    story.set(CLOSED)
    story.engine.time_ns += 3600 * SECOND_NS
    story.wait(1)
    closed = [
        event
        for event in told(story.publisher, "candle-1m")
        if isinstance(event, CandleUpdated) and event.closed
    ]
    assert len(closed) == 60
    assert all(after.open_time_ns - before.open_time_ns == MINUTE_NS for before, after in pairwise(closed))
    assert {(candle.close_ticks, candle.volume_lots) for candle in closed[1:]} == {(1000, "0")}
