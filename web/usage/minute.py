"""What was asked of one instance within a minute: calls, how long they took, and which data was wanted.

The rule guarded here: there is room for so many different calls; further ones are counted together, by route and
status, as those of OTHER, so that sums stay right and nobody makes it grow. Pure: `recorder` says what is counted.
"""

from typing import Any, Final, NamedTuple

from web.usage.durations import bucket_of

MINUTE_MS: Final = 60_000
#: In the place of keys and symbols for which there is no room. Neither may be called so.
OTHER: Final = "other"
#: Different calls of one minute of one instance: about 200 bytes each here, and 100 in the store. A hundred keys with
#: five kinds of calls each.
CALLS_MAX: Final = 500
#: Pairs of data and symbols.
DATA_MAX: Final = 500


class CallRow(NamedTuple):
    """What calls have in common that are counted together. `symbol`: "" for none, `key_id`: "" for no key."""

    key_id: str
    account: str
    method: str
    path: str
    symbol: str
    status: int


class DataRow(NamedTuple):
    """Market data that was wanted, by a request or a subscription."""

    source: str
    data: str
    symbol: str


class Minute:
    """See above. `number`: minutes since 1970.

    `calls`: how many, and how many microseconds they took together. `times`: how many of (method, path, bucket of
    `durations`).
    """

    __slots__ = ("calls", "data", "is_new", "number", "times")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls: dict[tuple[Any, ...], list[int]] = {}
        self.times: dict[tuple[str, str, int], int] = {}
        self.data: dict[tuple[str, str, str], int] = {}
        #: Whether something was counted since it was last written.
        self.is_new = False

    def count(self, call: tuple[str, str, str, str, str, int], took_us: int) -> None:
        """One more call; the fields are those of CallRow, in a bare tuple: this is on the way of every request."""
        counted = self.calls.get(call)
        if counted is None:
            counted = self._further(CallRow(*call))
        counted[0] += 1
        counted[1] += took_us
        time = (call[2], call[3], bucket_of(took_us))
        self.times[time] = self.times.get(time, 0) + 1
        self.is_new = True

    def want(self, source: str, data: str, symbol: str) -> None:
        """Somebody wants this."""
        row = (source, data, symbol)
        if row not in self.data and len(self.data) >= DATA_MAX:
            row = (source, data, OTHER)
        self.data[row] = self.data.get(row, 0) + 1
        self.is_new = True

    def _further(self, call: CallRow) -> list[int]:
        if len(self.calls) >= CALLS_MAX:
            call = call._replace(
                key_id=OTHER if call.key_id else "", account="", symbol=OTHER if call.symbol else ""
            )
        return self.calls.setdefault(tuple(call), [0, 0])
