"""How much and what may be tried: allowances, bans that grow, points that fade. Time is given; nothing waits."""

import random

import pytest

from bus.config import Web
from web.guard import intrusion
from web.guard.intrusion import (
    ALARM,
    BAD_KEY_SIGN,
    BAD_SIGNATURE_SIGN,
    BLOCK,
    IGNORED_MAX,
    NOTHING,
    ORDER_REFUSED_SIGN,
    SCAN_SIGN,
    Bans,
    Patience,
    Scores,
)
from web.guard.limits import Limits, rates
from web.guard.watch import address_holder
from web.routes import COSTS, MARKET, ORDERS

S = 1_000_000_000


def test_an_allowance_is_used_up_and_fills_at_its_rate() -> None:
    limits = Limits({ORDERS: 10, MARKET: 10})
    begin = 1_000 * S
    taken = [limits.take("alice", ORDERS, begin) for _ in range(20)]
    assert [one.remaining for one in taken] == list(range(19, -1, -1))
    assert {one.limit for one in taken} == {20}
    assert [one.full_in_s for one in taken] == [1] * 10 + [2] * 10
    refused = limits.take("alice", ORDERS, begin)
    assert (refused.remaining, refused.full_in_s, refused.retry_s) == (0, 2, 1)
    # Others, and other classes, have their own.
    assert not limits.take("bob", ORDERS, begin).retry_s
    assert not limits.take("alice", MARKET, begin).retry_s
    # A tenth of a second later there is one more, and only one.
    assert limits.take("alice", ORDERS, begin + S // 10 - 1).retry_s
    assert not limits.take("alice", ORDERS, begin + S // 10).retry_s
    assert limits.take("alice", ORDERS, begin + S // 10).retry_s
    assert limits.take("alice", ORDERS, begin + 60 * S).remaining == 19


def test_a_small_rate_lets_some_come_at_once() -> None:
    limits = Limits({ORDERS: 1})
    answers = [limits.take("alice", ORDERS, 0) for _ in range(11)]
    assert [bool(one.retry_s) for one in answers] == [False] * 10 + [True]
    assert answers[-1].retry_s == 1


def test_an_address_with_many_keys_has_ten_times_as_much() -> None:
    limits = Limits({ORDERS: 10})
    answers = [limits.take("address", ORDERS, 0, times=10) for _ in range(201)]
    assert [bool(one.retry_s) for one in answers] == [False] * 200 + [True]


@pytest.mark.parametrize("per_s", [1, 7, 1_000, 2**31 - 1])
def test_nobody_gets_more_than_burst_and_rate_however_it_comes(per_s: int) -> None:
    seed = 20_261 + per_s
    drawn = random.Random(seed)
    limits = Limits({ORDERS: per_s})
    now_ns, let_in, burst = 0, 0, max(10, 2 * per_s)
    for _ in range(5_000):
        now_ns += drawn.choice((0, 0, drawn.randrange(1, 2 * S // min(per_s, S) + 2)))
        taken = limits.take("alice", ORDERS, now_ns)
        assert 0 <= taken.remaining <= taken.limit == burst, f"seed {seed}"
        let_in += not taken.retry_s
        # The interval is rounded down to whole nanoseconds.
        assert let_in <= burst + now_ns // max(1, S // per_s) + 1, f"seed {seed}"
        if taken.retry_s:
            assert not Limits.take(limits, "alice", ORDERS, now_ns + taken.retry_s * S).retry_s, (
                f"seed {seed}"
            )
            now_ns += taken.retry_s * S
            let_in += 1


def test_who_is_forgotten_has_a_full_allowance_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.guard.limits.ALLOWANCES_MAX", 3)
    limits = Limits({ORDERS: 1})
    for holder in ("a", "b", "c", "a", "d"):
        limits.take(holder, ORDERS, 0)
    assert limits.take("a", ORDERS, 0).remaining == 7, "it was seen again before b and c"
    assert limits.take("b", ORDERS, 0).remaining == 9


def test_every_class_of_cost_has_a_rate() -> None:
    assert set(rates(Web())) == set(COSTS)
    assert all(rate > 0 for rate in rates(Web()).values())


def test_points_add_up_to_one_alarm_and_a_block_and_fade() -> None:
    scores = Scores(intrusion.ALARM_POINTS, intrusion.BLOCK_POINTS)
    came_to = [scores.sign("x", BAD_SIGNATURE_SIGN, 0) for _ in range(20)]
    assert came_to == [NOTHING] * 9 + [ALARM] + [NOTHING] * 9 + [BLOCK]
    # Blocked, it begins anew.
    assert scores.sign("x", BAD_SIGNATURE_SIGN, 0) == NOTHING
    # Half a point fades in a second: so one wrong signature each ten seconds is never an alarm.
    assert {scores.sign("slow", BAD_SIGNATURE_SIGN, second * S) for second in range(0, 10_000, 10)} == {
        NOTHING
    }
    # An alarm comes again after it had faded.
    assert [scores.sign("y", BAD_KEY_SIGN, 0) for _ in range(5)][-1] == ALARM
    assert scores.sign("y", BAD_KEY_SIGN, 60 * S) == NOTHING
    assert [scores.sign("y", BAD_KEY_SIGN, 60 * S) for _ in range(3)] == [NOTHING, ALARM, NOTHING]
    assert [scores.sign("z", SCAN_SIGN, 0) for _ in range(50)].count(BLOCK) == 1


def test_refused_orders_are_an_alarm_and_never_a_block() -> None:
    scores = Scores(intrusion.ORDERS_ALARM_POINTS, None)
    came_to = [scores.sign("key", ORDER_REFUSED_SIGN, 0) for _ in range(5_000)]
    assert (came_to.count(ALARM), came_to.count(BLOCK)) == (1, 0)
    assert came_to[499] == ALARM


def test_a_ban_grows_to_a_bound_and_is_forgotten_after_a_day() -> None:
    bans = Bans(first_s=10, longest_s=60)
    now_ns = 0
    for expected_s in (10, 20, 40, 60, 60):
        assert bans.left_s("x", now_ns) == 0
        assert bans.ban("x", now_ns) == expected_s
        assert bans.left_s("x", now_ns) == expected_s
        assert bans.left_s("x", now_ns + expected_s * S - 1) == 1
        assert bans.left_s("other", now_ns) == 0
        now_ns += expected_s * S
    assert bans.ban("x", now_ns + 86_400 * S) == 60
    assert bans.ban("x", now_ns + 60 * S + 2 * 86_400 * S + 1) == 10


def test_patience_ends_with_who_goes_on_and_not_with_who_waits() -> None:
    patience = Patience()
    assert [patience.ends("x", 0) for _ in range(IGNORED_MAX + 1)] == [False] * IGNORED_MAX + [True]
    assert not patience.ends("x", 0), "it begins anew behind a ban"
    assert not any(patience.ends("polite", second * S) for second in range(1_000))


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.1.2.3", "address 10.1.2.3"),
        ("::ffff:10.1.2.3", "address 10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "address 2001:db8:1:2::/64"),
        ("", "address "),
    ],
)
def test_the_addresses_of_one_network_of_ipv6_are_one_holder(address: str, holder: str) -> None:
    assert address_holder(address) == holder
