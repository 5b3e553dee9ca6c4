"""Fees against fractions: every fee equals the naive one, and what is promised of all of them holds."""

from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.protocol.terms import (
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    OF_BINARY,
    OF_NOTIONAL,
    OF_QUANTITY,
    RATE_ONE,
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
)
from matcher.ledger.account import AccountGroup
from matcher.ledger.fees.amounts import fee_units, worst_fee_units
from matcher.ledger.fees.schedule import RATE_MAX, Extent, FeeSchedule, is_valid, pays_for_its_rebates
from matcher.ledger.fees.volume import BUCKET_MAX, Volume, day_of
from matcher.ledger.money.balance import UNITS_END
from tests.support.naive_fees import NaiveVolumes, converted, naive_fee, worth

EXTENT = Extent("BTC", "USD", 1_000, 10_000, 10, 7)
DAY_NS = 24 * 3600 * 1_000_000_000


def fee(
    schedule: FeeSchedule, rate: int, discount: int, base: int, quote: int, price: int, buys: bool
) -> int:
    """What a member of a group with this discount pays."""
    group = AccountGroup("vip", discount)
    return fee_units(schedule, rate, group.kept, group.kept_of, base, quote, price, buys)


ways = st.integers(ROUND_UP, ROUND_HALF_EVEN)
#: Rates as they are, and as nobody would set them: remainders, minimums and maximums all matter.
some_rates = st.one_of(
    st.integers(-(10**7), 10**7),
    st.sampled_from([0, 1, -1, 5 * 10**6, RATE_ONE, -RATE_ONE, RATE_MAX]),
    st.integers(-RATE_MAX, RATE_MAX),
)
discounts = st.one_of(st.sampled_from([0, RATE_ONE, RATE_ONE // 2]), st.integers(0, RATE_ONE))
ratios = st.integers(1, 300)


@st.composite
def schedules(draw: st.DrawFn) -> FeeSchedule:
    """Schedules of every form; many of them are valid."""
    basis, paid_in = draw(
        st.sampled_from(
            [
                (OF_NOTIONAL, IN_QUOTE),
                (OF_NOTIONAL, IN_RECEIVED),
                (OF_NOTIONAL, IN_THIRD),
                (OF_QUANTITY, IN_BASE),
                (OF_QUANTITY, IN_QUOTE),
                (OF_QUANTITY, IN_THIRD),
                (OF_BINARY, IN_QUOTE),
                (OF_BINARY, IN_THIRD),
            ]
        )
    )
    converts = paid_in == IN_THIRD or (basis, paid_in) == (OF_QUANTITY, IN_QUOTE)
    takers = draw(st.lists(some_rates.map(abs), min_size=1, max_size=3))
    lowest = 0 if paid_in == IN_RECEIVED else -min(takers)
    makers = [draw(st.one_of(st.just(lowest), st.integers(lowest, RATE_MAX))) for _ in takers]
    pairs = list(zip(makers, takers, strict=True))
    if draw(st.booleans()):
        pairs = [(taker, maker) for maker, taker in pairs]
    minimum = draw(st.one_of(st.just(0), st.integers(0, 3_000)))
    return FeeSchedule(
        tuple(pairs),
        basis,
        paid_in,
        "TOK" if paid_in == IN_THIRD else "",
        draw(ratios) if converts else 1,
        draw(ratios) if converts else 1,
        draw(ways),
        draw(st.sampled_from([1, 1, 2, 3, 100])),
        minimum,
        draw(st.one_of(st.just(0), st.integers(minimum, 10_000))),
        draw(st.one_of(st.just(RATE_ONE), st.integers(1, RATE_ONE))),
        draw(st.integers(1_000, 1_500)) if basis == OF_BINARY else 0,
    )


@st.composite
def fills(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Lots, base units, quote units, price."""
    lots = draw(st.one_of(st.integers(1, 5), st.integers(1, EXTENT.quantity_max_lots)))
    price = draw(st.integers(1, EXTENT.price_max_ticks))
    return lots, lots * EXTENT.lot_base_units, lots * price * EXTENT.lot_quote_units, price


@given(schedules())
def test_what_is_drawn_is_valid(schedule: FeeSchedule) -> None:
    assert is_valid(schedule, EXTENT)
    assert pays_for_its_rebates(schedule, 0)


@settings(max_examples=200)
@given(schedules(), discounts, fills(), st.booleans(), st.data())
def test_a_fee_is_the_naive_one(
    schedule: FeeSchedule,
    discount: int,
    fill: tuple[int, int, int, int],
    buys: bool,
    data: st.DataObject,
) -> None:
    _, base_units, quote_units, price = fill
    rate = data.draw(st.sampled_from([rate for pair in schedule.rates for rate in pair]))
    paid = fee(schedule, rate, discount, base_units, quote_units, price, buys)
    assert paid == naive_fee(schedule, rate, discount, base_units, quote_units, price, buys)
    # The sign is that of the rate, and nothing is paid that is not there, or that no balance holds.
    assert paid == 0 or (paid > 0) == (rate > 0)
    assert abs(paid) <= worth(schedule, base_units, quote_units, buys) < UNITS_END
    if schedule.maximum_units:
        assert abs(paid) <= schedule.maximum_units


@settings(max_examples=200)
@given(schedules(), discounts, discounts, fills(), st.booleans(), st.data())
def test_no_match_costs_the_venue(
    schedule: FeeSchedule,
    one: int,
    other: int,
    fill: tuple[int, int, int, int],
    buys: bool,
    data: st.DataObject,
) -> None:
    """Whatever the tiers and the discounts of the two are. In two assets, neither side gets anything."""
    if not pays_for_its_rebates(schedule, max(one, other)):
        assert pays_for_its_rebates(schedule, 0)
        return
    _, base_units, quote_units, price = fill
    maker = data.draw(st.sampled_from([pair[0] for pair in schedule.rates]))
    taker = data.draw(st.sampled_from([pair[1] for pair in schedule.rates]))
    if data.draw(st.booleans()):  # an auction
        maker, taker = (
            schedule.rate(data.draw(st.integers(0, 3)), in_auction=True, took=False) for _ in range(2)
        )
    of_maker = fee(schedule, maker, one, base_units, quote_units, price, buys)
    of_taker = fee(schedule, taker, other, base_units, quote_units, price, not buys)
    if schedule.paid_in == IN_RECEIVED:
        assert min(of_maker, of_taker) >= 0
    assert of_maker + of_taker >= 0


@settings(max_examples=200)
@given(
    schedules(),
    st.lists(st.one_of(st.just(1), st.integers(1, 500)), min_size=1, max_size=20),
    st.integers(1, EXTENT.price_max_ticks),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_the_worst_fee_is_no_less_than_what_an_order_then_pays(
    schedule: FeeSchedule, parts: list[int], price: int, buys: bool, seed: int
) -> None:
    """However it is filled: in parts, at prices up to the worst one, in changing tiers and groups, by either role."""
    random = Random(seed)
    rates = [rate for pair in schedule.rates for rate in pair]
    lots = sum(parts)
    base_units, quote_units = lots * EXTENT.lot_base_units, lots * price * EXTENT.lot_quote_units
    worst = worst_fee_units(schedule, lots, base_units, quote_units, price, buys)
    assert 0 <= worst <= worth(schedule, base_units, quote_units, buys)
    for spread in (0, price - 1):
        paid = 0
        for part in parts:
            at = price - random.randint(0, spread)
            rate = random.choice(rates) if spread else max(rates)
            base, quote = part * EXTENT.lot_base_units, part * at * EXTENT.lot_quote_units
            discount = random.choice((0, RATE_ONE // 3)) if spread else 0
            paid += max(0, fee(schedule, rate, discount, base, quote, at, buys))
        assert paid <= worst


@settings(max_examples=100)
@given(schedules(), st.integers(1, 40), st.integers(1, 1_000), st.booleans())
def test_the_worst_fee_is_near_what_one_lot_at_a_time_costs(
    schedule: FeeSchedule, lots: int, price: int, buys: bool
) -> None:
    """Within a remainder and a minimum for each lot of it, so a hold is not larger than it has to be."""
    base, quote = EXTENT.lot_base_units, price * EXTENT.lot_quote_units
    worst = worst_fee_units(schedule, lots, lots * base, lots * quote, price, buys)
    prices = range(1, price + 1) if schedule.basis == OF_BINARY else (price,)
    dearest = max(
        fee(schedule, schedule.highest_rate, 0, base, at * EXTENT.lot_quote_units, at, buys) for at in prices
    )
    share = Fraction(schedule.share_max, RATE_ONE) * converted(schedule, base, quote, buys)
    capped = schedule.maximum_units or dearest >= share - 1
    if not capped and schedule.highest_rate > 0:
        assert worst <= lots * (dearest + schedule.step_units + schedule.minimum_units)


@settings(max_examples=100)
@given(schedules(), fills(), fills(), discounts, st.booleans())
def test_two_fills_cost_what_one_of_both_does_but_for_remainders(
    schedule: FeeSchedule,
    one: tuple[int, int, int, int],
    other: tuple[int, int, int, int],
    discount: int,
    buys: bool,
) -> None:
    schedule.minimum_units = schedule.maximum_units = 0
    schedule.share_max = RATE_ONE
    price = one[3]
    first = one[1], one[0] * price * EXTENT.lot_quote_units
    second = other[1], other[0] * price * EXTENT.lot_quote_units
    both = first[0] + second[0], first[1] + second[1]
    for rate in schedule.rates[0]:
        fees = [fee(schedule, rate, discount, *amounts, price, buys) for amounts in (first, second, both)]
        most = [worth(schedule, *amounts, buys) for amounts in (first, second, both)]
        if any(abs(paid) >= worth for paid, worth in zip(fees, most, strict=True)):
            continue  # one of them is as much as there is
        apart, together = fees[0] + fees[1], fees[2]
        assert abs(apart - together) <= 2 * schedule.step_units
        if schedule.rounding == ROUND_UP:
            assert together <= apart
        if schedule.rounding == ROUND_DOWN and rate > 0:
            assert together >= apart


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10**12)), max_size=60), st.integers(0, 70))
def test_a_volume_is_that_of_all_fills_of_the_thirty_days_before(
    steps: list[tuple[int, int]], later: int
) -> None:
    day = 20_000
    volume, naive = Volume(day), NaiveVolumes()
    for days, traded in steps:
        day += days
        assert volume.at(day) == naive.at(day)
        volume.add(day, traded)
        naive.add(day, traded)
        volume.check()
        assert volume.before == naive.at(day)
        again = Volume(day)
        again.fill(volume.by_day())
        again.check()
        assert again.by_day() == volume.by_day()
    assert volume.at(day + later) == naive.at(day + later)


def test_a_day_is_from_midnight_to_midnight() -> None:
    assert [day_of(time) for time in (0, DAY_NS - 1, DAY_NS, 20_000 * DAY_NS)] == [0, 0, 1, 20_000]


def test_buckets_that_are_full_stay_within_what_the_wire_carries() -> None:
    volume = Volume(0)
    for day in range(40):
        volume.add(day, UNITS_END - 1)
        volume.add(day, UNITS_END - 1)
        volume.check()
    assert volume.before == 30 * BUCKET_MAX < UNITS_END
