"""A real engine and a real history, killed at random moments while it is traded: at the end nothing is lost or doubled.

What must be there is recomputed from the journal, by another engine and by the plain oracle of `tests.support.past`.
"""

import contextlib
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bus.errors import MatchbusError
from bus.protocol.history import QueryPastOrders
from bus.protocol.status import QueryStatus
from bus.sockets.client import Client
from bus.sockets.history_client import HistoryClient
from tests.support.drop_copies import logged
from tests.support.histories import assert_kept
from tests.support.past import Past
from tests.support.processes import LINE_S, Process, Processes, processes

__all__ = ["processes"]

ACCOUNTS = ("alice", "bob", "carla")


class Room:
    """An exchange with three traders and an operator."""

    def __init__(self, processes: Processes, data: Path, url: str, seed: int, *words: str) -> None:
        self.processes = processes
        self.data = data
        self.url = url
        self.chance = Random(seed)
        self.engine = processes.engine(data, *words)
        self.history: Process | None = None
        self.token = (data / "token").read_text().strip()
        processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", str(data)))
        self.clients: dict[str, Client] = {}
        self.pending: list[Any] = []
        self.orders: list[tuple[str, str]] = []

    def start_history(self) -> Process:
        """Begin, or begin again."""
        self.history = self.processes.history(self.data, "--database", self.url)
        return self.history

    def restart_engine(self) -> None:
        """After it was killed."""
        self.engine = self.processes.engine(self.data)

    def leave(self) -> None:
        """The traders leave without a word."""
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        self.orders.clear()

    def open(self, stack: contextlib.ExitStack) -> None:
        """The traders come in."""
        for account in ACCOUNTS:
            client = Client(port_base=self.processes.port_base, account=account, timeout=30)
            self.clients[account] = stack.enter_context(client)
        operator = Client(
            port_base=self.processes.port_base, account="house", role="operator", token=self.token, timeout=30
        )
        self.clients["house"] = stack.enter_context(operator)

    def say(self, count: int) -> None:
        """So many commands, not waiting for their answers."""
        chance = self.chance
        for _ in range(count):
            account = chance.choice(ACCOUNTS)
            client = self.clients[account]
            kind = chance.random()
            if kind < 0.7 or not self.orders:
                side = chance.choice(["buy", "sell"])
                price = f"{30_000 + chance.randrange(-3, 4)}"
                pending = client.enter("BTC-USD", side, f"0.{chance.randrange(1, 9)}", price)
                self.orders.append((account, pending.client_order_id))
            else:
                account, name = chance.choice(self.orders[-30:])
                client = self.clients[account]
                if kind < 0.8:
                    pending = client.cancel(name)
                elif kind < 0.95:
                    pending = client.replace(
                        name, price=f"{30_000 + chance.randrange(-3, 4)}", symbol="BTC-USD"
                    )
                else:
                    trade_id = chance.randrange(1, 60)
                    pending = self.clients["house"].correct_trade("BTC-USD", trade_id, "30000.5")
                    if chance.random() < 0.5:
                        pending = self.clients["house"].bust_trade("BTC-USD", trade_id)
            self.pending.append(pending)

    def hear(self) -> int:
        """Wait for all answers; the highest sequence among them."""
        sequences = [pending.result().sequence for pending in self.pending]
        self.pending.clear()
        return max(sequences, default=0)

    def until(self, client: HistoryClient, holds: Callable[[Any], bool]) -> Any:
        """Ask the history how it is until something holds, and say how it was then."""
        said: list[Any] = []
        deadline = time.monotonic() + LINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(MatchbusError):
                status = client.ask(QueryStatus(), timeout=5)
                if holds(status):
                    return status
                said.append(status)
        raise AssertionError(f"the history never was so: {said[-1:]}")

    def asking(self) -> HistoryClient:
        """A client of the history."""
        return HistoryClient(port_base=self.processes.port_base, token=self.token, timeout=30)

    def assert_all_kept(self, sequence: int) -> None:
        """Everything up to there, and the journal says the same."""
        with self.asking() as client:
            assert client.ask(QueryPastOrders("alice", at_least=sequence)).log_sequence >= sequence
        for process in (self.history, self.engine):
            assert process is not None
            status, _, errors = process.stop()
            assert (status, errors) == (0, [])
        engine, told = logged(str(self.data))
        past = Past()
        for account, report in told:
            past.add(account, report)
        assert len(told) > 150, "something happened"
        assert_kept(self.url, past, engine)


def test_both_are_killed_at_random_moments(processes: Processes, tmp_path: Path, url: str) -> None:
    """The history, the engine, and both. The seed is another one for each database."""
    room = Room(processes, tmp_path / "data", url, 1 if url.startswith("sqlite") else 2)
    chance = room.chance
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(20)
        room.start_history()
        for victims in ("history", "engine", "both"):
            room.say(chance.randrange(20, 80))
            for pending in room.pending[: chance.randrange(len(room.pending))]:
                pending.result()
            assert room.history is not None
            if victims != "engine":
                room.history.kill()
            if victims != "history":
                room.engine.kill()
                room.restart_engine()
            room.say(chance.randrange(40))
            if victims != "engine":
                room.start_history()
            room.hear()
        room.say(20)
        sequence = room.hear()
    room.assert_all_kept(sequence)


