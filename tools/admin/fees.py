"""`matchbus admin fees ...`: what trading costs, by instrument and tier."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from bus.errors import ConfigError
from bus.protocol.commands import SetFees
from bus.protocol.control import Fees
from bus.protocol.terms import EXTERNAL, OPERATOR
from bus.sockets.client import Client
from tools import options
from tools.admin.fee_terms import fees_of, rate_row, terms_text
from tools.admin.shares import share_text
from tools.decoded import json_line, named
from tools.operating import Asked, operate, operate_on_each, operator_name
from tools.showing import plain_table, show

fees = typer.Typer(name="fees", help="What trading costs.", no_args_is_help=True)

Term = str | None


@fees.command("set")
def set_fees(
    symbol: Annotated[str, typer.Argument(help="The instrument.", show_default=False)],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The terms, in TOML; docs/cli.md shows some.", show_default=False
        ),
    ] = None,
    tier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MAKER/TAKER", help="Rates of a tier, such as 0.1%/0.2%; again for the next one."
        ),
    ] = None,
    basis: Annotated[
        Term, typer.Option("--of", metavar="BASIS", help="What rates are of: notional, quantity or binary.")
    ] = None,
    paid_in: Annotated[
        Term, typer.Option("--in", metavar="ASSET", help="Paid in: quote, base, received, or a third asset.")
    ] = None,
    at: Annotated[
        Term,
        typer.Option(
            metavar="DECIMAL", help="What one of the other asset costs in a third one: 0.0025, 1/400."
        ),
    ] = None,
    rounding: Annotated[
        Term, typer.Option("--round", metavar="WAY", help="up, down, half-up or half-even.")
    ] = None,
    step: Annotated[Term, typer.Option(metavar="DECIMAL", help="Fees are whole steps.")] = None,
    minimum: Annotated[Term, typer.Option(metavar="DECIMAL", help="The least that is paid.")] = None,
    maximum: Annotated[
        Term, typer.Option(metavar="DECIMAL", help="The most that is paid, and paid back.")
    ] = None,
    share: Annotated[
        Term, typer.Option(metavar="SHARE", help="No fee is more than this share of the fill, such as 12.5%.")
    ] = None,
    payout: Annotated[Term, typer.Option(metavar="DECIMAL", help="What a binary contract pays out.")] = None,
    volume: Annotated[
        Term, typer.Option(metavar="RATIO", help="How much of a volume one of the quote asset is: 1/1000.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It costs nothing any more.")] = False,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Say what an instrument costs to trade, from now on, in the place of what it cost.

    Open orders that are not backed under the new terms any more end.

    \b
    Examples:
      matchbus admin fees set BTC-USD --tier 0.1%/0.2% --tier 0%/0.1%
      matchbus admin fees set BTC-USD fees.toml --why "from May on"
      matchbus admin fees set BTC-USD --none
    """
    words = {
        "tiers": [] if tier is None else tier,
        "of": basis,
        "in": paid_in,
        "at": at,
        "round": rounding,
        "step": step,
        "minimum": minimum,
        "maximum": maximum,
        "share": share,
        "payout": payout,
        "volume": volume,
    }
    said: dict[str, Any] = {name: value for name, value in words.items() if value}
    if (file is not None) + none + bool(said) != 1:
        raise typer.BadParameter("say SYMBOL FILE, SYMBOL --tier MAKER/TAKER ..., or SYMBOL --none")
    if file is not None:
        said = _terms_in(file)

    def ask(client: Client) -> Iterator[Asked]:
        if none:
            yield f"{symbol} costs nothing", client.put_fees(SetFees(symbol, [], why=why))
            return
        known = client.instruments()
        if symbol not in known:
            raise ValueError(f"there is no {symbol}")
        if tier is not None:
            said["tiers"] = [rate_row(one) for one in tier]
        command = fees_of(known[symbol].definition, said, _decimals(client), why)
        first = " / ".join(share_text(rate) for rate in command.rates[0])
        yield (
            f"{symbol} costs {first} and so on" if len(command.rates) > 1 else f"{symbol} costs {first}",
            (client.put_fees(command)),
        )

    operate_on_each(ask, data, token_file, port_base, connect, timeout, as_json, who)


@fees.command()
def tiers(
    volumes: Annotated[
        list[int] | None,
        typer.Argument(metavar="UNITS", help="The volume of thirty days from which each is reached, rising."),
    ] = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Say from which volumes on the second tier is reached, the third, and so on; without any there is one tier.

    \b
    Examples:
      matchbus admin fees tiers 10000000000 100000000000
    """
    thresholds = volumes or []
    operate(
        lambda client: client.set_fee_tiers(thresholds, why=why),
        f"there are {len(thresholds) + 1} tiers" if thresholds else "there is one tier",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@fees.command("show")
def show_fees(
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show what instruments cost, the tiers, and the groups with their discounts.

    \b
    Examples:
      matchbus admin fees show
    """
    token = options.operator_token(data, token_file)
    with Client(
        connect, port_base, account=operator_name(who), role=OPERATOR, token=token, timeout=timeout
    ) as client:
        found = client.fees()
        if as_json:
            print(json_line(named(found)))
            return
        show_schedules(client, found, None)
        table = plain_table("groups", ("group", ">discount", ">accounts"))
        for group in found.groups:
            table.add_row(group.group, share_text(group.discount), str(group.members))
        show(table)


def show_schedules(client: Client, found: Fees, tier: int | None) -> None:
    """What instruments cost, in all tiers or in one."""
    known = client.instruments()
    decimals = _decimals(client)
    table = plain_table("fees", ("instrument", ">tier", ">from", ">maker", ">taker", "terms"))
    for one in found.schedules:
        definition = known[one.symbol].definition
        last = max(len(one.rates), len(found.thresholds) + 1) - 1
        for number in range(last + 1) if tier is None else (tier,):
            maker, taker = one.rates[min(number, len(one.rates) - 1)]
            reached = (
                0
                if number == 0
                else found.thresholds[number - 1]
                if number <= len(found.thresholds)
                else None
            )
            table.add_row(
                one.symbol,
                str(number),
                "never" if reached is None else str(reached),
                share_text(maker),
                share_text(taker),
                terms_text(one, definition, decimals),
            )
    show(table)


def _decimals(client: Client) -> dict[str, int]:
    return {row.asset: row.decimals for row in client.balances(EXTERNAL).balances}


def _terms_in(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ConfigError(f"{file}: {failure.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ConfigError(f"{file}: {failure}") from None
