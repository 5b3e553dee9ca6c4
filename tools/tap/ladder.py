"""How a book looks on a terminal: asks above, bids below, bars of what stands up to each price, trades beside it.

Pure: a `View` in, something that rich can draw out, exactly as wide and as high as it is told.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from rich.text import Text

from bus.protocol.terms import BUY, CONTINUOUS, PHASES, SELL
from bus.sockets.session.prices import Scale
from tools.decoded import time_text
from tools.phases import auction_words, end_words, phase_style

Row = tuple[int, int, int]  # price_ticks, quantity_lots, orders

#: Eighths of a cell.
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_BID: Final = "green"
_ASK: Final = "red"
_AUCTION: Final = "magenta"
#: Colour and sign of a trade by its aggressor; in an auction there is none.
_TAKEN: Final = {BUY: (_BID, "▲"), SELL: (_ASK, "▼"), 0: (_AUCTION, "◆")}
#: Below this width there is no room for trades beside the book.
_TRADES_FROM_WIDTH: Final = 72
_LEVELS_MAX: Final = 25
#: Lines that are neither levels nor trades: the title, a rule, the heads of the columns, the spread, the foot.
_OTHER_LINES: Final = 6


class Print(Struct, frozen=True):
    """A trade that was seen."""

    time_ns: int
    price_ticks: int
    quantity_lots: int
    aggressor: int  # 0: of an auction


class Auction(Struct, frozen=True):
    """What an auction would do if it ended now; see `bus.protocol.feed.Indicative`."""

    price_ticks: int
    quantity_lots: int
    imbalance_lots: int


class View(Struct, frozen=True):
    """What is to be drawn. `bids`, `asks`: best first. `trades`: newest first."""

    symbol: str
    scale: Scale
    bids: Sequence[Row]
    asks: Sequence[Row]
    trades: Sequence[Print]
    last_price_ticks: int  # of the last trade, also of one that was not seen; 0: there was none
    phase: int
    number: int
    note: str  # what is wrong, or was
    counted: str = "event"  # what `number` counts
    ends_ns: int = 0  # when the phase ends by itself; 0 when it does not
    auction: Auction | None = None  # while there is one of which something was told


def ladder(view: View, width: int, height: int) -> Text:
    """The whole picture: `height` lines at most, none wider than `width`."""
    depth = max(1, min(_LEVELS_MAX, (height - _OTHER_LINES) // 2))
    with_trades = width >= _TRADES_FROM_WIDTH
    cells = _Cells(view, depth)
    trades = _trade_lines(view, cells, 2 * depth + 2) if with_trades else []
    trades_width = max((len(line) for line in trades), default=0)
    book_width = width - (trades_width + 3 if with_trades else 0)
    book = _book_lines(view, cells, depth, book_width)
    body = []
    for index, line in enumerate(book):
        if with_trades:
            line.append(" │ ", "dim")
            if index < len(trades):
                line.append_text(trades[index])
        body.append(line)
    lines = [_title(view, width), Text("─" * width, "dim"), *body, _foot(view, width)]
    for line in lines:
        line.truncate(width)
        line.no_wrap = True
    return Text("\n", no_wrap=True).join(lines)


class _Cells:
    """The texts of the numbers, and how wide they are: the same on both sides, so that columns do not jump."""

    def __init__(self, view: View, depth: int) -> None:
        scale = view.scale
        self.asks = view.asks[:depth]
        self.bids = view.bids[:depth]
        self.totals = {
            side: _running([quantity for _, quantity, _ in rows])
            for side, rows in (("ask", self.asks), ("bid", self.bids))
        }
        self.largest_total = max((totals[-1] for totals in self.totals.values() if totals), default=1)
        rows = [*self.asks, *self.bids]
        self.price_width = max((len(_grouped(scale.price(price))) for price, _, _ in rows), default=8)
        self.size_width = max((len(_grouped(scale.quantity(size))) for _, size, _ in rows), default=8)
        self.total_width = max(len(_grouped(scale.quantity(self.largest_total))), 5)
        self.orders_width = max((len(str(orders)) for _, _, orders in rows), default=1)
        self.price_width = max(self.price_width, 5)
        self.size_width = max(self.size_width, 4)
        self.orders_width = max(self.orders_width, 2)


def _book_lines(view: View, cells: _Cells, depth: int, width: int) -> list[Text]:
    head = Text(style="dim")
    head.append(
        f"{'price':>{cells.price_width}}  {'size':>{cells.size_width}}  {'total':>{cells.total_width}}"
        f"  {'n':>{cells.orders_width}} "
    )
    bar_width = max(0, width - len(head))
    lines = [_padded(head, width)]
    lines += [Text(" " * width) for _ in range(depth - len(cells.asks))]
    for index in reversed(range(len(cells.asks))):
        row = cells.asks[index]
        lines.append(_level(view, cells, row, cells.totals["ask"][index], _ASK, bar_width, width))
    lines.append(_spread(view, width))
    for row, total in zip(cells.bids, cells.totals["bid"], strict=True):
        lines.append(_level(view, cells, row, total, _BID, bar_width, width))
    lines += [Text(" " * width) for _ in range(depth - len(cells.bids))]
    return lines


def _level(view: View, cells: _Cells, row: Row, total: int, style: str, bar_width: int, width: int) -> Text:
    price, quantity, orders = row
    scale = view.scale
    line = Text()
    line.append(f"{_grouped(scale.price(price)):>{cells.price_width}}  ", f"bold {style}")
    line.append(f"{_grouped(scale.quantity(quantity)):>{cells.size_width}}  ")
    line.append(f"{_grouped(scale.quantity(total)):>{cells.total_width}}  ", "dim")
    line.append(f"{orders:>{cells.orders_width}} ", "dim")
    line.append(_bar(total, cells.largest_total, bar_width), style)
    return _padded(line, width)


def _spread(view: View, width: int) -> Text:
    line = Text()
    if view.auction is not None:
        found = view.auction
        words = auction_words(view.scale, found.price_ticks, found.quantity_lots, found.imbalance_lots)
        line.append(f"auction: {words}", f"bold {_AUCTION}")
    elif view.bids and view.asks:
        bid, ask = view.bids[0][0], view.asks[0][0]
        spread = view.scale.price(ask - bid)
        points = Decimal(ask - bid) * 20_000 / (bid + ask)
        line.append(f"spread {_grouped(spread)}", "bold")
        line.append(f"  {points:.2f} bp  mid {_grouped(view.scale.price(bid + ask) / 2)}", "dim")
    else:
        side = "bids" if view.asks else "asks" if view.bids else "orders"
        line.append(f"no {side}", "yellow")
    return _padded(line, width)


def _title(view: View, width: int) -> Text:
    line = Text()
    line.append(f"{view.symbol}", "bold")
    if view.last_price_ticks:
        newest = view.trades[0] if view.trades else None
        style, arrow = ("", "") if newest is None else _TAKEN[newest.aggressor]
        line.append("  last ", "dim")
        line.append(f"{_grouped(view.scale.price(view.last_price_ticks))} {arrow}", f"bold {style}".strip())
        if newest is not None:
            line.append(f"  {_grouped(view.scale.quantity(newest.quantity_lots))}", style)
    else:
        line.append("  no trade yet", "dim")
    if view.phase and view.phase != CONTINUOUS:
        line.append(
            f"  {PHASES.get(view.phase, str(view.phase)).upper()}", f"{phase_style(view.phase)} reverse"
        )
        line.append(f" {end_words(view.ends_ns)}" if view.ends_ns else "", "dim")
    right = Text(f"{view.counted} {view.number:,}", "dim")
    line.append(" " * max(1, width - len(line) - len(right)))
    line.append_text(right)
    return line


def _foot(view: View, width: int) -> Text:
    return _padded(Text(view.note, "bold yellow"), width) if view.note else Text("Ctrl-C ends", "dim")


def _trade_lines(view: View, cells: _Cells, count: int) -> list[Text]:
    scale = view.scale
    rows = view.trades[: count - 1]
    prices = [_grouped(scale.price(trade.price_ticks)) for trade in rows]
    sizes = [_grouped(scale.quantity(trade.quantity_lots)) for trade in rows]
    price_width = max([cells.price_width, *map(len, prices)])
    size_width = max([cells.size_width, *map(len, sizes)])
    lines = [Text(f"{'trades':<8}  {'price':>{price_width}}  {'size':>{size_width}}", "dim")]
    for trade, price, size in zip(rows, prices, sizes, strict=True):
        line = Text(f"{time_text(trade.time_ns)[11:19]}  ", "dim")
        line.append(f"{price:>{price_width}}  ", _TAKEN[trade.aggressor][0])
        line.append(f"{size:>{size_width}}")
        lines.append(line)
    return lines


def _bar(part: int, whole: int, width: int) -> str:
    eighths = part * width * 8 // whole if whole else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _running(quantities: Sequence[int]) -> list[int]:
    totals: list[int] = []
    for quantity in quantities:
        totals.append((totals[-1] if totals else 0) + quantity)
    return totals


def _grouped(number: Decimal) -> str:
    return f"{number:,f}"


def _padded(line: Text, width: int) -> Text:
    line.truncate(width, pad=True)
    return line
