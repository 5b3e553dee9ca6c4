"""Bytes of the private history to messages and back. Strict in, lenient out, as in `bus.protocol.codec`."""

from typing import Final

import msgspec
from msgspec import Struct

from bus.protocol.codec import decode_answers, decode_requests
from bus.protocol.commands import Int64, Unsigned
from bus.protocol.exposure import ExposureEvent
from bus.protocol.history import HistoryAnswer, HistoryRequest
from bus.protocol.terms import PROTOCOL_VERSION, SHARD


class HistoryMessage(Struct, array_like=True, forbid_unknown_fields=True):
    """A message of requests to the history."""

    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[HistoryRequest]


class HistoryEnvelope(Struct, array_like=True):
    """What the history answers."""

    version: int
    session: int
    shard: int
    epoch: int
    first_report: int
    log_sequence: int
    time_ns: int
    items: list[HistoryAnswer]


class ExposureFrame(Struct, array_like=True):
    """The second part of a publication of the history: see `bus.protocol.exposure`."""

    version: int
    shard: int
    epoch: int
    sequence: int
    previous_sequence: int
    time_ns: int
    events: list[ExposureEvent]


_encode: Final = msgspec.msgpack.Encoder().encode
decode_exposure_frame: Final = msgspec.msgpack.Decoder(ExposureFrame).decode
_decode_message: Final = msgspec.msgpack.Decoder(HistoryMessage).decode
_decode_envelope: Final = msgspec.msgpack.Decoder(HistoryEnvelope).decode


def encode_exposure_frame(
    epoch: int, sequence: int, previous_sequence: int, time_ns: int, event: ExposureEvent
) -> bytes:
    """A frame with its event."""
    return _encode((PROTOCOL_VERSION, SHARD, epoch, sequence, previous_sequence, time_ns, (event,)))


def decode_history_message(payload: bytes) -> HistoryMessage:
    """A message of requests. Raises MalformedMessage."""
    return decode_requests(_decode_message, payload)


def decode_history_envelope(payload: bytes) -> HistoryEnvelope:
    """What the history answered. Raises MalformedMessage."""
    return decode_answers(_decode_envelope, payload)
