"""Positions as the history has them into answers: ticks and lots into decimals. Called by `web.rest.positions`."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from bus.protocol.exposure import AccountPosition
from bus.protocol.valuing import realised_of_day, valued
from bus.sockets.session.amounts import amount_of
from bus.sockets.session.prices import Scale
from web.market_data import price_text, text
from web.schemas.positions import OpenSide, PaidFee, Position

_MS: Final = 1_000_000
#: Average prices have six decimals more than a tick, as those of market data.
_MICROTICKS: Final = 1_000_000


def position(scale: Scale, held: AccountPosition, decimals: Mapping[str, int], time_ns: bool) -> Position:
    """A position. The average price is rounded to a millionth of a tick, half to even; nothing else is rounded.

    `decimals`: of the assets in which it paid fees.
    """
    at_mark = valued(held)
    cost, realised = int(held.cost), int(held.realised)
    fields: dict[str, Any] = {}
    if held.traded_ns:
        fields = {"day_ms": held.day_ns // _MS, "traded_ms": held.traded_ns // _MS}
        if time_ns:
            fields["traded_ns"] = held.traded_ns
    return Position(
        symbol=held.symbol,
        quantity=text(scale.quantity(at_mark.lots)),
        average_price=(
            text(scale.mean_price(round(Fraction(cost * _MICROTICKS, at_mark.lots))))
            if at_mark.lots
            else None
        ),
        cost=text(scale.amount(cost)),
        mark_price=price_text(scale, held.mark_ticks),
        value=text(scale.amount(at_mark.net)),
        unrealised_profit=text(scale.amount(at_mark.unrealised)),
        realised_profit=text(scale.amount(realised)),
        day_realised_profit=text(scale.amount(realised_of_day(held, held.day_ns))),
        open_buys=_side(scale, held.bid_orders, int(held.bid_lots), at_mark.bids),
        open_sells=_side(scale, held.ask_orders, int(held.ask_lots), at_mark.asks),
        longest=text(scale.quantity(at_mark.longest_lots)),
        shortest=text(scale.quantity(at_mark.shortest_lots)),
        worst_exposure=text(scale.amount(at_mark.worst)),
        fees=[
            PaidFee(asset=asset, amount=text(amount_of(int(units), decimals[asset])))
            for asset, units in held.fees
        ],
        **fields,
    )


def _side(scale: Scale, orders: int, lots: int, notional: int) -> OpenSide:
    return OpenSide(orders=orders, quantity=text(scale.quantity(lots)), notional=text(scale.amount(notional)))
