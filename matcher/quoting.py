"""Quotes: an account's standing offer to buy, or to sell, in an instrument; each new one takes the place of the last.

A quote is an order like any other, with a place of its own: one for each account, instrument and side. What stands
there is kept where it is, made smaller, or ended for a new order. Where a new quote would meet the account's quote of
the other side, that one ends first: both are of one opinion, and the newer one is it.
"""

from bus.protocol import reasons
from bus.protocol.commands import QUOTE, EnterOrder, Quote
from bus.protocol.terms import BUY, GTC, LIMIT, RESTING, SELL
from matcher.book.level import Order
from matcher.counting import count_order
from matcher.gate.limits import entry_reason
from matcher.gate.money import funds_reason
from matcher.gate.orders import is_printable, order_reason
from matcher.gate.risk import enter_reason
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.limits import Limits
from matcher.resting import publish_once
from matcher.trading import Trading


def quote(market: Trading, account: Account, command: Quote) -> None:
    """A quote of one side, in the place of the last one; of 0 lots, the last one's end."""
    # gate
    request_id = command.request_id
    symbol, side = command.symbol, command.side
    price, lots = command.price_ticks, command.quantity_lots
    entered = EnterOrder(request_id, symbol, side, lots, price)
    known = account.requests.get(request_id)
    if known is not None and market.answer_again(
        account, QUOTE, request_id, entered if isinstance(known, Order) else command
    ):
        return
    if market.late or market.created_ns <= account.forgotten_ns or not is_printable(request_id):
        market.refuse(account, QUOTE, request_id)
        return
    limits = account.limits
    hurries = limits is not None and lots != 0 and limits.hurries(symbol, market.sequence, market.time_ns)
    if limits is not None and limits.shut:
        market.refuse_for_good(account, QUOTE, request_id, command, reasons.ACCOUNT_CLOSED)
        return
    instrument = market.state.instruments.get(symbol)
    if instrument is None:
        market.refuse_for_good(account, QUOTE, request_id, command, reasons.UNKNOWN_SYMBOL)
        return
    ledger = market.state.ledger
    if ledger is not None and symbol not in ledger.products:
        market.refuse_for_good(account, QUOTE, request_id, command, reasons.UNKNOWN_ASSET)
        return
    last = quoted(account, symbol, side)
    if not lots and side in (BUY, SELL):
        if limits is not None:
            limits.cancels(symbol)
        market.judged = last
        if not market.judging:
            market.remember(account, request_id, command, 0, last)
            _end(market, account, last, side, reasons.QUOTE_REPLACED)
            market.complete(account, QUOTE, 0 if last is None else 1)
            if instrument.watch is not None:
                market.follow(instrument)
        return
    keeps = (
        last is not None and last.price_ticks == price and 0 < lots <= last.quantity_lots - last.filled_lots
    )
    crossed = crossed_quote(account, symbol, side, price)
    reason = order_reason(instrument, account, entered, market.time_ns)
    if not reason and not keeps:
        reason = _room_reason(market, account, instrument, entered, last, crossed, hurries)
        if not reason and ledger is not None:
            # What cancels with others may leave the hold to them.
            alone = last is not None and (last.instructions is None or last.instructions.group is None)
            freed = last.held if last is not None and alone else 0
            freed_fee = last.held_fee if last is not None and alone else 0
            reason = funds_reason(ledger, account, entered, freed, freed_fee)
        if not reason and limits is not None and limits.risk is not None:
            reason = _risk_reason(market, limits, account, instrument, entered, last, crossed)
    elif not reason and hurries:
        reason = reasons.MESSAGE_RATE_LIMIT
    elif not reason and limits is not None and limits.chattered:
        reason = reasons.ORDER_TO_TRADE_LIMIT
    if reason:
        market.refuse_for_good(account, QUOTE, request_id, command, market.phase_reason(reason))
        return
    if market.judging:
        market.judged = last if keeps else _order(market, account, instrument, entered)
        return
    # book, ledger, events
    if last is not None and keeps:
        market.remember(account, request_id, command, 0, last)
        market.reduce(last, instrument, last.filled_lots + lots)
        market.report_replaced(last, request_id, True)
        return
    published = len(instrument.levels)
    _end(market, account, last, side, reasons.QUOTE_REPLACED)
    _end(market, account, crossed, SELL if side == BUY else BUY, reasons.QUOTE_REPLACED)
    account.quote(symbol, side, market.sequence)
    market.enter(account, entered)
    assert market.sequence == account.requests[request_id].sequence, "what passed the gate is in"
    publish_once(instrument, published)


def quoted(account: Account, symbol: str, side: int) -> Order | None:
    """The order that is the account's quote of this side, if it is still in the book."""
    if account.quotes is None:
        return None
    order_id = account.quotes.get((symbol, side), 0)
    order = account.open.get(order_id)
    if isinstance(order, Order) and order.status == RESTING:
        return order
    return None


def crossed_quote(account: Account, symbol: str, side: int, price_ticks: int) -> Order | None:
    """The account's quote of the other side, if a quote at this price would meet it."""
    other = quoted(account, symbol, SELL if side == BUY else BUY)
    if other is None:
        return None
    meets = other.price_ticks <= price_ticks if side == BUY else other.price_ticks >= price_ticks
    return other if meets else None


def _order(market: Trading, account: Account, instrument: Instrument, entered: EnterOrder) -> Order:
    """What the quote would be; only for who judges."""
    return Order(
        entered.client_order_id,
        market.sequence,
        market.created_ns,
        account,
        market.session,
        instrument.symbol,
        entered.side,
        LIMIT,
        GTC,
        0,
        entered.price_ticks,
        entered.quantity_lots,
        None,
    )


def _room_reason(
    market: Trading,
    account: Account,
    instrument: Instrument,
    entered: EnterOrder,
    last: Order | None,
    crossed: Order | None,
    hurries: bool,
) -> int:
    """Why the account may not have this order more, without those that it takes the place of; 0 when it may."""
    symbol = entered.symbol
    freed = (last is not None) + (crossed is not None)
    left = len(account.open) - freed
    if left >= market.open_max:
        return reasons.TOO_MANY_OPEN_ORDERS
    limits = account.limits
    if limits is None:
        return 0
    for _ in range(freed):
        limits.closed(symbol)
    reason = entry_reason(
        limits, instrument, entered.side, entered.quantity_lots, entered.price_ticks, 0, left, hurries
    )
    for _ in range(freed):
        limits.opened(symbol)
    return reason


def _risk_reason(
    market: Trading,
    limits: Limits,
    account: Account,
    instrument: Instrument,
    entered: EnterOrder,
    last: Order | None,
    crossed: Order | None,
) -> int:
    """Why the account may not have this at stake, without the orders that it takes the place of; 0 when it may."""
    risk = limits.risk
    assert risk is not None, "what it has at stake is limited"
    for order in (last, crossed):
        if order is not None:
            risk.uncount(order.sequence)
    reason = enter_reason(risk, market.state.instruments, instrument, account, entered, limits.chattered)
    for order in (last, crossed):
        if order is not None:
            count_order(risk, order, instrument)
    return reason


def _end(market: Trading, account: Account, order: Order | None, side: int, reason: int) -> None:
    """An order is no quote any more, and ends."""
    if order is None:
        return
    if account.quotes is not None:
        account.quotes.pop((order.symbol, side), None)
    market.take_out(order, reason, True)
