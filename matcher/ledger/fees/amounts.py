"""The fee of a fill, and the worst that an order may come to pay. All in whole units; each step is exact but the last.

    basis x rate x (1 - discount) x conversion  ->  rounded to a step  ->  at least the minimum
        ->  at most the maximum  ->  at most a share of what the fill is worth

There is one division for the fee and one for the share, and nothing is rounded twice. Positive is paid by the account,
negative is paid to it. A discount is of what is paid; rebates are what they are.
"""

from bus.protocol.terms import (
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    OF_BINARY,
    OF_QUANTITY,
    RATE_ONE,
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
)
from matcher.ledger.fees.schedule import FeeSchedule


def fee_units(
    schedule: FeeSchedule,
    rate: int,
    kept: int,
    kept_of: int,
    base_units: int,
    quote_units: int,
    price_ticks: int,
    buys: bool,
) -> int:
    """What one side of a fill of these amounts pays; below 0 what it gets. `kept` of `kept_of` is behind its discount.

    Amounts of most fills, times these, fit a machine word when the two have no common divisor.
    """
    if rate == 0 or (rate > 0 and kept == 0):
        return 0
    above = _basis_units(schedule, base_units, quote_units, buys) * schedule.numerator
    under = schedule.denominator * RATE_ONE
    if schedule.basis == OF_BINARY:
        above *= schedule.payout_ticks - price_ticks
        under *= schedule.payout_ticks
    most = _most_units(schedule, base_units, quote_units, buys, 1)
    if rate < 0:
        return -min(_rebate(schedule, -rate * above, under), most)
    above *= rate
    if kept != kept_of:
        above *= kept
        under *= kept_of
    if above == 0:
        return 0
    return min(max(_charge(schedule, above, under), schedule.minimum_units), most)


def worst_fee_units(
    schedule: FeeSchedule, lots: int, base_units: int, quote_units: int, price_ticks: int, buys: bool
) -> int:
    """The most that an order can come to pay, in any tier and without a discount, in however many fills.

    `quote_units`: what all of it costs at `price_ticks`, the highest price at which it may trade: for a purchase its
    limit, for a sale the highest price that there is. It is an upper bound: each lot may be a fill of its own, with a
    remainder and a minimum of its own.
    """
    rate = schedule.highest_rate
    if rate <= 0:
        return 0
    above = _basis_units(schedule, base_units, quote_units, buys) * schedule.numerator * rate
    under = schedule.denominator * RATE_ONE
    if schedule.basis == OF_BINARY:
        # price x (payout - price) is highest at half of the payout, which may be better than the limit
        at = min(price_ticks, schedule.payout_ticks // 2)
        above *= at * (schedule.payout_ticks - at)
        under *= price_ticks * schedule.payout_ticks
    most = _most_units(schedule, base_units, quote_units, buys, lots)
    if lots == 1:
        return min(max(_charge(schedule, above, under), schedule.minimum_units), most)
    if schedule.rounding == ROUND_UP:
        halves = 2 * schedule.step_units
    elif schedule.rounding == ROUND_DOWN:
        halves = 0
    else:
        halves = schedule.step_units
    halves = lots * max(halves, 2 * schedule.minimum_units)
    return min((2 * above + halves * under) // (2 * under), most)


def _basis_units(schedule: FeeSchedule, base_units: int, quote_units: int, buys: bool) -> int:
    if schedule.basis == OF_QUANTITY or (schedule.paid_in == IN_RECEIVED and buys):
        return base_units
    return quote_units


def _most_units(schedule: FeeSchedule, base_units: int, quote_units: int, buys: bool, fills: int) -> int:
    """The share of its worth, and the maximums, that so many fills may cost."""
    paid_in = schedule.paid_in
    if paid_in == IN_QUOTE or (paid_in == IN_RECEIVED and not buys):
        worth = quote_units
    elif paid_in in (IN_BASE, IN_RECEIVED):
        worth = base_units
    else:
        basis = base_units if schedule.basis == OF_QUANTITY else quote_units
        worth = basis * schedule.numerator // schedule.denominator
    most = worth if schedule.share_max == RATE_ONE else worth * schedule.share_max // RATE_ONE
    if schedule.maximum_units:
        most = min(most, schedule.maximum_units * fills)
    return most


def _charge(schedule: FeeSchedule, above: int, under: int) -> int:
    """`above` over `under`, rounded to a multiple of the step."""
    step = schedule.step_units
    under *= step
    rounding = schedule.rounding
    if rounding == ROUND_UP:
        return (above + under - 1) // under * step
    steps = above // under
    if rounding == ROUND_DOWN:
        return steps * step
    twice = 2 * (above - steps * under)
    up = steps % 2 == 1 if rounding == ROUND_HALF_EVEN and twice == under else twice >= under
    return (steps + 1 if up else steps) * step


def _rebate(schedule: FeeSchedule, above: int, under: int) -> int:
    """The same for what is paid out: the venue keeps the remainder, but for one that is nearer to the next step."""
    step = schedule.step_units
    under *= step
    steps = above // under
    twice = 2 * (above - steps * under)
    rounding = schedule.rounding
    if rounding in (ROUND_UP, ROUND_DOWN):
        up = False
    elif rounding == ROUND_HALF_EVEN and twice == under:
        up = steps % 2 == 1
    else:
        up = twice > under
    return (steps + 1 if up else steps) * step
