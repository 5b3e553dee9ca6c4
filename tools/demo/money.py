"""What the demo's accounts have, at a venue that clears: its assets, first deposits, fees, and more when one runs low.

`fund` gives what is missing before anybody trades. `Purses` is pure: the bots' reports in, deposits out, so that a demo
goes on for weeks although its takers lose to its makers.
"""

from collections.abc import Iterable
from typing import Final

from bus.errors import NotTaken
from bus.protocol.commands import SetFees, SetFeeTiers
from bus.protocol.reasons import NO_CLEARING, reason_name
from bus.protocol.reports import Moved, Rejected, Report, Settled
from bus.protocol.terms import EXTERNAL
from bus.sockets.client import Client

#: Decimals of each asset: a tick times a lot of each of the demo's instruments is a whole number of units.
ASSETS: Final = {"USD": 6, "BTC": 8, "ETH": 8, "SOL": 8, "XRP": 6}
#: Whole coins that a bot begins with: some seven times what its ladders hold.
BOTS_HAVE: Final = {"USD": 5_000_000, "BTC": 80, "ETH": 1_600, "SOL": 35_000, "XRP": 10_000_000}
#: Whole coins that a visitor begins with.
VISITORS_HAVE: Final = {"USD": 250_000, "BTC": 2, "ETH": 40, "SOL": 1_000, "XRP": 100_000}
#: Accounts for whoever looks at the demo. The first is the one that the command line takes by default.
VISITORS: Final = ("demo", "demo-2", "demo-3")
#: Who trades in README.md and docs/examples/.
OF_PAGES: Final = ("alice", "bob", "example", "maker", "taker")
#: Maker and taker of each tier, in billionths, and from which volume of thirty days on a tier holds, in USD.
_RATES: Final = [(200_000, 500_000), (150_000, 400_000), (100_000, 300_000)]
_TIERS: Final = (10_000_000, 100_000_000)
#: What a unit of an instrument's quote asset counts for the volume, in units of USD, so that all add up.
_USD_UNITS: Final = {"USD": 1, "BTC": 640}
#: A bot that has less than one part in so many of what it began with gets that once more.
_LOW: Final = 4

#: Account, asset, units.
Deposit = tuple[str, str, int]


def units(asset: str, coins: int) -> int:
    """Whole coins in units of an asset of the demo."""
    return coins * int(10 ** ASSETS[asset])


def define_assets(operator: Client) -> bool:
    """Define what is not there yet; whether the venue clears. NotTaken for an asset that has other decimals."""
    answers = [(asset, operator.define_asset(asset, decimals)) for asset, decimals in ASSETS.items()]
    for asset, pending in answers:
        answer = pending.result()
        if isinstance(answer, Rejected):
            if answer.reason == NO_CLEARING:
                return False
            raise NotTaken(f"the asset {asset} was not defined: {reason_name(answer.reason)}", answer.reason)
    return True


def fund(operator: Client, bots: Iterable[str]) -> None:
    """Give bots, visitors and who is on our pages what they begin with, of each asset that one never had.

    NotTaken when it is not taken.
    """
    sent = []
    for accounts, coins in ((bots, BOTS_HAVE), ((*VISITORS, *OF_PAGES), VISITORS_HAVE)):
        for account in accounts:
            known = {row.asset for row in operator.balances(account).balances}
            for asset, count in coins.items():
                if asset not in known:
                    sent.append(operator.transfer(EXTERNAL, account, asset, units(asset, count)))
    for pending in sent:
        answer = pending.result()
        if isinstance(answer, Rejected):
            raise NotTaken(f"a deposit was not taken: {reason_name(answer.reason)}", answer.reason)


def fees(symbols: Iterable[str]) -> list[SetFees | SetFeeTiers]:
    """Rates of these instruments, and the tiers."""
    commands: list[SetFees | SetFeeTiers] = [SetFeeTiers([units("USD", usd) for usd in _TIERS])]
    for symbol in symbols:
        quote = symbol.rpartition("-")[2]
        commands.append(SetFees(symbol, _RATES, volume_numerator=_USD_UNITS[quote]))
    return commands


def set_fees(operator: Client, symbols: Iterable[str]) -> None:
    """What it costs to trade these instruments, and from which volume on less. NotTaken when it is not taken."""
    for pending in [operator.command(command) for command in fees(symbols)]:
        answer = pending.result()
        if isinstance(answer, Rejected):
            raise NotTaken(f"fees were not taken: {reason_name(answer.reason)}", answer.reason)


class Purses:
    """What the bots have, as far as their reports have told it."""

    def __init__(self) -> None:
        self._low: dict[tuple[str, str], bool] = {}

    def take_report(self, account: str, report: Report) -> None:
        """A report of one of the bots."""
        if isinstance(report, Settled):
            self._look(account, report.paid_asset, report.paid_total)
            self._look(account, report.received_asset, report.received_total)
        elif isinstance(report, Moved):
            self._look(account, report.asset, report.total)

    def take_deposits(self) -> list[Deposit]:
        """What is to be given now, told once for each time that something ran low."""
        due = [of for of, asked in self._low.items() if not asked]
        for of in due:
            self._low[of] = True
        return [(account, asset, units(asset, BOTS_HAVE[asset])) for account, asset in due]

    def _look(self, account: str, asset: str, total: int) -> None:
        if asset not in BOTS_HAVE:
            return
        if total * _LOW < units(asset, BOTS_HAVE[asset]):
            self._low.setdefault((account, asset), False)
        else:
            self._low.pop((account, asset), None)
