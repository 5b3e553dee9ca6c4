"""What `docs/protocol.md` promises, tried by a client that has nothing but the page: raw sockets and another codec."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]  # has no types
import pytest
import zmq

from tests.support.processes import Processes

PATIENCE_MS = 20_000


class Raw:
    """A DEALER, and one number after the other."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", port: int, routing_id: bytes = b"") -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        if routing_id:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        self.socket.connect(f"tcp://127.0.0.1:{port}")
        self.session = 0
        self.number = 1
        self.waiting: list[tuple[int, Any]] = []

    def say(self, *items: Any, number: int = 0, created_ns: int = 0) -> int:
        """Send a message; the correlation id of its first item."""
        first = number or self.number
        self.number = max(self.number, first + len(items))
        self.socket.send(msgpack.packb([1, self.session, first, created_ns or time.time_ns(), items]))
        return first

    def hear(self) -> tuple[int, Any]:
        """The next item: `(report number or 0, item)`. Heartbeats that come by themselves are passed over."""
        while not self.waiting:
            assert self.socket.poll(PATIENCE_MS), "silence"
            envelope = msgpack.unpackb(self.socket.recv())
            first = envelope[4]
            self.waiting = [
                (first and first + i, item) for i, item in enumerate(envelope[7]) if item[0] != 31 or item[1]
            ]
        return self.waiting.pop(0)

    def ask(self, item: Any) -> Any:
        """Say one item, and what comes next."""
        self.say(item)
        return self.hear()[1]

    def hello(self, account: str, **more: Any) -> Any:
        """A session of its own from here on; the Welcome."""
        fields = {
            "role": 1,
            "token": "",
            "session": 0,
            "key": "",
            "resume": 0,
            "lease": 0,
            "cod": False,
            "orders": False,
        }
        fields.update(more)
        self.session = 0
        welcome = self.ask([1, account, *fields.values()])
        if welcome[0] == 30:
            self.session = welcome[2]
        return welcome


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A running engine that trades X-Y."""
    data: Path = tmp_path_factory.mktemp("engine")
    with contextlib.closing(Processes()) as started, zmq.Context() as context:
        started.engine(data)
        operator = Raw(context, started.port_base + 1)
        operator.hello("house", role=3, token=(data / "token").read_text().strip())
        assert operator.ask([20, "X-Y", "X", "Y", 1, 0, 1, 0, 1, 1_000_000, 1, 1_000])[0] == 46
        operator.socket.close()
        yield started


@pytest.fixture
def connect(engine: Processes) -> Iterator[Any]:
    """Makes a new connection to the orders socket, or to another one by its offset."""
    connections: list[Raw] = []
    with zmq.Context() as context:

        def connect(offset: int = 1, **more: Any) -> Raw:
            connections.append(Raw(context, engine.port_base + offset, **more))
            return connections[-1]

        yield connect
        for connection in connections:
            connection.socket.close()


def tags(*heard: tuple[int, Any]) -> list[int]:
    return [item[0] for _, item in heard]


def test_a_delimiter_before_the_message_is_refused(connect: Any) -> None:
    raw = connect()
    raw.socket.send_multipart([b"", msgpack.packb([1, 0, 5, 0, [[1, "ann"]]])])
    assert raw.hear()[1][:4] == [33, 0, 1, 101]


def test_a_chosen_routing_id_is_refused(connect: Any) -> None:
    assert connect(routing_id=b"me").hello("ann")[:4] == [33, 1, 1, 104]


def test_without_hello_there_is_no_session(connect: Any) -> None:
    assert connect().ask([13])[:4] == [33, 1, 1, 105]


def test_malformed_items_are_refused_by_index_and_the_others_stand(connect: Any) -> None:
    raw = connect()
    raw.hello("bea")
    first = raw.say([10, "b-1", "X-Y", 1, "5", 50], [10, "b-2", "X-Y", 1, 5, 50], [99], [11, 0, "b-2"])
    heard = [raw.hear() for _ in range(4)]
    refused = sorted(item[1] for number, item in heard if item[0] == 33)
    reports = [(item[0], item[4]) for number, item in heard if number]
    assert refused == [first, first + 2]
    assert reports == [(40, first + 1), (43, first + 3)]


def test_a_mass_cancel_is_answered_by_what_stands_behind_what_it_cancelled(connect: Any) -> None:
    raw = connect()
    raw.hello("cat")
    raw.say(*([10, f"c-{i}", "X-Y", 1, 5, 40 + i] for i in range(3)))
    assert tags(*(raw.hear() for _ in range(3))) == [40, 40, 40]
    number = raw.say([13, "X-Y", 0])
    heard = [raw.hear() for _ in range(4)]
    assert tags(*heard) == [43, 43, 43, 46]
    assert {item[4] for _, item in heard} == {number}
    assert heard[-1][1][5:] == [13, 3]


def test_the_same_request_again_is_a_duplicate_in_whatever_session(connect: Any) -> None:
    one, two = connect(), connect()
    one.hello("dan")
    order = [10, "d-1", "X-Y", 1, 5, 30]
    sequence = one.ask(order)[1]
    two.hello("dan")
    duplicate = two.ask([*order, 1, 1, 0])
    assert duplicate[0] == 45
    assert duplicate[7:] == [sequence, 0, sequence, 1, 30, 5, 0]
    assert two.ask([10, "d-1", "X-Y", 1, 6, 30])[5:] == [10, "d-1", 205]
    assert two.ask([10, "d-2", "NONE", 1, 6, 30])[5:] == [10, "d-2", 301]
    again = two.ask([10, "d-2", "NONE", 1, 6, 30])
    assert (again[0], again[8:]) == (45, [301, 0, 4, 0, 0, 0])


def test_a_session_is_taken_back_and_what_it_missed_is_told_again(connect: Any) -> None:
    one, two = connect(), connect()
    welcome = one.hello("eve")
    number = one.say([10, "e-1", "X-Y", 1, 5, 30], [11, 0, "e-1"])
    heard = [one.hear(), one.hear()]
    assert [report for report, _ in heard] == [1, 2]
    # As if the second report had not come.
    back = two.hello("eve", session=welcome[2], key=welcome[3], resume=2)
    assert (back[2], back[7]) == (welcome[2], 3)
    assert two.hear()[1] == [36, 1, 2, 3]
    told_again = [two.hear()]
    if told_again[0][0] == 1:  # the envelope may begin earlier
        told_again.append(two.hear())
    assert told_again[-1] == heard[1]
    assert told_again[-1][1][3:5] == [welcome[2], number + 1]
    # The other connection has lost it, and is not told until it says something.
    assert one.ask([2])[:4] == [33, 4, 1, 106]
    assert two.ask([2]) == [31, 2, 3]


@pytest.mark.parametrize("wrong", [{"key": "0" * 32}, {"role": 2}, {"session": 10**6}])
def test_a_session_is_not_given_to_anybody_else(connect: Any, wrong: dict[str, Any]) -> None:
    welcome = connect().hello("fay")
    taken = connect().hello("fay", **{"session": welcome[2], "key": welcome[3], **wrong})
    assert taken[:4] == [33, 1, 1, 106]


def test_a_lease_that_runs_out_ends_the_session_and_its_orders(connect: Any) -> None:
    raw = connect()
    raw.hello("gus", lease=1000, cod=True)
    assert raw.ask([10, "g-1", "X-Y", 1, 5, 30])[0] == 40
    cancelled, over = raw.hear(), raw.hear()
    assert cancelled[1][3:5] == [0, 0]
    assert cancelled[1][-1] == 806
    assert over == (0, [32, 0])
    assert raw.ask([2])[3] == 106


def test_what_is_wanted_of_the_feed_is_given_or_named(connect: Any) -> None:
    raw = connect()
    raw.hello("hal")
    for i in range(3):
        assert raw.ask([10, f"h-{i}", "X-Y", 1, 5, 20 + i])[0] == 40
    replays = connect(3)
    snapshot = replays.ask([81, "X-Y", 2])
    assert snapshot[0] == 87
    last = snapshot[7]
    replayed = replays.ask([80, "level.X-Y.", last, last])
    assert replayed[0] == 85
    frame = msgpack.unpackb(replayed[3][0])
    assert frame[3] <= last < frame[3] + frame[4]
    event = frame[7][last - frame[3]]
    assert event[2:] == [1, 22, 5, 1]
    assert replays.ask([80, "level.X-Y.", last + 1, last + 1]) == [
        86,
        replays.number - 1,
        "level.X-Y.",
        1,
        last + 1,
    ]
    assert replays.ask([80, "trade.NONE.", 1, 1])[3] == 113
    assert replays.ask([81, "X-Y", 4])[3] == 113
    assert replays.ask([80, "drop.", 1, 1])[3] == 107


def test_an_operators_command_of_a_trader_is_refused_in_the_log(connect: Any) -> None:
    raw = connect()
    raw.hello("ivy")
    raw.say([21, "X-Y", 2])
    number, rejected = raw.hear()
    assert (number, rejected[0], rejected[5:]) == (1, 41, [21, "", 201])


def test_a_request_from_too_long_ago_or_too_far_ahead_is_not_executed(connect: Any) -> None:
    raw = connect()
    raw.hello("joe")
    hour = 3600 * 10**9
    for hours, reason in ((-23.1, 202), (1.1, 203)):
        raw.say([10, "j-1", "X-Y", 1, 5, 20], created_ns=time.time_ns() + int(hours * hour))
        assert raw.hear()[1][-1] == reason
    # Its id was not remembered, and a cancel has no age.
    assert raw.ask([10, "j-1", "X-Y", 1, 5, 20])[0] == 40
    raw.say([11, 0, "j-1"], created_ns=1)
    assert raw.hear()[1][0] == 43
