"""The codec: every message there and back, strict in, lenient out, and nothing that hostile bytes can break."""

import json
import random
from typing import Any

import msgpack  # type: ignore[import-untyped]  # has no types
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from bus.protocol import commands as c
from bus.protocol import control, feed, history, records, recovery, reports, status
from bus.protocol.codec import (
    CommandMessage,
    ControlMessage,
    DropGroup,
    Malformed,
    MalformedMessage,
    PartialCommandMessage,
    RecoveryMessage,
    UnknownReport,
    decode_client_message,
    decode_drop_frame,
    decode_envelope,
    decode_frame,
    decode_frame_header,
    decode_record,
    decode_recovery_envelope,
    decode_recovery_message,
    encode,
    encode_envelope,
    encode_frame,
    encode_message,
)
from bus.protocol.history_codec import HistoryMessage, decode_history_envelope, decode_history_message
from bus.protocol.reasons import MALFORMED, MESSAGE_TOO_LARGE, UNSUPPORTED_VERSION
from bus.protocol.terms import PROTOCOL_VERSION, SHARD
from bus.sockets.reading.batch_numbers import numbers_of

INT64_MAX = 2**63 - 1
ORDER = c.EnterOrder("o-1", "BTC-USD", 1, 5, 30_000)
CANCEL = c.CancelOrder(17)


def refusal(payload: bytes) -> tuple[int, int, int]:
    """`(reason, correlation id, count)` with which a client's message is refused as a whole."""
    with pytest.raises(MalformedMessage) as caught:
        decode_client_message(payload)
    assert caught.value.text
    return caught.value.reason, caught.value.correlation_id, caught.value.count


def with_item(item: Any) -> bytes:
    """A message of our order and one more item, packed by another library."""
    packed: bytes = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [list(msgspec.to_builtins(ORDER)), item]])
    return packed


def items_of(payload: bytes) -> list[Any]:
    return list(decode_client_message(payload).items)


# There and back

