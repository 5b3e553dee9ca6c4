"""`matchbus publisher adjust ...`: the operator's hand in what is stored of a trade or a candle, with a reason.

Decimals become ticks and lots by the definition that is stored beside the rows; nothing is rounded. What is done here
is on record and is told by `matchbus publisher rebuild`. What the market itself says is revised by the engine instead
(`matchbus instrument bust`, `correct`).
"""

import json  # its whole numbers may leave 64 bits
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Annotated, Final

import typer

from bus.errors import AdjustmentRefused
from bus.protocol.commands import DefineInstrument
from bus.sockets.session.prices import Scale
from publisher.candles.candle import Candle
from publisher.candles.intervals import INTERVALS
from publisher.store.adjustment import adjust_candle, adjust_trade
from publisher.store.reading import read_candles, read_symbols
from publisher.store.rows import Correction
from publisher.store.store import Store
from tools import options
from tools.decoded import json_line, named, time_text
from tools.ending import plain_values
from tools.order.times import instant_of
from tools.publisher import stores

adjust = typer.Typer(
    name="adjust",
    help="Change what is stored of a trade or a candle, by hand, with a reason.",
    no_args_is_help=True,
)

#: More digits than any sum has.
EXACT: Final = Context(prec=100)

Symbol = Annotated[str, typer.Argument(help="The instrument, such as BTC-USD.", show_default=False)]
Trade = Annotated[int, typer.Argument(help="The trade's number.", show_default=False)]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it is kept for good.")]


