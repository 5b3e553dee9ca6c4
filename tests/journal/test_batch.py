"""The frame of one batch: what goes in comes out, and nothing else is taken for one."""

import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import JournalDamaged
from bus.journal.batch import (
    HEADER_BYTES,
    MAGIC,
    SEAL_BYTES,
    encode,
    entries,
    find_intact,
    join_entries,
    unpack_frame,
)

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
ENTRIES = st.lists(st.tuples(U64, st.binary(max_size=60)), max_size=12)


@given(ENTRIES)
def test_entries_survive_the_way_through_a_payload(pairs: list[tuple[int, bytes]]) -> None:
    assert entries(join_entries(pairs)) == pairs


@given(ENTRIES.filter(bool), st.integers(1, 11))
def test_a_payload_that_is_cut_short_is_noticed(pairs: list[tuple[int, bytes]], missing: int) -> None:
    with pytest.raises(JournalDamaged):
        entries(join_entries(pairs)[:-missing])


@given(U64, st.integers(1, 2**32 - 1), U64, st.binary(min_size=1, max_size=90), st.binary(min_size=32, max_size=32),
       U32, U32)  # fmt: skip
def test_a_frame_holds_its_fields_and_is_found_behind_rubbish(
    first_sequence: int, count: int, time_ns: int, payload: bytes, previous: bytes, behind: int, salt: int
) -> None:
    frame, digest = encode(first_sequence, count, time_ns, payload, previous, behind, salt)
    fields = unpack_frame(frame, 0)
    assert (fields[0], *fields[2:]) == (MAGIC, behind, len(payload), count, first_sequence, time_ns, previous)
    assert frame[HEADER_BYTES:] == payload
    assert digest == sha256(frame[SEAL_BYTES:]).digest()
    assert find_intact(b"\0MBB1rubbish" + frame, 0, salt) == (12, first_sequence, behind)


def test_the_layout_is_the_one_in_the_docstring() -> None:
    frame, _ = encode(0x0102, 3, 0x0405, b"payload", bytes(range(32)), 9, 0)
    assert frame[:4] == b"MBB1"
    assert frame[8:36] == struct.pack("<IIIQQ", 9, 7, 3, 0x0102, 0x0405)
    assert frame[36:68] == bytes(range(32))
    assert frame[68:] == b"payload"


def test_a_changed_bit_anywhere_in_a_frame_is_noticed() -> None:
    frame, _ = encode(5, 1, 1000, b"some payload", bytes(32), 2, 0xDEADBEEF)
    for index in range(len(frame)):
        for bit in range(8):
            changed = bytearray(frame)
            changed[index] ^= 1 << bit
            assert find_intact(bytes(changed), 0, 0xDEADBEEF) is None, (index, bit)


def test_the_hash_leaves_out_what_only_this_copy_knows() -> None:
    assert encode(5, 1, 9, b"x", bytes(32), 0, 1)[1] == encode(5, 1, 9, b"x", bytes(32), 7, 2)[1]


def test_a_frame_inside_a_payload_is_no_batch_without_the_salt() -> None:
    """A client who knows the format still cannot plant a batch for the scan behind a torn tail to find."""
    planted, _ = encode(10**6, 1, 10**18, b"mine", bytes(32), 0, 0)
    frame, _ = encode(5, 1, 9, planted, bytes(32), 0, 0xC0FFEE)
    assert find_intact(frame, 1, 0xC0FFEE) is None
