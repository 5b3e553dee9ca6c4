"""Spot: one asset is bought with another, and both change hands at once.

    an order that sells   holds all it has left, in the base asset
    one that buys         holds all it has left at the highest price that it may come to pay, in the quote asset
    both                  hold their worst fee as well: in that asset, in a third one, or not at all, where it is paid
                          of what the fill brings
    a fill                moves quantity to the buyer, price x quantity to the seller, and fees to the venue

What a product is asked: `product_reason` and `product_of` when it is defined, `price_to_hold` and `units_to_hold` of an
order, `fee_to_hold` of one that pays in a third asset, `base_units` and `quote_units` of a fill.
"""

from mypy_extensions import mypyc_attr

from bus.protocol.commands import DefineInstrument
from bus.protocol.reasons import ASSETS_DO_NOT_DIVIDE, UNKNOWN_ASSET
from bus.protocol.terms import BUY, PEGGED, SELL
from matcher.book.level import Order
from matcher.ledger.fees.charging import Charging
from matcher.ledger.money.balance import UNITS_END


@mypyc_attr(acyclic=True)
class Spot:
    """`lot_units`: a lot in units of the base asset; `tick_units`: a tick times a lot in those of the quote asset.

    `fees`: what it charges; None for nothing.
    """

    __slots__ = ("base", "fees", "lot_units", "quote", "tick_units")

    def __init__(self, base: str, quote: str, lot_units: int, tick_units: int) -> None:
        self.base = base
        self.quote = quote
        self.lot_units = lot_units
        self.tick_units = tick_units
        self.fees: Charging | None = None

    def that_charges(self, fees: Charging | None) -> "Spot":
        """The same with other fees. Orders are to hold anew."""
        product = Spot(self.base, self.quote, self.lot_units, self.tick_units)
        product.fees = fees
        return product

    def asset_to_hold(self, side: int) -> str:
        """In which asset an order of this side is backed."""
        return self.quote if side == BUY else self.base

    def units_to_hold(self, side: int, price_ticks: int, lots: int) -> int:
        """What an order that has so much left holds, in that asset."""
        fees = self.fees
        if side == BUY:
            units = price_ticks * lots * self.tick_units
            if fees is not None and fees.holds_buying and lots:
                units += fees.worst_units(BUY, price_ticks, lots, lots * self.lot_units, units)
            return units
        units = lots * self.lot_units
        if fees is not None and fees.holds_selling and lots:
            units += fees.worst_units(SELL, price_ticks, lots, units, 0)
        return units

    def fee_to_hold(self, side: int, price_ticks: int, lots: int) -> int:
        """What it holds in the third asset beside that, where its fee is paid in one."""
        fees = self.fees
        if fees is None or not fees.third or not lots:
            return 0
        highest = price_ticks if side == BUY else fees.price_high_ticks
        return fees.worst_units(
            side, price_ticks, lots, lots * self.lot_units, highest * lots * self.tick_units
        )

    def base_units(self, lots: int) -> int:
        """What a fill moves to the buyer."""
        return lots * self.lot_units

    def quote_units(self, price_ticks: int, lots: int) -> int:
        """What it moves to the seller."""
        return price_ticks * lots * self.tick_units


def price_to_hold(order: Order) -> int:
    """The highest price that an order to buy may come to pay; 0 when it has no limit."""
    if order.order_type == PEGGED:
        instructions = order.instructions
        assert instructions is not None, "a pegged order has instructions"
        return instructions.limit_ticks
    return order.price_ticks


def product_reason(definition: DefineInstrument, assets: dict[str, int]) -> int:
    """Why an instrument can not be cleared so; 0 when it can. `assets`: decimals by name."""
    if definition.base not in assets or definition.quote not in assets:
        return UNKNOWN_ASSET
    lot_units = _units(definition.lot_mantissa, definition.lot_decimals, assets[definition.base])
    tick_units = _units(
        definition.tick_mantissa * definition.lot_mantissa,
        definition.tick_decimals + definition.lot_decimals,
        assets[definition.quote],
    )
    largest = definition.quantity_max_lots * max(lot_units, definition.price_max_ticks * tick_units)
    return 0 if lot_units and tick_units and largest < UNITS_END else ASSETS_DO_NOT_DIVIDE


def product_of(definition: DefineInstrument, assets: dict[str, int]) -> Spot:
    """An instrument that can be cleared."""
    return Spot(
        definition.base,
        definition.quote,
        _units(definition.lot_mantissa, definition.lot_decimals, assets[definition.base]),
        _units(
            definition.tick_mantissa * definition.lot_mantissa,
            definition.tick_decimals + definition.lot_decimals,
            assets[definition.quote],
        ),
    )


def _units(mantissa: int, decimals: int, asset_decimals: int) -> int:
    """`mantissa * 10**-decimals` in units of `10**-asset_decimals`; 0 when that is not whole."""
    if asset_decimals >= decimals:
        return mantissa * int(10 ** (asset_decimals - decimals))
    whole, rest = divmod(mantissa, int(10 ** (decimals - asset_decimals)))
    return 0 if rest else whole
