"""One batch: what one drain of the engine's socket brought, as it stands in the log.

The frame, little-endian, 68 bytes before the payload:

    offset  bytes  field
         0      4  magic           b"MBB1"
         4      4  crc             CRC-32 of everything from `length` on, started with salt XOR behind
         8      4  behind          how many commands before this batch were not yet durable when it was written
        12      4  length          bytes of payload, at least 1: four zero bytes of magic end the log
        16      4  count           commands in the payload, at least 1
        20      8  first_sequence  of the first command; the others follow densely
        28      8  time_ns         of the first command, since 1970, later than that of the batch before
        36     32  previous        hash of the batch before, 32 zero bytes before the first
        68  length payload         entries: session u64 | length u32 | the very bytes that arrived

The hash of a batch is the SHA-256 of everything from `length` on. So the chain covers what happened, and
leaves out what only this copy of the log knows: `behind`, and the salt of its segment. A standby that stores
the same batches therefore has the same hashes.

Why a salt: payloads are written by clients. With a plain CRC a client could put a whole valid frame into an
order, and the scan behind a torn tail would find it and mistake it for a batch. The salt is drawn for each
segment and never leaves the disk.

Called by `writer` (encode) and `reader` (decode); the entries are made and read by the engine.
"""

import struct
from hashlib import sha256
from typing import Final
from zlib import crc32

import msgspec

from bus.errors import JournalDamaged

MAGIC: Final = b"MBB1"
GENESIS_HASH: Final = bytes(32)

# A drain is capped at some tens of kilobytes; this is a bound for what a reader must be ready to hold at once
# and keeps a wild length from being followed. It also leaves at least three batches in a segment of 64 MiB.
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024

_FRAME: Final = struct.Struct("<4sIIIIQQ32s")
_SEAL: Final = struct.Struct("<4sII")  # magic, crc, behind: outside the hash
_HASHED: Final = struct.Struct("<IIQQ32s")  # length, count, first_sequence, time_ns, previous
_ENTRY: Final = struct.Struct("<QI")

HEADER_BYTES: Final = _FRAME.size
SEAL_BYTES: Final = _SEAL.size
PAYLOAD_OFFSET: Final = HEADER_BYTES - SEAL_BYTES  # of the payload in the hashed part

# Bound once: these stand in the loops that touch every batch.
unpack_frame: Final = _FRAME.unpack_from
_pack_seal: Final = _SEAL.pack
_pack_hashed: Final = _HASHED.pack

# (session, length of the bytes that follow) -> the 12 bytes before an entry of the payload.
entry_header: Final = _ENTRY.pack
ENTRY_HEADER_BYTES: Final = _ENTRY.size


class Batch(msgspec.Struct, frozen=True, gc=False):
    """A batch that was read and verified."""

    first_sequence: int
    count: int
    time_ns: int
    payload: bytes
    hash: bytes
    segment: str
    offset: int  # of its frame in the segment
    behind: int = 0  # see above

    @property
    def last_sequence(self) -> int:
        """The sequence of its last command."""
        return self.first_sequence + self.count - 1

    @property
    def frame_bytes(self) -> int:
        """How much of its segment it takes."""
        return HEADER_BYTES + len(self.payload)


def encode(
    first_sequence: int, count: int, time_ns: int, payload: bytes, previous: bytes, behind: int, salt: int
) -> tuple[bytes, bytes]:
    """The frame of a batch, and its hash. The caller has checked the order of sequences and times."""
    hashed = _pack_hashed(len(payload), count, first_sequence, time_ns, previous) + payload
    return _pack_seal(MAGIC, crc32(hashed, salt ^ behind), behind) + hashed, sha256(hashed).digest()


def find_intact(data: bytes, start: int, salt: int) -> tuple[int, int, int] | None:
    """The next frame in `data` from `start` on whose CRC is right: (offset, first_sequence, behind) or None.

    Looks at every place where the magic stands, so it also finds frames behind rubbish. O(len(data)).
    """
    offset = data.find(MAGIC, start)
    while offset >= 0 and offset + HEADER_BYTES <= len(data):
        _, crc, behind, length, count, first_sequence, _, _ = unpack_frame(data, offset)
        end = offset + HEADER_BYTES + length
        plausible = 0 < length <= MAX_BATCH_BYTES and count and end <= len(data)
        if plausible and crc32(data[offset + SEAL_BYTES : end], salt ^ behind) == crc:
            return offset, first_sequence, behind
        offset = data.find(MAGIC, offset + 1)
    return None


def join_entries(entries: list[tuple[int, bytes]]) -> bytes:
    """The payload for (session, bytes) pairs; the engine may join `entry_header` and bytes by itself."""
    parts: list[bytes] = []
    for session, data in entries:
        parts.append(entry_header(session, len(data)))
        parts.append(data)
    return b"".join(parts)


def entries(payload: bytes) -> list[tuple[int, bytes]]:
    """The (session, bytes) pairs of a payload; `JournalDamaged` when they do not fill it exactly."""
    found: list[tuple[int, bytes]] = []
    offset, total = 0, len(payload)
    unpack = _ENTRY.unpack_from
    while offset + ENTRY_HEADER_BYTES <= total:
        session, length = unpack(payload, offset)
        start = offset + ENTRY_HEADER_BYTES
        offset = start + length
        found.append((session, payload[start:offset]))
    if offset != total:
        raise JournalDamaged(f"the entries of a batch do not fill its payload: {total} bytes, {offset} used")
    return found
