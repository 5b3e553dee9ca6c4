"""What accounts may do at most, beside how it is now: asked of the engine by its operator, and shown in decimals.

account  symbol   limit          at most  now
alice    BTC-USD  long                 5    2
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from rich.table import Table

from bus.protocol.control import (
    GroupRiskState,
    LimitedAccount,
    LimitState,
    PositionState,
    RiskState,
    Safeguards,
)
from bus.protocol.terms import OPERATOR
from bus.sockets.client import Client
from bus.sockets.session.prices import Scale
from tools import options
from tools.decoded import json_line, named
from tools.operating import operator_name
from tools.showing import plain_table, short, show

#: What is limited, at most, and how it is now.
Row = tuple[str, str, str]


def show_safeguards(
    tables: Callable[[Client, Safeguards], Iterable[Table]],
    data: str,
    token_file: options.TokenFile,
    port_base: int,
    connect: str,
    timeout: float,
    as_json: bool,
    who: options.As,
) -> None:
    """The tables that are made of what is limited; as JSON accounts and groups, one a line, in ticks and lots."""
    token = options.operator_token(data, token_file)
    name = operator_name(who)
    with Client(connect, port_base, account=name, role=OPERATOR, token=token, timeout=timeout) as client:
        found = client.safeguards()
        if as_json:
            for one in (*_by_name(found.accounts), *sorted(found.groups, key=lambda one: one.group)):
                print(json_line(named(one)))
            return
        for table in tables(client, found):
            show(table)


def limit_tables(client: Client, found: Safeguards) -> Iterable[Table]:
    """Limits of orders, of their number, and of what is traded in a day."""
    table = _table("limits", "account")
    for account in _by_name(found.accounts):
        for limit in account.limits:
            for row in _limit_rows(_scale(client, limit.symbol), limit):
                table.add_row(account.account, limit.symbol or "all", *row)
    yield table


def risk_tables(client: Client, found: Safeguards) -> Iterable[Table]:
    """Limits of what is at stake, and positions, of accounts and then of groups, where there are any."""
    limits, positions = _table("risk", "account"), _positions("positions", "account")
    for account in _by_name(found.accounts):
        held = {position.symbol: position for position in account.positions}
        for limit in account.risk:
            for row in _risk_rows(_scale(client, limit.symbol), limit, held.get(limit.symbol)):
                limits.add_row(account.account, limit.symbol or "all", *row)
        _add_positions(positions, client, account.account, account.positions)
    together, of_groups = _table("risk of groups", "group"), _positions("positions of groups", "group")
    for group in sorted(found.groups, key=lambda one: one.group):
        held = {position.symbol: position for position in group.positions}
        if group.stopped:
            together.add_row(group.group, "all", "kill switch", "", "on")
        for state in group.risk:
            for row in _group_rows(_scale(client, state.symbol), state, held.get(state.symbol)):
                together.add_row(group.group, state.symbol or "all", *row)
        _add_positions(of_groups, client, group.group, group.positions)
    yield limits
    yield from (table for table in (positions, together, of_groups) if table.row_count)


def _by_name(accounts: list[LimitedAccount]) -> list[LimitedAccount]:
    return sorted(accounts, key=lambda one: one.account)


def _positions(title: str, whose: str) -> Table:
    columns = (whose, "symbol", ">position", ">buying", ">selling", ">open notional", ">day's result")
    return plain_table(title, columns)


def _add_positions(table: Table, client: Client, name: str, positions: list[PositionState]) -> None:
    for position in positions:
        scale = client.scale(position.symbol)
        lots = (position.position_lots, position.buying_lots, position.selling_lots)
        amounts = (position.open_notional, position.day_result)
        table.add_row(
            name,
            position.symbol,
            *(short(scale.quantity(one)) for one in lots),
            *(short(scale.amount(one)) for one in amounts),
        )


def _table(title: str, whose: str) -> Table:
    return plain_table(title, (whose, "symbol", "limit", ">at most", ">now"))


def _scale(client: Client, symbol: str) -> Scale | None:
    return client.scale(symbol) if symbol else None


def _quantity(scale: Scale | None, lots: int) -> str:
    return f"{lots} lots" if scale is None else short(scale.quantity(lots))


def _amount(scale: Scale | None, tick_lots: int) -> str:
    return f"{tick_lots} ticks x lots" if scale is None else short(scale.amount(tick_lots))


def _limit_rows(scale: Scale | None, limit: LimitState) -> Iterable[Row]:
    if limit.order_lots_max:
        yield "order", _quantity(scale, limit.order_lots_max), ""
    if limit.order_notional_max:
        yield "order notional", _amount(scale, limit.order_notional_max), ""
    if limit.open_orders_max:
        yield "open orders", str(limit.open_orders_max), ""
    if limit.day_lots_max:
        yield "a day", _quantity(scale, limit.day_lots_max), _quantity(scale, limit.day_lots)
    if limit.day_notional_max:
        yield "a day's notional", _amount(scale, limit.day_notional_max), _amount(scale, limit.day_notional)
    if limit.commands_per_s_max:
        yield "commands a second", str(limit.commands_per_s_max), ""
    if limit.rejects_max:
        yield f"rejects in {short(Decimal(limit.rejects_window_ms) / 1000)} s", str(limit.rejects_max), ""


def _risk_rows(scale: Scale | None, limit: RiskState, position: PositionState | None) -> Iterable[Row]:
    yield from _stake_rows(scale, limit, position)
    if limit.collar_basis_points:
        yield "from the last price", f"{limit.collar_basis_points} bp", ""
    if limit.commands_per_fill_max:
        name = f"commands a fill, from {limit.commands_from} on"
        yield name, str(limit.commands_per_fill_max), f"{limit.commands} for {limit.fills}"
    if limit.reduce_only:
        yield "reduces only", "", _held(scale, position)


def _group_rows(scale: Scale | None, limit: GroupRiskState, position: PositionState | None) -> Iterable[Row]:
    yield from _stake_rows(scale, limit, position)
    if limit.day_lots_max:
        yield "a day", _quantity(scale, limit.day_lots_max), _quantity(scale, limit.day_lots)
    if limit.day_notional_max:
        yield "a day's notional", _amount(scale, limit.day_notional_max), _amount(scale, limit.day_notional)


def _stake_rows(
    scale: Scale | None, limit: RiskState | GroupRiskState, position: PositionState | None
) -> Iterable[Row]:
    if limit.long_lots_max:
        yield "long", _quantity(scale, limit.long_lots_max), _held(scale, position)
    if limit.short_lots_max:
        yield "short", _quantity(scale, limit.short_lots_max), _held(scale, position)
    if limit.open_notional_max:
        yield "open notional", _amount(scale, limit.open_notional_max), _amount(scale, limit.open_notional)
    if limit.day_loss_max:
        name = "a day's loss, then stopped" if limit.loss_stops else "a day's loss"
        yield name, _amount(scale, limit.day_loss_max), _amount(scale, max(0, -limit.day_result))


def _held(scale: Scale | None, position: PositionState | None) -> str:
    """The position of an instrument; of all there is none."""
    return "" if scale is None else _quantity(scale, position.position_lots if position else 0)
