"""A checkpoint is due by commands or by time, and is written when its outputs were proven equal."""

from bus.journal.checkpoint import Checkpoint, CheckpointHeader
from bus.replication.checkpoints import CheckpointSchedule

SECOND = 1_000_000_000


def checkpoint(sequence: int, epoch: int = 1) -> Checkpoint:
    return Checkpoint(CheckpointHeader(sequence, 0, epoch, 1, bytes(32), bytes(32)), b"")


def schedule() -> CheckpointSchedule:
    return CheckpointSchedule(100, 60 * SECOND, 1000, 0)


def test_it_is_due_after_so_many_commands_or_so_long_if_there_was_one() -> None:
    s = schedule()
    assert not s.is_due(1099, 59 * SECOND)
    assert s.is_due(1100, 0)
    assert s.is_due(1001, 60 * SECOND)
    assert not s.is_due(1000, 1000 * SECOND)


def test_it_is_written_when_a_hash_at_its_sequence_or_behind_it_was_equal() -> None:
    for proof in (1100, 1500):
        s = schedule()
        s.keep(checkpoint(1100))
        assert s.take_proven(1, 1099, 0) is None
        assert not s.is_due(9999, 1000 * SECOND), "one waits already"
        assert s.take_proven(1, proof, 7 * SECOND) == checkpoint(1100)
        assert s.take_proven(1, proof, 7 * SECOND) is None
        # The next one is counted from this one.
        assert not s.is_due(1199, 66 * SECOND)
        assert s.is_due(1200, 7 * SECOND)
        assert s.is_due(1101, 67 * SECOND)


def test_nothing_equal_proves_nothing() -> None:
    s = schedule()
    s.keep(checkpoint(1100, epoch=3))
    assert s.take_proven(0, 0, 0) is None
    assert s.take_proven(2, 5000, 0) is None


def test_a_restart_of_the_engine_proves_nothing_of_what_was_before_it() -> None:
    s = schedule()
    s.keep(checkpoint(1100))
    assert s.take_proven(2, 1200, 0) is None
    assert s.take_proven(1, 1200, 0) is None, "it was dropped"
    assert s.is_due(1200, 0)
    s.keep(checkpoint(1200, epoch=2))
    assert s.take_proven(2, 1200, 0) == checkpoint(1200, epoch=2)
