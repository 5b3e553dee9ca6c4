"""How many requests somebody may send, by class of cost. Pure: time comes as a value.

Each holder (a key, an address) has for each class an allowance that fills at a rate and holds two seconds' worth. What
is kept of one is a single number: when it will be full again (the generic cell rate algorithm, ITU-T I.371). Asked by
`keyed_guard`. Each instance of the web counts for itself.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from bus.config import Web
from web.routes import COSTS

#: What may come at once. So that a page that begins may ask for all that it shows, also where the rate is low.
BURST_S: Final = 2
BURST_MIN: Final = 10
#: About 200 bytes each. Who was not seen for longest is forgotten, which gives it a full allowance.
ALLOWANCES_MAX: Final = 100_000
_SECOND_NS: Final = 1_000_000_000


class Taken(Struct, frozen=True):
    """What came of taking from an allowance of `limit`. `retry_s`: 0 when it was taken, else when it can be."""

    limit: int
    remaining: int
    full_in_s: int
    retry_s: int


class Limits:
    """See above. `per_s_max`: requests a second, by class."""

    def __init__(self, per_s_max: Mapping[str, int]) -> None:
        self._per_s_max = dict(per_s_max)
        self._full_ns: OrderedDict[tuple[str, str], int] = OrderedDict()

    def take(self, holder: str, cost: str, now_ns: int, times: int = 1) -> Taken:
        """One request of a class, from an allowance that is so many times as large as that of one key."""
        per_s = self._per_s_max[cost] * times
        limit = max(BURST_MIN * times, per_s * BURST_S)
        interval_ns = max(1, _SECOND_NS // per_s)
        full_ns = max(self._full_ns.get((holder, cost), 0), now_ns)
        late_ns = full_ns + interval_ns - limit * interval_ns - now_ns
        if late_ns > 0:
            return Taken(limit, 0, _seconds(full_ns - now_ns), _seconds(late_ns))
        full_ns += interval_ns
        self._full_ns[holder, cost] = full_ns
        self._full_ns.move_to_end((holder, cost))
        if len(self._full_ns) > ALLOWANCES_MAX:
            self._full_ns.popitem(last=False)
        used_ns = full_ns - now_ns
        return Taken(limit, limit - -(-used_ns // interval_ns), _seconds(used_ns), 0)


def rates(settings: Web) -> dict[str, int]:
    """Requests a second by class, as they are set: `web.<class>_per_s_max`."""
    return {cost: getattr(settings, f"{cost}_per_s_max") for cost in COSTS}


def _seconds(duration_ns: int) -> int:
    """Whole seconds, upwards: whoever waits so long has waited long enough."""
    return -(-duration_ns // _SECOND_NS)
