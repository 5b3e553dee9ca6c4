"""The terms on which an instrument is traded: rates by tier, what they are of, in which asset, how they are rounded.

A rate is in billionths; a negative one is a rebate. What it is a share of, the basis, is the fill's notional, or its
quantity, or of contracts that pay out all or nothing the notional times the share of the payout that is missing to it.
`numerator` over `denominator` turns units of the basis into units of the asset that is paid.

The rules guarded here: no fee reaches 2^63, since none is more than the fill is worth; and no match costs the venue
anything, whatever tiers and groups the two accounts are in (MB-FEE-012).
"""

from typing import Final

from bus.protocol.terms import (
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    OF_BINARY,
    OF_NOTIONAL,
    OF_QUANTITY,
    RATE_ONE,
    ROUND_HALF_EVEN,
    ROUND_UP,
)
from bus.protocol.topics import ASSET
from matcher.ledger.money.balance import UNITS_END

#: A thousand units of the asset for each of the basis. Rates of a quantity are amounts of money: they may exceed one.
RATE_MAX: Final = 1_000 * RATE_ONE
#: Venues have up to some twenty.
TIERS_MAX: Final = 32

#: Maker and taker.
Rates = tuple[int, int]


class FeeSchedule:
    """The terms of one instrument.

    `rates` of the tiers, first tier first; the last pair holds for all tiers beyond. A charge is a multiple of
    `step_units`, then at least `minimum_units`; charge and rebate are then at most `maximum_units` (0: no maximum), and
    at most `share_max` billionths of what the fill is worth. `payout_ticks`: what one contract pays out, 0 when not of
    binary contracts. `volume_numerator` over `volume_denominator`: how much of a volume a quote unit is.
    """

    __slots__ = (
        "_auction_rates",
        "_maker_rates",
        "_taker_rates",
        "asset",
        "basis",
        "denominator",
        "highest_rate",
        "maximum_units",
        "minimum_units",
        "numerator",
        "paid_in",
        "payout_ticks",
        "rates",
        "rounding",
        "share_max",
        "step_units",
        "volume_denominator",
        "volume_numerator",
    )

    def __init__(
        self,
        rates: tuple[Rates, ...],
        basis: int = OF_NOTIONAL,
        paid_in: int = IN_QUOTE,
        asset: str = "",
        numerator: int = 1,
        denominator: int = 1,
        rounding: int = ROUND_UP,
        step_units: int = 1,
        minimum_units: int = 0,
        maximum_units: int = 0,
        share_max: int = RATE_ONE,
        payout_ticks: int = 0,
        volume_numerator: int = 1,
        volume_denominator: int = 1,
    ) -> None:
        self.rates = rates
        self._maker_rates = [maker for maker, _ in rates]
        self._taker_rates = [taker for _, taker in rates]
        self._auction_rates = [max(maker, taker) for maker, taker in rates]
        #: of all tiers, of makers and takers
        self.highest_rate = max([max(maker, taker) for maker, taker in rates], default=0)
        self.basis = basis
        self.paid_in = paid_in
        self.asset = asset
        self.numerator = numerator
        self.denominator = denominator
        self.rounding = rounding
        self.step_units = step_units
        self.minimum_units = minimum_units
        self.maximum_units = maximum_units
        self.share_max = share_max
        self.payout_ticks = payout_ticks
        self.volume_numerator = volume_numerator
        self.volume_denominator = volume_denominator

    def rate(self, tier: int, in_auction: bool, took: bool) -> int:
        """The rate of a tier, from 0. In an auction it is that of a taker, or of a maker where that is higher."""
        rates = self._auction_rates if in_auction else self._taker_rates if took else self._maker_rates
        return rates[tier] if tier < len(rates) else rates[len(rates) - 1]

    def is_paid_of_proceeds(self, buys: bool) -> bool:
        """Whether a fee is in the asset that the fill brings: it is no more than that, so nothing is held for it."""
        return (
            self.paid_in == IN_RECEIVED
            or (self.paid_in == IN_BASE and buys)
            or (self.paid_in == IN_QUOTE and not buys)
        )

    def asset_paid(self, base: str, quote: str, buys: bool) -> str:
        """The asset of a fee, for whoever buys, or sells."""
        if self.paid_in == IN_THIRD:
            return self.asset
        if self.paid_in == IN_BASE or (self.paid_in == IN_RECEIVED and buys):
            return base
        return quote


