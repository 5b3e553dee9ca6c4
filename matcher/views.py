"""Views: the state as a reader is shown it, in the shapes of the protocol."""

from typing import Any

from msgspec.structs import astuple

from bus.protocol.commands import ENTER_ORDER, SetFees
from bus.protocol.terms import NUMBER_MAX
from matcher.book.level import open_orders_of
from matcher.gate.risk import open_notional, result_of_day
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.fees.charging import tier_of
from matcher.ledger.fees.fees_codec import schedule_row
from matcher.ledger.fees.volume import day_of
from matcher.ledger.limits import Limit
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.risk.group import DayLimit, GroupRisk
from matcher.ledger.risk.limits import RiskLimit
from matcher.ledger.risk.position import Position
from matcher.ledger.risk.risk import Risk
from matcher.safety.breakers import Breakers

Row = tuple[int, int, int]


def open_orders(account: Account, instruments: dict[str, Instrument]) -> list[tuple[Any, ...]]:
    """Rows in the shape of `bus.protocol.control.OpenOrder`, oldest first. O(open orders)."""
    rows: list[tuple[Any, ...]] = []
    for order in open_orders_of(account):
        entered: tuple[Any, ...] = (
            ENTER_ORDER,
            order.request_id,
            order.symbol,
            order.side,
            order.entered_quantity_lots,
            order.entered_price_ticks,
            order.order_type,
            order.time_in_force,
            order.flags,
        )
        if order.instructions is not None:
            entered = (ENTER_ORDER, *astuple(order.instructions.command))
        watch = instruments[order.symbol].watch
        waits = watch is not None and order.sequence in watch.waiting
        rows.append(
            (
                order.sequence,
                entered,
                order.price_ticks,
                order.quantity_lots,
                order.filled_lots,
                order.status,
                watch.trigger_ticks(order) if watch is not None and waits else 0,
            )
        )
    return rows


def safeguards(
    breakers: Breakers | None,
    accounts: dict[str, Account],
    groups: dict[str, AccountGroup],
    instruments: dict[str, Instrument],
) -> tuple[Any, ...]:
    """A row in the shape of `bus.protocol.control.Safeguards`, from its breakers on. O(accounts)."""
    market = None
    if breakers is not None:
        market = (
            breakers.symbol,
            list(breakers.levels),
            breakers.auction_ms,
            breakers.random_ms,
            breakers.tripped,
        )
    limited: list[tuple[Any, ...]] = []
    for account in accounts.values():
        limits = account.limits
        if limits is not None:
            rows = [limit_row(symbol, limit) for symbol, limit in limits.by_symbol.items()]
            risk, positions = ([], []) if limits.risk is None else risk_rows(limits.risk, instruments)
            limited.append((account.name, limits.stopped, rows, risk, positions))
    grouped: list[tuple[Any, ...]] = []
    for group in groups.values():
        if group.risk is not None:
            limits_of, positions = group_rows(group.risk, instruments)
            grouped.append((group.name, group.risk.stopped, limits_of, positions, list(group.members)))
    return (market, limited, grouped)


def limit_row(symbol: str, limit: Limit) -> tuple[Any, ...]:
    """A row in the shape of `bus.protocol.control.LimitState`."""
    return (
        symbol,
        limit.order_lots_max,
        limit.order_notional_max,
        limit.open_orders_max,
        limit.rejects_max,
        limit.rejects_window_ms,
        limit.day_lots_max,
        limit.day_notional_max,
        limit.commands_per_s_max,
        limit.day_lots,
        limit.day_notional,
    )


