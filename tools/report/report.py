"""A report: the rows of each of its tables, sorted, made of a period that was walked.

What rows there are of accounts comes in the order of their names, of instruments and assets likewise; trades, transfers
and revisions come in the order of the log.
"""

from collections.abc import Iterator
from operator import mul
from typing import Any, Final, final

from bus.errors import ConfigError
from bus.protocol.terms import EXTERNAL, ORDER_STATUSES, ORDER_TYPES, SIDES, TIMES_IN_FORCE, VENUE_FEES
from matcher.book.level import open_orders_of
from matcher.ledger.account import Account
from tools.report.decimals import decimal_text
from tools.report.gathering import (
    BOUGHT,
    BOUGHT_VALUE,
    DEPOSITS,
    FEES,
    NO_FLOW,
    NOTHING_TRADED,
    SOLD,
    SOLD_VALUE,
    WITHDRAWALS,
)
from tools.report.period import Period
from tools.report.tables import (
    ALL,
    ASSETS,
    BALANCES,
    INSTRUMENTS,
    ORDERS,
    POSITIONS,
    Table,
)
from tools.report.walking import Walked

Row = tuple[Any, ...]
_GROUP: Final = "group:"


def of_what(period: Period, account: str = "", group: str = "") -> tuple[str, str, str]:
    """See `Report.of_what`: known before there is one."""
    return (str(period.first), str(period.last), f"{_GROUP}{group}" if group else account)


