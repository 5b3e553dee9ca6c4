"""Fees as one would write them down: in fractions, one sentence a step. The oracle of `matcher.ledger.fees`."""

from fractions import Fraction
from math import ceil, floor

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


def naive_fee(
    schedule: FeeSchedule,
    rate: int,
    discount: int,
    base_units: int,
    quote_units: int,
    price_ticks: int,
    buys: bool,
) -> int:
    """What one side of a fill pays."""
    share = Fraction(rate, RATE_ONE)
    if share > 0:
        share *= 1 - Fraction(discount, RATE_ONE)
    exact = share * converted(schedule, base_units, quote_units, buys)
    if schedule.basis == OF_BINARY:
        exact *= 1 - Fraction(price_ticks, schedule.payout_ticks)
    if exact == 0:
        return 0
    fee = rounded(schedule, exact)
    if exact > 0:
        fee = max(fee, schedule.minimum_units)
    most = floor(Fraction(schedule.share_max, RATE_ONE) * worth(schedule, base_units, quote_units, buys))
    if schedule.maximum_units:
        most = min(most, schedule.maximum_units)
    return max(-most, min(most, fee))


def naive_worst_fee(
    schedule: FeeSchedule, lots: int, base_units: int, quote_units: int, price_ticks: int, buys: bool
) -> int:
    """What an order may come to pay: at the highest rate there is, each lot a fill of its own."""
    rate = max(rate for pair in schedule.rates for rate in pair)
    if rate <= 0 or not lots:
        return 0
    exact = Fraction(rate, RATE_ONE) * converted(schedule, base_units, quote_units, buys)
    if schedule.basis == OF_BINARY:
        # quantity x p x (1 - p / payout): dearest in the middle, which a better price than the limit may be
        at = min(price_ticks, schedule.payout_ticks // 2)
        exact *= Fraction(at, price_ticks) * (1 - Fraction(at, schedule.payout_ticks))
    most = floor(Fraction(schedule.share_max, RATE_ONE) * worth(schedule, base_units, quote_units, buys))
    if schedule.maximum_units:
        most = min(most, lots * schedule.maximum_units)
    if lots == 1:
        return min(max(rounded(schedule, exact), schedule.minimum_units), most)
    remainder = {ROUND_UP: Fraction(1), ROUND_DOWN: Fraction(0)}.get(schedule.rounding, Fraction(1, 2))
    of_each = max(remainder * schedule.step_units, Fraction(schedule.minimum_units))
    return min(floor(exact + lots * of_each), most)


def converted(schedule: FeeSchedule, base_units: int, quote_units: int, buys: bool) -> Fraction:
    """The basis in units of what is paid."""
    by_quantity = schedule.basis == OF_QUANTITY or (schedule.paid_in == IN_RECEIVED and buys)
    basis = base_units if by_quantity else quote_units
    return basis * Fraction(schedule.numerator, schedule.denominator)


def worth(schedule: FeeSchedule, base_units: int, quote_units: int, buys: bool) -> int:
    """What the fill is worth in whole units of what is paid."""
    if schedule.paid_in == IN_QUOTE:
        return quote_units
    if schedule.paid_in == IN_BASE:
        return base_units
    if schedule.paid_in == IN_RECEIVED:
        return base_units if buys else quote_units
    return floor(converted(schedule, base_units, quote_units, buys))


def rounded(schedule: FeeSchedule, exact: Fraction) -> int:
    """A signed amount as a multiple of the step."""
    steps = exact / schedule.step_units
    if schedule.rounding == ROUND_UP:
        whole = ceil(steps)
    elif schedule.rounding == ROUND_DOWN:
        whole = floor(steps) if steps > 0 else ceil(steps)
    elif schedule.rounding == ROUND_HALF_EVEN:
        whole = round(steps)
    else:
        whole = floor(steps + Fraction(1, 2))
    return whole * schedule.step_units


class NaiveVolumes:
    """What was traded on all days that there ever were."""

    def __init__(self) -> None:
        self.days: dict[int, int] = {}

    def add(self, day: int, volume: int) -> None:
        """So much was traded on this day."""
        self.days[day] = self.days.get(day, 0) + volume

    def at(self, day: int) -> int:
        """Of the thirty whole days before."""
        return sum(volume for then, volume in self.days.items() if day - 30 <= then < day)
