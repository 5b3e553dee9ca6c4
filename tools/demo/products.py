"""What the demo trades, unless the exchange has defined it otherwise already."""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import DefineInstrument
from bus.sockets.session.orders import define_instrument


class Product(Struct, frozen=True):
    """An instrument with what it is worth at first, and how much of it people trade at a time."""

    definition: DefineInstrument
    worth: float  # a unit of the base asset, in the quote asset
    size: float  # a usual order, in the base asset


def _product(symbol: str, tick: str, lot: str, worth: float, size: float, price_max: str) -> Product:
    base, _, quote = symbol.partition("-")
    definition = define_instrument(symbol, base, quote, tick, lot, tick, price_max, lot, str(10**6))
    return Product(definition, worth, size)


#: The cross comes last: its worth is that of the two before it.
PRODUCTS: Final = (
    _product("BTC-USD", "0.1", "0.0001", 64_000.0, 0.15, "1000000"),
    _product("ETH-USD", "0.01", "0.001", 3_100.0, 2.5, "100000"),
    _product("SOL-USD", "0.01", "0.01", 145.0, 40.0, "10000"),
    _product("XRP-USD", "0.00001", "1", 0.52, 9_000.0, "1000"),
    _product("ETH-BTC", "0.000001", "0.01", 3_100.0 / 64_000.0, 1.5, "10"),
)
CROSS: Final = ("ETH-BTC", "ETH-USD", "BTC-USD")
