"""A market and its publishers in memory: made-up trades and books, said by the real protocol, in simulated time.

`SimulatedMarket` is the log: moments, each with what one batch did to the symbol. The engine can be started again
(`restart_engine`), also without its last moments, as after a loss of power under `sync = "os"`.

`SimulatedPublisher` is the other side of a publisher's sockets: it takes the moments up to wherever the test lets it
come, says frames, and answers requests, in the simplest way. It can be started again (`restart`), which begins its
chains anew, and can have a fault (`lies`).
"""

import random
import zlib
from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from bus.protocol import reasons
from bus.protocol.checksum import book_checksum
from bus.protocol.codec import MalformedMessage, encode, encode_envelope
from bus.protocol.control import Refused
from bus.protocol.feed import Level, Trade, TradeBusted, TradeCorrected
from bus.protocol.market import requests as asked
from bus.protocol.market.codec import decode_market_message, encode_market_frame
from bus.protocol.market.streams import (
    GAP,
    PERIODS,
    STARTED,
    WITHDRAWN,
    WRONG_BOOK,
    Book,
    CandleUpdated,
    MiniStatistics,
    Resync,
    Statistics,
    StreamsHeartbeat,
    Symbol,
    Top,
)
from bus.protocol.status import OK, ProcessStatus, QueryStatus
from bus.protocol.terms import BUY, SELL

MS = 1_000_000
MINUTE_NS = 60_000 * MS
SPAN_NS = 10_000 * MS

Rows = list[tuple[int, int, int]]


@dataclass
class Moment:
    """What one batch of the log did."""

    epoch: int
    sequence: int
    time_ns: int
    trades: list[Any] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    bids: Rows = field(default_factory=list)  # the whole book behind it, best first
    asks: Rows = field(default_factory=list)


class SimulatedMarket:
    """See above. `moments`: the whole log of one symbol."""

    def __init__(self, seed: int, symbol: str = "BTC-USD", time_ns: int = 1_700_000_000_000 * MS) -> None:
        self.symbol = symbol
        self.chance = random.Random(seed)
        self.moments = [Moment(1, 1, time_ns)]
        self.epoch = 1
        self._rows: dict[int, asked.TradeRow] = {}

    def move(self, ms_max: int = 60, *, quiet: bool = False) -> None:
        """One batch more: trades, changes of levels, both or nothing but time."""
        chance, last = self.chance, self.moments[-1]
        moment = Moment(
            self.epoch,
            last.sequence + chance.randrange(1, 5),
            last.time_ns + chance.randrange(1, ms_max) * MS,
        )
        sides = {BUY: {row[0]: row for row in last.bids}, SELL: {row[0]: row for row in last.asks}}
        if not quiet:
            self._trade(moment)
            for _ in range(chance.randrange(4)):
                side = chance.choice((BUY, SELL))
                price = 1000 + chance.randrange(1, 40) * (1 if side == SELL else -1)
                quantity = chance.choice((0, chance.randrange(1, 50)))
                level = Level(moment.sequence, side, price, quantity, min(quantity, 3))
                moment.levels.append(level)
                if quantity:
                    sides[side][price] = (price, quantity, level.orders)
                else:
                    sides[side].pop(price, None)
        moment.bids = sorted(sides[BUY].values(), reverse=True)
        moment.asks = sorted(sides[SELL].values())
        self.moments.append(moment)

    def restart_engine(self, forget: int = 0) -> None:
        """A new epoch, without the last moments. Time goes on."""
        time_ns = self.moments[-1].time_ns
        if forget:
            del self.moments[max(1, len(self.moments) - forget) :]
            self._rows = trades_of(self.moments)
        self.epoch += 1
        last = self.moments[-1]
        self.moments.append(
            Moment(self.epoch, last.sequence + 1, time_ns + MS, bids=last.bids, asks=last.asks)
        )

    def trades(self) -> dict[int, asked.TradeRow]:
        """Every trade as it counts now, by its id."""
        return self._rows

    def _trade(self, moment: Moment) -> None:
        chance = self.chance
        known = self._rows
        following = len(known) + 1
        for trade_id in range(following, following + chance.choice((0, 0, 1, 1, 2, 5))):
            price = 1000 + chance.randrange(-20, 20)
            moment.trades.append(
                Trade(moment.sequence, moment.time_ns, trade_id, price, chance.randrange(1, 9), BUY)
            )
        if known and chance.random() < 0.05:
            trade = known[chance.randrange(1, following)].trade
            fields = (moment.sequence, moment.time_ns, trade.trade_id)
            if chance.random() < 0.5:
                moment.trades.append(TradeBusted(*fields, trade.price_ticks, trade.quantity_lots))
            else:
                moment.trades.append(TradeCorrected(*fields, 7, trade.quantity_lots, trade.price_ticks))
        self._rows = trades_of([moment], known)


