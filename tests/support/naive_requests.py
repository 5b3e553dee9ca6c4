"""Requests and their ids in the naive exchange: one list of all that are remembered."""

from dataclasses import dataclass

from bus.protocol import reasons, reports, terms
from bus.protocol.commands import EnterOrder, ReplaceOrder
from bus.protocol.records import Rules
from tests.support.naive_matching import NaiveOrder
from tests.support.naive_voice import NaiveVoice

HOUR_NS = 3600 * 10**9


@dataclass(eq=False)
class NaiveRequest:
    """A request that was judged: what was asked, when it was made, what became of it."""

    account: str
    request_id: str
    command: EnterOrder | ReplaceOrder
    created_ns: int
    sequence: int
    reason: int
    order: NaiveOrder | None
    ended_ns: int = 0  # 0: its order is open


class NaiveRequests(NaiveVoice):
    """What was asked before, and what of it is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.rules = Rules(0, 0, 0)
        self.created_ns = 0  # of the command at hand
        self.remembered: list[NaiveRequest] = []  # all requests whose ids are remembered
        self.ended: list[NaiveRequest] = []  # those that have ended, first ended first
        self.forgotten_ns: dict[str, int] = {}  # creation time up to which an account's ids may be forgotten

    def _broken_by_request(self, account: str, request_id: str) -> list[int]:
        broken = []
        if self.time_ns > self.created_ns + 23 * HOUR_NS:
            broken.append(reasons.STALE)
        if self.created_ns <= self.forgotten_ns.get(account, 0):
            broken.append(reasons.STALE)
        if self.created_ns > self.time_ns + HOUR_NS:
            broken.append(reasons.FROM_THE_FUTURE)
        if any(not 32 <= ord(character) < 127 for character in request_id):
            broken.append(reasons.INVALID_ID)
        if self._known(account, request_id) is not None:
            broken.append(reasons.ID_TAKEN)
        return broken

    def _known(self, account: str, request_id: str) -> NaiveRequest | None:
        """The last request of this id, if its time has not passed."""
        for request in reversed(self.remembered):
            if (request.account, request.request_id) == (account, request_id):
                gone = request.ended_ns and self.time_ns > request.ended_ns + 24 * HOUR_NS
                return None if gone else request
        return None

    def _answered_again(
        self, account: str, tag: int, request_id: str, command: EnterOrder | ReplaceOrder
    ) -> bool:
        """Answer a request that was made before in the very same words."""
        known = self._known(account, request_id)
        if known is None or type(known.command) is not type(command) or known.command != command:
            return False
        order = known.order
        if order is None:
            now: tuple[int, ...] = (0, terms.REJECTED, 0, 0, 0)
        else:
            now = (order.order_id, order.status, order.price, order.quantity, order.filled)
        self._report(
            account,
            (reports.DUPLICATE, *self._answering(), tag, request_id, known.sequence, known.reason, *now),
        )
        return True

    def _remember(
        self,
        account: str,
        request_id: str,
        command: EnterOrder | ReplaceOrder,
        reason: int,
        order: NaiveOrder | None,
    ) -> NaiveRequest:
        request = NaiveRequest(account, request_id, command, self.created_ns, self.sequence, reason, order)
        self.remembered.append(request)
        return request

    def _end_request(self, request: NaiveRequest) -> None:
        """It is remembered 24 hours more, among at most so many; each end lets at most two others be forgotten."""
        request.ended_ns = self.time_ns
        self.ended.append(request)
        for _ in range(2):
            mine = [other for other in self.ended if other.account == request.account]
            too_many = len(mine) > self.rules.client_order_ids_per_account_max
            if mine and (too_many or self.time_ns > mine[0].ended_ns + 24 * HOUR_NS):
                self.ended = [other for other in self.ended if other is not mine[0]]
                self.remembered = [other for other in self.remembered if other is not mine[0]]
                self.forgotten_ns[request.account] = max(
                    mine[0].created_ns, self.forgotten_ns.get(request.account, 0)
                )
