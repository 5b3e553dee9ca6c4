"""Grouping: accounts are put into groups, of which an operator says things once (docs/rules.md, chapter GROUP)."""

from typing import Final

from bus.protocol.commands import JoinGroup, SetGroup
from bus.protocol.reasons import INVALID_GROUP, NO_CLEARING, REBATE_UNPAID
from bus.protocol.terms import RATE_ONE
from bus.protocol.topics import ACCOUNT
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.fees.schedule import pays_for_its_rebates
from matcher.reporting import Reporting
from matcher.safety.group_risk import joined
from matcher.safety.stopping import Stopping

#: Groups are state, and each checkpoint has them all.
GROUPS_MAX: Final = 1_000


def set_group(market: Reporting, command: SetGroup) -> int:
    """A group is there from now on, with this discount; a reason, 0 when it is."""
    # gate
    state = market.state
    group = state.groups.get(command.group)
    if ACCOUNT.fullmatch(command.group) is None or not 0 <= command.discount <= RATE_ONE:
        return INVALID_GROUP
    if group is None and len(state.groups) >= GROUPS_MAX:
        return INVALID_GROUP
    if command.discount and state.ledger is None:
        return NO_CLEARING
    if command.discount and state.ledger is not None:
        for product in state.ledger.products.values():
            fees = product.fees
            if fees is not None and not pays_for_its_rebates(fees.schedule, command.discount):
                return REBATE_UNPAID
    if market.judging:
        return 0
    # ledger
    if group is None:
        state.groups[command.group] = AccountGroup(command.group, command.discount)
    else:
        group.give(command.discount)
    return 0


def join_group(market: Stopping, command: JoinGroup) -> int:
    """An account is in this group and in no other from now on, or in none; a reason, 0 when it is."""
    # gate
    state = market.state
    if ACCOUNT.fullmatch(command.account) is None or (command.group and command.group not in state.groups):
        return INVALID_GROUP
    if market.judging:
        return 0
    # ledger
    account = state.accounts.get(command.account)
    if account is None:
        if not command.group:
            return 0
        account = state.accounts[command.account] = Account(command.account)
    before = account.group
    after = state.groups[command.group] if command.group else None
    if before is after:
        return 0
    if before is not None:
        del before.members[account.name]
    if after is not None:
        after.members[account.name] = account
    account.group = after
    joined(market, account, before, after)
    return 0
