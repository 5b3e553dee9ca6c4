"""What may not pass in the naive exchange: all rules that a request breaks, in any order.

Rules of the request itself (its id, its age) are asked in `naive_requests`.
"""

from dataclasses import dataclass, field

from bus.protocol import reasons, terms
from bus.protocol.commands import DefineInstrument, EnterOrder, ReplaceOrder, SetProtection
from tests.support.naive_links import Happened
from tests.support.naive_matching import NaiveOrder
from tests.support.naive_pegs import broken_by_peg, followed_price
from tests.support.naive_triggers import AT_MARKET, WAITING_TYPES, WITH_A_TRIGGER, is_reached

DAY_NS = 24 * 3600 * 10**9
#: Of orders that are for an auction alone.
FOR_AUCTIONS = (terms.AT_OPEN, terms.AT_CLOSE, terms.GFA)


@dataclass(eq=False)
class NaiveInstrument:
    """An instrument. `resting` holds its orders in the order in which they came to rest."""

    definition: DefineInstrument
    phase: int = terms.CONTINUOUS
    resting: list[NaiveOrder] = field(default_factory=list)
    trades: list[int] = field(default_factory=list)  # the price of each
    looked_at: int = 0  # how many of them
    triggered: list[tuple[NaiveOrder, int]] = field(default_factory=list)  # by the trade at that price
    displayed: int = 0
    on_their_way: list[NaiveOrder] = field(
        default_factory=list
    )  # pegged orders that left to come back elsewhere
    happened: Happened = field(default_factory=Happened)  # to its linked orders
    reference: int = 0  # the price of the last auction, or what an operator gave
    protection: SetProtection | None = None
    last_before: int = 0  # the price of the last trade before the command at hand, or of an auction in it
    takers: list[int] = field(default_factory=list)  # the side that took in each trade; 0: nobody did


def broken_by_order(
    command: EnterOrder, instrument: NaiveInstrument | None, time_ns: int, has_room: bool
) -> list[int]:
    """Reasons against a new order. `has_room`: the account may have an open order more."""
    if instrument is None:
        return [reasons.UNKNOWN_SYMBOL]
    limits = instrument.definition
    broken = []
    if instrument.phase in (terms.HALTED, terms.CLOSED):
        broken.append(reasons.NOT_TRADING)
    elif instrument.phase != terms.CONTINUOUS and not _may_collect(command):
        broken.append(reasons.NOT_IN_PHASE)
    if command.side not in terms.SIDES:
        broken.append(reasons.INVALID_SIDE)
    if command.order_type not in terms.ORDER_TYPES:
        broken.append(reasons.INVALID_ORDER_TYPE)
    if command.time_in_force not in terms.TIMES_IN_FORCE:
        broken.append(reasons.INVALID_TIME_IN_FORCE)
    broken += _broken_by_flags(command)
    broken += _broken_by_quantity(limits, command.quantity_lots)
    if command.order_type not in (*AT_MARKET, terms.PEGGED) or command.price_ticks != 0:
        broken += _broken_by_price(limits, command.price_ticks)
    broken += _broken_by_instructions(command, limits)
    broken += _broken_by_trigger(command, instrument)
    broken += broken_by_peg(command)
    stands_now = command.order_type == terms.PEGGED and not command.triggered_by
    if stands_now and not followed_price(command, command.price_ticks, instrument.resting, limits):
        broken.append(reasons.NO_REFERENCE)
    ends_in_time = time_ns < command.expires_ns <= time_ns + 3653 * DAY_NS
    if not (ends_in_time if command.time_in_force == terms.GTD else command.expires_ns == 0):
        broken.append(reasons.INVALID_EXPIRY)
    if _is_post_only(command) and crosses(instrument.resting, command.side, command.price_ticks):
        moved = _short_of(instrument.resting, command.side)
        if command.flags & terms.POST_ONLY or _broken_by_price(limits, moved):
            broken.append(reasons.WOULD_TRADE)
    if not has_room:
        broken.append(reasons.TOO_MANY_OPEN_ORDERS)
    return broken


def _rests(command: EnterOrder) -> bool:
    """What has not traded at once may rest."""
    return command.order_type not in AT_MARKET and command.time_in_force not in (terms.IOC, terms.FOK)


