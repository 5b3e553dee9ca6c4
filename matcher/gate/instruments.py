"""The fields of an instrument's definition: whether they keep all rules of DefineInstrument."""

from typing import Final

from bus.protocol.commands import DefineInstrument
from bus.protocol.terms import PRO_RATA
from bus.protocol.topics import ASSET, SYMBOL

#: 18 decimals are what the finest assets in use have.
DECIMALS_MAX: Final = 18
#: 10,995 BTC in units of 1e-8. What a level shows is a sum over its orders, and the wire carries 64 bits: it would take
#: sixteen million orders of this size at one price to leave them.
QUANTITY_LIMIT_LOTS: Final = 2**40
#: No notional reaches this (I8).
NOTIONAL_LIMIT: Final = 2**63


def is_valid(definition: DefineInstrument) -> bool:
    """Whether an instrument may be defined so."""
    return (
        SYMBOL.fullmatch(definition.symbol) is not None
        and ASSET.fullmatch(definition.base) is not None
        and ASSET.fullmatch(definition.quote) is not None
        and definition.base != definition.quote
        and definition.tick_mantissa >= 1
        and definition.lot_mantissa >= 1
        and 0 <= definition.tick_decimals <= DECIMALS_MAX
        and 0 <= definition.lot_decimals <= DECIMALS_MAX
        and 1 <= definition.price_min_ticks <= definition.price_max_ticks
        and 1 <= definition.quantity_min_lots <= definition.quantity_max_lots <= QUANTITY_LIMIT_LOTS
        and largest_notional(definition) < NOTIONAL_LIMIT
        and 0 <= definition.matching <= PRO_RATA
        and 0 <= definition.pro_rata_minimum_lots <= QUANTITY_LIMIT_LOTS
        and (definition.matching == PRO_RATA or not definition.pro_rata_minimum_lots)
    )


def largest_notional(definition: DefineInstrument) -> int:
    """The largest price times the largest quantity, in quote units of `10**-(tick_decimals + lot_decimals)`."""
    ticks = definition.price_max_ticks * definition.tick_mantissa
    lots = definition.quantity_max_lots * definition.lot_mantissa
    return ticks * lots


def same_product(one: DefineInstrument, other: DefineInstrument) -> bool:
    """Whether two definitions differ in limits only: assets, tick, lot and matching of an instrument never change."""
    return (
        one.base == other.base
        and one.quote == other.quote
        and one.tick_mantissa == other.tick_mantissa
        and one.tick_decimals == other.tick_decimals
        and one.lot_mantissa == other.lot_mantissa
        and one.lot_decimals == other.lot_decimals
        and (one.matching == PRO_RATA) == (other.matching == PRO_RATA)
    )
