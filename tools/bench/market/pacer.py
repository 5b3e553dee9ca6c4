"""Orders at a rate, or as many as the engine takes, in several symbols at once.

    python -m tools.bench.market.pacer ORDERS TOKEN SYMBOLS COMMANDS_PER_S COMMANDS A_MESSAGE

Run by `live` as a process of its own. SYMBOLS is a list with commas; each has an account of its own. With a rate of 0
so many are sent as fit into a bounded number without an answer. It says `ready` when instruments and books are there,
starts at a line of input, and ends with its input or its commands; then it says how many were done in a second.
"""

import os
import sys
import time
from collections.abc import Iterator
from typing import Final

import zmq

from bus.protocol.codec import encode_message
from bus.protocol.commands import Command
from tools.bench import figures, flow
from tools.bench.market.script import TRADES_PER_COMMAND
from tools.bench.session import Session, header

_NOBLOCK: Final = int(zmq.NOBLOCK)
#: Without a rate. A drain of the engine takes about 300, so it never waits.
_UNANSWERED_MAX: Final = 4_096
_NS_PER_S: Final = 1_000_000_000


class Pacer:
    """The sessions, and what they send, in turn."""

    def __init__(self, orders: str, token: str, symbols: list[str], commands: int, a_message: int) -> None:
        self._a_message = a_message
        self._sessions = [Session(orders, f"pace-{symbol}", token) for symbol in symbols]
        self._markets: list[list[Command]] = []
        self._poller = zmq.Poller()
        for seed, (session, symbol) in enumerate(zip(self._sessions, symbols, strict=True), 1):
            market = flow.Flow(symbol, commands // len(symbols), seed, TRADES_PER_COMMAND)
            session.define(symbol)
            opening = session.encode(market.opening, 64)
            session.flow_elapsed_ns(opening, len(market.opening), 64, 16)
            session.forget()
            self._markets.append(market.commands)
            self._poller.register(session.socket, zmq.POLLIN)
        self._poller.register(sys.stdin.fileno(), zmq.POLLIN)

    def run(self, per_s: int) -> None:
        """Wait for a line, then send."""
        print(f"ready pid={os.getpid()}", flush=True)
        sys.stdin.readline()
        print("started", flush=True)
        first = self._sessions[0].sequence()
        messages = self._messages()
        start_ns = time.perf_counter_ns()
        sent, done, more = 0, 0, True
        while more or sent > done:
            elapsed_ns = time.perf_counter_ns() - start_ns
            allowed = elapsed_ns * per_s // _NS_PER_S if per_s else done + _UNANSWERED_MAX
            while more and sent < allowed:
                message = next(messages, None)
                if message is None:
                    more = False
                    break
                session, payload, count = message
                session.send(payload, 0)
                sent += count
            for source, _ in self._poller.poll(1):
                if source == sys.stdin.fileno():
                    more, sent = False, done
                else:
                    done = max(done, self._heard(source) - first)
        elapsed_ns = time.perf_counter_ns() - start_ns
        print(f"per_s={figures.per_s(done, elapsed_ns):.0f} commands={done}", flush=True)

    def _messages(self) -> Iterator[tuple[Session, bytes, int]]:
        """One of each symbol, then again; encoded when they are due, so that nothing is stale."""
        for start in range(0, max(map(len, self._markets)), self._a_message):
            for session, commands in zip(self._sessions, self._markets, strict=True):
                items = commands[start : start + self._a_message]
                if items:
                    payload = encode_message(session.session, 1_000_000 + start, time.time_ns(), items)
                    yield session, payload, len(items)

    @staticmethod
    def _heard(socket: "zmq.Socket[bytes]") -> int:
        """The last sequence that its answers tell."""
        sequence = 0
        try:
            while True:
                sequence = max(sequence, header(socket.recv(_NOBLOCK))[1])
        except zmq.Again:
            return sequence


if __name__ == "__main__":
    endpoint, token, symbols, rate, total, size = sys.argv[1:]
    Pacer(endpoint, token, symbols.split(","), int(total), int(size)).run(int(rate))
