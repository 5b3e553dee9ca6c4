"""An order against the limits of its account: a reason, or 0 when it may pass.

Only orders of accounts that have limits, or are stopped, come here. The limit of the instrument and the one of all
instruments both hold; of several reasons the lowest is named.
"""

from bus.protocol.reasons import (
    ACCOUNT_STOPPED,
    OPEN_ORDERS_LIMIT,
    ORDER_NOTIONAL_LIMIT,
    ORDER_QUANTITY_LIMIT,
)
from bus.protocol.terms import BUY
from matcher.instruments import Instrument
from matcher.ledger.limits import ALL_INSTRUMENTS, Limit, Limits


def entry_reason(
    limits: Limits,
    instrument: Instrument,
    side: int,
    quantity_lots: int,
    price_ticks: int,
    trigger_ticks: int,
    open_orders: int,
) -> int:
    """Why an order may not enter; `open_orders` are those that its account has in all instruments. O(1)."""
    symbol = instrument.symbol
    own = limits.by_symbol.get(symbol)
    common = limits.by_symbol.get(ALL_INSTRUMENTS)
    if _exceeds_lots(own, quantity_lots) or _exceeds_lots(common, quantity_lots):
        return ORDER_QUANTITY_LIMIT
    notional = quantity_lots * (price_ticks or trigger_ticks or price_to_expect(instrument, side))
    if _exceeds_notional(own, notional) or _exceeds_notional(common, notional):
        return ORDER_NOTIONAL_LIMIT
    if own is not None and 0 < own.open_orders_max <= limits.open_orders.get(symbol, 0):
        return OPEN_ORDERS_LIMIT
    if common is not None and 0 < common.open_orders_max <= open_orders:
        return OPEN_ORDERS_LIMIT
    return ACCOUNT_STOPPED if limits.stopped else 0


def replace_reason(
    limits: Limits,
    instrument: Instrument,
    old_price_ticks: int,
    old_quantity_lots: int,
    price_ticks: int,
    quantity_lots: int,
) -> int:
    """Why an open order may not become this. What it becomes less of is never held against it. O(1)."""
    own = limits.by_symbol.get(instrument.symbol)
    common = limits.by_symbol.get(ALL_INSTRUMENTS)
    if quantity_lots > old_quantity_lots and (
        _exceeds_lots(own, quantity_lots) or _exceeds_lots(common, quantity_lots)
    ):
        return ORDER_QUANTITY_LIMIT
    notional = quantity_lots * price_ticks
    if notional > old_quantity_lots * old_price_ticks and (
        _exceeds_notional(own, notional) or _exceeds_notional(common, notional)
    ):
        return ORDER_NOTIONAL_LIMIT
    return 0


def price_to_expect(instrument: Instrument, side: int) -> int:
    """What an order that names no price is valued at: the best price of the other side, else that of the last trade."""
    opposite = instrument.book.asks if side == BUY else instrument.book.bids
    best = opposite.best
    return best.price_ticks if best is not None else instrument.last_price_ticks


def _exceeds_lots(limit: Limit | None, lots: int) -> bool:
    return limit is not None and 0 < limit.order_lots_max < lots


def _exceeds_notional(limit: Limit | None, notional: int) -> bool:
    return limit is not None and 0 < limit.order_notional_max < notional
