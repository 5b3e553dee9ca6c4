"""What operators ask for, and what they are answered."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct

from web.schemas.orders import Symbol
from web.schemas.values import Nanoseconds

Phase = Literal[
    "continuous",
    "halted",
    "closed",
    "pre-open",
    "opening-auction",
    "volatility-auction",
    "closing-auction",
]
Why = Annotated[str, Meta(max_length=200, description="A remark for the log.")]


class NewPhase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phase of an instrument from now on.

    `duration_ms`: an auction or a halt ends by itself after it; 0, or not given: until another is said. `random_ms`: an
    auction ends up to so much later, by chance. `next_phase`: what follows then; not given: closed behind a closing
    auction, else continuous.
    """

    symbol: Symbol
    phase: Phase
    duration_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    random_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    next_phase: Phase | None = None
    why: Why = ""


class Operated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It was done, with this sequence of the log. `operator`: under whose name."""

    operator: str
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET


class InstrumentPhase(Struct, frozen=True, kw_only=True):
    """The phase of an instrument, as the engine has it."""

    symbol: str
    phase: Phase


class Phases(Struct, frozen=True, kw_only=True):
    """The phases of all instruments, by symbol."""

    phases: list[InstrumentPhase]
