"""A client's session over connections that break, against an engine that restarts, forgets and refuses."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import Busy
from bus.protocol import reasons
from bus.protocol.codec import (
    ControlMessage,
    decode_client_message,
    decode_envelope,
    encode_envelope,
    encode_message,
)
from bus.protocol.commands import CancelOrder, Command, EnterOrder, MassCancel, SetPhase
from bus.protocol.control import Heartbeat, Hello, Logout, OpenOrders, QueryOrders, Refused
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Filled, Rejected, Report
from bus.protocol.terms import BUY, CLOCK_COMMANDS, IOC, OPERATOR, SELL
from bus.sockets.session.client_core import HELLO_INTERVAL_MS, HELLO_TIMEOUT_MS, ClientCore, State
from bus.sockets.session.happenings import (
    Answered,
    AnswersLost,
    Ended,
    Happening,
    NotTaken,
    Opened,
    Reports,
    ReportsLost,
    ReportsWithdrawn,
)
from tests.support.simulated_network import BTC_USD, MS, Pipe, SimulatedEngine, as_tuple


class World:
    """One client, one engine, and the connection between them."""

    def __init__(self, engine: SimulatedEngine | None = None, **wishes: Any) -> None:
        self.engine = engine or SimulatedEngine()
        self.operator = self.engine.open_session("operator", OPERATOR)
        self.engine.command(self.operator, BTC_USD)
        self.other = self.engine.open_session("bob")
        self.core = ClientCore(Hello("alice", **wishes))
        self.now = 1_000_000 * MS
        self.connection = 0
        self.up, self.down = Pipe(), Pipe()
        self.happenings: list[Happening] = []
        self.given: dict[int, Command] = {}
        self.names = 0

    # The shell.

    def breathe(self) -> None:
        """The client sends what it has, the engine takes it, the client takes what comes."""
        self.send()
        self.deliver_up()
        self.deliver_down()

    def send(self) -> None:
        if self.core.wants_connection:
            self.connection += 1
            self.up, self.down = Pipe(), Pipe()
            self.core.connected(self.now)
        for message in self.core.outgoing(self.now, self.engine.time_ns):
            self.up.put(message)

    def deliver_up(self) -> None:
        for message in self.up.take():
            self.engine.receive(self.connection, message)
        self.collect()

    def collect(self) -> None:
        while self.engine.sent:
            connection, payload = self.engine.sent.popleft()
            if connection == self.connection:
                self.down.put(payload)

    def deliver_down(self) -> None:
        self.collect()
        for message in self.down.take():
            self.happenings += self.core.receive(message, self.now)

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS
        self.engine.time_ns += ms * MS
        self.deliver_down()
        self.core.tick(self.now)

    def settle(self) -> None:
        """The network is good from here on: everything heals within a bounded time."""
        for _ in range(60):
            self.breathe()
            if (
                self.core.state is State.OPEN
                and not self.core.has_outgoing
                and not self.core.unanswered
                and self.core.next_report == len(self.engine.reports.get("alice", [])) + 1
            ):
                return
            self.engine.heartbeats()
            self.pass_time(500)
        raise AssertionError(f"not healed: {self.core.state}, {self.core.unanswered} unanswered")

    def silent_cut(self) -> None:
        """ZeroMQ connects again behind the client's back: what was under way is gone, the engine sees a stranger."""
        self.connection += 1
        self.up.messages.clear()
        self.down.messages.clear()
        self.engine.sent.clear()

    # The user.

    def add(self, *commands: Command) -> int:
        first = self.core.add(commands)
        self.given.update(zip(range(first, first + len(commands)), commands, strict=True))
        return first

    def enter(self, side: int = BUY, quantity: int = 5, price: int = 3_000_000, **more: Any) -> int:
        self.names += 1
        return self.add(EnterOrder(f"order-{self.names}", "BTC-USD", side, quantity, price, **more))

    def take_liquidity(self, quantity: int = 3) -> None:
        """Bob sells into whatever alice bids: reports that answer nobody."""
        name = f"bob-{len(self.engine.log)}"
        self.engine.command(self.other, EnterOrder(name, "BTC-USD", SELL, quantity, 1, 1, IOC))

    # What the client was told.

    def reports(self) -> list[Report]:
        """As the user knows them, withdrawn ones taken back. Checks that numbers have no gap that is not named."""
        known: dict[int, Report] = {}
        following = 0
        for item in self.happenings:
            if isinstance(item, ReportsLost):
                assert following in (0, item.first_report)
                following = item.next_report
            elif isinstance(item, ReportsWithdrawn):
                assert following in (0, item.next_report)
                following = item.first_report
                known = {number: report for number, report in known.items() if number < following}
            elif isinstance(item, Reports):
                assert following in (0, item.first_report)
                following = item.first_report + len(item.reports)
                known.update(zip(range(item.first_report, following), item.reports, strict=True))
        return list(known.values())

    def answers(self) -> dict[int, object]:
        """What answered each command: exactly one thing."""
        answers: dict[int, object] = {}

        def answer(number: int, what: object) -> None:
            assert number not in answers, f"{number} answered twice"
            answers[number] = what

        for item in self.happenings:
            if isinstance(item, Reports):
                for number, report in item.answers:
                    answer(number, report)
            elif isinstance(item, NotTaken | AnswersLost):
                for number in item.correlation_ids:
                    answer(number, item)
        return answers