INTS = st.integers(-(2**63), INT64_MAX)
UNSIGNED = st.integers(0, INT64_MAX)
TEXTS = st.text(max_size=12)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this kind may have."""
    info = msgspec.inspect.type_info(kind)
    return _values(info)


def _values(info: Any) -> st.SearchStrategy[Any]:
    if isinstance(info, msgspec.inspect.IntType):
        return INTS if info.ge is None else st.integers(info.ge, info.le)
    if isinstance(info, msgspec.inspect.StrType):
        return st.text(min_size=info.min_length or 0, max_size=info.max_length or 12)
    if isinstance(info, msgspec.inspect.BoolType):
        return st.booleans()
    if isinstance(info, msgspec.inspect.BytesType):
        return st.binary(max_size=12)
    if isinstance(info, msgspec.inspect.ListType):
        return st.lists(_values(info.item_type), max_size=3)
    if isinstance(info, msgspec.inspect.TupleType):
        return st.tuples(*(_values(item) for item in info.item_types))
    if isinstance(info, msgspec.inspect.UnionType):
        return st.one_of([_values(kind) for kind in info.types])
    if isinstance(info, msgspec.inspect.NoneType):
        return st.none()
    assert isinstance(info, msgspec.inspect.StructType), info
    return st.builds(info.cls, *(_values(field.type) for field in info.fields))


def one_of(union: Any) -> st.SearchStrategy[Any]:
    return st.one_of([values_of(kind) for kind in union.__args__])


@given(
    UNSIGNED,
    UNSIGNED,
    UNSIGNED,
    st.lists(one_of(c.Command), min_size=1, max_size=4),
    UNSIGNED,
    st.integers(0, 3),
)
def test_commands_come_back_as_they_were(
    session: int, correlation_id: int, created_ns: int, items: Any, deadline_ns: int, options: int
) -> None:
    payload = encode_message(session, correlation_id, created_ns, items, deadline_ns, options)
    message = decode_client_message(payload)
    assert message == CommandMessage(
        PROTOCOL_VERSION, session, correlation_id, created_ns, items, deadline_ns, options
    )
    if deadline_ns or options:
        assert encode(message) == payload
    else:  # what goes without saying is not said
        assert encode((PROTOCOL_VERSION, session, correlation_id, created_ns, items)) == payload


@given(UNSIGNED, st.lists(one_of(control.ClientControl), min_size=1, max_size=4))
def test_control_comes_back_as_it_was(session: int, items: Any) -> None:
    payload = encode_message(session, 5, 6, items)
    assert decode_client_message(payload) == ControlMessage(PROTOCOL_VERSION, session, 5, 6, items)


@given(st.lists(one_of(recovery.RecoveryRequest), min_size=1, max_size=4))
def test_recovery_requests_come_back_as_they_were(items: Any) -> None:
    payload = encode_message(0, 5, 0, items)
    assert decode_recovery_message(payload) == RecoveryMessage(PROTOCOL_VERSION, 0, 5, 0, items)


@given(st.lists(one_of(reports.Report | control.Answer), max_size=4))
def test_reports_and_answers_come_back_as_they_were(items: Any) -> None:
    payload = encode_envelope(7, 2, 40, 1000, 999, items)
    envelope = decode_envelope(payload)
    assert envelope.items == items
    assert envelope.shard == SHARD
    assert encode(envelope) == payload


@given(one_of(recovery.RecoveryAnswer))
def test_answers_of_the_recovery_socket_come_back_as_they_were(answer: Any) -> None:
    payload = encode_envelope(0, 2, 0, 1000, 999, (answer,))
    assert decode_recovery_envelope(payload).items == [answer]


@given(st.lists(one_of(history.HistoryRequest), min_size=1, max_size=4))
def test_requests_to_the_history_come_back_as_they_were(items: Any) -> None:
    payload = encode_message(0, 5, 0, items)
    assert decode_history_message(payload) == HistoryMessage(PROTOCOL_VERSION, 0, 5, 0, items)


@given(one_of(history.HistoryAnswer))
def test_answers_of_the_history_come_back_as_they_were(answer: Any) -> None:
    payload = encode_envelope(0, 2, 0, 1000, 999, (answer,))
    assert decode_history_envelope(payload).items == [answer]


@given(st.lists(one_of(feed.Event), min_size=1, max_size=4), st.tuples(INTS, INTS, INTS, INTS))
def test_events_come_back_as_they_were(events: Any, numbers: tuple[int, ...]) -> None:
    payload = encode_frame(2, 40, len(events), 1000, 999, events, numbers)
    frame = decode_frame(payload)
    assert (frame.first_number, frame.count, frame.events) == (40, len(events), events)
    assert frame.numbers == numbers
    assert encode(frame) == payload
    assert encode(decode_frame_header(payload)) == payload


def test_a_frame_of_no_symbol_has_no_numbers() -> None:
    payload = encode_frame(2, 40, 1, 1000, 999, [feed.Tick(1, 2)])
    assert len(msgpack.unpackb(payload)) == 8
    assert decode_frame(payload).numbers == decode_frame_header(payload).numbers == ()


@given(st.lists(one_of(reports.Report), min_size=1, max_size=4))
def test_the_drop_copy_comes_back_as_it_was(items: Any) -> None:
    groups = [DropGroup("alice", 40, items), DropGroup("bob", 2, items)]
    payload = encode_frame(2, 70, 2 * len(items), 1000, 999, groups)
    assert decode_drop_frame(payload).events == groups


@given(one_of(records.Record))
def test_records_come_back_as_they_were(record: Any) -> None:
    assert decode_record(encode(record)) == record


@given(one_of(c.Command))
def test_another_library_reads_the_same(command: Any) -> None:
    packed = encode_message(1, 2, 3, [command])
    plain = json.loads(msgspec.json.encode(command))  # a tuple is a list to others
    assert msgpack.unpackb(packed) == [PROTOCOL_VERSION, 1, 2, 3, [plain]]


# Hostile bytes

VALID = [
    encode_message(0, 1, 0, [control.Hello("alice", want_orders=True)]),
    encode_message(3, 1, 0, [control.Heartbeat(), control.QueryOrders()]),
    encode_message(3, 1, 9, [ORDER, CANCEL, c.ReplaceOrder("r", 5, "", 7, 8), c.MassCancel("X", 1)]),
    encode_message(3, 1, 9, [c.DefineInstrument("X", "A", "B", 1, 2, 1, 3, 1, 100, 1, 100)]),
    encode_message(
        0, 1, 0, [recovery.Replay("trade.X.", 5, 9), recovery.Snapshot("X", 2), status.QueryStatus()]
    ),
    encode_message(0, 1, 0, [history.QueryPastOrders("a", "X", limit=5), history.QueryOrderLife("a", 5)]),
    encode_envelope(3, 1, 5, 9, 9, [reports.Completed(1, 2, 3, 4, 13, 2)]),
    encode_envelope(3, 1, 0, 9, 9, [control.Refused(1, 1, 101, "no")]),
    encode_envelope(0, 1, 0, 9, 9, [recovery.Replayed(1, "trade.X.", [b"ab", b""])]),
    encode_frame(1, 1, 2, 9, 9, [feed.Tick(1, 2), feed.Level(2, 1, 5, 6, 7)], (3, 2, 1, 0)),
]
DECODERS = (
    decode_client_message,
    decode_recovery_message,
    decode_envelope,
    decode_recovery_envelope,
    decode_history_message,
    decode_history_envelope,
)


def decode_every_way(payload: bytes) -> None:
    """Whatever it is, it is decoded or MalformedMessage; any other exception leaves."""
    for decode in DECODERS:
        try:
            decode(payload)
        except MalformedMessage as error:
            if error.reason not in (MALFORMED, UNSUPPORTED_VERSION) or error.count < 1:
                raise AssertionError(f"{error.reason}, {error.count}") from error


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")
@example(b"\x91" * 60_000)
@example(b"\x81\xa0" * 30_000)
@example(b"\x95\x01\x01\x01\x01\xdd\xff\xff\xff\xff")
@example(b"\x95\x01\x01\x01\x01\x91\x92\x0b\xdb\xff\xff\xff\xff")
@example(b"\x95\x01\x01\x01\x01\x91\x92\x0b\xc6\xff\xff\xff\xff")
@example(b"\x95\x01\x01\x01\x01\x91\xd6\xff\xff\xff\xff\xff")
def test_any_bytes_are_a_message_or_malformed(payload: bytes) -> None:
    decode_every_way(payload)


def test_each_truncation_is_malformed() -> None:
    for payload in VALID:
        for length in range(len(payload)):
            decode_every_way(payload[:length])
            with pytest.raises(MalformedMessage):
                decode_client_message(payload[:length])


@given(st.sampled_from(VALID), st.randoms(use_true_random=False))
def test_mutations_of_messages_are_messages_or_malformed(payload: bytes, chance: random.Random) -> None:
    mutated = bytearray(payload)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(mutated) + 1)
        match chance.randrange(4):
            case 0:
                mutated[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                mutated[place:place] = chance.randbytes(chance.randint(1, 9))
            case 2:
                del mutated[place : place + chance.randint(1, 4)]
            case _:
                mutated[place:place] = chance.choice(VALID)
        mutated = mutated or bytearray(b"\x90")
    decode_every_way(bytes(mutated))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(ANYTHING, min_size=1, max_size=5))
def test_any_items_are_commands_or_malformed(items: list[Any]) -> None:
    payload: bytes = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, items])
    decode_every_way(payload)
    decode_every_way(msgpack.packb(items))


# Strict in


@pytest.mark.parametrize(
    "field",
    [True, 1.0, float("nan"), None, "1", 2**63, 2**64 - 1],
    ids=repr,
)
def test_a_number_is_nothing_but_a_64_bit_integer(field: Any) -> None:
    order = [c.ENTER_ORDER, "o-2", "BTC-USD", 1, field, 30_000]
    kept, malformed = items_of(with_item(order))
    assert kept == ORDER
    assert isinstance(malformed, Malformed)
    with pytest.raises(MalformedMessage):
        decode_client_message(msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [order]]))


@pytest.mark.parametrize("field", [-1, True, 0.0, 2**63])
def test_what_identifies_is_not_negative(field: Any) -> None:
    assert isinstance(items_of(with_item([c.CANCEL_ORDER, field]))[1], Malformed)
    for place in range(1, 4):
        header = [PROTOCOL_VERSION, 7, 100, 1]
        header[place] = field
        assert refusal(msgpack.packb([*header, [[c.CANCEL_ORDER, 5]]]))[0] == MALFORMED


@pytest.mark.parametrize("field", [-1, -(2**63), 0, INT64_MAX])
def test_every_64_bit_integer_gets_as_far_as_the_matcher(field: int) -> None:
    order = [c.ENTER_ORDER, "o-2", "BTC-USD", field, field, field, field, field, field]
    assert items_of(with_item(order))[1] == c.EnterOrder(
        "o-2", "BTC-USD", field, field, field, field, field, field
    )


@pytest.mark.parametrize(
    "text",
    ["", "x" * 37, 5, True],
    ids=["empty", "long", "number", "bool"],
)
def test_an_id_is_a_text_of_1_to_36_characters(text: Any) -> None:
    assert isinstance(items_of(with_item([c.ENTER_ORDER, text, "BTC-USD", 1, 5, 5]))[1], Malformed)
    assert isinstance(items_of(with_item([c.ENTER_ORDER, "o", text, 1, 5, 5]))[1], Malformed)
    assert isinstance(items_of(with_item([c.REPLACE_ORDER, text, 1, "", 5, 5]))[1], Malformed)


def test_a_text_is_counted_in_characters_not_in_bytes() -> None:
    assert items_of(with_item([c.CANCEL_ORDER, 0, "é" * 36]))[1] == c.CancelOrder(0, "é" * 36)


@pytest.mark.parametrize("command", [ORDER, CANCEL, c.MassCancel(), c.AdvanceClock(5)], ids=repr)
def test_a_field_that_nobody_knows_is_refused(command: Any) -> None:
    row = list(msgspec.to_builtins(command))
    assert items_of(with_item(row))[1] == command
    assert isinstance(items_of(with_item([*row, 0]))[1], Malformed)


@pytest.mark.parametrize("item", [control.Hello("a"), control.Heartbeat(), control.QueryOrders()], ids=repr)
def test_a_field_that_nobody_knows_is_refused_in_control_too(item: Any) -> None:
    row = list(msgspec.to_builtins(item))
    assert items_of(msgpack.packb([PROTOCOL_VERSION, 0, 100, 1, [row]])) == [item]
    assert refusal(msgpack.packb([PROTOCOL_VERSION, 0, 100, 1, [[*row, 0]]])) == (MALFORMED, 100, 1)


def test_a_field_that_nobody_knows_is_refused_in_the_envelope_too() -> None:
    assert refusal(msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[11, 5]], 0, 0, 0])) == (MALFORMED, 0, 1)
    assert refusal(msgpack.packb([PROTOCOL_VERSION, 7, 100, 1])) == (MALFORMED, 0, 1)
    assert refusal(encode_message(7, 100, 1, [CANCEL]) + b"\0") == (MALFORMED, 0, 1)


@pytest.mark.parametrize("more", [[0, 4], [0, 7], [0, -1], [-1], [0, True], ["soon"], [2**63]], ids=repr)
def test_options_that_do_not_exist_refuse_the_whole_message(more: list[Any]) -> None:
    assert refusal(msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[11, 5]], *more])) == (MALFORMED, 100, 1)


def test_a_message_keeps_its_options_when_an_item_is_malformed() -> None:
    message = decode_client_message(msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[11, 5], [99]], 8, 2]))
    assert isinstance(message, PartialCommandMessage)
    assert (message.deadline_ns, message.options) == (8, 2)


def test_control_has_no_options() -> None:
    payload = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[2]], 0, 1])
    assert refusal(payload) == (MALFORMED, 100, 1)


def test_trailing_fields_with_a_default_may_be_left_out() -> None:
    payload = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[c.CANCEL_ORDER, 5], [c.MASS_CANCEL]]])
    assert items_of(payload) == [c.CancelOrder(5, ""), c.MassCancel("", 0)]


def test_numbers_may_be_packed_wider_than_need_be() -> None:
    payload = b"\x95\xd3\0\0\0\0\0\0\0\x01\xcc\x07\xcd\0\x64\x01\x91\x92\xd0\x0b\xcf\0\0\0\0\0\0\0\x11"
    assert items_of(payload) == [CANCEL]


def test_an_empty_message_is_malformed() -> None:
    assert refusal(encode_message(7, 100, 1, [])) == (MALFORMED, 100, 1)
    with pytest.raises(MalformedMessage, match="at least one"):
        decode_recovery_message(encode_message(0, 100, 1, []))


# Versions


@pytest.mark.parametrize(
    "items",
    [
        [[c.CANCEL_ORDER, 5]],
        [[control.HEARTBEAT]],
        [[c.CANCEL_ORDER, 5], [99]],
        [[99, 1, 2]],
        [[c.CANCEL_ORDER, 5, "", "a field of tomorrow"]],
        [{"a": 1}],
    ],
    ids=repr,
)
def test_another_version_is_named_before_anything_else_is_judged(items: list[Any]) -> None:
    assert refusal(msgpack.packb([2, 7, 100, 1, items])) == (UNSUPPORTED_VERSION, 100, len(items))


def test_another_version_may_have_another_envelope() -> None:
    assert refusal(msgpack.packb([2, "alice", [[1]]])) == (UNSUPPORTED_VERSION, 0, 1)
    with pytest.raises(MalformedMessage) as caught:
        decode_recovery_message(msgpack.packb([0, 0, 5, 0, [[recovery.SNAPSHOT, "X", 2]]]))
    assert caught.value.reason == UNSUPPORTED_VERSION


# Malformed items among good ones


def test_malformed_items_keep_their_places_and_the_others_stand() -> None:
    good, bad = [c.CANCEL_ORDER, 17], [c.CANCEL_ORDER, -17]
    payload: bytes = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [bad, good, bad, good, [99], 5, None, []]])
    message = decode_client_message(payload)
    assert type(message) is PartialCommandMessage
    items: list[Any] = message.items
    assert [isinstance(item, Malformed) for item in items] == [1, 0, 1, 0, 1, 1, 1, 1]
    assert items[1] == items[3] == CANCEL
    assert all(item.text for item in items if isinstance(item, Malformed))


def test_the_same_bytes_give_the_same_commands_again() -> None:
    payload = with_item([c.CANCEL_ORDER, "17"])
    assert decode_client_message(payload) == decode_client_message(bytes(bytearray(payload)))


def test_a_message_of_malformed_items_alone_is_refused_as_a_whole() -> None:
    payload = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[99], [c.CANCEL_ORDER, "x"], []]])
    assert refusal(payload) == (MALFORMED, 100, 3)


def test_control_among_commands_is_malformed() -> None:
    assert [type(item) for item in items_of(with_item([control.HEARTBEAT]))] == [c.EnterOrder, Malformed]


def test_one_malformed_control_item_takes_the_others_with_it() -> None:
    payload = msgpack.packb([PROTOCOL_VERSION, 7, 100, 1, [[control.HEARTBEAT], [control.QUERY_ORDERS, 1]]])
    assert refusal(payload) == (MALFORMED, 100, 2)


@pytest.mark.parametrize(
    "item",
    [
        [c.CANCEL_ORDER, [5]],
        [c.CANCEL_ORDER, {}],
        {},
        [c.CANCEL_ORDER, b"5"],
        [c.CANCEL_ORDER, msgpack.ExtType(1, b"")],
    ],
    ids=repr,
)
def test_what_no_item_may_hold_makes_the_whole_message_malformed(item: Any) -> None:
    assert refusal(with_item(item)) == (MALFORMED, 100, 2)


def test_how_deep_an_item_nests_does_not_change_what_a_replay_decodes() -> None:
    """A decoder that follows nesting gives up sooner on a deeper stack: taken live, refused in the replay."""

    def at_depth(depth: int, payload: bytes) -> tuple[int, int, int]:
        return refusal(payload) if not depth else at_depth(depth - 1, payload)

    for nested in (1, 30, 300, 600, 900, 20_000):
        payload = b"\x95\x01\x07\x64\x01\x92" + encode(CANCEL) + b"\x92\x0b" + b"\x91" * nested + b"\xc0"
        assert at_depth(0, payload)[0] == at_depth(500, payload)[0] == MALFORMED


def test_bad_utf_8_makes_the_whole_message_malformed() -> None:
    payload = with_item([c.CANCEL_ORDER, 0, "abc"]).replace(b"abc", b"\xff\xfe\xfd")
    assert refusal(payload) == (MALFORMED, 100, 2)


# Lenient out

REPORT = reports.Completed(9, 10, 7, 100, c.MASS_CANCEL, 2)


def grown(item: Any) -> list[Any]:
    """With fields that a later engine may send behind those of today."""
    return [*msgspec.to_builtins(item), 5, "text", [1, [2]], None]


def test_fields_of_tomorrow_are_ignored_in_what_the_engine_says() -> None:
    envelope = encode([1, 7, 0, 2, 40, 1000, 999, [grown(REPORT), grown(REPORT)], "more"])
    assert decode_envelope(envelope).items == [REPORT, REPORT]
    snapshot = recovery.NotKept(1, "trade.X.", 5, 9)
    assert decode_recovery_envelope(encode([1, 0, 0, 2, 0, 1, 9, [grown(snapshot)], 1])).items == [snapshot]
    tick = feed.Tick(5, 6)
    grown_frame = encode([1, 0, 2, 40, 1, 1000, 999, [grown(tick)], [1, 2, 3, 4, 5], "more"])
    assert decode_frame(grown_frame).events == [tick]
    assert numbers_of(decode_frame_header(grown_frame)) == (1, 2, 3, 4)


def test_an_unknown_answer_is_left_out() -> None:
    envelope = encode([1, 7, 0, 2, 0, 1000, 999, [[99, 1], control.LoggedOut(5)]])
    assert decode_envelope(envelope).items == [control.LoggedOut(5)]


def test_an_unknown_report_keeps_its_place_so_that_the_others_keep_their_numbers() -> None:
    envelope = decode_envelope(encode([1, 7, 0, 2, 40, 1000, 999, [[49, 9, 10, 7, 100, "x"], [48], REPORT]]))
    unknown: list[Any] = envelope.items[:2]
    assert unknown == [UnknownReport(49, 9, 10, 7, 100), UnknownReport()]
    assert envelope.items[2] == REPORT


def test_what_is_encoded_once_may_stand_in_many_envelopes() -> None:
    raw = Raw(encode([REPORT, REPORT]))
    assert decode_envelope(encode_envelope(7, 2, 40, 1000, 999, raw)).items == [REPORT, REPORT]


def test_a_message_of_many_malformed_items_is_refused_before_they_are_looked_at() -> None:
    """64 KiB of one-byte rubbish would otherwise cost tens of milliseconds of everybody's time."""
    payload = msgspec.msgpack.encode([1, 7, 30, 0, [0] * 1025])
    with pytest.raises(MalformedMessage, match="1025 items, 1024 are allowed") as refused:
        decode_client_message(payload, 1024)
    assert (refused.value.reason, refused.value.correlation_id, refused.value.count) == (
        MESSAGE_TOO_LARGE,
        30,
        1025,
    )
    with pytest.raises(MalformedMessage) as malformed:
        decode_client_message(payload, 1025)
    assert malformed.value.reason == MALFORMED
