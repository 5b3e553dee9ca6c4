"""All candles of one symbol: the open ones, and the closed ones that are kept.

The rule guarded here: they are a function of the symbol's trades and of engine time, however many calls bring time
forward. A trade touches the open candle of one minute and nothing else. A longer candle is made from parts: its closed
parts are joined as they close (`_parts`), and whoever asks for the open one gets these and the open candle of the
interval below:

    1h    ├─ closed parts: 09:00 ─┤ + open 30m
    30m                             ├─ 09:30 ─┤ + open 15m (no closed part yet) + open 5m (09:45, 09:46) + open 1m

Called by the market of the symbol, which brings time to that of an event first and then tells the event:

    closed = series.advance(trade.time_ns)
    series.trade(trade.sequence, trade.time_ns, ...)
"""

from collections.abc import Iterable, Sequence
from typing import Final, final

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY
from publisher.candles.candle import Candle, flat, of_trades
from publisher.candles.intervals import DAY_NS, INTERVALS, MINUTE_NS
from publisher.candles.ring import CandleRing

#: Later than any engine time.
NEVER_NS: Final = 2**63 - 1
#: Where an interval stands in the lists of a series.
POSITIONS: Final = {name: position for position, name in enumerate(INTERVALS)}
NAMES: Final = tuple(INTERVALS)


