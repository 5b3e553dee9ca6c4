"""Bytes of a publisher to messages and back. Strict in, lenient out, as in `bus.protocol.codec`."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from bus.protocol.codec import UNDECODABLE, MalformedMessage
from bus.protocol.commands import Int64, Unsigned
from bus.protocol.feed import Level, Trade, TradeBusted, TradeCorrected
from bus.protocol.market.requests import MarketAnswer, MarketRequest
from bus.protocol.market.streams import StreamEvent
from bus.protocol.reasons import MALFORMED, UNSUPPORTED_VERSION
from bus.protocol.terms import PROTOCOL_VERSION, SHARD


class MarketFrame(Struct, array_like=True):
    """The second part of a publication: see `bus.protocol.market.streams`."""

    version: int
    shard: int
    epoch: int
    sequence: int
    previous_sequence: int
    time_ns: int
    events: list[StreamEvent | Trade | TradeBusted | TradeCorrected | Level]


class MarketFrameHeader(Struct, array_like=True):
    """A frame whose events are left undecoded."""

    version: int
    shard: int
    epoch: int
    sequence: int
    previous_sequence: int
    time_ns: int
    events: Raw


class MarketMessage(Struct, array_like=True, forbid_unknown_fields=True):
    """A reader's message of requests."""

    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[MarketRequest]


class MarketEnvelope(Struct, array_like=True):
    """What a publisher answers."""

    version: int
    session: int
    shard: int
    epoch: int
    first_report: int
    log_sequence: int
    time_ns: int
    items: list[MarketAnswer]


_encode: Final = msgspec.msgpack.Encoder().encode
decode_market_frame: Final = msgspec.msgpack.Decoder(MarketFrame).decode
decode_market_frame_header: Final = msgspec.msgpack.Decoder(MarketFrameHeader).decode
_decode_message: Final = msgspec.msgpack.Decoder(MarketMessage).decode
_decode_envelope: Final = msgspec.msgpack.Decoder(MarketEnvelope).decode
_decode_anything: Final = msgspec.msgpack.Decoder().decode


def encode_market_frame(
    epoch: int, sequence: int, previous_sequence: int, time_ns: int, events: bytes
) -> bytes:
    """A frame of a stream; `events` is the encoded list of its events."""
    return _encode((PROTOCOL_VERSION, SHARD, epoch, sequence, previous_sequence, time_ns, Raw(events)))


def decode_market_message(payload: bytes) -> MarketMessage:
    """A reader's requests. Raises MalformedMessage."""
    try:
        message = _decode_message(payload)
    except UNDECODABLE as error:
        raise _undecodable(payload, error) from None
    if message.version != PROTOCOL_VERSION:
        raise _unsupported(message.version, message.correlation_id, len(message.items))
    if not message.items:
        raise MalformedMessage(MALFORMED, "a message holds at least one item", message.correlation_id)
    return message


def decode_market_envelope(payload: bytes) -> MarketEnvelope:
    """What a publisher answered. Raises MalformedMessage."""
    try:
        return _decode_envelope(payload)
    except UNDECODABLE as error:
        raise MalformedMessage(MALFORMED, str(error)) from None


def _unsupported(version: int, correlation_id: int, count: int) -> MalformedMessage:
    text = f"version {version} is not spoken here, version {PROTOCOL_VERSION} is"
    return MalformedMessage(UNSUPPORTED_VERSION, text, correlation_id, count or 1)


def _undecodable(payload: bytes, error: Exception) -> MalformedMessage:
    """Why a message could not be decoded, with its correlation id as far as that could be read."""
    try:
        anything = _decode_anything(payload)
    except UNDECODABLE:
        anything = None
    correlation_id, count = 0, 1
    if isinstance(anything, list) and len(anything) >= 5:
        if type(anything[0]) is int and anything[0] != PROTOCOL_VERSION:
            return _unsupported(anything[0], 0, 1)
        if type(anything[2]) is int and 0 <= anything[2] < 2**63:
            correlation_id = anything[2]
        if isinstance(anything[4], list):
            count = len(anything[4]) or 1
    return MalformedMessage(MALFORMED, str(error), correlation_id, count)
