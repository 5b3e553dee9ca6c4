"""What is told of changes: whole rows, conflated, in chains that a reader who asked can follow."""

from random import Random
from typing import Any

import zmq

from bus.addresses import addresses
from bus.protocol.exposure import (
    AccountChanged,
    AccountHeartbeat,
    AccountPosition,
    Marks,
    QueryPositions,
)
from bus.protocol.history_codec import ExposureFrame, decode_exposure_frame
from publisher.oversight.exposure import streaming
from publisher.oversight.exposure.folding import Account, Mark, Moved
from publisher.oversight.exposure.open_orders import OpenSide
from publisher.oversight.exposure.positions import Held, Standing
from publisher.oversight.exposure.streaming import ExposureStreams
from publisher.oversight.history.changes import Position
from tests.support.histories import random_market, reading, writing
from tests.support.markets import ACCOUNTS
from tests.support.real_engine import RealEngine
from tests.support.running_history import RunningHistory, enter, fresh
from tests.support.running_node import WAIT_S_MAX

BTC, ETH = "BTC-USD", "ETH-USD"


def holds(lots: int) -> Account:
    """An account with a bid, that bought so much at 5."""
    return Account(Standing(Held(lots, lots * 5, 0)), OpenSide(1, 2, 8, 0))


def mark(symbol: str, price: int) -> dict[str, Mark]:
    """One mark."""
    return {symbol: Mark(symbol, 1, price, 1, 1)}


def at(sequence: int, epoch: int = 1) -> Position:
    """Where a history stands."""
    return Position(sequence, sequence, sequence * 10, epoch)


def decoded(frames: list[tuple[bytes, bytes]]) -> list[tuple[str, int, int, Any]]:
    """`(topic, sequence, previous sequence, event)` of each."""
    found = []
    for name, data in frames:
        frame = decode_exposure_frame(data)
        (event,) = frame.events
        found.append((name.decode(), frame.sequence, frame.previous_sequence, event))
    return found


def test_changes_of_a_moment_are_one_frame_an_account_with_what_changed_whole() -> None:
    streams = ExposureStreams()
    streams.begin(at(7), {BTC: 4, ETH: 3})
    assert streams.flush() == []
    streams.take(at(8), Moved({("alice", BTC): holds(1)}, mark(BTC, 5)))
    streams.take(at(9), Moved({("alice", BTC): holds(3), ("bob", ETH): holds(-1)}, {}))
    assert streams.waiting == 2
    marks, alice, bob = decoded(streams.flush())
    assert marks == ("marks.", 9, 7, Marks(whole=False, marks=[(BTC, 5)]))
    assert alice[:3] == ("exposure.alice.", 9, 7)
    (row,) = alice[3].positions
    assert (alice[3].account, row.symbol, row.lots, row.cost, row.mark_ticks, row.bid_notional) == (
        "alice",
        BTC,
        "3",
        "15",
        5,
        "8",
    )
    assert (bob[0], bob[3].positions[0].mark_ticks) == ("exposure.bob.", 3)
    assert streams.flush() == []
    streams.take(at(12), Moved({("alice", ETH): holds(2)}, {}))
    ((_, sequence, previous, event),) = decoded(streams.flush())
    assert (sequence, previous, [row.symbol for row in event.positions]) == (12, 9, [ETH])


def test_heartbeats_tell_the_last_frame_of_who_changed_once_and_all_marks_always() -> None:
    streams = ExposureStreams()
    streams.begin(at(7), {ETH: 3})
    streams.take(at(8), Moved({("alice", BTC): holds(1)}, mark(BTC, 5)))
    streams.flush()
    streams.take(at(9), Moved({}, {}))
    everything = ("heartbeat.marks.", 9, 8, Marks(whole=True, marks=[(BTC, 5), (ETH, 3)]))
    assert decoded(streams.beat()) == [
        ("heartbeat.exposure.alice.", 9, 8, AccountHeartbeat("alice", 8)),
        everything,
    ]
    assert decoded(streams.beat()) == [everything]


def test_a_history_that_begins_anew_begins_its_chains_where_it_stands() -> None:
    """What waited is in its database, or never happened."""
    streams = ExposureStreams()
    streams.begin(at(7), {})
    streams.take(at(8), Moved({("alice", BTC): holds(1)}, mark(BTC, 5)))
    streams.flush()
    streams.take(at(9), Moved({("alice", BTC): holds(2)}, mark(BTC, 6)))
    streams.begin(at(8, epoch=2), {BTC: 5})
    assert streams.flush() == []
    streams.take(at(10, epoch=2), Moved({("alice", BTC): holds(9)}, {}))
    ((name, data),) = streams.flush()
    frame = decode_exposure_frame(data)
    assert (name, frame.epoch, frame.sequence, frame.previous_sequence, frame.time_ns) == (
        b"exposure.alice.",
        2,
        10,
        8,
        100,
    )


def test_who_is_too_many_for_one_flush_comes_in_the_next(monkeypatch: Any) -> None:
    monkeypatch.setattr(streaming, "ACCOUNTS_PER_FLUSH_MAX", 2)
    streams = ExposureStreams()
    streams.begin(at(1), {})
    streams.take(at(2), Moved({(name, BTC): holds(1) for name in "abc"}, {}))
    assert [name for name, _ in streams.flush()] == [b"exposure.a.", b"exposure.b."]
    streams.take(at(3), Moved({("c", BTC): holds(5), ("a", BTC): holds(6)}, {}))
    (c, a) = decoded(streams.flush())
    assert (c[:3], c[3].positions[0].lots) == (("exposure.c.", 3, 1), "5")
    assert a[:3] == ("exposure.a.", 3, 2)