@final
class Report:
    """`account` or `group`: only of this one, or of its members, and then nothing of the venue; "" for all.

    ConfigError when there is no such account or group by the end of the period.
    """

    def __init__(self, walked: Walked, account: str = "", group: str = "") -> None:
        self.walked = walked
        state = walked.core.state
        #: Those too that had something and are there no more.
        self._all = state.accounts.keys() | walked.opening.keys() | walked.gathered.shown.keys()
        #: Of whom it is: `group:NAME` of a group, which is no name of an account; "" of all.
        self.whose = account
        self._names: list[str] | None = None
        if account:
            if account not in self._all:
                raise ConfigError(f"--account {account}: nobody of this name is in the log by then")
            self._names = [account]
        elif group:
            if group not in state.groups:
                raise ConfigError(f"--group {group}: there is no such group in the log by then")
            self.whose = f"{_GROUP}{group}"
            self._names = sorted(state.groups[group].members)
        #: account -> symbols, of positions
        self._traded_symbols: dict[str, list[str]] = {}
        for name, symbol in {*walked.gathered.traded, *(walked.positions or ())}:
            self._traded_symbols.setdefault(name, []).append(symbol)

    @property
    def clears(self) -> bool:
        """Whether there is any money."""
        return self.walked.core.state.ledger is not None

    @property
    def tables(self) -> list[Table]:
        """Those that it has."""
        return [table for table in ALL if table.of_accounts or self.is_of_venue]

    @property
    def of_what(self) -> tuple[str, str, str]:
        """First day, last day and of whom: two reports of the same are versions of one."""
        return of_what(self.walked.period, self.whose)

    @property
    def is_of_venue(self) -> bool:
        """Whether it is of all accounts."""
        return self._names is None

    @property
    def is_of_one(self) -> bool:
        """Whether it is of one account, and a statement."""
        return bool(self.whose) and not self.whose.startswith(_GROUP)

    @property
    def is_of_days(self) -> bool:
        """Whether it is of more than one day."""
        return self.walked.period.first != self.walked.period.last

    def rows(self, table: Table) -> Iterator[Row]:
        """Of a table, in their order. One iterator at a time."""
        if table is ASSETS:
            return self._assets()
        if table is INSTRUMENTS:
            return self._instruments()
        if table is BALANCES:
            return (row for name in self.accounts() for row in self.balances(name))
        if table is POSITIONS:
            return (row for name in self.accounts() for row in self.positions(name))
        if table is ORDERS:
            return (row for name in self.accounts() for row in self.orders(name))
        spool = self.walked.gathered.spools[table.name]
        at = table.place("account")
        names = None if self._names is None else frozenset(self._names)
        return (row for row in spool if names is None or row[at] in names)

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        if table.name not in self.walked.gathered.spools:
            return sum(1 for _ in self.rows(table))
        if self._names is not None:
            return sum(self.count_of(table, name) for name in self._names)
        return self.walked.gathered.spools[table.name].count

    def count_of(self, table: Table, name: str) -> int:
        """How many trades, transfers or revisions an account has."""
        shown = self.walked.gathered.shown.get(name)
        return 0 if shown is None else shown.counts[table.name]

    def first_rows(self, table: Table, name: str) -> list[Row]:
        """The first of them, as many as pages show."""
        shown = self.walked.gathered.shown.get(name)
        spool = self.walked.gathered.spools[table.name]
        return [] if shown is None else [spool.at(place) for place in shown.places[table.name]]

    def accounts(self) -> list[str]:
        """Of whom it may say anything, by name."""
        return sorted(self._all) if self._names is None else self._names

    def open_orders(self, name: str) -> int:
        """How many open orders an account has at the end."""
        account = self.walked.core.state.accounts.get(name)
        return 0 if account is None else len(account.open)

    # Of an account.

    def balances(self, name: str) -> Iterator[Row]:
        """Of an account, by asset; none of an asset of which it has nothing and nothing moved."""
        account = self.walked.core.state.accounts.get(name)
        balances = {} if account is None else account.balances
        ledger = self.walked.core.state.ledger
        if ledger is None:
            return
        opening = self.walked.opening.get(name, {})
        for asset in sorted(balances.keys() | opening.keys()):
            flow = self.walked.gathered.flows.get((name, asset), NO_FLOW)
            balance = balances.get(asset)
            total, held = (0, 0) if balance is None else (balance.total, balance.held)
            units = (opening.get(asset, 0), *flow, total, held, total - held)
            if any(units):
                yield (name, asset, *(decimal_text(one, ledger.assets[asset]) for one in units))

    def positions(self, name: str) -> Iterator[Row]:
        """What an account traded, by symbol; since the log began, too, where that was counted."""
        walked = self.walked
        before = walked.positions
        for symbol in sorted(self._traded_symbols.get(name, ())):
            texts = walked.gathered.texts(walked.core, symbol)
            traded = walked.gathered.traded.get((name, symbol), NOTHING_TRADED)
            bought, sold = traded[BOUGHT], traded[SOLD]
            opening = None if before is None else before.get((name, symbol), 0)
            yield (
                name,
                symbol,
                None if opening is None else texts.quantity(opening),
                texts.quantity(bought),
                texts.quantity(sold),
                texts.quantity(bought - sold),
                None if opening is None else texts.quantity(opening + bought - sold),
                texts.value(traded[BOUGHT_VALUE]),
                texts.value(traded[SOLD_VALUE]),
                texts.mean_price(traded[BOUGHT_VALUE], bought),
                texts.mean_price(traded[SOLD_VALUE], sold),
            )

    def orders(self, name: str) -> Iterator[Row]:
        """The open orders of an account at the end, oldest first."""
        core = self.walked.core
        account = core.state.accounts.get(name)
        if account is None:
            return
        ledger = core.state.ledger
        for order, told in zip(open_orders_of(account), core.open_orders(name), strict=True):
            texts = self.walked.gathered.texts(core, order.symbol)
            held_asset = held = fee_asset = fee_held = None
            if ledger is not None and order.symbol in ledger.products:
                held_asset = ledger.products[order.symbol].asset_to_hold(order.side)
                held = decimal_text(order.held, ledger.assets[held_asset])
                fees = ledger.products[order.symbol].fees
                if fees is not None and fees.third:
                    fee_asset, fee_held = fees.third, decimal_text(order.held_fee, ledger.assets[fees.third])
            yield (
                name,
                order.sequence,
                order.request_id,
                order.symbol,
                SIDES[order.side],
                ORDER_TYPES[order.order_type],
                TIMES_IN_FORCE[order.time_in_force],
                ORDER_STATUSES[order.status],
                texts.price(order.price_ticks) if order.price_ticks else None,
                texts.price(told[6]) if told[6] else None,
                texts.quantity(order.quantity_lots),
                texts.quantity(order.filled_lots),
                texts.quantity(order.quantity_lots - order.filled_lots),
                held_asset,
                held,
                fee_asset,
                fee_held,
            )

    def is_silent(self, name: str) -> bool:
        """Whether there is nothing of an account in any table."""
        return (
            name not in self.walked.gathered.shown
            and next(self.balances(name), None) is None
            and next(self.positions(name), None) is None
            and next(self.orders(name), None) is None
        )

    # Of the venue.

    def _assets(self) -> Iterator[Row]:
        """Every asset: what is at the venue is what `venue:external` is below 0."""
        walked = self.walked
        state = walked.core.state
        if state.ledger is None:
            return
        held = dict.fromkeys(state.ledger.assets, 0)
        accounts = dict.fromkeys(state.ledger.assets, 0)
        for account in state.accounts.values():
            for asset, balance in account.balances.items():
                held[asset] += balance.held
                accounts[asset] += balance.total > 0
        external = state.accounts.get(EXTERNAL)
        fees = state.accounts.get(VENUE_FEES)
        for asset, decimals in sorted(state.ledger.assets.items()):
            flow = walked.gathered.flows.get((EXTERNAL, asset), NO_FLOW)
            units = (
                -walked.opening.get(EXTERNAL, {}).get(asset, 0),
                -flow[DEPOSITS],
                -flow[WITHDRAWALS],
                -_total(external, asset),
                -walked.gathered.flows.get((VENUE_FEES, asset), NO_FLOW)[FEES],
                _total(fees, asset),
                held[asset],
            )
            yield (asset, decimals, *(decimal_text(one, decimals) for one in units), accounts[asset])

    def _instruments(self) -> Iterator[Row]:
        """Every instrument, as its trades count at the end."""
        walked = self.walked
        for symbol in sorted(walked.core.state.instruments):
            texts = walked.gathered.texts(walked.core, symbol)
            tape = walked.gathered.tapes.get(symbol)
            if tape is None:
                yield (
                    symbol,
                    texts.base,
                    texts.quote,
                    0,
                    texts.quantity(0),
                    texts.value(0),
                    *[None] * 5,
                    0,
                    0,
                )
                continue
            prices = [price for price, lots in zip(tape.prices, tape.lots, strict=True) if lots]
            volume = sum(tape.lots)
            value = sum(map(mul, tape.prices, tape.lots))
            edges = (prices[0], max(prices), min(prices), prices[-1]) if prices else ()
            yield (
                symbol,
                texts.base,
                texts.quote,
                len(prices),
                texts.quantity(volume),
                texts.value(value),
                *(map(texts.price, edges) if edges else [None] * 4),
                texts.mean_price(value, volume),
                tape.busts,
                tape.corrections,
            )


def _total(account: Account | None, asset: str) -> int:
    balance = None if account is None else account.balances.get(asset)
    return 0 if balance is None else balance.total
