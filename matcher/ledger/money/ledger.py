"""The ledger: which assets there are, what each order holds, and how money moves.

The rule guarded here: all accounts together have 0 of each asset, none but `venue:external` has less than 0, and no
account's orders hold more than it has. Whoever calls has asked before whether that stays so (`lacks`, `has_room`).

Orders that cancel each other hold once: what the largest of them holds in each asset, since only one of them can trade.
From the first trade of one on it is that one alone.

What is said of an asset to hold holds for two: that which backs an order, and a third one, where fees are paid in it.
"""

from bus.protocol.commands import DefineInstrument, EnterOrder
from bus.protocol.terms import BUY, SELL
from matcher.book.groups import Group
from matcher.book.level import Order
from matcher.ledger.account import Account
from matcher.ledger.fees.charging import Charging
from matcher.ledger.money.balance import UNITS_END, Balance
from matcher.ledger.products.spot import Spot, price_to_hold, product_of, product_reason


class Ledger:
    """`assets`: decimals by name. `products`: by symbol, of what can be cleared (follows from the instruments).

    `thresholds`: the volumes from which the second tier of fees is reached, the third, and so on.
    """

    __slots__ = ("_names", "assets", "products", "thresholds")

    def __init__(self) -> None:
        self.assets: dict[str, int] = {}
        #: each asset by itself, so that all accounts share one text
        self._names: dict[str, str] = {}
        self.products: dict[str, Spot] = {}
        self.thresholds: tuple[int, ...] = ()

    def learn(self, definition: DefineInstrument) -> None:
        """An instrument is there, or an asset of it. What is cleared already stays as it is."""
        if definition.symbol not in self.products and not product_reason(definition, self.assets):
            self.products[definition.symbol] = product_of(definition, self.assets)

    # What accounts have.

    def free_units(self, account: Account, asset: str) -> int:
        """What an account has of an asset and no order holds."""
        balance = account.balances.get(asset)
        return 0 if balance is None else balance.total - balance.held

    def has_room(self, external: Account | None, asset: str, units: int) -> bool:
        """Whether so much may come from outside: all accounts together stay below 2**63, so each of them does."""
        balance = None if external is None else external.balances.get(asset)
        return units - (0 if balance is None else balance.total) < UNITS_END

    def move(self, source: Account, target: Account, asset: str, units: int) -> None:
        """So much leaves one account and comes to another."""
        asset = self._names.setdefault(asset, asset)
        _balance(source, asset).total -= units
        _balance(target, asset).total += units

    # What orders hold.

    def lacks(
        self,
        account: Account,
        symbol: str,
        side: int,
        price_ticks: int,
        lots: int,
        freed_units: int,
        freed_fee: int,
    ) -> bool:
        """Whether an account has too little free for an order of so much, of which something is held already.

        `freed_units` are those of the asset that backs it, `freed_fee` those of a third one.
        """
        product = self.products[symbol]
        units = product.units_to_hold(side, price_ticks, lots) - freed_units
        if units > 0 and units > self.free_units(account, product.asset_to_hold(side)):
            return True
        fees = product.fees
        if fees is None or not fees.third:
            return False
        units = product.fee_to_hold(side, price_ticks, lots) - freed_fee
        return units > 0 and units > self.free_units(account, fees.third)

    def backing(self, account: Account, product: Spot, side: int, price_ticks: int, lots: int) -> int:
        """What a new order of so much, which is alone, holds; -1 when the account has too little free for it."""
        units = product.units_to_hold(side, price_ticks, lots)
        if units > self.free_units(account, product.asset_to_hold(side)):
            return -1
        fees = product.fees
        if fees is not None and fees.third:
            fee = product.fee_to_hold(side, price_ticks, lots)
            if fee > self.free_units(account, fees.third):
                return -1
        return units

    def hold_first(self, order: Order, product: Spot, units: int) -> None:
        """A new order that is alone holds what `backing` said."""
        _balance(order.account, product.asset_to_hold(order.side)).held += units
        order.held = units
        fees = product.fees
        if fees is not None and fees.third:
            self._claim_fee(
                order, fees, product.fee_to_hold(order.side, order.price_ticks, order.quantity_lots)
            )

    def held_with(self, account: Account, command: EnterOrder) -> int:
        """What the orders hold that a new one would cancel with, as far as it would hold the same asset."""
        partner = account.requests.get(command.cancels_with) if command.cancels_with else None
        if not isinstance(partner, Order):
            return 0
        group = None if partner.instructions is None else partner.instructions.group
        if group is not None:
            return group.held_buying if command.side == BUY else group.held_selling
        return partner.held if partner.side == command.side else 0

    def fee_held_with(self, account: Account, command: EnterOrder) -> int:
        """The same of a third asset, which both sides hold."""
        partner = account.requests.get(command.cancels_with) if command.cancels_with else None
        return self.fee_held_of(partner) if isinstance(partner, Order) else 0

    def fee_held_of(self, order: Order) -> int:
        """As `held_of`, of a third asset."""
        group = None if order.instructions is None else order.instructions.group
        return order.held_fee if group is None else group.held_fee

    def held_of(self, order: Order) -> int:
        """What of the account's hold an order may take over when it becomes another one."""
        group = None if order.instructions is None else order.instructions.group
        if group is None:
            return order.held
        return group.held_buying if order.side == BUY else group.held_selling

    def hold(self, order: Order) -> None:
        """An order holds what it is to hold as it is now: more than before, or less. O(1), O(its group) when linked."""
        instructions = order.instructions
        lots = order.quantity_lots - order.filled_lots
        product = self.products[order.symbol]
        if instructions is None:  # nearly every order, and it is alone
            units = product.units_to_hold(order.side, order.price_ticks, lots)
            if units != order.held:
                asset = product.quote if order.side == BUY else product.base
                _balance(order.account, asset).held += units - order.held
                order.held = units
            fees = product.fees
            if fees is not None and fees.third:
                self._claim_fee(order, fees, product.fee_to_hold(order.side, order.price_ticks, lots))
            return
        if instructions.held_by:
            lots = 0  # it holds from its release on
        price = price_to_hold(order)
        self._claim(
            order,
            product,
            product.units_to_hold(order.side, price, lots),
            product.fee_to_hold(order.side, price, lots),
        )

    def release(self, order: Order) -> None:
        """An order that holds something holds nothing any more: it has ended."""
        self._claim(order, self.products[order.symbol], 0, 0)

    def join(self, order: Order) -> None:
        """An order is the first of a group: what it holds, the group holds."""
        group = None if order.instructions is None else order.instructions.group
        assert group is not None, "it is in a group"
        if order.side == BUY:
            group.held_buying = order.held
        else:
            group.held_selling = order.held
        group.held_fee = order.held_fee

    def dissolve(self, group: Group, account: Account, symbol: str, members: list[Order]) -> None:
        """A group is one no more: who decided it holds for itself, the others, which are about to end, nothing.

        `members`: those that are still open.
        """
        for order in members:
            if order.sequence != group.decided:
                order.held = order.held_fee = 0
        self._count(group, account, self.products[symbol], members)

    def _claim(self, order: Order, product: Spot, units: int, fee: int) -> None:
        """An order holds so much from now on, and so much of a third asset."""
        instructions = order.instructions
        group = None if instructions is None else instructions.group
        if group is None:
            if units != order.held:
                _balance(order.account, product.asset_to_hold(order.side)).held += units - order.held
                order.held = units
            if product.fees is not None:
                self._claim_fee(order, product.fees, fee)
            return
        order.held = units
        order.held_fee = fee
        if group.decided and order.sequence != group.decided:
            return
        members = [order]
        for sequence in group.members:
            member = order.account.open.get(sequence)
            if isinstance(member, Order) and member is not order:
                members.append(member)
        self._count(group, order.account, product, members)

    def _claim_fee(self, order: Order, fees: Charging, units: int) -> None:
        if units != order.held_fee:
            _balance(order.account, fees.third).held += units - order.held_fee
            order.held_fee = units

    def _count(self, group: Group, account: Account, product: Spot, members: list[Order]) -> None:
        """What a group of these orders holds: the most of each side, or what the one holds that decided it."""
        buying = selling = fee = 0
        for order in members:
            if group.decided and order.sequence != group.decided:
                continue
            fee = max(fee, order.held_fee)
            if order.side == BUY:
                buying = max(buying, order.held)
            else:
                selling = max(selling, order.held)
        if buying != group.held_buying:
            _balance(account, product.asset_to_hold(BUY)).held += buying - group.held_buying
            group.held_buying = buying
        if selling != group.held_selling:
            _balance(account, product.asset_to_hold(SELL)).held += selling - group.held_selling
            group.held_selling = selling
        if fee != group.held_fee and product.fees is not None:
            _balance(account, product.fees.third).held += fee - group.held_fee
            group.held_fee = fee

    # What a fill moves.

    def settle(self, product: Spot, buyer: Order, seller: Order, base_units: int, quote_units: int) -> None:
        """Both assets of a trade change hands, and both orders hold for what they have left. Before either ends.

        Each side trades with `venue:settlement`, where whatever comes in leaves in the same trade: it has no account.
        """
        self._exchange(product, buyer, seller, base_units, quote_units)
        self.hold(buyer)
        self.hold(seller)

    def settle_with_fees(
        self,
        product: Spot,
        fees: Charging,
        buyer: Order,
        seller: Order,
        base_units: int,
        quote_units: int,
        price_ticks: int,
        taker: int,
        day: int,
    ) -> tuple[int, int]:
        """As `settle`, of an instrument that charges: what the buyer paid, and the seller; below 0 what they got.

        `taker`: the side that took, 0 in an auction.
        """
        self._exchange(product, buyer, seller, base_units, quote_units)
        thresholds = self.thresholds
        of_buyer = fees.charge(
            buyer.account, thresholds, day, BUY, taker, base_units, quote_units, price_ticks
        )
        of_seller = fees.charge(
            seller.account, thresholds, day, SELL, taker, base_units, quote_units, price_ticks
        )
        self.hold(buyer)
        self.hold(seller)
        return of_buyer, of_seller

    def _exchange(
        self, product: Spot, buyer: Order, seller: Order, base_units: int, quote_units: int
    ) -> None:
        buyer.account.balances[product.quote].total -= quote_units
        _balance(seller.account, product.quote).total += quote_units
        seller.account.balances[product.base].total -= base_units
        _balance(buyer.account, product.base).total += base_units


def _balance(account: Account, asset: str) -> Balance:
    balance = account.balances.get(asset)
    if balance is None:
        balance = account.balances[asset] = Balance(0)
    return balance
