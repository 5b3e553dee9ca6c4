"""The events of a frame, decoded; lenient, so that a reader outlives kinds of events that it does not know."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from bus.protocol.codec import DropGroup
from bus.protocol.feed import Event
from bus.protocol.topics import DROP
from bus.sockets.reading.feed_items import DropReport, UnknownEvent

_decode_list: Final = msgspec.msgpack.Decoder(list[Event]).decode
_decode_raws: Final = msgspec.msgpack.Decoder(list[Raw]).decode
_decode_one: Final = msgspec.msgpack.Decoder(Event).decode
_decode_groups: Final = msgspec.msgpack.Decoder(list[DropGroup]).decode


def decode_events(topic: str, raw: Raw) -> list[Any]:
    """One entry a number. [] for what is no list of events."""
    try:
        if topic == DROP:
            return [
                DropReport(group.account, number, report)
                for group in _decode_groups(raw)
                for number, report in enumerate(group.reports, group.first_report)
            ]
        return _decode_list(raw)
    except msgspec.MsgspecError:
        return [] if topic == DROP else _decode_slowly(raw)


def _decode_slowly(raw: Raw) -> list[Any]:
    try:
        parts = _decode_raws(raw)
    except msgspec.MsgspecError:
        return []
    events: list[Any] = []
    for part in parts:
        try:
            events.append(_decode_one(part))
        except msgspec.MsgspecError:
            events.append(UnknownEvent(bytes(part)))
    return events