class Extent:
    """How large things get in an instrument: its assets, its highest price, and the amounts of its largest order.

    `lot_base_units`: how many units of the base asset a lot is; `lot_quote_units`: how many of the quote asset it costs
    at a price of one tick.
    """

    __slots__ = ("base", "lot_base_units", "lot_quote_units", "price_max_ticks", "quantity_max_lots", "quote")

    def __init__(
        self,
        base: str,
        quote: str,
        price_max_ticks: int,
        quantity_max_lots: int,
        lot_base_units: int,
        lot_quote_units: int,
    ) -> None:
        self.base = base
        self.quote = quote
        self.price_max_ticks = price_max_ticks
        self.quantity_max_lots = quantity_max_lots
        self.lot_base_units = lot_base_units
        self.lot_quote_units = lot_quote_units


def is_valid(schedule: FeeSchedule, extent: Extent) -> bool:
    """Whether an instrument may be traded on these terms."""
    base_units = extent.quantity_max_lots * extent.lot_base_units
    quote_units = extent.quantity_max_lots * extent.lot_quote_units * extent.price_max_ticks
    basis_units = base_units if schedule.basis == OF_QUANTITY else quote_units
    return (
        is_well_formed(schedule)
        and schedule.asset not in (extent.base, extent.quote)
        and (schedule.basis != OF_BINARY or extent.price_max_ticks <= schedule.payout_ticks)
        and max(base_units, quote_units) < UNITS_END
        and basis_units * schedule.numerator < UNITS_END * schedule.denominator
    )


def is_well_formed(schedule: FeeSchedule) -> bool:
    """Whether there can be such terms, of whatever instrument."""
    return (
        1 <= len(schedule.rates) <= TIERS_MAX
        and all(_is_rate(maker) and _is_rate(taker) for maker, taker in schedule.rates)
        and ROUND_UP <= schedule.rounding <= ROUND_HALF_EVEN
        and 1 <= schedule.step_units < UNITS_END
        and 0 <= schedule.minimum_units < UNITS_END
        and 0 <= schedule.maximum_units < UNITS_END
        and (schedule.maximum_units == 0 or schedule.minimum_units <= schedule.maximum_units)
        and 1 <= schedule.share_max <= RATE_ONE
        and _is_ratio(schedule.numerator, schedule.denominator)
        and _is_ratio(schedule.volume_numerator, schedule.volume_denominator)
        and _has_a_way_to_pay(schedule)
        and 0 <= schedule.payout_ticks < UNITS_END
        and (schedule.basis == OF_BINARY) == (schedule.payout_ticks != 0)
    )


def pays_for_its_rebates(schedule: FeeSchedule, discount_max: int) -> bool:
    """Whether what one side of a match gets is never more than what the other one pays. O(tiers)."""
    makers = min(_least(maker, discount_max) for maker, _ in schedule.rates)
    takers = min(_least(taker, discount_max) for _, taker in schedule.rates)
    if schedule.paid_in == IN_RECEIVED and (makers < 0 or takers < 0):
        return False  # one side pays in another asset than the other one is to get
    return makers + takers >= 0


def _least(rate: int, discount_max: int) -> int:
    """The rate after the largest discount, times RATE_ONE."""
    return rate * (RATE_ONE - discount_max) if rate > 0 else rate * RATE_ONE


def _is_rate(rate: int) -> bool:
    return -RATE_MAX <= rate <= RATE_MAX


def _is_ratio(numerator: int, denominator: int) -> bool:
    return 1 <= numerator < UNITS_END and 1 <= denominator < UNITS_END


def _has_a_way_to_pay(schedule: FeeSchedule) -> bool:
    """Whether basis and asset fit together. Within one asset nothing is converted."""
    basis, paid_in = schedule.basis, schedule.paid_in
    if paid_in == IN_THIRD:
        return OF_NOTIONAL <= basis <= OF_BINARY and ASSET.fullmatch(schedule.asset) is not None
    if schedule.asset:
        return False
    if basis == OF_QUANTITY and paid_in == IN_QUOTE:
        return True
    same = schedule.numerator == schedule.denominator == 1
    if basis == OF_NOTIONAL:
        return same and paid_in in (IN_QUOTE, IN_RECEIVED)
    return same and (basis, paid_in) in ((OF_QUANTITY, IN_BASE), (OF_BINARY, IN_QUOTE))
