"""kill -9 of a real engine under load: what was acknowledged is there, numbers go on, nothing happens twice."""

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from bus.addresses import Addresses, addresses
from bus.config_loading import load_config
from bus.journal.checkpoint import CheckpointStore
from bus.journal.directory import read_token
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.protocol.codec import decode_drop_frame, decode_frame
from bus.protocol.control import Heartbeat, QueryOrders, Welcome
from bus.protocol.recovery import Replay
from bus.protocol.reports import Accepted, Duplicate
from bus.protocol.terms import OPERATOR
from bus.replay import apply_logged_batch
from matcher.engine import Engine
from tests.node.parties import BTC_USD, Asker, Party, Reader, assert_continuous, buy, sell
from tests.support.processes import Process, Processes, processes  # noqa: F401
from tests.support.running_node import RunningNode, small_config

TOPICS = ("trade.BTC-USD.", "level.BTC-USD.", "order.BTC-USD.", "status.BTC-USD.", "drop.")


def engine(processes: Processes, data: Path) -> tuple[Process, Addresses]:  # noqa: F811
    """A ready engine and where it listens."""
    process = processes.start(
        "engine", "--data", str(data), "--port-base", str(processes.port_base),
        MATCHBUS_ENGINE_SEGMENT_BYTES="1048576", MATCHBUS_FEED_HEARTBEAT_INTERVAL_MS="50",
    )  # fmt: skip
    process.ready()
    return process, addresses(processes.port_base, "127.0.0.1")


def everything(asker: Asker, topic: str, token: str) -> dict[int, Any]:
    """All events of a topic that the recovery service has, by number."""
    events: dict[int, Any] = {}
    while True:
        answer = asker.ask(Replay(topic, len(events) + 1, 2**62, token))
        if type(answer).__name__ != "Replayed":
            assert (answer.oldest_number, answer.next_number) == (1, len(events) + 1), answer
            return events
        for raw in answer.frames:
            if topic == "drop.":
                drop = decode_drop_frame(raw)
                flat: list[Any] = [
                    (g.account, g.first_report + i, r) for g in drop.events for i, r in enumerate(g.reports)
                ]
                first = drop.first_number
            else:
                frame = decode_frame(raw)
                first, flat = frame.first_number, list(frame.events)
            for number, event in enumerate(flat, first):
                assert number == len(events) + 1 or events[number] == event
                events[number] = event


