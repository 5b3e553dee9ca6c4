"""Risking: what SetRisk makes of the risk of an account, and what comes of a limit of it that is reached.

Where an account may only reduce its positions no order is open that could make one larger: those that could end, oldest
first stay as far as all of them together can not.
"""

from bus.protocol.commands import SetRisk
from bus.protocol.reasons import INVALID_RISK, RISK_LIMIT, UNKNOWN_SYMBOL
from bus.protocol.terms import BUY
from bus.protocol.topics import ACCOUNT
from matcher.book.level import Order, open_orders_of
from matcher.counting import count_all
from matcher.gate.risk import is_lost, is_reached, only_reduces
from matcher.ledger.account import Account
from matcher.ledger.limits import Limits
from matcher.ledger.risk.limits import RiskLimit
from matcher.ledger.risk.position import POSITION_LOTS_MAX
from matcher.ledger.risk.risk import Risk
from matcher.safety.stopping import Stopping
from matcher.views import open_symbols

#: Why the engine sets a kill switch.
_DAILY_LOSS = "daily_loss_limit"


def set_risk(market: Stopping, command: SetRisk) -> int:
    """Limits of what an account has at stake, in the place of those it had for this symbol. O(its open orders)."""
    # gate
    state = market.state
    symbol = command.symbol
    if symbol and symbol not in state.instruments:
        return UNKNOWN_SYMBOL
    limit = RiskLimit(
        command.long_lots_max,
        command.short_lots_max,
        command.open_notional_max,
        command.day_loss_max,
        command.loss_stops,
        command.collar_basis_points,
        command.commands_per_fill_max,
        command.commands_from,
        command.reduce_only,
    )
    stated = command.position_lots
    is_known = ACCOUNT.fullmatch(command.account) is not None
    if not is_known or not limit.is_valid or not _may_be_stated(stated, symbol):
        return INVALID_RISK
    if market.judging:
        return 0
    # ledger
    account = state.accounts.get(command.account)
    if account is None:
        account = state.accounts[command.account] = Account(command.account)
    limits = account.limits
    if limits is None:
        limits = account.limits = Limits(open_symbols(account))
    risk = limits.risk
    if risk is None:
        risk = limits.risk = Risk()
        count_all(risk, account, state.instruments, {})
    before = risk.by_symbol.get(symbol)
    if before is not None:
        limit.go_on(before)
    if limit.is_any:
        risk.by_symbol[symbol] = limit
    else:
        risk.by_symbol.pop(symbol, None)
    if stated is not None:
        position = risk.position(symbol)
        position.lots = stated
        position.begin_day(state.instruments[symbol].last_price_ticks)
    if not risk.is_any:
        limits.risk = None
        if not limits.is_any:
            account.limits = None
        return 0
    # book, events
    _keep(market, account)
    return 0


def look_at_risk(market: Stopping) -> None:
    """The accounts that have traded, or may not lose more, are looked at: who has lost too much is held or stopped."""
    while market.at_risk:
        _keep(market, market.at_risk.pop(0))


def _keep(market: Stopping, account: Account) -> None:
    """What the limits of an account ask for is done: it is stopped, or what could make a position larger ends."""
    limits = account.limits
    if limits is None or limits.risk is None or limits.stopped:
        return
    risk = limits.risk
    instruments = market.state.instruments
    for symbol, limit in risk.by_symbol.items():
        if limit.loss_stops and is_reached(limit, risk, instruments, symbol):
            market.stop_account(account, 0, _DAILY_LOSS)
            return
    held = [
        symbol
        for symbol in risk.positions
        if only_reduces(risk, symbol) or is_lost(risk, instruments, symbol)
    ]
    taken = _enlarging(risk, account, held) if held else []
    if taken:
        market.take_out_all(taken, RISK_LIMIT, False)
        market.follow_all(taken)


def _enlarging(risk: Risk, account: Account, symbols: list[str]) -> list[Order]:
    """The open orders that could make a position of the account larger. O(its open orders)."""
    left: dict[tuple[str, int], int] = {}
    together: dict[tuple[int, int], bool] = {}
    taken: list[Order] = []
    for order in open_orders_of(account):
        counted = risk.orders.get(order.sequence)
        if counted is None or order.symbol not in symbols:
            continue
        known = together.get((counted.group, order.side)) if counted.group else None
        if known is None:
            place = (order.symbol, order.side)
            lots = risk.positions[order.symbol].lots
            room = left.get(place, -lots if order.side == BUY else lots)
            needed, _ = risk.counted_with(order.sequence, order.side)
            known = needed <= room
            if known:
                left[place] = room - needed
            if counted.group:
                together[(counted.group, order.side)] = known
        if not known:
            taken.append(order)
    return taken


def _may_be_stated(position_lots: int | None, symbol: str) -> bool:
    """A position is one of an instrument, and leaves room for what is open."""
    if position_lots is None:
        return True
    return symbol != "" and -POSITION_LOTS_MAX <= position_lots <= POSITION_LOTS_MAX
