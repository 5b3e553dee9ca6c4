"""A symbol's market over the real matcher: what it says is what the engine did, however the feed came."""

import random
from itertools import pairwise

import pytest

from bus.protocol.codec import decode_frame, encode_frame
from bus.protocol.commands import BustTrade, CancelOrder, CorrectTrade, DefineInstrument, EnterOrder
from bus.protocol.control import InstrumentState
from bus.protocol.feed import FEED_HEARTBEAT, FeedHeartbeat, Level, Trade, TradeBusted, TradeCorrected
from bus.protocol.market.codec import MarketFrame, decode_market_frame
from bus.protocol.market.streams import (
    GAP,
    PERIODS,
    STARTED,
    TOPS,
    WRONG_BOOK,
    Book,
    CandleUpdated,
    Resync,
    Statistics,
    Top,
    offset_ns,
)
from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import BUY, L2, OPERATOR, SELL
from publisher.alignment import Moment, Reached
from publisher.candles.candle import of_trades
from publisher.candles.intervals import INTERVALS
from publisher.market import Market
from publisher.store.rows import Progress
from tests.publisher.simulated_publisher import SimulatedPublisher
from tests.support.simulated_network import Pipe, SimulatedEngine

SYMBOL = "BTC-USD"
#: CRC-32 of its name modulo 100, in milliseconds: docs/market-data.md.
OFFSET_NS = 8_000_000
DEFINED = DefineInstrument(SYMBOL, "BTC", "USD", 1, 2, 1, 3, 1, 10_000_000, 1, 1_000_000)
#: A Thursday, so that a week begins within the walk's long pauses.
BEGIN_NS = 1_700_000_000 * 10**9
MINUTE_NS = 60 * 10**9


class Walk:
    """An engine in which things happen by chance; `steps` of them between two looks."""

    def __init__(self, seed: int, *, revise: bool = True) -> None:
        self.chance = random.Random(seed)
        self.engine = SimulatedEngine(time_ns=BEGIN_NS)
        self.operator = self.engine.open_session("operator", OPERATOR)
        self.alice = self.engine.open_session("alice")
        self.engine.command(self.operator, DEFINED)
        self.revise = revise
        self.orders = 0

    def step(self) -> None:
        chance, engine = self.chance, self.engine
        engine.time_ns += int(10 ** chance.uniform(4, 9.3))
        kind = chance.random()
        if kind < 0.02:
            engine.time_ns += chance.choice((MINUTE_NS, 7 * MINUTE_NS, 3600 * 10**9))
            engine.tick()
        elif kind < 0.08:
            engine.tick()
        elif kind < 0.1:
            engine.heartbeats()
        elif kind < 0.12 and self.revise:
            self._revise()
        else:
            engine.command(self.alice, *(self._order() for _ in range(chance.randrange(1, 5))))

    def _order(self) -> EnterOrder | CancelOrder:
        chance = self.chance
        self.orders += 1
        if chance.random() < 0.25 and self.orders > 5:
            return CancelOrder(0, f"a-{chance.randrange(1, self.orders)}")
        side = chance.choice((BUY, SELL))
        price = 1000 + chance.randrange(-30, 12) * (1 if side == BUY else -1)
        return EnterOrder(f"a-{self.orders}", SYMBOL, side, 1 + chance.randrange(50), price)

    def _revise(self) -> None:
        done = self.engine.engine.state.instruments[SYMBOL].next_trade_id - 1
        if not done:
            return
        trade_id = self.chance.randint(max(1, done - 30), done)
        if self.chance.random() < 0.5:
            self.engine.command(self.operator, BustTrade(SYMBOL, trade_id))
        else:
            price = 1000 + self.chance.randrange(-50, 50)
            self.engine.command(self.operator, CorrectTrade(SYMBOL, trade_id, price))


def deliver(engine: SimulatedEngine, *publishers: SimulatedPublisher) -> None:
    """Everything that was published, and answers to whatever is asked, to all of them."""
    published = list(engine.published)
    engine.published.clear()
    for publisher in publishers:
        publisher.take(published)
        heal(engine, publisher)


def heal(engine: SimulatedEngine, publisher: SimulatedPublisher) -> None:
    """Ask until nothing is missing."""
    for _ in range(200):
        requests = publisher.requests()
        if not requests:
            return
        for request in requests:
            publisher.answer(engine.recover(request))
    raise AssertionError("it does not heal")