def events_of(frames: list[tuple[str, Any]]) -> dict[str, dict[int, Any]]:
    """The events that a reader saw, by topic and number."""
    seen: dict[str, dict[int, Any]] = {}
    for name, frame in frames:
        if not name.startswith(("heartbeat.", "clock.")):
            for number, event in enumerate(frame.events, frame.first_number):
                seen.setdefault(name, {})[number] = event
    return seen


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_kill_at_a_random_moment_under_load(
    processes: Processes,  # noqa: F811
    tmp_path: Path,
    seed: int,
) -> None:
    chance = random.Random(seed)
    data = tmp_path / "data"
    process, a = engine(processes, data)
    token = read_token(str(data))
    with Party(a.orders) as operator:
        operator.hello("ops", role=OPERATOR, token=token)
        operator.ask(BTC_USD)
    accounts = [f"a{i}" for i in range(3)]
    kept: dict[str, dict[int, Any]] = {}
    hellos: dict[str, Any] = dict.fromkeys(accounts)
    reports: dict[str, dict[int, Any]] = {account: {} for account in accounts}
    sent: dict[str, list[Any]] = {account: [] for account in accounts}
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            parties = {account: stack.enter_context(Party(a.orders)) for account in accounts}
            feed = stack.enter_context(Reader(a.feed)).ready()
            for account, party in parties.items():
                if hellos[account] is None:
                    party.hello(account, lease_ms=60_000)
                else:
                    number = party.send(hellos[account], session=0)
                    party.welcome = party.answer(number)
                    assert isinstance(party.welcome, Welcome), f"seed {seed}: {party.welcome}"
                    party.session = party.welcome.session
                    while len(party.reports) < party.welcome.next_report - 1:
                        assert party.receive() is not None
                    # What was acknowledged is there, word for word; unanswered commands are sent again.
                    for number, report in reports[account].items():
                        assert party.reports[number] == report, f"seed {seed}"
                    executed = {r.client_order_id for r in party.reports.values() if isinstance(r, Accepted)}
                    for order in sent[account][-40:]:
                        known = order.client_order_id in executed
                        assert isinstance(party.ask(order), Duplicate if known else Accepted), f"seed {seed}"
                hellos[account] = party.again(resume_from=1)
            end = chance.randrange(50, 400)
            answered = 0
            while answered < end:
                party = parties[chance.choice(accounts)]
                account = party.welcome.account
                some = []
                for _ in range(chance.randrange(1, 8)):
                    side = chance.choice((buy, sell))
                    some.append(
                        side(f"{len(sent[account])}", 100 + chance.randrange(3), 1 + chance.randrange(5))
                    )
                    sent[account].append(some[-1])
                first = party.send(*some)
                answered += len(some)
                if chance.random() < 0.6:
                    party.answer(first)
            process.kill()
            for account, party in parties.items():
                while party.receive(30) is not None:
                    pass
                reports[account] = dict(party.reports)
                party.assert_dense()
            frames = []
            while (got := feed.receive(30)) is not None:
                frames.append(got)
        assert_continuous(frames)
        process, a = engine(processes, data)
        with Asker(a.recovery) as asker:
            kept = {topic: everything(asker, topic, token) for topic in TOPICS}
        for topic, events in events_of(frames).items():
            for number, event in events.items():
                assert kept[topic][number] == event, f"seed {seed}: {topic} {number} was seen and then undone"
    # Each order was executed once.
    accepted = [
        r.client_order_id
        for account, _, r in kept["drop."].values()
        if account == "a0" and isinstance(r, Accepted)
    ]
    assert len(accepted) == len(set(accepted))
    status, _, errors = process.stop()
    assert (status, errors) == (0, [])

    # The state after the whole log, from nothing, is the one that the clean stop left in the checkpoint.
    disk = Disk()
    store = CheckpointStore(str(data), disk)
    newest = store.candidates()[0][0]
    journal = Journal.open(str(data), disk=disk)
    core = Engine()
    for batch in journal.batches():
        apply_logged_batch(core, batch)
        core.take_outputs()
    journal.close()
    assert core.sequence == newest.sequence
    assert core.encode_state() == store.load(newest).payload
    core.state.check()


def test_a_pause_of_the_engine_ends_no_session(processes: Processes, tmp_path: Path) -> None:  # noqa: F811
    """Stopped for longer than the lease, while the client spoke on time: it did not read that yet."""
    process, a = engine(processes, tmp_path / "data")
    with Party(a.orders) as alice:
        alice.hello("alice", lease_ms=1000, cancel_on_disconnect=True)
        os.kill(process.pid, signal.SIGSTOP)
        numbers = []
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            numbers.append(alice.send(Heartbeat()))
            assert not alice.socket.poll(200)
        os.kill(process.pid, signal.SIGCONT)
        for number in numbers:
            assert type(alice.answer(number)).__name__ == "EngineHeartbeat"


def test_ports_in_use_are_one_line_and_a_status(processes: Processes, tmp_path: Path) -> None:  # noqa: F811
    engine(processes, tmp_path / "one")
    second = processes.start(
        "engine", "--data", str(tmp_path / "two"), "--port-base", str(processes.port_base)
    )
    status, lines, errors = second.wait()
    assert status == 1
    assert lines == []
    assert len(errors) == 1
    assert "--port-base" in errors[0]


def test_on_the_real_disk_a_node_that_vanishes_keeps_what_it_wrote(tmp_path: Path) -> None:
    directory = str(tmp_path)
    config = load_config(
        None, {}, {"engine.port_base": 0, "engine.segment_bytes": 1 << 20, "engine.sync": "os"}
    )
    node = RunningNode(directory=directory, config=config)
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        hello = alice.again(resume_from=1)
        number = alice.send(*[buy(f"{i}") for i in range(100)])
        alice.answer(number)
        node.vanish()
        reports = dict(alice.reports)
    node = RunningNode(directory=directory, config=small_config())
    try:
        with Party(node.addresses.orders) as alice:
            alice.welcome = alice.ask(hello, session=0)
            alice.session = alice.welcome.session
            while len(alice.reports) < alice.welcome.next_report - 1:
                assert alice.receive() is not None
            assert {n: alice.reports[n] for n in reports} == reports
            assert alice.ask(QueryOrders()).orders == []  # no such instrument: each was refused, and stays so
    finally:
        node.stop()
