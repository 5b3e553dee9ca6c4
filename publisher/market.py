"""One symbol's market as its publisher knows it: book, trades, candles, statistics, and what is said of them.

The rule guarded here: everything said is a function of the symbol's events and of engine time, so two publishers say
the same. What is conflated is said at whole multiples of its period and the symbol's offset: all events before that
time are in it, none after.

    Moment  ─▶ time moves to it: what is due before it is said ─▶ its events are taken ─▶ trades and depth are said
    Reached ─▶ time moves to it

An operator's bust or correction stops the market: the trades of a minute are wanted, and what comes is held until
`revise` has given them. No I/O. Called by `service` and by the rebuild.
"""

from collections.abc import Sequence
from typing import Any, Final

from bus.protocol.control import InstrumentState
from bus.protocol.feed import (
    INDICATIVE,
    AuctionEnded,
    Indicative,
    PhaseChanged,
    Trade,
    TradeBusted,
    TradeCorrected,
)
from bus.protocol.market.streams import (
    ALERT_TOPIC,
    BOOK,
    CANDLES,
    DEPTH,
    GAP,
    INDICATIVE_TOPIC,
    MINI,
    PERIODS,
    STARTED,
    STATISTICS_TOPIC,
    SYMBOL_TOPIC,
    TRADES,
    WRONG_BOOK,
    Symbol,
)
from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import AUCTIONS, CONTINUOUS
from publisher.alerts.alert import AlertFired, AlertRow
from publisher.alerts.definition import AlertDefinition
from publisher.alerts.symbol_alerts import SymbolAlerts
from publisher.alignment import Moment, Reached
from publisher.book import NO_ROW, Book, Row
from publisher.candles.candle import Candle
from publisher.candles.intervals import INTERVALS
from publisher.candles.series import CandleSeries
from publisher.conflation import FAST_NS, NEVER_NS, Conflation
from publisher.events import alert_event, alert_rows, candle_event, mini_event, statistics_event
from publisher.statistics.rolling import RollingStatistics
from publisher.statistics.seconds import BucketRow
from publisher.statistics.values import Statistics
from publisher.store.rows import Progress, SymbolDefinition, SymbolRows
from publisher.streams import SymbolStreams
from publisher.symbols import Place, SymbolState
from publisher.trades import TradeRing, with_price

_SECOND_NS: Final = 1_000_000_000


class Revision:
    """An operator's bust or correction that waits for the trades of its minute. `number`: on the trade topic."""

    __slots__ = ("event", "number")

    def __init__(self, number: int, event: TradeBusted | TradeCorrected) -> None:
        self.number = number
        self.event = event

    def applied(self, trades: Sequence[Trade]) -> list[Trade]:
        """The trades as they count from now on."""
        event = self.event
        revised: list[Trade] = []
        for trade in trades:
            if trade.trade_id != event.trade_id:
                revised.append(trade)
            elif isinstance(event, TradeCorrected):
                revised.append(with_price(trade, event.price_ticks))
        return revised