def opened(**wishes: Any) -> World:
    world = World(**wishes)
    world.settle()
    return world


# The way of a session


def test_hello_then_welcome_then_commands_in_one_message() -> None:
    world = World()
    world.enter()
    world.enter()
    world.send()
    assert [type(decode_client_message(m)) for m in world.up.messages] == [ControlMessage]
    world.deliver_up()
    world.deliver_down()
    world.send()
    (message,) = world.up.messages
    assert len(decode_client_message(message).items) == 2
    world.breathe()
    answers = world.answers()
    assert [type(answers[number]) for number in (1, 2)] == [Accepted, Accepted]
    assert isinstance(world.happenings[0], Opened)
    assert not world.happenings[0].renewed


def test_messages_stay_within_the_bounds_of_the_welcome() -> None:
    engine = SimulatedEngine(commands_per_message_max=10, message_bytes_max=300)
    world = World(engine)  # which asserts both bounds
    world.settle()
    world.add(*(EnterOrder(f"{n:036}", "BTC-USD", BUY, 1, 100) for n in range(95)))
    world.settle()
    assert [report.client_order_id for report in world.reports() if isinstance(report, Accepted)] == [
        f"{n:036}" for n in range(95)
    ]


def test_ioc_is_answered_by_accepted_and_the_rest_are_reports() -> None:
    world = opened()
    number = world.enter(time_in_force=IOC)
    world.settle()
    assert isinstance(world.answers()[number], Accepted)
    assert [type(report) for report in world.reports()] == [Accepted, Cancelled]


def test_a_mass_cancel_is_answered_by_its_count_not_by_the_first_order_it_took() -> None:
    world = opened()
    world.enter()
    world.enter()
    number = world.add(MassCancel())
    world.settle()
    answer = world.answers()[number]
    assert isinstance(answer, Completed)
    assert answer.count == 2
    assert [type(report) for report in world.reports()] == [
        Accepted,
        Accepted,
        Cancelled,
        Cancelled,
        Completed,
    ]


def test_fills_of_others_are_reports_and_answer_nobody() -> None:
    world = opened()
    world.enter()
    world.settle()
    before = world.answers()
    world.take_liquidity()
    world.deliver_down()
    assert isinstance(world.reports()[-1], Filled)
    assert world.answers() == before


def test_a_refused_hello_ends_it() -> None:
    world = World()
    world.core = ClientCore(Hello("nobody"))
    world.breathe()
    (ended,) = world.happenings
    assert isinstance(ended, Ended)
    assert ended.refused is not None
    assert ended.refused.reason == reasons.INVALID_ACCOUNT
    assert world.core.state is State.ENDED
    assert not world.core.wants_connection


def test_logout_leaves_after_everything_that_was_added() -> None:
    world = opened(cancel_on_disconnect=True)
    world.enter()
    world.core.logout()
    world.breathe()
    assert [type(report) for report in world.reports()] == [Accepted, Cancelled]
    assert world.happenings[-1] == Ended(None)
    assert world.engine.routes == {}


def test_a_busy_engine_takes_nothing_and_says_so_for_each_command() -> None:
    world = opened()
    world.engine.busy = True
    first = world.add(*(EnterOrder(f"n{n}", "BTC-USD", BUY, 1, 100) for n in range(3)))
    world.breathe()
    (refusal,) = [item for item in world.happenings if isinstance(item, NotTaken)]
    assert refusal.correlation_ids == [first, first + 1, first + 2]
    assert refusal.refused.reason == reasons.QUEUE_FULL
    assert world.core.unanswered == 0


