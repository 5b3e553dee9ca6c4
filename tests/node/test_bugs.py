"""What nobody foresaw: a command that breaks the core, or a callback that raises, stops the node in silence."""

from typing import NoReturn

from bus.errors import EngineStopped
from tests.node.parties import Party, Reader, buy
from tests.support.running_node import RunningNode


def test_a_command_that_breaks_the_core_stops_the_node_and_nothing_of_its_batch_is_seen(
    node: RunningNode,
) -> None:
    a = node.addresses
    with Party(a.orders) as alice, Party(a.orders) as bob, Reader(a.feed) as feed:
        alice.hello("alice")
        bob.hello("bob")
        feed.ready()
        alice.ask(buy("safe"))
        before = node.sequence()

        def break_and_send() -> None:
            # The core forgets a session that the gateway knows: its next command finds nobody.
            del node.core.state.sessions[bob.session]
            seat = node.recovery.sessions.get(alice.session)
            broken = node.recovery.sessions.get(bob.session)
            assert seat is not None
            assert broken is not None
            node.node._gateway.take(seat.route, alice.encode(1_000_001, buy("in the same batch")))
            node.node._gateway.take(broken.route, bob.encode(1_000_002, buy("poison")))
            node.node._on_drained()

        node.call(break_and_send)
        error = node.wait_for_error()
        assert isinstance(error, EngineStopped)
        assert f"command {before + 1}" in str(error)
        assert "\n" not in str(error)
        while (envelope := alice.receive(100)) is not None:
            assert envelope.log_sequence <= before
        while (got := feed.receive(50)) is not None:
            assert got[1].log_sequence <= before
        assert [r.client_order_id for r in alice.reports.values()] == ["safe"]


def test_an_exception_in_a_callback_stops_the_node(node: RunningNode) -> None:
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")

        def bug() -> NoReturn:
            raise RuntimeError("nobody foresaw this")

        node.call(lambda: node._loop.call_soon(bug))
        error = node.wait_for_error()
        assert isinstance(error, EngineStopped)
        assert "nobody foresaw this" in str(error)
        alice.send(buy("a"))
        while (envelope := alice.receive(100)) is not None:
            assert not envelope.first_report