def settle(engine: SimulatedEngine, *publishers: SimulatedPublisher) -> None:
    """Everybody knows everything."""
    engine.tick()
    engine.heartbeats()
    deliver(engine, *publishers)


def test_what_is_known_is_the_engines() -> None:
    """Book, candles and statistics against the engine's own book and a naive look at all its trades."""
    walk, publisher = Walk(1), SimulatedPublisher(SYMBOL)
    for step in range(1500):
        walk.step()
        if step % 7 == 0:
            deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    market, instrument = publisher.market, walk.engine.engine.state.instruments[SYMBOL]
    assert list(market.book.bids.rows()) == instrument.book.levels(BUY)
    assert list(market.book.asks.rows()) == instrument.book.levels(SELL)
    assert market.checks > 0
    assert market.log_sequence == walk.engine.engine.state.sequence
    trades = counted(walk.engine)
    assert len(trades) > 300
    assert [publisher.trades[trade_id] for trade_id in sorted(publisher.trades)] == trades
    for (name, opens_ns), candle in sorted(publisher.candles.items()):
        length_ns = INTERVALS[name].length_ns
        within = [trade for trade in trades if opens_ns <= trade.time_ns < opens_ns + length_ns]
        before = [trade.price_ticks for trade in trades if trade.time_ns < opens_ns]
        naive = of_trades(opens_ns, within, before[-1] if before else candle.close_ticks)
        assert candle.row()[:-3] == naive.row()[:-3], f"{name} at {opens_ns}"
    minutes = sorted(opens_ns for name, opens_ns in publisher.candles if name == "1m")
    assert minutes == list(range(minutes[0], minutes[-1] + 1, MINUTE_NS))


def counted(engine: SimulatedEngine) -> list[Trade]:
    """The trades as they count now, from the engine's own events."""
    trades: dict[int, Trade] = {}
    for event in engine.events.get(f"trade.{SYMBOL}.", []):
        tag, fields = event[0], event[1:]
        if tag == Trade.__struct_config__.tag:
            trades[fields[2]] = Trade(*fields)
        elif tag == TradeBusted.__struct_config__.tag:
            del trades[fields[2]]
        elif tag == TradeCorrected.__struct_config__.tag:
            old = trades[fields[2]]
            trades[fields[2]] = Trade(
                old.sequence, old.time_ns, old.trade_id, fields[3], old.quantity_lots, old.aggressor
            )
    return [trades[trade_id] for trade_id in sorted(trades)]


@pytest.mark.parametrize("seed", range(6))
def test_two_publishers_say_the_same_whatever_they_lost(seed: int) -> None:
    """One hears everything, the other one loses, gets twice and out of order, and heals by replay: frame for frame."""
    walk = Walk(seed)
    one, other = SimulatedPublisher(SYMBOL), SimulatedPublisher(SYMBOL)
    deliver(walk.engine, one, other)
    pipe = Pipe()
    for step in range(600):
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
            if walk.chance.random() < 0.3:
                heal(walk.engine, other)
    settle(walk.engine, one, other)
    heal(walk.engine, other)
    assert said(one) == said(other)
    assert agree(one, other) > 10


def agree(one: SimulatedPublisher, other: SimulatedPublisher) -> int:
    """In how many spans both have a digest; it is the same in all of them."""
    both = one.digests.keys() & other.digests.keys()
    assert {span: one.digests[span] for span in both} == {span: other.digests[span] for span in both}
    return len(both)


def said(publisher: SimulatedPublisher) -> dict[str, list[object]]:
    """Everything that was said, by topic."""
    found: dict[str, list[object]] = {}
    for name, frame in publisher.said:
        if not name.startswith("symbol."):
            found.setdefault(name, []).append(frame)
    return found


