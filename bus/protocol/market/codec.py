"""Bytes of a publisher to messages and back. Strict in, lenient out, as in `bus.protocol.codec`."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from bus.protocol.codec import decode_answers, decode_requests
from bus.protocol.commands import Int64, Unsigned
from bus.protocol.market.requests import MarketAnswer, MarketRequest
from bus.protocol.market.streams import FeedEvent, StreamEvent
from bus.protocol.terms import PROTOCOL_VERSION, SHARD


class MarketFrame(Struct, array_like=True):
    """The second part of a publication: see `bus.protocol.market.streams`."""

    version: int
    shard: int
    epoch: int
    sequence: int
    previous_sequence: int
    time_ns: int
    events: list[StreamEvent | FeedEvent]


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


def encode_market_frame(
    epoch: int, sequence: int, previous_sequence: int, time_ns: int, events: bytes
) -> bytes:
    """A frame of a stream; `events` is the encoded list of its events."""
    return _encode((PROTOCOL_VERSION, SHARD, epoch, sequence, previous_sequence, time_ns, Raw(events)))


def decode_market_message(payload: bytes) -> MarketMessage:
    """A reader's requests. Raises MalformedMessage."""
    return decode_requests(_decode_message, payload)


def decode_market_envelope(payload: bytes) -> MarketEnvelope:
    """What a publisher answered. Raises MalformedMessage."""
    return decode_answers(_decode_envelope, payload)
