"""The publisher's loop: the feed in, a desk for each symbol, streams and answers out, rows to the store.

    FeedReader ─items─▶ desks ─frames─▶ Streamer (XPUB)
                          │  └──rows──▶ writer thread ─▶ database
                          └◀─requests── Counter (ROUTER) ◀── readers

Nothing is decided here but who gets what when; how a symbol begins stands in `carried`. Wired in `tools/publisher`.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import zmq

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.config import Config
from bus.errors import EngineStopped, MatchbusError, StoreDamaged
from bus.metrics.metric import Reading
from bus.process import this_process
from bus.protocol.control import InstrumentState
from bus.protocol.feed import InstrumentDefined, Trade
from bus.protocol.market.codec import decode_market_frame
from bus.protocol.market.streams import StreamsHeartbeat
from bus.protocol.status import DEGRADED, HEALING, OK, ProcessStatus
from bus.protocol.terms import L2
from bus.protocol.topics import STATUS, TRADE, parse
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item, Resynced, Run, Skipped, Withdrawn
from publisher.answers import Answers
from publisher.carried import Carried
from publisher.counter import Counter
from publisher.desk import Desk
from publisher.feed_reader import FeedReader
from publisher.metrics import read_publisher
from publisher.peer_reader import PeerReader
from publisher.peers import Difference, Peers
from publisher.restoring import minute_of
from publisher.share import Share
from publisher.sockets import Streamer
from publisher.store.rows import CandleKey, Progress
from publisher.store.store import Store
from publisher.store.writer import StoreWriter
from publisher.symbols import Place

#: How often the house is kept: heartbeats, retries, missed edges.
_HOUSEKEEPING_S: Final = 0.1
#: A book by orders that nobody asks for is followed this much longer.
ORDERS_UNWANTED_NS: Final = 600 * 1_000_000_000
#: Batches of a symbol that wait for the store's word on an operator's change, or for something missing of the feed:
#: some ten MB. With more the symbol begins anew where the store ends.
BATCHES_WAITING_MAX: Final = 65_536
#: Longer than any transaction takes; what is not written then comes again from the feed.
_LAST_WORDS_S: Final = 10.0
#: A restoring that failed is tried again after this long.
_RESTORE_AGAIN_S: Final = 1.0


class PublisherService:
    """See above. `start` once; `on_stop` hears of what cannot be gone on with."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        config: Config,
        engine: Addresses,
        listen: tuple[str, str],
        share: Share,
        name: str,
        store: Store,
        peers: Sequence[str],
        on_stop: Callable[[MatchbusError], None],
        on_alarm: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._settings = config.publisher
        self._share = share
        self._store = store
        self._on_stop = on_stop
        self._on_alarm = on_alarm
        self._stopped = False
        self._ended = False
        self.name = name
        self.desks: dict[str, Desk] = {}
        self.log_sequence = 0
        self.time_ns = 0
        self.resyncs = 0
        self.wrong_books = 0
        self.store_problem = ""
        self.adjusted_kept = 0
        self.peers = Peers()
        self._process = this_process("publisher", ("name", name))
        self._next_heartbeat_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="store-reader")
        self.core = FeedCore([f"{STATUS}."], deep=True, never_skip=True)
        self.reader = FeedReader(
            loop, context, engine, self.core,
            on_items=self._take_items,
            on_instruments=self._take_instruments,
            on_drained=self._leave,
            on_failure=self.fail,
        )  # fmt: skip
        self.streamer = Streamer(loop, context, listen[0], config.limits.send_high_water_mark, self._latest)
        self.answers = Answers(self.desks, self._begins, self._want_orders, self._on_alerts, self._status)
        self.writer = StoreWriter(store, config.store, self, loop.call_soon_threadsafe)
        self.carried = Carried(
            loop, config.publisher, store, self.writer, self.reader, self._threads, self.desks, self.fail
        )
        self.counter = Counter(
            loop, context, listen[1], config.limits, self.answers, self._where, store, self.writer, self._threads,
            on_drained=self.streamer.check,
        )  # fmt: skip
        self.router = self.counter.router
        self.peer_reader = PeerReader(loop, context, peers, self.hear)

    @property
    def unanswered(self) -> int:
        """Answers that a reader did not take."""
        return self.counter.unanswered

    def start(self) -> None:
        """Read, publish, answer."""
        self.reader.start()
        self.streamer.start()
        self.router.start()
        self._keep_house()

    def stop(self) -> None:
        """Publish and answer no more; store what there is. Blocks for the database, for a while. Again: nothing."""
        if self._ended:
            return
        self._ended = True
        if not self._stopped:
            self._store_rows(list(self.desks.values()))
            self._halt()
        self.writer.close(_LAST_WORDS_S)

    def fail(self, error: MatchbusError) -> None:
        """It cannot be gone on with."""
        if not self._stopped:
            self._halt()
            self._on_stop(error)

    def _halt(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self.carried.stop()
        self.reader.close()
        self.peer_reader.close()
        self.counter.close()
        self.streamer.close(500)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # Symbols.

    def _take_instruments(self, instruments: Sequence[InstrumentState], place: Place) -> None:
        for state in instruments:
            if self._share.has(state.definition.symbol):
                self.carried.announce(state, place)

    # The feed.

    def _take_items(self, items: Sequence[Item]) -> None:
        withdrawn: dict[str, tuple[Desk, Withdrawn]] = {}
        for item in items:
            if isinstance(item, Withdrawn) and (desk := self.carried.of_topic.get(item.topic)) is not None:
                kind, symbol = parse(item.topic)
                if kind == TRADE or symbol not in withdrawn:
                    withdrawn[symbol] = desk, item
        for item in items:
            desk = self.carried.of_topic.get(item.topic)
            if desk is not None and desk.symbol in withdrawn:
                # It begins anew: nothing of the new epoch may be said on top of what never happened.
                if isinstance(item, Run):
                    self._take_epoch(item)
                continue
            if isinstance(item, Run):
                self._take_epoch(item)
                if desk is not None:
                    desk.take(item)
                    self._touch(desk)
                    # Behind each message, not each drain: the next one may bring the work of a period that ends.
                    self._depart(desk)
                elif item.first_number:
                    self._take_news(item)
            elif isinstance(item, Resynced) and desk is not None:
                self.resyncs += desk.market.live  # the first snapshot heals nothing
                desk.begin(item)
                self._touch(desk)
            elif isinstance(item, Skipped):
                raise AssertionError(f"{item.topic}: a reader that never skips has skipped")
        # Only the run behind it has told the epoch.
        for desk, taken in withdrawn.values():
            self.carried.withdraw(desk, taken)

    def _take_epoch(self, run: Run) -> None:
        """Up to where the engine has come, and in which of its lives."""
        if run.epoch > self.carried.epoch:
            if self.carried.epoch:
                self.reader.ask_instruments()  # what was defined meanwhile
            self.carried.begin_epoch(run.epoch)
            self.log_sequence = 0  # the engine may have lost some of it
        if run.log_sequence > self.log_sequence and run.epoch == self.carried.epoch:
            self.log_sequence, self.time_ns = run.log_sequence, run.time_ns

    def _take_news(self, run: Run) -> None:
        """A symbol that is not carried was announced."""
        _, symbol = parse(run.topic)
        if any(isinstance(event, InstrumentDefined) for event in run.events) and self._share.has(symbol):
            self.reader.ask_instruments()

    def _touch(self, desk: Desk) -> None:
        self.carried.touched[desk.symbol] = desk

    # What leaves.

    def _leave(self) -> None:
        """At the end of a drain: frames to the readers, rows to the store."""
        touched, self.carried.touched = self.carried.touched, {}
        for desk in touched.values():
            market = desk.market
            self._depart(desk)
            if market.wrong_book:
                market.wrong_book = False
                self.wrong_books += 1
                self.core.resync(desk.symbol, L2)
            if market.revision is not None and not desk.revising:
                self._revise(desk)
            if (
                market.batches_held + desk.alignment.waiting > BATCHES_WAITING_MAX
                and self.desks.get(desk.symbol) is desk
            ):
                self._store_rows([desk])
                self.carried.begin_anew(desk)
        self._store_rows(touched.values())
        self.streamer.check()
        self.router.check()

    def _depart(self, desk: Desk) -> None:
        streams = desk.market.streams
        departing = streams.departing
        if departing:
            streams.departing = []
            self.streamer.send(departing)

    def _store_rows(self, desks: Iterable[Desk]) -> bool:
        """Whether all was taken. A symbol of which something was not is spilled, see `store_ready`."""
        taken = True
        for desk in desks:
            rows = desk.market.take_rows()
            if rows is not None:
                taken = self.writer.put(rows) and taken
            elif self.writer.is_spilled(desk.symbol):
                taken = False
        return taken

    def _revise(self, desk: Desk) -> None:
        """Ask for the minute of the trade that an operator changed, behind all that happened before."""
        revision = desk.market.revision
        assert revision is not None, "something is to be revised"
        desk.revising = True
        if not self._store_rows([desk]):
            self.carried.drop(
                desk
            )  # its minute is not in the store: it begins anew from there, once that says so
            return
        trade_id = revision.event.trade_id
        self.writer.ask(
            lambda connection: minute_of(connection, desk.symbol, trade_id),
            partial(self._on_minute, desk, trade_id),
        )

    def _on_minute(self, desk: Desk, trade_id: int, found: tuple[int, list[Trade]] | None) -> None:
        symbol = desk.symbol
        if self._stopped or self.desks.get(symbol) is not desk:
            return
        if found is None:
            if self.writer.is_spilled(symbol):
                self.carried.drop(
                    desk
                )  # what was put of it was dropped: it begins anew, or waits for an operator
            else:
                text = f"{self._store.name}: trade {trade_id} of {symbol} is revised and is not there"
                self.fail(StoreDamaged(text))
            return
        desk.revising = False
        desk.market.revise(*found)
        self._touch(desk)
        self._leave()

    # What the writer says.

    def store_health(self, health: str, problem: str) -> None:
        """The database is gone, or back."""
        self.store_problem = problem if health != "ok" else ""

    def store_spilled(self, symbol: str, reason: MatchbusError) -> None:
        """What is stored of a symbol is not what the log says."""
        self.carried.problems[symbol] = str(reason)

    def store_ready(self, progress: dict[str, Progress]) -> None:
        """The database is back: symbols that went on without it begin anew from where it stands."""
        for symbol in progress:
            self.writer.resume(symbol)
            desk = self.desks.get(symbol)
            if desk is not None:
                self.carried.drop(desk)
            self.carried.begin(symbol)

    def store_kept(self, candles: list[CandleKey]) -> None:
        """An operator's adjusted candles stay as they are; the rebuild tells of them."""
        self.adjusted_kept += len(candles)

    def store_failed(self, error: Exception) -> None:
        """Nothing is written any more: nothing more may be said."""
        self.fail(error if isinstance(error, MatchbusError) else EngineStopped(f"the store failed: {error}"))

    def _latest(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """What a new reader of a prefix is to have."""
        frames: list[tuple[bytes, bytes]] = []
        _, _, rest = prefix.partition(b".")
        desk = self.desks.get(rest[:-1].decode(errors="replace")) if rest.endswith(b".") else None
        for found in (desk,) if desk is not None else self.desks.values():
            frames += found.market.streams.latest(prefix)
        return frames

    # What requests need.

    def _on_alerts(self, desk: Desk) -> None:
        """Alerts came or went: they leave for the store, and what they said for the readers."""
        self._touch(desk)
        self._leave()

    def _status(self, correlation_id: int) -> ProcessStatus:
        waiting = [symbol for symbol, desk in list(self.desks.items()) if not desk.market.book.ready]
        health, problem = OK, ""
        if self.store_problem or self.carried.problems or self.peers.differences:
            alarm = str(self.peers.alarms[0]) if self.peers.alarms else ""
            health, problem = (
                DEGRADED,
                self.store_problem or next(iter(self.carried.problems.values()), "") or alarm,
            )
        elif waiting or self.carried.restoring or self.core.healing:
            late = sorted(
                {*waiting, *self.carried.restoring, *(parse(name)[1] for name in self.core.healing)}
            )
            health, problem = HEALING, f"reads what is missing of {', '.join(late[:5])}"
        facts = [
            ("symbols", str(len(self.desks))),
            ("store", self._store.name),
            ("rows_waiting", str(self.writer.rows_waiting)),
            ("resyncs", str(self.resyncs)),
        ]
        return self._process.status(
            correlation_id, self.carried.epoch, self.log_sequence, self.time_ns, facts, health, problem
        )

    def _where(self, symbol: str) -> tuple[int, int, int]:
        """Epoch, log sequence and time of where a symbol stands, or with "" the publisher."""
        desk = self.desks.get(symbol)
        if desk is None:
            return self.carried.epoch, self.log_sequence, self.time_ns
        market = desk.market
        return market.streams.epoch, market.whole_sequence, market.time_ns

    def readings(self) -> Iterable[Reading]:
        """What it tells a monitoring system. Called in another thread, while it works."""
        return read_publisher(self, self._status(0), len(self.carried.restoring))

    def _begins(self, symbol: str) -> bool:
        return symbol in self.carried.restoring

    def _want_orders(self, symbol: str) -> None:
        """Somebody asks for a book by orders: follow it, until nobody has asked for a while."""
        desk = self.desks[symbol]
        desk.orders_wanted_ns = monotonic_ns()
        if desk.orders is None:
            desk.begin_orders()
            self.carried.of_topic[desk.orders_topic] = desk
            self.reader.follow({desk.orders_topic: 0})

    # The house.

    def _keep_house(self) -> None:
        self._timer = self._loop.call_later(_HOUSEKEEPING_S, self._keep_house)
        now = monotonic_ns()
        if now >= self._next_heartbeat_ns:
            self._next_heartbeat_ns = now + self._settings.heartbeat_interval_ms * 1_000_000
            self.streamer.send(self._heartbeat(desk) for desk in self.desks.values())
            for desk in self.desks.values():
                if desk.orders is not None and now - desk.orders_wanted_ns > ORDERS_UNWANTED_NS:
                    self._leave_orders(desk)
        self.reader.check()
        self.streamer.check()
        self.router.check()

    def hear(self, name: str, payload: bytes) -> None:
        """A peer's heartbeat."""
        _, symbol = parse(name)
        for event in decode_market_frame(payload).events:
            if isinstance(event, StreamsHeartbeat) and event.publisher != self.name:
                self._alarm(self.peers.hear(symbol, event))

    def _alarm(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            self._on_alarm(str(difference))

    def _leave_orders(self, desk: Desk) -> None:
        self.carried.of_topic.pop(desk.orders_topic, None)
        self.reader.unfollow([desk.orders_topic])
        desk.orders = None

    def _heartbeat(self, desk: Desk) -> tuple[bytes, bytes]:
        market = desk.market
        streams = market.streams
        self._alarm(self.peers.say(desk.symbol, streams.digest_segment, streams.digest))
        checksum = market.book.checksum() if market.book.ready else -1
        healing = not market.book.ready or desk.alignment.waiting > 0 or market.revision is not None
        return market.streams.heartbeat(self.name, market.time_ns, market.log_sequence, healing, checksum)
