"""Checkpoints: the whole state after a whole batch, `checkpoint-<sequence, 20 digits>.mbc`.

    offset  bytes  field, little-endian
         0      8  magic              b"MBCKPT1\\n"
         8      4  crc                CRC-32 of the rest of the header
        12      4  format version
        16      8  sequence           the last command that the state has seen
        24      8  time_ns            of the state
        32      8  epoch
        40      4  semantics version  of the matcher that made the payload
        44      4  zero
        48     32  journal hash       of the batch that ends with `sequence`
        80     32  output hash        of the incarnation that the state is of, up to `sequence`
       112      8  length             of the payload
       120     32  digest             SHA-256 over bytes 12 to 120 of the header and the payload
       152         payload            opaque here

A file is written under another name, synced and renamed, so one that has its name is whole. Damage is never
repaired: the next older checkpoint, or the empty state and the log, take its place. One of another format version is
passed over by name in the same way. Called by `recovery`, and by those who write them: the shadow while the engine
runs, and the engine at a clean stop. They may do so at the same time, so each has a temporary name of its own.
"""

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from zlib import crc32

from bus.errors import CheckpointDamaged, JournalFailed
from bus.journal.batch import GENESIS_HASH
from bus.journal.disk import Disk

FORMAT_VERSION: Final = 2  # 1 had no output hash
# The rings that answer "replay from n" hold this many commands; a start this far back fills them again.
REPLAY_RING_COMMANDS: Final = 100_000
# About three seconds of replay: more than that is not worth full rings.
FURTHER_COMMANDS_MAX: Final = 1_000_000
KEPT_DEFAULT: Final = 4

_PREFIX: Final = "checkpoint-"
_SUFFIX: Final = ".mbc"
_DIGITS: Final = 20
_MAGIC: Final = b"MBCKPT1\n"
_HEADER: Final = struct.Struct("<8sIIQQQII32s32sQ32s")
_VERSION: Final = struct.Struct("<8sII")  # magic, crc, format version: the same in every format
_DIGEST_OFFSET: Final = 120


