"""A running exchange, asked from outside without a session: what it trades.

Nothing of it is logged. Whoever starts a live view asks this first: it says at once, and by address, that nobody is
there, which a subscription cannot.
"""

from typing import Final

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.errors import NotConnected
from bus.protocol.codec import MalformedMessage, decode_recovery_envelope, encode_message
from bus.protocol.control import Instruments, InstrumentState, QueryInstruments
from bus.sockets.dealer import open_dealer

_CORRELATION_ID: Final = 1


def ask_instruments(connect: str, port_base: int, timeout_s: float) -> dict[str, InstrumentState]:
    """All instruments by symbol, in the order in which they were defined. Raises NotConnected."""
    endpoint = addresses(port_base, connect).recovery
    deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
    with open_dealer(zmq.Context.instance(), endpoint) as socket:
        socket.send(encode_message(0, _CORRELATION_ID, 0, [QueryInstruments()]))
        while (left_ms := (deadline_ns - monotonic_ns()) // 1_000_000) > 0:
            if not socket.poll(left_ms):
                break
            try:
                envelope = decode_recovery_envelope(socket.recv())
            except MalformedMessage:
                continue
            for answer in envelope.items:
                if isinstance(answer, Instruments):
                    return {state.definition.symbol: state for state in answer.instruments}
    raise NotConnected(f"no engine answered at {endpoint} within {timeout_s:g} s")