class Market:
    """See above. `trades_kept` and `ring_frames_max` bound what it holds beside its book and its candles.

    `log_sequence` and `time_ns`: up to there nothing is missing. What it says is in `streams.departing`, what is to be
    stored is given by `take_rows`; whoever owns it takes both.
    """

    def __init__(
        self, symbol: str, *, trades_kept: int, ring_frames_max: int, begin_reason: int = STARTED
    ) -> None:
        self.symbol = symbol
        self.log_sequence = 0
        self.time_ns = 0
        self.book = Book(len(PERIODS))
        self.trades = TradeRing(trades_kept)
        self.candles = CandleSeries()
        self.statistics = RollingStatistics()
        self.alerts = SymbolAlerts(symbol, self.statistics)
        self.state = SymbolState(symbol)
        self.streams = SymbolStreams(symbol, ring_frames_max)
        self.trade_number = 0  # the last on the trade topic
        self._stored_sequence: int | None = 0
        self._new_trades: list[Trade] = []
        self._new_revisions: list[tuple[int, TradeBusted | TradeCorrected]] = []
        self._new_candles: list[tuple[str, Candle]] = []
        self._new_definition: SymbolDefinition | None = None
        self._told: Symbol | None = None
        self.revision: Revision | None = None
        self.wrong_book = False
        self.checks = 0  # how many checksums of the engine have matched
        #: What is said on streams before the book has begun would be history.
        self.live = False
        self._last_sequence = 0  # of the last event on the trade topic
        self._held: list[Moment | Reached] = []
        self._begin_reason = begin_reason
        self._next_second_ns = NEVER_NS
        self._due_ns = NEVER_NS  # when something is to be said next
        self.candles_version = 0  # another one when a candle is another
        self._said_day: tuple[Statistics, Row, Row] | None = None
        self._said_mini: tuple[Any, ...] = ()
        streams = self.streams
        self._trades = streams.stream(TRADES, chained=True)
        self._depth = streams.stream(DEPTH, chained=True)
        self._conflation = Conflation(symbol, self.book, streams)
        self._candles = {name: streams.stream(f"{CANDLES}-{name}") for name in INTERVALS}
        self._statistics = streams.stream(STATISTICS_TOPIC)
        self._mini = streams.stream(MINI)
        self._symbol = streams.stream(SYMBOL_TOPIC)
        self._indicative = streams.stream(INDICATIVE_TOPIC)
        self._alerts = streams.stream(ALERT_TOPIC, chained=True)

    @property
    def whole_sequence(self) -> int:
        """Up to there its book is whole, too: changes of the batch that an operator's change stopped may wait."""
        return self.log_sequence if self.revision is None else min(self.log_sequence, self.book.sequence)

    # What comes.

    def take(self, item: Moment | Reached) -> None:
        """What an Alignment gives, in its order."""
        if self.revision is not None:
            self._held.append(item)
        elif isinstance(item, Moment):
            self._take_moment(item)
        else:
            self._take_reached(item)

    @property
    def batches_held(self) -> int:
        """How much waits for `revise`."""
        return len(self._held)

    def revise(self, minute_ns: int, trades: Sequence[Trade]) -> None:
        """The trades of the minute that opens at `minute_ns` as they counted before `revision`, oldest first.

        It is the minute of the trade that was busted or corrected. Then what was held goes on.
        """
        revision = self.revision
        assert revision is not None, "nothing is to be revised"
        event = revision.event
        self.revision = None
        self.advance(event.time_ns)
        revised = revision.applied(trades)
        changed = self.candles.revise(minute_ns, revised)
        second = self._second_of(event.trade_id, trades)
        self.statistics.revise(second, [trade for trade in revised if trade.time_ns // _SECOND_NS == second])
        self.candles_version += 1
        self.trades.revise(event.trade_id, event.price_ticks if isinstance(event, TradeCorrected) else None)
        self._new_revisions.append((revision.number, event))
        self.trade_number = revision.number
        if self.live:
            self.streams.say(self._trades, event.sequence, self.time_ns, [event])
        self._trades.next_previous = event.sequence
        self._last_sequence = event.sequence
        self._reach(event.sequence, event.time_ns)
        for name, candle in changed:
            if candle.closed:
                self._new_candles.append((name, candle))
            self._say_candle(name, candle, event.sequence, self.time_ns)
        self._change(self.time_ns)
        held, self._held = self._held, []
        for item in held:
            self.take(item)

    def _second_of(self, trade_id: int, trades: Sequence[Trade]) -> int:
        """The second of a trade among those of its minute."""
        return next(trade.time_ns // _SECOND_NS for trade in trades if trade.trade_id == trade_id)

    def _progress(self) -> Progress:
        """What rows contain that are taken now: nothing, before the first batch has been reached."""
        if not self.log_sequence:
            return Progress(0, 0, 0, 0)
        return Progress(self.trade_number, self.log_sequence, self.time_ns, self.streams.epoch)

    def take_rows(self) -> SymbolRows | None:
        """What is to be stored since this was called last, None when there is nothing."""
        if not (
            self._new_trades
            or self._new_revisions
            or self._new_candles
            or self._new_definition
            or self.alerts.has_changed
        ):
            return None
        alerts, removed = alert_rows(self.symbol, self.log_sequence, self.alerts.take_changed())
        rows = SymbolRows(
            symbol=self.symbol,
            after_sequence=self._stored_sequence,
            progress=self._progress(),
            trades=self._new_trades,
            revisions=self._new_revisions,
            candles=self._new_candles,
            definition=self._new_definition,
            alerts=alerts,
            removed_alerts=removed,
        )
        self._stored_sequence = self.log_sequence
        self._new_trades, self._new_revisions, self._new_candles = [], [], []
        self._new_definition = None
        return rows

    def _define(self, sequence: int, time_ns: int) -> None:
        """When the instrument is another, say so, and remember it."""
        state = self.state
        if not state.known or state.told() == self._told:
            return
        self._told = state.told()
        self._new_definition = SymbolDefinition(sequence, state.phase, state.definition)
        self.streams.say_aside(self._symbol, sequence, time_ns, [self._told])

    def _take_moment(self, moment: Moment) -> None:
        self.streams.epoch = moment.epoch or self.streams.epoch
        if moment.trades and not self._take_trades(moment):
            return
        self.advance(moment.time_ns)
        if moment.statuses:
            self._take_statuses(moment)
        if moment.snapshot is not None:
            self._begin_book(moment.snapshot)
        if moment.levels:
            self._take_levels(moment)
        if (moment.levels or moment.statuses) and self.book.ready and self.alerts.look_at_quotes():
            self._quote(self.book.sequence if moment.levels else moment.log_sequence)
        self._reach(moment.log_sequence, moment.time_ns)

    def _take_trades(self, moment: Moment) -> bool:
        """Whether all were taken; an operator's change among them stops here, and what is behind it is held."""
        said: list[Trade] = []
        for index, event in enumerate(moment.trades):
            if type(event) is Trade:
                self._take_trade(event)
                said.append(event)
            elif isinstance(event, (TradeBusted, TradeCorrected)):
                self._say_trades(said)
                self.trade_number = moment.trade_number + index - 1
                if said:
                    # No further: rows that are taken now go up to here, and time with them.
                    self._reach(said[-1].sequence, said[-1].time_ns)
                self.revision = Revision(moment.trade_number + index, event)
                self._hold_rest(moment, index + 1)
                return False
        self._say_trades(said)
        self.trade_number = moment.trade_number + len(moment.trades) - 1
        return True

    def _say_trades(self, said: list[Trade]) -> None:
        if said:
            self.advance(said[-1].time_ns)
            if self.live:
                self.streams.say(self._trades, said[-1].sequence, said[-1].time_ns, said)
            self._trades.next_previous = said[-1].sequence

    def _hold_rest(self, moment: Moment, taken: int) -> None:
        """What is behind an operator's change in its batch waits for it."""
        rest = Moment(moment.log_sequence, moment.time_ns, moment.epoch)
        rest.trades = moment.trades[taken:]
        rest.trade_number = moment.trade_number + taken
        rest.statuses, rest.levels, rest.snapshot = moment.statuses, moment.levels, moment.snapshot
        self._held.append(rest)

    def _take_reached(self, reached: Reached) -> None:
        # As of this place in the log, whatever it was that told of it.
        self.streams.epoch = reached.epoch or self.streams.epoch
        self.advance(reached.time_ns)
        self._reach(reached.log_sequence, reached.time_ns)
        book = self.book
        if reached.checksum is not None and book.ready and reached.level_number == book.level_number:
            if book.checksum() == reached.checksum:
                self.checks += 1
            else:
                self._doubt_book()

    def _reach(self, log_sequence: int, time_ns: int) -> None:
        self.log_sequence = max(self.log_sequence, log_sequence)
        self.streams.reach(time_ns)

    # Events.

    def _take_trade(self, trade: Trade) -> None:
        time_ns, price, quantity = trade.time_ns, trade.price_ticks, trade.quantity_lots
        if time_ns > self.time_ns:
            self.advance(time_ns)
        self.candles.trade(trade.sequence, time_ns, trade.trade_id, price, quantity, trade.aggressor)
        self.statistics.advance(time_ns)  # an open second that is over changes nothing that is said
        fired = self.alerts.trade(trade.sequence, time_ns, price, quantity)
        self.statistics.trade(time_ns, price, quantity)
        if fired:
            self._say_fired(fired)
        self.trades.add(trade)
        self._new_trades.append(trade)
        self._last_sequence = trade.sequence
        self.candles_version += 1
        self._change(time_ns)

    def _take_statuses(self, moment: Moment) -> None:
        """Definitions and phases, and what an auction would do. They hold for the levels of the same batch."""
        of_auctions: list[PhaseChanged | Indicative | AuctionEnded] = []
        for event in moment.statuses:
            self.state.take_event(event, self.streams.epoch)
            if isinstance(event, PhaseChanged | Indicative | AuctionEnded):
                of_auctions.append(event)
        self._define(moment.log_sequence, moment.time_ns)
        if of_auctions and self.live:
            last = of_auctions[-1].sequence
            self.streams.say(self._indicative, last, moment.time_ns, of_auctions)

    def _take_levels(self, moment: Moment) -> None:
        book = self.book
        if not book.ready:
            return
        book.take(moment.levels)
        if self.live:
            self.streams.say(self._depth, book.sequence, moment.time_ns, moment.levels)
        self._change(moment.time_ns)

    def arm(self, definition: AlertDefinition) -> str:
        """Watch for something; "", or in one sentence why not."""
        self.statistics.advance(self.time_ns)
        self._quote(self.book.sequence)
        return self.alerts.add(definition, self.time_ns)

    def _quote(self, sequence: int) -> None:
        """Alerts look at the best prices: at none of a book in which orders collect, or of a market that stands."""
        bid, ask = self.book.quotes() if self.state.phase == CONTINUOUS else (NO_ROW, NO_ROW)
        fired = self.alerts.quote(sequence, self.time_ns, bid[0], ask[0])
        if fired:
            self._say_fired(fired)

    def _say_fired(self, fired: Sequence[AlertFired]) -> None:
        """Also of what happened while nobody published: it is told late, with its own time."""
        for one in fired:
            self.streams.say_aside(self._alerts, one.sequence, one.time_ns, [alert_event(one)])

    # The book begins.

    def miss(self) -> None:
        """Changes of the book were missed: it begins anew with a snapshot that comes."""
        self.streams.spoil()
        if self.book.ready:
            self._begin_reason = GAP

    def _begin_book(self, snapshot: BookSnapshot) -> None:
        book = self.book
        self.state.take_phase(
            snapshot.phase, snapshot.phase_state, (self.streams.epoch, snapshot.log_sequence)
        )
        self._define(snapshot.log_sequence, snapshot.time_ns)
        book.begin(snapshot.log_sequence, snapshot.level_number, snapshot.bids, snapshot.asks)
        self.wrong_book = book.checksum() != snapshot.checksum
        if self.wrong_book:
            book.ready = False
            return
        if not self.live:
            # What was traded until now was not said here, so who reads trades has to ask.
            self.live = True
            self.streams.begin(self._trades, self._begin_reason, snapshot.log_sequence, snapshot.time_ns, [])
            self._begin_indicative(snapshot)
        rows = (BOOK, book.sequence, book.level_number, snapshot.checksum, snapshot.bids, snapshot.asks)
        self.streams.begin(self._depth, self._begin_reason, book.sequence, snapshot.time_ns, [rows])
        self._conflation.begin_anew()
        self._change(snapshot.time_ns)

    def _begin_indicative(self, snapshot: BookSnapshot) -> None:
        """It begins in the midst of an auction: what that would do was told before, and holds."""
        if snapshot.phase in AUCTIONS:
            state = snapshot.phase_state
            told = (state.indicative_ticks, state.indicative_lots, state.imbalance_lots)
            event = (INDICATIVE, snapshot.log_sequence, snapshot.time_ns, *told)
            self.streams.say_aside(self._indicative, snapshot.log_sequence, snapshot.time_ns, [event])

    def _doubt_book(self) -> None:
        """The book is not the engine's: say so, and nothing more of it until a snapshot comes."""
        self.wrong_book = True
        self.book.ready = False
        self._begin_reason = WRONG_BOOK
        for stream in (self._depth, *self._conflation.chains):
            if stream.next_previous is not None:
                self.streams.begin(stream, WRONG_BOOK, self.book.sequence, self.time_ns, [])

    # Time.

    def advance(self, time_ns: int) -> None:
        """Say what is due up to this time, in the order in which it is due."""
        while self._due_ns <= time_ns:
            self._say_due(self._due_ns)
        if time_ns > self.time_ns:
            self.time_ns = time_ns

    def _say_due(self, due_ns: int) -> None:
        for name, candle in self.candles.advance(due_ns):
            self._new_candles.append((name, candle))
            self.candles_version += 1
            end_ns = candle.open_time_ns + INTERVALS[name].length_ns
            self._say_candle(name, candle, self._last_sequence, end_ns)
        self.statistics.advance(due_ns)
        if self._conflation.say_fast(due_ns, self._begin_reason):
            for name, candle in self.candles.changed_since(due_ns - FAST_NS - 1):
                self._say_candle(name, candle, self._last_sequence, due_ns)
        self._conflation.say_slow(due_ns, self._begin_reason)
        if not due_ns % _SECOND_NS:
            self._next_second_ns = NEVER_NS
            self._say_statistics(due_ns)
        self._find_due()

    def _find_due(self) -> None:
        self._due_ns = min(
            self._conflation.due_ns,
            self._next_second_ns,
            self.candles.next_close_ns(),
            self.statistics.next_change_ns(),
        )

    def _change(self, time_ns: int) -> None:
        """Something happened at this time: it is said when the periods that hold it end."""
        self._due_ns = min(self._due_ns, self._conflation.change(time_ns))
        if self._next_second_ns == NEVER_NS:
            self._next_second_ns = time_ns - time_ns % _SECOND_NS + _SECOND_NS
            self._due_ns = min(self._due_ns, self._next_second_ns)

    # What is said.

    def _say_candle(self, name: str, candle: Candle, sequence: int, time_ns: int) -> None:
        if self.live:
            self.streams.say(self._candles[name], sequence, time_ns, [candle_event(name, candle)])

    def _say_statistics(self, time_ns: int) -> None:
        """Once a second at most, and only what is another than before."""
        if not self.live:
            return
        row = self._day()
        if row is None or row == self._said_day:
            return
        self._said_day = row
        sequence = self._last_sequence
        self.streams.say(self._statistics, sequence, time_ns, [statistics_event(time_ns, *row)])
        mini = mini_event(time_ns, row[0])
        if mini[2:] != self._said_mini:
            self._said_mini = mini[2:]
            self.streams.say(self._mini, sequence, time_ns, [mini])

    def _day(self) -> tuple[Statistics, Row, Row] | None:
        """The statistics, the best bid and the best ask; None before the first trade."""
        values = self.statistics.values()
        if values is None:
            return None
        return (values, *self.book.quotes())

    def statistics_now(self) -> tuple[Any, ...] | None:
        """In the shape of `Statistics` of the protocol, as of now; None before the first trade."""
        day = self._day()
        return None if day is None else statistics_event(self.time_ns, *day)

    def mini_now(self) -> tuple[Any, ...] | None:
        """In the shape of `MiniStatistics`, as of now; None before the first trade."""
        values = self.statistics.values()
        return None if values is None else mini_event(self.time_ns, values)

    # What it was before.

    def take_state(self, state: InstrumentState, place: Place) -> None:
        """What the engine answers about the instrument, as of a place in the log."""
        self.state.take_state(state, place)
        self._define(self.log_sequence, self.time_ns)

    def restore(
        self,
        progress: Progress,
        newest: Sequence[tuple[Trade, int]],
        candles: Sequence[tuple[str, Candle]],
        unfinished: Sequence[Trade],
        buckets: Sequence[BucketRow],
        before_ticks: int,
        alerts: Sequence[AlertRow],
    ) -> None:
        """Take up what the store has of it, before anything else happens.

        `newest`: the last trades with their states; `candles`: the closed ones that rings hold; `unfinished`: the
        trades that count behind them; `buckets`: the seconds with trades of the last 24 hours;
        `before_ticks`: the last price before them, 0 when there is none; `alerts`: their rows.
        """
        self.trade_number = progress.trade_number
        self.log_sequence = progress.sequence
        self._stored_sequence = progress.sequence
        self.time_ns = progress.time_ns
        self.streams.epoch = progress.epoch
        for trade, state in newest:
            self.trades.add(trade, state)
        self._last_sequence = newest[-1][0].sequence if newest else 0
        self._trades.next_previous = self._last_sequence
        self.candles.restore(candles, ())
        for trade in unfinished:
            self._new_candles += self.candles.advance(trade.time_ns)
            self.candles.trade(
                trade.sequence,
                trade.time_ns,
                trade.trade_id,
                trade.price_ticks,
                trade.quantity_lots,
                trade.aggressor,
            )
        self._new_candles += self.candles.advance(progress.time_ns)
        self.statistics.restore(progress.time_ns, buckets, before_ticks)
        self.alerts.restore(alerts)
        self._find_due()
