"""A real engine and a real shadow, either of them killed at any moment: both come back, and still say the same."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.journal.checkpoint import CheckpointStore
from bus.journal.directory import read_token
from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.protocol.commands import EnterOrder
from bus.protocol.recovery import Replay, Replayed
from bus.protocol.status import QueryStatus
from bus.protocol.terms import OPERATOR
from bus.replay import apply_logged_batch
from matcher.engine import Engine
from tests.node.parties import BTC_USD, Asker, Party, buy, sell
from tests.support.processes import LINE_S, Process, Processes


class Exchange:
    """An engine and its shadow on one directory; each can be killed and started again."""

    def __init__(self, processes: Processes, data: Path, sync: str) -> None:
        self._processes = processes
        self._base = processes.port_base
        self._sync = sync
        self.data = data
        self.engine: Process
        self.shadow: Process

    def start_engine(self) -> None:
        words = ("engine", "--data", str(self.data), "--sync", self._sync)
        self.engine = self._processes.start(*self._processes.exchange(*words))
        self.engine.ready()

    def start_shadow(self) -> None:
        words = ("shadow", "--data", str(self.data))
        interval = {"MATCHBUS_SHADOW_CHECKPOINT_INTERVAL_COMMANDS": "100"}
        self.shadow = self._processes.start(*self._processes.exchange(*words), **interval)
        self.shadow.ready()

    def address(self, offset: int) -> str:
        return f"tcp://127.0.0.1:{self._base + offset}"

    def wait_until_equal(self) -> dict[str, str]:
        """Return when the shadow has found equal all that the engine has said by now; the shadow's facts."""
        deadline = time.monotonic() + LINE_S
        with Asker(self.address(3)) as engine, Asker(self.address(5)) as shadow:
            end = engine.ask(QueryStatus())
            while True:
                status = shadow.ask(QueryStatus())
                facts: dict[str, str] = dict(status.facts)
                if status.epoch == end.epoch and int(facts["equal_up_to"]) >= end.log_sequence:
                    return facts
                assert time.monotonic() < deadline, f"{status} does not come to {end}"

    @contextlib.contextmanager
    def traded_on(self, seed: int) -> Iterator[None]:
        """Somebody trades until the end of this, or of the engine."""
        stop = threading.Event()
        chance = random.Random(seed)

        def trade() -> None:
            with Party(self.address(1)) as party:
                party.hello("alice")
                for number in range(10**6):
                    if stop.is_set():
                        return
                    party.send(*some_orders(chance, f"{seed}-{number}", number))
                    if party.receive(200) is None:
                        return

        thread = threading.Thread(target=trade, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(LINE_S)
            assert not thread.is_alive()


def some_orders(chance: random.Random, name: str, number: int) -> list[EnterOrder]:
    """One to five orders, of one side, around a price at which others trade with them."""
    side = (buy, sell)[number % 2]
    return [
        side(f"{name}-{n}", 100 + chance.randrange(5), 1 + chance.randrange(4))
        for n in range(chance.randrange(1, 6))
    ]


def open_market(exchange: Exchange) -> None:
    with Party(exchange.address(1)) as operator:
        operator.hello("ops", role=OPERATOR, token=read_token(str(exchange.data)))
        operator.ask(BTC_USD)


def assert_checkpoints_are_what_the_log_gives(data: Path) -> int:
    """How many there are."""
    headers, skipped = CheckpointStore(str(data), Disk()).candidates()
    assert skipped == []
    wanted = {header.sequence: header for header in headers}
    core = Engine()
    for batch in LogReader(Disk(), str(data)).batches():
        apply_logged_batch(core, batch)
        core.take_outputs()
        if (header := wanted.pop(core.sequence, None)) is not None:
            assert header.journal_hash == batch.hash
            assert CheckpointStore(str(data), Disk()).load(header).payload == core.encode_state()
    assert wanted == {}
    return len(headers)


def killed_again_and_again(exchange: Exchange, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    exchange.start_engine()
    open_market(exchange)
    exchange.start_shadow()
    for number in range(kills):
        victim = chance.choice(("engine", "shadow", "both"))
        with exchange.traded_on(seed * 1000 + number):
            after = chance.randrange(300)
            with Asker(exchange.address(5)) as asker:  # not by time: by what the shadow has followed
                first = asker.ask(QueryStatus()).log_sequence
                while asker.ask(QueryStatus()).log_sequence < first + after:
                    pass
            if victim in ("engine", "both"):
                exchange.engine.kill()
            if victim in ("shadow", "both"):
                exchange.shadow.kill()
        if victim in ("engine", "both"):
            exchange.start_engine()
        if victim in ("shadow", "both"):
            exchange.start_shadow()
        exchange.wait_until_equal()
    assert exchange.shadow.stop()[::2] == (0, [])
    assert exchange.engine.stop()[0] == 0
    assert assert_checkpoints_are_what_the_log_gives(exchange.data) > 0


def test_either_is_killed_and_comes_back(processes: Processes, tmp_path: Path) -> None:
    killed_again_and_again(Exchange(processes, tmp_path / "data", "os"), seed=11, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("sync", ["os", "disk"])
@pytest.mark.parametrize("seed", range(2))
def test_either_is_killed_often(processes: Processes, tmp_path: Path, seed: int, sync: str) -> None:
    killed_again_and_again(Exchange(processes, tmp_path / "data", sync), seed=seed, kills=10)


def test_history_is_had_from_the_first_event_on_and_checkpoints_start_the_engine(
    processes: Processes, tmp_path: Path
) -> None:
    """What the engine has in its ring, and the shadow, started at a checkpoint, has not."""
    exchange = Exchange(processes, tmp_path / "data", "os")
    exchange.start_engine()
    open_market(exchange)
    exchange.start_shadow()
    chance = random.Random(5)
    with Party(exchange.address(1)) as party:  # no more than that: the engine's ring has to hold it all
        party.hello("alice")
        for number in range(3000):
            party.send(*some_orders(chance, f"{number}", number))
            party.receive(200)
            if number % 50 == 49 and int(exchange.wait_until_equal()["checkpoints_written"]) >= 2:
                break
        else:
            raise AssertionError("no two checkpoints in 3,000 messages")
    exchange.shadow.kill()
    exchange.start_shadow()
    followed = int(exchange.wait_until_equal()["followed_commands"])
    token = read_token(str(exchange.data))
    with Asker(exchange.address(3)) as engine, Asker(exchange.address(5)) as shadow:
        assert followed < engine.ask(QueryStatus()).log_sequence, "it began at a checkpoint"
        for topic in ("trade.BTC-USD.", "level.BTC-USD.", "order.BTC-USD.", "drop."):
            request = Replay(topic, 1, 500, token)
            ours, theirs = shadow.ask_patiently(request), engine.ask(request)
            assert isinstance(ours, Replayed)
            assert ours.frames == theirs.frames, topic
        assert dict(shadow.ask(QueryStatus()).facts)["walks"] != "0"
    status, _, errors = exchange.shadow.stop()
    assert (status, errors) == (0, [])
    exchange.engine.kill()
    exchange.start_engine()
    exchange.start_shadow()
    exchange.wait_until_equal()


def test_a_shadow_says_in_one_line_why_it_cannot_run(processes: Processes, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert processes.run(*processes.exchange("shadow", "--data", str(nowhere)), status=1) == (
        f"matchbus: {nowhere}: no engine has run there, so there is nothing to follow"
    )
    assert processes.run("shadow", "--port-base", "0", status=1) == (
        "matchbus: engine.port_base = 0: the shadow could not find the engine; name a port base"
    )
    exchange = Exchange(processes, tmp_path / "data", "os")
    exchange.start_engine()
    exchange.start_shadow()
    words = processes.exchange("shadow", "--data", str(exchange.data))
    assert processes.run(*words, status=1) == (
        f"matchbus: {exchange.data}: held by process {exchange.shadow.pid}, stop that one first"
    )
