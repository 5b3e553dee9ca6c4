"""A running exchange, asked from outside without a session: what it trades, and at which prices.

Nothing of it is logged. Whoever starts a live view asks this first: it says at once, and by address, that nobody is
there, which a subscription cannot.
"""

from typing import Final

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.errors import NotConnected, UnknownSymbol
from bus.protocol.codec import MalformedMessage, decode_recovery_envelope, encode_message
from bus.protocol.control import (
    Instruments,
    InstrumentState,
    QueryInstruments,
    QuerySchedule,
    TradingSchedule,
)
from bus.protocol.recovery import BookSnapshot, RecoveryAnswer, RecoveryRequest, Snapshot
from bus.protocol.terms import L2
from bus.sockets.session.dealer import open_dealer

_CORRELATION_ID: Final = 1


def ask_instruments(connect: str, port_base: int, timeout_s: float) -> dict[str, InstrumentState]:
    """All instruments by symbol, in the order in which they were defined. Raises NotConnected."""
    answer = _ask(connect, port_base, timeout_s, QueryInstruments())
    assert isinstance(answer, Instruments), "that is what was asked for"
    return {state.definition.symbol: state for state in answer.instruments}


def ask_schedule(connect: str, port_base: int, timeout_s: float, symbol: str) -> TradingSchedule:
    """The trading hours of a symbol, and what comes next of them. Raises NotConnected, UnknownSymbol."""
    answer = _ask(connect, port_base, timeout_s, QuerySchedule(symbol))
    if not isinstance(answer, TradingSchedule):
        raise UnknownSymbol(f"{symbol!r} is no instrument of this engine")
    return answer


def ask_book(connect: str, port_base: int, timeout_s: float, symbol: str) -> BookSnapshot:
    """A symbol's book by price levels, as it stands. Raises NotConnected, UnknownSymbol."""
    answer = _ask(connect, port_base, timeout_s, Snapshot(symbol, L2))
    if not isinstance(answer, BookSnapshot):
        raise UnknownSymbol(f"{symbol!r} is no instrument of this engine")
    return answer


def _ask(connect: str, port_base: int, timeout_s: float, request: RecoveryRequest) -> RecoveryAnswer:
    endpoint = addresses(port_base, connect).recovery
    deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
    with open_dealer(zmq.Context.instance(), endpoint) as socket:
        socket.send(encode_message(0, _CORRELATION_ID, 0, [request]))
        while (left_ms := (deadline_ns - monotonic_ns()) // 1_000_000) > 0:
            if not socket.poll(left_ms):
                break
            try:
                envelope = decode_recovery_envelope(socket.recv())
            except MalformedMessage:
                continue
            if envelope.items:
                return envelope.items[0]
    raise NotConnected(f"no engine answered at {endpoint} within {timeout_s:g} s")
