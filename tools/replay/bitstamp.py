"""Bitstamp's live channel as it was recorded: every order with its id, every trade, snapshots of the book.

One event a line, `<milliseconds> <event> <json>`. The rule of this reader: **after an event about an order, the book
holds that order as the event says.**

    order_created   a limit order: enter it
    order_changed   the book holds it so already (it was filled as it really was): nothing; otherwise (its owner
                    changed it, or it traded with orders from before the recording): replace it
    order_deleted   it still rests: cancel it
    trade           an expectation; never sent
    order_book      an expectation; never sent, nothing of it ever enters the book

An order that is older than the recording becomes known with its first `order_changed` and is entered then. A
`order_created` of an id that an earlier line named (lines come out of order now and then) is passed over.

Whether an order rests, and how much of it, is known from the engine's reports alone. So the reader settles before an
`order_changed`, and before an `order_deleted` with amount 0, which says that the order was filled and is in the book
no more, usually. An `order_deleted` with an amount goes out as a cancel without asking: should the order have ended
in the engine alone, the cancel is refused and changes nothing. So what is sent never depends on how fast reports come.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from bus.errors import BadFlow
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder
from bus.protocol.reports import Accepted, Cancelled, Filled, Replaced, Report
from bus.protocol.terms import BUY, SELL
from tools.replay.flow import RealTop, RealTrade, Send, Settle, Step
from tools.replay.scale import Scale
from tools.replay.source import count_lines, lines

_NS_PER_MS: Final = 1_000_000
#: The year 2286; what is larger is not a time in milliseconds.
_TIME_MS_MAX: Final = 9_999_999_999_999


class _Order(msgspec.Struct):
    id: int
    price: str
    amount: str
    order_type: Literal[0, 1]


class _Trade(msgspec.Struct):
    price: float
    amount: float


class _OrderBook(msgspec.Struct):
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


_decode_order: Final = msgspec.json.Decoder(_Order).decode
_decode_trade: Final = msgspec.json.Decoder(_Trade).decode
_decode_order_book: Final = msgspec.json.Decoder(_OrderBook).decode


@dataclass(slots=True)
class _Resting:
    """An order in the engine's book."""

    price_ticks: int
    filled_lots: int
    leaves_lots: int


class BitstampFlow:
    """A recording, traded under one symbol."""

    has_times = True
    has_expectations = True

    def __init__(self, path: Path, symbol: str) -> None:
        self._path = path
        self._symbol = symbol
        self.symbols = (symbol,)
        self.lines = count_lines(path)
        self.line = 0
        #: Every id that a line named; kept to the end, since lines about an order may come after its last one.
        self._named: set[int] = set()
        self._resting: dict[str, _Resting] = {}

    def steps(self, scales: Mapping[str, Scale]) -> Iterator[Step]:
        """See `Flow`."""
        scale = scales[self._symbol]
        last_ms = 0
        for number, text in lines(self._path):
            self.line = number
            parts = text.split(" ", 2)
            if len(parts) != 3 or not parts[0].isdecimal() or int(parts[0]) > _TIME_MS_MAX:
                raise self._bad("a line is `<milliseconds> <event> <json>`")
            time_ms = int(parts[0])
            if time_ms < last_ms:
                raise self._bad(f"{time_ms} is earlier than the line before")
            last_ms = time_ms
            try:
                yield from self._steps_of(time_ms * _NS_PER_MS, parts[1], parts[2], scale)
            except msgspec.DecodeError as error:
                raise self._bad(f"{parts[1]}: {error}") from None
            except ValueError as error:
                raise self._bad(f"{parts[1]}: {error}") from None

    def hear(self, report: Report) -> None:
        """See `Flow`."""
        resting = self._resting
        if isinstance(report, Accepted):
            resting[report.client_order_id] = _Resting(report.price_ticks, 0, report.quantity_lots)
        elif isinstance(report, Cancelled) or (isinstance(report, Filled) and not report.leaves_lots):
            resting.pop(report.client_order_id, None)
        elif isinstance(report, Filled | Replaced) and report.client_order_id in resting:
            order = resting[report.client_order_id]
            order.leaves_lots = report.leaves_lots
            if isinstance(report, Filled):
                order.filled_lots = report.cumulative_lots
            else:
                order.price_ticks = report.price_ticks

    def _steps_of(self, time_ns: int, event: str, document: str, scale: Scale) -> Iterator[Step]:
        if event == "order_created":
            yield from self._created(time_ns, _decode_order(document), scale)
        elif event == "order_changed":
            yield from self._changed(time_ns, _decode_order(document), scale)
        elif event == "order_deleted":
            yield from self._deleted(time_ns, _decode_order(document), scale)
        elif event == "trade":
            trade = _decode_trade(document)
            yield RealTrade(
                time_ns, scale.nearest_price_ticks(trade.price), scale.nearest_quantity_lots(trade.amount)
            )
        elif event == "order_book":
            book = _decode_order_book(document)
            yield RealTop(*_best(book.bids, scale), *_best(book.asks, scale))
        else:
            raise self._bad(f"no such event: {event}")

    def _created(self, time_ns: int, order: _Order, scale: Scale) -> Iterator[Step]:
        if order.id in self._named:
            return
        self._named.add(order.id)
        yield self._enter(time_ns, order, scale)

    def _changed(self, time_ns: int, order: _Order, scale: Scale) -> Iterator[Step]:
        price = scale.price_ticks(order.price)
        amount = scale.quantity_lots(order.amount)
        if order.id not in self._named:
            self._named.add(order.id)
            if amount:
                yield self._enter(time_ns, order, scale)
            return
        yield Settle()
        resting = self._resting.get(str(order.id))
        if resting is None or (resting.price_ticks == price and resting.leaves_lots == amount):
            return
        if amount:
            quantity = resting.filled_lots + amount
            yield Send(
                time_ns,
                ReplaceOrder(
                    f"line-{self.line}", 0, str(order.id), price_ticks=price, quantity_lots=quantity
                ),
            )
        else:
            yield Send(time_ns, CancelOrder(0, str(order.id)))

    def _deleted(self, time_ns: int, order: _Order, scale: Scale) -> Iterator[Step]:
        if order.id not in self._named:
            self._named.add(order.id)
            return
        if scale.quantity_lots(order.amount):
            yield Send(time_ns, CancelOrder(0, str(order.id)))
            return
        yield Settle()
        if str(order.id) in self._resting:
            yield Send(time_ns, CancelOrder(0, str(order.id)))

    def _enter(self, time_ns: int, order: _Order, scale: Scale) -> Send:
        side = SELL if order.order_type else BUY
        return Send(
            time_ns,
            EnterOrder(
                str(order.id),
                self._symbol,
                side,
                scale.quantity_lots(order.amount),
                scale.price_ticks(order.price),
            ),
        )

    def _bad(self, text: str) -> BadFlow:
        return BadFlow(f"{self._path}:{self.line}: {text}")


def _best(side: list[tuple[str, str]], scale: Scale) -> tuple[int, int]:
    """Price and quantity of the first level."""
    if not side:
        return 0, 0
    price, amount = side[0]
    return scale.price_ticks(price), scale.quantity_lots(amount)
