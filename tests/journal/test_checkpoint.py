"""A checkpoint is whole or it is not used, and an older one stands behind it."""

import dataclasses
import itertools
import os
import random
import struct
import threading
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import CheckpointDamaged, JournalFailed
from bus.journal.checkpoint import EMPTY_STATE, Checkpoint, CheckpointHeader, CheckpointStore, choose
from bus.journal.disk import Disk
from tests.journal.logs import ROOT
from tests.support.simulated_disk import SimulatedDisk


def header(sequence: int) -> CheckpointHeader:
    hashes = (sha256(b"%d" % sequence).digest(), sha256(b"outputs %d" % sequence).digest())
    return CheckpointHeader(sequence, 1000 + sequence, 3, 1, *hashes)


def checkpoint(sequence: int) -> Checkpoint:
    return Checkpoint(header(sequence), b"state at %d " % sequence * 5)


def sequences(store: CheckpointStore) -> list[int]:
    return [candidate.sequence for candidate in store.candidates()[0]]


def test_it_is_read_as_it_was_written(tmp_path: object) -> None:
    store = CheckpointStore(str(tmp_path), Disk())
    store.write(checkpoint(70))
    assert store.candidates() == ([header(70)], [])
    assert store.load(header(70)) == checkpoint(70)
    assert os.listdir(str(tmp_path)) == [f"checkpoint-{70:020}.mbc"]


def test_the_newest_come_first_and_only_they_are_kept() -> None:
    store = CheckpointStore(ROOT, SimulatedDisk(), kept=3)
    for sequence in (10, 20, 30, 40, 50):
        store.write(checkpoint(sequence))
    assert sequences(store) == [50, 40, 30]


def test_those_of_a_history_that_is_gone_do_not_push_a_new_one_out() -> None:
    """The log lost its end: for a while there are checkpoints beyond it."""
    store = CheckpointStore(ROOT, SimulatedDisk(), kept=2)
    for sequence in (100, 110):
        store.write(checkpoint(sequence))
    for sequence in (50, 60, 70):
        store.write(checkpoint(sequence))
    assert sequences(store) == [110, 100, 70, 60]
    for sequence in (120, 130):
        store.write(checkpoint(sequence))
    assert sequences(store) == [130, 120]


def test_a_changed_byte_anywhere_is_noticed() -> None:
    disk = SimulatedDisk()
    store = CheckpointStore(ROOT, disk)
    store.write(checkpoint(10))
    store.write(checkpoint(20))
    content = disk.content(store.path(20))
    for offset in range(len(content)):
        content[offset] ^= 4
        found, skipped = store.candidates()
        if header(20) in found:
            assert offset >= 152
            with pytest.raises(CheckpointDamaged, match=store.path(20)):
                store.load(header(20))
        else:
            assert found == [header(10)]
            assert store.path(20) in skipped[0]
        content[offset] ^= 4
    assert sequences(store) == [20, 10]


def test_a_truncated_or_a_renamed_one_is_skipped_by_name() -> None:
    disk = SimulatedDisk()
    store = CheckpointStore(ROOT, disk)
    for sequence in (10, 20, 30):
        store.write(checkpoint(sequence))
    del disk.content(store.path(20))[-1:]
    disk.rename(store.path(30), store.path(31))
    found, skipped = store.candidates()
    assert found == [header(10)]
    assert "not as its name says" in skipped[0]
    assert "bytes instead of" in skipped[1]


@pytest.mark.parametrize("seed", range(60))
def test_a_crash_while_one_is_written_leaves_the_older_one(seed: int) -> None:
    disk = SimulatedDisk(seed)
    store = CheckpointStore(ROOT, disk)
    store.write(checkpoint(10))
    disk.fail_datasync_at = seed % 2 or None
    disk.fail_write_at = 1 if seed % 3 == 0 else None
    try:
        store.write(checkpoint(20))
        promised = True
    except JournalFailed:
        promised = False
    disk.crash(seed)
    found, skipped = store.candidates()
    assert skipped == []
    assert [store.load(h) for h in found][-1] == checkpoint(10)
    assert not promised or sequences(store) == [20, 10]


@pytest.mark.parametrize("length", [0, 20, 1000])
def test_one_of_the_format_before_is_passed_over_by_its_version(length: int) -> None:
    disk = SimulatedDisk()
    store = CheckpointStore(ROOT, disk)
    store.write(checkpoint(10))
    handle = disk.create(store.path(20))
    disk.write(handle, written_as_version_1(header(20), bytes(length)), 0)
    disk.close(handle)
    assert store.candidates() == (
        [header(10)],
        [f"{store.path(20)}: format version 1, this program reads 2"],
    )
    with pytest.raises(CheckpointDamaged, match="format version 1"):
        store.load(header(20))


