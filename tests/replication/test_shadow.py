"""A shadow beside a node, over real sockets: it follows, compares, keeps, answers, alarms, and goes on."""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.errors import EngineStopped, OutputsDiffer
from bus.journal.checkpoint import CheckpointStore
from bus.journal.reader import LogReader
from bus.journal.recovery import recover
from bus.journal.skips import add_skip
from bus.protocol import reasons
from bus.protocol.codec import decode_frame, decode_frame_header, encode_frame
from bus.protocol.feed import STREAM_HEARTBEAT
from bus.protocol.recovery import NotKept, Replay, Replayed, Snapshot
from bus.protocol.status import DEGRADED, FAILED, OK, QueryStatus
from bus.protocol.terms import L2, L3
from bus.replay import apply_logged_batch
from matcher.engine import Engine
from tests.journal.logs import put_back
from tests.node.parties import WAIT_MS_MAX, Asker, Party, buy, open_market
from tests.node.test_recovery_socket import trade_a_little
from tests.replication.test_following import break_at_price
from tests.support.ports import free_port_base
from tests.support.running_node import TOKEN, WAIT_S_MAX, RunningNode, small_config
from tests.support.running_shadow import RunningShadow
from tests.support.simulated_disk import SimulatedDisk

ROOT = "log"


@pytest.fixture
def disk() -> SimulatedDisk:
    return SimulatedDisk(1)


@pytest.fixture
def node(disk: SimulatedDisk) -> Iterator[RunningNode]:
    node = RunningNode(disk=disk, config=small_config(shadow__checkpoint_interval_commands=50))
    open_market(node.addresses)
    yield node
    node.stop()


@contextlib.contextmanager
def shadow_of(node: RunningNode, **how: Any) -> Iterator[RunningShadow]:
    """A shadow that has come to the end of the node's log."""
    shadow = RunningShadow(node, **how)
    try:
        assert shadow.ready.wait(WAIT_S_MAX)
        yield shadow
    finally:
        shadow.stop()


def trade(node: RunningNode, account: str = "alice", rounds: int = 20) -> int:
    """Some trading of one account; the sequence behind it."""
    with Party(node.addresses.orders) as party:
        party.hello(account)
        trade_a_little(party, rounds, f"{account}{node.sequence()}.")
        return node.sequence()


def status(shadow: RunningShadow) -> Any:
    with Asker(shadow.endpoint) as asker:
        return asker.ask(QueryStatus())


def checkpoints(node: RunningNode) -> list[int]:
    return [header.sequence for header in CheckpointStore(ROOT, node.disk).candidates()[0]]


def test_it_follows_compares_and_says_how_it_is(node: RunningNode) -> None:
    with shadow_of(node) as shadow:
        end = trade(node)
        shadow.wait_for_equal(end)
        assert shadow.call(shadow.following.core.encode_state) == node.state()
        found = status(shadow)
        assert (found.name, found.health, found.problem) == ("shadow", OK, "")
        assert (found.epoch, found.log_sequence >= end) == (1, True)
        facts = dict(found.facts)
        assert int(facts["followed_commands"]) >= end
        assert int(facts["comparisons"]) >= 1
        assert int(facts["equal_up_to"]) >= end
        assert facts["lag_commands"] == "0"


def replayed(node: RunningNode, until: int) -> bytes:
    """The state behind a sequence, from the log alone."""
    core = Engine()
    for batch in LogReader(node.disk, node.directory).batches():
        if batch.last_sequence <= until:
            apply_logged_batch(core, batch)
            core.take_outputs()
    assert core.sequence == until
    return core.encode_state()


