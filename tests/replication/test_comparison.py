"""Two chains of hashes: equal as far as both have come, or named where they part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.replication import comparison as module
from bus.replication.comparison import Comparison, Difference


def hash_of(sequence: int) -> bytes:
    return sequence.to_bytes(32, "big")


def followed(*sequences: int, epoch: int = 1, start: int = 10) -> Comparison:
    comparison = Comparison(start, epoch, hash_of(start))
    for sequence in sequences:
        comparison.own(sequence, epoch, hash_of(sequence))
    return comparison


def test_what_was_heard_after_it_was_followed_is_compared_at_once() -> None:
    comparison = followed(12, 15)
    comparison.heard(12, 1, hash_of(12))
    assert (comparison.equal, comparison.compared, comparison.difference) == ((1, 12), 1, None)
    comparison.heard(15, 1, hash_of(15))
    comparison.heard(15, 1, hash_of(15))  # nothing happened meanwhile
    assert (comparison.equal, comparison.compared) == ((1, 15), 3)


def test_what_was_heard_before_it_was_followed_waits() -> None:
    comparison = followed()
    for sequence in (12, 15):
        comparison.heard(sequence, 1, hash_of(sequence))
    assert comparison.equal == (0, 0)
    comparison.own(12, 1, hash_of(12))
    assert comparison.equal == (1, 12)
    comparison.own(15, 1, hash_of(15))
    assert comparison.equal == (1, 15)


def test_the_state_to_begin_with_can_be_compared_and_what_was_before_it_cannot() -> None:
    comparison = followed()
    comparison.heard(9, 1, hash_of(1))
    assert (comparison.compared, comparison.difference) == (0, None)
    comparison.heard(10, 1, hash_of(10))
    assert comparison.equal == (1, 10)


def test_another_hash_is_named_with_the_last_equal_one() -> None:
    comparison = followed(12, 15, 20)
    comparison.heard(12, 1, hash_of(12))
    comparison.heard(15, 1, hash_of(99))
    assert comparison.difference is not None
    assert str(comparison.difference).startswith(
        "outputs differ between sequences 12 and 15: the engine's hash is 0000000000000000..."
    )
    comparison.heard(20, 1, hash_of(20))  # for good: a chain that has parted does not come together
    assert (comparison.difference.sequence, comparison.equal) == (15, (1, 12))


def test_before_anything_was_equal_the_beginning_of_the_chain_is_named() -> None:
    comparison = followed(12)
    comparison.heard(12, 1, hash_of(99))
    assert comparison.difference is not None
    assert (comparison.difference.after, comparison.difference.sequence) == (10, 12)
    # An incarnation begins a chain.
    comparison = followed(12)
    comparison.own(13, 2, hash_of(0))
    comparison.own(14, 2, hash_of(14))
    comparison.own(15, 2, hash_of(15))
    comparison.heard(15, 2, hash_of(99))
    assert comparison.difference is not None
    assert (comparison.difference.after, comparison.difference.sequence) == (12, 15)


def test_an_engine_that_has_ended_meanwhile_tells_nothing() -> None:
    comparison = followed(12)
    comparison.own(13, 2, hash_of(0))
    comparison.own(14, 2, hash_of(14))
    comparison.heard(14, 1, hash_of(99))
    assert (comparison.compared, comparison.difference) == (0, None)


@pytest.mark.parametrize(
    ("sequence", "epoch", "what"),
    [
        (14, 1, "no batch of the log ends there"),
        (15, 2, "the engine says epoch 2, the log says 1"),
    ],
)
def test_an_engine_of_another_log_is_noticed_by_its_epoch_and_its_batches(
    sequence: int, epoch: int, what: str
) -> None:
    comparison = followed(12, 15)
    comparison.heard(sequence, epoch, hash_of(sequence))
    assert comparison.difference == Difference(10, sequence, what)


def test_what_was_forgotten_is_not_taken_for_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OWN_MAX", 4)
    monkeypatch.setattr(module, "HEARD_MAX", 2)
    comparison = followed(11, 12, 13, 14, 15)
    comparison.heard(11, 1, hash_of(11))
    assert (comparison.compared, comparison.difference) == (0, None)
    comparison.heard(15, 1, hash_of(15))
    for sequence in (16, 17, 18, 19):
        comparison.heard(sequence, 1, hash_of(sequence))
    for sequence in (16, 17, 18, 19):
        comparison.own(sequence, 1, hash_of(sequence))
    assert (comparison.compared, comparison.equal) == (3, (1, 19))


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=40),
    st.data(),
)
def test_in_whatever_order_both_come_all_is_compared_and_a_fault_is_found_where_it_is(
    counts: list[int], data: st.DataObject
) -> None:
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    faulty_from = data.draw(st.sampled_from([0, *ends]))
    comparison = Comparison(0, 1, hash_of(0))
    own, heard = list(ends), sorted(data.draw(st.sets(st.sampled_from(ends))))
    said = list(heard)
    while own or heard:
        if heard and (not own or data.draw(st.booleans())):
            sequence = heard.pop(0)
            wrong = faulty_from and sequence >= faulty_from
            comparison.heard(sequence, 1, hash_of(10_000 + sequence if wrong else sequence))
        else:
            sequence = own.pop(0)
            comparison.own(sequence, 1, hash_of(sequence))
    assert comparison.compared == len(said)
    good = [s for s in said if not faulty_from or s < faulty_from]
    bad = [s for s in said if s not in good]
    assert comparison.equal == ((1, good[-1]) if good else (0, 0))
    found = comparison.difference
    assert (found is None) == (not bad)
    if found is not None:
        assert (found.after, found.sequence) == (good[-1] if good else 0, bad[0])
