"""What is sent again is what was sent: ids, creation times and order, in as few messages as allowed."""

from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.codec import CommandMessage, decode_client_message
from bus.protocol.commands import CancelOrder
from bus.protocol.terms import ALL_OR_NOTHING, VALIDATE_ONLY
from bus.sockets.session.unanswered import Saying, Unanswered


def decoded(messages: list[bytes]) -> list[tuple[int, int, list[int]]]:
    """(first correlation id, created, order ids) of each message."""
    found = []
    for message in messages:
        content = decode_client_message(message)
        assert isinstance(content, CommandMessage)
        ids = [item.order_id for item in content.items if isinstance(item, CancelOrder)]
        found.append((content.correlation_id, content.created_ns, ids))
    return found


def given_at(*batches: tuple[int, int]) -> Unanswered:
    """`(created_ns, how many)` of each batch that was sent; command n cancels order n."""
    unanswered = Unanswered()
    following = 1
    for created_ns, count in batches:
        unanswered.add([CancelOrder(n) for n in range(following, following + count)])
        following += count
        assert list(unanswered.first_messages(1, created_ns, 10_000, 1000))
    return unanswered


def test_first_messages_hold_what_was_added_in_order_and_within_bounds() -> None:
    unanswered = Unanswered()
    assert unanswered.add([CancelOrder(n) for n in range(1, 8)]) == 1
    messages = list(unanswered.first_messages(1, 5, 10_000, 3))
    assert decoded(messages) == [(1, 5, [1, 2, 3]), (4, 5, [4, 5, 6]), (7, 5, [7])]
    assert unanswered.waiting == 0
    assert len(unanswered) == 7
    assert list(unanswered.first_messages(1, 6, 10_000, 3)) == []


def test_a_message_that_would_be_too_large_is_halved() -> None:
    unanswered = Unanswered()
    unanswered.add([CancelOrder(0, "x" * 36) for _ in range(8)])
    messages = list(unanswered.first_messages(1, 5, 200, 1000))
    assert all(len(message) <= 200 for message in messages)
    assert [first for first, _, _ in decoded(messages)] == [1, 5]


def test_batches_keep_their_creation_times() -> None:
    again = list(given_at((5, 2), (6, 2)).messages_again(1, 10_000, 1000))
    assert decoded(again) == [(1, 5, [1, 2]), (3, 6, [3, 4])]


def test_what_was_answered_leaves_a_hole() -> None:
    unanswered = given_at((5, 5))
    assert unanswered.answer(3)
    assert not unanswered.answer(3)
    assert not unanswered.answer(9)
    assert decoded(list(unanswered.messages_again(1, 10_000, 1000))) == [(1, 5, [1, 2]), (4, 5, [4, 5])]


def test_again_within_bounds() -> None:
    again = list(given_at((5, 5)).messages_again(1, 10_000, 2))
    assert decoded(again) == [(1, 5, [1, 2]), (3, 5, [3, 4]), (5, 5, [5])]


def test_ids_of_a_range_are_those_that_wait() -> None:
    unanswered = given_at((5, 4))
    unanswered.answer(2)
    unanswered.add([CancelOrder(5)])  # never sent
    assert unanswered.ids(0, 2**60) == [1, 3, 4]
    assert unanswered.sent_of(CancelOrder) == [1, 3, 4]


@given(
    st.lists(st.integers(1, 5), max_size=5),
    st.sets(st.integers(1, 25)),
    st.integers(1, 4),
    st.integers(20, 200),
)
def test_each_unanswered_command_is_sent_again_once(
    batches: list[int], answered: set[int], commands_max: int, bytes_max: int
) -> None:
    unanswered = given_at(*((100 + place, count) for place, count in enumerate(batches)))
    created = [100 + place for place, count in enumerate(batches) for _ in range(count)]
    for number in answered:
        unanswered.answer(number)
    told = decoded(list(unanswered.messages_again(1, bytes_max, commands_max)))
    assert all(len(orders) <= commands_max for _, _, orders in told)
    assert [
        (first + place, created_ns, order)
        for first, created_ns, orders in told
        for place, order in enumerate(orders)
    ] == [(n, created[n - 1], n) for n in range(1, len(created) + 1) if n not in answered]


def said(messages: list[bytes]) -> list[tuple[int, int, int, int]]:
    """(first correlation id, how many, deadline, options) of each message."""
    found = []
    for message in messages:
        content = decode_client_message(message)
        assert isinstance(content, CommandMessage)
        found.append((content.correlation_id, len(content.items), content.deadline_ns, content.options))
    return found


def test_what_is_said_with_commands_is_said_again_with_them_and_with_no_others() -> None:
    unanswered = Unanswered()
    whole, judged = Saying(ALL_OR_NOTHING, 0), Saying(VALIDATE_ONLY, 7)
    for count, saying in ((2, None), (5, whole), (3, judged), (1, Saying(0, 9)), (1, None)):
        unanswered.add([CancelOrder(1)] * count, saying)
    expected = [(1, 2, 0, 0), (3, 5, 0, 2), (8, 2, 107, 1), (10, 1, 107, 1), (11, 1, 109, 0), (12, 1, 0, 0)]
    assert said(list(unanswered.first_messages(1, 100, 10_000, 2))) == expected
    assert said(list(unanswered.messages_again(1, 10_000, 2))) == expected
    # Too large for one message: what is whole is not cut, that is the engine's to refuse.
    cut = said(list(unanswered.messages_again(1, 1, 10)))
    assert expected[1] in cut
    assert [one for one in cut if one[3] == VALIDATE_ONLY] == [
        (8, 1, 107, 1),
        (9, 1, 107, 1),
        (10, 1, 107, 1),
    ]
    for number in range(3, 8):
        assert unanswered.answer(number)
    assert said(list(unanswered.messages_again(1, 10_000, 2))) == [expected[0], *expected[2:]]
