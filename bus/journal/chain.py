"""The chain of batches, walked: what the next batch must follow, and the loop that verifies that it does.

Called by `reader`, which has a whole segment in its hands, and by `follower`, which has the part that is new.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from zlib import crc32

from bus.errors import JournalDamaged
from bus.journal.batch import (
    GENESIS_HASH,
    HEADER_BYTES,
    MAGIC,
    MAX_BATCH_BYTES,
    PAYLOAD_OFFSET,
    SEAL_BYTES,
    Batch,
    unpack_frame,
)
from bus.journal.segment import FIRST_BATCH_OFFSET, LINK_OFFSET, Link, first_sequence_of


class Chain:
    """The end of the log as far as it was walked, and where in its segment the next frame stands.

    `directory` is for the messages of failures. One thread.
    """

    __slots__ = ("directory", "last_hash", "last_sequence", "last_time_ns", "offset", "salt", "segment")

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.last_sequence = 0
        self.last_hash = GENESIS_HASH
        self.last_time_ns = 0
        self.segment = ""
        self.salt = 0
        self.offset = 0

    def where(self) -> str:
        """The place of the next batch, for a message."""
        path = os.path.join(self.directory, self.segment)
        return f"{path}: offset {self.offset}, sequence {self.last_sequence + 1}"

    def enter(self, name: str, salt: int, link: Link) -> None:
        """Go on in the segment of this name; `JournalDamaged` when it is not linked to the batch before it."""
        path = os.path.join(self.directory, name)
        where = f"{path}: offset {LINK_OFFSET}, sequence {self.last_sequence + 1}"
        if link.first_sequence != first_sequence_of(name):
            raise JournalDamaged(
                f"{where}: the segment begins with {link.first_sequence}, not as its name says"
            )
        if link.first_sequence != self.last_sequence + 1:
            raise JournalDamaged(f"{where}: the segment begins with {link.first_sequence}")
        if link.previous != self.last_hash or link.last_time_ns != self.last_time_ns:
            raise JournalDamaged(
                f"{where}: the segment does not follow the batch before it: the chain is broken"
            )
        self.segment, self.salt, self.offset = name, salt, FIRST_BATCH_OFFSET

    def batches(self, data: bytes, begin: int = 0) -> Iterator[Batch]:
        """Intact batches from `offset` on, up to the first frame that is not one; `data` begins at offset `begin`.

        The loop that recovery spends its time in. An intact frame was written by an engine, not torn by a crash, so one
        that does not follow the one before it is `JournalDamaged`.
        """
        offset, size = self.offset - begin, len(data)
        last_frame_at = size - HEADER_BYTES
        segment, salt = self.segment, self.salt
        while offset <= last_frame_at:
            magic, crc, behind, length, count, first_sequence, time_ns, previous = unpack_frame(data, offset)
            end = offset + HEADER_BYTES + length
            if magic != MAGIC or end > size or not 0 < length <= MAX_BATCH_BYTES or not count:
                return
            hashed = data[offset + SEAL_BYTES : end]
            if crc32(hashed, salt ^ behind) != crc:
                return
            if (
                previous != self.last_hash
                or first_sequence != self.last_sequence + 1
                or time_ns <= self.last_time_ns
            ):
                raise JournalDamaged(
                    f"{self.where()}: the intact batch {first_sequence} does not follow the one before"
                    " it: the chain is broken"
                )
            digest = self.last_hash = sha256(hashed).digest()
            self.last_sequence += count
            self.last_time_ns = time_ns
            self.offset = begin + end
            yield Batch(
                first_sequence,
                count,
                time_ns,
                hashed[PAYLOAD_OFFSET:],
                digest,
                segment,
                begin + offset,
                behind,
            )
            offset = end
