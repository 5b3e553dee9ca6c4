"""The side file `synced`: the last sequence that is known to be on stable storage.

It may lag (it is written after a sync and not synced itself), it never leads. So whatever is missing from the
log at or below it was lost after it had been durable: that is damage and not a torn tail.

Two slots, each in a sector of its own, written in turn, so that a write torn by a crash leaves the other:

    0        magic u64 | sequence u64 | crc u32        512      the same
"""

import os
import struct
from typing import Final
from zlib import crc32

from bus.journal.disk import Disk

NAME: Final = "synced"
_MAGIC: Final = b"MBSYNC1\n"
_SLOT: Final = struct.Struct("<8sQI")
_SLOT_BYTES: Final = 512


class SyncedFile:
    """The side file, open for writing. One writer."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        path = os.path.join(directory, NAME)
        try:
            self._handle = disk.open(path, writable=True)
        except FileNotFoundError:
            self._handle = disk.create(path)
            disk.write(self._handle, bytes(2 * _SLOT_BYTES), 0)
            disk.datasync(self._handle)
        # The slot that does not hold the newest record is the next one to be overwritten.
        slots = _slots(disk.read(self._handle, 0, 2 * _SLOT_BYTES))
        self._next = 0 if slots[0] <= slots[1] else 1

    def record(self, sequence: int) -> None:
        """Overwrite the older slot; no sync."""
        body = _SLOT.pack(_MAGIC, sequence, 0)[:16]
        self._disk.write(self._handle, body + crc32(body).to_bytes(4, "little"), self._next * _SLOT_BYTES)
        self._next ^= 1

    def close(self) -> None:
        """Sync and close."""
        try:
            self._disk.datasync(self._handle)
        finally:
            self._disk.close(self._handle)


def read_synced(disk: Disk, directory: str) -> int:
    """The sequence in the side file, 0 when there is none or neither slot can be read."""
    try:
        handle = disk.open(os.path.join(directory, NAME))
    except FileNotFoundError:
        return 0
    try:
        return max(_slots(disk.read(handle, 0, 2 * _SLOT_BYTES)))
    finally:
        disk.close(handle)


def _slots(data: bytes) -> tuple[int, int]:
    found = [0, 0]
    for index in (0, 1):
        piece = data[index * _SLOT_BYTES : index * _SLOT_BYTES + _SLOT.size]
        if len(piece) == _SLOT.size:
            magic, sequence, crc = _SLOT.unpack(piece)
            if magic == _MAGIC and crc32(piece[:16]) == crc:
                found[index] = sequence
    return found[0], found[1]