@dataclass(frozen=True, slots=True)
class CheckpointHeader:
    """What can be known of a checkpoint without its payload. Sequence 0 is the empty state: no file."""

    sequence: int
    time_ns: int
    epoch: int
    semantics_version: int
    journal_hash: bytes  # 32 bytes
    output_hash: bytes  # 32 bytes; see `bus.sockets.publication`


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A header and the state it describes."""

    header: CheckpointHeader
    payload: bytes


EMPTY_STATE: Final = CheckpointHeader(0, 0, 0, 0, GENESIS_HASH, bytes(32))


def choose(
    candidates: Sequence[CheckpointHeader],
    head_sequence: int,
    *,
    log_first_sequence: int = 1,
    ring_commands: int = REPLAY_RING_COMMANDS,
    further_max: int = FURTHER_COMMANDS_MAX,
) -> CheckpointHeader | None:
    """The checkpoint to start from, None when none of them reaches the log.

    The newest that lies at least `ring_commands` behind the head, so that the replay rings are full again, as
    long as that costs at most `further_max` more replayed commands than the newest of all; otherwise that one.
    The empty state is always a candidate (and fills all rings there are). One beyond the head, or one whose
    next command is no longer in the log, is none.
    """
    usable = [c for c in (EMPTY_STATE, *candidates) if log_first_sequence - 1 <= c.sequence <= head_sequence]
    if not usable:
        return None
    newest = max(usable, key=lambda c: c.sequence)
    full = [c for c in usable if c.sequence == 0 or c.sequence <= head_sequence - ring_commands]
    if full:
        fullest = max(full, key=lambda c: c.sequence)
        if newest.sequence - fullest.sequence <= further_max:
            return fullest
    return newest


class CheckpointStore:
    """The checkpoints in a directory. Any number of readers; each writer has a name that no other one has."""

    def __init__(
        self, directory: str, disk: Disk, *, kept: int = KEPT_DEFAULT, writer: str = "engine"
    ) -> None:
        assert kept >= 1, "at least the newest checkpoint is kept"
        self._directory = directory
        self._disk = disk
        self._kept = kept
        self._temporary = os.path.join(directory, f"checkpoint.{writer}.tmp")

    def path(self, sequence: int) -> str:
        """Where the checkpoint at this sequence stands."""
        return os.path.join(self._directory, f"{_PREFIX}{sequence:0{_DIGITS}}{_SUFFIX}")

    def write(self, checkpoint: Checkpoint) -> None:
        """Write one, whole or not at all, and of those up to it keep the newest. Blocks for the disk; not for a loop.

        `JournalFailed` when the disk refuses; the older checkpoints are then as they were.
        """
        try:
            handle = self._disk.create(self._temporary)
            try:
                head = _encode_header(checkpoint)
                self._disk.write(handle, head, 0)
                self._disk.write(handle, checkpoint.payload, len(head))
                self._disk.datasync(handle)
            finally:
                self._disk.close(handle)
            self._disk.rename(self._temporary, self.path(checkpoint.header.sequence))
            self._disk.sync_directory(self._directory)
            # Those beyond it are of the other writer, or of a history that is gone: they must not push this one out.
            own = checkpoint.header.sequence
            for sequence in [found for found in self._sequences() if found <= own][self._kept :]:
                with suppress(FileNotFoundError):  # the other writer was quicker
                    self._disk.unlink(self.path(sequence))
        except OSError as error:
            path = self.path(checkpoint.header.sequence)
            raise JournalFailed(
                f"{path}: writing the checkpoint failed: {error.strerror or error}"
            ) from error

    def candidates(self) -> tuple[list[CheckpointHeader], list[str]]:
        """(headers, newest first; one line for each file that was skipped because it is damaged).

        Reads headers only: `load` may still find the payload damaged.
        """
        headers: list[CheckpointHeader] = []
        skipped: list[str] = []
        for sequence in self._sequences():
            try:
                handle = self._disk.open(self.path(sequence))
                try:
                    header, _, _ = self._read_header(handle, sequence)
                finally:
                    self._disk.close(handle)
                headers.append(header)
            except CheckpointDamaged as error:
                skipped.append(str(error))
            except FileNotFoundError:  # removed by its writer meanwhile
                continue
        return headers, skipped

    def load(self, header: CheckpointHeader) -> Checkpoint:
        """The whole checkpoint, verified; `CheckpointDamaged` naming the file. The empty state has no payload."""
        if header.sequence == 0:
            return Checkpoint(EMPTY_STATE, b"")
        path = self.path(header.sequence)
        try:
            handle = self._disk.open(path)
        except FileNotFoundError:
            raise CheckpointDamaged(f"{path}: it is not there any more") from None
        try:
            found, raw, length = self._read_header(handle, header.sequence)
            payload = self._disk.read(handle, _HEADER.size, length)
        finally:
            self._disk.close(handle)
        digest = sha256(raw[12:_DIGEST_OFFSET])
        digest.update(payload)
        if digest.digest() != raw[_DIGEST_OFFSET:]:
            raise CheckpointDamaged(f"{path}: the payload does not match its digest")
        if found != header:
            raise CheckpointDamaged(f"{path}: it was replaced by another one")
        return Checkpoint(found, payload)

    def _sequences(self) -> list[int]:
        found = []
        for name in self._disk.names(self._directory):
            digits = name[len(_PREFIX) : -len(_SUFFIX)]
            if name == f"{_PREFIX}{digits}{_SUFFIX}" and len(digits) == _DIGITS and digits.isdecimal():
                found.append(int(digits))
        return sorted(found, reverse=True)

    def _read_header(self, handle: int, sequence: int) -> tuple[CheckpointHeader, bytes, int]:
        """(header, its bytes, length of the payload)"""
        path = self.path(sequence)
        raw = self._disk.read(handle, 0, _HEADER.size)
        if len(raw) >= _VERSION.size:
            magic, _, version = _VERSION.unpack_from(raw)
            if magic == _MAGIC and version != FORMAT_VERSION:
                raise CheckpointDamaged(
                    f"{path}: format version {version}, this program reads {FORMAT_VERSION}"
                )
        if len(raw) < _HEADER.size:
            raise CheckpointDamaged(f"{path}: truncated to {len(raw)} bytes")
        fields = _HEADER.unpack(raw)
        magic, crc, _, found, time_ns, epoch, semantics, _, journal_hash, output_hash, length, _ = fields
        if magic != _MAGIC or crc32(raw[12:]) != crc:
            raise CheckpointDamaged(f"{path}: the header is damaged")
        if found != sequence:
            raise CheckpointDamaged(f"{path}: it stands at sequence {found}, not as its name says")
        size = self._disk.size(handle)
        if size != _HEADER.size + length:
            raise CheckpointDamaged(f"{path}: {size} bytes instead of {_HEADER.size + length}")
        header = CheckpointHeader(found, time_ns, epoch, semantics, journal_hash, output_hash)
        return header, raw, length


def _encode_header(checkpoint: Checkpoint) -> bytes:
    h = checkpoint.header
    assert h.sequence > 0, "the empty state has no file"
    assert len(h.journal_hash) == len(h.output_hash) == len(GENESIS_HASH), "a hash has 32 bytes"
    fields = (
        FORMAT_VERSION,
        h.sequence,
        h.time_ns,
        h.epoch,
        h.semantics_version,
        0,
        h.journal_hash,
        h.output_hash,
        len(checkpoint.payload),
    )
    covered = _HEADER.pack(_MAGIC, 0, *fields, bytes(32))[12:_DIGEST_OFFSET]
    digest = sha256(covered)
    digest.update(checkpoint.payload)
    rest = covered + digest.digest()
    return _MAGIC + crc32(rest).to_bytes(4, "little") + rest
