"""Floods and fairness: whoever sends too much, or reads too little, harms himself alone."""

import resource
import subprocess
import sys

import pytest

from bus.protocol import reasons
from bus.protocol.commands import CancelOrder, MassCancel
from bus.protocol.control import Heartbeat, QueryOrders, Refused, Welcome
from bus.protocol.recovery import Replay, Replayed
from bus.protocol.reports import Accepted, Cancelled, Completed
from tests.node.parties import Asker, Party, Reader, buy, open_market, sell
from tests.support.processes import ROOT
from tests.support.running_node import RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

#: A process of its own, since one that shares the node's interpreter would mostly flood that.
_FLOOD = """
import sys
import zmq
from bus.protocol.codec import encode_message
from bus.protocol.control import Heartbeat
socket = zmq.Context().socket(zmq.DEALER)
socket.sndtimeo = 10_000
socket.connect(sys.argv[1])
tiny = [b"", b"\\0", b"\\x95", encode_message(0, 0, 0, [Heartbeat()])]
for i in range(100_000):
    socket.send(tiny[i % 4])
socket.setsockopt(zmq.LINGER, 10_000)
"""


def hold(node: RunningNode, disk: SimulatedDisk) -> None:
    """From here on nothing becomes durable, and no earlier sync is under way."""

    def settled() -> bool:
        writer = node.journal.writer
        if writer.durable_generation != writer.generation:
            return False
        disk.hold_datasyncs()
        return True

    node.wait_until(settled)


def resident_bytes() -> int:
    """What this process holds in memory."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_when_the_disk_is_slow_the_queue_is_full_and_only_cancels_still_fit(disk: SimulatedDisk) -> None:
    config = small_config(
        limits__unsynced_commands_max=30,
        limits__cancel_reserve_commands=10,
        limits__commands_per_message_max=10,
    )
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    try:
        with Party(node.addresses.orders) as alice, Party(node.addresses.orders) as bob:
            alice.hello("alice")
            bob.hello("bob")
            alice.ask(buy("kept"))
            hold(node, disk)
            before = node.sequence()
            taken = [alice.send(*[buy(f"{i}.{k}") for k in range(10)]) for i in range(2)]
            node.wait_until(lambda: node.core.sequence == before + 20)
            # Busy is said at once, although the disk does not move: nobody has to wait to hear it.
            busy = alice.ask(buy("too much"))
            assert isinstance(busy, Refused)
            assert (busy.reason, busy.count) == (reasons.QUEUE_FULL, 1)
            busy = bob.ask(buy("x"), CancelOrder(client_order_id="x"))
            assert (busy.reason, busy.count) == (reasons.QUEUE_FULL, 2)
            cancels = alice.send(*[CancelOrder(client_order_id="kept") for _ in range(9)])
            everything = bob.send(MassCancel())
            node.wait_until(lambda: node.core.sequence == before + 30)
            busy = alice.ask(MassCancel())
            assert busy.reason == reasons.QUEUE_FULL
            assert node.sequence() == before + 30
            assert len(alice.reports) == 1
            disk.release_datasyncs()
            assert all(isinstance(alice.answer(n + k), Accepted) for n in taken for k in range(10))
            assert isinstance(alice.answer(cancels), Cancelled)
            assert alice.answer(cancels + 1).reason == reasons.ORDER_ENDED
            assert isinstance(bob.answer(everything), Completed)
            assert isinstance(alice.ask(buy("too much")), Accepted)
    finally:
        disk.release_datasyncs()
        node.stop()


def test_who_sends_more_than_his_rate_is_told_and_nobody_else_is(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=small_config(limits__commands_per_s_max=50))
    open_market(node.addresses)
    try:
        with Party(node.addresses.orders) as wild, Party(node.addresses.orders) as polite:
            wild.hello("wild")
            polite.hello("polite")
            numbers = [wild.send(*[buy(f"{i}.{k}") for k in range(20)]) for i in range(10)]
            kinds = [type(wild.answer(number)) for number in numbers]
            assert kinds[:2] == [Accepted] * 2
            assert Refused in kinds
            refused = next(wild.answer(n) for n, kind in zip(numbers, kinds, strict=True) if kind is Refused)
            assert (refused.reason, refused.count) == (reasons.RATE_EXCEEDED, 20)
            assert isinstance(polite.ask(buy("a")), Accepted)
            # What was refused was not taken: it is new when it is sent again later.
            while isinstance(wild.ask(Heartbeat()), Refused):
                pass
            lost = numbers[kinds.index(Refused)]
            again = wild.send(*[buy(f"{numbers.index(lost)}.{k}") for k in range(20)])
            while isinstance(wild.answer(again), Refused):
                again = wild.send(*[buy(f"{numbers.index(lost)}.{k}") for k in range(20)])
            assert isinstance(wild.answer(again), Accepted)
    finally:
        node.stop()


def test_a_hundred_thousand_tiny_messages_and_a_polite_client(node: RunningNode) -> None:
    """Strangers' empty, short and repeated messages, as fast as a core can send them."""
    flooder = subprocess.Popen([sys.executable, "-c", _FLOOD, node.addresses.orders], cwd=ROOT)
    with Party(node.addresses.orders) as polite:
        polite.hello("polite")
        traded = 0
        while flooder.poll() is None:
            assert isinstance(polite.ask(buy(f"{traded}")), Accepted)
            traded += 1
        assert flooder.returncode == 0
        assert traded > 20
        polite.assert_dense()


