"""`matchbus instrument ...`: what is traded, and in which phase. Changing it is the operator's, by the token."""

from decimal import Decimal
from typing import Annotated, Final

import typer
from rich.table import Table

from bus.calendar.words import hours_text
from bus.protocol.control import InstrumentState, TradingSchedule
from bus.protocol.terms import AUCTIONS, MATCHINGS, PRICE_TIME, PRO_RATA
from bus.sockets.client import Client, PendingAnswer
from bus.sockets.session.prices import Scale
from tools import options
from tools.decoded import json_line, named
from tools.ending import plain_values, quietly
from tools.exchange import ask_instruments, ask_schedule
from tools.operating import operate
from tools.phases import auction_words, end_words, phase_text
from tools.showing import counted, plain_table, short, show

instrument = typer.Typer(
    name="instrument",
    help="Define, list, halt and open instruments, bust and correct trades.",
    no_args_is_help=True,
)

#: Without other limits, prices and quantities go up to so many ticks and lots: their product is far below 2**63.
_STEPS_MAX: Final = 10**8

Symbol = Annotated[str, typer.Argument(help="The instrument, such as BTC-USD.", show_default=False)]

Trade = Annotated[
    int, typer.Argument(help="The trade's number, as the feed and the fills have it.", show_default=False)
]


@instrument.command()
def define(
    symbol: Symbol,
    tick: Annotated[str, typer.Option(metavar="DECIMAL", help="The smallest step of a price.")] = "0.01",
    lot: Annotated[str, typer.Option(metavar="DECIMAL", help="The smallest step of a quantity.")] = "0.0001",
    base: Annotated[
        str, typer.Option(metavar="ASSET", help="What is traded; the symbol up to its dash.")
    ] = "",
    quote: Annotated[
        str, typer.Option(metavar="ASSET", help="What it is paid with; the symbol behind its dash.")
    ] = "",
    price_min: Annotated[
        str | None, typer.Option(metavar="DECIMAL", help="The lowest price; a tick.")
    ] = None,
    price_max: Annotated[
        str | None, typer.Option(metavar="DECIMAL", help="The highest price; 100,000,000 ticks.")
    ] = None,
    quantity_min: Annotated[
        str | None, typer.Option(metavar="DECIMAL", help="The smallest quantity of an order; a lot.")
    ] = None,
    quantity_max: Annotated[
        str | None,
        typer.Option(metavar="DECIMAL", help="The largest quantity of an order; 100,000,000 lots."),
    ] = None,
    matching: Annotated[
        str, typer.Option(metavar="WORD", help="price-time or pro-rata; it never changes.")
    ] = MATCHINGS[PRICE_TIME],
    pro_rata_minimum: Annotated[
        str, typer.Option(metavar="DECIMAL", help="Under pro-rata, a share below it becomes nothing.")
    ] = "0",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Define an instrument, or change the limits of one that exists. It is open at once.

    \b
    Examples:
      matchbus instrument define BTC-USD --tick 0.01 --lot 0.0001
      matchbus instrument define GOLD --base XAU --quote USD --tick 0.1 --lot 0.001 --price-max 100000
      matchbus instrument define BILL-USD --lot 1 --matching pro-rata --pro-rata-minimum 2
    """
    first, _, second = symbol.partition("-")
    with plain_values():
        tick_step, lot_step = _step(tick, "tick"), _step(lot, "lot")

    def send(client: Client) -> PendingAnswer:
        return client.define_instrument(
            symbol,
            base or first,
            quote or second or first,
            tick=tick,
            lot=lot,
            price_min=tick if price_min is None else price_min,
            price_max=tick_step * _STEPS_MAX if price_max is None else price_max,
            quantity_min=lot if quantity_min is None else quantity_min,
            quantity_max=lot_step * _STEPS_MAX if quantity_max is None else quantity_max,
            matching=matching,
            pro_rata_minimum=pro_rata_minimum,
        )

    if not (quote or second):
        raise typer.BadParameter(f"{symbol} names no quote asset: say --quote")
    operate(send, f"{symbol} is defined", data, token_file, port_base, connect, timeout, as_json, who)


@instrument.command("list")
def list_(
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show all instruments: phases, what auctions would trade, ticks, lots and limits, and trading hours.

    \b
    Examples:
      matchbus instrument list
      matchbus instrument list --json
    """
    found = ask_instruments(connect, port_base, timeout)
    with quietly():
        if as_json:
            for state in found.values():
                print(json_line(named(state, Scale(state.definition))))
        else:
            hours = {
                symbol: ask_schedule(connect, port_base, timeout, symbol)
                for symbol, state in found.items()
                if state.schedule
            }
            show(instruments_table(found, hours))


@instrument.command()
def halt(
    symbol: Symbol,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Halt an instrument: until it is opened again only cancels are taken. A short word for `admin phase`.

    \b
    Example:
      matchbus instrument halt BTC-USD
    """
    operate(
        lambda client: client.set_phase(symbol, "halted", why=why),
        f"{symbol} is halted",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@instrument.command("open")
def open_(
    symbol: Symbol,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Open an instrument: its phase is continuous. A short word for `admin phase`.

    \b
    Example:
      matchbus instrument open BTC-USD
    """
    operate(
        lambda client: client.set_phase(symbol, "continuous", why=why),
        f"{symbol} is open",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@instrument.command()
def bust(
    symbol: Symbol,
    trade: Trade,
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Bust a trade of this trading day: it never counted. Orders and book stay as they are.

    \b
    Example:
      matchbus instrument bust BTC-USD 88
    """
    operate(
        lambda client: client.bust_trade(symbol, trade),
        f"trade {trade} of {symbol} is busted",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@instrument.command()
def correct(
    symbol: Symbol,
    trade: Trade,
    price: Annotated[str, typer.Argument(help="What its price is.", show_default=False)],
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Give a trade of this trading day another price. Orders and book stay as they are.

    \b
    Example:
      matchbus instrument correct BTC-USD 88 30000.50
    """
    operate(
        lambda client: client.correct_trade(symbol, trade, price),
        f"trade {trade} of {symbol} is at {price}",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


def instruments_table(found: dict[str, InstrumentState], hours: dict[str, TradingSchedule]) -> Table:
    """Instruments in the order in which they were defined, with the hours of those that have some."""
    columns = (
        "symbol",
        "phase",
        "ends",
        "auction would trade",
        ">tick",
        ">lot",
        ">price from",
        ">to",
        ">quantity from",
        ">to",
        "matching",
        "hours",
    )
    table = plain_table(counted(len(found), "instrument"), columns)
    for symbol, state in found.items():
        definition, known = state.definition, state.phase_state
        scale = Scale(definition)
        known_hours = hours.get(symbol)
        table.add_row(
            symbol,
            phase_text(state.phase),
            end_words(known.ends_ns).removeprefix("until "),
            auction_words(scale, known.indicative_ticks, known.indicative_lots, known.imbalance_lots)
            if state.phase in AUCTIONS
            else "",
            short(scale.price(1)),
            short(scale.quantity(1)),
            short(scale.price(definition.price_min_ticks)),
            short(scale.price(definition.price_max_ticks)),
            short(scale.quantity(definition.quantity_min_lots)),
            short(scale.quantity(definition.quantity_max_lots)),
            MATCHINGS[PRO_RATA if definition.matching == PRO_RATA else PRICE_TIME],
            hours_text(known_hours.zone, known_hours.days, known_hours.holidays) if known_hours else "always",
        )
    return table


def _step(text: str, what: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no {what}") from None
