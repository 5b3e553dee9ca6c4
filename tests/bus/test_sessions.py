"""Sessions without a socket: seats, leases, rates, keys."""

import pytest

from bus.sessions import (
    LEASE_MS_DEFAULT,
    LEASE_MS_MAX,
    LEASE_MS_MIN,
    Seat,
    Sessions,
    lease_of,
    same_secret,
    session_key,
)

S = 1_000_000_000


def test_a_lease_ends_when_it_was_not_renewed_and_not_before() -> None:
    sessions = Sessions()
    short = sessions.open(1, "a", 1, 1000, b"r1", 0)
    long = sessions.open(2, "a", 1, 5000, b"r2", 0)
    assert sessions.expired(S - 1) == []
    assert sessions.expired(S) == [short]
    short.renew(S)
    assert sessions.expired(2 * S - 1) == []
    assert sessions.expired(5 * S) == [short, long]
    sessions.extend(S)
    assert sessions.expired(5 * S) == [short]


def test_a_closed_session_is_still_its_accounts_until_it_is_forgotten() -> None:
    sessions = Sessions()
    first, second = (sessions.open(n, "a", 1, 1000, b"", 0) for n in (1, 2))
    sessions.close(first)
    assert (sessions.get(1), sessions.all(), len(sessions)) == (None, [second], 1)
    assert sessions.of_account("a") == [first, second]
    sessions.forget(first)
    assert sessions.of_account("a") == [second]
    sessions.close(second)
    sessions.forget(second)
    assert sessions.of_account("a") == []


def test_a_rate_counts_in_windows_of_a_second_and_takes_a_message_whole_or_not() -> None:
    seat = Seat(1, "a", 1, 1000, b"", 0)
    assert seat.allow(6, 0, 10)
    assert not seat.allow(5, 0, 10)
    assert seat.allow(4, S - 1, 10)
    assert not seat.allow(1, S - 1, 10)
    assert seat.allow(10, S, 10)
    assert not seat.allow(11, 3 * S, 10)


def test_a_key_is_for_one_session_of_one_directory() -> None:
    keys = {session_key(token, session) for token in ("a", "b") for session in (1, 2, 11)}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
    assert session_key("a", 1) == session_key("a", 1)


@pytest.mark.parametrize("shown", ["", "secre", "secret ", "secreT", "sécret", "\0", "ключ"])
def test_another_text_is_not_the_secret(shown: str) -> None:
    assert not same_secret("secret", shown)
    assert same_secret("secret", "secret")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (0, LEASE_MS_DEFAULT),
        (1, None),
        (LEASE_MS_MIN - 1, None),
        (LEASE_MS_MIN, LEASE_MS_MIN),
        (LEASE_MS_MAX, LEASE_MS_MAX),
        (LEASE_MS_MAX + 1, None),
    ],
)
def test_a_lease_is_within_its_bounds(asked: int, given: int | None) -> None:
    assert lease_of(asked) == given
