"""The orders that an order is linked to: a reason, or 0 when it may pass."""

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import INVALID_LINK, LINK_ENDED
from bus.protocol.terms import FOK, IOC, POST_ONLY, POST_ONLY_REPRICE
from matcher.book.level import Order
from matcher.ledger.account import Account


def link_reason(account: Account, command: EnterOrder) -> int:
    """Why an order may not be linked so; 0 when it may, also when who it is linked to is not open."""
    cancels_with = command.cancels_with
    triggered_by = command.triggered_by
    if command.client_order_id in (cancels_with, triggered_by):
        return INVALID_LINK
    if triggered_by:
        if command.flags & (POST_ONLY | POST_ONLY_REPRICE):  # judged when it enters, and it enters later
            return INVALID_LINK
        parent = _open_order(account, triggered_by)
        if parent is not None and parent.symbol != command.symbol:
            return INVALID_LINK
    else:
        parent = None
        if command.time_in_force in (IOC, FOK):  # it is never open
            return INVALID_LINK
    if not cancels_with:
        return 0
    if cancels_with == triggered_by:
        return INVALID_LINK
    partner = _open_order(account, cancels_with)
    if partner is None:
        return 0
    if partner.symbol != command.symbol:
        return INVALID_LINK
    if parent is None or parent.instructions is None or partner.instructions is None:
        return 0
    group = parent.instructions.group
    return INVALID_LINK if group is not None and group is partner.instructions.group else 0


def ended_reason(account: Account, command: EnterOrder) -> int:
    """Whether an order that this one is linked to is not open; 0 when all are."""
    for name in (command.cancels_with, command.triggered_by):
        if name and _open_order(account, name) is None:
            return LINK_ENDED
    return 0


def _open_order(account: Account, client_order_id: str) -> Order | None:
    known = account.requests.get(client_order_id)
    return known if isinstance(known, Order) and not known.ended_ns else None
