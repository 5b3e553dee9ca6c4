"""Sessions on the orders socket: who gets in, who may speak, who hears what, and how a session ends."""

import pytest

from bus.protocol import reasons
from bus.protocol.commands import CancelOrder, MassCancel
from bus.protocol.control import (
    EngineHeartbeat,
    Heartbeat,
    Hello,
    Instruments,
    LoggedOut,
    Logout,
    OpenOrders,
    QueryInstruments,
    QueryOrders,
    Refused,
    Resumed,
    Welcome,
)
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Rejected
from bus.protocol.terms import BROKER, OPERATOR, TRADER
from tests.node.parties import BTC_USD, Party, Reader, buy, open_market, sell
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk


def refused(answer: object) -> int:
    """The reason of a refusal before the log."""
    assert isinstance(answer, Refused), answer
    return answer.reason


# Who gets in.


def test_a_trader_needs_no_token_brokers_and_operators_do(node: RunningNode) -> None:
    with Party(node.addresses.orders) as party:
        assert party.hello("alice").role == TRADER
        for role in (BROKER, OPERATOR):
            for token in ("", "wrong", TOKEN[:-1], TOKEN + "0", "schlüssel", "\0"):
                answer = party.answer(party.say_hello("house", role=role, token=token))
                assert refused(answer) == reasons.BAD_TOKEN
            assert party.hello("house", role=role, token=TOKEN).role == role


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (Hello("alice", role=4), reasons.MALFORMED),
        (Hello("alice", role=0), reasons.MALFORMED),
        (Hello("", token=TOKEN), reasons.INVALID_ACCOUNT),
        (Hello("a" * 33), reasons.INVALID_ACCOUNT),
        (Hello("Älice"), reasons.INVALID_ACCOUNT),
        (Hello("a b"), reasons.INVALID_ACCOUNT),
        (Hello("alice\n"), reasons.INVALID_ACCOUNT),
        (Hello("alice", lease_ms=999), reasons.INVALID_LEASE),
        (Hello("alice", lease_ms=3_600_001), reasons.INVALID_LEASE),
        (Hello("alice", session=1), reasons.NOT_YOUR_SESSION),
        (Hello("alice", session=2**63 - 1, session_key="x"), reasons.NOT_YOUR_SESSION),
    ],
)
def test_a_hello_that_is_not_welcome_leaves_nothing_behind(
    node: RunningNode, hello: Hello, reason: int
) -> None:
    before = node.sequence()
    with Party(node.addresses.orders) as party:
        assert refused(party.ask(hello)) == reason
    assert node.sequence() == before


def test_what_comes_before_hello_is_refused(node: RunningNode) -> None:
    with Party(node.addresses.orders) as party:
        for item in (buy("a"), MassCancel(), Heartbeat(), Logout(), QueryOrders(), QueryInstruments()):
            assert refused(party.ask(item)) == reasons.HELLO_FIRST


def test_hello_stands_alone(node: RunningNode) -> None:
    with Party(node.addresses.orders) as party:
        for items in ([Hello("a"), Hello("b")], [Hello("a"), Heartbeat()], [Heartbeat(), Hello("a")]):
            answer = party.ask(*items)
            assert (refused(answer), answer.count) == (reasons.MALFORMED, 2)
        party.hello("alice")
        assert refused(party.ask(Hello("alice"))) == reasons.MALFORMED
        assert isinstance(party.ask(Heartbeat()), EngineHeartbeat)


def test_a_routing_id_that_the_client_chose_gets_no_session(node: RunningNode) -> None:
    for chosen in (b"alice", b"a", b"x" * 255, b"\0abc", b"\0abcde"):
        with Party(node.addresses.orders, routing_id=chosen) as party:
            assert refused(party.answer(party.say_hello("alice"))) == reasons.CHOSEN_ROUTING_ID
            assert refused(party.ask(buy("a"))) == reasons.HELLO_FIRST


def test_two_connections_with_one_chosen_id_harm_nobody_else(node: RunningNode) -> None:
    with (
        Party(node.addresses.orders) as polite,
        Party(node.addresses.orders, routing_id=b"twin") as first,
        Party(node.addresses.orders, routing_id=b"twin") as second,
    ):
        polite.hello("polite")
        first.say_hello("first")
        second.say_hello("second")
        assert isinstance(polite.ask(buy("a")), Accepted)


