"""Bad input through the real sockets: each gets an answer, changes nothing, and the next client is served."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bus.protocol import reasons
from bus.protocol.codec import decode_envelope, decode_recovery_envelope, encode_message
from bus.protocol.commands import CancelOrder, MassCancel, ReplaceOrder
from bus.protocol.control import EngineHeartbeat, Heartbeat, Refused
from bus.protocol.reports import Accepted, Rejected
from tests.node.parties import Asker, Party, buy, open_market
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

pack = msgspec.msgpack.encode
#: Few, since each goes over sockets; the codec's own tests try many more.
over_sockets = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Room:
    """A node, a bad client with a session and an order in the book, and a polite one."""

    def __init__(self) -> None:
        self.node = RunningNode(disk=SimulatedDisk(1), config=small_config(engine__clock="commands"))
        open_market(self.node.addresses)
        self.bad = Party(self.node.addresses.orders)
        self.polite = Party(self.node.addresses.orders)
        self.asker = Asker(self.node.addresses.recovery)
        self.bad.hello("bad", lease_ms=3_600_000)
        self.polite.hello("polite", lease_ms=3_600_000)
        self.number = 0
        self.bad.ask(buy("resting"), created_ns=1)
        self.kept = self.polite.ask(buy("kept"), created_ns=1)
        # Of an id that the strategies below do not draw, so that the bad one never uses it himself.
        self.polite.ask(buy("untold"), created_ns=1)

    def serve_the_polite_one(self) -> None:
        """Another client's order is served."""
        self.number += 1
        assert isinstance(self.polite.ask(buy(f"p{self.number}"), created_ns=1), Accepted)

    def answers_to(self, payload: bytes | list[bytes]) -> list[Any]:
        """What the bad client hears to a message: all that comes before the answer to a heartbeat behind it."""
        if isinstance(payload, list):
            self.bad.socket.send_multipart(payload)
        else:
            self.bad.socket.send(payload)
        marker = 2**62 + self.number
        self.number += 1
        self.bad.socket.send(self.bad.encode(marker, Heartbeat()))
        items: list[Any] = []
        while True:
            envelope = decode_envelope(self.bad.socket.recv())
            for item in envelope.items:
                if isinstance(item, EngineHeartbeat):
                    if item.correlation_id == marker:
                        return items
                    if not item.correlation_id:
                        continue
                items.append(item)

    def book(self) -> tuple[Any, ...]:
        """What the market is: the book, and the numbers of its topics."""
        core = self.node.core
        return self.node.call(
            lambda: (
                core.book("BTC-USD", 3),
                core.numbers("BTC-USD"),
                core.symbols(),
                core.open_orders("bad"),
            )
        )


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    """One room for all: whatever was thrown into it, it must still stand."""
    room = Room()
    yield room
    assert room.node.error is None
    room.bad.close()
    room.polite.close()
    with room.asker:
        room.node.stop()


def refused_unlogged(room: Room, payload: bytes | list[bytes]) -> list[Refused]:
    """The message is refused before the log, and changed nothing at all."""
    before = room.node.state()
    answers = room.answers_to(payload)
    assert answers, "silence"
    assert all(isinstance(answer, Refused) for answer in answers), answers
    assert all(100 < answer.reason < 200 for answer in answers)
    assert room.node.state() == before
    room.serve_the_polite_one()
    return answers


