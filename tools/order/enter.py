"""`matchbus order enter`: a new order, with everything that it may ask for."""

from typing import Annotated, Any, Literal

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.order.carrying_out import carry_out
from tools.order.times import time_of

Symbol = Annotated[str, typer.Argument(help="The instrument, such as BTC-USD.", show_default=False)]
Side = Annotated[Literal["buy", "sell"], typer.Argument(help="Which side.", show_default=False)]


def enter(
    symbol: Symbol,
    side: Side,
    quantity: Annotated[str, typer.Argument(help="How much, in the base asset.", show_default=False)],
    price: Annotated[
        str | None,
        typer.Argument(
            metavar="[PRICE]", help="The limit; none makes it a market order.", show_default=False
        ),
    ] = None,
    order_type: Annotated[
        Literal[
            "limit",
            "market",
            "stop",
            "stop-limit",
            "take-profit",
            "take-profit-limit",
            "trailing-stop",
            "pegged",
        ]
        | None,
        typer.Option("--type", help="Follows from the others; say it for a take-profit.", metavar="TYPE"),
    ] = None,
    tif: Annotated[
        Literal["GTC", "IOC", "FOK", "DAY", "GTD", "ATO", "ATC", "GFA"] | None,
        typer.Option(
            help="Time in force: GTC, for a market order IOC; ATO, ATC and GFA are for an auction alone.",
            case_sensitive=False,
        ),
    ] = None,
    client_order_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="TEXT",
            help="Your own id: the same order sent again with it is not executed twice.",
        ),
    ] = None,
    post_only: Annotated[
        bool, typer.Option("--post-only", help="Rather reject it than let it take.")
    ] = False,
    reprice: Annotated[
        bool, typer.Option("--reprice", help="Post-only, one tick away rather than rejected.")
    ] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Rest without being displayed.")] = False,
    display: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="An iceberg: how much it shows at a time.")
    ] = None,
    minimum: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="How much has to trade at once, or nothing does.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option(metavar="PRICE", help="Wait for a trade at this price: a stop.")
    ] = None,
    trail: Annotated[
        str | None, typer.Option(metavar="DISTANCE", help="A trailing stop: how far behind the last price.")
    ] = None,
    trail_basis_points: Annotated[
        int | None, typer.Option(metavar="N", help="The same in hundredths of a percent.", min=1)
    ] = None,
    peg: Annotated[
        Literal["best-bid", "best-ask", "midpoint"] | None, typer.Option(help="Follow this price.")
    ] = None,
    peg_offset: Annotated[
        str | None, typer.Option(metavar="DISTANCE", help="How far above it; below is negative.")
    ] = None,
    self_trade: Annotated[
        Literal["cancel-newest", "cancel-oldest", "cancel-both", "decrement"] | None,
        typer.Option(help="Instead of a trade with an order of yours."),
    ] = None,
    self_trade_group: Annotated[
        int | None, typer.Option(metavar="N", help="Accounts of this group are yours, too.", min=1)
    ] = None,
    cancels_with: Annotated[
        str | None, typer.Option(metavar="ID", help="Your id of an open order: one cancels the other.")
    ] = None,
    triggered_by: Annotated[
        str | None, typer.Option(metavar="ID", help="Your id of an open order whose fill releases this one.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Until then: 2h from now, or 2026-12-31T17:00 (UTC). It is then GTD."
        ),
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Rather reject it than take it later than that.")
    ] = None,
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Only say whether it would be taken.")
    ] = False,
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Enter an order, and print what came of it.

    \b
    Examples:
      matchbus order enter BTC-USD buy 0.5 30000 --id my-1
      matchbus order enter BTC-USD sell 0.2 --type market
      matchbus order enter BTC-USD buy 1 29990 --post-only --account alice
      matchbus order enter BTC-USD sell 5 31000 --display 0.5
      matchbus order enter BTC-USD sell 0.5 --trigger 28000
      matchbus order enter BTC-USD buy 0.5 30000 --expires 2h --validate-only
    """
    said: dict[str, Any] = {
        "reprice": reprice or None,
        "hidden": hidden or None,
        "display": display,
        "minimum": minimum,
        "trigger": trigger,
        "trail": trail,
        "trail_basis_points": trail_basis_points,
        "peg": peg,
        "peg_offset": peg_offset,
        "self_trade": self_trade,
        "self_trade_group": self_trade_group,
        "cancels_with": cancels_with,
        "triggered_by": triggered_by,
    }
    instructions = {name: value for name, value in said.items() if value is not None}

    def send(client: Client) -> PendingAnswer:
        if expires is not None:
            instructions["expires_ns"] = time_of(expires)
        return client.enter(
            symbol,
            side,
            quantity,
            price,
            time_in_force=tif,
            order_type=order_type,
            post_only=post_only,
            client_order_id=client_order_id,
            validate_only=validate_only,
            deadline=deadline,
            **instructions,
        )

    carry_out(send, account, port_base, connect, timeout, as_json)