@pytest.mark.slow
def test_a_history_that_comes_late_begins_with_the_first_report(
    processes: Processes,
    tmp_path: Path,
) -> None:
    room = Room(processes, tmp_path / "data", f"sqlite:///{tmp_path / 'h.db'}", 1)
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(300)
        room.hear()
        room.start_history()
        room.say(30)
        sequence = room.hear()
    room.assert_all_kept(sequence)


@pytest.mark.parametrize("meanwhile", [pytest.param("away", marks=pytest.mark.slow), "there", "paused"])
def test_what_an_engine_lost_is_taken_out(
    processes: Processes,
    tmp_path: Path,
    meanwhile: str,
) -> None:
    """An engine whose log lost its end (a loss of power under sync=os), and that goes on with the same numbers.

    The history is there all the time and hears lower numbers; or it is away, or does not hear, until the engine has
    said other things under all the numbers that were lost, and more.
    """
    room = Room(processes, tmp_path / "data", f"sqlite:///{tmp_path / 'h.db'}", 7)
    history = room.start_history()
    saved = tmp_path / "saved"
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(150)
        room.hear()
        shutil.copytree(room.data, saved)
        room.say(100)
        sequence = room.hear()
        with room.asking() as client:
            client.ask(QueryPastOrders("alice", at_least=sequence))
            before = room.until(client, lambda status: status.health == "ok")
        if meanwhile == "away":
            assert history.stop()[0] == 0
        elif meanwhile == "paused":
            history.signal(signal.SIGSTOP)
        room.leave()
    room.engine.kill()
    shutil.rmtree(room.data)
    shutil.copytree(saved, room.data)
    room.restart_engine()
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(10 if meanwhile == "there" else 300)
        sequence = room.hear()
        if meanwhile == "away":
            history = room.start_history()
        elif meanwhile == "paused":
            history.signal(signal.SIGCONT)
        with room.asking() as client:
            now = room.until(client, lambda status: status.epoch > before.epoch and status.health == "ok")
            assert dict(now.facts)["database_failures"] == "0", "it was found out before it was written"
        room.say(200)
        sequence = room.hear()
    room.assert_all_kept(sequence)


def test_a_history_of_another_log_is_refused(processes: Processes, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'h.db'}"
    room = Room(processes, tmp_path / "data", url, 1)
    history = room.start_history()
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(20)
        sequence = room.hear()
        with room.asking() as client:
            client.ask(QueryPastOrders("alice", at_least=sequence))
    assert history.stop()[0] == 0
    room.engine.kill()
    other = Room(processes, tmp_path / "other", url, 1)
    with contextlib.ExitStack() as stack:
        other.open(stack)
        other.say(20)
        other.hear()
    words = processes.exchange("history", "--data", str(tmp_path / "other"), "--database", url)
    refusal = (
        f"matchbus: {tmp_path / 'h.db'}: its first report is not the engine's: it is the history of another log;"
        " give the history another database"
    )
    assert processes.start(*words).wait() == (1, [], [refusal])
    other.engine.kill()
    # As if the engine had been started twice more when the history followed it.
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE position SET epoch = 3"))
    engine.dispose()
    room.restart_engine()
    words = processes.exchange("history", "--data", str(room.data), "--database", url)
    refusal = (
        f"matchbus: {tmp_path / 'h.db'}: has seen epoch 3 of a log, and the engine is in epoch 2: it runs on"
        " another log, or on an older copy of this one; give the history another database"
    )
    assert processes.start(*words).wait() == (1, [], [refusal])


def test_what_the_engine_no_longer_keeps_comes_from_the_shadow(
    processes: Processes,
    tmp_path: Path,
) -> None:
    file = tmp_path / "matchbus.toml"
    file.write_text("[limits]\nfeed_ring_events_max = 20\n")
    url = f"sqlite:///{tmp_path / 'h.db'}"
    room = Room(processes, tmp_path / "data", url, 3, "--config", str(file))
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(150)
        room.hear()
        room.start_history()
        with room.asking() as client:
            status = room.until(client, lambda status: "are missing since" in status.problem)
            assert status.health == "healing"
        shadow = processes.start(*processes.exchange("shadow", "--data", str(room.data)))
        shadow.ready()
        room.say(30)
        sequence = room.hear()
        with room.asking() as client:
            client.ask(QueryPastOrders("alice", at_least=sequence))
        # A history that was away while all that it kept left the engine's ring.
        assert room.history is not None
        room.history.kill()
        room.say(60)
        room.hear()
        room.start_history()
        room.say(10)
        sequence = room.hear()
    room.assert_all_kept(sequence)


def test_a_full_disk_is_waited_for(processes: Processes, tmp_path: Path) -> None:
    """The kernel refuses the writes, as on a disk that is full; then there is room again."""
    room = Room(processes, tmp_path / "data", f"sqlite:///{tmp_path / 'h.db'}", 4)
    history = room.start_history()
    with contextlib.ExitStack() as stack:
        room.open(stack)
        room.say(50)
        room.hear()
        resource.prlimit(history.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        room.say(80)
        sequence = room.hear()
        with room.asking() as client:
            status = room.until(client, lambda status: status.health == "degraded")
            assert "h.db" in status.problem
            assert "disk" in status.problem
            resource.prlimit(
                history.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            room.until(client, lambda status: status.health == "ok")
        room.say(30)
        sequence = room.hear()
    room.assert_all_kept(sequence)
