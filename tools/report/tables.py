"""Every table of a report: its name, its columns, and what each of them holds. docs/reports.md says the same.

Rows are tuples of plain values: text, whole numbers, times as nanoseconds, decimals as text; None for nothing.
"""

from enum import Enum
from typing import Final

from msgspec import Struct


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TIME = "time"


class Table(Struct, frozen=True):
    """`columns`: `(name, kind)` in their order. `of_accounts`: each row is of the account in column `account`."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    of_accounts: bool = True

    def place(self, column: str) -> int:
        """Where a column stands in a row."""
        return [name for name, _ in self.columns].index(column)


_TEXT, _INTEGER, _DECIMAL, _TIME = Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.TIME


def _columns(words: str) -> tuple[tuple[str, Kind], ...]:
    """`time:t symbol quantity:d trade_id:i`."""
    kinds = {"": _TEXT, "i": _INTEGER, "d": _DECIMAL, "t": _TIME}
    pairs = (word.partition(":") for word in words.split())
    return tuple((name, kinds[kind]) for name, _, kind in pairs)


ASSETS: Final = Table(
    "assets",
    _columns(
        "asset decimals:i opening:d deposits:d withdrawals:d closing:d fees:d fees_closing:d held:d accounts:i"
    ),
    of_accounts=False,
)
INSTRUMENTS: Final = Table(
    "instruments",
    _columns(
        "symbol base quote trades:i volume:d value:d open:d high:d low:d close:d vwap:d busts:i corrections:i"
    ),
    of_accounts=False,
)
BALANCES: Final = Table(
    "balances",
    _columns(
        "account asset opening:d deposits:d withdrawals:d transfers_in:d transfers_out:d received:d paid:d fees:d"
        " closing:d held:d free:d"
    ),
)
POSITIONS: Final = Table(
    "positions",
    _columns(
        "account symbol opening:d bought:d sold:d net:d closing:d bought_value:d sold_value:d average_bought:d"
        " average_sold:d"
    ),
)
TRADES: Final = Table(
    "trades",
    _columns(
        "sequence:i time:t symbol trade_id:i account order_id:i client_order_id side liquidity price:d quantity:d"
        " value:d paid_asset paid:d paid_total:d received_asset received:d received_total:d fee_asset fee:d fee_total:d"
    ),
)
TRANSFERS: Final = Table(
    "transfers",
    _columns("sequence:i time:t transfer_id account kind counterparty asset amount:d total:d"),
)
REVISIONS: Final = Table(
    "revisions",
    _columns(
        "sequence:i time:t symbol trade_id:i account order_id:i client_order_id side kind quantity:d"
        " previous_price:d price:d"
    ),
)
ORDERS: Final = Table(
    "orders",
    _columns(
        "account order_id:i client_order_id symbol side type time_in_force status price:d trigger:d quantity:d"
        " filled:d leaves:d held_asset held:d fee_held_asset fee_held:d"
    ),
)

#: Of the venue as a whole first.
ALL: Final = (ASSETS, INSTRUMENTS, BALANCES, POSITIONS, TRADES, TRANSFERS, REVISIONS, ORDERS)