BAD_BYTES = {
    "nothing": b"",
    "nil": b"\xc0",
    "a map": pack({"a": 1}),
    "an endless array": b"\xdd\xff\xff\xff\xff",
    "an endless list of items": b"\x95\x01\x00\x00\x00\xdd\xff\xff\xff\xff",
    "an endless text": b"\x95\x01\x00\x00\x00\x91\x93\x0a\xdb\xff\xff\xff\xff",
    "endless bytes": b"\xc6\xff\xff\xff\xff",
    "deep arrays": b"\x91" * 60_000,
    "deep items": b"\x95\x01\x00\x00\x00" + b"\x91" * 60_000,
    "deep maps": b"\x95\x01\x00\x00\x00\x91\x93\x0a" + b"\x81\xa1a" * 15_000,
    "an extension": b"\xc7\x04\x05abcd",
    "a timestamp": b"\xd6\xff\x00\x00\x00\x00",
    "the byte that is no type": b"\xc1" * 10,
    "rubbish behind": encode_message(1, 1, 0, [Heartbeat()]) + b"\0",
    "two messages": encode_message(1, 1, 0, [Heartbeat()]) * 2,
    "a version of tomorrow": pack([2, 1, 7, 0, [[2]]]),
    "a negative version": pack([-1, 1, 7, 0, [[2]]]),
    "a version that is text": pack(["1", 1, 7, 0, [[2]]]),
    "a version that is true": pack([True, 1, 7, 0, [[2]]]),
    "an integer beyond 64 bits": b"\x95\x01\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x91\x91\x02",
    "a negative session": pack([1, -1, 7, 0, [[2]]]),
    "a session that is a float": pack([1, 1.0, 7, 0, [[2]]]),
    "a session that is not a number": pack([1, float("nan"), 7, 0, [[2]]]),
    "too few fields": pack([1, 1, 7, 0]),
    "too many fields": pack([1, 1, 7, 0, [[2]], 0]),
    "no items": pack([1, 1, 7, 0, []]),
    "items that are none": pack([1, 1, 7, 0, [1, "a", None, []]]),
    "items in a map": pack([1, 1, 7, 0, {"a": 1}]),
    "an unknown tag": pack([1, 1, 7, 0, [[99]]]),
    "a tag that is text": pack([1, 1, 7, 0, [["10", "a"]]]),
    "a record of the engine": pack([1, 1, 7, 0, [[92, 1]]]),
    "a report": pack([1, 1, 7, 0, [[40, 1, 1, 1, 1]]]),
    "a text that is no UTF-8": b"\x95\x01\x01\x07\x00\x91\x96\x0a\xa2\xff\xfe\xa1B\x01\x01\x01",
    "too large by a byte": encode_message(1, 1, 0, [buy("a" * 65_536)])[:65_537],
    "much too large": b"\x95" * 1_000_000,
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_what_is_no_message_is_refused(room: Room, name: str) -> None:
    refused_unlogged(room, BAD_BYTES[name])


@given(st.binary(max_size=300))
@over_sockets
def test_random_bytes_are_refused(room: Room, payload: bytes) -> None:
    refused_unlogged(room, payload)


@given(st.data())
@over_sockets
def test_a_message_that_is_cut_or_bent_is_refused_or_is_another_message(
    room: Room, data: st.DataObject
) -> None:
    """What a bent message means is up to its bytes; it is always answered, and the book only takes whole orders."""
    whole = bytearray(room.bad.encode(5, buy("bent", 7, 3), CancelOrder(77), Heartbeat(), created_ns=1))
    cut = data.draw(st.integers(0, len(whole)))
    if cut < len(whole):
        refused_unlogged(room, bytes(whole[:cut]))
    place, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    whole[place] = byte
    assert room.answers_to(bytes(whole)), "silence"
    room.serve_the_polite_one()
    room.node.call(room.node.core.state.check)


@pytest.mark.parametrize("parts", [2, 3, 50, 2000])
def test_a_message_of_more_than_one_part_is_refused(room: Room, parts: int) -> None:
    message = room.bad.encode(1, buy("parts"), created_ns=1)
    (answer,) = refused_unlogged(room, [message] * parts)
    assert answer.reason == reasons.MALFORMED


def test_more_commands_than_a_message_may_hold(room: Room) -> None:
    payload = room.bad.encode(1000, *[MassCancel()] * 1025, created_ns=1)
    (answer,) = refused_unlogged(room, payload)
    assert (answer.reason, answer.correlation_id, answer.count) == (reasons.MESSAGE_TOO_LARGE, 1000, 1025)
    payload = room.bad.encode(1000, *[Heartbeat()] * 1025)
    (answer,) = refused_unlogged(room, payload)
    assert (answer.reason, answer.correlation_id, answer.count) == (reasons.MESSAGE_TOO_LARGE, 1000, 1025)


def test_of_a_mixed_message_the_good_commands_stand_and_the_others_are_named(room: Room) -> None:
    """Control items among commands, and malformed ones: each by its own correlation id."""
    first = 10_000 + room.number
    good = buy(f"mixed{first}", 50)
    items = [Heartbeat(), good, [99], [10, "x"], CancelOrder(client_order_id=good.client_order_id), None, "a"]
    answers = room.answers_to(encode_message(room.bad.session, first, 1, items))
    by_id = {answer.correlation_id: type(answer).__name__ for answer in answers}
    assert by_id == {
        first: "Refused", first + 1: "Accepted", first + 2: "Refused", first + 3: "Refused",
        first + 4: "Cancelled", first + 5: "Refused", first + 6: "Refused",
    }  # fmt: skip
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {reasons.MALFORMED}


def test_a_thousand_malformed_items_and_one_command(room: Room) -> None:
    first = 2**63 - 1024  # the largest correlation ids there are, and a little more
    items = [[99]] * 1023 + [buy(f"last{room.number}", 50)]
    answers = room.answers_to(encode_message(room.bad.session, first, 1, items))
    assert sorted(answer.correlation_id for answer in answers) == list(range(first, first + 1024))
    assert isinstance(answers[-1], Accepted)
    room.serve_the_polite_one()


INT64 = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-3, 3),
    st.sampled_from([2**31, 2**53 + 1, -(2**63), 2**63 - 1]),
)
TEXT = st.one_of(
    st.text(max_size=40), st.sampled_from(["", "BTC-USD", "resting", "kept", "a" * 36, "\0", "é"])
)


