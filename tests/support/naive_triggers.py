"""Orders that wait for a price, in the naive exchange: all of them are looked at, for each trade."""

from bus.protocol import terms
from bus.protocol.commands import EnterOrder
from tests.support.naive_matching import NaiveOrder

TAKE_PROFITS = (terms.TAKE_PROFIT, terms.TAKE_PROFIT_LIMIT)
WITH_A_TRIGGER = (terms.STOP, terms.STOP_LIMIT, *TAKE_PROFITS)
WAITING_TYPES = (*WITH_A_TRIGGER, terms.TRAILING_STOP)
#: They are market orders, or become one.
AT_MARKET = (terms.MARKET, terms.STOP, terms.TAKE_PROFIT, terms.TRAILING_STOP)


def waits_for_a_rise(entered: EnterOrder) -> bool:
    """A buyer's stop waits above the market, a seller's below; a take-profit on the other side."""
    is_above = entered.side == terms.BUY
    return not is_above if entered.order_type in TAKE_PROFITS else is_above


def is_reached(entered: EnterOrder, trigger: int, price: int) -> bool:
    """Whether a trade at this price reaches the trigger, or goes beyond it."""
    return price >= trigger if waits_for_a_rise(entered) else price <= trigger


def trigger_of(order: NaiveOrder) -> int:
    """Where it stands; 0 for a trailing stop that has seen no trade."""
    entered = order.entered
    if entered.order_type != terms.TRAILING_STOP:
        return entered.trigger_price_ticks
    if not order.best_price:
        return 0
    distance = entered.trail_ticks
    if not distance:
        # Rounded up to a whole tick.
        distance = (order.best_price * entered.trail_basis_points + 9_999) // 10_000
    return order.best_price + distance if order.side == terms.BUY else order.best_price - distance


def triggered_by_trade(waiting: list[NaiveOrder], price: int) -> list[NaiveOrder]:
    """Whom a trade triggers: those that waited for a rise, then the others, nearest trigger first, then the oldest."""
    reached = []
    for order in waiting:
        if order.entered.order_type == terms.TRAILING_STOP:
            better = min if order.side == terms.BUY else max
            order.best_price = better(order.best_price, price) if order.best_price else price
        if is_reached(order.entered, trigger_of(order), price):
            reached.append(order)
    rising = [order for order in reached if waits_for_a_rise(order.entered)]
    falling = [order for order in reached if not waits_for_a_rise(order.entered)]
    rising.sort(key=lambda order: (trigger_of(order), order.order_id))
    falling.sort(key=lambda order: (-trigger_of(order), order.order_id))
    return rising + falling


def become_active(order: NaiveOrder) -> None:
    """From its trigger on it is a limit order, or a market order that is IOC."""
    order.status = terms.RESTING
    if order.entered.order_type in AT_MARKET:
        order.order_type, order.time_in_force = terms.MARKET, terms.IOC
    else:
        order.order_type = terms.LIMIT