def test_too_many_unanswered_are_refused_before_anything_is_taken() -> None:
    core = ClientCore(Hello("alice"), unanswered_commands_max=3)
    core.add([CancelOrder(1), CancelOrder(2)])
    with pytest.raises(Busy):
        core.add([CancelOrder(3), CancelOrder(4)])
    assert core.unanswered == 2
    assert core.add([CancelOrder(3)]) == 3


def test_queries_are_asked_again_after_a_reconnect() -> None:
    world = opened()
    world.enter()
    world.settle()
    number = world.core.query(QueryOrders())
    world.send()
    world.core.lost()
    world.settle()
    (answer,) = [item for item in world.happenings if isinstance(item, Answered)]
    assert answer.correlation_id == number
    assert isinstance(answer.answer, OpenOrders)
    assert len(answer.answer.orders) == 1


def test_the_clock_of_commands_dates_them() -> None:
    world = opened(engine=SimulatedEngine(clock=CLOCK_COMMANDS, time_ns=77_000))
    world.enter()
    (message,) = world.core.outgoing(world.now, utc_ns=10**18)
    assert decode_client_message(message).created_ns == world.core.time_ns
    assert world.core.time_ns < 10**9


def test_a_refusal_tells_of_no_time() -> None:
    """Its envelope says 0; a command that is dated 0 would be stale for ever."""
    world = opened(engine=SimulatedEngine(clock=CLOCK_COMMANDS, time_ns=77_000))
    heard = world.core.time_ns
    refused = Refused(5, 1, reasons.QUEUE_FULL, "")
    world.core.receive(encode_envelope(world.core.session, world.core.epoch, 0, 0, 0, [refused]), world.now)
    assert world.core.time_ns == heard > 0


# Time


def test_a_heartbeat_after_a_third_of_the_lease_and_only_when_nothing_else_was_sent() -> None:
    world = opened(lease_ms=3_000)

    def sent_after(ms: int) -> list[type]:
        world.engine.heartbeats()
        world.pass_time(ms)
        messages = world.core.outgoing(world.now, 1)
        return [type(item) for message in messages for item in decode_client_message(message).items]

    world.enter()
    assert sent_after(0) == [EnterOrder]
    assert sent_after(999) == []
    assert sent_after(1) == [Heartbeat]
    assert sent_after(999) == []
    world.enter()
    assert sent_after(0) == [EnterOrder]
    assert sent_after(999) == []
    assert sent_after(1) == [Heartbeat]


def test_three_silent_heartbeats_are_a_lost_connection() -> None:
    world = opened()
    world.pass_time(2_999)
    assert not world.core.wants_connection
    world.pass_time(1)
    assert world.core.wants_connection


def test_anything_heard_is_no_silence() -> None:
    world = opened()
    world.pass_time(2_999)
    world.enter()
    world.breathe()
    world.pass_time(2_999)
    assert not world.core.wants_connection


def test_a_hello_without_answer_is_tried_on_a_new_connection() -> None:
    world = World()
    world.send()
    world.up.messages.clear()
    world.pass_time(HELLO_TIMEOUT_MS - 1)
    assert not world.core.wants_connection
    world.pass_time(1)
    assert world.core.wants_connection


def test_the_deadline_is_when_tick_has_something_to_do() -> None:
    world = World()
    assert world.core.deadline_ns is None
    world.send()
    assert world.core.deadline_ns == world.now + HELLO_TIMEOUT_MS * MS
    world.settle()
    deadline = world.core.deadline_ns
    assert deadline is not None
    world.core.tick(deadline - 1)
    assert not world.core.has_outgoing
    world.core.tick(deadline)
    assert world.core.has_outgoing or world.core.wants_connection


# What gets lost


def test_a_missing_report_is_asked_for_on_the_same_connection() -> None:
    world = opened()
    world.pass_time(HELLO_INTERVAL_MS)
    for _ in range(3):
        world.enter()
        world.send()
        world.deliver_up()
        if world.names == 2:
            world.down.messages.clear()
    world.deliver_down()
    connection = world.connection
    world.settle()
    assert world.connection == connection
    assert len(world.reports()) == 3
    assert not [report for report in world.reports() if isinstance(report, Duplicate)]


