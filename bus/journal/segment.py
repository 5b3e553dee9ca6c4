"""Segments: the files that the log is cut into, `journal-<first sequence, 20 digits>.mbj`.

    0         32                112      144
    +---------+-----------------+--------+-----------+-----------+------------------------+
    | label   | link            | (zero) | batch     | batch     | zeros to the very end  |
    +---------+-----------------+--------+-----------+-----------+------------------------+

A segment is filled with zeros and synced before it is used: overwriting allocated blocks halves the cost of
each later fdatasync. So the end of the log is not the end of the file: zeros end it. Its life:

    spare     `journal.spare`: filled with zeros, labelled, synced, by a thread, before it is needed
    in use    linked to the batch before it, renamed; from then on batches are written, never over the end

The label is known when the file is prepared and is durable before the file gets its name, so a bad label is
always damage. The link is known when the file is taken into use and becomes durable with the first batches,
so a bad link may be a torn tail. A spare that is found at the start is of unknown content and is made anew.
"""

import os
import struct
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from bus.errors import JournalDamaged
from bus.journal.batch import HEADER_BYTES, MAX_BATCH_BYTES
from bus.journal.disk import Disk

FORMAT_VERSION: Final = 1
# 64 MiB: a million small commands; filled within a second; small enough to be read in one piece.
SEGMENT_BYTES_DEFAULT: Final = 64 * 1024 * 1024
# One piece is read at once, so this bounds the memory of a reader; offsets stay far below 2^32.
SEGMENT_BYTES_MAX: Final = 1024 * 1024 * 1024
SPARE_NAME: Final = "journal.spare"

_PREFIX: Final = "journal-"
_SUFFIX: Final = ".mbj"
_DIGITS: Final = 20
_LABEL_MAGIC: Final = b"MBJRNAL\n"
_LINK_MAGIC: Final = b"MBLINK1\n"
_LABEL: Final = struct.Struct("<8sIIQII")  # magic, crc, version, segment bytes, salt, 0
_LINK: Final = struct.Struct("<8sIIQQ32s16x")  # magic, crc, 0, first sequence, last time ns, previous hash
LINK_OFFSET: Final = _LABEL.size
FIRST_BATCH_OFFSET: Final = 144
SEGMENT_BYTES_MIN: Final = FIRST_BATCH_OFFSET + HEADER_BYTES + 1

# Filling in pieces keeps memory flat and lets each sync be short, so that the log's own syncs are not held up.
_FILL_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Label:
    """What a segment says about itself from the day it was prepared."""

    segment_bytes: int
    salt: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a segment says about the log before it."""

    first_sequence: int
    last_time_ns: int  # of the batch before, 0 before the first
    previous: bytes  # hash of the batch before


def segment_name(first_sequence: int) -> str:
    """The name of the segment that begins with this sequence."""
    return f"{_PREFIX}{first_sequence:0{_DIGITS}}{_SUFFIX}"


def first_sequence_of(name: str) -> int:
    """The sequence that a segment of this name begins with."""
    return int(name[len(_PREFIX) : -len(_SUFFIX)])


def segment_names(disk: Disk, directory: str) -> list[str]:
    """The segments in a directory, oldest first. A name that only looks like one is damage."""
    found: list[str] = []
    for name in disk.names(directory):
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            digits = name[len(_PREFIX) : -len(_SUFFIX)]
            if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
                raise JournalDamaged(f"{os.path.join(directory, name)}: not a name of a segment")
            found.append(name)
    return found  # sorted by name is sorted by sequence: the digits are padded


def largest_payload_bytes(segment_bytes: int) -> int:
    """The largest payload of a batch that fits into an empty segment of this size."""
    return min(MAX_BATCH_BYTES, segment_bytes - FIRST_BATCH_OFFSET - HEADER_BYTES)


def encode_label(label: Label) -> bytes:
    """The 32 bytes at the start of a segment."""
    body = _LABEL.pack(_LABEL_MAGIC, 0, FORMAT_VERSION, label.segment_bytes, label.salt, 0)
    return body[:8] + crc32(body[12:]).to_bytes(4, "little") + body[12:]


def decode_label(data: bytes, path: str, size: int | None = None) -> Label:
    """The label of a segment; `JournalDamaged` when it is not one, or the file's size is another.

    `data`: the whole segment, or the bytes up to its first batch and the `size` of the file.
    """
    if size is None:
        size = len(data)
    if len(data) < FIRST_BATCH_OFFSET:
        raise JournalDamaged(f"{path}: offset 0: truncated to {len(data)} bytes")
    magic, crc, version, segment_bytes, salt, zero = _LABEL.unpack_from(data, 0)
    if magic != _LABEL_MAGIC or crc32(data[12 : _LABEL.size]) != crc or zero:
        raise JournalDamaged(f"{path}: offset 0: the label of the segment is damaged")
    if version != FORMAT_VERSION:
        raise JournalDamaged(
            f"{path}: offset 8: format version {version}, this program reads {FORMAT_VERSION}"
        )
    if segment_bytes != size:
        raise JournalDamaged(f"{path}: offset {size}: {size} bytes instead of {segment_bytes}")
    return Label(segment_bytes, salt)


def encode_link(link: Link, salt: int) -> bytes:
    """The bytes from the link to the first batch."""
    body = _LINK.pack(_LINK_MAGIC, 0, 0, link.first_sequence, link.last_time_ns, link.previous)
    body = body.ljust(FIRST_BATCH_OFFSET - LINK_OFFSET, b"\0")
    return body[:8] + crc32(body[12:], salt).to_bytes(4, "little") + body[12:]


def decode_link(data: bytes, salt: int) -> Link | None:
    """The link of a segment (of its bytes up to the first batch), None when it is not intact."""
    body = data[LINK_OFFSET:FIRST_BATCH_OFFSET]
    magic, crc, _, first_sequence, last_time_ns, previous = _LINK.unpack_from(body, 0)
    if magic != _LINK_MAGIC or crc32(body[12:], salt) != crc:
        return None
    return Link(first_sequence, last_time_ns, previous)


def prepare_spare(disk: Disk, directory: str, segment_bytes: int) -> tuple[int, int]:
    """Fill, label and sync a spare segment: (handle, salt). Takes as long as the disk needs for its size."""
    path = os.path.join(directory, SPARE_NAME)
    handle = disk.create(path)
    try:
        salt = int.from_bytes(disk.random(4), "little")
        for offset in range(0, segment_bytes, _FILL_BYTES):
            disk.write(handle, bytes(min(_FILL_BYTES, segment_bytes - offset)), offset)
            disk.datasync(handle)
        disk.write(handle, encode_label(Label(segment_bytes, salt)), 0)
        disk.datasync(handle)
    except BaseException:
        disk.close(handle)
        raise
    return handle, salt


def read_segment(disk: Disk, path: str) -> bytes:
    """The whole file."""
    handle = disk.open(path)
    try:
        return disk.read(handle, 0, min(disk.size(handle), SEGMENT_BYTES_MAX))
    finally:
        disk.close(handle)
