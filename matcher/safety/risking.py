"""Risking: what SetRisk makes of the risk of an account, and what comes of a limit of it that is reached.

Where an account may only reduce its positions no order is open that could make one larger: those that could end, oldest
first stay as far as all of them together can not.
"""

from typing import Final

from bus.protocol.commands import SetRisk
from bus.protocol.reasons import INVALID_RISK, KILL_SWITCH, RISK_LIMIT, UNKNOWN_SYMBOL
from bus.protocol.terms import BUY
from bus.protocol.topics import ACCOUNT
from matcher.book.level import Order, open_orders_of
from matcher.counting import count_all
from matcher.gate.risk import is_lost, is_reached, only_reduces
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.limits import Limits
from matcher.ledger.risk.group import GroupRisk
from matcher.ledger.risk.limits import RiskLimit
from matcher.ledger.risk.position import POSITION_LOTS_MAX, Position
from matcher.ledger.risk.risk import Risk
from matcher.safety.stopping import Stopping
from matcher.views import open_symbols

#: Why the engine sets a kill switch.
DAILY_LOSS: Final = "daily_loss_limit"


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
    risk = counted_risk(market, account)
    before = risk.by_symbol.get(symbol)
    if before is not None:
        limit.go_on(before)
    if limit.is_any:
        risk.by_symbol[symbol] = limit
    else:
        risk.by_symbol.pop(symbol, None)
    if stated is not None:
        position = risk.position(symbol)
        if risk.group is not None:
            risk.group.position(symbol).take(position)
        position.lots = stated
        position.begin_day(state.instruments[symbol].last_price_ticks)
        if risk.group is not None:
            risk.group.position(symbol).add(position)
    forget_risk(account)
    # book, events
    keep_limits(market, account)
    return 0


def counted_risk(market: Stopping, account: Account) -> Risk:
    """The risk of an account, from now on there: all that is open counts. O(its open orders) the first time."""
    limits = account.limits
    if limits is None:
        limits = account.limits = Limits(open_symbols(account))
    risk = limits.risk
    if risk is None:
        risk = limits.risk = Risk()
        count_all(risk, account, market.state.instruments, {})
    return risk


def forget_risk(account: Account) -> None:
    """What an account has at stake is forgotten where nothing of that is limited any more."""
    limits = account.limits
    if limits is None:
        return
    if limits.risk is not None and not limits.risk.is_any:
        limits.risk = None
    if not limits.is_any:
        account.limits = None


def look_at_risk(market: Stopping) -> None:
    """The accounts that have traded, or may not lose more, are looked at: who has lost too much is held or stopped."""
    while market.at_risk:
        keep_limits(market, market.at_risk.pop(0))


def keep_limits(market: Stopping, account: Account) -> None:
    """What the limits of an account and of its group ask for is done: they are stopped, or what could make a position
    larger ends. O(open orders), of all members where their loss is too large.
    """
    limits = account.limits
    if limits is None or limits.risk is None or limits.is_stopped:
        return
    risk = limits.risk
    if _stops(market, risk.by_symbol, risk.positions):
        market.stop_account(account, 0, DAILY_LOSS)
        return
    members = [account]
    group = account.group
    if risk.group is not None and group is not None and _loses(market, risk.group):
        if _stops(market, risk.group.by_symbol, risk.group.positions):
            stop_group(market, group, DAILY_LOSS)
            return
        members = list(group.members.values())
    for member in members:
        _end_enlarging(market, member)


def stop_group(market: Stopping, group: AccountGroup, why: str) -> None:
    """The kill switch of a group, whose risk is counted, is on: all open orders of all members end. O(these)."""
    risk = group.risk
    assert risk is not None, "a stopped group has risk"
    risk.stopped = True
    members = list(group.members.values())
    for member in members:
        end_all(market, member)
    market.tell_switched(members, "", True, 0, why, group.name)


def end_all(market: Stopping, account: Account) -> None:
    """All open orders of an account that is stopped with its group end, oldest first."""
    limits = account.limits
    assert limits is not None, "what is limited of a group is counted of each member"
    limits.rejected_ns.clear()
    taken = open_orders_of(account)
    market.take_out_all(taken, KILL_SWITCH, False)
    market.follow_all(taken)


def _stops(market: Stopping, by_symbol: dict[str, RiskLimit], positions: dict[str, Position]) -> bool:
    """Whether a loss is reached for which a kill switch is to be set."""
    instruments = market.state.instruments
    for symbol, limit in by_symbol.items():
        if limit.loss_stops and is_reached(limit, positions, instruments, symbol):
            return True
    return False


def _loses(market: Stopping, group: GroupRisk) -> bool:
    """Whether the members of a group have lost all that they may, in anything."""
    instruments = market.state.instruments
    return any(
        is_reached(limit, group.positions, instruments, symbol) for symbol, limit in group.by_symbol.items()
    )


def _end_enlarging(market: Stopping, account: Account) -> None:
    """What an account has open that could make a position larger, where it must not become so, ends."""
    limits = account.limits
    if limits is None or limits.risk is None:
        return
    risk = limits.risk
    group = risk.group
    instruments = market.state.instruments
    held = [
        symbol
        for symbol in risk.positions
        if only_reduces(risk, symbol)
        or is_lost(risk.by_symbol, risk.positions, instruments, symbol)
        or (group is not None and is_lost(group.by_symbol, group.positions, instruments, symbol))
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
