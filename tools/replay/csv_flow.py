"""A CSV of commands, so that anyone can bring a flow of his own. `docs/replay.md` has the columns.

The whole file is read and checked before anything is sent: a flow with a bad line leaves the engine alone.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from bus.errors import BadFlow
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder, TraderCommand
from bus.protocol.reports import Report
from bus.protocol.terms import FOK, GTC, IOC, LIMIT, MARKET, ORDER_TYPES, POST_ONLY, SIDES, TIMES_IN_FORCE
from bus.protocol.topics import SYMBOL
from tools.replay.flow import Send, Step
from tools.replay.scale import Scale
from tools.replay.source import lines

TIME: Final = "time"
ACTION: Final = "action"
CLIENT_ORDER_ID: Final = "client_order_id"
SYMBOL_COLUMN: Final = "symbol"
SIDE: Final = "side"
QUANTITY: Final = "quantity"
PRICE: Final = "price"
ORDER_TYPE: Final = "order_type"
TIME_IN_FORCE: Final = "time_in_force"
POST_ONLY_COLUMN: Final = "post_only"
REQUEST_ID: Final = "request_id"

#: Every column there is, and for which actions it may be filled.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    TIME: ("enter", "cancel", "replace"),
    ACTION: ("enter", "cancel", "replace"),
    CLIENT_ORDER_ID: ("enter", "cancel", "replace"),
    SYMBOL_COLUMN: ("enter", "cancel", "replace"),
    SIDE: ("enter",),
    QUANTITY: ("enter", "replace"),
    PRICE: ("enter", "replace"),
    ORDER_TYPE: ("enter",),
    TIME_IN_FORCE: ("enter",),
    POST_ONLY_COLUMN: ("enter",),
    REQUEST_ID: ("replace",),
}
_ACTIONS: Final = {"enter": "enter", "cancel": "cancel", "replace": "replace"}
_SIDES: Final = {name: number for number, name in SIDES.items()}
# The columns say no trigger, no reference and no end: orders that need one are not of this format.
_ORDER_TYPES: Final = {ORDER_TYPES[number]: number for number in (LIMIT, MARKET)}
_TIMES_IN_FORCE: Final = {TIMES_IN_FORCE[number]: number for number in (GTC, IOC, FOK)}
_YES_NO: Final = {"true": POST_ONLY, "false": 0, "1": POST_ONLY, "0": 0}

_ID_LENGTH_MAX: Final = 36
_TIME_NS_MAX: Final = 2**63 - 1
_NANOSECONDS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line that is well formed; prices and quantities are still texts, since their scale is not known yet."""

    line: int
    time_ns: int
    action: str
    client_order_id: str
    symbol: str
    side: int
    quantity: str
    price: str
    order_type: int
    time_in_force: int
    flags: int
    request_id: str