@final
class CandleSeries:
    """Of one symbol, from its first trade on: before that there is nothing, and `begun()` is false.

    Candles come as pairs of the interval's name and the candle, ordered by their ends, of the same end the shorter
    first. The names are those of `INTERVALS`; any other is a KeyError.
    """

    __slots__ = (
        "_end_ns",
        "_minute",
        "_parts",
        "_rings",
        "_traded_ns",
    )

    def __init__(self) -> None:
        # Rings come with the first trade: a symbol that never trades costs nothing.
        self._rings: list[CandleRing] = []
        self._parts: list[Candle | None] = [None] * len(NAMES)
        self._minute = flat(0, 0)
        self._end_ns = 0  # of the open minute; 0 before the first trade
        self._traded_ns = 0

    def begun(self) -> bool:
        """Whether there was a trade."""
        return self._end_ns != 0

    def trade(
        self,
        sequence: int,
        time_ns: int,
        trade_id: int,
        price_ticks: int,
        quantity_lots: int,
        aggressor: int,
    ) -> None:
        """A trade of the open minute: `advance` has brought time to `time_ns` already. O(1)."""
        if time_ns >= self._end_ns:
            self._begin(time_ns)
        minute = self._minute
        quote = price_ticks * quantity_lots
        if minute.trades:
            if price_ticks > minute.high_ticks:
                minute.high_ticks = price_ticks
            elif price_ticks < minute.low_ticks:
                minute.low_ticks = price_ticks
        else:
            minute.open_ticks = minute.high_ticks = minute.low_ticks = price_ticks
            minute.first_trade_id = trade_id
        minute.close_ticks = price_ticks
        minute.volume_lots += quantity_lots
        minute.quote_volume += quote
        minute.trades += 1
        if aggressor == BUY:
            minute.taker_buy_lots += quantity_lots
            minute.taker_buy_quote += quote
        minute.last_trade_id = trade_id
        minute.last_sequence = sequence
        self._traded_ns = time_ns

    def advance(self, time_ns: int) -> list[tuple[str, Candle]]:
        """Close the candles that end at `time_ns` or before, and give them. O(1) when none does, else O(candles).

        A year in which nobody trades is 670,000 candles in one list. Going there in steps gives the same candles.
        """
        closed: list[tuple[str, Candle]] = []
        if time_ns < self._end_ns or not self._end_ns:
            return closed
        while self._end_ns <= time_ns:
            self._close_minute(closed)
        return closed

    def next_close_ns(self) -> int:
        """When the next candle ends; NEVER_NS before the first trade."""
        return self._end_ns or NEVER_NS

    def oldest_ns(self, interval: str) -> int:
        """The open time of the oldest candle of an interval that is here, the open one included. From `begun` on."""
        position = POSITIONS[interval]
        ring = self._rings[position]
        if ring.count:
            return ring.oldest_ns()
        return ring.interval.open_time_ns(self._minute.open_time_ns)

    def is_whole(self, interval: str) -> bool:
        """Whether no candle of an interval has had to make room yet. From `begun` on."""
        ring = self._rings[POSITIONS[interval]]
        return ring.count < ring.capacity

    def open(self, interval: str) -> Candle | None:
        """The open candle; None before the first trade. O(1)."""
        position = POSITIONS[interval]
        return self._open_candles(position)[position] if self._end_ns else None

    def changed_since(self, time_ns: int) -> list[tuple[str, Candle]]:
        """The open candles that were traded in at `time_ns` or later, or opened after it.

        For windows of engine time: at the end of each, `advance` to it, ask with the end of the window before, and only
        then tell trades at the end itself or later. So every change is seen once. Revisions do not count: `revise` has
        given them.
        """
        if not self._end_ns or (self._minute.open_time_ns <= time_ns and self._traded_ns < time_ns):
            return []
        candles = zip(NAMES, self._open_candles(len(NAMES) - 1), strict=True)
        if self._traded_ns >= time_ns:
            return list(candles)
        return [(name, candle) for name, candle in candles if candle.open_time_ns > time_ns]

    def page(self, interval: str, from_ns: int, to_ns: int, limit: int) -> list[Candle]:
        """The newest `limit` of those that open at `from_ns` or later and before `to_ns`, oldest first.

        The open one is among them. To read on, ask again with the open time of the first one as `to_ns`. Candles that
        are no longer kept are left out. O(limit).
        """
        candle = self.open(interval)
        if candle is None or limit <= 0:
            return []
        ring = self._rings[POSITIONS[interval]]
        if from_ns <= candle.open_time_ns < to_ns:
            return [*ring.between(from_ns, to_ns, limit - 1), candle]
        return ring.between(from_ns, to_ns, limit)

    def restore(self, candles: Iterable[tuple[str, Candle]], trades: Iterable[Trade]) -> None:
        """Take up what a series had: its candles, and the trades of the minute that had not ended.

        Of the closed candles (of each interval the newest, oldest first) as many as there are, or as a ring keeps. An
        open one is needed only of a symbol's first minute that lost all its trades, for its price. ValueError when
        candles are missing between the others, or do not end where those of another interval say.
        """
        assert not self.begun(), "restored before anything else"
        rings = [CandleRing(interval) for interval in INTERVALS.values()]
        first_minute: Candle | None = None
        for name, candle in candles:
            if candle.closed:
                rings[POSITIONS[name]].push(candle)
            elif name == NAMES[0]:
                first_minute = candle
        shortest = rings[0]
        if shortest.count:
            minute_ns = shortest.newest_ns + MINUTE_NS
            _check_ends(rings, minute_ns)
            self._rings = rings
            self._start(flat(minute_ns, shortest.at(shortest.newest_ns).close_ticks))
        elif first_minute is not None:
            self._rings = rings
            self._start(flat(first_minute.open_time_ns, first_minute.open_ticks))
        for trade in trades:
            if self.begun() and not self._minute.open_time_ns <= trade.time_ns < self._end_ns:
                raise ValueError(f"trade {trade.trade_id} is not of the minute that had not ended")
            self.trade(
                trade.sequence,
                trade.time_ns,
                trade.trade_id,
                trade.price_ticks,
                trade.quantity_lots,
                trade.aggressor,
            )

    def revise(self, minute_ns: int, trades: Sequence[Trade]) -> list[tuple[str, Candle]]:
        """The trades of the minute that opens at `minute_ns` are these, oldest first: give the candles that changed.

        Candles are made anew from the minute upwards; candles without trades that follow get its new last price.
        Each closed one that changes has its revision raised by one. When the first minute ever loses all its trades it
        stays, flat at the price that it opened with. ValueError when the minute is not of the trading day or was not
        there. O(candles that may change).
        """
        self._check_revisable(minute_ns)
        before = self._open_candles(len(NAMES) - 1)
        changed: list[tuple[str, Candle]] = []
        made_anew = self._revise_minutes(minute_ns, trades, changed)
        for position in range(1, len(NAMES)):
            made_anew = self._revise_longer(position, made_anew, changed)
        self._join_closed_parts()
        for position, candle in enumerate(self._open_candles(len(NAMES) - 1)):
            if not candle.says_the_same(before[position]):
                changed.append((NAMES[position], candle))
        # Stable: of the same end the shorter stay first.
        changed.sort(key=_end_ns)
        return changed

    # The parts of the above.

    def _begin(self, time_ns: int) -> None:
        """The first trade ever."""
        assert not self._end_ns, "advance() comes before trade()"
        if not self._rings:
            self._rings = [CandleRing(interval) for interval in INTERVALS.values()]
        self._start(flat(time_ns - time_ns % MINUTE_NS, 0))

    def _start(self, minute: Candle) -> None:
        """This minute is the open one."""
        self._minute = minute
        self._end_ns = minute.open_time_ns + MINUTE_NS
        self._join_closed_parts()

    def _close_minute(self, closed: list[tuple[str, Candle]]) -> None:
        """Close the open minute and all that ends with it, upwards."""
        end_ns = self._end_ns
        candle = self._minute
        self._minute = flat(end_ns, candle.close_ticks)
        self._end_ns = end_ns + MINUTE_NS
        position = 0
        while True:
            candle.closed = True
            ring = self._rings[position]
            ring.push(candle)
            closed.append((ring.interval.name, candle))
            position += 1
            if position == len(self._rings):
                return
            longer = self._rings[position].interval
            parts = self._parts[position]
            if parts is None:
                parts = candle.opened(longer.open_time_ns(candle.open_time_ns))
            else:
                parts.add(candle)
            if longer.open_time_ns(end_ns) != end_ns:
                self._parts[position] = parts
                return
            self._parts[position] = None
            candle = parts

    def _open_candles(self, last: int) -> list[Candle]:
        """Of the intervals up to this position, as they are now: copies, each of its closed parts and the one below."""
        minute_ns = self._minute.open_time_ns
        candle = self._minute.opened(minute_ns)
        candles = [candle]
        for position in range(1, last + 1):
            below = candle
            parts = self._parts[position]
            if parts is None:
                candle = below.opened(self._rings[position].interval.open_time_ns(minute_ns))
            else:
                candle = parts.opened(parts.open_time_ns)
                candle.add(below)
            candles.append(candle)
        return candles

    def _join_closed_parts(self) -> None:
        """Make `_parts` from the rings."""
        for position in range(1, len(self._rings)):
            from_ns = self._rings[position].interval.open_time_ns(self._minute.open_time_ns)
            self._parts[position] = self._joined(position, from_ns)

    def _joined(self, position: int, from_ns: int) -> Candle | None:
        """The candle that opens then, of its closed parts; None when there are none."""
        interval = self._rings[position].interval
        below = self._rings[position - 1]
        joined: Candle | None = None
        for part in below.between(from_ns, from_ns + interval.length_ns, below.capacity):
            if joined is None:
                joined = part.opened(from_ns)
            else:
                joined.add(part)
        return joined

    def _check_revisable(self, minute_ns: int) -> None:
        """Of the trading day: then all parts of all candles that may change are kept."""
        now_ns = self._minute.open_time_ns
        if (
            not self._end_ns
            or minute_ns % MINUTE_NS
            or not now_ns - now_ns % DAY_NS <= minute_ns <= now_ns
            or not (minute_ns == now_ns or self._rings[0].holds(minute_ns))
        ):
            raise ValueError(f"no minute of the trading day with candles opens at {minute_ns}")

    def _revise_minutes(
        self, minute_ns: int, trades: Sequence[Trade], changed: list[tuple[str, Candle]]
    ) -> list[int]:
        """Make the minute anew, and those without trades behind it. The open times of closed ones that changed."""
        ring = self._rings[0]
        made_anew: list[int] = []
        opens_ns = minute_ns
        of_them = trades
        while opens_ns < self._minute.open_time_ns:
            old = ring.at(opens_ns)
            if opens_ns != minute_ns and old.trades:
                return made_anew
            new = of_trades(opens_ns, of_them, self._price_before(old))
            if new.says_the_same(old):
                return made_anew
            new.closed = True
            new.revision = old.revision + 1
            ring.replace(new)
            changed.append((NAMES[0], new))
            made_anew.append(opens_ns)
            opens_ns += MINUTE_NS
            of_them = ()
        if opens_ns == minute_ns or not self._minute.trades:
            self._minute = of_trades(opens_ns, of_them, self._price_before(self._minute))
        return made_anew

    def _price_before(self, candle: Candle) -> int:
        """The last price before a candle of one minute; its own first when there is none."""
        ring = self._rings[0]
        before_ns = candle.open_time_ns - MINUTE_NS
        return ring.at(before_ns).close_ticks if ring.holds(before_ns) else candle.open_ticks

    def _revise_longer(
        self, position: int, made_anew: list[int], changed: list[tuple[str, Candle]]
    ) -> list[int]:
        """Make the closed candles of an interval anew whose parts were. The open times of those that changed."""
        ring = self._rings[position]
        changed_ns = []
        done_ns = -1
        for part_ns in made_anew:
            open_ns = ring.interval.open_time_ns(part_ns)
            if open_ns == done_ns or not ring.holds(open_ns):
                continue
            done_ns = open_ns
            old = ring.at(open_ns)
            new = self._joined(position, open_ns)
            assert new is not None, "a closed candle has parts"
            if not new.says_the_same(old):
                new.closed = True
                new.revision = old.revision + 1
                ring.replace(new)
                changed.append((NAMES[position], new))
                changed_ns.append(open_ns)
        return changed_ns


def _end_ns(named: tuple[str, Candle]) -> int:
    return named[1].open_time_ns + INTERVALS[named[0]].length_ns


def _check_ends(rings: list[CandleRing], minute_ns: int) -> None:
    """Each interval's closed candles end where its open candle begins; there are some when an older part is kept."""
    for position, ring in enumerate(rings):
        open_ns = ring.interval.open_time_ns(minute_ns)
        if ring.count:
            ends_ns = ring.newest_ns + ring.interval.length_ns
            if ends_ns != open_ns:
                raise ValueError(
                    f"the candles of {ring.interval.name} end at {ends_ns}, and the others say {open_ns}"
                )
        elif position and rings[position - 1].count and rings[position - 1].oldest_ns() < open_ns:
            raise ValueError(f"the closed candles of {ring.interval.name} are missing")