def test_its_checkpoints_are_what_the_log_gives_and_start_a_node(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shadow_of(node) as shadow:
        for written in (1, 2):
            trade(node)
            shadow.wait_for_checkpoints(written)
        proven = shadow.call(lambda: shadow.following.comparison.equal[1])
    trade(node)
    store = CheckpointStore(ROOT, node.disk)
    headers = store.candidates()[0]
    assert 2 <= len(headers) <= node.config.engine.checkpoints_kept
    for header in headers:
        assert header.sequence <= proven
        assert store.load(header).payload == replayed(node, header.sequence)
    node.vanish()
    # Of a log as short as this one a start replays all, to fill the rings; this one does not.
    monkeypatch.setattr("tools.engine.recover", functools.partial(recover, ring_commands=0))
    again = RunningNode(disk=node.disk, config=node.config)
    try:
        assert again.recovery.notes == []
        assert again.recovery.replayed <= again.sequence() - 1 - headers[0].sequence
        trade(again)
        assert again.state() == replayed(again, again.sequence())
    finally:
        again.stop()


def test_while_the_engine_is_silent_nothing_is_proven_and_no_checkpoint_is_written(node: RunningNode) -> None:
    with shadow_of(node, feed=f"tcp://127.0.0.1:{free_port_base()}") as shadow:
        end = trade(node)
        node.call(node.journal.sync_now)
        shadow.wait_for_sequence(end)  # by the side file and the batches
        shadow.wait_until(lambda: shadow.shadow._judged()[0] == DEGRADED)
        assert status(shadow).problem.startswith("the engine is silent for ")
        assert (checkpoints(node), shadow.following.comparison.compared) == ([], 0)
        with Asker(shadow.endpoint) as asker, Asker(node.addresses.recovery) as engine:
            ask = Snapshot("BTC-USD", L3)
            assert asker.ask(ask).bids == engine.ask(ask).bids


def test_an_engine_that_says_something_else_is_an_alarm(node: RunningNode) -> None:
    """The engine's heartbeats, until somebody says another hash: here by hand, in its place."""
    end = trade(node)
    with zmq.Context() as context, context.socket(zmq.PUB) as feed:
        port = feed.bind_to_random_port("tcp://127.0.0.1")
        with shadow_of(node, feed=f"tcp://127.0.0.1:{port}") as shadow:
            shadow.wait_for_sequence(end)
            own = shadow.call(lambda: shadow.following.comparison._own[-1])

            def say(sequence: int, output_hash: bytes) -> None:
                event = (STREAM_HEARTBEAT, 1, output_hash)
                feed.send_multipart([b"heartbeat.clock.", encode_frame(1, 0, 1, sequence, 1, (event,))])

            def said_equal() -> bool:
                say(own[0], own[2])
                return shadow.following.comparison.equal == (1, own[0])

            shadow.wait_until(said_equal)
            shadow.wait_for_checkpoints(1)
            written = checkpoints(node)
            trade(node)
            later = shadow_own(shadow, own[0])
            say(later[0], bytes(31) + b"x")
            error = shadow.wait_for_error()
            assert isinstance(error, OutputsDiffer)
            assert str(error).startswith(
                f"outputs differ between sequences {own[0]} and {later[0]}: the engine's hash is 0000000000000000..."
            )
            assert checkpoints(node) == written
            assert shadow.shadow._judged() == (FAILED, str(error))


def shadow_own(shadow: RunningShadow, behind: int) -> tuple[int, int, bytes]:
    """Its own hash behind some sequence, as soon as it has one."""
    found: list[tuple[int, int, bytes]] = []

    def look() -> bool:
        found[:] = [own for own in shadow.following.comparison._own if own[0] > behind + 50]
        return bool(found)

    shadow.wait_until(look)
    return found[-1]


def test_it_follows_through_restarts_of_the_engine(disk: SimulatedDisk) -> None:
    config = small_config(engine__port_base=free_port_base(), shadow__checkpoint_interval_commands=50)
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    with shadow_of(node) as shadow:
        for epoch in (1, 2, 3):
            end = trade(node)
            shadow.wait_for_equal(end)
            assert shadow.call(lambda: shadow.following.core.epoch) == epoch
            assert shadow.call(shadow.following.core.encode_state) == node.state()
            if epoch == 3:
                break
            (node.stop if epoch == 1 else node.vanish)()
            node = RunningNode(disk=disk, config=config)
        assert status(shadow).health == OK
        assert shadow.said == []
    node.stop()


def test_it_stands_at_poison_says_so_and_goes_on_when_it_is_skipped(
    disk: SimulatedDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config(engine__port_base=free_port_base())
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    trade(node)
    break_at_price(monkeypatch, 777)
    with shadow_of(node) as shadow, Party(node.addresses.orders) as party, Asker(shadow.endpoint) as asker:
        party.hello("mallory")
        party.send(buy("poison", 777))
        poison = node.wait_for_error()
        assert isinstance(poison, EngineStopped)
        node._end()
        shadow.wait_until(lambda: shadow.following.broken is not None)
        sequence = shadow.call(lambda: shadow.following.core.sequence)
        found = status(shadow)
        assert found.health == FAILED
        assert f"command {sequence} of the log breaks the engine" in found.problem
        refused = asker.ask(Snapshot("BTC-USD", L3))
        assert (refused.reason, refused.text) == (reasons.QUEUE_FULL, found.problem)
        add_skip(ROOT, disk, sequence, "it breaks us")
        node = RunningNode(disk=disk, config=config)
        shadow.wait_until(lambda: shadow.following.broken is None)
        end = trade(node)
        shadow.wait_for_equal(end)
        assert shadow.call(shadow.following.core.encode_state) == node.state()
        assert status(shadow).health == OK
        assert [line for line in shadow.said if f"passes over command {sequence}" in line]
        assert asker.ask(Snapshot("BTC-USD", L3)).log_sequence >= end
    node.stop()


def test_a_log_that_lost_its_end_is_noticed_said_and_followed_anew(disk: SimulatedDisk) -> None:
    config = small_config(engine__port_base=free_port_base(), engine__sync="os")
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    trade(node)
    node.stop()
    lost = disk.copy()
    node = RunningNode(disk=disk, config=config)
    trade(node, rounds=40)
    with shadow_of(node) as shadow:
        shadow.wait_for_equal(node.sequence())
        node.vanish()
        put_back(disk, lost, ROOT)
        node = RunningNode(disk=disk, config=config)
        end = trade(node, "bob", rounds=2)
        shadow.wait_until(lambda: bool(shadow.said))
        assert "begins anew" in shadow.said[0]
        assert "the log is another one now" in shadow.said[0]
        shadow.wait_for_equal(end)
        shadow.wait_until(lambda: shadow.shadow._judged()[0] == OK)
        assert shadow.call(shadow.following.core.encode_state) == node.state()
    node.stop()


# What readers ask


class Tape:
    """All that leaves a node, as it left."""

    def __init__(self, node: RunningNode) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.subscribe(b"")
        for address in (node.addresses.feed, node.addresses.drop_copy):
            self._socket.connect(address)
        heard: set[bytes] = set()
        while not heard >= {b"heartbeat.clock.", b"heartbeat.drop."}:
            heard.add(self._receive()[0])

    def _receive(self) -> list[bytes]:
        assert self._socket.poll(WAIT_MS_MAX)
        return self._socket.recv_multipart()

    def up_to(self, sequence: int) -> dict[str, list[bytes]]:
        """Frames by topic, up to heartbeats of both sockets that know of a sequence."""
        frames: dict[str, list[bytes]] = {}
        awaited = {"heartbeat.clock.", "heartbeat.drop."}
        while awaited:
            topic, frame = self._receive()
            name = topic.decode()
            if not name.startswith("heartbeat."):
                frames.setdefault(name, []).append(frame)
            elif name in awaited and decode_frame(frame).log_sequence >= sequence:
                awaited.remove(name)
        return frames

    def close(self) -> None:
        self._context.destroy(linger=0)


def test_any_event_from_the_first_on_can_be_had_byte_by_byte(tmp_path: Path) -> None:
    """Also of incarnations before, and what the engine no longer keeps."""
    config = small_config(engine__port_base=free_port_base(), limits__feed_ring_events_max=20)
    published: dict[str, list[bytes]] = {}
    node = RunningNode(directory=str(tmp_path), config=config)
    with contextlib.closing(Tape(node)) as tape:
        open_market(node.addresses)
        published.update(tape.up_to(trade(node)))
    node.stop()
    node = RunningNode(directory=str(tmp_path), config=config)
    try:
        with shadow_of(node) as shadow, contextlib.closing(Tape(node)) as tape:
            end = trade(node)
            for topic, more in tape.up_to(end).items():
                published[topic] = published.get(topic, []) + more
            shadow.wait_for_equal(end)
            assert {"trade.BTC-USD.", "status.BTC-USD.", "drop."} <= set(published)
            with Asker(shadow.endpoint) as asker, Asker(node.addresses.recovery) as engine:
                assert isinstance(engine.ask(Replay("order.BTC-USD.", 1, 5)), NotKept)
                for topic, expected in published.items():
                    got: list[bytes] = []
                    while len(got) < len(expected):
                        count = sum(decode_frame_header(frame).count for frame in got)
                        answer = asker.ask_patiently(Replay(topic, count + 1, 10**9, TOKEN))
                        assert isinstance(answer, Replayed), (topic, answer)
                        got += answer.frames
                    if topic != "clock.":  # which goes on ticking
                        assert got == expected, topic
                    assert got[: len(expected)] == expected, topic
                counters = shadow.shadow.counters
                assert dict(status(shadow).facts)["walks"] == str(counters.walks)
                assert counters.walks >= 1
                last = shadow.call(lambda: shadow.following.core.numbers("BTC-USD")[2])
                answer = asker.ask_patiently(Replay("order.BTC-USD.", last + 1, last + 1))
                assert (type(answer), answer.oldest_number, answer.next_number) == (NotKept, 1, last + 1)
    finally:
        node.stop()


def test_a_snapshot_is_the_engines(node: RunningNode) -> None:
    with shadow_of(node) as shadow:
        end = trade(node)
        shadow.wait_for_equal(end)
        with Asker(shadow.endpoint) as asker, Asker(node.addresses.recovery) as engine:
            for kind in (L2, L3):
                ours, theirs = asker.ask(Snapshot("BTC-USD", kind)), engine.ask(Snapshot("BTC-USD", kind))
                assert (ours.bids, ours.asks, ours.checksum) == (theirs.bids, theirs.asks, theirs.checksum)
                assert ours.order_number == theirs.order_number


def test_a_walker_that_dies_is_started_again(tmp_path: Path) -> None:
    node = RunningNode(directory=str(tmp_path), config=small_config(limits__feed_ring_events_max=1))
    try:
        open_market(node.addresses)
        with shadow_of(node) as shadow, Asker(shadow.endpoint) as asker:
            shadow.wait_for_equal(trade(node))
            before = asker.ask_patiently(Replay("order.BTC-USD.", 1, 1))
            process = shadow.shadow._walker._process
            assert process is not None
            os.kill(process.pid, 9)
            again = asker.ask_patiently(Replay("order.BTC-USD.", 1, 1))
            assert again.frames == before.frames
    finally:
        node.stop()
