"""The node: one loop, one thread, one log. It takes what the sockets bring, and lets nothing out too early.

    drain of the orders ROUTER ─▶ gateway ─▶ sequencer ─▶ journal.append ─▶ core ─▶ publication ─▶ outbound
                                                              │                                      ▲
                                                              └── generation durable ────────────────┘

What one drain brings is one batch: written once, applied, encoded, and sent when it is durable. A failed write, a
failed sync or a broken assertion stops the node; what was waiting is then never sent.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import zmq
from msgspec.structs import replace

from bus.addresses import Addresses
from bus.calendar.planning import plan_ahead
from bus.clock import monotonic_ns, utc_ns
from bus.config import Config
from bus.core import Core
from bus.errors import ConfigError, EngineStopped, MatchbusError, UnknownZone
from bus.journal.journal import Journal
from bus.journal.segment import largest_payload_bytes
from bus.metrics.metric import Reading
from bus.metrics.of_engine import read_engine
from bus.metrics.powers import Powers
from bus.process import Process
from bus.protocol.commands import SetSchedule
from bus.protocol.records import EmergencyRaised, EndDrawn, EngineStarted, PhasesPlanned, TimeTicked
from bus.protocol.status import DEGRADED, OK, ProcessStatus
from bus.protocol.terms import CLOCK_SYSTEM, CONTINUOUS, FEED_LOST, PHASES, STOP_CAUSES
from bus.sequencer import Sequencer, apply_open_batch
from bus.sessions import Sessions
from bus.sockets.feed_watch import FeedWatch
from bus.sockets.gateway import Gateway
from bus.sockets.outbound import Departure, Outbound
from bus.sockets.publication import Publication
from bus.sockets.recovery import MESSAGES_PER_DRAIN, SEND_HIGH_WATER_MARK, Recovery
from bus.sockets.router import Router, bind, plain_send

_SNDMORE = int(zmq.SNDMORE)

#: How often leases and idleness are looked at: a lease ends at most this late. Symbols that have changed get their
#: heartbeats as often.
HOUSEKEEPING_MS = 100
_HOUSEKEEPING_S = HOUSEKEEPING_MS / 1000
#: So long after the last change of a symbol a tick is logged, so that readers know that the moment is over.
SETTLE_MS = 100
#: When nothing was published for so long a tick is logged.
_IDLE_NS = 1_000_000_000
#: While so much is ready to be said and waits for the disk, nothing more is taken: what asks has to wait, too.
_WAITING_BYTES_MAX = 64 * 1024 * 1024
#: Exponent of two: a batch has at most a drain of messages, each of which may hold a thousand commands.
_BATCH_COMMANDS_HIGHEST = 11
#: A loop that is so late was not running, and did not read what clients sent meanwhile.
_LATE_NS = 1_000_000_000
#: Of instruments that do not trade continuously the status names so many: it is for a glance.
_PHASES_NAMED = 5
#: An entry of the journal has a header of its own; with it the largest batch must still fit a segment.
_ENTRY_OVERHEAD_FACTOR = 2


class Node:
    """Sockets, journal and core on one loop. `start` once, then the loop runs until `on_stop` is called.

    `settle_ms`: how long after a change a tick follows; 0 for never. `draw`: a number below another, by chance. `plan`:
    what a schedule comes to (`bus.calendar.planning.plan_ahead`).
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        config: Config,
        addresses: Addresses,
        core: Core,
        journal: Journal,
        publication: Publication,
        sessions: Sessions,
        token: str,
        process: Process,
        on_stop: Callable[[MatchbusError], None],
        utc: Callable[[], int] = utc_ns,
        settle_ms: int = SETTLE_MS,
        draw: Callable[[int], int] = secrets.randbelow,
        plan: Callable[[SetSchedule, int, int], list[tuple[int, int, int]]] = plan_ahead,
    ) -> None:
        limits = config.limits
        largest_batch = (limits.drain_bytes_max + limits.message_bytes_max) * _ENTRY_OVERHEAD_FACTOR
        if largest_batch > largest_payload_bytes(config.engine.segment_bytes):
            raise ConfigError(
                f"engine.segment_bytes = {config.engine.segment_bytes}: a segment must hold a batch of {largest_batch}"
                " bytes, twice limits.drain_bytes_max + limits.message_bytes_max"
            )
        self._loop = loop
        self._core = core
        self._journal = journal
        self._publication = publication
        self._sessions = sessions
        self._process = process
        self._on_stop = on_stop
        self._utc_ns = utc
        self._draw = draw
        self._plan = plan
        #: Which schedule of a symbol cannot be planned on this machine, and why.
        self._unplanned: dict[str, tuple[int, str]] = {}
        self._stopped = False
        self._sequencer = Sequencer()
        self._outbound = Outbound(self._leave)
        heartbeat_ms = config.feed.heartbeat_interval_ms
        self._gateway = Gateway(
            core, sessions, self._sequencer, publication, self._outbound, limits, token, heartbeat_ms
        )
        self._recovery = Recovery(core, publication, limits.message_bytes_max, token, self._status)
        self._orders = Router(
            loop,
            context,
            addresses.orders,
            receive_high_water_mark=limits.receive_high_water_mark,
            send_high_water_mark=limits.send_high_water_mark,
            message_bytes_max=limits.message_bytes_max,
            drain_bytes_max=limits.drain_bytes_max,
            may_take=self._may_take,
            on_message=self._gateway.take,
            on_extra_parts=self._gateway.take_extra_parts,
            on_drained=self._on_drained,
        )
        self._replays = Router(
            loop,
            context,
            addresses.recovery,
            receive_high_water_mark=limits.receive_high_water_mark,
            send_high_water_mark=min(limits.send_high_water_mark, SEND_HIGH_WATER_MARK),
            message_bytes_max=limits.message_bytes_max,
            drain_bytes_max=limits.drain_bytes_max,
            message_overhead_bytes=-(-limits.drain_bytes_max // MESSAGES_PER_DRAIN),
            may_take=self._may_take,
            on_message=self._recovery.take,
            on_extra_parts=self._recovery.take_extra_parts,
            on_drained=self._on_recovery_drained,
        )
        self._feed = _publisher(context, limits.send_high_water_mark)
        self._drop_copy = _publisher(context, limits.send_high_water_mark)
        self._feed_watch = FeedWatch(context, self._feed, config.protection, monotonic_ns())
        self._send_feed = plain_send(self._feed)
        self._send_drop = plain_send(self._drop_copy)
        # Where they listen indeed: a port base of 0 leaves the choice to the system.
        self.addresses = replace(
            addresses,
            orders=self._orders.endpoint,
            feed=bind(self._feed, addresses.feed),
            recovery=self._replays.endpoint,
            drop_copy=bind(self._drop_copy, addresses.drop_copy),
        )
        # From here on only cancels are taken: other commands are told to come back later.
        self._unsynced_commands_max = limits.unsynced_commands_max - limits.cancel_reserve_commands
        self._heartbeat_ns = heartbeat_ms * 1_000_000
        self._heartbeat_generation = 0
        now = self._gateway.now_ns = monotonic_ns()
        self._last_change_ns = self._last_frame_ns = self._next_heartbeat_ns = self._next_house_ns = now
        self._housekeeping: asyncio.TimerHandle | None = None
        self._settle_s = settle_ms / 1000
        self._batch_commands = Powers(_BATCH_COMMANDS_HIGHEST)
        self._rejected_before = core.rejected_count()
        self._late_ns = 0
        self._settling: asyncio.TimerHandle | None = None  # runs while a change has no tick behind it

    def start(self, started: EngineStarted) -> None:
        """Log that the engine has started, durably, then take messages."""
        now = monotonic_ns()
        for session, account, role, lease_ms in self._core.open_sessions():
            self._sessions.open(session, account, role, lease_ms, b"", now)
        self._next_house_ns = now
        self._sequencer.add_record(started)
        self._run()
        self._outbound.release(self._journal.sync_now())
        self._loop.add_reader(self._journal.completion_fd, self._on_durable)
        self._orders.start()
        self._replays.start()
        self._keep_house()

    def stop(self) -> None:
        """Take nothing more; make durable and send what was taken. The journal stays open. Raises JournalFailed."""
        if self._stopped:
            return
        self._halt()
        self._outbound.release(self._journal.sync_now())
        self._close_sockets(linger_ms=500)

    def _halt(self) -> None:
        self._stopped = True
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        if self._settling is not None:
            self._settling.cancel()
        self._loop.remove_reader(self._journal.completion_fd)
        self._orders.pause()
        self._replays.pause()

    def _close_sockets(self, linger_ms: int) -> None:
        self._orders.close(linger_ms)
        self._replays.close(linger_ms)
        self._feed_watch.close()
        self._feed.close(linger_ms)
        self._drop_copy.close(linger_ms)

    def fail(self, error: MatchbusError) -> None:
        """Nothing more is taken, and nothing that waits is sent. Also for what the loop caught and nobody foresaw."""
        if not self._stopped:
            self._halt()
            self._close_sockets(linger_ms=0)
            self._on_stop(error)

    def _may_take(self) -> bool:
        return self._outbound.waiting_bytes <= _WAITING_BYTES_MAX

    # What the loop calls.

    def _on_drained(self) -> None:
        for route, payload in self._gateway.take_refusals():
            self._orders.send(route, payload)
        if self._sequencer.count or not self._gateway.idle:
            self._run()
        self._gateway.now_ns = monotonic_ns()

    def _on_recovery_drained(self) -> None:
        if not self._recovery.idle:
            departure = Departure(self._journal.writer.generation)
            self._recovery.answer(departure)
            self._outbound.add(departure, self._journal.durable_generation)

    def _status(self, correlation_id: int) -> ProcessStatus:
        """How this engine is, as of the last command that was applied."""
        core = self._core
        unsynced = self._outbound.waiting_commands
        facts = (
            ("accounts", str(core.account_count())),
            ("sessions", str(len(self._sessions))),
            ("instruments", str(len(core.symbols()))),
            ("unsynced_commands", str(unsynced)),
            ("stopped", STOP_CAUSES.get(core.stopped(), "no")),
            ("phases", _phases_text(core.phases())),
        )
        health, problem = OK, ""
        if unsynced >= self._unsynced_commands_max:
            health, problem = DEGRADED, f"the disk is behind: {unsynced} commands wait for it"
        elif spare_failure := self._journal.writer.spare_failure:
            health, problem = DEGRADED, f"the engine will stop when this segment is full: {spare_failure}"
        elif unplanned := self._first_unplanned():
            health, problem = DEGRADED, unplanned
        return self._process.status(
            correlation_id, core.epoch, core.sequence, core.time_ns, facts, health, problem
        )

    def readings(self) -> Iterable[Reading]:
        """What it tells a monitoring system. Called in another thread, while it works."""
        return read_engine(
            self._status(0),
            self._core,
            self._journal.writer,
            self._publication,
            self._sessions,
            self._outbound,
            self._gateway,
            {"orders": self._orders, "recovery": self._replays},
            self._batch_commands,
            self._core.rejected_count() - self._rejected_before,
            self._late_ns,
        )

    def _on_durable(self) -> None:
        try:
            durable = self._journal.take_completion()
        except MatchbusError as error:
            self.fail(error)
            return
        self._outbound.release(durable)
        self._orders.check()
        self._replays.check()

    def _keep_house(self) -> None:
        """Leases, ticks and heartbeats; also the net under a missed edge of a socket."""
        self._housekeeping = self._loop.call_later(_HOUSEKEEPING_S, self._keep_house)
        now = self._gateway.now_ns = monotonic_ns()
        late_ns = now - self._next_house_ns
        self._next_house_ns = now + int(_HOUSEKEEPING_S * 1_000_000_000)
        if late_ns > 0:
            self._late_ns += late_ns
        if late_ns > _LATE_NS:
            # A pause of the engine is no silence of its clients: what they sent meanwhile is not read yet.
            self._sessions.extend(late_ns)
        for seat in self._sessions.expired(now):
            self._gateway.end(seat)
        if self._core.clock == CLOCK_SYSTEM and (
            now - self._last_frame_ns >= _IDLE_NS or self._timer_is_due()
        ):
            self._sequencer.add_record(TimeTicked())
        if self._feed_watch.is_lost(now):
            self._sequencer.add_record(EmergencyRaised(FEED_LOST))
        if self._sequencer.count or not self._gateway.idle:
            self._run()
        if not self._stopped:
            self._say_heartbeats(now)
            self._orders.check()
            self._replays.check()

    def _say_heartbeats(self, now: int) -> None:
        """Of everything once in an interval, of what has changed each time."""
        if self._heartbeat_generation > self._journal.durable_generation:
            return  # while one waits for the disk another would tell nothing
        of_all = now >= self._next_heartbeat_ns
        if not (of_all or self._publication.has_changed):
            return
        generation = self._heartbeat_generation = self._journal.writer.generation
        departure = Departure(generation)
        if of_all:
            self._next_heartbeat_ns = now + self._heartbeat_ns
            self._gateway.heartbeats(departure)
            self._publication.heartbeats(departure)
        else:
            self._publication.changed_heartbeats(departure)
        self._outbound.add(departure, self._journal.durable_generation)

    def _settle(self) -> None:
        """A symbol has changed a while ago: log a tick, unless one has changed since."""
        self._settling = None
        now = self._gateway.now_ns = monotonic_ns()
        rest_s = self._settle_s - (now - self._last_change_ns) / 1e9
        if rest_s > 0:
            # A loop counts in milliseconds, and rounds: a little more, so that it is not asked in vain.
            self._settling = self._loop.call_later(rest_s + 0.001, self._settle)
            return
        self._sequencer.add_record(TimeTicked())
        self._run()

    def _timer_is_due(self) -> bool:
        """Whether something ends by the clock now; a command that waits in this batch ends it as well."""
        due_ns = self._core.next_timer_ns
        return 0 < due_ns <= self._utc_ns()

    def _run(self) -> None:
        """Carry out what was collected, and what the core then asks for, and let out what may be seen of it."""
        self._run_batch()
        while not self._stopped and self._add_wanted():
            self._run_batch()

    def _add_wanted(self) -> bool:
        """Collect what the core wants to be logged behind a batch; False when it wants nothing."""
        core = self._core
        for symbol, number, random_ms in core.draws_wanted():
            # So that it is in the log before anybody can have heard of the auction.
            self._sequencer.add_record(EndDrawn(symbol, number, self._draw(random_ms * 1_000_000 + 1)))
        for schedule, number, planned_ns in core.plans_wanted():
            symbol = schedule.symbol
            try:
                rows = self._plan(schedule, planned_ns, core.time_ns)
            except UnknownZone as error:
                self._unplanned[symbol] = (number, str(error))
            else:
                self._sequencer.add_record(PhasesPlanned(symbol, number, rows))
        return self._sequencer.count > 0

    def _first_unplanned(self) -> str:
        """A schedule that comes to nothing soon, "" when there is none. May be called in another thread."""
        for symbol, (number, failure) in list(self._unplanned.items()):
            if self._core.schedule(symbol)[1] == number:
                return f"the schedule of {symbol} is not planned any further: {failure}"
        return ""

    def _run_batch(self) -> None:
        commands = self._sequencer.count
        if not commands:
            answers = Departure(self._journal.writer.generation)
            self._gateway.answer(answers)
            self._outbound.add(answers, self._journal.durable_generation)
            return
        try:
            generation = self._carry_out()
            durable = self._journal.durable_generation
            # Reports first: a client need not wait until everything public is encoded and sent.
            private = Departure(generation, commands)
            self._publication.collect_private(private)
            self._outbound.add(private, durable)
            rest = Departure(generation)
            changed = self._publication.collect_public(rest)
            if rest.public:
                self._last_frame_ns = monotonic_ns()
                if changed and self._settle_s and self._core.clock == CLOCK_SYSTEM:
                    self._last_change_ns = self._last_frame_ns
                    if self._settling is None:
                        self._settling = self._loop.call_later(self._settle_s, self._settle)
            self._gateway.answer(rest)
            self._outbound.add(rest, durable)
        except MatchbusError as error:
            self.fail(error)
            return

    def _carry_out(self) -> int:
        """Write the batch and apply it; its generation. Raises JournalFailed or EngineStopped."""
        batch = self._sequencer.take(self._core, self._utc_ns())
        generation = self._journal.writer.append(
            batch.first_sequence, batch.count, batch.time_ns, batch.payload
        )
        self._batch_commands.add(batch.count)
        try:
            apply_open_batch(self._core, batch)
        except Exception as error:
            # The log holds a command that the core cannot carry out: nothing built on it may be seen.
            failure = f"command {self._core.sequence} broke the engine: {type(error).__name__}: {error}"
            raise EngineStopped(failure) from error
        return generation

    def _leave(self, departure: Departure) -> None:
        """Send what may be seen: private before public."""
        orders = self._orders
        for seat, route, payload in departure.letters:
            sent = orders.send(route, payload)
            if seat is not None and not sent and seat.route == route:
                if sent is None:
                    seat.route = b""
                else:
                    seat.suspended = True
        send_feed = self._send_feed
        for topic, frame in departure.public:
            send_feed(topic, _SNDMORE)
            send_feed(frame, 0)
        for topic, frame in departure.drop:
            self._send_drop(topic, _SNDMORE)
            self._send_drop(frame, 0)
        for route, payload in departure.recovery:
            self._replays.send(route, payload)


def _phases_text(phases: list[tuple[str, int]]) -> str:
    """Which instruments do not trade continuously: the first few by name."""
    other = [f"{symbol} {PHASES[phase]}" for symbol, phase in phases if phase != CONTINUOUS]
    more = [f"{len(other) - _PHASES_NAMED} more"] if len(other) > _PHASES_NAMED else []
    return ", ".join(other[:_PHASES_NAMED] + more) or "all continuous"


def _publisher(context: "zmq.Context[zmq.Socket[bytes]]", send_high_water_mark: int) -> "zmq.Socket[bytes]":
    """A PUB never blocks: a reader that is too slow loses frames, notices by their numbers, and heals itself (I7)."""
    socket = context.socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, send_high_water_mark)
    socket.setsockopt(zmq.LINGER, 0)
    return socket