def written_as_version_1(header: CheckpointHeader, payload: bytes) -> bytes:
    """A checkpoint of the format that had no output hash."""
    fields = (1, header.sequence, header.time_ns, header.epoch, header.semantics_version, 0)
    covered = struct.pack("<IQQQII32sQ", *fields, header.journal_hash, len(payload))
    rest = covered + sha256(covered + payload).digest()
    return b"MBCKPT1\n" + crc32(rest).to_bytes(4, "little") + rest + payload


@pytest.mark.parametrize("seed", range(20))
def test_two_writers_do_not_disturb_each_other(tmp_path: Path, seed: int) -> None:
    """The engine at its clean stop, and the shadow: each writes and prunes, and what is there at the end is whole."""
    chance = random.Random(seed)
    sequence = itertools.count(1)
    failures: list[BaseException] = []

    def write(writer: str, payload_bytes: int) -> None:
        store = CheckpointStore(str(tmp_path), Disk(), kept=2, writer=writer)
        try:
            for _ in range(10):
                store.write(Checkpoint(header(next(sequence)), bytes(payload_bytes)))
        except JournalFailed as failure:
            failures.append(failure)

    writers = [
        threading.Thread(target=write, args=(name, chance.randrange(100_000)))
        for name in ("engine", "shadow")
    ]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert failures == []
    store = CheckpointStore(str(tmp_path), Disk(), kept=2)
    found, skipped = store.candidates()
    assert skipped == []
    assert [store.load(h).header for h in found][:2] == [header(20), header(19)]
    assert 2 <= len(found) == len(os.listdir(tmp_path)) <= 3, (
        "the last one to write may have had the lower sequence"
    )


def test_a_full_disk_is_reported_and_harms_no_older_one() -> None:
    disk = SimulatedDisk()
    store = CheckpointStore(ROOT, disk)
    store.write(checkpoint(10))
    disk.space_bytes = 300
    with pytest.raises(JournalFailed, match="writing the checkpoint failed: No space left"):
        store.write(checkpoint(20))
    assert sequences(store) == [10]


def test_one_that_was_removed_meanwhile_is_damage_to_him_who_asks_for_it() -> None:
    disk = SimulatedDisk()
    store = CheckpointStore(ROOT, disk)
    with pytest.raises(CheckpointDamaged, match="not there any more"):
        store.load(header(10))


def test_the_empty_state_has_no_file() -> None:
    assert CheckpointStore(ROOT, SimulatedDisk()).load(EMPTY_STATE) == Checkpoint(EMPTY_STATE, b"")


M = 1_000_000


@pytest.mark.parametrize(
    ("candidates", "head", "chosen"),
    [
        ([], 0, 0),
        ([], 5 * M, 0),
        ([50_000], 60_000, 0),  # the whole log is short: all of it fills the rings
        ([900_000, 500_000], 950_000, 500_000),  # the newest is too near the head
        ([900_000, 850_000, 500_000], 950_000, 850_000),  # exactly 100,000 behind
        ([900_000], 950_000, 0),  # the empty state is a candidate as well
        ([3 * M], 3 * M + 10, 3 * M),  # full rings would cost 3,000,000 commands more
        ([3 * M, 2 * M], 3 * M + 10, 2 * M),  # 1,000,000 more is allowed
        ([3 * M, 2 * M - 1], 3 * M + 10, 3 * M),  # one more is not
        ([3 * M, 2 * M], 2 * M + 10, 2 * M),  # beyond the head: of another history
    ],
)
def test_which_one_is_chosen(candidates: list[int], head: int, chosen: int) -> None:
    assert choose([header(s) for s in candidates], head) == (header(chosen) if chosen else EMPTY_STATE)


def test_one_that_the_log_does_not_reach_is_not_chosen() -> None:
    candidates = [header(900), header(500), header(100)]
    assert choose(candidates, 1000, log_first_sequence=501, ring_commands=300) == header(500)
    assert choose(candidates, 1000, log_first_sequence=502, ring_commands=300) == header(900)
    assert choose(candidates, 1000, log_first_sequence=902) is None


@given(
    st.lists(st.integers(1, 10_000), unique=True),
    st.integers(0, 12_000),
    st.integers(0, 3000),
    st.integers(0, 3000),
)
def test_what_is_chosen_is_as_near_as_it_may_be(taken: list[int], head: int, ring: int, further: int) -> None:
    chosen = choose([header(s) for s in taken], head, ring_commands=ring, further_max=further)
    assert chosen is not None
    newest = max([s for s in taken if s <= head], default=0)
    assert newest - further <= chosen.sequence <= newest
    nearer = [s for s in (0, *taken) if newest - further <= s and (s == 0 or s <= head - ring)]
    assert chosen.sequence == max(nearer, default=newest)


def test_a_header_says_all_it_knows() -> None:
    assert [f.name for f in dataclasses.fields(CheckpointHeader)] == [
        "sequence", "time_ns", "epoch", "semantics_version", "journal_hash",
        "output_hash",
    ]  # fmt: skip
