"""What operators do: commands that rule over the market, each logged under the account of the key that asked for it.

    body ─▶ command ─▶ the operator's session ─▶ Completed ─▶ answer
                                                 └ Rejected ─▶ the engine's own reason, and the field it is about

The rule guarded here is that of `web.trading`: what may have happened after all is unknown, everything else changed
nothing. Called by `web.rest.admin`.
"""

from typing import Final

from bus.calendar.words import schedule_of, second_text, weekdays_text
from bus.errors import AnswerLost, NotTaken, OffLot, SessionOver, TimedOut
from bus.protocol import commands
from bus.protocol import reasons as engine
from bus.protocol.commands import DayRow, OperatorCommand
from bus.protocol.control import InstrumentState, LimitState, Protection
from bus.protocol.reports import Completed, Rejected
from bus.protocol.terms import AUCTIONS, PHASES
from bus.sockets.session import orders
from bus.sockets.session.prices import Scale, whole_number
from web import market_data, order_commands
from web.errors import CONFLICT, INVALID_FIELD, UNKNOWN, Refusal
from web.guard.principal import Principal
from web.house import House
from web.schemas.admin import (
    AccountLimits,
    AllLimits,
    BreakerLevel,
    Breakers,
    BreakersKnown,
    Days,
    Emergency,
    Holiday,
    Hours,
    InstrumentPhase,
    InstrumentProtection,
    KillSwitch,
    LimitsKnown,
    NewPhase,
    NewProtection,
    NewSchedule,
    NextPhase,
    Operated,
    Phases,
    Protections,
    StoppedAccounts,
    TradingHours,
)
from web.schemas.market import Indicative
from web.schemas.risk import AccountRisk, GroupKillSwitch, GroupRisk

_MS: Final = 1_000_000
#: The numbers of a command are signed and of 64 bits.
_NUMBER_MAX: Final = 2**63 - 1
#: Limits that are said in decimals.
_DECIMALS: Final = ("order_quantity", "order_notional", "day_quantity", "day_notional")

#: Those of them, and of limits of risk, that are quantities.
_QUANTITIES: Final = ("order_quantity", "day_quantity", "long", "short", "position")

#: Which field a refusal of the engine is about.
_FIELD_OF: Final = {
    engine.UNKNOWN_SYMBOL: "symbol",
    engine.INVALID_PHASE: "phase",
    engine.INVALID_DURATION: "duration_ms",
    engine.INVALID_KILL_SWITCH: "account",
    engine.INVALID_BREAKERS: "levels",
    engine.INVALID_SCHEDULE: "days",
    engine.INVALID_PROTECTION: "static_basis_points",
    engine.INVALID_RISK: "day_loss",
    engine.UNKNOWN_GROUP: "group",
    engine.INVALID_ASSET: "asset",
    engine.ASSET_DIFFERS: "decimals",
}


async def set_phase(house: House, who: Principal, body: NewPhase, time_ns: bool) -> Operated:
    """Give an instrument its phase."""
    command = orders.set_phase(
        body.symbol, body.phase, body.duration_ms, body.random_ms, body.next_phase or 0, body.why
    )
    return await operate(house, who, command, time_ns)


async def phases(house: House, who: Principal) -> Phases:
    """The phases of all instruments, as the engine has them. Raises NotConnected."""
    session = await house.operators.of(who.account)
    found = await session.instruments()
    return Phases(
        phases=[_phase(await session.scale(symbol), state) for symbol, state in sorted(found.items())]
    )


async def set_protection(house: House, who: Principal, body: NewProtection, time_ns: bool) -> Operated:
    """Give an instrument its price bands."""
    session = await house.operators.of(who.account)
    scale = await session.scale(body.symbol)
    reference = 0
    if body.reference_price is not None:
        reference = order_commands.check_price(scale, body.reference_price, "reference_price")
    command = commands.SetProtection(
        body.symbol,
        body.static_basis_points,
        body.dynamic_basis_points,
        reference,
        body.auction_ms,
        body.random_ms,
        int(body.rebalance),
        body.why,
    )
    return await operate(house, who, command, time_ns)


async def protections(house: House, who: Principal) -> Protections:
    """The price bands of all instruments that have any, as the engine has them. Raises NotConnected."""
    session = await house.operators.of(who.account)
    found = await session.instruments()
    return Protections(
        protections=[
            _protection(await session.scale(symbol), state.protection)
            for symbol, state in sorted(found.items())
            if state.protection is not None
        ]
    )


async def set_schedule(house: House, who: Principal, body: NewSchedule, time_ns: bool) -> Operated:
    """Give an instrument its trading hours."""
    _check_once([day.weekdays for day in body.days], "days")
    _check_once([day.date for day in body.holidays], "holidays")
    try:
        command = schedule_of(
            body.symbol,
            body.zone,
            {day.weekdays: _rows(day.hours) for day in body.days},
            {day.date: _rows(day.hours) for day in body.holidays},
            body.why,
        )
    except ValueError as error:
        raise Refusal(INVALID_FIELD, str(error), "days", status=CONFLICT) from None
    try:
        return await operate(house, who, command, time_ns)
    except NotTaken as error:  # before the log: whoever plans by this zone must know it
        raise Refusal(error.reason, str(error), "zone", status=CONFLICT) from None


