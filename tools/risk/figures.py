"""What the history says of exposures as decimals of the quote asset: rows for people and for `--json`. No I/O."""

from decimal import Decimal
from typing import Any

from msgspec import Struct

from bus.protocol.commands import DefineInstrument
from bus.protocol.exposure import AccountPosition, Exposures
from bus.protocol.valuing import Valued, realised_of_day, valued
from bus.sockets.session.prices import Scale
from tools.risk.moves import Moves, Weighing


class Row(Struct, frozen=True):
    """An account over all symbols with one quote asset, in that asset."""

    account: str
    positions: int
    first_move: Decimal
    second_move: Decimal
    gross: Decimal
    net: Decimal
    open_notional: Decimal
    worst: Decimal
    unrealised: Decimal
    realised: Decimal
    day_realised: Decimal


class PositionRow(Struct, frozen=True):
    """A position of one account, in decimals."""

    symbol: str
    quote: str
    quantity: Decimal
    average_price: Decimal | None
    mark_price: Decimal | None
    value: Decimal
    first_move: Decimal
    second_move: Decimal
    open_buys: Decimal
    open_sells: Decimal
    worst: Decimal
    unrealised: Decimal
    realised: Decimal
    day_realised: Decimal


def rows_of(weighing: Weighing, answer: Exposures) -> list[Row]:
    """The accounts of an answer, in its order."""
    amount = weighing.amount
    return [
        Row(
            one.account,
            one.positions,
            amount(one.first_move),
            amount(one.second_move),
            amount(one.gross),
            amount(one.net),
            amount(one.open_bids) + amount(one.open_asks),
            amount(one.worst),
            amount(one.unrealised),
            amount(one.realised),
            amount(one.day_realised),
        )
        for one in answer.exposures
    ]


def position_row(
    definition: DefineInstrument, held: AccountPosition, moves: Moves, day_ns: int
) -> PositionRow:
    """A position. The average price is rounded to a millionth of a tick, for people; nothing else is."""
    scale = Scale(definition)
    at_mark: Valued = valued(held)
    first, second = moves.of(held.symbol)
    cost = int(held.cost)
    average = scale.mean_price(round(Decimal(cost * 1_000_000) / at_mark.lots)) if at_mark.lots else None
    return PositionRow(
        held.symbol,
        definition.quote,
        scale.quantity(at_mark.lots),
        average,
        scale.price(held.mark_ticks) if held.mark_ticks else None,
        scale.amount(at_mark.net),
        scale.amount(at_mark.move(first)),
        scale.amount(at_mark.move(second)),
        scale.amount(at_mark.bids),
        scale.amount(at_mark.asks),
        scale.amount(at_mark.worst),
        scale.amount(at_mark.unrealised),
        scale.amount(int(held.realised)),
        scale.amount(realised_of_day(held, day_ns)),
    )


def values(row: Row | PositionRow, **more: Any) -> dict[str, Any]:
    """A row for `--json`: amounts as text, exact."""
    told = {name: getattr(row, name) for name in row.__struct_fields__}
    return more | {
        name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in told.items()
    }
