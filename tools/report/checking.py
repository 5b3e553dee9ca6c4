"""That a period adds up. What moved is known from reports alone, what there was and is from the state of the engine:
the two are counted apart, and have to come to the same.

- of each account and asset: what there was and all that moved come to what there is
- of each asset: all accounts together have 0, and what is held is what open orders need
- of each instrument: what buyers bought is what sellers sold is what was published, in quantity and in value
"""

from operator import mul

from bus.errors import DoesNotAddUp
from matcher.ledger.money.checking import check_money
from tools.report.decimals import decimal_text
from tools.report.gathering import (
    BOUGHT,
    BOUGHT_VALUE,
    FEES,
    PAID,
    SOLD,
    SOLD_VALUE,
    TRANSFERS_OUT,
    WITHDRAWALS,
)
from tools.report.walking import Walked

#: What leaves an account.
_LEAVES = (WITHDRAWALS, TRANSFERS_OUT, PAID, FEES)


def net_units(flow: list[int]) -> int:
    """What an account has more for a flow of an asset."""
    return sum(-units if place in _LEAVES else units for place, units in enumerate(flow))


def check_report(walked: Walked) -> None:
    """DoesNotAddUp for the first thing that does not. O(accounts, open orders, trades)."""
    _check_balances(walked)
    _check_trades(walked)
    state = walked.core.state
    if state.ledger is not None:
        try:
            check_money(state.ledger, state.accounts)
        except AssertionError as error:
            raise DoesNotAddUp(f"{walked.period.name} does not add up at its end: not so: {error}") from None


def _check_balances(walked: Walked) -> None:
    accounts = walked.core.state.accounts
    ledger = walked.core.state.ledger
    if ledger is None:
        return
    places = {
        *walked.gathered.flows,
        *((name, asset) for name, totals in walked.opening.items() for asset in totals),
        *((name, asset) for name, account in accounts.items() for asset in account.balances),
    }
    for name, asset in sorted(places):
        opening = walked.opening.get(name, {}).get(asset, 0)
        moved = net_units(walked.gathered.flows.get((name, asset), []))
        account = accounts.get(name)
        balance = None if account is None else account.balances.get(asset)
        closing = 0 if balance is None else balance.total
        if opening + moved != closing:
            texts = [decimal_text(one, ledger.assets[asset]) for one in (opening, moved, closing)]
            raise DoesNotAddUp(
                f"{walked.period.name} does not add up: {name} had {texts[0]} {asset}, {texts[1]} moved,"
                f" and there are {texts[2]}"
            )


def _check_trades(walked: Walked) -> None:
    nothing = (0, 0)
    bought: dict[str, tuple[int, int]] = {}
    sold: dict[str, tuple[int, int]] = {}
    for (_, symbol), traded in walked.gathered.traded.items():
        for sums, lots, value in ((bought, BOUGHT, BOUGHT_VALUE), (sold, SOLD, SOLD_VALUE)):
            before = sums.get(symbol, nothing)
            sums[symbol] = (before[0] + traded[lots], before[1] + traded[value])
    for symbol in sorted({*bought, *walked.gathered.tapes}):
        tape = walked.gathered.tapes.get(symbol)
        published = nothing if tape is None else (sum(tape.lots), sum(map(mul, tape.prices, tape.lots)))
        if not bought.get(symbol, nothing) == sold.get(symbol, nothing) == published:
            texts = [
                f"{lots} lots for {value} ticks times lots"
                for lots, value in (bought.get(symbol, nothing), sold.get(symbol, nothing), published)
            ]
            raise DoesNotAddUp(
                f"{walked.period.name} does not add up: of {symbol} {texts[0]} were bought, {texts[1]} sold,"
                f" {texts[2]} published"
            )