@adjust.command()
def trade(
    symbol: Symbol,
    trade_id: Trade,
    price: Annotated[str, typer.Argument(help="What its price is.", show_default=False)],
    why: Why,
    data: stores.Data = None,
    store: stores.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Give a stored trade another price. No candle is made anew by it.

    \b
    Example:
      matchbus publisher adjust trade BTC-USD 88 30000.50 --why "price off by ten, ticket 12"
    """
    with stores.stored(stores.store_config(config, data, store)) as opened:
        scale = _scale(opened, symbol)
        with plain_values():
            price_ticks = scale.price_ticks(price)
        made = adjust_trade(opened, symbol, trade_id, price_ticks, why)
    _tell(symbol, made, scale, as_json=as_json)


@adjust.command()
def bust(
    symbol: Symbol,
    trade_id: Trade,
    why: Why,
    data: stores.Data = None,
    store: stores.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Let a stored trade count no longer. No candle is made anew by it.

    \b
    Example:
      matchbus publisher adjust bust BTC-USD 88 --why "a test that got out"
    """
    with stores.stored(stores.store_config(config, data, store)) as opened:
        scale = _scale(opened, symbol)
        made = adjust_trade(opened, symbol, trade_id, None, why)
    _tell(symbol, made, scale, as_json=as_json)


@adjust.command()
def candle(
    symbol: Symbol,
    interval: Annotated[str, typer.Argument(help="1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w.", show_default=False)],
    opens: Annotated[str, typer.Argument(help="When it opens: 2026-12-31T17:05, UTC.", show_default=False)],
    why: Why,
    open_: Annotated[str | None, typer.Option("--open", metavar="PRICE", help="Its first price.")] = None,
    high: Annotated[str | None, typer.Option(metavar="PRICE", help="Its highest price.")] = None,
    low: Annotated[str | None, typer.Option(metavar="PRICE", help="Its lowest price.")] = None,
    close: Annotated[str | None, typer.Option(metavar="PRICE", help="Its last price.")] = None,
    volume: Annotated[str | None, typer.Option(metavar="QUANTITY", help="What was traded.")] = None,
    quote_volume: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What was paid for it, in the quote asset.")
    ] = None,
    taker_buy: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="The part of the volume that takers bought.")
    ] = None,
    taker_buy_quote: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What they paid for it.")
    ] = None,
    trades: Annotated[int | None, typer.Option(metavar="N", help="How many trades.", min=0)] = None,
    data: stores.Data = None,
    store: stores.StoreUrl = None,
    config: options.ConfigFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Change fields of a stored candle; what is not given stays. No longer candle is made anew by it.

    \b
    Example:
      matchbus publisher adjust candle BTC-USD 5m 2026-12-31T17:05 --high 30010 --why "a spike that was none"
    """
    with stores.stored(stores.store_config(config, data, store)) as opened:
        scale = _scale(opened, symbol)
        with plain_values():
            opens_ns = instant_of(opens)
            given = {
                **{
                    name: scale.price_ticks(text)
                    for name, text in {
                        "open_ticks": open_, "high_ticks": high, "low_ticks": low, "close_ticks": close,
                    }.items()
                    if text is not None
                },
                **{
                    name: scale.quantity_lots(text)
                    for name, text in {"volume_lots": volume, "taker_buy_lots": taker_buy}.items()
                    if text is not None
                },
                **{
                    name: _tick_lots(scale, text)
                    for name, text in {
                        "quote_volume": quote_volume, "taker_buy_quote": taker_buy_quote,
                    }.items()
                    if text is not None
                },
            }  # fmt: skip
        if trades is not None:
            given["trades"] = trades
        made = adjust_candle(
            opened, symbol, interval, _changed(opened, symbol, interval, opens_ns, given), why
        )
    _tell(symbol, made, scale, as_json=as_json)


def _scale(store: Store, symbol: str) -> Scale:
    with store.reading() as connection:
        found = read_symbols(connection).get(symbol)
    if found is None:
        raise AdjustmentRefused(f"{symbol}: nothing is stored of this symbol")
    d = found.definition
    return Scale(
        DefineInstrument(
            d.symbol, d.base, d.quote, d.tick_mantissa, d.tick_decimals, d.lot_mantissa, d.lot_decimals,
            d.price_min_ticks, d.price_max_ticks, d.quantity_min_lots, d.quantity_max_lots,
        )
    )  # fmt: skip


def _changed(store: Store, symbol: str, interval: str, opens_ns: int, given: Mapping[str, int]) -> Candle:
    """The stored candle with these fields."""
    if interval not in INTERVALS:
        raise AdjustmentRefused(f"{interval!r} is no interval: {', '.join(INTERVALS)}")
    with store.reading() as connection:
        found = read_candles(connection, symbol, interval, limit=1, since_ns=opens_ns, until_ns=opens_ns + 1)
    if not found:
        raise AdjustmentRefused(
            f"{symbol}: no candle of {interval} that opens at {time_text(opens_ns)} UTC is stored"
        )
    changed = found[0]
    for name, value in given.items():
        setattr(changed, name, value)
    return changed


def _tick_lots(scale: Scale, text: str) -> int:
    """An amount of the quote asset in ticks times lots, exactly. Raises ValueError."""
    step = Fraction(scale.price(1)) * Fraction(scale.quantity(1))
    try:
        steps = Fraction(text) / step
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no amount") from None
    if steps.denominator != 1:
        raise ValueError(f"{text} is no amount of {scale.symbol}: a tick times a lot is {step}")
    return steps.numerator


def _tell(symbol: str, made: Correction, scale: Scale, *, as_json: bool) -> None:
    before, after = (_shown(text, scale) if text else None for text in (made.before, made.after))
    if as_json:
        print(json_line({"symbol": symbol, **named(made, scale), "before": before, "after": after}))
    elif before is not None and after is not None:
        changes = ", ".join(
            f"{name} {before[name]} -> {after[name]}" for name in before if before[name] != after[name]
        )
        assert made.open_time_ns is not None, "a candle opens somewhen"
        print(f"candle {made.interval} at {time_text(made.open_time_ns)} UTC of {symbol}: {changes}")
    else:
        assert made.price_before_ticks is not None, "a trade has a price"
        ticks = made.price_after_ticks
        now = "does not count any more" if ticks is None else f"{scale.price(ticks):f}"
        print(f"trade {made.trade_id} of {symbol}: {scale.price(made.price_before_ticks):f} -> {now}")


def _shown(text: str, scale: Scale) -> dict[str, str]:
    """What can be changed of a candle, as people write it."""
    row = Candle(*json.loads(text))
    step = scale.price(1) * scale.quantity(1)
    return {
        "open": f"{scale.price(row.open_ticks):f}",
        "high": f"{scale.price(row.high_ticks):f}",
        "low": f"{scale.price(row.low_ticks):f}",
        "close": f"{scale.price(row.close_ticks):f}",
        "volume": f"{scale.quantity(row.volume_lots):f}",
        "quote_volume": f"{EXACT.multiply(step, Decimal(row.quote_volume)):f}",
        "taker_buy": f"{scale.quantity(row.taker_buy_lots):f}",
        "taker_buy_quote": f"{EXACT.multiply(step, Decimal(row.taker_buy_quote)):f}",
        "trades": str(row.trades),
    }
