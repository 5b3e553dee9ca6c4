"""An account: the orders it has open, the requests it has made, the reports that it is about to get, and its group.

The rule guarded here is I6: an id is remembered while its order lives and 24 hours of engine time after, at most a
stated number of ended ones. What is forgotten early, or late, can still never execute twice: forgetting an id also
moves `forgotten_ns` to the creation time of that request, and a request that was created no later is refused as stale.
"""

from collections import deque
from math import gcd
from typing import Any, Final

from bus.protocol.terms import RATE_ONE
from matcher.ledger.fees.volume import Volume
from matcher.ledger.limits import Limits
from matcher.ledger.money.balance import Balance
from matcher.ledger.request import Request
from matcher.ledger.risk.group import GroupRisk
from matcher.ledger.risk.position import Position

#: How long the id of an ended request is remembered.
REMEMBER_NS: Final = 24 * 3600 * 1_000_000_000
#: A request created longer ago than this is refused. One hour less than ids are remembered, and a creation time may
#: lie at most that hour ahead: so no clock error within these bounds lets a forgotten id through.
STALE_NS: Final = 23 * 3600 * 1_000_000_000
AHEAD_NS: Final = 3600 * 1_000_000_000


class AccountGroup:
    """Accounts of which an operator says something once. `members`: by name, in the order in which they joined.

    `discount`: the share of their fees that members do not pay, in billionths; so they pay `kept` of `kept_of`.
    """

    __slots__ = ("discount", "kept", "kept_of", "members", "name", "risk")

    def __init__(self, name: str, discount: int) -> None:
        self.name = name
        self.members: dict[str, Account] = {}
        #: what all members have at stake, if that is limited
        self.risk: GroupRisk | None = None
        self.give(discount)

    def give(self, discount: int) -> None:
        """Members have this discount."""
        self.discount = discount
        divisor = gcd(RATE_ONE - discount, RATE_ONE)
        self.kept = (RATE_ONE - discount) // divisor
        self.kept_of = RATE_ONE // divisor

    def check(self) -> None:
        """AssertionError when somebody is in the group and does not know it."""
        for name, account in self.members.items():
            assert name == account.name, "a member is found by its name"
            assert account.group is self, "who is a member of a group is in it"
            limits = account.limits
            risk = None if limits is None or limits.risk is None else limits.risk.group
            assert risk is self.risk, "what is limited of a group is counted of each member"
        if self.risk is not None:
            self.risk.check(member_positions(self))


class Account:
    """State of one account. `reports` are the reports since the outputs were last taken."""

    __slots__ = (
        "balances",
        "countdown_ns",
        "countdown_number",
        "ended",
        "forget_at_ns",
        "forgotten_ns",
        "group",
        "limits",
        "name",
        "next_report",
        "open",
        "quotes",
        "reports",
        "requests",
        "volume",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        #: order id -> open order, oldest first
        self.open: dict[int, Request] = {}
        #: the account's own id -> request, open and ended
        self.requests: dict[str, Request] = {}
        #: ended requests, by the time of their end; None before the first, since a deque takes 700 bytes
        self.ended: deque[Request] | None = None
        #: when the oldest ended request is to be forgotten; 0 when that has to be looked up
        self.forget_at_ns = 0
        self.forgotten_ns = 0
        self.next_report = 1
        #: when all of its orders are cancelled, and the sequence of the command that said so; 0 when nobody did
        self.countdown_ns = 0
        self.countdown_number = 0
        #: (symbol, side) -> order id of its last quote, which may have ended; None for the many that never quoted
        self.quotes: dict[tuple[str, int], int] | None = None
        #: None for the many that have none
        self.limits: Limits | None = None
        #: asset -> what the account has of it; empty where the venue does not clear
        self.balances: dict[str, Balance] = {}
        self.group: AccountGroup | None = None
        #: what it has traded, where that costs something; None for who has not
        self.volume: Volume | None = None
        self.reports: list[tuple[Any, ...]] = []

    def end(self, request: Request, time_ns: int, ended_max: int) -> None:
        """A request has ended: from here on it is remembered for a time only. Amortized O(1)."""
        request.ended_ns = time_ns
        ended = self.ended
        if ended is None:
            ended = self.ended = deque()
        ended.append(request)
        if time_ns > self.forget_at_ns or len(ended) > ended_max:
            self._forget(ended, time_ns, ended_max)

    def quote(self, symbol: str, side: int, order_id: int) -> None:
        """This order is the quote of a side from now on."""
        if self.quotes is None:
            self.quotes = {}
        self.quotes[(symbol, side)] = order_id

    def find(self, request_id: str, time_ns: int) -> Request | None:
        """The request of this id, unless its time has passed."""
        known = self.requests.get(request_id)
        if known is not None and known.ended_ns and known.ended_ns + REMEMBER_NS < time_ns:
            return None
        return known

    def check(self) -> None:
        """Walk all requests; AssertionError for the first thing that is not as it must be."""
        assert (self.countdown_ns == 0) == (self.countdown_number == 0), (
            "a countdown was started by a command"
        )
        ids = list(self.open)
        assert ids == sorted(ids), "open orders are kept oldest first"
        for order_id, order in self.open.items():
            assert order_id == order.sequence, "an order's id is its sequence"
            assert order.ended_ns == 0, "an open order has not ended"
            assert self.requests.get(order.request_id) is order, "an open order's id is remembered"
        ends = [request.ended_ns for request in self.ended or ()]
        assert ends == sorted(ends), "requests end in order of time"
        remembered = sum(1 for request in self.requests.values() if request.ended_ns)
        assert remembered <= len(ends), "an ended request waits to be forgotten"
        assert remembered == len(self.requests) - len(self.open), "a request is open or ended"

    def _forget(self, ended: deque[Request], time_ns: int, ended_max: int) -> None:
        """Forget two at a time: faster than they can come, and never a long pause."""
        for _ in range(2):
            oldest = ended[0]
            if len(ended) <= ended_max and oldest.ended_ns + REMEMBER_NS >= time_ns:
                break
            ended.popleft()
            # The id may have been taken again after its time had passed.
            if self.requests.get(oldest.request_id) is oldest:
                del self.requests[oldest.request_id]
            self.forgotten_ns = max(self.forgotten_ns, oldest.created_ns)
            if not ended:
                break
        self.forget_at_ns = ended[0].ended_ns + REMEMBER_NS if ended else 0


def member_positions(group: AccountGroup) -> list[dict[str, Position]]:
    """The positions of all members of a group whose risk is limited. O(members)."""
    found: list[dict[str, Position]] = []
    for account in group.members.values():
        limits = account.limits
        assert limits is not None, "what is limited of a group is counted of each member"
        assert limits.risk is not None, "what is limited of a group is counted of each member"
        found.append(limits.risk.positions)
    return found
