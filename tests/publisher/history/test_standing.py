"""Up to where two logs are the same: found with few questions, wherever they part."""

import pytest

from publisher.oversight.history.standing import Standing


def asked(kept: int, same_up_to: int) -> tuple[int, list[int]]:
    """What is found when the logs part behind a number, and the questions on the way."""
    standing = Standing(kept)
    questions = []
    while standing.question is not None:
        questions.append(standing.question)
        standing.answer(same=standing.question <= same_up_to)
    return standing.same_up_to, questions


@pytest.mark.parametrize("kept", [1, 2, 3, 4, 5, 16, 33])
def test_the_place_is_found_wherever_it_is(kept: int) -> None:
    for same_up_to in range(kept + 1):
        found, questions = asked(kept, same_up_to)
        assert found == same_up_to
        assert len(set(questions)) == len(questions), "nothing is asked twice"
        assert all(1 <= question <= kept for question in questions)


def test_a_log_that_is_the_same_takes_one_question() -> None:
    assert asked(10**12, 10**12) == (10**12, [10**12])


def test_another_log_takes_two() -> None:
    assert asked(10**12, 0) == (0, [10**12, 1])


def test_a_lost_end_takes_as_many_as_a_number_has_bits() -> None:
    found, questions = asked(10**12, 10**12 - 7)
    assert found == 10**12 - 7
    assert len(questions) <= 42
