"""Limiting: what SetLimits makes of the limits of an account."""

from bus.protocol.commands import SetLimits
from bus.protocol.reasons import INVALID_LIMITS, UNKNOWN_SYMBOL
from bus.protocol.topics import ACCOUNT
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.reporting import Reporting
from matcher.safety.traded import traded_today
from matcher.views import open_symbols


def set_limits(market: Reporting, command: SetLimits) -> int:
    """Limits of an account, in the place of those it had for this symbol.

    O(its open orders) for the first ones, O(trades that are kept) for the first of the day.
    """
    # gate
    state = market.state
    symbol = command.symbol
    if symbol and symbol not in state.instruments:
        return UNKNOWN_SYMBOL
    limit = Limit(
        command.order_lots_max,
        command.order_notional_max,
        command.open_orders_max,
        command.rejects_max,
        command.rejects_window_ms,
        command.day_lots_max,
        command.day_notional_max,
        command.commands_per_s_max,
    )
    if ACCOUNT.fullmatch(command.account) is None or not limit.is_valid(symbol):
        return INVALID_LIMITS
    if market.judging:
        return 0
    # ledger
    account = state.accounts.get(command.account)
    if account is None:
        if not limit.is_any:
            return 0
        account = Account(command.account)
        state.accounts[command.account] = account
    limits = account.limits
    if limits is None:
        if not limit.is_any:
            return 0
        limits = account.limits = Limits(open_symbols(account))
    before = limits.by_symbol.get(symbol)
    if before is not None:
        limit.go_on(before)
    if limit.is_of_day and (before is None or not before.is_of_day):
        limit.day_lots, limit.day_notional = traded_today(account, state.instruments, symbol)
    if limit.is_any:
        limits.by_symbol[symbol] = limit
    else:
        limits.by_symbol.pop(symbol, None)
    if not symbol and not limit.rejects_max:
        limits.rejected_ns.clear()
    if not limits.is_any:
        account.limits = None
    return 0
