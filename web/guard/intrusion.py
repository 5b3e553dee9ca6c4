"""Signs that somebody tries what is not theirs, and how long such a one is kept out. Pure: time comes as a value.

    sign          points   why
    bad_key       10       guessing the ids of keys
    bad_signature 5        guessing secrets, or changing what somebody else signed
    scan          2        looking for what may be there
    ban           25       going on after 429, see `Patience`

Points of an address fade with time. At one threshold it is an alarm, at the next the address is blocked, each time
twice as long. A key is never blocked by its failed signatures: else whoever knows its id could lock its owner out.
Of a key only orders that are refused are counted, and only to raise an alarm. Asked by `keyed_guard`.
"""

from collections import OrderedDict
from typing import Final

from msgspec import Struct

BAD_KEY_SIGN: Final = "bad_key"
BAD_SIGNATURE_SIGN: Final = "bad_signature"
SCAN_SIGN: Final = "scan"
BAN_SIGN: Final = "ban"
ORDER_REFUSED_SIGN: Final = "order_refused"
POINTS: Final = {BAD_KEY_SIGN: 10, BAD_SIGNATURE_SIGN: 5, SCAN_SIGN: 2, BAN_SIGN: 25, ORDER_REFUSED_SIGN: 1}

#: Ten wrong signatures in a short time: a program with a wrong secret is found out, a slip of a person is not.
ALARM_POINTS: Final = 50
BLOCK_POINTS: Final = 100
FADING_POINTS_PER_S: Final = 0.5
#: Of a key: refused orders are part of trading, hundreds within minutes are not.
ORDERS_ALARM_POINTS: Final = 500

#: Of a block; doubled at each further one.
BLOCK_S_MIN: Final = 60
BLOCK_S_MAX: Final = 86_400
#: Of a ban for going on after 429.
BAN_S_MIN: Final = 10
BAN_S_MAX: Final = 3_600
#: After so long without a further one, the next is as short as the first.
FORGOTTEN_S: Final = 86_400
#: How many refusals somebody may ignore at once, and how many a second in the long run.
IGNORED_MAX: Final = 20
IGNORED_PER_S_MAX: Final = 1
#: Addresses and keys that are known of; about 200 bytes each. Who showed a sign longest ago is forgotten.
KNOWN_MAX: Final = 100_000
_SECOND_NS: Final = 1_000_000_000

# What a sign may lead to.
NOTHING: Final = ""
ALARM: Final = "alarm"
BLOCK: Final = "block"


class _Standing(Struct):
    points: float = 0.0
    at_ns: int = 0
    alarmed: bool = False


class _Ban(Struct):
    until_ns: int
    duration_s: int


class Scores:
    """Points of whoever shows signs. `block_points`: None where it never comes to a block."""

    def __init__(self, alarm_points: int, block_points: int | None) -> None:
        self._alarm_points = alarm_points
        self._block_points = block_points
        self._known: OrderedDict[str, _Standing] = OrderedDict()

    def sign(self, holder: str, kind: str, now_ns: int) -> str:
        """What a sign leads to: NOTHING, ALARM once on the way up, or BLOCK, which begins anew at no points."""
        standing = self._known.setdefault(holder, _Standing(at_ns=now_ns))
        self._known.move_to_end(holder)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        faded = (now_ns - standing.at_ns) / _SECOND_NS * FADING_POINTS_PER_S
        standing.points = max(0.0, standing.points - faded) + POINTS[kind]
        standing.at_ns = now_ns
        if self._block_points is not None and standing.points >= self._block_points:
            del self._known[holder]
            return BLOCK
        if standing.points < self._alarm_points:
            standing.alarmed = False
        elif not standing.alarmed:
            standing.alarmed = True
            return ALARM
        return NOTHING


class Bans:
    """Who is kept out, and until when."""

    def __init__(self, first_s: int, longest_s: int) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._bans: OrderedDict[str, _Ban] = OrderedDict()

    def ban(self, holder: str, now_ns: int) -> int:
        """Keep somebody out from now on; for how many seconds."""
        last = self._bans.get(holder)
        if last is None or now_ns - last.until_ns > FORGOTTEN_S * _SECOND_NS:
            duration_s = self._first_s
        else:
            duration_s = min(2 * last.duration_s, self._longest_s)
        self._bans[holder] = _Ban(now_ns + duration_s * _SECOND_NS, duration_s)
        self._bans.move_to_end(holder)
        if len(self._bans) > KNOWN_MAX:
            self._bans.popitem(last=False)
        return duration_s

    def left_s(self, holder: str, now_ns: int) -> int:
        """How many seconds somebody is still kept out, upwards; 0 for who is not."""
        ban = self._bans.get(holder)
        return 0 if ban is None else max(0, -(-(ban.until_ns - now_ns) // _SECOND_NS))


class Patience:
    """Who goes on after 429, and how often that is looked over."""

    def __init__(self) -> None:
        self._ignored: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def ends(self, holder: str, now_ns: int) -> bool:
        """Somebody was refused for sending too much: whether that was once too often."""
        count, at_ns = self._ignored.pop(holder, (0.0, now_ns))
        count = max(0.0, count - (now_ns - at_ns) / _SECOND_NS * IGNORED_PER_S_MAX) + 1
        if count > IGNORED_MAX:
            return True
        self._ignored[holder] = (count, now_ns)
        if len(self._ignored) > KNOWN_MAX:
            self._ignored.popitem(last=False)
        return False