class Follower:
    """A reader of one account as the protocol has it: asks, then follows, and asks again behind a gap."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask
        self.asked = 0
        self.again()

    def again(self) -> None:
        """Ask for the whole account."""
        self.asked += 1
        answer = self._ask()
        self.sequence = answer.log_sequence
        self.rows: dict[str, AccountPosition] = {row.symbol: row for row in answer.positions}

    def take(self, frame: ExposureFrame) -> None:
        """A frame of the account."""
        (event,) = frame.events
        if isinstance(event, AccountHeartbeat):
            if event.sequence > self.sequence:
                self.again()
            return
        if frame.sequence <= self.sequence:
            return
        if frame.previous_sequence > self.sequence:
            self.again()
            return
        assert isinstance(event, AccountChanged)
        self.rows.update((row.symbol, row) for row in event.positions)
        self.sequence = frame.sequence


def test_a_reader_that_asks_and_follows_has_what_is_stored_though_frames_are_lost(url: str) -> None:
    """At each step of a random log; marks move without a word, so they are left out."""
    chance = Random(4)
    _, _, runs = random_market(4, 150)
    streams = ExposureStreams()
    with writing(url) as writer, reading(url) as reader:
        streams.begin(writer.position, writer.marks())
        followers = {
            name: Follower(lambda name=name: reader.page(QueryPositions(name), 1)[1]) for name in ACCOUNTS
        }
        lost = 0
        for run in runs:
            streams.take(writer.write([run]), writer.moved)
            if chance.random() < 0.5:
                continue
            for name, data in streams.flush():
                account = name.decode().removeprefix("exposure.").removesuffix(".")
                if account not in followers or chance.random() < 0.1:
                    lost += account in followers
                    continue
                followers[account].take(decode_exposure_frame(data))
        streams.flush()  # lost, all of it
        for _, data in streams.beat():
            frame = decode_exposure_frame(data)
            (event,) = frame.events
            if isinstance(event, AccountHeartbeat) and event.account in followers:
                followers[event.account].take(frame)
        (everything,) = decode_exposure_frame(data).events
        assert isinstance(everything, Marks)
        assert writer.marks() == dict(everything.marks)
        lost += len(ACCOUNTS)
        for account, follower in followers.items():
            stored: Any = reader.page(QueryPositions(account), 1)[1]
            beaten = [follower.rows[row.symbol] for row in stored.positions]
            assert [without_mark(row) for row in beaten] == [without_mark(row) for row in stored.positions]
        assert len(ACCOUNTS) < sum(follower.asked for follower in followers.values()) <= len(ACCOUNTS) + lost


def without_mark(row: AccountPosition) -> list[Any]:
    """All other fields."""
    return [getattr(row, name) for name in row.__struct_fields__ if name != "mark_ticks"]


def test_a_running_history_tells_of_a_trade(engine: RealEngine, tmp_path: Any) -> None:
    alice, bob = fresh("alice"), fresh("bob")
    with (
        RunningHistory(engine, f"sqlite:///{tmp_path / 'history.db'}") as history,
        zmq.Context() as context,
        context.socket(zmq.SUB) as socket,
    ):
        socket.setsockopt(zmq.LINGER, 0)
        for prefix in (f"exposure.{alice}.", f"heartbeat.exposure.{alice}.", "heartbeat.marks."):
            socket.subscribe(prefix)
        socket.connect(addresses(engine.port_base, "127.0.0.1").exposures)

        def told(topic: str) -> ExposureFrame:
            while socket.poll(int(WAIT_S_MAX * 1000)):
                name, data = socket.recv_multipart()
                if name == topic.encode():
                    return decode_exposure_frame(data)
            raise AssertionError(f"nothing came on {topic}")

        told("heartbeat.marks.")  # from here on the subscription stands
        sequence = enter(engine, alice, side="buy", price="90").sequence
        frame = told(f"exposure.{alice}.")
        assert frame.sequence >= sequence > frame.previous_sequence
        (changed,) = frame.events
        assert isinstance(changed, AccountChanged)
        assert [(row.symbol, row.lots, row.bid_lots, row.bid_notional) for row in changed.positions] == [
            (BTC, "0", "1000", "9000000")
        ]
        enter(engine, bob, side="sell", price="90")
        frame = told(f"exposure.{alice}.")
        (changed,) = frame.events
        assert isinstance(changed, AccountChanged)
        assert [(row.lots, row.cost, row.bid_orders, row.mark_ticks) for row in changed.positions] == [
            ("1000", "9000000", 0, 9_000)
        ]
        (beat,) = told(f"heartbeat.exposure.{alice}.").events
        assert beat == AccountHeartbeat(alice, frame.sequence)
        (marks,) = told("heartbeat.marks.").events
        assert isinstance(marks, Marks)
        assert (BTC, 9_000) in marks.marks
        with history.client() as client:
            page = client.ask(QueryPositions(alice, at_least=frame.sequence))
        assert page.positions == changed.positions