@given(
    st.one_of(
        st.tuples(st.just(10), TEXT, TEXT, INT64, INT64, INT64, INT64, INT64, INT64),
        st.tuples(st.just(11), INT64, TEXT),
        st.tuples(st.just(12), TEXT, INT64, TEXT, INT64, INT64),
        st.tuples(st.just(13), TEXT, INT64),
        st.tuples(st.just(20), TEXT, TEXT, TEXT, *[INT64] * 8),
        st.tuples(st.just(21), TEXT, INT64),
        st.tuples(st.just(22), INT64),
        st.tuples(
            st.integers(-5, 100), st.one_of(st.none(), st.floats(), st.binary(max_size=5), st.booleans())
        ),
    ),
    st.one_of(st.integers(0, 10), st.just(1), st.just(2**63 - 1)),
)
@example((10, "nan", "BTC-USD", 1, float("nan"), 1), 0)
@example((10, "neg", "BTC-USD", 1, -1, -1), 0)
@over_sockets
def test_commands_of_every_value_are_answered_and_a_refusal_leaves_the_market_alone(
    room: Room, command: tuple[Any, ...], created_ns: int
) -> None:
    before = room.book()
    answers = room.answers_to(encode_message(room.bad.session, 1, created_ns, [command]))
    assert answers, "silence"
    if all(isinstance(answer, (Refused, Rejected)) for answer in answers):
        assert room.book() == before
    room.serve_the_polite_one()
    room.node.call(room.node.core.state.check)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (buy("b", 0), reasons.PRICE_NOT_POSITIVE),
        (buy("b", -5), reasons.PRICE_NOT_POSITIVE),
        (buy("b", 1_000_001), reasons.PRICE_TOO_HIGH),
        (buy("b", 1, 0), reasons.QUANTITY_NOT_POSITIVE),
        (buy("b", 1, -1), reasons.QUANTITY_NOT_POSITIVE),
        (buy("b", 1, 10_001), reasons.QUANTITY_TOO_LARGE),
        (buy("resting", 2), reasons.ID_TAKEN),
        (buy("schön"), reasons.INVALID_ID),
        (msgspec.structs.replace(buy("b"), symbol="NO-SUCH"), reasons.UNKNOWN_SYMBOL),
        (msgspec.structs.replace(buy("b"), side=3), reasons.INVALID_SIDE),
        (CancelOrder(client_order_id="untold"), reasons.UNKNOWN_ORDER),
        (CancelOrder(), reasons.INVALID_ID),
        (MassCancel("NO-SUCH"), reasons.UNKNOWN_SYMBOL),
        (MassCancel("", 7), reasons.INVALID_SIDE),
    ],
)
def test_each_broken_rule_is_named_and_changes_nothing(room: Room, command: Any, reason: int) -> None:
    if isinstance(command, type(buy("b"))) and command.client_order_id == "b":
        room.number += 1
        command = msgspec.structs.replace(command, client_order_id=f"b{room.number}")
    before = room.book()
    (answer,) = room.answers_to(encode_message(room.bad.session, 1, 1, [command]))
    assert isinstance(answer, Rejected)
    assert answer.reason == reason
    assert room.book() == before
    room.serve_the_polite_one()


