"""Operating: commands by which an operator rules over accounts and trades, rather than over instruments and time.

Each takes the market and a command, and gives a reason, 0 when it was carried out. Whether an operator asked was looked
at before (`matcher.engine`).
"""

from bus.protocol import reasons
from bus.protocol.commands import SetLimits
from bus.protocol.topics import ACCOUNT
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.reporting import Reporting
from matcher.views import open_symbols


def set_limits(market: Reporting, command: SetLimits) -> int:
    """Limits of an account, in the place of those it had for this symbol. O(its open orders), for the first ones."""
    # gate
    state = market.state
    symbol = command.symbol
    if symbol and symbol not in state.instruments:
        return reasons.UNKNOWN_SYMBOL
    if (
        ACCOUNT.fullmatch(command.account) is None
        or command.order_lots_max < 0
        or command.order_notional_max < 0
        or command.open_orders_max < 0
    ):
        return reasons.INVALID_LIMITS
    if market.judging:
        return 0
    # ledger
    account = state.accounts.get(command.account)
    limited = command.order_lots_max or command.order_notional_max or command.open_orders_max
    if account is None:
        if not limited:
            return 0
        account = Account(command.account)
        state.accounts[command.account] = account
    limits = account.limits
    if limited:
        if limits is None:
            limits = account.limits = Limits(open_symbols(account))
        limits.by_symbol[symbol] = Limit(
            command.order_lots_max, command.order_notional_max, command.open_orders_max
        )
    elif limits is not None:
        limits.by_symbol.pop(symbol, None)
        if not limits.by_symbol:
            account.limits = None
    return 0
