"""Plays an engine for a publisher: its feed, and the answers without which a publisher cannot begin.

    python -m tools.bench.market.player PORT_BASE script SYMBOLS COMMANDS
    python -m tools.bench.market.player PORT_BASE days SYMBOLS MINUTES_A_PART

Run by `throughput` and `memory` as a process of its own. It says `ready` when all is made. For each line of input it
waits until a publisher has subscribed to all of it, says the next part of it as fast as that is taken, and tells when.
Nothing is lost on the way: what a publisher does not take waits here and in its connection. So nobody may have to ask
for anything again, and whoever does ends the measurement.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import zmq

from bus.addresses import addresses
from bus.protocol.codec import decode_recovery_message, encode_envelope
from bus.protocol.control import INSTRUMENTS, InstrumentState, QueryInstruments
from bus.protocol.recovery import Snapshot
from bus.protocol.topics import LEVEL, TRADE, topic
from bus.sockets.router import bind, plain_send
from tools.bench.market.days import Days
from tools.bench.market.script import Script

HOST: Final = "127.0.0.1"
_NOBLOCK: Final = int(zmq.NOBLOCK)
_SNDMORE: Final = int(zmq.SNDMORE)
#: Publications that wait here when the publisher is slower.
_SEND_HIGH_WATER_MARK: Final = 100_000
#: Publications between two looks at what is asked.
_BURST: Final = 256
_EPOCH: Final = 1

#: (topic, frame)
Publications = list[tuple[bytes, bytes]]


class Played(Protocol):
    """What can be played. `sequence`: the last one of what was said; `snapshots` are those of the beginning."""

    symbols: list[str]
    sequence: int
    instruments: list[InstrumentState]
    snapshots: dict[str, tuple[object, ...]]

    @property
    def facts(self) -> str:
        """What is in it, as `key=value` words."""

    def parts(self) -> Iterator[Iterable[Publications]]:
        """One after the other, each said for a line of input; then from the beginning."""


class Player:
    """The sockets of an engine."""

    def __init__(self, played: Played, port_base: int) -> None:
        self._played = played
        where = addresses(port_base, HOST)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._feed = context.socket(zmq.XPUB)
        self._feed.setsockopt(zmq.SNDHWM, _SEND_HIGH_WATER_MARK)
        # It waits for its one publisher, as no engine would.
        self._feed.setsockopt(zmq.XPUB_NODROP, 1)
        self._feed.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._router = context.socket(zmq.ROUTER)
        bind(self._feed, where.feed)
        bind(self._router, where.recovery)
        self._send = plain_send(self._feed)
        self._poller = zmq.Poller()
        for source in (self._feed, self._router, sys.stdin.fileno()):
            self._poller.register(source, zmq.POLLIN)
        #: Topics that somebody has subscribed to since the last play, and books that were given.
        self._subscribed: set[bytes] = set()
        self._given: set[str] = set()

    def run(self) -> None:
        """Until standard input ends."""
        print(f"ready pid={os.getpid()} {self._played.facts}", flush=True)
        parts: Iterator[Iterable[Publications]] = iter(())
        while self._asked_to_play():
            part = next(parts, None)
            if part is None:
                parts = self._played.parts()
                part = next(parts)
                self._wait_for_publisher()
            first_ns = time.monotonic_ns()
            self._play(part)
            print(
                f"played sequence={self._played.sequence} first_ns={first_ns} last_ns={time.monotonic_ns()}",
                flush=True,
            )

    def _asked_to_play(self) -> bool:
        while True:
            if any(source == sys.stdin.fileno() for source, _ in self._look(None)):
                return bool(sys.stdin.readline())

    def _wait_for_publisher(self) -> None:
        wanted = {topic(kind, symbol).encode() for kind in (TRADE, LEVEL) for symbol in self._played.symbols}
        while not (wanted <= self._subscribed and len(self._given) == len(self._played.symbols)):
            self._look(100)
        self._subscribed.clear()
        self._given.clear()

    def _play(self, part: Iterable[Publications]) -> None:
        send, said = self._send, 0
        for publications in part:
            for name, frame in publications:
                send(name, _SNDMORE)
                send(frame, 0)
            said += len(publications)
            if said >= _BURST:
                said = 0
                self._look(0)

    def _look(self, timeout_ms: int | None) -> list[tuple[object, int]]:
        """Take subscriptions and requests; what has come."""
        found: list[tuple[object, int]] = self._poller.poll(timeout_ms)
        for source, _ in found:
            if source is self._feed:
                message = self._feed.recv()
                if message[:1] == b"\x01":
                    self._subscribed.add(message[1:])
            elif source is self._router:
                route, payload = self._router.recv_multipart()[:2]
                self._answer(route, payload)
        return found

    def _answer(self, route: bytes, payload: bytes) -> None:
        message = decode_recovery_message(payload)
        for correlation_id, request in enumerate(message.items, message.correlation_id):
            answer: tuple[object, ...]
            if isinstance(request, QueryInstruments):
                answer = (INSTRUMENTS, correlation_id, self._played.instruments)
            elif isinstance(request, Snapshot):
                tag, *rest = self._played.snapshots[request.symbol]
                answer = (tag, correlation_id, *rest)
                self._given.add(request.symbol)
            else:
                raise AssertionError(f"something was lost, which makes the measurement worthless: {request}")
            self._router.send_multipart([route, encode_envelope(0, _EPOCH, 0, 0, 0, (answer,))])


def _made(kind: str, symbols: str, size: str) -> Played:
    if kind == "days":
        return Days(int(symbols), int(size))
    return Script(int(symbols), int(size))


if __name__ == "__main__":
    Player(_made(*sys.argv[2:5]), int(sys.argv[1])).run()