class BookOfStream:
    """A book as a reader of a chained stream keeps it; the chain is checked."""

    def __init__(self) -> None:
        self.levels: dict[tuple[int, int], tuple[int, int]] = {}
        self.sequence = 0
        self.reasons: list[int] = []

    def take(self, frame: MarketFrame) -> None:
        if frame.previous_sequence:
            assert frame.previous_sequence == self.sequence
        for event in frame.events:
            if isinstance(event, Resync):
                assert frame.previous_sequence == 0
                self.reasons.append(event.reason)
                self.levels.clear()
            elif isinstance(event, Book):
                for side, rows in ((BUY, event.bids), (SELL, event.asks)):
                    self.levels.update({(side, price): (lots, orders) for price, lots, orders in rows})
            elif isinstance(event, Level):
                key = (event.side, event.price_ticks)
                if event.quantity_lots:
                    self.levels[key] = (event.quantity_lots, event.orders)
                else:
                    self.levels.pop(key, None)
        self.sequence = frame.sequence

    def rows(self, side: int) -> list[tuple[int, int, int]]:
        found = [(price, *row) for (of, price), row in self.levels.items() if of == side]
        return sorted(found, reverse=side == BUY)


def test_every_stream_of_depth_tells_the_whole_book() -> None:
    """Changes at once, at 100 ms and at 1 s come to the engine's book, and the best levels are its best levels."""
    walk, publisher = Walk(11), SimulatedPublisher(SYMBOL)
    for _ in range(800):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    book = walk.engine.engine.state.instruments[SYMBOL].book
    for kind in ("depth", *(f"depth-{period}" for period in PERIODS)):
        kept = BookOfStream()
        frames = publisher.frames(kind)
        for frame in frames:
            kept.take(frame)
        assert len(frames) > 20, kind
        assert (kept.rows(BUY), kept.rows(SELL)) == (book.levels(BUY), book.levels(SELL)), kind
    for period, period_ns in PERIODS.items():
        for count in TOPS:
            frames = publisher.frames(f"top{count}-{period}")
            assert frames[-1].events == [Top(book.levels(BUY)[:count], book.levels(SELL)[:count])]
            assert {(frame.time_ns - OFFSET_NS) % period_ns for frame in frames} == {0}
            assert all(before.events != after.events for before, after in pairwise(frames))