def trades_of(
    moments: list[Moment], rows: dict[int, asked.TradeRow] | None = None
) -> dict[int, asked.TradeRow]:
    """The trades of a log, and those before it, as they count behind it."""
    rows = {} if rows is None else rows
    for moment in moments:
        for event in moment.trades:
            if isinstance(event, Trade):
                rows[event.trade_id] = asked.TradeRow(event, 0)
            elif isinstance(event, TradeBusted):
                rows[event.trade_id] = asked.TradeRow(rows[event.trade_id].trade, 1)
            else:
                was = rows[event.trade_id].trade
                trade = Trade(
                    was.sequence,
                    was.time_ns,
                    was.trade_id,
                    event.price_ticks,
                    was.quantity_lots,
                    was.aggressor,
                )
                rows[event.trade_id] = asked.TradeRow(trade, 2)
    return rows


class _Stream:
    def __init__(self, ring_max: int) -> None:
        self.ring: deque[tuple[int, int, bytes]] = deque(maxlen=ring_max)
        self.previous: int | None = None
        self.sequence = 0
        self.time_ns = 0


class SimulatedPublisher:
    """See above. `published` holds what left and was not taken yet."""

    def __init__(self, market: SimulatedMarket, name: str = "publisher", *, ring_max: int = 50) -> None:
        self.market = market
        self.name = name
        self.ring_max = ring_max
        self.refuses: set[type[Any]] = set()  # kinds of requests
        self.not_yet = 0  # how many requests more it refuses for now
        self.lies = False  # says another price than there was
        self.checksum_error = 0
        self.answers_frames_max = 5
        self.is_mute = False  # answers nothing
        self.published: deque[tuple[str, bytes]] = deque()
        self.asked: list[Any] = []  # what it was asked for
        self.alerts: dict[str, asked.Alert] = {}
        self._join(STARTED)

    # What it has come to.

    def restart(self, *, at_end: bool = False) -> None:
        """Begin anew, as far in the log as it was, or at its end."""
        self._join(STARTED, len(self.market.moments) if at_end else min(self._next, len(self.market.moments)))

    def miss(self, count: int) -> None:
        """Its feed has a gap that cannot be healed: it begins its chains anew behind it."""
        self._join(GAP, min(self._next + count, len(self.market.moments)))

    def go_on(self) -> None:
        """Come to the end of the log, and say a heartbeat."""
        self.come()
        self.heartbeat()

    def lose(self) -> None:
        """Come to the end of the log; nobody hears what is said on the way."""
        self.come()
        self.published.clear()

    def doubt_book(self) -> None:
        """It finds that its book is not the engine's, says so, and has none until `restart`."""
        self.refuses.add(asked.DepthRequest)
        for kind in ("depth", *(f"depth-{period}" for period in PERIODS)):
            self._say(kind, [Resync(WRONG_BOOK)], begins=True)

    def come(self, count: int | None = None) -> None:
        """Take so many moments, or all there are."""
        moments = self.market.moments
        if self._next > len(moments) or (moments[self._next - 1] is not self.now):
            self._join(WITHDRAWN, len(moments))
        end = len(moments) if count is None else min(len(moments), self._next + count)
        for moment in moments[self._next : end]:
            self._take(moment)

    def _join(self, reason: int, next_: int | None = None) -> None:
        self._next = len(self.market.moments) if next_ is None else next_
        self.now = self.market.moments[self._next - 1]
        self._streams: dict[str, _Stream] = {}
        self._changed: dict[str, dict[tuple[int, int], None]] = {period: {} for period in PERIODS}
        self._digest: dict[int, list[bytes]] = {}
        self._whole_from = self.now.time_ns // SPAN_NS + 2
        book = self._book()
        self._say("trades", [Resync(reason)], begins=True)
        for kind in ("depth", *(f"depth-{period}" for period in PERIODS)):
            self._say(kind, [Resync(reason), book], begins=True)
        self._say("symbol", [self._symbol()])

    def _take(self, moment: Moment) -> None:
        self._flush(moment.time_ns)
        minute = moment.time_ns // MINUTE_NS
        before = self.now.time_ns // MINUTE_NS
        self.now = moment
        self._next += 1
        if moment.trades:
            events = moment.trades
            if self.lies and isinstance(events[0], Trade):
                first = events[0]
                lie = Trade(first.sequence, first.time_ns, first.trade_id, 1, first.quantity_lots, 1)
                events = [lie, *events[1:]]
            self._say("trades", events)
        if moment.levels:
            self._say("depth", moment.levels)
            for changed in self._changed.values():
                changed.update(dict.fromkeys((level.side, level.price_ticks) for level in moment.levels))
        if moment.trades or minute > before:
            self._say("candle-1m", [self.candle()])
            self._say("statistics", [self._statistics()])
            self._say("mini", [self._mini()])

    def _flush(self, time_ns: int) -> None:
        """Conflated streams leave once a period, at their symbol's offset, with the book as it was then."""
        offset_ns = zlib.crc32(self.market.symbol.encode()) % 100 * 1_000_000
        for period, length_ns in PERIODS.items():
            leaves_ns = ((self.now.time_ns - offset_ns) // length_ns + 1) * length_ns + offset_ns
            if time_ns < leaves_ns or not self._changed[period]:
                continue
            rows = {
                (side, row[0]): row
                for side, rows in ((BUY, self.now.bids), (SELL, self.now.asks))
                for row in rows
            }
            events = [
                Level(self.now.sequence, side, price, *rows.get((side, price), (0, 0, 0))[1:])
                for side, price in sorted(self._changed[period])
            ]
            self._changed[period].clear()
            self._say(f"depth-{period}", events, time_ns=leaves_ns)
            if period == "100ms":
                self._say("top5-100ms", [Top(self.now.bids[:5], self.now.asks[:5])], time_ns=leaves_ns)

    # What it says.

    def _say(self, kind: str, events: list[Any], *, begins: bool = False, time_ns: int = 0) -> None:
        chained = kind == "trades" or kind.startswith("depth")
        stream = self._streams.setdefault(kind, _Stream(self.ring_max if chained else 1))
        previous = 0 if begins or stream.previous is None else stream.previous
        at_ns = time_ns or self.now.time_ns
        packed = encode(events)
        frame = encode_market_frame(self.now.epoch, self.now.sequence, previous, at_ns, packed)
        stream.ring.append((previous, self.now.sequence, frame))
        stream.previous = stream.sequence = self.now.sequence
        stream.time_ns = at_ns
        self._digest.setdefault(at_ns // SPAN_NS, []).append(packed)
        while len(self._digest) > 3:
            del self._digest[min(self._digest)]
        self.published.append((f"{kind}.{self.market.symbol}.", frame))

    def heartbeat(self) -> None:
        """The last frames, and how far it is."""
        span = self.now.time_ns // SPAN_NS - 1
        digest = b"" if span < self._whole_from else blake2b(encode(self._digest.get(span, []))).digest()
        rows = [
            (f"{kind}.{self.market.symbol}.", stream.sequence, stream.time_ns)
            for kind, stream in self._streams.items()
        ]
        checksum = self._book().checksum ^ self.checksum_error
        event = StreamsHeartbeat(self.name, rows, span, digest, False, checksum)
        frame = encode_market_frame(self.now.epoch, self.now.sequence, 0, self.now.time_ns, encode([event]))
        self.published.append((f"heartbeat.{self.market.symbol}.", frame))

    def latest(self, prefix: str) -> list[tuple[str, bytes]]:
        """What a new subscription gets: the newest frames of streams whose frames are whole."""
        found = []
        for kind, stream in self._streams.items():
            name = f"{kind}.{self.market.symbol}."
            if name.startswith(prefix) and not kind.startswith(("trades", "depth")):
                found.append((name, stream.ring[-1][2]))
        return found

    # What it answers.

    def answer(self, payload: bytes) -> list[bytes]:
        """The answers to a reader's message."""
        if self.is_mute:
            return []
        try:
            message = decode_market_message(payload)
        except MalformedMessage as error:
            refused = Refused(error.correlation_id, error.count, error.reason, str(error))
            return [encode_envelope(0, self.now.epoch, 0, 0, 0, [refused])]
        return [
            encode_envelope(
                0,
                self.now.epoch,
                0,
                self.now.sequence,
                self.now.time_ns,
                [self._answer(message.correlation_id + index, item)],
            )
            for index, item in enumerate(message.items)
        ]

    def _answer(self, number: int, item: Any) -> Any:
        self.asked.append(item)
        symbol = getattr(item, "symbol", "")
        if self.not_yet:
            self.not_yet -= 1
            return Refused(number, 1, reasons.NOT_YET, "ask again")
        if type(item) in self.refuses or (symbol and symbol != self.market.symbol):
            return Refused(number, 1, reasons.NOT_OFFERED, "not here")
        if isinstance(item, asked.DepthRequest):
            return self._depth(number, item)
        if isinstance(item, asked.TradesRequest):
            return self._trades(number, item)
        if isinstance(item, asked.StreamReplay):
            return self._replay(number, item)
        if isinstance(item, QueryStatus):
            now = self.now
            return ProcessStatus(
                number, "publisher", 1, "0", 1, now.epoch, now.sequence, now.time_ns, OK, "", []
            )
        if isinstance(item, asked.ArmAlert):
            fields = (
                item.alert_id,
                item.symbol,
                item.condition,
                item.parameters,
                item.repeating,
                item.hysteresis,
            )
            self.alerts[item.alert_id] = asked.Alert(*fields, True, 0)
            return asked.AlertsAnswer(number, [self.alerts[item.alert_id]])
        if isinstance(item, asked.DisarmAlert):
            return asked.AlertsAnswer(number, [self.alerts.pop(item.alert_id)])
        simple: dict[type[Any], Any] = {
            asked.StatisticsRequest: lambda: asked.StatisticsAnswer(number, symbol, self._statistics()),
            asked.MiniRequest: lambda: asked.MiniAnswer(number, [(self.market.symbol, self._mini())]),
            asked.CandlesRequest: lambda: asked.CandlesAnswer(
                number, symbol, item.interval, [self.candle()], False
            ),
            asked.SymbolsRequest: lambda: asked.SymbolsAnswer(number, [self._symbol()]),
            asked.AlertsRequest: lambda: asked.AlertsAnswer(number, list(self.alerts.values())),
            asked.OrdersRequest: lambda: asked.OrdersAnswer(number, symbol, self.now.sequence, 0, [], []),
            asked.IndicatorRequest: lambda: asked.IndicatorAnswer(
                number, symbol, item.interval, item.indicator, [(0, 1)]
            ),
        }
        return simple[type(item)]()

    def _depth(self, number: int, item: asked.DepthRequest) -> Any:
        now, book = self.now, self._book()
        count = item.levels or None
        return asked.DepthAnswer(
            number,
            self.market.symbol,
            now.sequence,
            now.time_ns,
            0,
            book.checksum ^ self.checksum_error,
            1,
            0,
            0,
            0,
            book.bids[:count],
            book.asks[:count],
        )

    def _trades(self, number: int, item: asked.TradesRequest) -> Any:
        rows = [
            row
            for row in trades_of(self.market.moments[: self._next]).values()
            if row.trade.trade_id >= item.from_trade_id
            and row.trade.time_ns >= item.from_ns
            and (not item.to_trade_id or row.trade.trade_id < item.to_trade_id)
            and (not item.to_ns or row.trade.time_ns < item.to_ns)
        ]
        limit = min(item.limit, self.answers_frames_max * 2)
        if item.from_trade_id or item.from_ns:
            return asked.TradesAnswer(number, self.market.symbol, rows[:limit], len(rows) > limit)
        return asked.TradesAnswer(number, self.market.symbol, rows[-limit:], False)

    def _replay(self, number: int, item: asked.StreamReplay) -> Any:
        kind, _, rest = item.topic.partition(".")
        stream = self._streams.get(kind)
        if stream is None or rest != f"{self.market.symbol}.":
            return Refused(number, 1, reasons.NOT_OFFERED, "no such topic")
        if not (kind == "trades" or kind.startswith("depth")):
            return asked.StreamReplayed(number, item.topic, [stream.ring[-1][2]])
        found = [entry for entry in stream.ring if entry[1] > item.after_sequence]
        if found and found[0][0] > item.after_sequence:
            return Refused(number, 1, reasons.NOT_OFFERED, "no longer kept")
        frames = [frame for _, _, frame in found[: self.answers_frames_max]]
        return asked.StreamReplayed(number, item.topic, frames)

    # What it knows.

    def _book(self) -> Book:
        bids, asks = self.now.bids, self.now.asks
        return Book(self.now.sequence, 0, book_checksum(bids, asks), bids, asks)

    def _price(self) -> int:
        return next(
            (
                event.price_ticks
                for moment in reversed(self.market.moments[: self._next])
                for event in reversed(moment.trades)
                if isinstance(event, Trade)
            ),
            0,
        )

    def candle(self) -> CandleUpdated:
        """The open one."""
        price, opened = self._price(), self.now.time_ns // MINUTE_NS * MINUTE_NS
        return CandleUpdated("1m", opened, price, price, price, price, "0", "0", 0, "0", "0", 0, 0, False, 0)

    def _statistics(self) -> Statistics:
        price = self._price()
        numbers = (price, price, price, price, 0, 0)
        return Statistics(self.now.time_ns, *numbers, "0", "0", 0, 0, 0, 0, 0, 0, 0, "0", 0)

    def _mini(self) -> MiniStatistics:
        price = self._price()
        return MiniStatistics(self.now.time_ns, price, price, price, price, "0", "0")

    def _symbol(self) -> Symbol:
        limits = (1, 10_000_000, 1, 1_000_000)
        return Symbol(self.market.symbol, "BTC", "USD", 1, 2, 1, 3, *limits, 0, 1, "always", "")