def test_an_order_of_another_account_is_as_unknown_by_its_number(room: Room) -> None:
    before = room.book()
    for command in (
        CancelOrder(room.kept.order_id),
        ReplaceOrder(f"r{room.number}", room.kept.order_id, "", 5, 5),
    ):
        (answer,) = room.answers_to(encode_message(room.bad.session, 1, 1, [command]))
        assert answer.reason == reasons.UNKNOWN_ORDER
    assert room.book() == before


# The recovery socket.


def recovery_answers(room: Room, payload: bytes) -> list[Any]:
    """What a reader hears to a message."""
    room.asker.socket.send(payload)
    assert room.asker.socket.poll(10_000), "silence"
    items = list(decode_recovery_envelope(room.asker.socket.recv()).items)
    while room.asker.socket.poll(0):
        items += decode_recovery_envelope(room.asker.socket.recv()).items
    return items


@given(
    st.one_of(
        st.binary(max_size=100),
        st.sampled_from(list(BAD_BYTES.values())),
        st.lists(st.tuples(st.just(80), TEXT, INT64, INT64, TEXT), min_size=1, max_size=1).map(
            lambda items: encode_message(0, 1, 0, items)
        ),
        st.lists(st.tuples(st.just(81), TEXT, INT64), min_size=1, max_size=1).map(
            lambda items: encode_message(0, 1, 0, items)
        ),
    )
)
@example(encode_message(0, 1, 0, [(80, "drop.", 1, 1, "ü")]))
@example(encode_message(0, 1, 0, [(80, "drop.", 1, 1, TOKEN)]))
@over_sockets
def test_bad_requests_on_the_recovery_socket_are_answered(room: Room, payload: bytes) -> None:
    before = room.node.state()
    assert recovery_answers(room, payload)
    assert room.node.state() == before
    room.serve_the_polite_one()


def test_a_raw_connection_that_speaks_no_zeromq_harms_nobody(disk: SimulatedDisk) -> None:
    """What libzmq itself takes apart: rubbish, half a greeting, a frame of 2**63 bytes."""
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    try:
        host, _, port = node.addresses.orders.removeprefix("tcp://").partition(":")
        greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\x00NULL" + b"\0" * 48
        ready = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x06DEALER"
        endless = b"\x02" + struct.pack(">Q", 2**63)
        for said in (
            b"GET / HTTP/1.1\r\n\r\n",
            greeting[:20],
            greeting,
            greeting + ready + endless,
            b"\0" * 100_000,
        ):
            with (
                socket.create_connection((host, int(port)), timeout=10) as raw,
                Party(node.addresses.orders) as polite,
            ):
                with contextlib.suppress(OSError):  # it may have been shown the door already
                    raw.sendall(said)
                polite.hello("polite")
                assert isinstance(polite.ask(buy(f"{time.monotonic_ns()}")), Accepted)
    finally:
        node.stop()