async def schedule(house: House, who: Principal, symbol: str) -> TradingHours:
    """The trading hours of an instrument, as the engine has them. Raises UnknownSymbol, NotConnected."""
    session = await house.operators.of(who.account)
    await session.scale(symbol)
    found = await session.schedule(symbol)
    return TradingHours(
        symbol=symbol,
        sequence=found.number or None,
        zone=found.zone,
        days=[Days(weekdays=weekdays_text(weekdays), hours=_hours(rows)) for weekdays, rows in found.days],
        holidays=[Holiday(date=date, hours=_hours(rows)) for date, rows in found.holidays],
        next=[
            NextPhase(time_ms=time_ns // _MS, phase=PHASES[phase], random_ms=random_ms)  # type: ignore[arg-type]
            for time_ns, phase, random_ms in found.rows
        ],
    )


def _hours(rows: list[DayRow]) -> list[Hours]:
    return [
        Hours(at=second_text(second), phase=PHASES[phase], random_ms=random_ms)  # type: ignore[arg-type]
        for second, phase, random_ms in rows
    ]


def _check_once(names: list[str], field: str) -> None:
    if len(set(names)) != len(names):
        raise Refusal(INVALID_FIELD, "the same days stand there twice", field, status=CONFLICT)


def _rows(hours: list[Hours]) -> list[tuple[str, str, int]]:
    return [(row.at, row.phase, row.random_ms) for row in hours]


async def set_kill_switch(house: House, who: Principal, body: KillSwitch, time_ns: bool) -> Operated:
    """Stop an account, or let it trade again."""
    return await operate(house, who, commands.SetKillSwitch(body.account, body.on, body.why), time_ns)


async def set_emergency(house: House, who: Principal, body: Emergency, time_ns: bool) -> Operated:
    """Stop the whole market, or let it go on."""
    command = commands.SetEmergency(body.on, body.cancel_orders, body.auction_ms, body.random_ms, body.why)
    return await operate(house, who, command, time_ns)


async def set_breakers(house: House, who: Principal, body: Breakers, time_ns: bool) -> Operated:
    """Give the market its circuit breakers."""
    levels = [(level.basis_points, level.halt_ms) for level in body.levels]
    command = orders.set_breakers(body.symbol or "", levels, body.auction_ms, body.random_ms, body.why)
    return await operate(house, who, command, time_ns)


async def set_limits(house: House, who: Principal, body: AccountLimits, time_ns: bool) -> Operated:
    """Give an account its limits, in an instrument or in all."""
    session = await house.operators.of(who.account)
    scale = None if body.symbol is None else await session.scale(body.symbol)
    numbers = {name: _limit(scale, name, getattr(body, name)) for name in _DECIMALS}
    command = commands.SetLimits(
        body.account,
        body.symbol or "",
        numbers["order_quantity"],
        numbers["order_notional"],
        body.open_orders,
        body.rejects,
        body.rejects_window_ms,
        numbers["day_quantity"],
        numbers["day_notional"],
        body.commands_per_s,
    )
    return await operate(house, who, command, time_ns)


async def set_risk(house: House, who: Principal, body: AccountRisk, time_ns: bool) -> Operated:
    """Limit what an account may have at stake, in an instrument or in all."""
    session = await house.operators.of(who.account)
    scale = None if body.symbol is None else await session.scale(body.symbol)
    command = commands.SetRisk(
        body.account,
        body.symbol or "",
        _limit(scale, "long", body.long),
        _limit(scale, "short", body.short),
        _limit(scale, "open_notional", body.open_notional),
        _limit(scale, "day_loss", body.day_loss),
        body.loss_stops,
        body.collar_basis_points,
        body.commands_per_fill,
        body.commands_from,
        body.reduce_only,
        None if body.position is None else _limit(scale, "position", body.position),
        body.why,
    )
    return await operate(house, who, command, time_ns)


async def set_group_risk(house: House, who: Principal, body: GroupRisk, time_ns: bool) -> Operated:
    """Limit what all members of a group have at stake together, in an instrument or in all."""
    session = await house.operators.of(who.account)
    scale = None if body.symbol is None else await session.scale(body.symbol)
    command = commands.SetGroupRisk(
        body.group,
        body.symbol or "",
        _limit(scale, "long", body.long),
        _limit(scale, "short", body.short),
        _limit(scale, "open_notional", body.open_notional),
        _limit(scale, "day_quantity", body.day_quantity),
        _limit(scale, "day_notional", body.day_notional),
        _limit(scale, "day_loss", body.day_loss),
        body.loss_stops,
        body.why,
    )
    return await operate(house, who, command, time_ns)


async def set_group_kill_switch(
    house: House, who: Principal, body: GroupKillSwitch, time_ns: bool
) -> Operated:
    """Stop all members of a group, or let them trade again."""
    return await operate(house, who, commands.SetGroupKillSwitch(body.group, body.on, body.why), time_ns)


async def kill_switches(house: House, who: Principal) -> StoppedAccounts:
    """The accounts whose kill switch is on, as the engine has them. Raises NotConnected."""
    found = await (await house.operators.of(who.account)).safeguards()
    return StoppedAccounts(accounts=sorted(one.account for one in found.accounts if one.stopped))


async def breakers(house: House, who: Principal) -> BreakersKnown:
    """The circuit breakers of the market, as the engine has them. Raises NotConnected."""
    known = (await (await house.operators.of(who.account)).safeguards()).breakers
    if known is None:
        return BreakersKnown(symbol=None, levels=[], auction_ms=0, random_ms=0, tripped=0)
    return BreakersKnown(
        symbol=known.symbol or None,
        levels=[BreakerLevel(basis_points=decline, halt_ms=halt_ms) for decline, halt_ms in known.levels],
        auction_ms=known.auction_ms,
        random_ms=known.random_ms,
        tripped=known.tripped,
    )


async def limits(house: House, who: Principal) -> AllLimits:
    """The limits of all accounts that have any, as the engine has them. Raises NotConnected."""
    session = await house.operators.of(who.account)
    found = await session.safeguards()
    return AllLimits(
        limits=[
            _known_limits(one.account, await session.scale(limit.symbol) if limit.symbol else None, limit)
            for one in sorted(found.accounts, key=lambda one: one.account)
            for limit in one.limits
        ]
    )


def _known_limits(account: str, scale: Scale | None, known: LimitState) -> LimitsKnown:
    def quantity(lots: int) -> str:
        return str(lots) if scale is None else market_data.text(scale.quantity(lots))

    def notional(number: int) -> str:
        return str(number) if scale is None else market_data.text(scale.price(1) * scale.quantity(number))

    return LimitsKnown(
        account=account,
        symbol=known.symbol or None,
        order_quantity=quantity(known.order_lots_max),
        order_notional=notional(known.order_notional_max),
        open_orders=known.open_orders_max,
        day_quantity=quantity(known.day_lots_max),
        day_notional=notional(known.day_notional_max),
        commands_per_s=known.commands_per_s_max,
        rejects=known.rejects_max,
        rejects_window_ms=known.rejects_window_ms,
        traded_quantity=quantity(known.day_lots),
        traded_notional=notional(known.day_notional),
    )


def _limit(scale: Scale | None, name: str, value: str) -> int:
    """A limit in lots, or in ticks times lots. Raises Refusal."""
    try:
        if scale is None:
            number = whole_number(value, name)
        else:
            number = scale.quantity_lots(value) if name in _QUANTITIES else scale.notional(value)
    except (OffLot, ValueError) as error:
        raise Refusal(INVALID_FIELD, str(error), name, status=CONFLICT) from None
    if abs(number) > _NUMBER_MAX:
        raise Refusal(INVALID_FIELD, "larger than any number here", name, status=CONFLICT)
    return number


def _protection(scale: Scale, known: Protection) -> InstrumentProtection:
    return InstrumentProtection(
        symbol=scale.symbol,
        static_basis_points=known.static_basis_points,
        dynamic_basis_points=known.dynamic_basis_points,
        reference_price=market_data.price_text(scale, known.reference_ticks),
        static_low=market_data.price_text(scale, known.static_low_ticks),
        static_high=market_data.price_text(scale, known.static_high_ticks),
        auction_ms=known.auction_ms,
        random_ms=known.random_ms,
        rebalance=known.rebalance != 0,
    )


def _phase(scale: Scale, state: InstrumentState) -> InstrumentPhase:
    known = state.phase_state
    return InstrumentPhase(
        symbol=scale.symbol,
        phase=PHASES[state.phase],  # type: ignore[arg-type]  # the same words, from their table
        phase_ends_ms=market_data.end_ms(known.ends_ns),
        auction_price=market_data.price_text(scale, known.auction_ticks),
        indicative=Indicative(
            market_data.price_text(scale, known.indicative_ticks),
            market_data.text(scale.quantity(known.indicative_lots)),
            market_data.text(scale.quantity(known.imbalance_lots)),
        )
        if state.phase in AUCTIONS
        else None,
    )


async def operate(house: House, who: Principal, command: OperatorCommand, time_ns: bool) -> Operated:
    """Send it. Raises Refusal when it was refused, and when nobody knows what became of it."""
    session = await house.operators.of(who.account)
    try:
        outcome = await session.command(command)
    except (TimedOut, AnswerLost, SessionOver):
        raise Refusal(UNKNOWN, "execution status unknown: ask how it stands, then decide") from None
    answer = outcome.answer
    if isinstance(answer, Rejected):
        # Each value is good in itself, or it would not have come here.
        status = CONFLICT if answer.reason // 100 == engine.INVALID_PHASE // 100 else None
        raise Refusal(answer.reason, field=_FIELD_OF.get(answer.reason), status=status)
    assert isinstance(answer, Completed), "nothing else answers an operator"
    return Operated(
        operator=who.account,
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        **({"time_ns": answer.time_ns} if time_ns else {}),
    )
