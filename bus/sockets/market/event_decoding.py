"""The events of a publisher's frame, decoded; lenient, so that a reader outlives kinds that it does not know."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from bus.protocol.market.streams import FeedEvent, StreamEvent
from bus.sockets.reading.feed_items import UnknownEvent

_Event = StreamEvent | FeedEvent

_decode_list: Final = msgspec.msgpack.Decoder(list[_Event]).decode
_decode_raws: Final = msgspec.msgpack.Decoder(list[Raw]).decode
_decode_one: Final = msgspec.msgpack.Decoder(_Event).decode


def decode_stream_events(raw: Raw) -> list[Any] | None:
    """None for what is no list of events."""
    try:
        return _decode_list(raw)
    except msgspec.MsgspecError:
        return _decode_slowly(raw)


def _decode_slowly(raw: Raw) -> list[Any] | None:
    try:
        parts = _decode_raws(raw)
    except msgspec.MsgspecError:
        return None
    events: list[Any] = []
    for part in parts:
        try:
            events.append(_decode_one(part))
        except msgspec.MsgspecError:
            events.append(UnknownEvent(bytes(part)))
    return events
