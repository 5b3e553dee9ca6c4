"""The symbols that a publisher carries: how each begins, is dropped and begins anew, from where the store ends.

    begin ─▶ look back: is the log the store's own? ─▶ restore ─▶ carried: a desk, its topics followed
               │ no: take back what never happened ─▶ begin            │
               └── another log: the publisher ends                     └── withdrawn, spilled, too much waits ─▶ begin

The rule guarded here: a symbol is followed from exactly where the store says that it ended, and only on the log of
which that was stored (`lineage`). While it begins it is in `restoring`. Called by `service`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Final

from bus.config import Publisher
from bus.errors import HistoryMismatch, MatchbusError, StoreUnavailable
from bus.protocol.control import InstrumentState
from bus.protocol.market.streams import STARTED, WITHDRAWN
from bus.protocol.topics import TRADE, parse, topic
from bus.sockets.reading.feed_items import Withdrawn
from publisher.desk import Desk
from publisher.feed_reader import FeedReader
from publisher.lineage import Identity, Lineage, Verdict
from publisher.market import Market
from publisher.restoring import restore
from publisher.store.past import event_at, last_event
from publisher.store.reading import read_progress
from publisher.store.rows import PastEvent
from publisher.store.store import Store
from publisher.store.withdrawal import withdraw
from publisher.store.writer import StoreWriter
from publisher.symbols import Place

#: A restoring that failed is tried again after this long.
_RESTORE_AGAIN_S: Final = 1.0


class Carried:
    """See above. `desks` by symbol, `of_topic` by every topic of theirs; `epoch`: the engine's newest life.

    `on_failure` hears of what the publisher cannot go on with.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Publisher,
        store: Store,
        writer: StoreWriter,
        reader: FeedReader,
        threads: Executor,
        desks: dict[str, Desk],
        on_failure: Callable[[MatchbusError], None],
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._store = store
        self._writer = writer
        self._reader = reader
        self._threads = threads
        self._fail = on_failure
        self._stopped = False
        self.desks = desks
        self.of_topic: dict[str, Desk] = {}
        #: What changed since whoever looks at it did so last.
        self.touched: dict[str, Desk] = {}
        self.restoring: set[str] = set()
        #: The newest look back at each symbol; what an older one finds means nothing any more.
        self._looking: dict[str, object] = {}
        self._withdrawn: set[str] = set()
        self._instruments: dict[str, tuple[InstrumentState, Place]] = {}
        self.epoch = 0
        self.withdrawals = 0
        self.problems: dict[str, str] = {}  # by symbol, a line each

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True

    def announce(self, state: InstrumentState, place: Place) -> None:
        """An instrument as the engine has it at a place in the log: one that is not carried begins."""
        symbol = state.definition.symbol
        self._instruments[symbol] = state, place
        desk = self.desks.get(symbol)
        if desk is not None:
            desk.market.take_state(state, place)
        else:
            self.begin(symbol)

    def begin(self, symbol: str) -> None:
        """Restore a symbol's market, then follow it."""
        if symbol in self.restoring or symbol in self.desks or self._stopped:
            return
        self.restoring.add(symbol)
        self._look_back(symbol)

    def drop(self, desk: Desk) -> None:
        """Forget a symbol, and what is on its way to the store of it: it begins anew from there."""
        del self.desks[desk.symbol]
        self._looking.pop(desk.symbol, None)
        self.touched.pop(desk.symbol, None)
        topics = list(desk.topics)
        if desk.orders is not None:
            topics.append(desk.orders_topic)
        for name in (*topics, desk.heartbeat_topic):
            self.of_topic.pop(name, None)
        self._reader.unfollow(topics)

    def begin_anew(self, desk: Desk) -> None:
        """Forget a symbol; it begins where the store stands when that has all that was put of it."""
        symbol = desk.symbol
        if self.desks.get(symbol) is not desk:
            return
        self.drop(desk)
        self.restoring.add(symbol)

        def told(_: object) -> None:
            if not self._stopped:
                self._writer.forget(symbol)
                self._look_back(symbol)

        self._writer.ask(read_progress, told)

    def begin_epoch(self, epoch: int) -> None:
        """The engine was started again: whether it lost something is asked for each symbol."""
        if self.epoch:
            for symbol in self.desks:
                self._look_back(symbol)
        self.epoch = epoch

    def _restore(self, symbol: str) -> None:
        settings = self._settings
        market = Market(
            symbol,
            trades_kept=settings.trades_kept,
            ring_frames_max=settings.stream_ring_frames_max,
            begin_reason=WITHDRAWN if symbol in self._withdrawn else STARTED,
        )
        future = self._loop.run_in_executor(self._threads, self._restored, market)
        future.add_done_callback(partial(self._on_restored, market))

    def _restored(self, market: Market) -> None:
        with self._store.reading() as connection:
            restore(connection, market)

    def _on_restored(self, market: Market, future: "asyncio.Future[None]") -> None:
        symbol = market.symbol
        if self._stopped or future.cancelled():
            return
        error = future.exception()
        if isinstance(error, StoreUnavailable):
            self.problems[symbol] = str(error)
            self._loop.call_later(_RESTORE_AGAIN_S, self._restore, symbol)
            return
        self.restoring.discard(symbol)
        if isinstance(error, MatchbusError):
            self._fail(error)
            return
        if error is not None:
            raise error
        self.problems.pop(symbol, None)
        self._withdrawn.discard(symbol)
        desk = self.desks[symbol] = Desk(market)
        answered = self._instruments.get(symbol)
        if answered is not None:
            market.take_state(*answered)
        topics = desk.topics
        for name in topics:
            self.of_topic[name] = desk
        self.of_topic[desk.heartbeat_topic] = desk
        self._reader.follow(topics)

    # Whether the log is the one that was stored, see `lineage`.

    def _look_back(self, symbol: str) -> None:
        """Compare the last event that was put into the store with the engine's."""
        epoch = self.epoch

        def told(last: PastEvent | None) -> None:
            if self._stopped or self._looking.get(symbol) is not told:
                return
            if last is None:
                self._on_same(symbol, epoch)
            else:
                lineage = self._looking[symbol] = Lineage(symbol, last)
                self._ask_event(lineage, last)

        self._looking[symbol] = told
        self._writer.ask(lambda connection: last_event(connection, symbol), told)

    def _on_same(self, symbol: str, epoch: int) -> None:
        del self._looking[symbol]
        desk = self.desks.get(symbol)
        if desk is None:
            self._restore(symbol)
            return
        desk.epoch = epoch
        if epoch < self.epoch:
            self._look_back(symbol)

    def _ask_event(self, lineage: Lineage, stored: PastEvent | None) -> None:
        if not self._stopped and self._looking.get(lineage.symbol) is lineage:
            name = topic(TRADE, lineage.symbol)
            self._reader.ask_event(name, lineage.number, partial(self._on_event, lineage, stored))

    def _on_event(
        self, lineage: Lineage, stored: PastEvent | None, said: Identity | None, epoch: int
    ) -> None:
        symbol = lineage.symbol
        if self._stopped or self._looking.get(symbol) is not lineage:
            return
        try:
            verdict = lineage.compare(stored, said, epoch or self.epoch)
        except HistoryMismatch as error:
            self._fail(error)
            return
        if verdict is Verdict.SAME:
            self._on_same(symbol, epoch or self.epoch)
            return
        desk = self.desks.get(symbol)
        if desk is not None:
            # Nothing more may be said of what never happened.
            self.drop(desk)
            self.restoring.add(symbol)
            self._looking[symbol] = lineage
        if verdict is Verdict.EARLIER:
            number = lineage.number
            self._writer.ask(
                lambda connection: event_at(connection, symbol, number), partial(self._ask_event, lineage)
            )
        else:
            del self._looking[symbol]
            self._take_back_behind(symbol, lineage.number)

    def withdraw(self, desk: Desk, item: Withdrawn) -> None:
        """What the engine said before it lost it must not stay: the symbol begins anew from what is left of it."""
        symbol = desk.symbol
        if self.desks.get(symbol) is not desk:
            return  # it begins anew already
        if self.epoch <= desk.epoch:
            self._fail(
                HistoryMismatch(
                    f"{item.topic}: the engine, of epoch {self.epoch}, has nothing from number {item.first_number}"
                    f" on, and it was told up to {item.next_number - 1} in epoch {desk.epoch}: the log is another one;"
                    f" give this publisher a --store of its own"
                )
            )
            return
        kind, _ = parse(item.topic)
        number = item.first_number if kind == TRADE else desk.market.trade_number + 1
        self.drop(desk)
        self.restoring.add(symbol)
        self._take_back_behind(symbol, number)

    def _take_back_behind(self, symbol: str, number: int) -> None:
        self.withdrawals += 1
        self._withdrawn.add(symbol)
        # Behind all that was put of it; what is put from here on begins where the store then stands.
        self._writer.ask(read_progress, lambda _: self._take_back(symbol, number))

    def _take_back(self, symbol: str, number: int) -> None:
        def taken_back() -> None:
            with self._store.transaction() as connection:
                withdraw(connection, symbol, number)

        def told(future: "asyncio.Future[None]") -> None:
            if self._stopped or future.cancelled():
                return
            error = future.exception()
            if isinstance(error, StoreUnavailable):
                self.problems[symbol] = str(error)
                self._loop.call_later(_RESTORE_AGAIN_S, self._take_back, symbol, number)
            elif isinstance(error, MatchbusError):
                self._fail(error)
            elif error is not None:
                raise error
            else:
                self._writer.forget(symbol)
                self.restoring.discard(symbol)
                self.begin(symbol)

        self._loop.run_in_executor(self._threads, taken_back).add_done_callback(told)
