"""Schedules at the sockets: what is asked about them, and what is not taken.

Called by `gateway` and `recovery`.
"""

from collections.abc import Sequence

from bus.calendar.zones import zone_of
from bus.core import Core
from bus.errors import UnknownZone
from bus.protocol import reasons
from bus.protocol.commands import SetSchedule
from bus.protocol.control import TRADING_SCHEDULE, QuerySchedule, Refused


def schedule_answer(core: Core, correlation_id: int, query: QuerySchedule) -> object:
    """An instrument's schedule, or that there is no such instrument."""
    symbol = query.symbol
    if symbol not in core.symbols():
        return Refused(correlation_id, 1, reasons.NOT_OFFERED, f"no instrument {symbol!r}")
    return (TRADING_SCHEDULE, correlation_id, *core.schedule(symbol))


def unknown_zone(items: Sequence[object]) -> str:
    """Why a message is not taken that sets a schedule in a zone that is not known here; "" when none is.

    Not the core's to say: what it refuses must not depend on the machine. The whole message, since its bytes are what
    would be logged.
    """
    for index, item in enumerate(items):
        if isinstance(item, SetSchedule) and item.zone:
            try:
                zone_of(item.zone)
            except UnknownZone as error:
                return f"item {index}: {error}"
    return ""
