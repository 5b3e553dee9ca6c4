"""What a symbol is and what its market does, as the engine said it last. No I/O. Called by `market`.

The rule guarded here: events, answers about instruments and snapshots of books come by different ways, and the word
that stands latest in the log holds, in whatever order they come.
"""

from typing import Final

from bus.protocol.control import NO_AUCTION, InstrumentState, PhaseState, Protection
from bus.protocol.feed import AuctionEnded, InstrumentDefined, PhaseChanged, ProtectionSet, ScheduleSet
from bus.protocol.market.streams import Symbol
from bus.protocol.terms import CONTINUOUS

#: What is said of trading hours: without a schedule, and with one. It is asked of the engine (QuerySchedule).
ALWAYS: Final = "always"
SCHEDULED: Final = "scheduled"
#: Until there is more than one kind of instruments.
SPOT: Final = "spot"

#: (epoch, log sequence): a place in the log.
Place = tuple[int, int]
_NOWHERE: Final = (0, 0)


class SymbolState:
    """The definition and the phase; `known` is false before the first word of the engine about it.

    `phase_ends_ns`, `auction_ticks` and `auction_lots` as in PhaseState; `protection`: the bands, None without any;
    `scheduled`: it has trading hours.
    """

    __slots__ = (
        "_definition",
        "_place",
        "auction_lots",
        "auction_ticks",
        "phase",
        "phase_ends_ns",
        "protection",
        "scheduled",
        "symbol",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.phase = CONTINUOUS
        self._definition: InstrumentDefined | None = None
        self._place: Place = _NOWHERE
        self.protection: Protection | None = None
        self.scheduled = False
        self._take_phase_state(NO_AUCTION)

    @property
    def known(self) -> bool:
        """Whether the definition has come."""
        return self._definition is not None

    @property
    def definition(self) -> InstrumentDefined:
        """As it was announced last. Only when `known`."""
        assert self._definition is not None, "nothing is told before the engine has said what it is"
        return self._definition

    def take_state(self, state: InstrumentState, place: Place) -> None:
        """What the engine answered about it, as of a place in the log."""
        if place < self._place:
            return
        d = state.definition
        self._definition = InstrumentDefined(
            0, d.symbol, d.base, d.quote, d.tick_mantissa, d.tick_decimals, d.lot_mantissa, d.lot_decimals,
            d.price_min_ticks, d.price_max_ticks, d.quantity_min_lots, d.quantity_max_lots, d.matching,
            d.pro_rata_minimum_lots,
        )  # fmt: skip
        self.protection = state.protection
        self.scheduled = state.schedule != 0
        self.take_phase(state.phase, state.phase_state, place)

    def take_phase(self, phase: int, state: PhaseState, place: Place) -> None:
        """The phase and what is known of it, as a snapshot or an answer has it."""
        if place < self._place:
            return
        self._place = place
        self.phase = phase
        self._take_phase_state(state)

    def take_event(self, event: object, epoch: int) -> None:
        """An event of the symbol's status topic; what is older than what is known changes nothing."""
        if not isinstance(
            event, InstrumentDefined | PhaseChanged | AuctionEnded | ProtectionSet | ScheduleSet
        ):
            return
        place = (epoch, event.sequence)
        if place < self._place:
            return
        self._place = place
        if isinstance(event, InstrumentDefined):
            self._definition = event
        elif isinstance(event, PhaseChanged):
            self.phase = event.phase
            self.phase_ends_ns = event.ends_ns
        elif isinstance(event, ProtectionSet):
            self.protection = _bands_of(event)
        elif isinstance(event, ScheduleSet):
            self.scheduled = bool(event.days)
        elif event.quantity_lots:
            self.auction_ticks = event.price_ticks
            self.auction_lots = event.quantity_lots

    def restore(self, definition: InstrumentDefined, phase: int) -> None:
        """What the store has of it: whatever the engine says is newer."""
        self._definition = definition
        self.phase = phase

    def told(self) -> Symbol:
        """What is told of it. Only when `known`."""
        d = self.definition
        return Symbol(
            self.symbol, d.base, d.quote, d.tick_mantissa, d.tick_decimals, d.lot_mantissa, d.lot_decimals,
            d.price_min_ticks, d.price_max_ticks, d.quantity_min_lots, d.quantity_max_lots, d.matching,
            self.phase, SCHEDULED if self.scheduled else ALWAYS, SPOT,
            self.phase_ends_ns, self.auction_ticks, self.auction_lots, self.protection,
        )  # fmt: skip

    def _take_phase_state(self, state: PhaseState) -> None:
        self.phase_ends_ns = state.ends_ns
        self.auction_ticks = state.auction_ticks
        self.auction_lots = state.auction_lots


def _bands_of(event: ProtectionSet) -> Protection | None:
    """What was announced; None when nothing protects the instrument from now on."""
    if not (event.static_basis_points or event.dynamic_basis_points or event.rebalance):
        return None
    return Protection(
        event.reference_ticks, event.static_basis_points, event.static_low_ticks, event.static_high_ticks,
        event.dynamic_basis_points, event.auction_ms, event.random_ms, event.rebalance,
    )  # fmt: skip