def _may_collect(command: EnterOrder) -> bool:
    """Whether an order can wait for an auction; one that waits for something else before that is asked later."""
    waits = command.order_type in WAITING_TYPES or command.triggered_by != ""
    return not (
        command.time_in_force in (terms.IOC, terms.FOK)
        or command.order_type == terms.PEGGED
        or _is_post_only(command)
        or (command.minimum_lots != 0 and not waits)
    )


def _is_post_only(command: EnterOrder) -> bool:
    return bool(command.flags & (terms.POST_ONLY | terms.POST_ONLY_REPRICE))


def _broken_by_flags(command: EnterOrder) -> list[int]:
    broken = []
    kinds = [bit for bit in (terms.POST_ONLY, terms.POST_ONLY_REPRICE) if command.flags & bit]
    if command.flags not in range(8) or len(kinds) > 1:
        broken.append(reasons.INVALID_FLAGS)
    if (kinds or command.flags & terms.HIDDEN) and not _rests(command):
        broken.append(reasons.INVALID_COMBINATION)
    at_once = command.time_in_force in (terms.IOC, terms.FOK)
    for_auction = command.time_in_force in FOR_AUCTIONS
    if for_auction and command.order_type not in (terms.LIMIT, terms.MARKET):
        broken.append(reasons.INVALID_COMBINATION)
    if for_auction and (command.flags != 0 or command.display_lots != 0):
        broken.append(reasons.INVALID_COMBINATION)
    if command.order_type in AT_MARKET and (at_once or for_auction) != (command.order_type == terms.MARKET):
        broken.append(reasons.INVALID_COMBINATION)
    if kinds and command.order_type in WAITING_TYPES:
        broken.append(reasons.INVALID_COMBINATION)
    return broken


def _broken_by_instructions(command: EnterOrder, limits: DefineInstrument) -> list[int]:
    broken = []
    if command.display_lots != 0:
        is_slice = limits.quantity_min_lots <= command.display_lots < command.quantity_lots
        if not is_slice or not _rests(command) or command.flags & terms.HIDDEN:
            broken.append(reasons.INVALID_DISPLAY)
    if command.minimum_lots != 0:
        is_part = 1 <= command.minimum_lots <= command.quantity_lots
        knows_none = command.time_in_force == terms.FOK or command.time_in_force in FOR_AUCTIONS
        if not is_part or knows_none or _is_post_only(command):
            broken.append(reasons.INVALID_MINIMUM)
    if command.self_trade not in (0, *terms.SELF_TRADES):
        broken.append(reasons.INVALID_SELF_TRADE)
    return broken


def _broken_by_trigger(command: EnterOrder, instrument: NaiveInstrument) -> list[int]:
    limits, trigger = instrument.definition, command.trigger_price_ticks
    broken = []
    if command.order_type in WITH_A_TRIGGER:
        if not limits.price_min_ticks <= trigger <= limits.price_max_ticks:
            broken.append(reasons.INVALID_TRIGGER)
        comes_now = not command.triggered_by
        if comes_now and instrument.trades and is_reached(command, trigger, instrument.trades[-1]):
            broken.append(reasons.ALREADY_TRIGGERED)
    elif trigger != 0:
        broken.append(reasons.INVALID_TRIGGER)
    ticks, points = command.trail_ticks, command.trail_basis_points
    in_ticks = 1 <= ticks <= limits.price_max_ticks - limits.price_min_ticks and points == 0
    in_points = 1 <= points <= 9_999 and ticks == 0
    has_none = ticks == points == 0
    if not (in_ticks or in_points if command.order_type == terms.TRAILING_STOP else has_none):
        broken.append(reasons.INVALID_TRAIL)
    return broken