@pytest.mark.parametrize("sync", ["disk", "os"])
def test_bursts_of_many_clients_are_all_answered(disk: SimulatedDisk, sync: str) -> None:
    """No message sleeps in the socket, also without the housekeeping that would find it a tenth of a second later.

    Whoever has sent a burst gets every answer while all others are silent.
    """
    node = RunningNode(disk=disk, config=small_config(engine__sync=sync))
    open_market(node.addresses)
    parties = [Party(node.addresses.orders) for _ in range(20)]
    for i, party in enumerate(parties):
        party.hello(f"a{i}", lease_ms=60_000)

    def without_a_net() -> None:
        assert node.node._housekeeping is not None
        node.node._housekeeping.cancel()

    node.call(without_a_net)
    for burst in range(300):
        # A different few each time, with pauses that only the answers make.
        some = [parties[(burst * 7 + k * 3) % len(parties)] for k in range(1 + burst % 5)]
        waiting = []
        for party in dict.fromkeys(some):
            for k in range(1 + burst % 9):
                side = (buy, sell)[(burst + k) % 2]
                waiting.append((party, party.send(side(f"{burst}.{k}", 100 + k % 3))))
        for party, number in waiting:
            assert isinstance(party.answer(number), Accepted)
    for party in parties:
        party.ask(Heartbeat())
        party.assert_dense()
        party.close()
    node.stop()


def test_a_reader_that_does_not_read_slows_nobody_and_costs_bounded_memory(disk: SimulatedDisk) -> None:
    config = small_config(limits__send_high_water_mark=50)
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    try:
        with (
            Party(node.addresses.orders) as alice,
            Reader(node.addresses.feed, receive_high_water_mark=10) as stalled,
        ):
            alice.hello("alice")
            stalled.ready()
            batch = [buy(f"first.{k}") for k in range(500)]
            alice.ask(*batch)
            before = resident_bytes()
            for i in range(40):
                number = alice.send(*[buy(f"{i}.{k}") for k in range(500)])
                alice.answer(number + 499)
                number = alice.send(MassCancel())
                alice.answer(number)
            assert resident_bytes() - before < 150_000_000
            # It lost frames, sees that by their numbers, and the others are well.
            assert isinstance(alice.ask(buy("after")), Accepted)
    finally:
        node.stop()


