"""The price of an auction: where most is traded, and of such prices the one that leaves least (docs/rules.md, AUCTION).

    demand(p)   what market orders and bids at p or above ask for      falls as p rises
    supply(p)   what market orders and asks at p or below offer        rises as p rises
    traded(p)   the smaller of both           left(p) = demand(p) - supply(p)

Candidates are the prices of limit orders. Only those at which something can trade are looked at, and one beyond on each
side: O(levels of both sides that cross).

Source: Deutsche Boerse, "Xetra Market Model Equities" (price determination in auctions).
"""

from matcher.book.level import Level
from matcher.book.links import is_first_of_group
from matcher.book.side import BookSide

#: (price_ticks, lots)
Row = tuple[int, int]
#: (price_ticks or 0, lots that trade, lots that are left: above 0 of buyers, below of sellers)
Equilibrium = tuple[int, int, int]
#: (price_ticks, lots asked for at it, lots offered)
Candidate = tuple[int, int, int]


def equilibrium(bids: BookSide, asks: BookSide, reference_ticks: int, linked: bool) -> Equilibrium:
    """What an auction of these orders would do. Price 0: nothing would trade, or no price is known at which.

    `reference_ticks`: the price that decides between equally good ones; 0 when there is none. `linked`: some cancel
    each other; of those only the first of each side counts, and O(orders that cross) are looked at.
    """
    buying: dict[int, bool] | None = {} if linked else None
    selling: dict[int, bool] | None = {} if linked else None
    market_bid, market_ask = _market_lots(bids, buying), _market_lots(asks, selling)
    highest_bid, lowest_ask = bids.best_limit_ticks(), asks.best_limit_ticks()
    if not (market_bid or highest_bid) or not (market_ask or lowest_ask):
        return 0, 0, market_bid - market_ask
    if not market_bid and not market_ask and highest_bid < lowest_ask:
        return 0, 0, 0
    demand = _rows(bids, lowest_ask, market_bid, market_ask, buying)
    supply = _rows(asks, highest_bid, market_ask, market_bid, selling)
    return decided(
        _candidates(demand, supply, market_bid, market_ask), market_bid, market_ask, reference_ticks
    )


def decided(
    candidates: list[Candidate], market_bid: int, market_ask: int, reference_ticks: int
) -> Equilibrium:
    """Of these prices, lowest first: most traded, then least left; then where the pressure is, then the reference.

    Without a price market orders alone are left, which trade at the reference.
    """
    left = market_bid - market_ask
    if not candidates:
        traded = min(market_bid, market_ask)
        return (reference_ticks, traded, left) if reference_ticks and traded else (0, 0, left)
    most, least = -1, 0
    buyers_high = sellers_low = even_low = even_high = 0
    for price, asked, offered in candidates:
        traded = asked if asked < offered else offered
        size = asked - offered if asked > offered else offered - asked
        if traded > most or (traded == most and size < least):
            most, least = traded, size
            buyers_high = sellers_low = even_low = even_high = 0
        if traded == most and size == least:
            if asked > offered:
                buyers_high = price
            elif asked < offered:
                sellers_low = sellers_low or price
            else:
                even_low = even_low or price
                even_high = price
    if not most:
        return 0, 0, left
    if buyers_high and not sellers_low:
        return buyers_high, most, least
    if sellers_low and not buyers_high:
        return sellers_low, most, -least
    low, high = (buyers_high, sellers_low) if buyers_high else (even_low, even_high)
    price = _nearest(reference_ticks, low, high)
    # Between two candidates nobody stands: there as much is asked for as offered.
    return price, most, least if price == buyers_high else -least if price == sellers_low else 0


def _market_lots(side: BookSide, groups: dict[int, bool] | None) -> int:
    """What its market orders want."""
    best = side.best
    return 0 if best is None or best.price_ticks else _lots(best, groups)


def _lots(level: Level, groups: dict[int, bool] | None) -> int:
    """All that a level wants, hidden or not; of orders that cancel each other only the first, if that is asked for.

    `groups` are those that had their first order before.
    """
    if groups is None:
        return level.quantity_lots + level.reserve_lots
    lots = 0
    order = level.head
    while order is not None:
        if is_first_of_group(order, groups):
            lots += order.quantity_lots - order.filled_lots
        order = order.newer
    return lots


def _rows(
    side: BookSide, facing_ticks: int, market: int, facing_market: int, groups: dict[int, bool] | None
) -> list[Row]:
    """The levels of a side that can matter, best first: those that cross the best limit of the other side, or are met
    by its market orders; the best one always. Behind those that cross as much may trade as before, for market orders
    on the other side, and less be left.
    """
    sign = side.sign
    rows: list[Row] = []
    before = market
    is_behind = not facing_market
    for level in side:
        price = level.price_ticks
        if not price:
            continue
        crosses = facing_ticks and (price - facing_ticks) * sign <= 0
        if rows and not crosses and before >= facing_market and is_behind:
            break
        is_behind = is_behind or not crosses
        lots = _lots(level, groups)
        if lots:
            rows.append((price, lots))
            before += lots
    return rows


def _candidates(demand: list[Row], supply: list[Row], market_bid: int, market_ask: int) -> list[Candidate]:
    """The prices of these rows, lowest first: what is asked for falls by the bids that are passed, offers add up."""
    asked = market_bid + sum([lots for _, lots in demand])
    offered = market_ask
    candidates: list[Candidate] = []
    at_bid, at_ask = len(demand) - 1, 0
    while at_bid >= 0 or at_ask < len(supply):
        if at_bid < 0:
            price = supply[at_ask][0]
        elif at_ask == len(supply):
            price = demand[at_bid][0]
        else:
            price = min(demand[at_bid][0], supply[at_ask][0])
        if at_ask < len(supply) and supply[at_ask][0] == price:
            offered += supply[at_ask][1]
            at_ask += 1
        candidates.append((price, asked, offered))
        if at_bid >= 0 and demand[at_bid][0] == price:
            asked -= demand[at_bid][1]
            at_bid -= 1
    return candidates


def _nearest(reference_ticks: int, low: int, high: int) -> int:
    """The price from `low` to `high` that is nearest to the reference; the middle, rounded down, without one."""
    if not reference_ticks:
        return (low + high) // 2
    return min(max(reference_ticks, low), high)