def test_symbols_have_offsets_of_their_own_within_100_ms() -> None:
    """As the page of market data says them: CRC-32 of the name, modulo 100, in milliseconds."""
    told = {"BTC-USD": 8, "ETH-USD": 95, "ETH-BTC": 46, "SOL-USD": 3}
    assert {symbol: offset_ns(symbol) // 1_000_000 for symbol in told} == told


def test_conflated_changes_are_those_before_the_border_and_none_after() -> None:
    """Each 100 ms the conflated stream stands where the changes with an earlier time lead."""
    walk, publisher = Walk(12), SimulatedPublisher(SYMBOL)
    for _ in range(300):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    at_once, conflated = BookOfStream(), BookOfStream()
    changes = publisher.frames("depth")
    for frame in publisher.frames("depth-100ms"):
        while changes and changes[0].time_ns < frame.time_ns:
            at_once.take(changes.pop(0))
        conflated.take(frame)
        assert conflated.levels == at_once.levels
        assert conflated.sequence == at_once.sequence


def test_candles_are_said_closed_once_and_in_their_order() -> None:
    """Every closed candle, each once, and again with each revision; a flat one where nobody traded."""
    walk, publisher = Walk(13), SimulatedPublisher(SYMBOL)
    for _ in range(900):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    flat = checked = 0
    for name, interval in INTERVALS.items():
        closed = [
            event
            for frame in publisher.frames(f"candle-{name}")
            for event in frame.events
            if isinstance(event, CandleUpdated) and event.closed
        ]
        opens = list(dict.fromkeys(event.open_time_ns for event in closed))
        if not opens:
            continue  # longer than this walk
        checked += 1
        assert len(closed) == len({(event.open_time_ns, event.revision) for event in closed})
        assert opens == list(range(opens[0], opens[0] + len(opens) * interval.length_ns, interval.length_ns))
        for event in closed:
            stored = publisher.candles[name, event.open_time_ns]
            if event.revision == stored.revision:
                assert event.volume_lots == str(stored.volume_lots)
                assert event.close_ticks == stored.close_ticks
                flat += not event.trades
        assert max(opens) == max(opens_ns for of, opens_ns in publisher.candles if of == name)
    assert flat > 10
    assert checked >= 5


def test_statistics_are_those_of_the_last_day() -> None:
    """What was said last against a naive look at the trades of the last 86,400 whole seconds and the open one."""
    walk, publisher = Walk(14), SimulatedPublisher(SYMBOL)
    for _ in range(1200):
        walk.step()
        deliver(walk.engine, publisher)
        if walk.chance.random() < 0.02:
            walk.engine.time_ns += 5 * 3600 * 10**9
    settle(walk.engine, publisher)
    trades = counted(walk.engine)
    for frame in publisher.frames("statistics")[-1:]:
        (event,) = frame.events
        assert isinstance(event, Statistics)
        from_ns = (publisher.market.time_ns // 10**9 - 86_400) * 10**9
        day = [trade for trade in trades if trade.time_ns >= from_ns]
        assert day
        assert event.trades == len(day) < len(trades)
        assert event.open_ticks == day[0].price_ticks
        assert event.last_ticks == day[-1].price_ticks
        assert event.high_ticks == max(trade.price_ticks for trade in day)
        assert event.low_ticks == min(trade.price_ticks for trade in day)
        assert event.volume_lots == str(sum(trade.quantity_lots for trade in day))
        assert event.quote_volume == str(sum(trade.quantity_lots * trade.price_ticks for trade in day))


def test_changes_that_are_lost_for_good_begin_the_book_anew() -> None:
    """No replay has them: the chains begin with the whole book and say so, and go on like everybody's."""
    walk = Walk(15)
    one, other = SimulatedPublisher(SYMBOL), SimulatedPublisher(SYMBOL)
    for step in range(400):
        walk.step()
        if step == 200:
            lost = [
                publication for publication in walk.engine.published if publication[0].startswith("level.")
            ]
            kept = [publication for publication in walk.engine.published if publication not in lost]
            one.take(walk.engine.published)
            other.take(kept)
            walk.engine.published.clear()
            name = f"level.{SYMBOL}."
            walk.engine.feed_floor[name] = len(walk.engine.events[name]) + 1
            continue
        if 150 < step < 200:
            continue
        deliver(walk.engine, one, other)
    for _ in range(40):
        settle(walk.engine, one, other)
    book = walk.engine.engine.state.instruments[SYMBOL].book
    for kind in ("depth", *(f"depth-{period}" for period in PERIODS)):
        kept_book = BookOfStream()
        for frame in other.frames(kind):
            kept_book.take(frame)
        assert kept_book.reasons[1:] == [GAP], kind
        assert (kept_book.rows(BUY), kept_book.rows(SELL)) == (book.levels(BUY), book.levels(SELL)), kind
    assert other.market.book.checksum() == one.market.book.checksum()
    assert [frame.events for frame in other.frames("trades")] == [
        frame.events for frame in one.frames("trades")
    ]
    assert agree(one, other) > 10


def test_a_book_that_is_not_the_engines_is_never_gone_on_with() -> None:
    """A heartbeat with another checksum: the streams begin anew at once, empty, and again with the engine's book."""
    walk, publisher = Walk(16), SimulatedPublisher(SYMBOL)
    for _ in range(100):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    said_before = len(publisher.said)
    walk.engine.heartbeats()
    for name, payload in walk.engine.published:
        frame = decode_frame(payload)
        beat = frame.events[0]
        if isinstance(beat, FeedHeartbeat):
            event = (
                *(
                    FEED_HEARTBEAT,
                    beat.trade_number,
                    beat.level_number,
                    beat.order_number,
                    beat.status_number,
                ),
                beat.checksum ^ 1,
            )
            payload = encode_frame(frame.epoch, 0, 1, frame.log_sequence, frame.time_ns, [event])
        publisher.take([(name, payload)])
    walk.engine.published.clear()
    said = publisher.said[said_before:]
    assert {name.partition(".")[0] for name, _ in said} == {"depth", "depth-100ms", "depth-1s"}
    assert all(frame.events == [Resync(WRONG_BOOK)] and not frame.previous_sequence for _, frame in said)
    publisher.requests()
    heal(walk.engine, publisher)
    settle(walk.engine, publisher)
    assert publisher.market.book.ready
    anew = [frame for name, frame in publisher.said[said_before:] if name == f"depth.{SYMBOL}."][1]
    assert anew.events[0] == Resync(WRONG_BOOK)
    assert isinstance(anew.events[1], Book)


@pytest.mark.parametrize("seed", range(20, 24))
def test_a_publisher_that_begins_later_says_the_same(seed: int) -> None:
    """From the first trade on, and from a snapshot of the book: when its chains have begun, frame for frame."""
    walk = Walk(seed)
    one = SimulatedPublisher(SYMBOL)
    for _ in range(300):
        walk.step()
        deliver(walk.engine, one)
    later = SimulatedPublisher(SYMBOL)
    for _ in range(300):
        walk.step()
        deliver(walk.engine, one, later)
    for _ in range(30):
        settle(walk.engine, one, later)
    assert agree(one, later) > 10
    begun_ns = max(frame.time_ns for frame in later.frames("depth-1s")[:1])
    for kind in (
        "trades",
        "depth",
        "depth-100ms",
        "depth-1s",
        "candle-1m",
        "candle-1w",
        "statistics",
        "mini",
    ):
        ours = said_since(later, kind, begun_ns)
        assert ours
        assert ours == said_since(one, kind, begun_ns), kind
    assert {key: candle.row() for key, candle in later.candles.items()} == {
        key: candle.row() for key, candle in one.candles.items()
    }


def said_since(publisher: SimulatedPublisher, kind: str, time_ns: int) -> list[tuple[int, int, list[object]]]:
    """Without the links of the chain: the first of them names where the publisher began."""
    frames = publisher.frames(kind)
    return [
        (frame.sequence, frame.time_ns, [*frame.events])
        for frame in frames
        if frame.time_ns > time_ns + 10**9
    ]


def test_what_is_behind_a_bust_in_its_batch_waits_for_it() -> None:
    """Trades and levels of the same batch, and later batches: in their order, once the minute's trades are there."""
    market = Market(SYMBOL, trades_kept=10, ring_frames_max=10)
    market.take(snapshot_moment(5, BEGIN_NS))
    trades = [Trade(6 + n, BEGIN_NS + 10 + n, 1 + n, 1000 + n, 5, BUY) for n in range(4)]
    moment = Moment(9, BEGIN_NS + 13, 1)
    moment.trade_number = 1
    moment.trades = [trades[0], trades[1], TradeBusted(8, BEGIN_NS + 12, 1, 1000, 5), trades[2], trades[3]]
    moment.levels = [Level(9, BUY, 990, 7, 1)]
    market.take(moment)
    market.take(Reached(12, BEGIN_NS + 2 * 10**9, 1, 1, None))
    assert market.revision is not None
    assert (market.trade_number, market.log_sequence) == (2, 7)
    assert market.whole_sequence == market.book.sequence < 6  # nothing is promised of what waits
    assert market.book.level_number == 0
    rows = market.take_rows()
    assert rows is not None
    assert ([trade.trade_id for trade in rows.trades], rows.revisions) == ([1, 2], [])
    market.revise(BEGIN_NS // MINUTE_NS * MINUTE_NS, trades[:2])
    assert market.revision is None
    assert (market.trade_number, market.log_sequence, market.book.level_number) == (5, 12, 1)
    assert market.whole_sequence == 12
    rows = market.take_rows()
    assert rows is not None
    assert ([trade.trade_id for trade in rows.trades], len(rows.revisions)) == ([3, 4], 1)
    frames = [(name.decode(), decode_market_frame(frame)) for name, frame in market.streams.departing]
    told = [event for name, frame in frames if name.startswith("trades.") for event in frame.events]
    assert told == [Resync(STARTED), *moment.trades]
    minute = [event for name, frame in frames if name.startswith("candle-1m.") for event in frame.events][-1]
    assert isinstance(minute, CandleUpdated)
    assert (minute.trades, minute.open_ticks, minute.close_ticks) == (3, 1001, 1003)


def snapshot_moment(log_sequence: int, time_ns: int) -> Moment:
    """The batch behind which an empty book stands."""
    moment = Moment(log_sequence, time_ns, 1)
    moment.snapshot = BookSnapshot(0, SYMBOL, L2, log_sequence, time_ns, 0, 0, 0, 1, 1, 0, 0, [], [])
    return moment


def test_rows_that_are_taken_before_anything_was_reached_contain_nothing() -> None:
    """The snapshot has told the epoch already; what is stored of the symbol is its definition alone."""
    publisher = SimulatedPublisher(SYMBOL)
    publisher.market.take_state(InstrumentState(DEFINED, 1), (1, 1))
    publisher.market.streams.epoch = 3
    rows = publisher.market.take_rows()
    assert rows is not None
    assert (rows.progress, rows.after_sequence) == (Progress(0, 0, 0, 0), 0)
