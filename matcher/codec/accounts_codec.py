"""An account with its orders and other requests as a row of the state, and back. A part of `state_codec`."""

from collections import deque
from typing import Any, Final

from bus.protocol.commands import EnterOrder, Quote, ReplaceOrder, Transfer
from bus.protocol.terms import RESTING, WAITING
from matcher.book.groups import Group
from matcher.book.instructions import Instructions
from matcher.book.level import Order
from matcher.codec.risk_codec import RISK, risk_row
from matcher.ledger.account import Account
from matcher.ledger.fees.fees_codec import VOLUME, volume_of, volume_row
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.money.balance import Balance
from matcher.ledger.request import PlainRequest, Remembered, Request
from matcher.views import limit_row, open_symbols

Row = tuple[Any, ...]

# The shapes, for the decoder: what has another shape never reaches the code below.
# request_id, sequence, created_ns, ended_ns, session, symbol, side, order_type, time_in_force, flags,
# entered_price_ticks, entered_quantity_lots, price_ticks, quantity_lots, filled_lots, status, public_id, shown_lots,
# the command if it has instructions, when it ends, the order that it waits for, its group, the worst price if pegged,
# what it holds, and of a third asset for its fee
_ORDER: Final[Any] = tuple[
    str, int, int, int, int, str, int, int, int, int, int, int, int, int, int, int, int, int, EnterOrder | None, int,
    int, int, int, int, int
]  # fmt: skip
# command, sequence, created_ns, ended_ns, reason, sequence of the target or 0
_PLAIN: Final[Any] = tuple[EnterOrder | ReplaceOrder | Quote | Transfer, int, int, int, int, int]
# symbol, order_lots_max, order_notional_max, open_orders_max, rejects_max, rejects_window_ms, day_lots_max,
# day_notional_max, commands_per_s_max, day_lots, day_notional, second, commands
_LIMIT: Final[Any] = tuple[str, int, int, int, int, int, int, int, int, int, int, int, int]
# symbol, side, order id
_QUOTE: Final[Any] = tuple[str, int, int]
ACCOUNT: Final[Any] = tuple[
    str, int, int, list[_ORDER], list[_ORDER], list[_PLAIN], list[int], int, int, list[_LIMIT], list[_QUOTE],
    bool, list[int], list[tuple[str, int]], RISK | None, bool, VOLUME | None
]  # fmt: skip


def account_row(account: Account) -> Row:
    assert not account.reports, f"account {account.name} has reports that were not taken"
    opened: list[Row] = []
    for order in account.open.values():
        assert isinstance(order, Order)
        opened.append(_order_row(order, order.public_id))
    closed: list[Row] = []
    plain: list[Row] = []
    ended: list[int] = []
    for request in account.ended or ():
        ended.append(request.sequence)
        if isinstance(request, Order):
            closed.append(_order_row(request, 0))
        else:
            assert isinstance(request, PlainRequest)
            target = request.target
            plain.append(
                (
                    request.command,
                    request.sequence,
                    request.created_ns,
                    request.ended_ns,
                    request.reason,
                    0 if target is None else target.sequence,
                )
            )
    return (
        account.name,
        account.forgotten_ns,
        account.next_report,
        opened,
        closed,
        plain,
        ended,
        account.countdown_ns,
        account.countdown_number,
        _limit_rows(account),
        [(symbol, side, order_id) for (symbol, side), order_id in (account.quotes or {}).items()],
        account.limits is not None and account.limits.stopped,
        [] if account.limits is None else list(account.limits.rejected_ns),
        [(asset, balance.total) for asset, balance in account.balances.items()],
        risk_row(account),
        account.limits is not None and account.limits.shut,
        volume_row(account.volume),
    )


def _limit_rows(account: Account) -> list[Row]:
    rows: list[Row] = []
    if account.limits is not None:
        for symbol, limit in account.limits.by_symbol.items():
            rows.append((*limit_row(symbol, limit), limit.second, limit.commands))
    return rows


def _order_row(order: Order, public_id: int) -> Row:
    instructions = order.instructions
    return (
        order.request_id,
        order.sequence,
        order.created_ns,
        order.ended_ns,
        order.session,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.flags,
        order.entered_price_ticks,
        order.entered_quantity_lots,
        order.price_ticks,
        order.quantity_lots,
        order.filled_lots,
        order.status,
        public_id,
        order.shown_lots,
        None if instructions is None else instructions.command,
        0 if instructions is None else instructions.expires_ns,
        0 if instructions is None else instructions.held_by,
        0 if instructions is None or instructions.group is None else instructions.group.number,
        0 if instructions is None or order.ended_ns or not instructions.pegged else instructions.limit_ticks,
        order.held,
        order.held_fee,
    )


