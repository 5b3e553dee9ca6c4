"""The traces of judged commands in the ledger: holds, transfers, assets and terms of trade.

Orders that cancel with others are counted with what they take at most: what follows from links, and what that would
free, is not looked at.
"""

from bus.protocol.commands import DefineAsset, DefineInstrument, SetFees, Transfer
from bus.protocol.terms import BUY, SELL
from matcher.book.level import Order
from matcher.charging import schedule_of
from matcher.ledger.account import Account
from matcher.ledger.fees.charging import Charging
from matcher.ledger.money.balance import Balance
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.products.spot import Spot
from matcher.state import State


class MoneyTraces:
    """What commands of an account would do to money; at a venue that does not clear, nothing."""

    __slots__ = ("_account", "_balances", "_counts", "_known", "_made", "_moved", "_state")

    def __init__(self, state: State, account: Account) -> None:
        self._state = state
        self._account = account
        #: what was held before, transfers to take back, and accounts that these made
        self._balances = [(one, one.held) for one in account.balances.values()]
        self._moved: list[Transfer] = []
        self._made: list[str] = []
        #: how many assets those had with whom money was moved
        self._counts = [(account, len(account.balances))]
        #: assets and products before, once one is defined
        self._known: tuple[dict[str, int], dict[str, Spot]] | None = None

    def hold(self, order: Order) -> None:
        """An order would hold what it is to hold as it is now."""
        ledger = self._state.ledger
        if ledger is not None and not _is_grouped(order):
            ledger.hold(order)

    def release(self, order: Order) -> None:
        """An order would end: it holds nothing any more."""
        ledger = self._state.ledger
        if ledger is not None and not _is_grouped(order):
            ledger.release(order)

    def shares_with(self, order: Order, cancels_with: str) -> Order | None:
        """The order with which a new one would hold together."""
        if self._state.ledger is None or _is_held_back(order):
            return None
        partner = self._account.requests.get(cancels_with) if cancels_with else None
        return partner if isinstance(partner, Order) and not _is_grouped(partner) else None

    def back(self, order: Order, partner: Order | None) -> None:
        """An order would enter: it holds what is more than its partner holds, with which it would cancel."""
        ledger = self._state.ledger
        if ledger is None or _is_held_back(order):
            return
        ledger.hold(order)
        if partner is None:
            return
        fees = ledger.products[order.symbol].fees
        if fees is not None and fees.third:
            shared = min(partner.held_fee, order.held_fee)
            if shared:
                self._account.balances[fees.third].held -= shared
            partner.held_fee, order.held_fee = max(partner.held_fee, order.held_fee), 0
        if partner.side == order.side:
            most = max(partner.held, order.held)
            shared = min(partner.held, order.held)
            asset = ledger.products[order.symbol].asset_to_hold(order.side)
            self._account.balances[asset].held -= shared
            partner.held, order.held = most, 0

    def free_group(self, order: Order) -> None:
        """An order has ended: if all that it cancels with have, too, what they held together is free."""
        ledger = self._state.ledger
        group = None if order.instructions is None else order.instructions.group
        if ledger is None or group is None or any(one in self._account.open for one in group.members):
            return
        product = ledger.products[order.symbol]
        for side, units in ((BUY, group.held_buying), (SELL, group.held_selling)):
            if units:
                self._account.balances[product.asset_to_hold(side)].held -= units
        if group.held_fee and product.fees is not None:
            self._account.balances[product.fees.third].held -= group.held_fee

    def move(self, command: Transfer) -> None:
        """A transfer would move money."""
        ledger = self._state.ledger
        if ledger is None:
            return
        self._moved.append(command)
        accounts = self._state.accounts
        for name in (command.source, command.target):
            if name not in accounts:
                accounts[name] = Account(name)
                self._made.append(name)
            self._counts.append((accounts[name], len(accounts[name].balances)))
        ledger.move(accounts[command.source], accounts[command.target], command.asset, command.amount)

    def define_asset(self, command: DefineAsset) -> None:
        """An asset would be there."""
        ledger = self._learning()
        if ledger is not None:
            ledger.assets[command.asset] = command.decimals
            for instrument in self._state.instruments.values():
                ledger.learn(instrument.definition)

    def define_instrument(self, command: DefineInstrument) -> None:
        """An instrument would be there, or have other limits."""
        ledger = self._learning()
        if ledger is None:
            return
        ledger.learn(command)
        product = ledger.products.get(command.symbol)
        if product is not None and product.fees is not None:
            fees = product.fees.up_to(command.price_max_ticks)
            ledger.products[command.symbol] = product.that_charges(fees)

    def set_fees(self, command: SetFees) -> None:
        """An instrument would be traded on these terms."""
        ledger = self._learning()
        if ledger is None:
            return
        product = ledger.products[command.symbol]
        fees = None
        if command.rates:
            price_max = self._state.instruments[command.symbol].price_max_ticks
            fees = Charging(
                schedule_of(command), product.base, product.quote, price_max, Balance(0), Balance(0)
            )
        ledger.products[command.symbol] = product.that_charges(fees)

    def take_back(self) -> None:
        """The ledger is as it was."""
        ledger = self._state.ledger
        if ledger is None:
            return
        accounts = self._state.accounts
        for command in reversed(self._moved):
            ledger.move(accounts[command.target], accounts[command.source], command.asset, command.amount)
        for name in self._made:
            del accounts[name]
        for account, count in self._counts:
            for asset in list(account.balances)[count:]:
                del account.balances[asset]
        for balance, held in self._balances:
            balance.held = held
        if self._known is not None:
            ledger.assets, ledger.products = self._known

    def _learning(self) -> Ledger | None:
        """The ledger, which is about to know another asset or instrument."""
        ledger = self._state.ledger
        if ledger is not None and self._known is None:
            self._known = (ledger.assets.copy(), ledger.products.copy())
        return ledger


def _is_grouped(order: Order) -> bool:
    return order.instructions is not None and order.instructions.group is not None


def _is_held_back(order: Order) -> bool:
    """Whether it waits for the fill of another one, and is backed at its release."""
    return order.instructions is not None and order.instructions.command.triggered_by != ""
