"""Orders in people's words, made into commands: "buy", "1.5", "30000.00" become sides, lots and ticks.

Only what cannot be said at all is refused here (a word that does not exist, a price between two ticks); whether the
market takes it is the engine's to say. Nothing here sends.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, TypedDict

import msgspec

from bus.protocol.commands import (
    CancelAllAfter,
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    Quote,
    ReplaceOrder,
    SetBreakers,
    SetGroupRisk,
    SetLimits,
    SetPhase,
    SetRisk,
)
from bus.protocol.terms import (
    GTC,
    GTD,
    HIDDEN,
    IOC,
    LIMIT,
    MARKET,
    MATCHINGS,
    ORDER_TYPES,
    PEGGED,
    PEGS,
    PHASES,
    POST_ONLY,
    POST_ONLY_REPRICE,
    PRICE_TIME,
    SELF_TRADES,
    SIDES,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT_LIMIT,
    TIMES_IN_FORCE,
    TRAILING_STOP,
)
from bus.sockets.session.prices import Number, Scale, step_of, whole_number

#: A word of `bus.protocol.terms` ("buy", "IOC", "market"), or its number.
Word: TypeAlias = str | int
#: An open order, by the client's own id (text) or the engine's (number).
OrderName: TypeAlias = str | int

BOTH_SIDES: Final = 0
BREAKER_LEVELS_MAX: Final = 3

#: As `bus.protocol.commands.Note` has it: a sentence or two.
NOTE_CHARACTERS_MAX: Final = 200

#: Order types that need a price.
_PRICED: Final = frozenset({LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT})


class Instructions(TypedDict, total=False):
    """What an order may ask for beyond price, quantity and time in force; see EnterOrder for what it means.

    Prices, distances and quantities are decimals as everywhere; `expires_ns` is UTC. `peg_offset` and `trail` are
    differences of prices. `cancels_with` and `triggered_by` are client order ids.
    """

    reprice: bool
    hidden: bool
    display: Number
    minimum: Number
    trigger: Number
    trail: Number
    trail_basis_points: int
    peg: Word
    peg_offset: Number
    self_trade: Word
    self_trade_group: int
    expires_ns: int
    cancels_with: str
    triggered_by: str


def enter_order(
    scale: Scale,
    client_order_id: str,
    side: Word,
    quantity: Number,
    price: Number | None,
    time_in_force: Word | None,
    order_type: Word | None,
    post_only: bool,
    instructions: Instructions,
) -> EnterOrder:
    """A new order. Without a price it is a market order; a market order is IOC unless something else is said.

    With a trigger it is a stop, with a distance a trailing stop, with a peg a pegged order, unless a type is said.
    """
    kind = (
        _type_of(price, instructions)
        if order_type is None
        else number_of(order_type, ORDER_TYPES, "order type")
    )
    if kind in _PRICED and price is None:
        raise ValueError(f"a {ORDER_TYPES[kind]} order has a price")
    if time_in_force is None:
        force = IOC if kind == MARKET else GTD if "expires_ns" in instructions else GTC
    else:
        force = number_of(time_in_force, TIMES_IN_FORCE, "time in force")
    flags = POST_ONLY if post_only else 0
    if instructions.get("reprice"):
        flags |= POST_ONLY_REPRICE
    if instructions.get("hidden"):
        flags |= HIDDEN
    peg, self_trade = instructions.get("peg", 0), instructions.get("self_trade", 0)
    return EnterOrder(
        client_order_id,
        scale.symbol,
        side_of(side),
        scale.quantity_lots(quantity),
        0 if price is None else scale.price_ticks(price),
        kind,
        force,
        flags,
        instructions.get("expires_ns", 0),
        scale.quantity_lots(instructions["display"]) if "display" in instructions else 0,
        scale.quantity_lots(instructions["minimum"]) if "minimum" in instructions else 0,
        scale.price_ticks(instructions["trigger"]) if "trigger" in instructions else 0,
        scale.price_ticks(instructions["trail"]) if "trail" in instructions else 0,
        instructions.get("trail_basis_points", 0),
        number_of(peg, PEGS, "peg") if peg else 0,
        scale.price_ticks(instructions["peg_offset"]) if "peg_offset" in instructions else 0,
        number_of(self_trade, SELF_TRADES, "way to prevent self-trades") if self_trade else 0,
        instructions.get("self_trade_group", 0),
        instructions.get("cancels_with", ""),
        instructions.get("triggered_by", ""),
    )


def _type_of(price: Number | None, instructions: Instructions) -> int:
    """The order type that is meant when none is said."""
    if "trigger" in instructions:
        return STOP if price is None else STOP_LIMIT
    if "trail" in instructions or "trail_basis_points" in instructions:
        return TRAILING_STOP
    if "peg" in instructions:
        return PEGGED
    return MARKET if price is None else LIMIT


def cancel_order(order: OrderName) -> CancelOrder:
    """Cancel an open order."""
    return CancelOrder(order) if isinstance(order, int) else CancelOrder(0, order)


def replace_order(
    scale: Scale, request_id: str, order: OrderName, price: Number | None, quantity: Number | None
) -> ReplaceOrder:
    """A new price, a new whole quantity, or both, for an open order."""
    order_id, client_order_id = (order, "") if isinstance(order, int) else (0, order)
    return ReplaceOrder(
        request_id,
        order_id,
        client_order_id,
        0 if price is None else scale.price_ticks(price),
        0 if quantity is None else scale.quantity_lots(quantity),
    )


def cancel_all_after(seconds: float) -> CancelAllAfter:
    """A countdown to the end of all orders, rounded up to a millisecond: 0 stops it, and is said on purpose."""
    if not math.isfinite(seconds):
        raise ValueError("a countdown lasts some seconds")
    return CancelAllAfter(math.ceil(seconds * 1000))


def quote(scale: Scale, request_id: str, side: Word, quantity: Number, price: Number | None) -> Quote:
    """A quote of one side; of quantity 0 it ends the last one and has no price."""
    lots = scale.quantity_lots(quantity)
    ticks = 0 if price is None else scale.price_ticks(price)
    return Quote(request_id, scale.symbol, side_of(side), lots, ticks)


def mass_cancel(symbol: str, side: Word | None) -> MassCancel:
    """Cancel all open orders of a symbol ("": all) and a side (None: both)."""
    return MassCancel(symbol, BOTH_SIDES if side is None else side_of(side))


def define_instrument(
    symbol: str,
    base: str,
    quote: str,
    tick: Number,
    lot: Number,
    price_min: Number,
    price_max: Number,
    quantity_min: Number,
    quantity_max: Number,
    matching: Word = PRICE_TIME,
    pro_rata_minimum: Number = 0,
) -> DefineInstrument:
    """An instrument by its tick and lot as decimals; the limits must be whole numbers of them."""
    tick_mantissa, tick_decimals = step_of(tick, "tick")
    lot_mantissa, lot_decimals = step_of(lot, "lot")
    bare = DefineInstrument(
        symbol, base, quote, tick_mantissa, tick_decimals, lot_mantissa, lot_decimals, 1, 1, 1, 1
    )
    scale = Scale(bare)
    return msgspec.structs.replace(
        bare,
        price_min_ticks=scale.price_ticks(price_min),
        price_max_ticks=scale.price_ticks(price_max),
        quantity_min_lots=scale.quantity_lots(quantity_min),
        quantity_max_lots=scale.quantity_lots(quantity_max),
        matching=number_of(matching, MATCHINGS, "matching"),
        pro_rata_minimum_lots=scale.quantity_lots(pro_rata_minimum),
    )


def set_limits(
    scale: Scale | None,
    account: str,
    order_quantity: Number,
    order_notional: Number,
    open_orders: int,
    rejects: int = 0,
    rejects_window_ms: int = 0,
    day_quantity: Number = 0,
    day_notional: Number = 0,
    commands_per_s: int = 0,
) -> SetLimits:
    """Limits of an account in the instrument of a scale; without one in all, in lots and in ticks times lots."""
    return SetLimits(
        account,
        "" if scale is None else scale.symbol,
        _lots(scale, order_quantity),
        _notional(scale, order_notional),
        open_orders,
        rejects,
        rejects_window_ms,
        _lots(scale, day_quantity),
        _notional(scale, day_notional),
        commands_per_s,
    )


def set_risk(
    scale: Scale | None,
    account: str,
    *,
    long: Number = 0,
    short: Number = 0,
    open_notional: Number = 0,
    day_loss: Number = 0,
    loss_stops: bool = False,
    collar_basis_points: int = 0,
    commands_per_fill: int = 0,
    commands_from: int = 0,
    reduce_only: bool = False,
    position: Number | None = None,
    why: str = "",
) -> SetRisk:
    """Limits of what an account has at stake in the instrument of a scale, or in all, in the units of `set_limits`."""
    return SetRisk(
        account,
        "" if scale is None else scale.symbol,
        _lots(scale, long),
        _lots(scale, short),
        _notional(scale, open_notional),
        _notional(scale, day_loss),
        loss_stops,
        collar_basis_points,
        commands_per_fill,
        commands_from,
        reduce_only,
        None if position is None else _lots(scale, position),
        checked_note(why),
    )


def set_group_risk(
    scale: Scale | None,
    group: str,
    *,
    long: Number = 0,
    short: Number = 0,
    open_notional: Number = 0,
    day_quantity: Number = 0,
    day_notional: Number = 0,
    day_loss: Number = 0,
    loss_stops: bool = False,
    why: str = "",
) -> SetGroupRisk:
    """The same of what all members of a group have at stake together."""
    return SetGroupRisk(
        group,
        "" if scale is None else scale.symbol,
        _lots(scale, long),
        _lots(scale, short),
        _notional(scale, open_notional),
        _lots(scale, day_quantity),
        _notional(scale, day_notional),
        _notional(scale, day_loss),
        loss_stops,
        checked_note(why),
    )


def set_breakers(
    symbol: str, levels: Sequence[tuple[int, int]], auction_ms: int, random_ms: int, why: str
) -> SetBreakers:
    """Circuit breakers with levels of basis points and milliseconds; ValueError for too many."""
    if len(levels) > BREAKER_LEVELS_MAX:
        raise ValueError(f"{len(levels)} levels: breakers have up to {BREAKER_LEVELS_MAX}")
    first, second, third = (*levels, *[(0, 0)] * (BREAKER_LEVELS_MAX - len(levels)))
    return SetBreakers(symbol, *first, *second, *third, auction_ms, random_ms, checked_note(why))


def side_of(side: Word) -> int:
    """BUY or SELL."""
    return number_of(side, SIDES, "side")


def set_phase(
    symbol: str, phase: Word, duration_ms: int, random_ms: int, next_phase: Word, why: str
) -> SetPhase:
    """A phase of an instrument; a next one of 0 is the usual."""
    follows = number_of(next_phase, PHASES, "phase") if next_phase else 0
    return SetPhase(
        symbol, number_of(phase, PHASES, "phase"), duration_ms, random_ms, follows, checked_note(why)
    )


def checked_note(why: str) -> str:
    """A remark for the log. ValueError for one that is too long for it."""
    if len(why) > NOTE_CHARACTERS_MAX:
        raise ValueError(f"a remark has at most {NOTE_CHARACTERS_MAX} characters, this one {len(why)}")
    return why


def number_of(word: Word, names: Mapping[int, str], what: str) -> int:
    """The number behind one of the protocol's words, in whatever case; ValueError for a word that is none."""
    if isinstance(word, int):
        if word in names:
            return word
    else:
        wanted = word.lower()
        for number, name in names.items():
            if name.lower() == wanted:
                return number
    raise ValueError(f"{word!r} is no {what}: there are {', '.join(names.values())}")


def _lots(scale: Scale | None, quantity: Number) -> int:
    return whole_number(quantity, "quantity") if scale is None else scale.quantity_lots(quantity)


def _notional(scale: Scale | None, value: Number) -> int:
    return whole_number(value, "notional") if scale is None else scale.notional(value)
