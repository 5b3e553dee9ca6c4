"""Requests: what an account asked for under an id of its own is refused, remembered, and answered again (I6).

A refusal is remembered like an execution, so that the same request sent again gets the same answer whatever the market
did; not so one for its age or its id, since executing it later would not be safe.
"""

from msgspec.structs import astuple

from bus.protocol import reasons
from bus.protocol.commands import EnterOrder
from bus.protocol.reports import DUPLICATE
from bus.protocol.terms import REJECTED as STATUS_REJECTED
from matcher.book.instructions import NOT_INSTRUCTED, PLAIN_FIELDS
from matcher.book.level import Order
from matcher.ledger.account import Account
from matcher.ledger.request import PlainRequest, Remembered, Request
from matcher.safety.stopping import Stopping


class Requests(Stopping):
    """What handlers do with ids."""

    __slots__ = ()

    def refuse(self, account: Account, command: int, request_id: str) -> None:
        """Too old, too new, or an id that is none: executing it later would not be safe, so nothing is remembered."""
        reason = self.late
        if not reason:
            reason = reasons.STALE if self.created_ns <= account.forgotten_ns else reasons.INVALID_ID
        self.reject(account, command, request_id, reason)

    def phase_reason(self, reason: int) -> int:
        """A reason, and of one that a phase has the one that the whole market has, if it stands still."""
        return reasons.MARKET_STOPPED if reason == reasons.NOT_TRADING and self.state.stopped else reason

    def refuse_for_good(
        self, account: Account, tag: int, request_id: str, command: Remembered, reason: int
    ) -> None:
        """A refusal that is remembered: the same request sent again gets the same answer, whatever the market did."""
        if not self.judging:
            self.remember(account, request_id, command, reason, None)
        self.reject(account, tag, request_id, reason)

    def remember(
        self,
        account: Account,
        request_id: str,
        command: Remembered,
        reason: int,
        target: Order | None,
    ) -> None:
        request = PlainRequest(request_id, command, self.sequence, self.created_ns, reason, target)
        account.requests[request_id] = request
        account.end(request, self.time_ns, self.ids_max)

    def answer_again(self, account: Account, tag: int, request_id: str, command: Remembered) -> bool:
        """Answer a request whose id was used before; False when that was so long ago that the id is free again."""
        known = account.find(request_id, self.time_ns)
        if known is None:
            return False
        order: Request | None = known
        if isinstance(known, Order):
            same = _entered_as(known, command)
        else:
            assert isinstance(known, PlainRequest)
            same = type(command) is type(known.command) and command == known.command
            order = known.target
        if not same:
            stale = reasons.STALE if self.created_ns <= account.forgotten_ns else 0
            self.reject(account, tag, request_id, self.late or stale or reasons.ID_TAKEN)
            return True
        if self.judging:
            self.again = True
            self.verdict = known.reason
            return True
        order_id = price = quantity = filled = 0
        status = STATUS_REJECTED
        if isinstance(order, Order):
            order_id = order.sequence
            status = order.status
            price = order.price_ticks
            quantity = order.quantity_lots
            filled = order.filled_lots
        self.report(
            account,
            (
                DUPLICATE,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                tag,
                request_id,
                known.sequence,
                known.reason,
                order_id,
                status,
                price,
                quantity,
                filled,
            ),
        )
        return True


def _entered_as(order: Order, command: Remembered) -> bool:
    """Whether this command is the one that the order was entered with."""
    instructions = order.instructions
    if instructions is not None:
        return command == instructions.command
    return (
        isinstance(command, EnterOrder)
        and order.symbol == command.symbol
        and order.side == command.side
        and order.order_type == command.order_type
        and order.time_in_force == command.time_in_force
        and order.flags == command.flags
        and order.entered_price_ticks == command.price_ticks
        and order.entered_quantity_lots == command.quantity_lots
        and astuple(command)[PLAIN_FIELDS:] == NOT_INSTRUCTED
    )
