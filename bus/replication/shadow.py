"""The shadow: one loop beside an engine. It follows the log, compares, writes checkpoints, and answers readers.

    poll ─▶ following.step ─▶ again at once while there is more, else after 2 to 100 ms
    feed ─▶ comparison, what is durable ─▶ poll now
    ROUTER ─▶ deep_recovery ─▶ answered at once, or behind a walk
    each second ─▶ is it still this log? is the engine silent? is a checkpoint due?

The log is polled: the engine then needs to know nothing of its readers, and a look at an idle log costs two reads of
some KiB, ten times a second at most. Under load a look finds more each time, so the lag stays at some milliseconds and
batches emerge as in the engine. A frame of the feed is a reason to look at once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Final

import zmq

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.config import Config
from bus.errors import LogBreaksEngine, LogReplaced, MatchbusError, OutputsDiffer
from bus.journal.checkpoint import Checkpoint, CheckpointStore
from bus.metrics.metric import Reading
from bus.process import Process
from bus.protocol.status import DEGRADED, FAILED, HEALING, OK, ProcessStatus
from bus.replication.checkpoints import CheckpointSchedule
from bus.replication.counters import Counters
from bus.replication.deep_recovery import DeepRecovery
from bus.replication.engine_feed import EngineFeed
from bus.replication.following import Following
from bus.replication.metrics import read_shadow
from bus.replication.walk_protocol import WalkRequest
from bus.replication.walker import Walker
from bus.sockets.outbound import Departure
from bus.sockets.recovery import MESSAGES_PER_DRAIN, SEND_HIGH_WATER_MARK
from bus.sockets.router import Router

#: How much is applied before the loop looks at its sockets again: some milliseconds.
_STEP_COMMANDS: Final = 256
#: How long until the log is looked at again: at first, and in the end when nothing comes.
_POLL_MIN_S: Final = 0.002
_POLL_MAX_S: Final = 0.1
_HOUSEKEEPING_S: Final = 1.0
#: An engine sends a heartbeat each `feed.heartbeat_interval_ms`; of so many none came when it is called silent.
_SILENT_HEARTBEATS: Final = 5
#: Being so far behind is worth saying: about a second of an engine that has all to do.
_LAG_COMMANDS_MAX: Final = 50_000
_CATCHING_UP: Final = "it has not come to the end of the log yet, ask again"
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Shadow:
    """`start` once, then the loop runs until `on_stop` is called with what went wrong, or `stop`.

    `on_ready` is called once, when all that was durable at the start has been followed; from then on requests are
    answered. `say`: takes a line for the operator.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        config: Config,
        addresses: Addresses,
        following: Following,
        store: CheckpointStore,
        walker: Walker,
        token: str,
        process: Process,
        on_ready: Callable[[], None],
        on_stop: Callable[[MatchbusError], None],
        say: Callable[[str], None],
    ) -> None:
        limits = config.limits
        self._loop = loop
        self._settings = config.shadow
        self._following = following
        self._store = store
        self._walker = walker
        self._process = process
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._say = say
        self.counters = Counters()
        self._stopped = False
        self._ready = False
        self._failure = ""
        self._silent_ns = _SILENT_HEARTBEATS * config.feed.heartbeat_interval_ms * _NS_PER_MS
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = self._walking = False
        self._poll_s = _POLL_MIN_S
        self._poll_timer: asyncio.TimerHandle | None = None
        self._house_timer: asyncio.TimerHandle | None = None
        self._replaced_at = -1  # the sequence at which the log was another one the last time
        self._compared_before = 0  # by comparisons before the present beginning
        self._checkpoint_problem = ""
        for note in following.begin():
            say(f"note: {note}")
        self._schedule = self._new_schedule()
        self._recovery = DeepRecovery(
            following.core, following.publication, limits.message_bytes_max, token, self._status
        )
        self._router = Router(
            loop,
            context,
            addresses.deep_recovery,
            receive_high_water_mark=limits.receive_high_water_mark,
            send_high_water_mark=min(limits.send_high_water_mark, SEND_HIGH_WATER_MARK),
            message_bytes_max=limits.message_bytes_max,
            drain_bytes_max=limits.drain_bytes_max,
            message_overhead_bytes=-(-limits.drain_bytes_max // MESSAGES_PER_DRAIN),
            on_message=self._recovery.take,
            on_extra_parts=self._recovery.take_extra_parts,
            on_drained=self._answer,
        )
        self._recovery.unable = _CATCHING_UP
        self.endpoint = self._router.endpoint
        self._feed = EngineFeed(context, addresses)

    def start(self) -> None:
        """From now on the log is followed."""
        self._loop.add_reader(self._feed.fileno(), self._poll)
        self._router.start()
        self._poll()
        self._keep_house()

    async def stop(self) -> None:
        """Take and follow nothing more; what is being written is written, what walks is ended."""
        self._halt()
        self._router.close(linger_ms=500)
        for task in list(self._tasks):
            await task
        await self._walker.close()
        self._following.close()

    def fail(self, error: MatchbusError) -> None:
        """Nothing more is followed, written or said. Also for what the loop caught and nobody foresaw."""
        if not self._stopped:
            self._failure = str(error)
            self._halt()
            self._on_stop(error)

    def _halt(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        for timer in (self._poll_timer, self._house_timer):
            if timer is not None:
                timer.cancel()
        self._router.pause()
        self._loop.remove_reader(self._feed.fileno())
        self._feed.close()
        self._walker.discard()

    # What the loop calls.

    def _poll(self) -> None:
        """Look at the feed and at the log, and come back when there is likely to be more."""
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        if self._stopped:
            return
        for heard in self._feed.take():
            self._following.learn(heard.log_sequence)
            if heard.output_hash:
                self._following.comparison.heard(heard.log_sequence, heard.epoch, heard.output_hash)
        try:
            applied = self._following.step(_STEP_COMMANDS)
            broken = self._following.broken
            if broken is not None and self._following.may_go_on():
                self._begin_anew(f"the operator passes over command {broken.sequence}")
        except LogReplaced as replaced:
            applied = 1
            if not self._take_replaced(replaced):
                return
        except MatchbusError as error:
            self.fail(error)
            return
        self._after_step()
        if self._stopped:
            return
        if applied >= _STEP_COMMANDS:
            delay_s = 0.0
        else:
            self._poll_s = _POLL_MIN_S if applied else min(self._poll_s * 2, _POLL_MAX_S)
            delay_s = self._poll_s
        self._poll_timer = self._loop.call_later(delay_s, self._poll)

    def _after_step(self) -> None:
        """What follows from what was applied and heard: an alarm, a checkpoint, readiness, walks."""
        following = self._following
        comparison = following.comparison
        if comparison.difference is not None:
            try:
                following.check()  # it may not be the log any more that the engine writes
            except LogReplaced as replaced:
                self._take_replaced(replaced)
                return
            self.fail(OutputsDiffer(str(comparison.difference)))
            return
        if following.broken is not None:
            self._stand_at(following.broken)
        elif following.caught_up:
            self._recovery.unable = ""
            if not self._ready:
                self._ready = True
                self._on_ready()
            self._keep_checkpoints()
        self._recovery.now_ns = monotonic_ns()
        self._recovery.pass_time()
        if not self._recovery.idle:
            self._answer()
            self._router.check()

    def _stand_at(self, broken: LogBreaksEngine) -> None:
        """A command broke the core: nothing more can be said until it is passed over."""
        why = str(broken)
        if self._recovery.unable != why:
            self._say(why)
            self._make_unable(why)

    def _make_unable(self, why: str) -> None:
        self._recovery.unable = why
        self._recovery.give_up(why)
        self._answer()
        self._router.check()

    def _answer(self) -> None:
        """Send what is answered, and see whether something has to be walked for."""
        if not self._recovery.idle:
            departure = Departure(0)
            self._recovery.answer(departure)
            for route, payload in departure.recovery:
                self._router.send(route, payload)
        self._walk_on()

    # Checkpoints.

    def _keep_checkpoints(self) -> None:
        """Encode the state when a checkpoint is due, and write it when the engine was heard to have said the same."""
        if self._writing:
            return
        now_ns = monotonic_ns()
        proven = self._schedule.take_proven(*self._following.comparison.equal, now_ns)
        if proven is not None:
            self._writing = True
            self._run(self._write(proven))
        elif self._schedule.is_due(self._following.core.sequence, now_ns):
            self._schedule.keep(self._following.checkpoint())

    async def _write(self, checkpoint: Checkpoint) -> None:
        """In a thread, so that the disk is waited for there. The next one may succeed where this one fails."""
        try:
            await self._loop.run_in_executor(None, self._store.write, checkpoint)
        except MatchbusError as error:
            self._checkpoint_problem = str(error)
            self._say(self._checkpoint_problem)
        else:
            self.counters.checkpoints_written += 1
            self._checkpoint_problem = ""
        finally:
            self._writing = False

    # Walks through old history.

    def _walk_on(self) -> None:
        request = None if self._walking or self._stopped else self._recovery.next_walk()
        if request is not None:
            self._walking = True
            self._run(self._walk(request, self.counters.beginnings))

    async def _walk(self, request: WalkRequest, beginning: int) -> None:
        try:
            answer = await self._walker.walk(request)
        finally:
            self._walking = False
        if self._stopped:
            return
        if beginning == self.counters.beginnings:
            self._recovery.walked(answer)
        self._answer()
        self._router.check()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside the following; what nobody foresaw goes to the loop's handler."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler(
                {"message": "work beside the following failed", "exception": error}
            )

    # How it is.

    def _keep_house(self) -> None:
        self._house_timer = self._loop.call_later(_HOUSEKEEPING_S, self._keep_house)
        try:
            self._following.check()
        except LogReplaced as replaced:
            self._take_replaced(replaced)
        if self._stopped:
            return
        self._count()
        self.counters.lag_bytes = self._following.lag_bytes()
        self._router.check()

    def _count(self) -> None:
        following, counters = self._following, self.counters
        counters.followed_commands = following.followed
        counters.lag_commands = following.lag_commands
        counters.comparisons = self._compared_before + following.comparison.compared
        counters.walks = self._walker.walks
        counters.replays_served = self._recovery.replays

    def _status(self, correlation_id: int) -> ProcessStatus:
        """How this shadow is, as of the last command that was followed."""
        self._count()
        core, counters = self._following.core, self.counters
        health, problem = self._judged()
        facts = (
            ("followed_commands", str(counters.followed_commands)),
            ("lag_commands", str(counters.lag_commands)),
            ("comparisons", str(counters.comparisons)),
            ("equal_up_to", str(self._following.comparison.equal[1])),
            ("checkpoints_written", str(counters.checkpoints_written)),
            ("walks", str(counters.walks)),
            ("replays_served", str(counters.replays_served)),
        )
        return self._process.status(
            correlation_id, core.epoch, core.sequence, core.time_ns, facts, health, problem
        )

    def readings(self) -> Iterable[Reading]:
        """What it tells a monitoring system. Called in another thread, while it works."""
        return read_shadow(
            self._status(0),
            self.counters,
            self._following,
            self._schedule,
            self._recovery,
            self._router,
            monotonic_ns() - self._feed.heard_ns,
        )

    def _judged(self) -> tuple[str, str]:
        """(health, problem)"""
        following = self._following
        if self._failure:
            return FAILED, self._failure
        if following.broken is not None:
            return FAILED, str(following.broken)
        if self._recovery.unable:
            return HEALING, self._recovery.unable
        if following.lag_commands > _LAG_COMMANDS_MAX:
            return HEALING, f"{following.lag_commands} commands behind the engine"
        silent_ns = monotonic_ns() - self._feed.heard_ns
        if silent_ns > self._silent_ns:
            silent_s = silent_ns // _NS_PER_S
            return (
                DEGRADED,
                f"the engine is silent for {silent_s} s: nothing is compared, no checkpoint is written",
            )
        if self._checkpoint_problem:
            return DEGRADED, self._checkpoint_problem
        return OK, ""

    # Beginning anew.

    def _take_replaced(self, replaced: LogReplaced) -> bool:
        """The log is another one: begin anew. False when that did not help the last time, and it has failed."""
        at = self._following.core.sequence
        if at == self._replaced_at:
            self.fail(replaced)
            return False
        self._replaced_at = at
        return self._begin_anew(str(replaced))

    def _begin_anew(self, why: str) -> bool:
        self._say(f"begins anew: {why}")
        self.counters.beginnings += 1
        following = self._following
        self._compared_before += following.comparison.compared
        self._walker.discard()
        try:
            for note in following.begin():
                self._say(f"note: {note}")
        except MatchbusError as error:
            self.fail(error)
            return False
        self._schedule = self._new_schedule()
        self._recovery.move_to(following.core, following.publication)
        self._make_unable(_CATCHING_UP)
        return True

    def _new_schedule(self) -> CheckpointSchedule:
        settings = self._settings
        return CheckpointSchedule(
            settings.checkpoint_interval_commands,
            settings.checkpoint_interval_s * _NS_PER_S,
            self._following.core.sequence,
            monotonic_ns(),
        )
