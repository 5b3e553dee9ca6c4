"""How exposures look: a line an account or a position, losses in red, gains in green. No I/O.

    USD · worst of 6 accounts by a move of 5% · as of sequence 1,234

    account          5%   gross      net  open orders  worst case  profit  today
    bot-maker-1  -2,416 ▼  48,320   48,320    1,098,167     643,950    9.61   4.99

The arrow says which way the price goes that costs this. On a screen amounts are rounded; `--json` has all decimals.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from rich.text import Text

from tools.risk.figures import PositionRow, Row
from tools.risk.moves import Moves, Weighing
from tools.showing import counted, short

_LOSS: Final = "red"
_GAIN: Final = "green"
_NOTHING: Final = "dim"
_NONE: Final = "-"
_GAP: Final = "  "
_DOWN, _UP = "▼", "▲"
#: From here on nobody reads cents.
_LARGE: Final = 1_000
_CENTS: Final = Decimal("0.01")
#: Of amounts below 1, most of which are of an asset that is worth much.
_DIGITS: Final = 4

#: What accounts are ranked by, in words.
_WORDS: Final = {
    "move": "by {moves}",
    "gross": "by what they hold",
    "open": "by their open orders",
    "loss": "by loss",
}


def accounts_picture(
    weighing: Weighing, rows: Sequence[Row], moves: Moves, by: str, accounts: int, sequence: int
) -> Text:
    """The worst accounts with one quote asset."""
    title = Text.assemble(
        (weighing.quote, "bold"),
        f" · worst of {counted(accounts, 'account')} {_WORDS[by].format(moves=moves.words())}",
        (f" · as of sequence {sequence:,}", _NOTHING),
    )
    if not rows:
        return Text("\n").join([title, Text("no account holds anything or has open orders", _NOTHING)])
    lines = [
        [
            Text(row.account, "bold"),
            *_moved(moves, row.first_move, row.second_move),
            _plain(row.gross),
            _plain(row.net),
            _plain(row.open_notional),
            _plain(row.worst),
            _signed(row.unrealised + row.realised),
            _signed(row.day_realised),
        ]
        for row in rows
    ]
    names = ["account", *_cases(moves), "gross", "net", "open orders", "worst case", "profit", "today"]
    return Text("\n").join([title, Text(), *_table(names, lines)])


def account_picture(name: str, rows: Sequence[PositionRow], moves: Moves, sequence: int) -> Text:
    """All positions of an account, and what they come to by quote asset."""
    title = Text.assemble(
        (name, "bold"), " · at average cost, fees not counted", (f" · as of sequence {sequence:,}", _NOTHING)
    )
    if not rows:
        return Text("\n").join([title, Text("it never traded and has no open orders", _NOTHING)])
    lines: list[list[Text]] = []
    for quote in sorted({row.quote for row in rows}):
        of_quote = [row for row in rows if row.quote == quote]
        lines += [_position(row, moves) for row in of_quote]
        if len(of_quote) > 1:
            lines.append(_sum(quote, of_quote, moves))
    names = [
        "symbol",
        "position",
        "average",
        "last",
        "value",
        *_cases(moves),
        "open buys",
        "open sells",
        "unrealised",
        "realised",
        "today",
    ]
    return Text("\n").join([title, Text(), *_table(names, lines)])


def _position(row: PositionRow, moves: Moves) -> list[Text]:
    return [
        Text(row.symbol, "bold"),
        _signed(row.quantity, exact=True),
        _average(row),
        _price(row.mark_price),
        _plain(row.value),
        *_moved(moves, row.first_move, row.second_move),
        _plain(row.open_buys),
        _plain(row.open_sells),
        _signed(row.unrealised),
        _signed(row.realised),
        _signed(row.day_realised),
    ]


def _sum(quote: str, rows: Sequence[PositionRow], moves: Moves) -> list[Text]:
    def summed(name: str) -> Decimal:
        return sum((getattr(row, name) for row in rows), Decimal())

    return [
        Text(f"in {quote}", "italic"),
        Text(),
        Text(),
        Text(),
        _plain(summed("value")),
        *_moved(moves, summed("first_move"), summed("second_move")),
        *(_plain(summed(name)) for name in ("open_buys", "open_sells")),
        *(_signed(summed(name)) for name in ("unrealised", "realised", "day_realised")),
    ]


def money(amount: Decimal) -> str:
    """As people read it: no cents where it is large, four digits where it is small."""
    if abs(amount) >= _LARGE:
        return f"{amount.quantize(Decimal(1), ROUND_HALF_EVEN):,f}"
    if abs(amount) >= 1:
        return f"{amount.quantize(_CENTS, ROUND_HALF_EVEN):f}"
    step = Decimal(1).scaleb(amount.adjusted() - _DIGITS + 1)
    return short(amount.quantize(step, ROUND_HALF_EVEN))


def _cases(moves: Moves) -> list[str]:
    return (
        [moves.words().removeprefix("a move of ").removeprefix("the ")]
        if moves.is_one
        else [*moves.case_words()]
    )


def _moved(moves: Moves, first: Decimal, second: Decimal) -> list[Text]:
    """What moves come to: the worse of two that are each other's opposite, or each."""
    if moves.is_one and moves.first != moves.second:
        loss = min(first, second)
        if not loss:
            return [Text(f"{_NONE}  ", _NOTHING)]
        return [Text(f"{money(loss)} {_DOWN if first <= second else _UP}", _LOSS)]
    return [_signed(first)] if moves.is_one else [_signed(first), _signed(second)]


def _table(names: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[Text]:
    """Lines whose cells stand below each other: the first to the left, the others to the right."""
    cells = [[Text(name, _NOTHING) for name in names], *rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(names))]
    lines = []
    for row in cells:
        line = Text(no_wrap=True)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - len(cell))
            line.append(_GAP if index else "")
            line.append_text(Text.assemble(padding, cell) if index else Text.assemble(cell, padding))
        line.rstrip()
        lines.append(line)
    return lines


def _plain(amount: Decimal) -> Text:
    return Text(money(amount)) if amount else Text(_NONE, _NOTHING)


def _signed(amount: Decimal, *, exact: bool = False) -> Text:
    if not amount:
        return Text(_NONE, _NOTHING)
    shown = f"{amount.normalize():,f}" if exact else money(amount)
    return Text(shown, _GAIN if amount > 0 else _LOSS)


def _price(price: Decimal | None) -> Text:
    return Text(_NONE, _NOTHING) if price is None else Text(f"{price.normalize():,f}")


def _average(row: PositionRow) -> Text:
    """With two decimals more than prices have."""
    average, mark = row.average_price, row.mark_price
    if average is None or mark is None:
        return Text(_NONE, _NOTHING)
    exponent = mark.as_tuple().exponent
    assert isinstance(exponent, int), "a price is finite"
    return _price(average.quantize(Decimal(1).scaleb(exponent - 2), ROUND_HALF_EVEN))
