"""A network between engine and publisher that loses, doubles, reorders, truncates and invents: no number is wrong."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from bus.addresses import Addresses, addresses
from bus.protocol.market.requests import (
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    StatisticsAnswer,
    StatisticsRequest,
)
from bus.protocol.market.streams import Resync, StreamsHeartbeat
from tests.publisher.test_processes import (
    MINUTE_NS,
    SYMBOL,
    Exchange,
    caught_up,
    check_candles,
    exchange,
    stored_trades,
)
from tests.support.market_ears import MarketEars
from tests.support.ports import free_port_base
from tests.support.processes import processes

__all__ = ["exchange", "processes"]


class Network:
    """Between the engine at one port base and whoever reads it at another; `mangles` while it is in a bad mood."""

    def __init__(self, engine_base: int, base: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._late: dict[zmq.Socket[bytes], list[list[bytes]]] = {}
        self.mangles = True
        self.mangled = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(addresses(engine_base, "127.0.0.1"), addresses(base, "127.0.0.1"))
        )
        self._thread.start()

    def _run(self, engine: Addresses, here: Addresses) -> None:
        feed, engine_feed = self._context.socket(zmq.XPUB), self._context.socket(zmq.XSUB)
        recovery = self._context.socket(zmq.ROUTER)
        feed.bind(here.feed)
        engine_feed.connect(engine.feed)
        recovery.bind(here.recovery)
        # The engine takes messages of one part only: a socket for each who asks.
        asking: dict[bytes, zmq.Socket[bytes]] = {}
        while not self._ended.is_set():
            zmq.select([feed, engine_feed, recovery, *asking.values()], [], [], 0.05)
            while feed.poll(0):
                engine_feed.send(feed.recv())
            while engine_feed.poll(0):
                for parts in self._passed(feed, engine_feed.recv_multipart()):
                    feed.send_multipart(parts)
            while recovery.poll(0):
                route, payload = recovery.recv_multipart()
                if route not in asking:
                    asking[route] = self._context.socket(zmq.DEALER)
                    asking[route].connect(engine.recovery)
                asking[route].send(payload)
            for route, socket in asking.items():
                while socket.poll(0):
                    for parts in self._passed(recovery, [route, socket.recv()]):
                        recovery.send_multipart(parts)
        for socket in (feed, engine_feed, recovery, *asking.values()):
            socket.close(0)

    def _passed(self, of: "zmq.Socket[bytes]", parts: list[bytes]) -> Iterator[list[bytes]]:
        """What comes out for what comes in."""
        chance = self._chance
        late, self._late[of] = self._late.get(of, []), []
        if not self.mangles or chance.random() < 0.6:
            yield parts
        else:
            self.mangled += 1
            *head, payload = parts
            kind = chance.randrange(6)
            if kind == 1:
                yield from (parts, parts)
            elif kind == 2:
                self._late[of].append(parts)
            elif kind == 3:
                yield [*head, payload[: chance.randrange(len(payload))]]
            elif kind == 4:
                # Not deeper: a frame has no checksum, TCP has; another digit would be another number.
                yield [*head, bytes([0xC1]) + payload[1:]]
            elif kind == 5:
                yield [*head, chance.randbytes(chance.randrange(60))]
        if not self.mangles or chance.random() < 0.7:
            yield from late
        else:
            self._late[of] += late

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._context.destroy(linger=0)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_is_said_and_stored_is_right(exchange: Exchange, seed: int, tmp_path: Path) -> None:
    base = free_port_base()
    network = Network(exchange.processes.port_base, base, seed)
    chance = random.Random(seed)
    try:
        process = exchange.processes.start(
            "publisher", "--data", str(tmp_path / "apart"), "--port-base", str(base)
        )
        process.ready()
        with MarketEars(base + 11, "trades.", "depth.", "heartbeat.") as ears:
            ears.answer(DepthRequest(SYMBOL), DepthAnswer)
            exchange.trade(chance, 60)
            network.mangles = False
            caught_up(ears, exchange)
            assert network.mangled > 20
            beats = [frame.events[0] for frame in ears.frames(f"heartbeat.{SYMBOL}.")]
            assert all(isinstance(beat, StreamsHeartbeat) for beat in beats)
            ears.until(lambda: not last_beat(ears).healing)
            exchange.publisher("--store", f"sqlite:///{tmp_path}/two.db")
            with MarketEars(exchange.port, "heartbeat.") as other:
                other.answer(DepthRequest(SYMBOL), DepthAnswer)
                caught_up(other, exchange)
                wanted = everything(other)
            caught_up(ears, exchange)
            assert everything(ears) == wanted
            events = [event for frame in ears.frames(f"trades.{SYMBOL}.") for event in frame.events]
            said = [event for event in events if not isinstance(event, Resync)]
            assert said == wanted[0][len(wanted[0]) - len(said) :]
    finally:
        network.close()


def last_beat(ears: MarketEars) -> StreamsHeartbeat:
    ears.listen(20)
    beat = ears.frames(f"heartbeat.{SYMBOL}.")[-1].events[0]
    assert isinstance(beat, StreamsHeartbeat)
    return beat


def everything(ears: MarketEars) -> tuple[list[object], object, object]:
    """Trades, book and day; the candles are those of the trades."""
    trades = stored_trades(ears)
    candles = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=1000), CandlesAnswer).candles
    check_candles(candles, trades, MINUTE_NS)
    day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
    depth = ears.answer(DepthRequest(SYMBOL), DepthAnswer)
    return (
        [*trades],
        (depth.bids, depth.asks, depth.checksum),
        (day.trades, day.volume_lots, day.quote_volume),
    )