def test_a_missing_last_report_is_noticed_by_the_heartbeat() -> None:
    world = opened()
    world.enter()
    world.send()
    world.deliver_up()
    world.down.messages.clear()
    world.engine.heartbeats()
    world.deliver_down()
    assert world.core.state in (State.PAUSING, State.GREETING)
    world.settle()
    assert [type(report) for report in world.reports()] == [Accepted]


def test_a_repeated_report_is_told_once_also_when_it_comes_with_new_ones() -> None:
    world = opened()
    world.enter()
    world.enter()
    world.send()
    world.deliver_up()
    (both,) = world.down.take()
    envelope = decode_envelope(both)
    first = encode_envelope(envelope.session, envelope.epoch, 1, 0, 0, envelope.items[:1])
    for message in (first, both, first, both):
        world.happenings += world.core.receive(message, world.now)
    told = [item for item in world.happenings if isinstance(item, Reports)]
    assert [(item.first_report, len(item.reports)) for item in told] == [(1, 1), (2, 1)]
    assert world.core.next_report == 3


def test_an_answer_to_another_session_of_the_account_is_not_ours() -> None:
    """Correlation ids are unique within a session only."""
    world = opened()
    number = world.enter()
    world.send()
    late = world.up.take()
    stranger = world.engine.open_session("alice")
    world.engine.routes[stranger] = "elsewhere"
    world.engine.accounts[stranger] = "alice"
    world.engine.receive("elsewhere", encode_message(stranger, number, world.engine.time_ns, [MassCancel()]))
    world.deliver_down()
    assert [type(report) for report in world.reports()] == [Completed]
    assert world.answers() == {}
    for message in late:
        world.engine.receive(world.connection, message)
    world.deliver_down()
    assert isinstance(world.answers()[number], Accepted)


def resuming() -> tuple[World, list[bytes]]:
    """A client that was welcomed back, and the missed reports that are still to come, an envelope each."""
    world = opened()
    world.core.lost()
    stranger = world.engine.open_session("alice")
    for n in range(9):
        world.engine.command(stranger, EnterOrder(f"s{n}", "BTC-USD", BUY, 1, 100))
    world.send()
    world.deliver_up()
    welcome, resumed, *reports = world.down.take()
    for message in (welcome, resumed):
        world.happenings += world.core.receive(message, world.now)
    assert world.core.state is State.RESUMING
    assert len(reports) == 3
    return world, reports


def test_nothing_is_sent_while_missed_reports_are_still_to_come() -> None:
    world, reports = resuming()
    world.enter()
    assert not world.core.has_outgoing
    assert world.core.outgoing(world.now, 1) == []
    for message in reports:
        world.core.receive(message, world.now)
    assert len(world.core.outgoing(world.now, 1)) == 1


def test_missed_reports_that_stream_in_slowly_are_not_asked_for_twice() -> None:
    """A heartbeat between them is no sign of loss; one after which nothing has come since the last one is."""
    world, reports = resuming()
    world.pass_time(HELLO_INTERVAL_MS)
    states: list[State] = []
    for message in (*reports[:2], None):
        if message is not None:
            world.core.receive(message, world.now)
        world.engine.heartbeats()
        world.deliver_down()
        states.append(world.core.state)
    assert states == [State.RESUMING, State.RESUMING, State.GREETING]


def test_after_a_reconnect_what_was_not_taken_goes_first() -> None:
    world = opened()
    world.enter()
    world.send()
    world.up.messages.clear()  # never arrives
    world.core.lost()
    world.enter()
    world.settle()
    accepted = [report for report in world.reports() if isinstance(report, Accepted)]
    assert [report.client_order_id for report in accepted] == ["order-1", "order-2"]


def test_what_is_sent_again_is_what_was_sent() -> None:
    world = opened()
    world.enter()
    world.send()
    (before,) = world.up.take()
    world.core.lost()
    world.pass_time(60)
    world.send()
    world.deliver_up()
    world.deliver_down()
    world.send()
    (after,) = world.up.take()
    assert after == before


def test_an_answer_that_was_lost_with_the_connection_comes_with_the_resume() -> None:
    world = opened()
    number = world.enter()
    world.send()
    world.deliver_up()
    world.core.lost()
    world.settle()
    assert isinstance(world.answers()[number], Accepted)
    assert [type(report) for report in world.reports()] == [Accepted]


