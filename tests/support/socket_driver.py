"""Tells scenarios to a running node over its real sockets: orders through the ROUTER, answers from there and both PUBs.

Everything that the language can say is said over sockets, down to the order in which events leave. The node is the real
one, in a thread of this process, on a disk in memory; `start` later in a story restarts it on the same disk. What goes
without saying (sequence, time, who asked) is predicted here as the pure driver predicts it, so a command that takes
another sequence than it should shows.

Two things are not as in the wild: the system's clock is the story's, and a `tick` does not wait for the idle second,
since the node is told that its last batch is long ago. The time of the real machine can still get in: when that stands
still for a second in the midst of a story the node ticks. Then `IdleSecond` is raised, and the story is to be told
again from its beginning.
"""

from bus.calendar.planning import plan_ahead
from bus.protocol.codec import Malformed, encode_message
from bus.protocol.commands import SetSchedule
from bus.protocol.control import EngineHeartbeat, Heartbeat, Hello, LoggedOut, Logout, Welcome
from bus.protocol.terms import CLEARINGS, CLOCK_COMMANDS, CLOCKS, FEED_LOST, OPERATOR
from bus.sockets.schedules import unknown_zone
from tests.support.node_ears import NodeEars, Said, Standing, standing
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.scenario import Happened, middle
from tests.support.scenario_language import DAWN_NS, Action, End, FeedLost, Open, Send, Start, Tick, Wait
from tests.support.scenario_printing import Moment
from tests.support.simulated_disk import SimulatedDisk

#: Longer than any story takes: no session of a story ends by itself.
_LEASE_MS = 3_600_000
#: What no command looks like.
_NO_COMMAND = [99]


class IdleSecond(Exception):
    """The node logged a tick that is none of the story."""


