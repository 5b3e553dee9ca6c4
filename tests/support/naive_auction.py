"""The price of an auction by brute force, written from docs/rules.md (chapter AUCTION) and not from the matcher.

For each price that could be the one, all orders are walked: who would buy at it, who would sell? Then the rules strike
out prices, one rule after the other. Who trades is found by lining everybody up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bus.protocol.terms import BUY


class Wish(NamedTuple):
    """What an order brings into an auction: all that it has left. `price` 0: any price."""

    side: int
    price: int
    lots: int


class Outcome(NamedTuple):
    """Price (0: nobody trades), lots that trade, and what is left: above 0 of buyers, below of sellers."""

    price: int
    lots: int
    left: int


@dataclass
class Pair:
    """A buyer and a seller, by their places among the wishes, and how much they trade."""

    buyer: int
    seller: int
    lots: int


def takes(wish: Wish, price: int) -> bool:
    """Whether an order would trade at a price."""
    if wish.price == 0:
        return True
    return wish.price >= price if wish.side == BUY else wish.price <= price


def at(wishes: Sequence[Wish], price: int) -> Outcome:
    """What would happen at a price."""
    demand = sum(wish.lots for wish in wishes if wish.side == BUY and takes(wish, price))
    supply = sum(wish.lots for wish in wishes if wish.side != BUY and takes(wish, price))
    return Outcome(price, min(demand, supply), demand - supply)


def outcome(wishes: Sequence[Wish], reference: int) -> Outcome:
    """MB-AUCTION-001 to 005. `reference` 0: there is none."""
    any_price = [wish for wish in wishes if wish.price == 0]
    nobody = Outcome(0, 0, at(any_price, 1).left)
    found = [at(wishes, price) for price in {wish.price for wish in wishes if wish.price}]
    if not found:  # market orders alone
        only = at(wishes, reference or 1)
        return only if reference and only.lots else nobody
    most = max(one.lots for one in found)
    if most == 0:
        return nobody
    found = [one for one in found if one.lots == most]
    least = min(abs(one.left) for one in found)
    found = [one for one in found if abs(one.left) == least]
    if all(one.left > 0 for one in found):
        return max(found)
    if all(one.left < 0 for one in found):
        return min(found)
    # Up to where buyers are left it is too low, from where sellers are left it is too high; the ends are good.
    low = max((one.price for one in found if one.left > 0), default=min(found).price)
    high = min((one.price for one in found if one.left < 0), default=max(found).price)
    price = min(max(reference, low), high) if reference else (low + high) // 2
    return at(wishes, price)


def pairs(wishes: Sequence[Wish], price: int) -> list[Pair]:
    """MB-AUCTION-006: who trades at this price. Those of one price stand among the wishes in their order of time."""
    buyers = [n for n, wish in enumerate(wishes) if wish.side == BUY and takes(wish, price)]
    sellers = [n for n, wish in enumerate(wishes) if wish.side != BUY and takes(wish, price)]
    # Sorting is stable: the order of time stays.
    buyers.sort(key=lambda n: (wishes[n].price != 0, -wishes[n].price))
    sellers.sort(key=lambda n: (wishes[n].price != 0, wishes[n].price))
    has = [wish.lots for wish in wishes]
    made = []
    while buyers and sellers:
        buyer, seller = buyers[0], sellers[0]
        lots = min(has[buyer], has[seller])
        made.append(Pair(buyer, seller, lots))
        has[buyer] -= lots
        has[seller] -= lots
        buyers = [n for n in buyers if has[n]]
        sellers = [n for n in sellers if has[n]]
    return made
