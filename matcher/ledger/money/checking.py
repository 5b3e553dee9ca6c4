"""That the money of a state adds up, and what orders hold, counted from the orders alone."""

from bus.protocol.terms import BUY, EXTERNAL, VENUE_FEES
from matcher.book.level import Order, open_orders_of
from matcher.ledger.account import Account
from matcher.ledger.fees.charging import may_be_tiers, tier_of
from matcher.ledger.fees.schedule import is_well_formed
from matcher.ledger.money.balance import UNITS_END
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.products.spot import price_to_hold


def hold_again(ledger: Ledger, account: Account) -> None:
    """Count what the account's balances and groups hold, from what its orders do. O(open orders).

    ValueError when an order holds what it can not hold.
    """
    for balance in account.balances.values():
        balance.held = 0
    for order in open_orders_of(account):
        if not order.held:
            continue
        product = ledger.products.get(order.symbol)
        asset = "" if product is None else product.asset_to_hold(order.side)
        third = "" if product is None or product.fees is None else product.fees.third
        fee = order.held_fee
        if (
            asset not in account.balances
            or order.held < 0
            or fee < 0
            or (fee > 0 and third not in account.balances)
        ):
            raise ValueError(f"not a state: order {order.sequence} holds what its account does not have")
        balance = account.balances[asset]
        group = None if order.instructions is None else order.instructions.group
        if fee:
            account.balances[third].held += fee if group is None else max(0, fee - group.held_fee)
            if group is not None:
                group.held_fee = max(group.held_fee, fee)
        if group is None:
            balance.held += order.held
        else:
            before = group.held_buying if order.side == BUY else group.held_selling
            balance.held += max(0, order.held - before)
            if order.side == BUY:
                group.held_buying = max(before, order.held)
            else:
                group.held_selling = max(before, order.held)


def check_money(ledger: Ledger, accounts: dict[str, Account]) -> None:
    """AssertionError for the first thing that does not add up. O(accounts, open orders)."""
    totals: dict[str, int] = {}
    for name, account in accounts.items():
        held: dict[str, int] = {}
        counted: dict[tuple[int, str], int] = {}
        for order in open_orders_of(account):
            wanted = _to_hold(ledger, order)
            assert (order.held, order.held_fee) == wanted, f"order {order.sequence} holds what it needs"
            product = ledger.products[order.symbol]
            group = None if order.instructions is None else order.instructions.group
            for asset, units in (
                (product.asset_to_hold(order.side), order.held),
                ("" if product.fees is None else product.fees.third, order.held_fee),
            ):
                if group is None:
                    held[asset] = held.get(asset, 0) + units
                else:
                    key = (group.number, asset)
                    counted[key] = max(counted.get(key, 0), units)
        for (_, asset), units in counted.items():
            held[asset] = held.get(asset, 0) + units
        for asset, units in held.items():
            assert units == 0 or asset in account.balances, "who holds something has it"
        for asset, balance in account.balances.items():
            assert asset in ledger.assets, "what accounts have is defined"
            assert balance.held == held.get(asset, 0), f"{name} holds what its orders hold"
            totals[asset] = totals.get(asset, 0) + balance.total
            assert -UNITS_END < balance.total < UNITS_END, "amounts stay within 64 bits"
            if name != EXTERNAL:
                assert 0 <= balance.held <= balance.total, f"{name} has all that its orders hold"
    for asset, total in totals.items():
        assert total == 0, f"all accounts together have 0 of {asset}"


def check_fees(ledger: Ledger, accounts: dict[str, Account]) -> None:
    """AssertionError for the first thing about fees that is not as it must be. O(accounts)."""
    assert may_be_tiers(ledger.thresholds), "tiers are such as may be set"
    for account in accounts.values():
        volume = account.volume
        if volume is not None:
            volume.check()
            assert volume.tier == tier_of(ledger.thresholds, volume.before), "a tier is that of its volume"
    for product in ledger.products.values():
        fees = product.fees
        if fees is None:
            continue
        assert is_well_formed(fees.schedule), "schedules are such as may be set"
        assert not fees.third or fees.third in ledger.assets, "what is paid is defined"
        pots = accounts[VENUE_FEES].balances
        assert pots[fees.buyers_asset] is fees.of_buyers, "what buyers pay comes to the venue"
        assert pots[fees.sellers_asset] is fees.of_sellers, "what sellers pay does, too"


def _to_hold(ledger: Ledger, order: Order) -> tuple[int, int]:
    if order.instructions is not None and order.instructions.held_by:
        return 0, 0
    product = ledger.products[order.symbol]
    price, lots = price_to_hold(order), order.quantity_lots - order.filled_lots
    return product.units_to_hold(order.side, price, lots), product.fee_to_hold(order.side, price, lots)
