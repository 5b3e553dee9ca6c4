"""Bytes to messages and back.

Strict in, lenient out: what the engine receives is refused when it has a wrong type, an unknown tag or an unknown
trailing field; what it sends may grow fields at the end, and readers ignore those that they do not know.

Decoding is a function of the bytes alone: a replay of the journal decodes to the same commands, the malformed items
of a message left out again. So a message is refused as a whole when it holds anything but arrays, texts and numbers
where an item has its fields: how deep a decoder follows what is nested depends on the machine and on its caller.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from bus.protocol.commands import Command, Int64, Unsigned
from bus.protocol.control import Answer, ClientControl
from bus.protocol.feed import Event
from bus.protocol.reasons import MALFORMED, MESSAGE_TOO_LARGE, UNSUPPORTED_VERSION
from bus.protocol.records import Record
from bus.protocol.recovery import RecoveryAnswer, RecoveryRequest
from bus.protocol.reports import Report
from bus.protocol.terms import ALL_OR_NOTHING, PROTOCOL_VERSION, SHARD, VALIDATE_ONLY

#: Bits that mean something; a message with any other is malformed.
Options = Annotated[int, Meta(ge=0, le=VALIDATE_ONLY | ALL_OR_NOTHING)]

#: What decoding of hostile bytes can raise: wrong shape, bad msgpack, bad UTF-8, nesting without end.
UNDECODABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)


#: More items than any message holds; what is in the log was within its engine's limit when it was taken.
ITEMS_MAX: Final = 2**31


class Malformed(Struct, frozen=True):
    """Stands in a message's list of commands for an item that could not be decoded."""

    text: str


class UnknownReport(Struct, frozen=True):
    """Stands in an envelope for a report that this version does not know, so that the others keep their numbers.

    What every report begins with is there as far as it could be read, 0 otherwise.
    """

    tag: int = 0
    sequence: int = 0
    time_ns: int = 0
    session: int = 0
    correlation_id: int = 0


class MalformedMessage(Exception):
    """A whole message could not be decoded. `reason` is MALFORMED, UNSUPPORTED_VERSION or MESSAGE_TOO_LARGE.

    `correlation_id` and `count` (of items) are the message's, as far as they could be read: 0 and 1 otherwise.
    """

    def __init__(self, reason: int, text: str, correlation_id: int = 0, count: int = 1) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.correlation_id = correlation_id
        self.count = count


