"""Whether an order is backed, at a venue that clears: a reason, or 0 when it may pass."""

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import INSUFFICIENT_FUNDS, LIMIT_NEEDED
from bus.protocol.terms import BUY
from matcher.book.level import Order
from matcher.ledger.account import Account
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.products.spot import price_to_hold


def limit_reason(side: int, price_ticks: int) -> int:
    """What buys has a limit, whatever else it is: else nobody knows what it may come to pay."""
    return LIMIT_NEEDED if side == BUY and not price_ticks else 0


def funds_reason(
    ledger: Ledger, account: Account, command: EnterOrder, freed_units: int, freed_fee: int
) -> int:
    """Whether the account has too little free for an order; what is freed is held by one that ends for it.

    What waits for the fill of another order is backed at its release.
    """
    if command.triggered_by:
        return 0
    lacks = ledger.lacks(
        account,
        command.symbol,
        command.side,
        command.price_ticks,
        command.quantity_lots,
        freed_units + ledger.held_with(account, command),
        freed_fee + ledger.fee_held_with(account, command),
    )
    return INSUFFICIENT_FUNDS if lacks else 0


def replace_funds_reason(ledger: Ledger, order: Order, price_ticks: int, quantity_lots: int) -> int:
    """Whether the account has too little free for what an open order is to become; 0 keeps a value as it is."""
    if order.instructions is not None and order.instructions.held_by:
        return 0
    lots = (quantity_lots or order.quantity_lots) - order.filled_lots
    price = price_ticks or price_to_hold(order)
    if lots <= 0:
        return 0
    freed, freed_fee = ledger.held_of(order), ledger.fee_held_of(order)
    lacks = ledger.lacks(order.account, order.symbol, order.side, price, lots, freed, freed_fee)
    return INSUFFICIENT_FUNDS if lacks else 0
