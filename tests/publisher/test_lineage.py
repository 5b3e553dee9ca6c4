"""Whether two logs are one: how far back it is asked, what is taken back and what is refused."""

import random

import pytest

from bus.errors import HistoryMismatch
from publisher.lineage import NOT_THERE, UNKNOWN, Identity, Lineage, Verdict
from publisher.store.rows import PastEvent


def event(number: int, log: int = 0) -> Identity:
    return number * 10, number * 1000 + log


def looked(stored: int, same: int, engine: int, *, epoch: int = 2, kept_from: int = 1) -> tuple[Verdict, int]:
    """The end of it. `stored` events, of which the engine has the first `same`; it has `engine` events."""

    def at(number: int) -> PastEvent:
        return PastEvent(number, *event(number), 1)

    lineage = Lineage("BTC-USD", at(stored))
    asked = 0
    while True:
        number = lineage.number
        asked += 1
        assert asked < 64
        said: Identity | None = event(number, log=0 if number <= same else 1)
        if number > engine:
            said = NOT_THERE
        elif number < kept_from:
            said = UNKNOWN
        verdict = lineage.compare(at(number), said, epoch)
        if verdict is not Verdict.EARLIER:
            return verdict, lineage.number


def test_the_same_log_is_taken() -> None:
    assert looked(100, 100, 100) == (Verdict.SAME, 100)
    assert looked(100, 100, 5000, epoch=1) == (Verdict.SAME, 100)


def test_what_nobody_keeps_is_believed() -> None:
    assert looked(100, 100, 5000, kept_from=200)[0] is Verdict.SAME


def test_a_lost_tail_is_taken_back_from_where_both_are_the_same() -> None:
    chance = random.Random(1)
    for _ in range(500):
        stored = chance.randrange(2, 10_000)
        same = chance.randrange(1, stored)
        engine = same + chance.choice((0, 1, 3, 20_000))
        verdict, number = looked(stored, same, engine)
        assert verdict is Verdict.TAKE_BACK
        assert 2 <= number <= same + 1
        # Not much more than what was lost.
        assert stored - number <= 4 * (stored - same)


def test_another_log_is_refused_by_name() -> None:
    with pytest.raises(HistoryMismatch, match="BTC-USD: the store is of another log"):
        looked(100, 0, 5000)
    with pytest.raises(HistoryMismatch, match="and nothing in the engine's epoch 2"):
        looked(100, 0, 0)
    # Within one life an engine loses nothing.
    with pytest.raises(HistoryMismatch, match="of epoch 1"):
        looked(100, 99, 5000, epoch=1)
