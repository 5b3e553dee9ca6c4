"""What accounts and groups have at stake as rows of the state, and back. A part of `matcher.codec.state_codec`.

    risk         [limits, positions, valued], or nil
    limits       [symbol, and what a RiskLimit has, in the order of its constructor], as they were set first
    positions    [symbol, lots, flow, unmarked], by symbol; a flow may be of any size, and is written in digits
    valued       [order id, ticks]: the prices that stay of open orders that say none
    of a group   [limits, days, stopped], or nil; days: [symbol, lots_max, notional_max, lots, notional]

What is open, and the positions of groups, follow from the orders and positions of accounts.
"""

import re
from typing import Any, Final

from matcher.counting import count_all, valued_rows
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup, member_positions
from matcher.ledger.risk.group import DayLimit, GroupRisk
from matcher.ledger.risk.limits import RiskLimit
from matcher.ledger.risk.risk import Risk

Row = tuple[Any, ...]

#: A number of any size, as `str` writes it.
_FLOW: Final = re.compile(r"0|-?[1-9][0-9]*")

_LIMIT: Final[Any] = tuple[str, int, int, int, int, bool, int, int, int, bool, int, int]
RISK: Final[Any] = tuple[list[_LIMIT], list[tuple[str, int, str, int]], list[tuple[int, int]]]
GROUP_RISK: Final[Any] = tuple[list[_LIMIT], list[tuple[str, int, int, int, int]], bool]


def risk_row(account: Account) -> Row | None:
    """The risk of an account as a row; None where nothing of it is limited."""
    risk = None if account.limits is None else account.limits.risk
    if risk is None:
        return None
    positions: list[Row] = []
    for symbol in sorted(risk.positions):
        position = risk.positions[symbol]
        if position.is_any:
            positions.append((symbol, position.lots, str(position.flow), position.unmarked))
    return (_limit_rows(risk.by_symbol), positions, valued_rows(risk, account))


def count_risk(row: Row, account: Account, instruments: dict[str, Instrument]) -> None:
    """The risk of a row of an account, and what its open orders, which are linked already, add to it.

    Raises ValueError when it is none.
    """
    known: Row | None = row[14]
    if known is None:
        return
    limits = account.limits
    assert limits is not None, "who has limits of risk has limits"
    risk = limits.risk = Risk()
    for limited in known[0]:
        risk.by_symbol[limited[0]] = RiskLimit(*limited[1:])
    for symbol, lots, flow, unmarked in known[1]:
        if symbol not in instruments or not _FLOW.fullmatch(flow):
            raise ValueError(f"not a state: {account.name} has no such position in {symbol}")
        position = risk.position(symbol)
        position.lots, position.flow, position.unmarked = lots, int(flow), unmarked
    count_all(risk, account, instruments, dict(known[2]))


def group_risk_row(risk: GroupRisk | None) -> Row | None:
    """The risk of a group as a row; None where nothing of it is limited."""
    if risk is None:
        return None
    days: list[Row] = []
    for symbol, day in risk.days.items():
        days.append((symbol, day.lots_max, day.notional_max, day.lots, day.notional))
    return (_limit_rows(risk.by_symbol), days, risk.stopped)


def count_group_risk(row: Row | None, group: AccountGroup) -> None:
    """The risk of a group, with that of its members, which is there. Raises ValueError when one has none."""
    if row is None:
        return
    group.risk = risk = GroupRisk()
    for limited in row[0]:
        risk.by_symbol[limited[0]] = RiskLimit(*limited[1:])
    for day in row[1]:
        risk.days[day[0]] = DayLimit(*day[1:])
    risk.stopped = row[2]
    for name, account in group.members.items():
        limits = account.limits
        if limits is None or limits.risk is None:
            raise ValueError(f"not a state: {name} is in group {group.name} and is not counted there")
        limits.risk.group = risk
    risk.count_again(member_positions(group))


def _limit_rows(by_symbol: dict[str, RiskLimit]) -> list[Row]:
    rows: list[Row] = []
    for symbol, one in by_symbol.items():
        rows.append(
            (
                symbol,
                one.long_lots_max,
                one.short_lots_max,
                one.open_notional_max,
                one.day_loss_max,
                one.loss_stops,
                one.collar_basis_points,
                one.commands_per_fill_max,
                one.commands_from,
                one.reduce_only,
                one.commands,
                one.fills,
            )
        )
    return rows
