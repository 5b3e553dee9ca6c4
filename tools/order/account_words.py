"""Reports about accounts and their money for people: a line each, decimals instead of units."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from bus.protocol.reports import AccountClosed, KillSwitchSet, Moved, Settled
from bus.sockets.session.amounts import amount_of
from tools.showing import counted

#: What `account_line` knows.
OF_ACCOUNTS: Final = (KillSwitchSet, AccountClosed, Moved, Settled)


def account_line(
    report: KillSwitchSet | AccountClosed | Moved | Settled, decimals: Mapping[str, int]
) -> Text:
    """One report as one line; `decimals`: of each asset that it names."""
    line = Text()
    if isinstance(report, KillSwitchSet):
        line.append("stopped   " if report.on else "released  ", "bold red" if report.on else "bold green")
        line.append(f"{report.account or report.group}: its kill switch is {'on' if report.on else 'off'}")
        line.append(f"  {counted(report.rejects, 'reject')} in its window" if report.rejects else "", "dim")
        line.append(f"  {report.why}" if report.why else "", "dim")
    elif isinstance(report, AccountClosed):
        line.append(
            "closed    " if report.closed else "opened    ", "bold red" if report.closed else "bold green"
        )
        line.append(f"{report.account} is {'closed' if report.closed else 'open again'}")
        line.append(f"  {report.why}" if report.why else "", "dim")
    elif isinstance(report, Moved):
        line.append("moved     ", "bold cyan")
        line.append(_money(report.amount, report.asset, decimals), "bold")
        line.append(f" from {report.source} to {report.target}")
        line.append(
            f"  {report.transfer_id}, {_money(report.total, report.asset, decimals)} there now", "dim"
        )
    else:
        line.append("settled   ", "bold cyan")
        line.append(f"order {report.order_id}  {report.client_order_id}  trade {report.trade_id}  ")
        line.append(_money(report.paid, report.paid_asset, decimals), "bold")
        line.append(" for ")
        line.append(_money(report.received, report.received_asset, decimals), "bold")
        if report.fee_asset:
            name = "fee" if report.fee >= 0 else "rebate"
            line.append(f", {name} {_money(abs(report.fee), report.fee_asset, decimals)}")
    return line


def _money(units: int, asset: str, decimals: Mapping[str, int]) -> str:
    """An amount with its asset; in units where it is not known how many decimals that has."""
    if asset not in decimals:
        return f"{units} units of {asset}"
    return f"{amount_of(units, decimals[asset]):f} {asset}"