def test_a_client_that_does_not_read_is_suspended_and_resumes(disk: SimulatedDisk) -> None:
    config = small_config(limits__send_high_water_mark=10)
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    try:
        with (
            Party(node.addresses.orders, receive_high_water_mark=1) as deaf,
            Party(node.addresses.orders) as driver,
            Party(node.addresses.orders) as other,
        ):
            deaf.hello("alice", lease_ms=60_000)
            driver.hello("alice")
            other.hello("other")
            seat = node.recovery.sessions.get(deaf.session)
            assert seat is not None
            i = 0
            while not node.call(lambda: seat.suspended):
                number = driver.send(*[buy(f"{i}.{k}") for k in range(500)])
                driver.answer(number + 499)
                i += 1
                assert i < 400, "it was never suspended"
            assert isinstance(other.ask(buy("a")), Accepted)
            total = driver.ask(Heartbeat()).next_report - 1
            # It wakes up: what was on its way is dense. Each Hello then brings what fits on the way.
            hellos = 0
            while max(deaf.reports, default=0) < total:
                while deaf.receive(20) is not None:
                    pass
                deaf.assert_dense()
                deaf.send(deaf.again(resume_from=max(deaf.reports, default=0) + 1), session=0)
                hellos += 1
                assert hellos < 1000, "it does not get on"
            assert deaf.reports == driver.reports
            assert not node.call(lambda: seat.suspended)
            assert isinstance(deaf.ask(buy("back")), Accepted)
    finally:
        node.stop()


def test_who_asks_for_much_again_and_again_does_not_stop_the_others(disk: SimulatedDisk) -> None:
    """Questions are small and their answers large: the node gives so many at a time, and says Busy to the rest."""
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    try:
        with Party(node.addresses.orders) as greedy, Party(node.addresses.orders) as polite:
            greedy.hello("greedy")
            polite.hello("polite")
            for i in range(2):
                number = greedy.send(*[buy(f"{i}.{k}") for k in range(1000)])
                greedy.answer(number + 999)
            before = resident_bytes()
            numbers = [greedy.send(*[QueryOrders()] * 1000) for _ in range(5)]
            hellos = [
                greedy.send(greedy.again(resume_from=1, want_orders=True), session=0) for _ in range(500)
            ]
            assert isinstance(polite.ask(buy("a")), Accepted)
            kinds = {type(greedy.answer(n + k)).__name__ for n in numbers for k in range(1000)}
            assert kinds == {"OpenOrders", "Refused"}
            answers = [greedy.answer(number) for number in hellos]
            assert {type(a) for a in answers} == {Welcome, Refused}
            assert {a.reason for a in answers if isinstance(a, Refused)} == {reasons.QUEUE_FULL}
            assert resident_bytes() - before < 300_000_000
    finally:
        node.stop()


def test_who_asks_for_replays_again_and_again_does_not_stop_the_others(node: RunningNode) -> None:
    """A request of 40 bytes has an answer of up to a MiB; an orders client trades beside a flood of them."""
    with Party(node.addresses.orders) as polite, Asker(node.addresses.recovery) as greedy:
        polite.hello("polite")
        for i in range(20):
            number = polite.send(*[buy(f"{i}.{k}") for k in range(1000)])
            polite.answer(number + 999)
        before = resident_bytes()
        assert isinstance(greedy.ask(Replay("order.BTC-USD.", 1, 20_000)), Replayed)
        for _ in range(300):
            greedy.send(*[Replay("order.BTC-USD.", 1, 20_000)] * 16)
        for k in range(20):
            assert isinstance(polite.ask(buy(f"beside.{k}")), Accepted)
        assert resident_bytes() - before < 400_000_000


def test_what_waits_for_a_slow_disk_is_bounded_whatever_is_asked(
    node: RunningNode, disk: SimulatedDisk
) -> None:
    """Answers wait for the disk as well; when much of them waits, nothing more is taken until it has left."""
    with Party(node.addresses.orders) as greedy, Asker(node.addresses.recovery) as asker:
        greedy.hello("greedy")
        for i in range(10):
            number = greedy.send(*[buy(f"{i}.{k}") for k in range(1000)])
            greedy.answer(number + 999)
        hold(node, disk)
        greedy.send(buy("held"))
        disk.wait_for_datasync()
        before = resident_bytes()
        for _ in range(2000):
            asker.send(*[Replay("order.BTC-USD.", 1, 10_000)] * 4)
            greedy.send(QueryOrders())
        node.wait_until(lambda: node.node._outbound.waiting_bytes > 8_000_000)
        for _ in range(20):
            node.wait_until(lambda: True)
        assert resident_bytes() - before < 400_000_000
        disk.release_datasyncs()
        assert isinstance(greedy.ask(buy("served")), Accepted)
