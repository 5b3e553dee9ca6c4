"""What a symbol is, as the engine announced it last. No I/O. Called by `market`."""

from typing import Final

from bus.protocol.control import InstrumentState
from bus.protocol.feed import InstrumentDefined
from bus.protocol.market.streams import Symbol
from bus.protocol.terms import CONTINUOUS

#: Until instruments have schedules and more than one kind.
ALWAYS: Final = "always"
SPOT: Final = "spot"


class SymbolState:
    """The definition and the phase; `known` is false before the first word of the engine about it."""

    __slots__ = ("_definition", "phase", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.phase = CONTINUOUS
        self._definition: InstrumentDefined | None = None

    @property
    def known(self) -> bool:
        """Whether the definition has come."""
        return self._definition is not None

    @property
    def definition(self) -> InstrumentDefined:
        """As it was announced last. Only when `known`."""
        assert self._definition is not None, "nothing is told before the engine has said what it is"
        return self._definition

    def take_state(self, state: InstrumentState) -> None:
        """What the engine answered about it: it holds as well as an announcement, and is no older."""
        d = state.definition
        self._definition = InstrumentDefined(
            0, d.symbol, d.base, d.quote, d.tick_mantissa, d.tick_decimals, d.lot_mantissa, d.lot_decimals,
            d.price_min_ticks, d.price_max_ticks, d.quantity_min_lots, d.quantity_max_lots, d.matching,
            d.pro_rata_minimum_lots,
        )  # fmt: skip
        self.phase = state.phase

    def define(self, event: InstrumentDefined) -> None:
        """It was defined, or has new limits."""
        self._definition = event

    def set_phase(self, phase: int) -> None:
        """Another phase began."""
        self.phase = phase

    def told(self) -> Symbol:
        """What is told of it. Only when `known`."""
        d = self.definition
        return Symbol(
            self.symbol, d.base, d.quote, d.tick_mantissa, d.tick_decimals, d.lot_mantissa, d.lot_decimals,
            d.price_min_ticks, d.price_max_ticks, d.quantity_min_lots, d.quantity_max_lots, d.matching,
            self.phase, ALWAYS, SPOT,
        )  # fmt: skip