def test_there_are_only_so_many_sessions(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=small_config(limits__sessions_max=3))
    try:
        with Party(node.addresses.orders) as party:
            numbers = [party.hello(f"a{i}").session for i in range(3)]
            assert refused(party.answer(party.say_hello("more"))) == reasons.TOO_MANY_SESSIONS
            # One leaves, one may come; and taking one back is not one more.
            assert isinstance(party.ask(Logout()), LoggedOut)
            newest = party.hello("more")
            assert newest.session == numbers[-1] + 1
            party.ask(party.again(), session=0)
            assert refused(party.answer(party.say_hello("much"))) == reasons.TOO_MANY_SESSIONS
    finally:
        node.stop()


def test_there_are_only_so_many_accounts(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    with Party(node.addresses.orders) as party:
        party.hello("alice")
        monkeypatch.setattr("bus.sockets.gateway.ACCOUNTS_MAX", 3)  # ops, alice and one more
        party.hello("bob")
        before = node.sequence()
        answer = party.answer(party.say_hello("carol"))
        assert (refused(answer), "3 accounts" in answer.text) == (reasons.INVALID_ACCOUNT, True)
        assert node.sequence() == before
        party.hello("alice")
        assert isinstance(party.ask(buy("a")), Accepted)


# Whose session it is.


def test_a_session_is_taken_back_from_a_new_connection_with_its_key_alone(node: RunningNode) -> None:
    orders = node.addresses.orders
    with Party(orders) as first, Party(orders) as thief, Party(orders) as second:
        welcome = first.hello("alice")
        assert isinstance(first.ask(buy("a")), Accepted)
        for hello in (
            Hello("alice", session=welcome.session),
            Hello("alice", session=welcome.session, session_key="0" * 32),
            Hello("alice", session=welcome.session, session_key="ключ"),
            Hello("mallory", session=welcome.session, session_key=welcome.session_key),
            Hello(
                "alice", role=OPERATOR, token=TOKEN, session=welcome.session, session_key=welcome.session_key
            ),
            Hello("alice", session=welcome.session + 1, session_key=welcome.session_key),
        ):
            assert refused(thief.ask(hello)) == reasons.NOT_YOUR_SESSION
        assert isinstance(first.ask(buy("b")), Accepted)

        again = second.ask(first.again(resume_from=1), session=0)
        assert isinstance(again, Welcome)
        assert (again.session, again.session_key) == (welcome.session, welcome.session_key)
        second.session = again.session
        # The old connection speaks no longer for it, and hears no more of it.
        assert refused(first.ask(buy("c"))) == reasons.NOT_YOUR_SESSION
        assert isinstance(second.ask(buy("c")), Accepted)
        assert sorted(second.reports) == [1, 2, 3]
        assert sorted(first.reports) == [1, 2]


def test_a_session_that_is_not_yours_takes_nothing(node: RunningNode) -> None:
    with Party(node.addresses.orders) as alice, Party(node.addresses.orders) as mallory:
        alice.hello("alice")
        mallory.hello("mallory")
        assert isinstance(alice.ask(buy("a")), Accepted)
        before = node.state()
        for session in (alice.session, 999, 2**63 - 1):
            for item in (buy("m"), MassCancel(), CancelOrder(client_order_id="a"), Logout(), QueryOrders()):
                assert refused(mallory.ask(item, session=session)) == reasons.NOT_YOUR_SESSION
        assert node.state() == before


def one_drain(node: RunningNode, *messages: tuple[Party, bytes]) -> None:
    """One drain of the orders socket that finds exactly these messages. Each party has a session already."""

    def drain() -> None:
        seats = [node.recovery.sessions.get(party.session) for party, _ in messages]
        routes = [seat.route for seat in seats if seat is not None]
        for route, (_, payload) in zip(routes, messages, strict=True):
            node.node._gateway.take(route, payload)
        node.node._on_drained()

    node.call(drain)


def test_two_hellos_for_one_session_in_one_drain_are_answered_each_on_its_own_connection(
    node: RunningNode,
) -> None:
    """The later one has the session, the earlier one is told that it has not."""
    orders = node.addresses.orders
    with Party(orders) as owner, Party(orders) as one, Party(orders) as other:
        owner.hello("alice")
        owner.ask(buy("a"))
        one.hello("x")
        other.hello("y")
        hello = owner.again(resume_from=1)
        one_drain(
            node,
            (owner, owner.encode(1_000_001, QueryOrders())),
            (one, one.encode(1_000_002, hello, session=0)),
            (one, one.encode(1_000_003, QueryOrders(), session=owner.session)),
            (other, other.encode(1_000_004, hello, session=0)),
        )
        assert isinstance(owner.answer(1_000_001), OpenOrders)
        assert refused(one.answer(1_000_002)) == reasons.NOT_YOUR_SESSION
        assert isinstance(one.answer(1_000_003), OpenOrders)
        assert isinstance(other.answer(1_000_004), Welcome)
        other.session = owner.session
        assert isinstance(other.ask(buy("b")), Accepted)
        assert sorted(other.reports) == [1, 2]
        assert (sorted(owner.reports), one.reports) == ([1], {})
        assert refused(one.ask(buy("c"), session=owner.session)) == reasons.NOT_YOUR_SESSION


def test_a_session_that_is_taken_back_and_ended_in_one_drain(node: RunningNode) -> None:
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        one_drain(
            node,
            (alice, alice.encode(2_000_001, buy("a"))),
            (alice, alice.encode(2_000_002, alice.again(resume_from=1), session=0)),
            (alice, alice.encode(2_000_003, buy("b"))),
            (alice, alice.encode(2_000_004, Logout())),
            (alice, alice.encode(2_000_005, alice.again(), session=0)),
        )
        assert refused(alice.answer(2_000_005)) == reasons.NOT_YOUR_SESSION
        assert isinstance(alice.answer(2_000_002), Welcome)
        assert isinstance(alice.answer(2_000_004), LoggedOut)
        assert [r.client_order_id for r in alice.reports.values()] == ["a", "b"]


@pytest.fixture
def orders(node: RunningNode) -> str:
    """The address of the orders socket."""
    return node.addresses.orders


def test_all_sessions_of_an_account_get_all_its_reports_and_nobody_else_does(orders: str) -> None:
    with Party(orders) as desk, Party(orders) as phone, Party(orders) as other:
        desk.hello("alice")
        phone.hello("alice")
        other.hello("bob")
        desk.ask(buy("a"))
        phone.ask(buy("b"))
        other.ask(sell("c", 100, 2))
        for party in (desk, phone):
            while len(party.reports) < 4:
                assert party.receive() is not None
        assert desk.reports == phone.reports
        assert [r.client_order_id for r in desk.reports.values()] == ["a", "b", "a", "b"]
        assert {r.client_order_id for r in other.reports.values()} == {"c"}


def test_a_broker_has_many_sessions_on_one_connection(node: RunningNode) -> None:
    with Party(node.addresses.orders) as broker:
        sessions = {}
        for account in ("u1", "u2", "u1"):
            sessions[broker.hello(account, role=BROKER, token=TOKEN).session] = account
        assert len(sessions) == 3
        for session, account in sessions.items():
            broker.session = session
            broker.reports = {}  # numbers are an account's own
            broker.send(buy(f"of{session}"))
            envelopes = [broker.until(_envelope_with_reports) for _ in range(2 if account == "u1" else 1)]
            assert sorted(e.session for e in envelopes) == [s for s, a in sessions.items() if a == account]
            assert all(e.items[0].session == session for e in envelopes)
        ended = next(iter(sessions))
        assert isinstance(broker.ask(Logout(), session=ended), LoggedOut)
        assert refused(broker.ask(buy("x"), session=ended)) == reasons.NOT_YOUR_SESSION


def _envelope_with_reports(envelope: object) -> object:
    return envelope if envelope.first_report else None  # type: ignore[attr-defined]


def test_only_an_operator_operates(orders: str) -> None:
    with Party(orders) as party:
        for role in (TRADER, BROKER):
            party.hello(f"role{role}", role=role, token=TOKEN)
            party.reports = {}  # numbers are an account's own
            answer = party.ask(BTC_USD)
            assert isinstance(answer, Rejected)
            assert answer.reason == reasons.NOT_PERMITTED


# What a session is told when it asks.


def test_a_client_resumes_from_a_report_number(orders: str) -> None:
    with Party(orders) as alice:
        alice.hello("alice")
        for i in range(10):
            alice.ask(buy(f"{i}"))
        known = dict(alice.reports)
        for resume_from, first in ((1, 1), (7, 7), (10, 10), (11, 11), (12, 11), (2**63 - 1, 11)):
            alice.reports = {}
            number = alice.send(alice.again(resume_from=resume_from), session=0)
            welcome = alice.answer(number)
            assert (welcome.next_report, welcome.oldest_report) == (11, 1)
            resumed = alice.until(_resumed)
            assert (resumed.correlation_id, resumed.first_report, resumed.next_report) == (number, first, 11)
            while len(alice.reports) < 11 - first:
                assert alice.receive() is not None
            assert alice.reports == {n: r for n, r in known.items() if n >= first}


def _resumed(envelope: object) -> Resumed | None:
    items = envelope.items  # type: ignore[attr-defined]
    return next((item for item in items if isinstance(item, Resumed)), None)


def test_beyond_the_ring_the_oldest_that_is_kept_and_the_open_orders_are_told(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=small_config(limits__report_ring_events_max=4))
    open_market(node.addresses)
    try:
        with Party(node.addresses.orders) as alice:
            alice.hello("alice")
            for i in range(10):
                alice.ask(buy(f"{i}"))
            alice.reports = {}
            welcome = alice.ask(alice.again(resume_from=3, want_orders=True), session=0)
            assert (welcome.oldest_report, welcome.next_report) == (7, 11)
            resumed = alice.until(_resumed)
            assert (resumed.first_report, resumed.next_report) == (7, 11)
            orders = alice.until(lambda e: next((i for i in e.items if isinstance(i, OpenOrders)), None))
            assert sorted(alice.reports) == [7, 8, 9, 10]
            assert orders.next_report == 11
            assert [order.entered.client_order_id for order in orders.orders] == [f"{i}" for i in range(10)]
    finally:
        node.stop()


def test_open_orders_and_instruments_on_request(orders: str) -> None:
    with Party(orders) as alice, Party(orders) as bob:
        alice.hello("alice")
        bob.hello("bob")
        alice.ask(buy("a", 100, 5))
        bob.ask(sell("b", 100, 2))
        answer = alice.ask(QueryOrders())
        assert isinstance(answer, OpenOrders)
        (order,) = answer.orders
        assert (order.entered, order.quantity_lots, order.filled_lots) == (buy("a", 100, 5), 5, 2)
        assert answer.next_report == 3
        assert bob.ask(QueryOrders()).orders == []
        answer = alice.ask(QueryInstruments())
        assert isinstance(answer, Instruments)
        assert [i.definition for i in answer.instruments] == [BTC_USD]
        # Several in one message, each with its own correlation id.
        first = alice.send(Heartbeat(), QueryOrders(), QueryInstruments())
        kinds = [type(alice.answer(first + i)) for i in range(3)]
        assert kinds == [EngineHeartbeat, OpenOrders, Instruments]


# How a session ends.


def test_logout_cancels_the_orders_of_that_session_alone(node: RunningNode) -> None:
    a = node.addresses
    with Party(a.orders) as leaver, Party(a.orders) as stayer, Reader(a.feed) as feed:
        leaver.hello("alice", cancel_on_disconnect=True)
        stayer.hello("alice")
        feed.ready()
        leaver.ask(buy("of the leaver", 100))
        stayer.ask(buy("of the stayer", 101))
        assert isinstance(leaver.ask(Logout()), LoggedOut)
        stayer.until(lambda e: any(isinstance(i, Cancelled) for i in e.items))
        cancelled = stayer.reports[max(stayer.reports)]
        assert (cancelled.client_order_id, cancelled.reason) == ("of the leaver", reasons.SESSION_ENDED)
        frames = feed.up_to(node.sequence())
        levels = [e for name, f in frames if name.startswith("level.") for e in f.events]
        assert [(e.price_ticks, e.quantity_lots) for e in levels] == [(100, 1), (101, 1), (100, 0)]
        assert [o.entered.client_order_id for o in stayer.ask(QueryOrders()).orders] == ["of the stayer"]


def test_what_follows_a_logout_is_refused_also_in_the_same_drain(node: RunningNode) -> None:
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        numbers: list[int] = []

        def at_once() -> None:
            numbers.append(alice.send(buy("before")))
            numbers.append(alice.send(Heartbeat(), Logout(), Heartbeat(), QueryOrders()))
            numbers.append(alice.send(buy("after")))
            numbers.append(alice.send(Logout()))
            numbers.append(alice.send(alice.again(), session=0))

        node.call(at_once)
        before, control, after, logout, hello = numbers
        assert isinstance(alice.answer(before), Accepted)
        answers = {n: alice.answer(n) for n in (control, control + 1, control + 2, after, logout, hello)}
        assert isinstance(answers[control], EngineHeartbeat)
        assert isinstance(answers[control + 1], LoggedOut)
        assert (answers[control + 2].reason, answers[control + 2].count) == (reasons.NOT_YOUR_SESSION, 2)
        assert refused(answers[after]) == refused(answers[logout]) == reasons.NOT_YOUR_SESSION
        assert refused(answers[hello]) == reasons.NOT_YOUR_SESSION


def test_a_lease_runs_out_and_what_it_protected_is_cancelled_and_published(node: RunningNode) -> None:
    a = node.addresses
    with Party(a.orders) as gone, Party(a.orders) as witness, Reader(a.feed) as feed:
        gone.hello("alice", cancel_on_disconnect=True, lease_ms=1000)
        witness.hello("alice")
        feed.ready()
        gone.ask(buy("a"))
        gone.close()
        witness.until(lambda e: any(isinstance(i, Cancelled) for i in e.items))
        assert witness.reports[2].reason == reasons.SESSION_ENDED
        assert (witness.reports[2].session, witness.reports[2].correlation_id) == (0, 0)
        frames = feed.until(lambda name, _: name == "level.BTC-USD." and _.events[-1].quantity_lots == 0)
        assert [name for name, _ in frames if name.startswith("order.")] != []


def test_any_message_renews_a_lease(node: RunningNode) -> None:
    """Two sessions of one second: one that says something now and then outlives the other."""
    with Party(node.addresses.orders) as lively, Party(node.addresses.orders) as silent:
        lively.hello("lively", lease_ms=1000)
        silent.hello("silent", lease_ms=1000)
        while True:
            assert isinstance(lively.ask(Heartbeat()), EngineHeartbeat)
            if not node.call(lambda: silent.session in node.core.state.sessions):
                break
        assert isinstance(lively.ask(buy("a")), Accepted)
        assert refused(silent.ask(Heartbeat())) == reasons.NOT_YOUR_SESSION


def test_a_restart_renews_leases_and_sessions_go_on(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    with Party(node.addresses.orders) as alice:
        first = alice.hello("alice", cancel_on_disconnect=True, lease_ms=60_000)
        alice.ask(buy("a"))
        hello = alice.again(resume_from=1, want_orders=True)
    node.stop()
    node = RunningNode(disk=disk)
    try:
        with Party(node.addresses.orders) as alice:
            welcome = alice.ask(hello, session=0)
            assert isinstance(welcome, Welcome)
            assert (welcome.session, welcome.session_key) == (first.session, first.session_key)
            alice.session, alice.welcome = welcome.session, welcome
            orders = alice.until(lambda e: next((i for i in e.items if isinstance(i, OpenOrders)), None))
            assert [o.entered.client_order_id for o in orders.orders] == ["a"]
            assert isinstance(alice.ask(buy("a")), Duplicate)
            assert isinstance(alice.ask(Logout()), LoggedOut)
        with Party(node.addresses.orders) as alice:
            alice.hello("alice")
            assert alice.ask(QueryOrders()).orders == []
            assert isinstance(alice.ask(MassCancel()), Completed)
    finally:
        node.stop()
