"""What an exchange trades at the moment: phases, what auctions would do, price bands. A line for each instrument.

    3 instruments: 1 continuous, 1 volatility-auction, 1 halted
    BTC-USD  volatility-auction  until 10:05:00
                                 would trade: 1.5000 at 30000.00, buyers want 0.2500 more
                                 from 28500.00 to 31500.00 · within 100 bp of the last trade
    ETH-USD  halted              until 10:05:00
    SOL-USD  continuous

Those come first of which an operator wants to know: who does not trade continuously, then who has bands. Of all others
beyond the bound only the phases are told, and counted.

Pure: the engine's answer in, something that rich can draw out; or plain values for `--json`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.text import Text

from bus.protocol.control import InstrumentState
from bus.protocol.terms import AUCTIONS, CLOSED, CONTINUOUS, HALTED, PHASES
from bus.sockets.session.prices import Scale
from tools.decoded import named
from tools.phases import auction_words, band_words, end_words, phase_style, phase_text
from tools.showing import counted
from tools.status.flowing import GAP, flow

#: As many as still leave the processes on the screen.
SHOWN_MAX: Final = 16

_BETWEEN: Final = " · "


def picture_of(found: Sequence[InstrumentState], width: int | None) -> list[Text]:
    """The lines of all instruments; none of an exchange without any."""
    if not found:
        return []
    order = sorted(found, key=_interest)
    shown, others = order[:SHOWN_MAX], order[SHOWN_MAX:]
    lines = [Text.assemble((counted(len(found), "instrument"), "bold"), ": ", _phases(found))]
    symbol_width = max(len(state.definition.symbol) for state in shown)
    phase_width = max(len(phase_text(state.phase)) for state in shown)
    for state in shown:
        begin = Text.assemble(
            (f"{state.definition.symbol:<{symbol_width}}", "bold"),
            GAP,
            (f"{PHASES.get(state.phase, state.phase):<{phase_width}}", phase_style(state.phase)),
        )
        lines += flow(begin, _known(state), Text(_BETWEEN, "dim"), width)
    if others:
        lines.append(Text.assemble("and ", (f"{len(others):,} more", "bold"), ": ", _phases(others)))
    return lines


def market_values(found: Iterable[InstrumentState]) -> list[dict[str, Any]]:
    """All instruments for `--json`, as `matchbus instrument list --json` tells them."""
    return [named(state, Scale(state.definition)) for state in found]


def _interest(state: InstrumentState) -> tuple[int, str]:
    phase = state.phase
    if phase in AUCTIONS:
        rank = 0
    elif phase == HALTED:
        rank = 1
    elif phase not in (CONTINUOUS, CLOSED):
        rank = 2
    elif phase == CLOSED:
        rank = 3
    else:
        rank = 4 if state.protection is not None else 5
    return rank, state.definition.symbol


def _phases(found: Sequence[InstrumentState]) -> Text:
    """How many are in which phase, most first."""
    counts = Counter(state.phase for state in found)
    pieces = [
        Text.assemble(f"{count:,} ", phase_text(phase))
        for phase, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]
    return Text(", ").join(pieces)


def _known(state: InstrumentState) -> list[Text]:
    """What there is to tell of an instrument beside its phase."""
    known, scale = state.phase_state, Scale(state.definition)
    words = [end_words(known.ends_ns)]
    if state.phase in AUCTIONS:
        words.append(
            "would trade: "
            + auction_words(scale, known.indicative_ticks, known.indicative_lots, known.imbalance_lots)
        )
    if state.protection is not None:
        words += band_words(scale, state.protection)
    return [Text(one) for one in words if one]