def broken_by_replace(order: NaiveOrder, command: ReplaceOrder, instrument: NaiveInstrument) -> list[int]:
    """Reasons against a replace of an open order."""
    limits = instrument.definition
    broken = []
    if instrument.phase in (terms.HALTED, terms.CLOSED):
        broken.append(reasons.NOT_TRADING)
    elif instrument.phase != terms.CONTINUOUS:
        cannot_be_judged = command.price_ticks != 0 and _is_post_only(order.entered)
        if order.order_type == terms.PEGGED or cannot_be_judged:
            broken.append(reasons.NOT_IN_PHASE)
    if command.quantity_lots != 0:
        broken += _broken_by_quantity(limits, command.quantity_lots)
    if command.price_ticks != 0:
        broken += _broken_by_price(limits, command.price_ticks)
        if _is_post_only(order.entered) and crosses(instrument.resting, order.side, command.price_ticks):
            broken.append(reasons.WOULD_TRADE)
    if order.status == terms.WAITING and 0 < command.quantity_lots < order.entered.minimum_lots:
        broken.append(reasons.INVALID_MINIMUM)
    if command.quantity_lots == 0 and command.price_ticks == 0:
        broken.append(reasons.NOTHING_TO_REPLACE)
    return broken


def crosses(book: list[NaiveOrder], side: int, price: int) -> bool:
    """Whether somebody of the other side would trade at this price."""
    return any(
        other.side != side and (other.price <= price if side == terms.BUY else other.price >= price)
        for other in book
    )


def passive_price(order: NaiveOrder, book: list[NaiveOrder]) -> int:
    """Where an order may rest that must not trade at once: at its price, or one tick short of the other side."""
    return _short_of(book, order.side) if crosses(book, order.side, order.price) else order.price


def _short_of(book: list[NaiveOrder], side: int) -> int:
    prices = [other.price for other in book if other.side != side]
    return min(prices) - 1 if side == terms.BUY else max(prices) + 1


def product(definition: DefineInstrument) -> tuple[str | int, ...]:
    """What an instrument is called and counts in; it never changes."""
    return (
        *(definition.symbol, definition.base, definition.quote),
        *(definition.tick_mantissa, definition.tick_decimals),
        *(definition.lot_mantissa, definition.lot_decimals),
    )


def is_same_product(one: DefineInstrument, other: DefineInstrument) -> bool:
    """The algorithm never changes either; 0 is price-time."""
    algorithms = {definition.matching or terms.PRICE_TIME for definition in (one, other)}
    return product(one) == product(other) and len(algorithms) == 1


def is_well_defined(definition: DefineInstrument) -> bool:
    """Whether a definition keeps all rules."""
    capitals_and_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    tick, lot = definition.tick_mantissa, definition.lot_mantissa
    return (
        0 < len(definition.symbol) <= 20
        and all(character in capitals_and_digits + "_-" for character in definition.symbol)
        and all(0 < len(asset) <= 12 for asset in (definition.base, definition.quote))
        and all(character in capitals_and_digits for character in definition.base + definition.quote)
        and definition.base != definition.quote
        and tick > 0
        and lot > 0
        and definition.tick_decimals in range(19)
        and definition.lot_decimals in range(19)
        and 0 < definition.price_min_ticks <= definition.price_max_ticks
        and 0 < definition.quantity_min_lots <= definition.quantity_max_lots <= 2**40
        and definition.price_max_ticks * tick * definition.quantity_max_lots * lot < 2**63
        and definition.matching in (0, terms.PRICE_TIME, terms.PRO_RATA)
        and definition.pro_rata_minimum_lots
        in range(2**40 + 1 if definition.matching == terms.PRO_RATA else 1)
    )


def _broken_by_quantity(limits: DefineInstrument, quantity: int) -> list[int]:
    broken = []
    if quantity <= 0:
        broken.append(reasons.QUANTITY_NOT_POSITIVE)
    if quantity < limits.quantity_min_lots:
        broken.append(reasons.QUANTITY_TOO_SMALL)
    if quantity > limits.quantity_max_lots:
        broken.append(reasons.QUANTITY_TOO_LARGE)
    return broken


def _broken_by_price(limits: DefineInstrument, price: int) -> list[int]:
    broken = []
    if price <= 0:
        broken.append(reasons.PRICE_NOT_POSITIVE)
    if price < limits.price_min_ticks:
        broken.append(reasons.PRICE_TOO_LOW)
    if price > limits.price_max_ticks:
        broken.append(reasons.PRICE_TOO_HIGH)
    return broken
