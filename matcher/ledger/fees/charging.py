"""What an instrument charges: its schedule, what its orders hold for that, and where it goes. Spot products have it.

The tier of an account is the number of thresholds that its volume of the thirty days before has reached; its group, if
it has one, gives a discount on what it pays. An instrument without a schedule costs nothing, and counts for no volume.
"""

from collections.abc import Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from bus.protocol.terms import BUY, IN_BASE, IN_QUOTE, IN_THIRD, OF_NOTIONAL, OF_QUANTITY, RATE_ONE, ROUND_UP
from matcher.ledger.account import Account
from matcher.ledger.fees.amounts import fee_units, worst_fee_units
from matcher.ledger.fees.schedule import TIERS_MAX, FeeSchedule
from matcher.ledger.fees.volume import Volume
from matcher.ledger.money.balance import UNITS_END, Balance

#: Nobody took: the role of both sides in an auction.
NO_SIDE: Final = 0


@mypyc_attr(acyclic=True)
class Charging:
    """The fees of one instrument.

    `of_buyers` and `of_sellers`: what the venue has of the assets in which they pay. `price_high_ticks`: no fill has a
    higher price. `third`: the asset that is held beside what backs an order; "" where there is none.
    """

    __slots__ = (
        "buyers_asset",
        "grows_with_price",
        "holds_buying",
        "holds_selling",
        "is_plain",
        "of_buyers",
        "of_sellers",
        "plain_lot",
        "plain_rate",
        "price_high_ticks",
        "schedule",
        "sellers_asset",
        "third",
    )

    def __init__(
        self,
        schedule: FeeSchedule,
        buyers_asset: str,
        sellers_asset: str,
        price_high_ticks: int,
        of_buyers: Balance,
        of_sellers: Balance,
    ) -> None:
        self.schedule = schedule
        self.buyers_asset = buyers_asset
        self.sellers_asset = sellers_asset
        self.price_high_ticks = price_high_ticks
        self.of_buyers = of_buyers
        self.of_sellers = of_sellers
        self.holds_buying: bool = schedule.paid_in == IN_QUOTE
        self.holds_selling: bool = schedule.paid_in == IN_BASE
        self.third = schedule.asset if schedule.paid_in == IN_THIRD else ""
        #: of a share of the notional without bounds, as most are: the worst fee is so many billionths of it, and so
        #: many for each lot
        self.is_plain: bool = (
            schedule.basis == OF_NOTIONAL
            and schedule.paid_in == IN_QUOTE
            and schedule.rounding == ROUND_UP
            and schedule.minimum_units == 0
            and schedule.maximum_units == 0
            and schedule.share_max == RATE_ONE
            and schedule.highest_rate > 0
        )
        self.plain_rate = schedule.highest_rate
        self.plain_lot = schedule.step_units * RATE_ONE
        #: whether who sells holds the more the higher a price may be
        self.grows_with_price: bool = schedule.paid_in == IN_THIRD and schedule.basis != OF_QUANTITY

    def up_to(self, price_ticks: int) -> "Charging":
        """The same, where prices may be as high as this."""
        return Charging(
            self.schedule,
            self.buyers_asset,
            self.sellers_asset,
            price_ticks,
            self.of_buyers,
            self.of_sellers,
        )

    def worst_units(self, side: int, price_ticks: int, lots: int, base_units: int, quote_units: int) -> int:
        """The most that an order may come to pay that has so much left; `quote_units` at its price, of a purchase."""
        if side == BUY:
            if self.is_plain and lots != 1:
                worst = (quote_units * self.plain_rate + lots * self.plain_lot) // RATE_ONE
                return worst if worst < quote_units else quote_units
            return worst_fee_units(self.schedule, lots, base_units, quote_units, price_ticks, True)
        return worst_fee_units(self.schedule, lots, base_units, quote_units, self.price_high_ticks, False)

    def charge(
        self,
        account: Account,
        thresholds: tuple[int, ...],
        day: int,
        side: int,
        taker: int,
        base_units: int,
        quote_units: int,
        price_ticks: int,
    ) -> int:
        """One side of a fill pays its fee to the venue, and the fill counts for its later tiers; what it paid.

        `taker`: the side that took, NO_SIDE in an auction.
        """
        schedule = self.schedule
        volume = account.volume
        if volume is None:
            account.volume = volume = Volume(day)
        elif volume.day != day:
            volume.roll(day)
            volume.tier = tier_of(thresholds, volume.before)
        rate = schedule.rate(volume.tier, taker == NO_SIDE, taker == side)
        group = account.group
        kept, kept_of = (1, 1) if group is None else (group.kept, group.kept_of)
        buys = side == BUY
        fee = fee_units(schedule, rate, kept, kept_of, base_units, quote_units, price_ticks, buys)
        if schedule.volume_numerator == schedule.volume_denominator:
            volume.add(day, quote_units)
        else:
            volume.add(day, quote_units * schedule.volume_numerator // schedule.volume_denominator)
        if fee:
            asset, pot = (
                (self.buyers_asset, self.of_buyers) if buys else (self.sellers_asset, self.of_sellers)
            )
            balance = account.balances.get(asset)
            if balance is None:  # a rebate in an asset that it never had
                balance = account.balances[asset] = Balance(0)
            balance.total -= fee
            pot.total += fee
        return fee


def tier_of(thresholds: tuple[int, ...], traded: int) -> int:
    """The tier of a volume, from 0. O(tiers)."""
    tier = 0
    for threshold in thresholds:
        if traded < threshold:
            break
        tier += 1
    return tier


def may_be_tiers(thresholds: Sequence[int]) -> bool:
    """Whether volumes may be divided so."""
    before = 0
    for threshold in thresholds:
        if not before < threshold < UNITS_END:
            return False
        before = threshold
    return len(thresholds) < TIERS_MAX
