"""A batch's public events as moments, one a symbol: just what an alignment makes of the frames that hold them.

The rule guarded here: a moment has the trades and statuses of its batch in the order of the log, with the same numbers.
Levels are left out: no row is made of them. A batch that only changed the book still moves the symbol's time. No I/O.
Called by the rebuild.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from bus.protocol.feed import Event, Trade, TradeBusted, TradeCorrected
from bus.protocol.topics import LEVEL, STATUS, TRADE, parse
from publisher.alignment import Moment

#: (topic, number of the first event, events as tuples), as a core gives them.
Stream = tuple[str, int, list[tuple[Any, ...]]]

_EVENTS: Final = list[Event]
#: The topics of a symbol that a publisher follows in any case.
_FOLLOWED: Final = (TRADE, LEVEL, STATUS)


def moments_of(public: Sequence[Stream], log_sequence: int, time_ns: int, epoch: int) -> dict[str, Moment]:
    """The moments of the batch that ends here, by symbol."""
    moments: dict[str, Moment] = {}
    for name, first_number, events in public:
        kind, symbol = parse(name)
        if kind not in _FOLLOWED:
            continue
        moment = moments.get(symbol)
        if moment is None:
            moment = moments[symbol] = Moment(log_sequence, time_ns, epoch)
        if kind == TRADE:
            moment.trade_number = first_number
            moment.trades = msgspec.convert(events, _EVENTS)
        elif kind == STATUS:
            moment.statuses = msgspec.convert(events, _EVENTS)
    return moments


def cut(moment: Moment, sequence: int) -> tuple[Moment, Moment]:
    """A moment as two: what happened up to a log sequence within its batch, and the rest.

    The first ends with the last of its events on the trade topic, and there is nowhere to stand but behind such a one:
    without any it is the very beginning.
    """
    head = Moment(0, 0, moment.epoch)
    rest = Moment(moment.log_sequence, moment.time_ns, moment.epoch)
    for event in moment.trades:
        assert isinstance(event, Trade | TradeBusted | TradeCorrected), "what the trade topic has"
        if event.sequence <= sequence:
            head.trades.append(event)
            head.log_sequence, head.time_ns = event.sequence, event.time_ns
        else:
            rest.trades.append(event)
    for event in moment.statuses:
        happened: int = event.sequence  # type: ignore[attr-defined]  # all but heartbeats have one
        (head if happened <= sequence else rest).statuses.append(event)
    head.trade_number = moment.trade_number
    rest.trade_number = moment.trade_number + len(head.trades)
    return head, rest
