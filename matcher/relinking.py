"""Relinking: the links and pegs of a state that was read from its bytes, and a check that they are as they must be.

Nearly all of it follows from the orders: each knows its group and the order that it waits for by number, and what it
follows. So that is all that a checkpoint has of it.
"""

from bus.protocol.terms import CONTINUOUS, PEGGED, RESTING, WAITING
from matcher.book.groups import Group
from matcher.book.level import Order
from matcher.book.pegs import best_displayed
from matcher.book.triggers import Watch
from matcher.instruments import Instrument
from matcher.ledger.account import Account


def relink(
    accounts: dict[str, Account], instruments: dict[str, Instrument], unplaced: dict[int, Order]
) -> None:
    """Link orders, and let them follow, as they say; those who wait for that are taken out of `unplaced`.

    Until then an order has a group of its own, of the right number. ValueError for what could not have come about.
    """
    for account in accounts.values():
        groups: dict[int, Group] = {}
        for order in account.open.values():
            assert isinstance(order, Order)
            if order.instructions is not None:
                _relink_order(order, account, instruments[order.symbol], groups, unplaced)
        for number, group in groups.items():
            if len(group.members) < 2 or group.members[0] != number:
                raise ValueError(f"not a state: group {number} of {account.name} is not whole")
    for symbol, instrument in instruments.items():
        watch = instrument.watch
        if watch is None:
            continue
        if watch.is_idle():
            raise ValueError(f"not a state: {symbol} watches for nobody")
        if instrument.phase == CONTINUOUS:
            watch.pegs.see(instrument.book)


def _relink_order(
    order: Order,
    account: Account,
    instrument: Instrument,
    groups: dict[int, Group],
    unplaced: dict[int, Order],
) -> None:
    instructions = order.instructions
    assert instructions is not None
    group = instructions.group
    held_by = instructions.held_by
    if group is None and not held_by and order.order_type != PEGGED and not instructions.for_auction:
        return
    watch = instrument.watch
    if watch is None:
        raise ValueError(f"not a state: nobody watches for order {order.sequence}")
    if group is not None:
        shared = groups.get(group.number)
        if shared is None:
            group.members = []
            groups[group.number] = shared = group
        shared.members.append(order.sequence)
        instructions.group = shared
        instructions.watched = True
        watch.links.grouped += 1
    if held_by and order.sequence in watch.waiting:
        if held_by in account.open:
            raise ValueError(f"not a state: order {order.sequence} was not released by order {held_by}")
    elif held_by:
        parent = account.open.get(held_by)
        if (
            not isinstance(parent, Order)
            or parent.symbol != order.symbol
            or parent.instructions is None
            or parent.sequence >= order.sequence
            or unplaced.pop(order.sequence, None) is None
            or order.status != WAITING
        ):
            raise ValueError(f"not a state: order {order.sequence} does not wait for order {held_by}")
        watch.hold(order, parent)
    elif instructions.for_auction:
        watch.auctioned[order.sequence] = order
        if order.status == WAITING and unplaced.pop(order.sequence, None) is None:
            raise ValueError(f"not a state: order {order.sequence} does not wait for its auction")
    elif order.order_type == PEGGED:
        watch.pegs.orders[order.sequence] = order
        if order.status == WAITING and (unplaced.pop(order.sequence, None) is None or order.price_ticks):
            raise ValueError(f"not a state: order {order.sequence} does not wait for its reference")


def check_links(accounts: dict[str, Account], instruments: dict[str, Instrument]) -> None:
    """AssertionError for the first link or peg that is not as it must be. O(open orders)."""
    grouped: dict[str, int] = {}
    followers: dict[str, list[int]] = {}
    auctioned: dict[str, list[int]] = {}
    for account in accounts.values():
        for order in account.open.values():
            assert isinstance(order, Order)
            instructions = order.instructions
            if instructions is None:
                continue
            group = instructions.group
            if group is not None:
                grouped[order.symbol] = grouped.get(order.symbol, 0) + 1
                _check_group(group, order, account)
            if instructions.for_auction:
                auctioned.setdefault(order.symbol, []).append(order.sequence)
            if order.order_type == PEGGED and not instructions.held_by:
                followers.setdefault(order.symbol, []).append(order.sequence)
    for symbol, instrument in instruments.items():
        watch = instrument.watch
        followed = [] if watch is None else sorted(watch.pegs.orders)
        assert followed == sorted(followers.get(symbol, [])), "all pegged orders follow, and nobody else"
        known = [] if watch is None else sorted(watch.auctioned)
        assert known == sorted(auctioned.get(symbol, [])), (
            "all orders for an auction are known, and no others"
        )
        counted = 0 if watch is None else watch.links.grouped
        assert counted == grouped.get(symbol, 0), "all orders in groups are counted"
        if watch is not None and followed and instrument.phase == CONTINUOUS:
            _check_pegs(instrument, watch)


def _check_group(group: Group, order: Order, account: Account) -> None:
    assert group.decided == 0, "what follows from a group was done"
    assert order.sequence in group.members, "a group knows its members"
    assert group.members == sorted(group.members), "they stand there in order of entry"
    assert len(group.members) > 1, "nobody is in a group alone"
    assert group.number == group.members[0], "a group has the number of its first member"
    for sequence in group.members:
        other = account.open.get(sequence)
        assert isinstance(other, Order), "all of a group are open"
        assert other.symbol == order.symbol, "a group is of one instrument"
        assert other.instructions is not None, "who is linked has instructions"
        assert other.instructions.group is group, "members know their group"


def _check_pegs(instrument: Instrument, watch: Watch) -> None:
    pegs = watch.pegs
    assert not pegs.returning, "nobody is on his way between commands"
    assert pegs.bid_ticks == best_displayed(instrument.book.bids), (
        "the best bid of those who do not follow was seen"
    )
    assert pegs.ask_ticks == best_displayed(instrument.book.asks), "and the best ask"
    for order in pegs.orders.values():
        target = pegs.target_ticks(order, instrument.price_min_ticks, instrument.price_max_ticks)
        assert order.price_ticks == target, "a pegged order stands where its reference says"
        assert order.status == (RESTING if target else WAITING), "without a reference it waits"
        assert (order.level is not None) == (target != 0), "and is in no book"
