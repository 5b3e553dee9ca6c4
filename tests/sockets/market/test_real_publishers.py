"""Readers of two real publishers beside a real engine: one is killed, and nothing is missing or doubled."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bus.protocol.feed import Trade
from bus.protocol.market.streams import INTERVALS
from bus.protocol.terms import BUY, SELL
from bus.sockets.market import questions
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.market_sockets import PublisherAddress, publisher_at
from bus.sockets.market.stream_items import (
    JOINED,
    Differs,
    Item,
    Published,
    Resynced,
    Skipped,
)
from tests.publisher.test_processes import Exchange
from tests.support.processes import Process, Processes, processes

__all__ = ["processes"]

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 60.0
SYMBOL = "BTC-USD"
TRADES = f"trades.{SYMBOL}."
HEARTBEAT = f"heartbeat.{SYMBOL}."
BOOKS = ("depth", "depth-100ms", "depth-1s")
WHOLE = ("statistics", "mini", "symbol", "top5-100ms", "top20-1s", *(f"candle-{name}" for name in INTERVALS))
CHAINED = tuple(f"{kind}.{SYMBOL}." for kind in ("trades", *BOOKS))
ALL = tuple(f"{kind}.{SYMBOL}." for kind in ("trades", *BOOKS, *WHOLE))


@pytest.fixture
def exchange(processes: Processes, tmp_path: Path) -> Iterator[Exchange]:
    """An engine, whose time the test moves."""
    running = Exchange(processes, tmp_path / "data")
    yield running
    running.close()


class Pair:
    """Two publishers of everything, each with a store of its own."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self._exchange = exchange
        self._folder = folder
        base = exchange.processes.port_base
        second = base + 21
        self._ports = (base + 11, second)
        self.addresses = [
            publisher_at(base),
            PublisherAddress(f"tcp://127.0.0.1:{second}", f"tcp://127.0.0.1:{second + 1}"),
        ]
        self.processes: dict[int, Process] = {}
        for which in (0, 1):
            self.start(which)

    def start(self, which: int) -> None:
        """Start one, also again."""
        store = f"sqlite:///{self._folder / f'store-{which}.db'}"
        words = ("--store", store, "--at", str(self._ports[which]), "--name", f"p{which}")
        self.processes[which] = self._exchange.publisher(*words)

    def begin(self) -> None:
        """The market moves until both have begun every chain: conflated ones begin with the first change."""
        begun: set[int] = set()
        chance = random.Random(4)
        with MarketReader([TRADES], self.addresses) as reader:
            for item in reader.items(PATIENCE_S):
                if isinstance(item, Published) and item.topic == HEARTBEAT:
                    (heartbeat,) = item.events
                    if set(CHAINED) <= {name for name, _, _ in heartbeat.streams}:
                        begun.add(item.publisher)
                    if begun == {0, 1}:
                        return
                    self._exchange.trade(chance, 1)


@contextmanager
def trading(exchange: Exchange, seed: int) -> Iterator[None]:
    """Alice trades and time passes, in a thread of its own."""
    stop = threading.Event()
    chance = random.Random(seed)

    def trade() -> None:
        while not stop.wait(0.01):
            exchange.trade(chance, 1)

    thread = threading.Thread(target=trade, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)


class Ear:
    """What a reader was told, and what it comes to; counted as it comes, so that the reader is not slow."""

    def __init__(self, reader: MarketReader) -> None:
        self._items = reader.items(PATIENCE_S)
        self.trades: list[Trade] = []
        self.digests = [b"", b""]
        self.reached_ns = [0, 0]  # how far each publisher has come
        self.begun: list[tuple[str, str]] = []
        self.wrong: list[Differs | Skipped] = []
        self.times: dict[str, list[tuple[int, int]]] = {}

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until this holds."""
        for item in self._items:
            self._take(item)
            if holds():
                return
        raise AssertionError(f"the streams have fallen silent: {self.reached_ns}, {self.begun}")

    def hear_trades(self, count: int) -> None:
        """So many more."""
        goal = len(self.trades) + count
        self.until(lambda: len(self.trades) >= goal)

    def _take(self, item: Item) -> None:
        if isinstance(item, Published):
            if item.topic == TRADES:
                self.trades += [event for event in item.events if isinstance(event, Trade)]
            elif item.topic == HEARTBEAT:
                self.reached_ns[item.publisher] = item.time_ns
                self.digests[item.publisher] = item.events[0].digest
            else:
                self.times.setdefault(item.topic, []).append((item.time_ns, item.sequence))
        elif isinstance(item, Resynced):
            self.begun.append((item.topic, item.reason))
            self.trades += [row.trade for row in item.trades]
        elif isinstance(item, Differs | Skipped):
            self.wrong.append(item)


def all_trades(client: MarketClient) -> list[Trade]:
    """Every trade that counts, page by page."""
    found: list[Trade] = []
    while True:
        after = found[-1].trade_id + 1 if found else 1
        page = client.ask(questions.trades(SYMBOL, from_trade_id=after, limit=1000)).answer
        found += [row.trade for row in page.trades]
        if not page.more:
            return found


@pytest.mark.slow
def test_one_of_two_is_killed_in_mid_stream_and_nothing_is_missing_or_doubled(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Each of them in turn, and it comes back: nothing begins anew but the books at the beginning."""
    pair = Pair(exchange, tmp_path)
    pair.begin()
    with MarketReader(ALL, pair.addresses) as reader, MarketClient(pair.addresses) as client:
        ear = Ear(reader)
        depths = {kind: reader.depth(SYMBOL, kind) for kind in BOOKS}
        ear.until(lambda: all(depth.checks for depth in depths.values()))
        with trading(exchange, seed=5):
            for which in (0, 1):
                ear.hear_trades(50)
                pair.processes[which].kill()
                ear.hear_trades(50)
                starting = threading.Thread(target=pair.start, args=(which,))
                starting.start()
                ear.until(lambda starting=starting: not starting.is_alive())  # type: ignore[misc]
                ear.hear_trades(50)
        for _ in range(5):
            exchange.advance(10 * 10**9)
        ear.until(lambda: min(ear.reached_ns) >= exchange.time_ns)
        checks = {kind: depth.checks for kind, depth in depths.items()}
        ear.until(lambda: all(depth.checks > checks[kind] for kind, depth in depths.items()))
        book = client.ask(questions.depth(SYMBOL)).answer
        known = all_trades(client)
    assert ear.trades == known[ear.trades[0].trade_id - 1 :]
    for depth in depths.values():
        assert (depth.levels(BUY), depth.levels(SELL)) == (book.bids, book.asks)
    assert ear.wrong == []
    assert ear.digests[0] == ear.digests[1] != b""
    assert sorted(ear.begun) == sorted((f"{kind}.{SYMBOL}.", JOINED) for kind in BOOKS)
    assert all(times == sorted(set(times)) for times in ear.times.values())