def risk_rows(
    risk: Risk, instruments: dict[str, Instrument]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows in the shapes of `bus.protocol.control.RiskState` and `PositionState`. O(positions)."""
    limits: list[tuple[Any, ...]] = []
    for symbol, limit in risk.by_symbol.items():
        limits.append(
            (
                symbol,
                limit.long_lots_max,
                limit.short_lots_max,
                limit.open_notional_max,
                limit.day_loss_max,
                limit.loss_stops,
                limit.collar_basis_points,
                limit.commands_per_fill_max,
                limit.commands_from,
                limit.reduce_only,
                _told(open_notional(risk.positions, symbol)),
                _told(result_of_day(risk.positions, instruments, symbol)),
                limit.commands,
                limit.fills,
            )
        )
    return limits, position_rows(risk.positions, instruments)


def group_rows(
    risk: GroupRisk, instruments: dict[str, Instrument]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows in the shapes of `bus.protocol.control.GroupRiskState` and `PositionState`. O(positions)."""
    limits: list[tuple[Any, ...]] = []
    none = RiskLimit(0, 0, 0, 0, False)
    for symbol in dict.fromkeys([*risk.by_symbol, *risk.days]):
        limit = risk.by_symbol.get(symbol, none)
        day = risk.days.get(symbol, DayLimit(0, 0))
        limits.append(
            (
                symbol,
                limit.long_lots_max,
                limit.short_lots_max,
                limit.open_notional_max,
                day.lots_max,
                day.notional_max,
                limit.day_loss_max,
                limit.loss_stops,
                _told(open_notional(risk.positions, symbol)),
                day.lots,
                day.notional,
                _told(result_of_day(risk.positions, instruments, symbol)),
            )
        )
    return limits, position_rows(risk.positions, instruments)


def position_rows(
    positions: dict[str, Position], instruments: dict[str, Instrument]
) -> list[tuple[Any, ...]]:
    """Rows in the shape of `bus.protocol.control.PositionState`, in order of their symbols."""
    rows: list[tuple[Any, ...]] = []
    for symbol in sorted(positions):
        position = positions[symbol]
        result = position.result(instruments[symbol].last_price_ticks)
        open_lots = (position.buying, position.selling, _told(position.open_notional))
        rows.append((symbol, _told(position.lots), *open_lots, _told(result)))
    return rows


def _told(amount: int) -> int:
    """What the wire carries of an amount."""
    return max(-NUMBER_MAX, min(amount, NUMBER_MAX))


def balances(account: Account, ledger: Ledger) -> list[tuple[Any, ...]]:
    """Rows in the shape of `bus.protocol.control.BalanceState`, in order of the first movement of each asset."""
    return [
        (asset, ledger.assets[asset], balance.total, balance.held)
        for asset, balance in account.balances.items()
    ]


def assets(external: Account | None, ledger: Ledger) -> list[tuple[Any, ...]]:
    """The same of `venue:external`, which has all assets that are defined, in order of their definition."""
    rows: list[tuple[Any, ...]] = []
    for asset, decimals in ledger.assets.items():
        balance = None if external is None else external.balances.get(asset)
        rows.append((asset, decimals, 0 if balance is None else balance.total, 0))
    return rows


def fees(
    account: Account | None,
    ledger: Ledger | None,
    instruments: dict[str, Instrument],
    groups: dict[str, AccountGroup],
    time_ns: int,
) -> tuple[Any, ...]:
    """A row in the shape of `bus.protocol.control.Fees`, from its tier on. O(instruments, groups)."""
    thresholds: tuple[int, ...] = () if ledger is None else ledger.thresholds
    schedules: list[SetFees] = []
    if ledger is not None:
        for symbol in instruments:
            product = ledger.products.get(symbol)
            if product is not None and product.fees is not None:
                row = schedule_row(product.fees.schedule)
                schedules.append(SetFees(symbol, list(row[0]), *row[1:]))
    volume = None if account is None else account.volume
    traded = 0 if volume is None else volume.at(day_of(time_ns))
    group = None if account is None else account.group
    return (
        tier_of(thresholds, traded),
        traded,
        "" if group is None else group.name,
        0 if group is None else group.discount,
        thresholds,
        schedules,
        [(one.name, one.discount, len(one.members)) for one in groups.values()],
    )


def instrument_state(instrument: Instrument) -> tuple[Any, ...]:
    """A row in the shape of `bus.protocol.control.InstrumentState`."""
    protection = None if instrument.protection is None else protection_row(instrument)
    schedule = instrument.schedule
    number = 0 if schedule is None else schedule.number
    return (instrument.definition, instrument.phase, phase_state(instrument), protection, number)


def phase_state(instrument: Instrument) -> tuple[int, ...]:
    """A row in the shape of `bus.protocol.control.PhaseState`: what was told last, and nothing that was not."""
    ends_ns = 0
    told = (0, 0, 0)
    stage = instrument.stage
    schedule = instrument.schedule
    if schedule is not None and schedule.acts:
        ends_ns = schedule.rows[0][0]
    elif stage is not None:
        ends_ns = stage.ends_ns
    if stage is not None and stage.told_number:
        told = stage.told
    return (ends_ns, instrument.auction_ticks, instrument.auction_lots, *told)


def protection_row(instrument: Instrument) -> tuple[int, ...]:
    """A row in the shape of `bus.protocol.control.Protection`."""
    reference: int = instrument.reference_ticks
    protection = instrument.protection
    if protection is None:
        return (reference, 0, 0, 0, 0, 0, 0, 0)
    return (
        reference,
        protection.static_points,
        protection.static_low_ticks,
        protection.static_high_ticks,
        protection.dynamic_points,
        protection.auction_ms,
        protection.random_ms,
        int(protection.rebalances),
    )


def trading_schedule(instrument: Instrument) -> tuple[Any, ...]:
    """A row in the shape of `bus.protocol.control.TradingSchedule`, from its symbol on."""
    schedule = instrument.schedule
    if schedule is None:
        return (instrument.symbol, 0, "", [], [], [])
    command = schedule.command
    return (
        instrument.symbol,
        schedule.number,
        command.zone,
        command.days,
        command.holidays,
        list(schedule.rows),
    )


def open_symbols(account: Account) -> list[str]:
    """The symbol of each open order of an account, oldest first. O(open orders)."""
    return [order.symbol for order in open_orders_of(account)]