def account_of(
    row: Row, symbols: dict[str, str], assets: dict[str, str], resting: dict[int, Order]
) -> Account:
    """The account with all its requests. Its open orders are also put into `resting`, to be placed where they stand.

    `symbols` and `assets`: each by itself, so that all accounts share one text.
    """
    account = Account(row[0])
    account.forgotten_ns = row[1]
    account.next_report = row[2]
    orders: dict[int, Order] = {}
    for order_row in row[3]:
        order = _order_of(order_row, account, symbols)
        if order.status not in (RESTING, WAITING) or order.ended_ns or order.sequence in resting:
            raise ValueError(f"not a state: order {order.sequence} is not open")
        orders[order.sequence] = order
        resting[order.sequence] = order
        account.open[order.sequence] = order
    for order_row in row[4]:
        order = _order_of(order_row, account, symbols)
        if order.status in (RESTING, WAITING) or not order.ended_ns or order.sequence in orders:
            raise ValueError(f"not a state: order {order.sequence} has not ended")
        orders[order.sequence] = order
    plain: dict[int, Request] = {}
    for command, sequence, created_ns, ended_ns, reason, target_sequence in row[5]:
        target = orders.get(target_sequence)
        if target is None and target_sequence:
            raise ValueError(
                f"not a state: request {sequence} changed order {target_sequence}, which is not there"
            )
        request_id = _id_of(command)
        request = PlainRequest(request_id, command, sequence, created_ns, reason, target)
        request.ended_ns = ended_ns
        plain[sequence] = request
    requests = account.requests
    ended: deque[Request] = deque()
    for sequence in row[6]:
        known = plain.get(sequence) or orders.get(sequence)
        if known is None or not known.ended_ns:
            raise ValueError(f"not a state: request {sequence} has ended and is not there")
        ended.append(known)
        # An id that was taken again after its time had passed is the later request's.
        requests[known.request_id] = known
    if ended:
        account.ended = ended
    for order_id in account.open:
        order = orders[order_id]
        requests[order.request_id] = order
    account.countdown_ns = row[7]
    account.countdown_number = row[8]
    for symbol, side, order_id in row[10]:
        account.quote(symbol, side, order_id)
    if row[9] or row[11] or row[14] is not None or row[15]:
        account.limits = limits = Limits(open_symbols(account))
        for limited in row[9]:
            limits.by_symbol[limited[0]] = Limit(*limited[1:])
        limits.stopped = row[11]
        limits.shut = row[15]
        limits.rejected_ns.extend(row[12])
    for asset, total in row[13]:
        shared = assets.get(asset)
        if shared is None:
            raise ValueError(f"not a state: account {account.name} has {asset}, which is no asset")
        account.balances[shared] = Balance(total)
    try:
        account.volume = volume_of(row[16])
    except ValueError as error:
        raise ValueError(f"not a state: account {account.name} has {error}") from None
    return account


def _order_of(row: Row, account: Account, symbols: dict[str, str]) -> Order:
    (
        request_id,
        sequence,
        created_ns,
        ended_ns,
        session,
        symbol,
        side,
        order_type,
        time_in_force,
        flags,
        entered_price_ticks,
        entered_quantity_lots,
        price_ticks,
        quantity_lots,
        filled_lots,
        status,
        public_id,
        shown_lots,
        command,
        expires_ns,
        held_by,
        group,
        limit_ticks,
        held,
        held_fee,
    ) = row
    shared = symbols.get(symbol)
    if shared is None:
        raise ValueError(f"not a state: order {sequence} is of no instrument")
    order = Order(
        request_id,
        sequence,
        created_ns,
        account,
        session,
        shared,
        side,
        order_type,
        time_in_force,
        flags,
        entered_price_ticks,
        entered_quantity_lots,
        None if command is None else Instructions(command),
    )
    if order.instructions is not None:
        order.instructions.expires_ns = expires_ns
        order.instructions.held_by = held_by
        order.instructions.limit_ticks = limit_ticks
        if group:
            order.instructions.group = Group(group)
    order.ended_ns = ended_ns
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.filled_lots = filled_lots
    order.status = status
    order.public_id = public_id
    order.shown_lots = shown_lots
    order.held = held
    order.held_fee = held_fee
    return order


def _id_of(command: Remembered) -> str:
    """The id under which a request was made."""
    if isinstance(command, EnterOrder):
        return command.client_order_id
    return command.transfer_id if isinstance(command, Transfer) else command.request_id
