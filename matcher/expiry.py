"""Expiry: what is due by now ends, before the command or record that is under way does anything.

So an order whose time is over never meets anybody. What ends here is reported and published under the sequence and time
of the command at which it ended, in order of (deadline, number), and nobody has asked for it. All that is due ends at
once: a command behind a midnight pays for the day orders of that day. O(what is due, log timers each).
"""

from bus.protocol.reasons import CANCEL_ALL_AFTER, EXPIRED
from matcher.book.level import Level, Order, open_orders_of
from matcher.day.phases import end_stage
from matcher.day.scheduling import begin_row
from matcher.following import Following
from matcher.instruments import Instrument
from matcher.ledger.account import Account, member_positions
from matcher.safety.breaking import look_at_breakers
from matcher.timers import OF_AUCTION, OF_SCHEDULE, kind_of


def end_due(market: Following) -> None:
    """End the orders, countdowns and phases that are due at the time of the command; while judging nothing is."""
    if market.judging:
        return
    timers = market.state.timers
    if timers.next_due_ns > market.time_ns:
        return
    if timers.day_end_ns <= market.time_ns:
        timers.begin_day(market.time_ns)
        for instrument in market.state.instruments.values():
            instrument.kept.begin_day(instrument.next_trade_id)
            instrument.day_reference_ticks = instrument.last_price_ticks
        last_ticks: dict[str, int] = {}
        for symbol, instrument in market.state.instruments.items():
            last_ticks[symbol] = instrument.last_price_ticks
        for account in market.state.accounts.values():
            if account.limits is not None:
                account.limits.begin_day(last_ticks)
        for group in market.state.groups.values():
            if group.risk is not None:
                group.risk.begin_day()
                group.risk.count_again(member_positions(group))
        breakers = market.state.breakers
        if breakers is not None:
            breakers.tripped = 0
            breakers.begin(market.state.instruments)
    levels: list[tuple[Instrument, Level]] = []
    ended: list[Order] = []
    while True:
        timer = timers.take_due(market.time_ns)
        if timer is None:
            break
        subject = timer[3]
        if isinstance(subject, Order):
            over, reason = [subject], EXPIRED
        elif isinstance(subject, Account):
            over, reason = _run_out(subject), CANCEL_ALL_AFTER
        else:
            # What was due before has ended with all that follows when a phase does.
            market.publish_levels(levels)
            market.follow_all(ended)
            levels, ended = [], []
            kind = kind_of(timer)
            if kind == OF_AUCTION:
                market.tell_indicative(subject)
                continue
            if kind == OF_SCHEDULE:
                begin_row(market, subject)
            else:
                end_stage(market, subject)
            look_at_breakers(market)
            continue
        market.withdraw(over, reason, False, levels)
        ended += over
    market.publish_levels(levels)
    market.follow_all(ended)
    look_at_breakers(market)


def _run_out(account: Account) -> list[Order]:
    """A countdown has run out, and is not started again: the orders that its account has open, oldest first."""
    account.countdown_ns = account.countdown_number = 0
    return open_orders_of(account)
