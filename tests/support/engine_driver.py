"""Tells scenarios to the pure engine."""

from bus.calendar.planning import plan_ahead
from bus.protocol.codec import Malformed
from bus.protocol.records import (
    SEMANTICS_VERSION,
    EmergencyRaised,
    EndDrawn,
    EngineStarted,
    PhasesPlanned,
    Rules,
    SessionEnded,
    SessionOpened,
    TimeTicked,
)
from bus.protocol.terms import CLOCK_COMMANDS, FEED_LOST, OPERATOR
from bus.sockets.schedules import unknown_zone
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.support.scenario import Happened, middle
from tests.support.scenario_language import DAWN_NS, Action, End, FeedLost, Open, Send, Start, Wait
from tests.support.scenario_printing import Moment


class EngineDriver:
    """An engine, the numbers of its sessions by name, and its clock, which moves only by waiting."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.sessions: dict[str, int] = {}
        self.now_ns = DAWN_NS
        self.next_session = 1
        self.correlation_id = 1

    def perform(self, action: Action) -> Happened:
        """Do it; the state is checked afterwards."""
        state = self.engine.state
        by_commands = (action.clock if isinstance(action, Start) else state.clock) == CLOCK_COMMANDS
        # As the sequencer gives it.
        time_ns = state.time_ns + 1 if by_commands else max(self.now_ns, state.time_ns + 1)
        first = state.sequence + 1
        moments: dict[int, Moment] = {}
        if isinstance(action, Wait):
            self.now_ns = action.end_ns(max(self.now_ns, state.time_ns))
            if not by_commands and 0 < self.engine.next_timer_ns <= self.now_ns:  # the node's market wakes up
                moments[first] = Moment(self.now_ns, 0, 0)
                self.engine.apply_record(TimeTicked(), self.now_ns)
        elif isinstance(action, Send):
            session = self.sessions[action.name]
            if state.sessions[session].role == OPERATOR and unknown_zone(action.items):
                # The gateway takes nothing of it.
                self.correlation_id += len(action.items)
                return Happened([], {})
            taken = [i for i, item in enumerate(action.items) if not isinstance(item, Malformed)]
            for n, i in enumerate(taken):
                moments[first + n] = Moment(time_ns + n, session, self.correlation_id + i)
            created_ns = max(0, (time_ns if by_commands else self.now_ns) - action.age_ns)
            self.engine.apply_message(
                session,
                self.correlation_id,
                created_ns,
                action.items,
                time_ns,
                action.deadline_ns,
                action.options,
            )
            self.correlation_id += len(action.items)
        else:
            moments[first] = Moment(time_ns, 0, 0)
            self.engine.apply_record(self._record(action), time_ns)
        private, public = self.engine.take_outputs()
        while records := self._wanted():  # each time a batch of its own
            by_commands = state.clock == CLOCK_COMMANDS
            time_ns = state.time_ns + 1 if by_commands else max(self.now_ns, state.time_ns + 1)
            for record in records:
                self.engine.apply_record(record, time_ns)
            more_private, more_public = self.engine.take_outputs()
            private += more_private
            public += more_public
        state.check()
        return Happened(
            [(stream, event) for stream, _, events in private + public for event in events], moments
        )

    def _wanted(self) -> list[object]:
        """What the node logs behind a batch."""
        return [
            *(
                EndDrawn(symbol, number, middle(random_ms * 1_000_000 + 1))
                for symbol, number, random_ms in self.engine.draws_wanted()
            ),
            *(
                PhasesPlanned(
                    schedule.symbol, number, plan_ahead(schedule, planned_ns, self.engine.state.time_ns)
                )
                for schedule, number, planned_ns in self.engine.plans_wanted()
            ),
        ]

    def _record(self, action: Action) -> object:
        if isinstance(action, Start):
            rules = Rules(action.open_orders, action.ids, action.instruments, action.trades, action.clearing)
            return EngineStarted(self.engine.state.epoch + 1, SEMANTICS_VERSION, action.clock, rules)
        if isinstance(action, Open):
            self.sessions[action.name] = self.next_session
            self.next_session += 1
            return SessionOpened(
                self.sessions[action.name], action.account, action.role, 5000, action.cancel_on_disconnect
            )
        if isinstance(action, End):
            return SessionEnded(self.sessions.pop(action.name))
        if isinstance(action, FeedLost):
            return EmergencyRaised(FEED_LOST)
        return TimeTicked()


class RestartingDriver(EngineDriver):
    """An engine that starts again from its own checkpoint after everything that it did."""

    def perform(self, action: Action) -> Happened:
        """Do it, and start again."""
        happened = super().perform(action)
        payload = encode_state(self.engine.state)
        self.engine = Engine(decode_state(payload))
        self.engine.state.check()
        assert encode_state(self.engine.state) == payload, f"{action} leaves what a checkpoint does not keep"
        return happened
