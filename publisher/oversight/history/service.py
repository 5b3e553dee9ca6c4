"""The loop of the history: follows the drop copy, has it written by one thread and read by others, and answers.

    begin: open the database ─▶ is it this log? up to where? ─▶ read the drop copy from the number behind ─▶ write
       ▲                                                                                                      │
       └──── the database failed · the engine was started again · nobody answers: wait a little, begin anew ◀─┘

There is one way to begin, whatever happened, and it begins with the number that the database has: so nothing is lost or
doubled by a crash of either side. While a transaction is written, what comes waits in the subscriber, within its bound;
beyond it in ZeroMQ, within its bound; what is lost there is asked for again.

Wired in `tools/history.py`.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar, final

import zmq
from msgspec.structs import replace
from sqlalchemy import Engine

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.config import Config
from bus.errors import (
    AddressInUse,
    ConfigError,
    DataDirectoryHeld,
    HistoryMismatch,
    MatchbusError,
    NotConnected,
    NotTaken,
    StoreDamaged,
    StoreMismatch,
    StoreUnavailable,
)
from bus.metrics.metric import Reading
from bus.process import Process
from bus.protocol import reasons
from bus.protocol.codec import encode_envelope
from bus.protocol.control import Refused
from bus.protocol.feed import StreamHeartbeat
from bus.protocol.history import QueryOrderLife
from bus.protocol.status import DEGRADED, HEALING, OK, ProcessStatus
from bus.protocol.topics import DROP
from bus.sockets.async_subscriber import AsyncSubscriber
from bus.sockets.reading.feed_items import Item, Run
from bus.sockets.router import Router, bind, plain_send
from publisher.oversight.exposure.streaming import ExposureStreams, Frame
from publisher.oversight.history.answers import Answers, Asked, Letter
from publisher.oversight.history.asking import Asker, stand
from publisher.oversight.history.changes import Position
from publisher.oversight.history.metrics import read_history
from publisher.oversight.history.reading import HistoryReader, Page
from publisher.oversight.history.writing import HistoryWriter, open_history

T = TypeVar("T")

_NOBLOCK: Final = int(zmq.NOBLOCK)
_SNDMORE: Final = int(zmq.NOBLOCK) | int(zmq.SNDMORE)

#: Reports of one transaction. It takes some tens of ms; more would only make readers of their own writes wait.
REPORTS_PER_TRANSACTION_MAX: Final = 4_096
#: Pages are read by so many threads at once; each has a connection.
READERS: Final = 2
#: After a failure it is begun anew after this long, twice as long each time.
_AGAIN_MIN_S: Final = 0.1
_AGAIN_MAX_S: Final = 5.0
#: How many reports behind the engine is behind: more than one transaction.
_BEHIND_REPORTS: Final = 2 * REPORTS_PER_TRANSACTION_MAX
#: An engine that says nothing for so many heartbeats is gone.
_SILENT_HEARTBEATS: Final = 3
_SILENT_MIN_NS: Final = 3_000_000_000
#: A gap is healed in no time, unless nobody keeps what is missing.
_MISSING_MIN_NS: Final = 2_000_000_000
#: How often is looked whether somebody has waited too long, and whether a message sleeps in the socket; and how often
#: an account's exposure is told at the most.
_HOUSEKEEPING_S: Final = 0.1
#: Answers that may wait for one reader inside ZeroMQ. They are large; who does not read them asks again.
_SEND_HIGH_WATER_MARK: Final = 64

#: What may go away by itself, or by somebody's hand.
_OF_ENGINE: Final = (NotConnected,)
_OF_DATABASE: Final = (StoreUnavailable, StoreDamaged, StoreMismatch, DataDirectoryHeld)
#: What is not better later.
_FATAL: Final = (ConfigError, HistoryMismatch, NotTaken)


@final
class HistoryService:
    """See above. `start` once; `on_stop` hears of what cannot be gone on with."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        config: Config,
        addresses: Addresses,
        token: str,
        process: Process,
        on_stop: Callable[[MatchbusError], None],
    ) -> None:
        self._loop = loop
        self._context = context
        self._config = config
        self._token = token
        self._process = process
        self._on_stop = on_stop
        self._stopping = threading.Event()
        self._asker = Asker(context, addresses, token, self._stopping)
        self._write_thread = ThreadPoolExecutor(1, "history-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "history-reader")
        self._writer: HistoryWriter | None = None
        self._reader: HistoryReader | None = None
        self._database: Engine | None = None
        self._reading = 0
        self._subscriber: AsyncSubscriber | None = None
        self._work: asyncio.Task[None] | None = None
        self._house: asyncio.TimerHandle | None = None
        self._heard_ns = monotonic_ns()
        self._silent_ns = max(
            _SILENT_MIN_NS, _SILENT_HEARTBEATS * config.feed.heartbeat_interval_ms * 1_000_000
        )
        # The engine has said that up to this sequence there was nothing behind this number.
        self._quiet = Position()
        self._problem = (HEALING, "it is starting")
        # For whoever tells of it.
        self.position = Position()
        self.known_number = 0  # the last number of the drop copy that was heard of
        self.begun = 0  # how often it was begun, the first time included
        self.failures = 0  # of the database
        self.reports_written = 0
        self.reports_withdrawn = 0
        self.transactions = 0
        self.pages_read = 0
        #: Set once what is kept was found to be of this log.
        self.ready = asyncio.Event()
        limits = config.limits
        self.answers = Answers(token, limits.message_bytes_max, self.status)
        self._router = Router(
            loop,
            context,
            addresses.history,
            receive_high_water_mark=limits.receive_high_water_mark,
            send_high_water_mark=min(limits.send_high_water_mark, _SEND_HIGH_WATER_MARK),
            message_bytes_max=limits.message_bytes_max,
            drain_bytes_max=limits.drain_bytes_max,
            on_message=self._take,
            on_extra_parts=self._take_extra_parts,
            on_drained=self._on_drained,
        )
        self.endpoint = self._router.endpoint
        # A send never blocks: a reader that is too slow misses frames and notices by their numbers.
        self._publication = context.socket(zmq.PUB)
        self._publication.setsockopt(zmq.SNDHWM, limits.send_high_water_mark)
        self._publication.setsockopt(zmq.LINGER, 0)
        try:
            self.exposures_endpoint = bind(self._publication, addresses.exposures)
        except AddressInUse:
            self._router.close(linger_ms=0)
            raise
        self._publish = plain_send(self._publication)
        self.streams = ExposureStreams()
        self._beat_ns = 0
        self._between_beats_ns = config.feed.heartbeat_interval_ms * 1_000_000

    def start(self) -> None:
        """Follow and answer."""
        self._router.start()
        self._work = self._loop.create_task(self._live())
        self._work.add_done_callback(self._end_of_work)
        self._keep_house()

    async def stop(self) -> None:
        """Answer no more; let what is being written be written. Again: nothing."""
        self._stopping.set()
        if self._house is not None:
            self._house.cancel()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            self._work = None
            await self._loop.run_in_executor(self._write_thread, self._close_database)
            self._write_thread.shutdown()
            self._read_threads.shutdown()
            self._router.close(linger_ms=500)
            self._publication.close(0)

    def status(self, correlation_id: int) -> ProcessStatus:
        """How it is."""
        health, problem = self._health()
        writer = self._writer
        facts = (
            ("database", writer.name if writer is not None else "none"),
            ("drop_number", str(self.position.drop_number)),
            ("reports_behind", str(max(0, self.known_number - self.position.drop_number))),
            ("requests_waiting", str(self.answers.waiting)),
            ("database_failures", str(self.failures)),
        )
        at = self._reached()
        return self._process.status(
            correlation_id, at.epoch, at.log_sequence, at.time_ns, facts, health, problem
        )

    def readings(self) -> Iterable[Reading]:
        """What it tells a monitoring system. Called in another thread, while it works."""
        return read_history(self, self.status(0), self._router.messages, monotonic_ns() - self._heard_ns)

    def _health(self) -> tuple[str, str]:
        if self._problem[0] != OK:
            return self._problem
        silent_ns = monotonic_ns() - self._heard_ns
        if silent_ns > self._silent_ns:
            return HEALING, f"nothing was heard of the engine for {silent_ns // 1_000_000_000} s"
        behind = self.known_number - self.position.drop_number
        since_ns = self._subscriber.healing.get(DROP) if self._subscriber is not None else None
        if since_ns is not None and (missing_ns := monotonic_ns() - since_ns) > _MISSING_MIN_NS:
            return HEALING, (
                f"the reports behind {self.position.drop_number} are missing since"
                f" {missing_ns // 1_000_000_000} s: neither the engine nor a shadow gives them"
            )
        if behind > _BEHIND_REPORTS:
            return HEALING, f"{behind} reports behind the engine"
        return OK, ""

    # Following.

    async def _live(self) -> None:
        again_s = _AGAIN_MIN_S
        while True:
            before = self.position
            try:
                await self._follow()
                again_s = 0.0
            except _OF_ENGINE as error:
                self._problem = (HEALING, str(error))
                again_s = self._longer(again_s, before)
            except _OF_DATABASE as error:
                if not self.ready.is_set() and isinstance(error, StoreDamaged | StoreMismatch):
                    self._on_stop(error)  # nobody misses it yet, and whoever starts it is there to read why
                    return
                self.failures += 1
                self._problem = (DEGRADED, str(error))
                self._writer = None
                again_s = self._longer(again_s, before)
            except _FATAL as error:
                self._on_stop(error)
                return
            await asyncio.sleep(again_s)

    def _longer(self, again_s: float, before: Position) -> float:
        """How long to wait before it is begun anew: longer each time, unless something was written meanwhile."""
        if self.position != before:
            return _AGAIN_MIN_S
        return min(_AGAIN_MAX_S, max(_AGAIN_MIN_S, again_s * 2))

    def _end_of_work(self, work: "asyncio.Task[None]") -> None:
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error  # nobody foresaw it: the loop's handler says so

    async def _follow(self) -> None:
        """Begin, and go on until there is a reason to begin anew; returns when that is no failure."""
        self.begun += 1
        writer = self._writer
        if writer is None:
            writer = self._writer = await self._in_writer(self._open_database)
            if self._problem[0] == DEGRADED:
                self._problem = (HEALING, "the database is back")
        kept = writer.position.drop_number
        self._quiet = Position()
        self._reach(writer.position)
        epoch = await self._in_writer(lambda: stand(writer, self._asker))
        self.known_number = writer.position.drop_number
        self.reports_withdrawn += kept - writer.position.drop_number
        self.streams.begin(replace(writer.position, epoch=epoch), await self._in_writer(writer.marks))
        self._reach(writer.position)
        self._problem = (OK, "")
        self.ready.set()
        self._heard_ns = monotonic_ns()
        engine = self._config.engine
        self._subscriber = subscriber = AsyncSubscriber(
            [DROP],
            engine.host,
            engine.port_base,
            from_numbers={DROP: writer.position.drop_number + 1},
            token=self._token,
            deep=True,
            never_skip=True,
            context=self._context,
        )
        async with subscriber:
            async for item in subscriber.items():
                self._heard_ns = monotonic_ns()
                items = [item, *subscriber.take_waiting(REPORTS_PER_TRANSACTION_MAX)]
                if not await self._take_items(writer, items, epoch):
                    return

    async def _take_items(self, writer: HistoryWriter, items: list[Item], epoch: int) -> bool:
        """Write what they tell; False when it has to be begun anew: another life of the engine speaks."""
        runs: list[Run] = []
        quiet: Run | None = None
        goes_on = True
        for item in items:
            if not isinstance(item, Run) or item.epoch > epoch:
                goes_on = (
                    False  # withdrawn, or a new epoch, which may have lost what was heard of the one before
                )
                break
            if item.first_number:
                runs.append(item)
            else:
                quiet = item
        if runs:
            last = runs[-1]
            self.known_number = max(self.known_number, last.first_number + len(last.events) - 1)
            at = await self._in_writer(lambda: writer.write(runs))
            self.streams.take(at, writer.moved)
            self._reach(at)
            self.transactions += 1
            self.reports_written += sum(len(run.events) for run in runs)
        if quiet is not None:
            for event in quiet.events:
                if isinstance(event, StreamHeartbeat):
                    self.known_number = max(self.known_number, event.number)
                    self._quiet = Position(event.number, quiet.log_sequence, quiet.time_ns, quiet.epoch)
                    self._reach(self.position)
        return goes_on

    def _reach(self, position: Position) -> None:
        self.position = position
        self.answers.reach(self._reached().log_sequence)
        self._read_ready()

    def _reached(self) -> Position:
        return self._at(self.position)

    def _at(self, position: Position) -> Position:
        """Where a position stands with what the engine has said since: that nothing came behind it."""
        quiet = self._quiet
        if quiet.drop_number == position.drop_number and quiet.log_sequence > position.log_sequence:
            return quiet
        return position

    # The database, in the writer's thread.

    def _in_writer(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return self._loop.run_in_executor(self._write_thread, work)

    def _open_database(self) -> HistoryWriter:
        self._close_database()
        engine, name = open_history(self._config.history.url, self._config.engine.data_dir)
        self._database = engine
        writer = HistoryWriter(engine, name)
        # What reads goes on with the one before until here: a full disk can be read.
        self._reader = HistoryReader(engine, name)
        return writer

    def _close_database(self) -> None:
        if self._database is not None:
            self._database.dispose()

    # Answering.

    def _take(self, route: bytes, payload: bytes) -> None:
        self._send(self.answers.take(route, payload, monotonic_ns()))

    def _take_extra_parts(self, route: bytes) -> None:
        self._send(self.answers.take_extra_parts(route))

    def _on_drained(self) -> None:
        self._read_ready()

    def _read_ready(self) -> None:
        """Give the readers' threads what they can take; the rest waits in its order."""
        while self._reading < READERS:
            asked = self.answers.next_ready()
            if asked is None:
                break
            reader = self._reader
            if reader is None:
                problem = f"the database is not open: {self._problem[1]}"
                self._send(self.answers.refuse(asked, reasons.UNAVAILABLE, problem))
                continue
            self._read(reader, asked)

    def _read(self, reader: HistoryReader, asked: Asked) -> None:
        def done(page: "Future[tuple[Position, Page]]") -> None:
            self._loop.call_soon_threadsafe(self._answer, asked, page)

        self._reading += 1
        self._read_threads.submit(reader.page, asked.query, asked.correlation_id).add_done_callback(done)

    def _answer(self, asked: Asked, done: "Future[tuple[Position, Page]]") -> None:
        self._reading -= 1
        error = done.exception()
        if error is None:
            position, page = done.result()
            if page is None:
                query = asked.query
                assert isinstance(query, QueryOrderLife), "nothing else may be missing"
                name = query.order_id or repr(query.client_order_id)
                text = f"{query.account} has no order {name}"
                self._send(self.answers.refuse(asked, reasons.NOT_OFFERED, text))
            else:
                self.answers.answered(asked)
                self.pages_read += 1
                at = self._at(position)
                self._send([(asked.route, replace(page, log_sequence=at.log_sequence))], at)
        elif isinstance(error, MatchbusError):
            self._send(self.answers.refuse(asked, reasons.UNAVAILABLE, str(error)))
        else:
            raise error
        self._read_ready()

    def _send(self, letters: list[Letter], at: Position | None = None) -> None:
        for route, answer in letters:
            if isinstance(answer, Refused):
                stamp = Position(epoch=self.position.epoch)  # said at once: tells of no state
            else:
                stamp = at or self._reached()
            payload = encode_envelope(0, stamp.epoch, 0, stamp.log_sequence, stamp.time_ns, (answer,))
            self._router.send(route, payload)
        if letters:
            self._router.check()

    def _keep_house(self) -> None:
        self._house = self._loop.call_later(_HOUSEKEEPING_S, self._keep_house)
        now_ns = monotonic_ns()
        self._send(self.answers.expire(now_ns))
        self._router.check()
        if self.ready.is_set():
            self._tell(self.streams.flush())
            if now_ns - self._beat_ns >= self._between_beats_ns:
                self._beat_ns = now_ns
                self._tell(self.streams.beat())

    def _tell(self, frames: list[Frame]) -> None:
        for name, frame in frames:
            self._publish(name, _SNDMORE)
            self._publish(frame, _NOBLOCK)