class CommandMessage(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A client's message of commands. What stands behind the items may be left out.

    `deadline_ns`: a command that would be carried out later than this is refused; 0 for none. `options`: bits of
    `bus.protocol.terms.OPTIONS`.
    """

    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[Command]
    deadline_ns: Unsigned = 0
    options: Options = 0


class PartialCommandMessage(CommandMessage, array_like=True, gc=False):
    """A message of which some items are `Malformed` (in their places, so that the others keep their ids)."""


class ControlMessage(Struct, array_like=True, forbid_unknown_fields=True):
    """A client's message of control items."""

    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[ClientControl]


class RecoveryMessage(Struct, array_like=True, forbid_unknown_fields=True):
    """A reader's message of recovery requests."""

    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[RecoveryRequest]


_NOTHING: Final = Raw(b"\0")


class _RawMessage(Struct, array_like=True, forbid_unknown_fields=True):
    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[Raw]
    deadline_ns: Raw = _NOTHING
    options: Raw = _NOTHING


#: What a field of an item may be for the item to be refused alone: nothing nested, no bytes.
_Plain = None | bool | int | float | str


class _PlainMessage(Struct, array_like=True, forbid_unknown_fields=True):
    version: Int64
    session: Unsigned
    correlation_id: Unsigned
    created_ns: Unsigned
    items: list[list[_Plain] | _Plain]
    deadline_ns: Unsigned = 0
    options: Options = 0


class Envelope(Struct, array_like=True):
    """What the engine sends to a session. `first_report` is 0 when the items are answers, not reports."""

    version: int
    session: int
    shard: int
    epoch: int
    first_report: int
    log_sequence: int
    time_ns: int
    items: list[Report | Answer]


class _RawEnvelope(Struct, array_like=True):
    version: int
    session: int
    shard: int
    epoch: int
    first_report: int
    log_sequence: int
    time_ns: int
    items: list[Raw]


class RecoveryEnvelope(Struct, array_like=True):
    """What the engine answers on the recovery socket."""

    version: int
    session: int
    shard: int
    epoch: int
    first_report: int
    log_sequence: int
    time_ns: int
    items: list[RecoveryAnswer]


class Frame(Struct, array_like=True):
    """The second part of a publication. `numbers`: see `bus.protocol.feed`."""

    version: int
    shard: int
    epoch: int
    first_number: int
    count: int
    log_sequence: int
    time_ns: int
    events: list[Event]
    numbers: tuple[int, ...] = ()


class FrameHeader(Struct, array_like=True):
    """A frame whose events are left undecoded."""

    version: int
    shard: int
    epoch: int
    first_number: int
    count: int
    log_sequence: int
    time_ns: int
    events: Raw
    numbers: tuple[int, ...] = ()


class _ReportHead(Struct, array_like=True):
    tag: int
    sequence: int
    time_ns: int
    session: int
    correlation_id: int


class DropGroup(Struct, array_like=True):
    """On the drop-copy: reports of one account, numbered from `first_report`."""

    account: str
    first_report: int
    reports: list[Report]


class DropFrame(Struct, array_like=True):
    """The second part of a publication on the drop-copy. `count` counts reports, over all groups."""

    version: int
    shard: int
    epoch: int
    first_number: int
    count: int
    log_sequence: int
    time_ns: int
    events: list[DropGroup]


encode: Final = msgspec.msgpack.Encoder().encode
_decode_commands: Final = msgspec.msgpack.Decoder(CommandMessage).decode
_decode_control: Final = msgspec.msgpack.Decoder(ControlMessage).decode
_decode_recovery: Final = msgspec.msgpack.Decoder(RecoveryMessage).decode
_decode_plain_message: Final = msgspec.msgpack.Decoder(_PlainMessage).decode
_decode_raw_message: Final = msgspec.msgpack.Decoder(_RawMessage).decode
_decode_command: Final = msgspec.msgpack.Decoder(Command).decode
_decode_record: Final = msgspec.msgpack.Decoder(Record).decode
_decode_envelope: Final = msgspec.msgpack.Decoder(Envelope).decode
_decode_raw_envelope: Final = msgspec.msgpack.Decoder(_RawEnvelope).decode
_decode_item: Final = msgspec.msgpack.Decoder(Report | Answer).decode
_decode_recovery_envelope: Final = msgspec.msgpack.Decoder(RecoveryEnvelope).decode
_decode_anything: Final = msgspec.msgpack.Decoder().decode
_decode_report_head: Final = msgspec.msgpack.Decoder(_ReportHead).decode
decode_frame: Final = msgspec.msgpack.Decoder(Frame).decode
decode_frame_header: Final = msgspec.msgpack.Decoder(FrameHeader).decode
decode_drop_frame: Final = msgspec.msgpack.Decoder(DropFrame).decode


def decode_client_message(payload: bytes, items_max: int = ITEMS_MAX) -> CommandMessage | ControlMessage:
    """A client's message. An item that is malformed alone makes it a PartialCommandMessage; the others stand.

    Raises MalformedMessage when nothing of it can be used, or when it has an item that is malformed and more than
    `items_max`: looking for each of thousands of errors would keep everybody waiting.
    """
    try:
        message: CommandMessage | ControlMessage = _decode_commands(payload)
    except UNDECODABLE:
        message = _decode_client_message_slowly(payload, items_max)
    if message.version != PROTOCOL_VERSION:
        raise _unsupported(message.version, message.correlation_id, len(message.items))
    if not message.items:
        raise MalformedMessage(MALFORMED, "a message holds at least one item", message.correlation_id)
    return message


def _decode_client_message_slowly(payload: bytes, items_max: int) -> CommandMessage | ControlMessage:
    try:
        return _decode_control(payload)
    except UNDECODABLE as error:
        control_error = error
    try:
        plain = _decode_plain_message(payload)
        raw = _decode_raw_message(payload)
    except UNDECODABLE as error:
        raise _undecodable(payload, error) from None
    if raw.version != PROTOCOL_VERSION:
        raise _unsupported(raw.version, raw.correlation_id, len(raw.items))
    if len(raw.items) > items_max:
        text = f"{len(raw.items)} items, {items_max} are allowed"
        raise MalformedMessage(MESSAGE_TOO_LARGE, text, raw.correlation_id, len(raw.items))
    commands: list[Any] = []
    first_error = ""
    for item in raw.items:
        try:
            commands.append(_decode_command(item))
        except UNDECODABLE as error:
            commands.append(Malformed(str(error)))
            first_error = first_error or str(error)
    if all(type(command) is Malformed for command in commands):
        # Nobody can tell whether control or commands were meant; an item that fails as either says why as a command
        # unless its tag is one of control.
        text = str(control_error) if "Invalid value" in first_error else first_error
        raise MalformedMessage(
            MALFORMED, text or "a message holds at least one item", raw.correlation_id, len(raw.items) or 1
        )
    return PartialCommandMessage(
        raw.version,
        raw.session,
        raw.correlation_id,
        raw.created_ns,
        commands,
        plain.deadline_ns,
        plain.options,
    )


class Requests(Protocol):
    """A reader's message, on whichever ROUTER."""

    version: int
    correlation_id: int
    items: Any


R = TypeVar("R", bound=Requests)
T = TypeVar("T")


def decode_requests(decode: Callable[[bytes], R], payload: bytes) -> R:
    """A reader's message in the shape that `decode` knows. Raises MalformedMessage."""
    try:
        message = decode(payload)
    except UNDECODABLE as error:
        raise _undecodable(payload, error) from None
    if message.version != PROTOCOL_VERSION:
        raise _unsupported(message.version, message.correlation_id, len(message.items))
    if not message.items:
        raise MalformedMessage(MALFORMED, "a message holds at least one item", message.correlation_id)
    return message


def decode_answers(decode: Callable[[bytes], T], payload: bytes) -> T:
    """What was answered to a reader, in the shape that `decode` knows. Raises MalformedMessage."""
    try:
        return decode(payload)
    except UNDECODABLE as error:
        raise MalformedMessage(MALFORMED, str(error)) from None


def decode_recovery_message(payload: bytes) -> RecoveryMessage:
    """A reader's message on the recovery socket. Raises MalformedMessage."""
    return decode_requests(_decode_recovery, payload)


def decode_record(payload: bytes) -> Record:
    """A record of the log, as `encode` wrote it."""
    record: Record = _decode_record(payload)
    return record


def decode_envelope(payload: bytes) -> Envelope:
    """What the engine sent to a session. An answer with a tag that this version does not know is left out.

    Among reports it is not, since they are numbered by their places: an UnknownReport stands there.
    Raises MalformedMessage when it is not an envelope at all.
    """
    try:
        return _decode_envelope(payload)
    except UNDECODABLE:
        pass
    try:
        raw = _decode_raw_envelope(payload)
    except UNDECODABLE as error:
        raise MalformedMessage(MALFORMED, str(error)) from None
    items: list[Any] = []
    for item in raw.items:
        try:
            items.append(_decode_item(item))
        except UNDECODABLE:
            if raw.first_report:
                items.append(_unknown_report(item))
    return Envelope(
        raw.version, raw.session, raw.shard, raw.epoch, raw.first_report, raw.log_sequence, raw.time_ns, items
    )


def decode_recovery_envelope(payload: bytes) -> RecoveryEnvelope:
    """What the engine answered on the recovery socket. Raises MalformedMessage."""
    return decode_answers(_decode_recovery_envelope, payload)


def encode_message(
    session: int,
    correlation_id: int,
    created_ns: int,
    items: Sequence[Any],
    deadline_ns: int = 0,
    options: int = 0,
) -> bytes:
    """A client's message of commands, control items or recovery requests; the last two are of commands only."""
    if deadline_ns or options:
        return encode((PROTOCOL_VERSION, session, correlation_id, created_ns, items, deadline_ns, options))
    return encode((PROTOCOL_VERSION, session, correlation_id, created_ns, items))


def encode_envelope(
    session: int, epoch: int, first_report: int, log_sequence: int, time_ns: int, items: Any
) -> bytes:
    """An envelope for one session; `items` is a sequence of answers, or the Raw of encoded reports."""
    return encode((PROTOCOL_VERSION, session, SHARD, epoch, first_report, log_sequence, time_ns, items))


def encode_frame(
    epoch: int,
    first_number: int,
    count: int,
    log_sequence: int,
    time_ns: int,
    events: Any,
    numbers: tuple[int, ...] = (),
) -> bytes:
    """A frame of the feed; `events` is a sequence of events (or groups), or the Raw of them."""
    if numbers:
        return encode(
            (PROTOCOL_VERSION, SHARD, epoch, first_number, count, log_sequence, time_ns, events, numbers)
        )
    return encode((PROTOCOL_VERSION, SHARD, epoch, first_number, count, log_sequence, time_ns, events))


def _unknown_report(item: Raw) -> UnknownReport:
    try:
        head = _decode_report_head(item)
    except UNDECODABLE:
        return UnknownReport()
    return UnknownReport(head.tag, head.sequence, head.time_ns, head.session, head.correlation_id)


def _unsupported(version: int, correlation_id: int, count: int) -> MalformedMessage:
    text = f"version {version} is not spoken here, version {PROTOCOL_VERSION} is"
    return MalformedMessage(UNSUPPORTED_VERSION, text, correlation_id, count or 1)


def _undecodable(payload: bytes, error: Exception) -> MalformedMessage:
    """Why a message could not be decoded; a foreign version explains a foreign shape."""
    try:
        raw = _decode_raw_message(payload)
    except UNDECODABLE:
        correlation_id, count = 0, 1
    else:
        correlation_id, count = raw.correlation_id, len(raw.items) or 1
    try:
        anything = _decode_anything(payload)
    except UNDECODABLE:
        anything = None
    version = anything[0] if isinstance(anything, list) and anything else PROTOCOL_VERSION
    if type(version) is int and version != PROTOCOL_VERSION:
        return _unsupported(version, correlation_id, count)
    return MalformedMessage(MALFORMED, str(error), correlation_id, count)
