"""Pegged orders in the naive exchange: what they follow is looked for in the whole book, whenever it is asked for."""

from bus.protocol import reasons, terms
from bus.protocol.commands import DefineInstrument, EnterOrder
from tests.support.naive_matching import NaiveOrder


def broken_by_peg(command: EnterOrder) -> list[int]:
    """Reasons against what an order follows, or pretends to."""
    if command.order_type != terms.PEGGED:
        follows = command.peg != 0 or command.peg_offset_ticks != 0
        return [reasons.INVALID_PEG] if follows else []
    broken = []
    if command.time_in_force in (terms.IOC, terms.FOK):
        broken.append(reasons.INVALID_COMBINATION)
    if command.flags & (terms.POST_ONLY | terms.POST_ONLY_REPRICE):
        broken.append(reasons.INVALID_COMBINATION)
    if command.minimum_lots != 0:
        broken.append(reasons.INVALID_MINIMUM)
    if command.peg not in terms.PEGS or not _leads_away(command):
        broken.append(reasons.INVALID_PEG)
    if command.peg == terms.MIDPOINT and not command.flags & terms.HIDDEN:
        broken.append(reasons.INVALID_PEG)
    return broken


def _leads_away(command: EnterOrder) -> bool:
    """The offset is none, or away from the other side; from the best price of the other side at least a tick."""
    is_buy = command.side == terms.BUY
    away = -command.peg_offset_ticks if is_buy else command.peg_offset_ticks
    of_other_side = command.peg == (terms.BEST_ASK if is_buy else terms.BEST_BID)
    return away >= 1 if of_other_side else away >= 0


def followed_price(
    command: EnterOrder, worst_price: int, book: list[NaiveOrder], limits: DefineInstrument
) -> int:
    """Where a pegged order is to stand; 0 when nothing is there to follow, or the price is not allowed."""
    displayed = [other for other in book if not other.is_hidden and other.entered.order_type != terms.PEGGED]
    bids = [other.price for other in displayed if other.side == terms.BUY]
    asks = [other.price for other in displayed if other.side == terms.SELL]
    is_buy = command.side == terms.BUY
    if command.peg == terms.BEST_BID and bids:
        reference = max(bids)
    elif command.peg == terms.BEST_ASK and asks:
        reference = min(asks)
    elif command.peg == terms.MIDPOINT and bids and asks:
        both = max(bids) + min(asks)
        reference = both // 2 if is_buy else (both + 1) // 2
    else:
        return 0
    price = reference + command.peg_offset_ticks
    if worst_price:
        price = min(price, worst_price) if is_buy else max(price, worst_price)
    return price if limits.price_min_ticks <= price <= limits.price_max_ticks else 0