class SocketDriver:
    """A node, the sessions of a story by name, and its clock. `close` it."""

    def __init__(self) -> None:
        self.now_ns = DAWN_NS
        self.sessions: dict[str, Welcome] = {}
        self.correlation_id = 1
        self._disk = SimulatedDisk()
        self._node: RunningNode | None = None
        self._ears: NodeEars | None = None
        self._last = Standing(0, 0, {}, {})
        self._by_commands = False
        self._records = 0

    def close(self) -> None:
        """The exchange of this story is over."""
        if self._ears is not None:
            self._ears.close()
        if self._node is not None:
            self._node.vanish()

    def perform(self, action: Action) -> Happened:
        """Do it; wait until everything that it causes has been heard.

        Raises IdleSecond, and AssertionError when the node says what it must not, or nothing.
        """
        if isinstance(action, Start):
            self._by_commands = action.clock == CLOCK_COMMANDS
        earliest_ns = self._last.time_ns + 1
        time_ns = earliest_ns if self._by_commands else max(self.now_ns, earliest_ns)
        first = self._last.sequence + 1
        moments = {first: Moment(time_ns, 0, 0)}
        told = {welcome.session: welcome.account for welcome in self.sessions.values()}
        said: list[Said] = []
        if isinstance(action, Wait):
            self.now_ns = action.end_ns(max(self.now_ns, self._last.time_ns))
            moments = self._wake_up(first)
        elif isinstance(action, Start):
            self._start(action)
        elif isinstance(action, Open):
            self._open(action)
        elif isinstance(action, End):
            self._end(self.sessions.pop(action.name))
        elif isinstance(action, Send):
            moments = self._send(action, first, time_ns)
        elif isinstance(action, FeedLost):
            self.node.raise_emergency(FEED_LOST)
        elif isinstance(action, Tick):
            said += self._tick()
        if not isinstance(action, Send | Wait):
            self._hear_reports()
        now = self.node.call(lambda: standing(self.node.core))
        expected = first + len(moments) + self._records - 1
        self._records = 0
        if now.sequence != expected:
            raise IdleSecond(f"the log stands at {now.sequence}, and not at {expected}")
        said += self.ears.hear_out(now, told)
        self._last = now
        return Happened(said, moments)

    @property
    def node(self) -> RunningNode:
        """The incarnation that runs. A story begins with `start`."""
        assert self._node is not None, "nothing was started"
        return self._node

    @property
    def ears(self) -> NodeEars:
        """Connections to that one."""
        assert self._ears is not None, "nothing was started"
        return self._ears

    def _start(self, action: Start) -> None:
        """A node, or the next incarnation of the one there is; its sessions are taken back, which is not logged."""
        if self._node is not None:
            self.ears.close()
            self._node.stop()
        config = small_config(
            engine__clock=CLOCKS[action.clock],
            engine__clearing=CLEARINGS[action.clearing],
            limits__open_orders_per_account_max=action.open_orders,
            limits__client_order_ids_per_account_max=action.ids,
            limits__instruments_max=action.instruments,
            limits__trades_kept_per_instrument_max=action.trades,
        )
        self._node = RunningNode(
            disk=self._disk, config=config, utc_ns=lambda: self.now_ns, draw=self._drawn, plan=self._planned
        )
        self._ears = NodeEars(self._node, self._last)
        for w in self.sessions.values():
            self._hello(Hello(w.account, w.role, session=w.session, session_key=w.session_key))

    def _drawn(self, below: int) -> int:
        """How an auction ends is drawn, which takes a sequence."""
        self._records += 1
        return middle(below)

    def _planned(self, schedule: SetSchedule, planned_ns: int, now_ns: int) -> list[tuple[int, int, int]]:
        """What a schedule comes to is logged, which takes a sequence."""
        self._records += 1
        return plan_ahead(schedule, planned_ns, now_ns)

    def _open(self, action: Open) -> None:
        self.sessions[action.name] = self._hello(
            Hello(
                action.account,
                action.role,
                TOKEN,
                lease_ms=_LEASE_MS,
                cancel_on_disconnect=action.cancel_on_disconnect,
            )
        )

    def _hello(self, hello: Hello) -> Welcome:
        number = self._numbers(1)
        self.ears.say(encode_message(0, number, 0, (hello,)))
        welcome = self.ears.answer(number)
        assert isinstance(welcome, Welcome), welcome
        return welcome

    def _end(self, welcome: Welcome) -> None:
        number = self._numbers(1)
        self.ears.say(encode_message(welcome.session, number, 0, (Logout(),)))
        answer = self.ears.answer(number)
        assert isinstance(answer, LoggedOut), answer

    def _send(self, action: Send, first: int, time_ns: int) -> dict[int, Moment]:
        """A message; the moments of its commands."""
        welcome = self.sessions[action.name]
        session = welcome.session
        number = self._numbers(len(action.items))
        not_taken = welcome.role == OPERATOR and unknown_zone(action.items) != ""
        malformed = {
            number + i for i, item in enumerate(action.items) if not_taken or isinstance(item, Malformed)
        }
        items = [_NO_COMMAND if isinstance(item, Malformed) else item for item in action.items]
        created_ns = max(0, (time_ns if self._by_commands else self.now_ns) - action.age_ns)
        self.ears.say(encode_message(session, number, created_ns, items, action.deadline_ns, action.options))
        self._hear_reports()
        numbers = range(number, number + len(items))
        refused = self.ears.refused.intersection(numbers)
        assert refused == malformed, (
            f"not as malformed as told: {sorted(n - number for n in refused ^ malformed)}"
        )
        taken = [n for n in numbers if n not in malformed]
        return {first + i: Moment(time_ns + i, session, n) for i, n in enumerate(taken)}

    def _hear_reports(self) -> None:
        """All that left for a session so far: it stands before the answer to a heartbeat of any of them."""
        if self.sessions:
            session = next(iter(self.sessions.values())).session
            number = self._numbers(1)
            self.ears.say(encode_message(session, number, 0, (Heartbeat(),)))
            answer = self.ears.answer(number)
            assert isinstance(answer, EngineHeartbeat), answer

    def _wake_up(self, first: int) -> dict[int, Moment]:
        """The time of the story has moved on: the node ticks when something is due by now."""
        due_ns = 0 if self._by_commands else self.node.call(lambda: self.node.core.next_timer_ns)
        if not 0 < due_ns <= self.now_ns and self.node.sequence() < first:
            return {}
        self.node.keep_house()
        self._hear_reports()
        return {first: Moment(self.now_ns, 0, 0)}

    def _tick(self) -> list[Said]:
        assert not self._by_commands, "under the clock of commands no node ticks by itself"
        self.node.keep_house(idle=True)
        return self.ears.hear_tick()

    def _numbers(self, count: int) -> int:
        """The first of so many correlation ids."""
        first = self.correlation_id
        self.correlation_id += count
        return first