class CsvFlow:
    """A file of commands. `symbol` is for lines (or files) that name none; "" when each does."""

    has_expectations = False

    def __init__(self, path: Path, symbol: str = "") -> None:
        self._path = path
        self._symbol = symbol
        self._columns: list[str] = []
        self._cells: dict[str, str] = {}
        self.line = 0
        self._rows = list(self._read())
        self.lines = self.line
        self.has_times = TIME in self._columns
        self.symbols = tuple(dict.fromkeys(row.symbol for row in self._rows if row.symbol))

    def steps(self, scales: Mapping[str, Scale]) -> Iterator[Step]:
        """See `Flow`. Every price and quantity is converted before the first step is given."""
        steps = [(row.line, Send(row.time_ns, self._command(row, scales))) for row in self._rows]
        self._rows.clear()
        for number, step in steps:
            self.line = number
            yield step

    def hear(self, report: Report) -> None:
        """See `Flow`: what this file says does not depend on what becomes of it."""

    # The lines

    def _read(self) -> Iterator[_Row]:
        last_ns = 0
        for number, text in lines(self._path):
            self.line = number
            if not text.strip():
                continue
            try:
                cells = [
                    cell.strip() for cell in next(csv.reader([text], strict=True, skipinitialspace=True))
                ]
            except csv.Error as error:
                self._refuse("", f"not CSV: {error}")
            if not self._columns:
                self._take_header(cells)
                continue
            if len(cells) != len(self._columns):
                self._refuse("", f"{len(cells)} cells, the header has {len(self._columns)}")
            self._cells = dict(zip(self._columns, cells, strict=True))
            row = self._row()
            if row.time_ns < last_ns:
                self._refuse(TIME, "earlier than the line before")
            last_ns = row.time_ns
            yield row
        if not self._columns:
            raise BadFlow(f"{self._path}: no header: the first line names the columns")

    def _take_header(self, columns: list[str]) -> None:
        for column in columns:
            if column not in COLUMNS:
                self._refuse(column, f"no such column; there are {', '.join(COLUMNS)}")
            if columns.count(column) > 1:
                self._refuse(column, "stands twice in the header")
        for column in (ACTION, CLIENT_ORDER_ID):
            if column not in columns:
                self._refuse(column, "missing in the header")
        self._columns = columns

    def _row(self) -> _Row:
        action = self._word(ACTION, _ACTIONS)
        for column, text in self._cells.items():
            if text and action not in COLUMNS[column]:
                self._refuse(column, f"is not for {action}: leave it empty")
        entering = action == "enter"
        replacing = action == "replace"
        order_type = self._word(ORDER_TYPE, _ORDER_TYPES, LIMIT)
        market = order_type == MARKET
        quantity = self._cells.get(QUANTITY, "")
        price = self._cells.get(PRICE, "")
        if entering and not quantity:
            self._refuse(QUANTITY, "is empty")
        if entering and bool(price) == market:
            self._refuse(PRICE, "a market order has none: leave it empty" if market else "is empty")
        if replacing and not quantity and not price:
            self._refuse(PRICE, "a replace names a new price, a new quantity or both")
        return _Row(
            line=self.line,
            time_ns=self._time_ns() if TIME in self._columns else 0,
            action=action,
            client_order_id=self._id(CLIENT_ORDER_ID, ""),
            symbol=self._symbol_of(needed=entering or replacing),
            side=self._word(SIDE, _SIDES) if entering else 0,
            quantity=quantity,
            price=price,
            order_type=order_type,
            time_in_force=self._word(TIME_IN_FORCE, _TIMES_IN_FORCE, IOC if market else GTC),
            flags=self._word(POST_ONLY_COLUMN, _YES_NO, 0),
            request_id=self._id(REQUEST_ID, f"line-{self.line}") if replacing else "",
        )

    # The cells

    def _word(self, column: str, words: Mapping[str, T], otherwise: T | None = None) -> T:
        text = self._cells.get(column, "")
        if text in words:
            return words[text]
        if text or otherwise is None:
            self._refuse(column, f"{text!r} is not {' or '.join(words)}" if text else "is empty")
        return otherwise

    def _id(self, column: str, otherwise: str) -> str:
        text = self._cells.get(column, "") or otherwise
        if not text:
            self._refuse(column, "is empty")
        if len(text) > _ID_LENGTH_MAX or not (text.isascii() and text.isprintable()):
            self._refuse(column, f"an id is 1 to {_ID_LENGTH_MAX} printable characters")
        return text

    def _symbol_of(self, *, needed: bool) -> str:
        text = self._cells.get(SYMBOL_COLUMN, "") or self._symbol
        if not text and needed:
            self._refuse(SYMBOL_COLUMN, "is empty, and --symbol names none")
        if text and SYMBOL.fullmatch(text) is None:
            self._refuse(SYMBOL_COLUMN, "a symbol is 1 to 20 of A-Z 0-9 _ -")
        return text

    def _time_ns(self) -> int:
        text = self._cells[TIME]
        time_ns = 0
        if _NANOSECONDS.fullmatch(text):
            time_ns = int(text)
        elif match := _ISO.fullmatch(text):
            try:
                seconds = int(datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).timestamp())
            except ValueError:
                seconds = 0  # there is no 31st of February
            time_ns = seconds * 10**9 + int((match[2] or "0").ljust(9, "0"))
        if not 0 < time_ns <= _TIME_NS_MAX:
            self._refuse(
                TIME, f"{text!r} is neither nanoseconds since 1970 nor like 2026-01-31T09:30:00.123456789Z"
            )
        return time_ns

    def _refuse(self, column: str, what: str) -> NoReturn:
        where = f"column {column}: " if column else ""
        raise BadFlow(f"{self._path}:{self.line}: {where}{what}")

    # The commands

    def _command(self, row: _Row, scales: Mapping[str, Scale]) -> TraderCommand:
        if row.action == "cancel":
            return CancelOrder(0, row.client_order_id)
        scale = scales[row.symbol]
        self.line = row.line
        quantity = self._whole(QUANTITY, row.quantity, scale.quantity_lots)
        price = self._whole(PRICE, row.price, scale.price_ticks)
        if row.action == "replace":
            return ReplaceOrder(row.request_id, 0, row.client_order_id, price, quantity)
        return EnterOrder(
            row.client_order_id,
            row.symbol,
            row.side,
            quantity,
            price,
            row.order_type,
            row.time_in_force,
            row.flags,
        )

    def _whole(self, column: str, text: str, convert: Callable[[str], int]) -> int:
        """An empty cell is 0, "not given" in the protocol; hence a written 0 is refused."""
        if not text:
            return 0
        try:
            number = convert(text)
        except ValueError as error:
            self._refuse(column, str(error))
        if not number:
            self._refuse(column, "is 0")
        return number
