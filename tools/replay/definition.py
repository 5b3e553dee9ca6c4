"""The instrument that a replay defines when the engine has none of that symbol."""

from typing import Final

from bus.errors import BadFlow
from bus.protocol.commands import DefineInstrument
from matcher.gate.instruments import NOTIONAL_LIMIT, QUANTITY_LIMIT_LOTS

#: In units of the tick's mantissa: a million, at a tick of a cent.
_PRICE_MAX: Final = 10**8


def definition_for(symbol: str, tick: tuple[int, int], lot: tuple[int, int]) -> DefineInstrument:
    """`BASE-QUOTE` with this tick and lot, each `(mantissa, decimals)`, and limits as wide as they can usefully be.

    `BadFlow` when the symbol does not name its two assets.
    """
    base, _, quote = symbol.partition("-")
    if not base or not quote:
        raise BadFlow(
            f"{symbol}: the engine has no such instrument, and a replay can only define one named BASE-QUOTE"
        )
    price_max_ticks = max(_PRICE_MAX // tick[0], 1)
    quantity_max_lots = min((NOTIONAL_LIMIT - 1) // (price_max_ticks * tick[0] * lot[0]), QUANTITY_LIMIT_LOTS)
    return DefineInstrument(symbol, base, quote, *tick, *lot, 1, price_max_ticks, 1, quantity_max_lots)
