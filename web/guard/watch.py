"""Who is kept out at the moment: scores, bans and blocks of addresses and keys, with an audit line each.

The rule guarded here: what is counted against an address never locks a key out elsewhere. Called by `keyed_guard`.
"""

import ipaddress
from functools import lru_cache
from typing import Any, Final

import structlog

from bus.config import Web
from web.errors import BLOCKED, Refusal
from web.guard import intrusion
from web.guard.audit import Audit
from web.guard.intrusion import ALARM, BAN_SIGN, BLOCK, NOTHING, ORDER_REFUSED_SIGN, Bans, Patience, Scores
from web.guard.networks import Networks, address_of

_LOG: Final = structlog.get_logger("matchbus.web")
#: One customer of a provider has a /64 of IPv6 at least: its addresses are one holder.
_IPV6_PREFIX: Final = 64
_ADDRESSES_AT_HAND_MAX: Final = 10_000
_ADDRESS: Final = "address "
_KEY: Final = "key "


class Watch:
    """See above."""

    def __init__(self, settings: Web, audit: Audit) -> None:
        self._audit = audit
        self._never = Networks(settings.never_blocked)
        self._scores = Scores(intrusion.ALARM_POINTS, intrusion.BLOCK_POINTS)
        self._order_scores = Scores(intrusion.ORDERS_ALARM_POINTS, None)
        self._blocks = Bans(intrusion.BLOCK_S_MIN, intrusion.BLOCK_S_MAX)
        self._bans = Bans(intrusion.BAN_S_MIN, intrusion.BAN_S_MAX)
        self._patience = Patience()

    def let_pass(self, holder: str, now_ns: int) -> None:
        """Raises Refusal for who is kept out."""
        left_s = max(self._blocks.left_s(holder, now_ns), self._bans.left_s(holder, now_ns))
        if left_s:
            what = "key" if holder.startswith(_KEY) else "address"
            raise Refusal(
                BLOCKED, f"this {what} is blocked for {left_s} s more", headers={"Retry-After": str(left_s)}
            )

    def sign(self, address: str, kind: str, now_ns: int, **facts: Any) -> None:
        """A sign of an intrusion from an address of IP."""
        self._audit.say(kind, now_ns, address=address, **facts)
        came_to = self._scores.sign(address_holder(address), kind, now_ns)
        if came_to == NOTHING:
            return
        if came_to == BLOCK and address not in self._never:
            duration_s = self._blocks.ban(address_holder(address), now_ns)
            self._audit.say("blocked", now_ns, address=address, duration_s=duration_s)
            _LOG.warning("an address is blocked", address=address, duration_s=duration_s)
        else:
            self._alarm(now_ns, address=address, sign=kind)

    def order_refused(self, key_id: str, now_ns: int) -> None:
        """An order of a key was refused: much of it is an alarm, and nothing more."""
        if self._order_scores.sign(key_id, ORDER_REFUSED_SIGN, now_ns) == ALARM:
            self._alarm(now_ns, key=key_id, sign=ORDER_REFUSED_SIGN)

    def limited(self, holder: str, address: str, now_ns: int) -> None:
        """Somebody was refused for sending too much; who goes on all the same is kept out for a while."""
        if address in self._never or not self._patience.ends(holder, now_ns):
            return
        duration_s = self._bans.ban(holder, now_ns)
        self._audit.say("banned", now_ns, holder=holder, address=address, duration_s=duration_s)
        if holder == address_holder(address):
            self.sign(address, BAN_SIGN, now_ns)

    def keys_changed(self, now_ns: int, **facts: Any) -> None:
        """Somebody made or revoked a key."""
        self._audit.say("keys_changed", now_ns, **facts)

    def operated(self, now_ns: int, **facts: Any) -> None:
        """An operator wanted something, and was answered."""
        self._audit.say("operated", now_ns, **facts)

    def moved(self, now_ns: int, **facts: Any) -> None:
        """An account's holder wanted to move money, and was answered."""
        self._audit.say("moved", now_ns, **facts)

    def _alarm(self, now_ns: int, **facts: Any) -> None:
        self._audit.say("alarm", now_ns, **facts)
        _LOG.warning("signs of an intrusion", **facts)


@lru_cache(_ADDRESSES_AT_HAND_MAX)
def address_holder(address: str) -> str:
    """What is counted together with an address of IP."""
    where = address_of(address)
    if where is None:
        return _ADDRESS + address
    if isinstance(where, ipaddress.IPv4Address):
        return f"{_ADDRESS}{where}"
    return f"{_ADDRESS}{ipaddress.ip_network((where.packed, _IPV6_PREFIX), strict=False)}"


def key_holder(key_id: str) -> str:
    """What is counted together with a key."""
    return _KEY + key_id
