"""Skips: commands of the log that the operator decided to pass over, because they break the engine (I12).

One JSON object a line in `skips.jsonl`, each with the hash of the line before, so that a decision that was taken can
neither be changed nor taken back unseen: the state behind it depends on it.

    {"sequence": 4711, "why": "...", "previous": "<64 hex digits>", "hash": "<SHA-256 of the other three>"}

Read before the log is replayed. `matchbus journal skip` writes it, and only for the very command at which a replay
breaks. Called by recovery and by whoever replays the log.
"""

import os
from hashlib import sha256
from typing import Final

import msgspec

from bus.errors import JournalDamaged, JournalFailed
from bus.journal.disk import Disk

FILE_NAME: Final = "skips.jsonl"
_GENESIS: Final = "0" * 64


class Skip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision. `why` is the operator's words."""

    sequence: int
    why: str
    previous: str
    hash: str


def read_skips(directory: str, disk: Disk) -> list[Skip]:
    """All decisions, oldest first; `JournalDamaged` names the line at which the chain breaks."""
    path = os.path.join(directory, FILE_NAME)
    try:
        handle = disk.open(path)
    except FileNotFoundError:
        return []
    try:
        content = disk.read(handle, 0, disk.size(handle))
    finally:
        disk.close(handle)
    skips: list[Skip] = []
    previous = _GENESIS
    for number, line in enumerate(content.splitlines(), 1):
        try:
            skip = msgspec.json.decode(line, type=Skip)
        except msgspec.MsgspecError as error:
            raise JournalDamaged(f"{path}: line {number}: {error}") from None
        if skip.previous != previous or skip.hash != _hash(skip.sequence, skip.why, previous):
            raise JournalDamaged(f"{path}: line {number}: the chain of decisions is broken")
        previous = skip.hash
        skips.append(skip)
    return skips


def add_skip(directory: str, disk: Disk, sequence: int, why: str) -> Skip:
    """Write one more decision, durably and as a whole. The caller holds the directory. `JournalFailed` otherwise."""
    skips = read_skips(directory, disk)
    previous = skips[-1].hash if skips else _GENESIS
    skip = Skip(sequence, why, previous, _hash(sequence, why, previous))
    content = b"".join(msgspec.json.encode(one) + b"\n" for one in [*skips, skip])
    path = os.path.join(directory, FILE_NAME)
    try:
        handle = disk.create(f"{path}.tmp")
        try:
            disk.write(handle, content, 0)
            disk.datasync(handle)
        finally:
            disk.close(handle)
        disk.rename(f"{path}.tmp", path)
        disk.sync_directory(directory)
    except OSError as error:
        raise JournalFailed(f"{path}: writing the decision failed: {error.strerror or error}") from error
    return skip


def _hash(sequence: int, why: str, previous: str) -> str:
    return sha256(msgspec.json.encode([sequence, why, previous])).hexdigest()
