"""A client gone wild: as many orders as its core and its connection allow, so many in each message.

    python -m tools.bench.flood ORDERS_ENDPOINT COMMANDS_A_MESSAGE SYMBOL

Run by `fairness` as a process of its own. Each of its orders is cancelled by its next command, so the book stays as it
is. It reads what it is told, so nothing but its own flood holds it back. It ends with its standard input, and says
then how many commands a second were done.
"""

import os
import sys
import time

import zmq

from bus.protocol.codec import encode_message
from bus.protocol.commands import CancelOrder, Command, EnterOrder
from bus.protocol.terms import BUY
from tools.bench import figures
from tools.bench.session import Session, header

_NOBLOCK = int(zmq.NOBLOCK)
#: Messages between two looks at what came; what the connection does not take blocks the flood, not the engine.
_BURST = 32
#: Messages for the engine that wait in this process.
_SEND_HIGH_WATER_MARK = 100
_PRICE_TICKS = 20_000


def main(endpoint: str, a_message: int, symbol: str) -> None:
    """Flood until standard input ends."""
    with Session(endpoint, "flood") as session:
        session.socket.setsockopt(zmq.SNDHWM, _SEND_HIGH_WATER_MARK)
        poller = zmq.Poller()
        poller.register(sys.stdin.fileno(), zmq.POLLIN)
        first = sequence = session.sequence()
        sent = 0
        print(f"ready pid={os.getpid()}", flush=True)
        start = time.perf_counter_ns()
        while not poller.poll(0):
            now = time.time_ns()
            for _ in range(_BURST):
                items = [_command(sent + index, symbol) for index in range(a_message)]
                try:
                    session.send(encode_message(session.session, 1_000 + sent, now, items), _NOBLOCK)
                except zmq.Again:
                    break
                sent += a_message
            try:
                while True:
                    sequence = max(sequence, header(session.socket.recv(_NOBLOCK))[1])
            except zmq.Again:
                pass
        rate = figures.per_s(sequence - first, time.perf_counter_ns() - start)
        print(f"per_s={rate:.0f}", flush=True)


def _command(number: int, symbol: str) -> Command:
    """An order, then its cancel."""
    if number % 2:
        return CancelOrder(client_order_id=f"f{number - 1}")
    return EnterOrder(f"f{number}", symbol, BUY, 1, _PRICE_TICKS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