def test_a_session_that_has_ended_is_renewed_and_answers_of_the_old_one_still_count() -> None:
    world = opened(cancel_on_disconnect=True)
    number = world.enter()
    world.send()
    world.deliver_up()
    world.core.lost()
    world.engine.end_session(world.core.session)
    world.settle()
    assert [item.renewed for item in world.happenings if isinstance(item, Opened)] == [False, True]
    assert isinstance(world.answers()[number], Accepted)
    assert [type(report) for report in world.reports()] == [Accepted, Cancelled]


def test_a_connection_that_zeromq_renewed_itself_is_noticed_by_the_refusal() -> None:
    world = opened()
    world.enter()
    world.send()
    world.silent_cut()
    world.enter()
    world.settle()
    accepted = [report for report in world.reports() if isinstance(report, Accepted)]
    assert [report.client_order_id for report in accepted] == ["order-1", "order-2"]


def test_reports_that_are_no_longer_kept_are_named() -> None:
    world = World(SimulatedEngine(report_ring_max=4))
    world.settle()
    number = world.enter()
    cancel = world.add(CancelOrder(client_order_id="order-1"))
    mass = world.add(MassCancel())
    world.send()
    world.deliver_up()
    world.core.lost()
    stranger = world.engine.open_session("alice")
    for n in range(10):
        world.engine.command(stranger, EnterOrder(f"s{n}", "BTC-USD", BUY, 1, 100))
    world.settle()
    (lost,) = [item for item in world.happenings if isinstance(item, ReportsLost)]
    assert lost == ReportsLost(1, 10)
    answers = world.answers()
    duplicate, ended = answers[number], answers[cancel]
    assert isinstance(duplicate, Duplicate)
    assert duplicate.reason == 0
    assert isinstance(ended, Rejected)
    assert ended.reason == reasons.ORDER_ENDED
    # A mass cancel is not risked twice: the stranger's orders, entered after it, stay.
    assert isinstance(answers[mass], AnswersLost)
    account = world.engine.engine.state.accounts["alice"]
    assert len(account.open) == 10


def test_an_engine_that_forgot_what_it_said_takes_it_back() -> None:
    world = opened()
    world.enter()
    world.settle()
    world.enter()
    world.enter()
    world.settle()
    world.engine.restart(forget=1)
    world.core.lost()
    world.settle()
    assert [item for item in world.happenings if isinstance(item, ReportsWithdrawn)] == [
        ReportsWithdrawn(2, 4)
    ]
    world.enter()
    world.settle()
    accepted = [report for report in world.reports() if isinstance(report, Accepted)]
    assert [report.client_order_id for report in accepted] == ["order-1", "order-4"]


def test_what_an_older_engine_still_says_is_not_heard() -> None:
    world = opened()
    stranger = world.engine.open_session("alice")
    world.engine.command(stranger, EnterOrder("s", "BTC-USD", BUY, 1, 100))
    world.collect()
    (late,) = world.down.take()
    world.engine.restart(forget=1)
    world.core.lost()
    world.settle()
    assert world.core.receive(late, world.now) == []
    assert world.core.next_report == 1


def test_resuming_from_a_number_of_an_earlier_life() -> None:
    world = opened()
    for _ in range(5):
        world.enter()
    world.settle()
    again = World(world.engine, resume_from=3)
    again.settle()
    assert [report.client_order_id for report in again.reports() if isinstance(report, Accepted)] == [
        "order-3",
        "order-4",
        "order-5",
    ]


def test_bytes_that_are_no_envelope_are_a_lost_connection() -> None:
    world = opened()
    world.core.receive(b"\xc1", world.now)
    assert world.core.wants_connection


# Everything at once

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "enter", "enter", "cross", "cancel", "mass cancel", "bob", "breathe", "breathe", "send", "up",
                "lost", "cut up", "silent cut", "restart", "lease", "time", "heartbeats", "halt", "shake",
            ]
        ),
        st.integers(0, 10),
    ),
    max_size=40,
)  # fmt: skip


