"""The risk of groups: what SetGroupRisk and SetGroupKillSwitch make of it, and what comes of who joins and leaves.

As long as anything is limited of a group each member is counted, and knows it; and with the last word of that, nobody.
"""

from bus.protocol.commands import SetGroupKillSwitch, SetGroupRisk
from bus.protocol.reasons import INVALID_RISK, UNKNOWN_GROUP, UNKNOWN_SYMBOL
from matcher.ledger.account import Account, AccountGroup, member_positions
from matcher.ledger.risk.group import DayLimit, GroupRisk
from matcher.ledger.risk.limits import RiskLimit
from matcher.safety.risking import counted_risk, end_all, forget_risk, keep_limits, stop_group
from matcher.safety.stopping import Stopping
from matcher.safety.traded import traded_today


def set_group_risk(market: Stopping, command: SetGroupRisk) -> int:
    """Limits of what all members have at stake, in the place of those the group had for this symbol.

    O(open orders of all members) for the first ones, O(members, trades that are kept) for the first of the day.
    """
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
    )
    day = DayLimit(command.day_lots_max, command.day_notional_max)
    if not limit.is_valid or day.lots_max < 0 or day.notional_max < 0:
        return INVALID_RISK
    group = state.groups.get(command.group)
    if group is None:
        return UNKNOWN_GROUP
    if market.judging:
        return 0
    # ledger
    risk = _counted(market, group)
    if limit.is_any:
        risk.by_symbol[symbol] = limit
    else:
        risk.by_symbol.pop(symbol, None)
    before = risk.days.pop(symbol, None)
    if day.lots_max or day.notional_max:
        risk.days[symbol] = day
        if before is not None:
            day.lots, day.notional = before.lots, before.notional
        else:
            for account in group.members.values():
                day.traded(*traded_today(account, state.instruments, symbol))
    _forget(group)
    # book, events
    for account in list(group.members.values()):
        keep_limits(market, account)
    return 0


def set_group_kill_switch(market: Stopping, command: SetGroupKillSwitch) -> int:
    """An operator's word: a reason, 0 when it was done. What is on already is told again."""
    # gate
    group = market.state.groups.get(command.group)
    if group is None:
        return UNKNOWN_GROUP
    if market.judging:
        return 0
    # book, ledger, events
    if command.on:
        _counted(market, group)
        stop_group(market, group, command.why)
        return 0
    if group.risk is not None:
        group.risk.stopped = False
        _forget(group)
    market.tell_switched(list(group.members.values()), "", False, 0, command.why, group.name)
    return 0


def joined(
    market: Stopping, account: Account, before: AccountGroup | None, after: AccountGroup | None
) -> None:
    """An account has left one group, where it was in any, and joined another: it counts there, and stops with it."""
    limits = account.limits
    if before is not None and before.risk is not None:
        assert limits is not None, "what is limited of a group is counted of each member"
        assert limits.risk is not None, "what is limited of a group is counted of each member"
        before.risk.take(limits.risk.positions)
        limits.risk.group = None
    if after is not None and after.risk is not None:
        risk = counted_risk(market, account)
        risk.group = after.risk
        after.risk.add(risk.positions)
        if after.risk.stopped:
            end_all(market, account)
            market.tell_switched([account], "", True, 0, "", after.name)
        else:
            keep_limits(market, account)
    forget_risk(account)


def _counted(market: Stopping, group: AccountGroup) -> GroupRisk:
    """The risk of a group, from now on there, with all its members."""
    if group.risk is None:
        group.risk = GroupRisk()
        for account in group.members.values():
            counted_risk(market, account).group = group.risk
        group.risk.count_again(member_positions(group))
    return group.risk


def _forget(group: AccountGroup) -> None:
    """What members have at stake together is forgotten where nothing of that is limited any more."""
    if group.risk is None or group.risk.is_any:
        return
    group.risk = None
    for account in group.members.values():
        limits = account.limits
        assert limits is not None, "what is limited of a group is counted of each member"
        assert limits.risk is not None, "what is limited of a group is counted of each member"
        limits.risk.group = None
        forget_risk(account)
