"""Expiry: what is due by now ends, before the command or record that is under way does anything.

So an order whose time is over never meets anybody. What ends here is reported and published under the sequence and time
of the command at which it ended, in order of (deadline, number), and nobody has asked for it. All that is due ends at
once: a command behind a midnight pays for the day orders of that day. O(what is due, log timers each).
"""

from bus.protocol.reasons import CANCEL_ALL_AFTER, EXPIRED
from matcher.book.level import Order
from matcher.following import Following
from matcher.ledger.account import Account


def end_due(market: Following) -> None:
    """End the orders and countdowns of the state that are due at the time of the command; while judging nothing is."""
    if market.judging:
        return
    timers = market.state.timers
    if timers.next_due_ns > market.time_ns:
        return
    if timers.day_end_ns <= market.time_ns:
        timers.begin_day(market.time_ns)
        for instrument in market.state.instruments.values():
            instrument.kept.begin_day(instrument.next_trade_id)
    ended: list[Order] = []
    expired: list[Order] = []
    while True:
        timer = timers.take_due(market.time_ns)
        if timer is None:
            break
        _, _, order, account = timer
        if order is not None:
            expired.append(order)
        else:
            assert account is not None, "a timer is of an order or of an account"
            market.take_out_all(expired, EXPIRED, False)
            ended += expired
            expired = []
            ended += _end_all(market, account)
    market.take_out_all(expired, EXPIRED, False)
    ended += expired
    market.follow_all(ended)


def _end_all(market: Following, account: Account) -> list[Order]:
    """A countdown has run out: so do all orders that its account has open, oldest first. It is not started again."""
    account.countdown_ns = account.countdown_number = 0
    taken: list[Order] = []
    for order in account.open.values():
        assert isinstance(order, Order)
        taken.append(order)
    market.take_out_all(taken, CANCEL_ALL_AFTER, False)
    return taken