def play(world: World, actions: list[tuple[str, int]]) -> None:
    """One life of a client on a bad network."""
    for action, n in actions:
        if action == "enter":
            world.enter(price=100 + n)
        elif action == "cross":
            world.enter(side=SELL, price=100 + n, quantity=n)
        elif action == "cancel":
            world.add(CancelOrder(client_order_id=f"order-{max(1, world.names - n)}"))
        elif action == "mass cancel":
            world.add(MassCancel())
        elif action == "bob":
            world.take_liquidity(n + 1)
        elif action == "breathe":
            world.breathe()
        elif action == "send":
            world.send()
        elif action == "up":
            world.send()
            world.deliver_up()
        elif action == "lost":
            world.core.lost()
        elif action == "cut up":
            world.send()
            for _ in range(min(n, len(world.up.messages))):
                world.up.messages.pop()
            world.deliver_up()
            world.core.lost()
        elif action == "silent cut":
            world.send()
            world.silent_cut()
        elif action == "restart":
            world.engine.restart()
            world.silent_cut()
        elif action == "lease":
            if world.core.session in world.engine.routes:
                world.engine.end_session(world.core.session)
        elif action == "time":
            world.pass_time(n * 150)
        elif action == "heartbeats":
            world.engine.heartbeats()
        elif action == "halt":
            world.engine.command(world.operator, SetPhase("BTC-USD", 1 + n % 2))
        else:
            world.collect()
            world.down.shake(random.Random(n), drop=0.3, repeat=0.3, swap=0.3)


@settings(max_examples=400, deadline=None)
@given(ACTIONS)
def test_every_command_happens_once_in_order_and_every_report_is_told_once(
    actions: list[tuple[str, int]],
) -> None:
    world = World(resume_from=1)
    play(world, actions)
    world.settle()
    said = world.engine.reports.get("alice", [])
    told = world.reports()
    assert [as_tuple(report) for report in told] == said
    # Nothing was lost, so nothing was sent twice that had been taken.
    assert not [report for report in told if isinstance(report, Duplicate)]
    assert len([r for r in told if isinstance(r, Completed)]) == len(
        [c for c in world.given.values() if isinstance(c, MassCancel)]
    )
    # Each command has one answer, about itself.
    answers = world.answers()
    assert sorted(answers) == sorted(world.given)
    for number, command in world.given.items():
        answer = answers[number]
        if isinstance(command, EnterOrder):
            assert isinstance(answer, Accepted | Rejected)
            name = answer.client_order_id if isinstance(answer, Accepted) else answer.request_id
            assert name == command.client_order_id
        elif isinstance(command, CancelOrder):
            assert isinstance(answer, Cancelled | Rejected)
    # And they happened in the order in which they were given.
    sequences = [answers[number].sequence for number in sorted(answers)]  # type: ignore[attr-defined]
    assert sequences == sorted(sequences)


@settings(max_examples=300, deadline=None)
@given(ACTIONS, st.integers(1, 6))
def test_with_a_short_memory_nothing_executes_twice_and_every_loss_is_named(
    actions: list[tuple[str, int]], kept: int
) -> None:
    world = World(SimulatedEngine(report_ring_max=kept), resume_from=1)
    play(world, actions)
    world.settle()
    world.reports()  # checks that no gap goes without a name
    said = world.engine.reports.get("alice", [])
    names = [report[6] for report in said if report[0] in (40,)]
    assert len(names) == len(set(names))
    assert sorted(world.answers()) == sorted(world.given)
    completed = [report for report in said if report[0] == 46]
    assert len(completed) <= len([c for c in world.given.values() if isinstance(c, MassCancel)])


@settings(max_examples=200, deadline=None)
@given(ACTIONS, st.integers(1, 5), ACTIONS)
def test_after_a_loss_of_power_the_client_knows_what_the_engine_knows(
    before: list[tuple[str, int]], forget: int, after: list[tuple[str, int]]
) -> None:
    world = World(resume_from=1)
    play(world, before)
    world.engine.restart(forget=forget)
    world.silent_cut()
    world.operator = world.engine.open_session("operator", OPERATOR)
    world.engine.command(world.operator, BTC_USD)
    world.other = world.engine.open_session("bob")
    world.core.lost()
    world.settle()
    play(world, after)
    world.settle()
    said = world.engine.reports.get("alice", [])
    told = world.reports()
    assert [as_tuple(report) for report in told] == said


def test_logout_travels_alone() -> None:
    """Control items never share a message with commands."""
    world = opened()
    world.enter()
    world.core.logout()
    world.send()
    items = [decode_client_message(message).items for message in world.up.messages]
    assert [type(part[0]) for part in items] == [EnterOrder, Logout]
