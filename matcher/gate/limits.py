"""An order against the limits of its account: a reason, or 0 when it may pass.

Only orders of accounts that have limits, or are stopped, come here. The limit of the instrument and the one of all
instruments both hold; of several reasons the lowest is named.
"""

from bus.protocol.reasons import (
    ACCOUNT_STOPPED,
    DAY_NOTIONAL_LIMIT,
    DAY_QUANTITY_LIMIT,
    MESSAGE_RATE_LIMIT,
    OPEN_ORDERS_LIMIT,
    ORDER_NOTIONAL_LIMIT,
    ORDER_QUANTITY_LIMIT,
)
from bus.protocol.terms import BUY
from matcher.instruments import Instrument
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.risk.limits import ALL_INSTRUMENTS


def entry_reason(
    limits: Limits,
    instrument: Instrument,
    side: int,
    quantity_lots: int,
    price_ticks: int,
    trigger_ticks: int,
    open_orders: int,
    hurries: bool,
) -> int:
    """Why an order may not enter; `open_orders` are those that its account has in all instruments. O(1).

    `hurries`: there are too many commands in this second.
    """
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
    if limits.is_stopped:
        return ACCOUNT_STOPPED
    if hurries:
        return MESSAGE_RATE_LIMIT
    return _day_reason(own, common, quantity_lots, notional)


def replace_reason(
    limits: Limits,
    instrument: Instrument,
    old_price_ticks: int,
    old_quantity_lots: int,
    price_ticks: int,
    quantity_lots: int,
    filled_lots: int,
    hurries: bool,
) -> int:
    """Why an open order may not become this. What it becomes less of is never held against it. O(1)."""
    own = limits.by_symbol.get(instrument.symbol)
    common = limits.by_symbol.get(ALL_INSTRUMENTS)
    if quantity_lots > old_quantity_lots and (
        _exceeds_lots(own, quantity_lots) or _exceeds_lots(common, quantity_lots)
    ):
        return ORDER_QUANTITY_LIMIT
    notional = quantity_lots * price_ticks
    dearer = notional > old_quantity_lots * old_price_ticks
    if dearer and (_exceeds_notional(own, notional) or _exceeds_notional(common, notional)):
        return ORDER_NOTIONAL_LIMIT
    if hurries:
        return MESSAGE_RATE_LIMIT
    # What is filled already is among what was traded, if that was today.
    left_lots = quantity_lots - filled_lots
    return _day_reason(
        own,
        common,
        left_lots if quantity_lots > old_quantity_lots else 0,
        left_lots * price_ticks if dearer else 0,
    )


def price_to_expect(instrument: Instrument, side: int) -> int:
    """What an order that names no price is valued at: the best price of the other side, else that of the last trade.

    Where market orders collect for an auction the other side has no best price.
    """
    opposite = instrument.book.asks if side == BUY else instrument.book.bids
    best = opposite.best
    price: int = instrument.last_price_ticks
    return best.price_ticks if best is not None and best.price_ticks else price


def _day_reason(own: Limit | None, common: Limit | None, lots: int, notional: int) -> int:
    """Why so much may not be traded today; 0 for what it becomes no more of."""
    if lots and (_exceeds_day_lots(own, lots) or _exceeds_day_lots(common, lots)):
        return DAY_QUANTITY_LIMIT
    if notional and (_exceeds_day_notional(own, notional) or _exceeds_day_notional(common, notional)):
        return DAY_NOTIONAL_LIMIT
    return 0


def _exceeds_day_lots(limit: Limit | None, lots: int) -> bool:
    return limit is not None and 0 < limit.day_lots_max < limit.day_lots + lots


def _exceeds_day_notional(limit: Limit | None, notional: int) -> bool:
    return limit is not None and 0 < limit.day_notional_max < limit.day_notional + notional


def _exceeds_lots(limit: Limit | None, lots: int) -> bool:
    return limit is not None and 0 < limit.order_lots_max < lots


def _exceeds_notional(limit: Limit | None, notional: int) -> bool:
    return limit is not None and 0 < limit.order_notional_max < notional
