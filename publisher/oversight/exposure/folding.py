"""What the changes of some reports make of positions, open orders and marks. Values in, values out.

A mark is the price of a symbol's last trade, as it was traded: a bust or a correction leaves it (MB-BUST-003).
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from bus.protocol.history import Execution
from bus.protocol.terms import BUY
from publisher.oversight.exposure.open_orders import OpenSide, changed
from publisher.oversight.exposure.positions import Standing, executed
from publisher.oversight.history.changes import Changes
from publisher.oversight.history.lives import OrderState

#: An account and a symbol.
Pair = tuple[str, str]


class Account(Struct, frozen=True, gc=False):
    """What an account holds of a symbol, what its open orders there may still do, and what its trades have cost.

    `fees`: assets by name, with what was paid of each, in its units, less what came back as rebates.
    """

    standing: Standing = Standing()
    bids: OpenSide = OpenSide()
    asks: OpenSide = OpenSide()
    fees: tuple[tuple[str, int], ...] = ()


class Mark(Struct, frozen=True, gc=False):
    """The last trade of a symbol."""

    symbol: str
    trade_id: int
    price_ticks: int
    sequence: int
    time_ns: int


class Moved(Struct, frozen=True):
    """What changed, as it stands now."""

    accounts: Mapping[Pair, Account]
    marks: Mapping[str, Mark]


def pairs_of(changes: Changes) -> set[Pair]:
    """All that these changes touch: whatever traded or was revised is a trade of one of the orders."""
    pairs = {(order.account, order.entered.symbol) for order in changes.orders.values()}
    pairs.update((account, report.symbol) for account, report in changes.fees.values())
    return pairs


def folded(
    known: Mapping[Pair, Account], changes: Changes, before: Mapping[int, OrderState]
) -> dict[Pair, Account]:
    """What is known of the pairs, behind the changes, but for revisions of executions that were kept before."""
    after = dict(known)
    for order_id, order in changes.orders.items():
        pair = order.account, order.entered.symbol
        after[pair] = with_order(after.get(pair, Account()), before.get(order_id), order)
    for kept in changes.executions.values():
        pair = kept.account, kept.execution.symbol
        account = after[pair]
        after[pair] = replace(
            account,
            standing=executed(account.standing, kept.execution),
            fees=charged(account.fees, kept.execution.fee_asset, kept.execution.fee),
        )
    for name, report in changes.fees.values():
        account = after[name, report.symbol]
        after[name, report.symbol] = replace(
            account, fees=charged(account.fees, report.fee_asset, report.fee)
        )
    return after


def charged(fees: tuple[tuple[str, int], ...], asset: str, fee: int) -> tuple[tuple[str, int], ...]:
    """What was paid with one more fee. A revised trade keeps the fee that it had."""
    if not fee:
        return fees
    paid = dict(fees)
    paid[asset] = paid.get(asset, 0) + fee
    return tuple(sorted(paid.items()))


def with_order(account: Account, before: OrderState | None, order: OrderState) -> Account:
    """What is known when an order was `before` and is `order`."""
    if order.entered.side == BUY:
        return replace(account, bids=changed(account.bids, before, order))
    return replace(account, asks=changed(account.asks, before, order))


def marks_of(executions: Iterable[Execution]) -> dict[str, Mark]:
    """The last trade of each symbol."""
    marks: dict[str, Mark] = {}
    for one in executions:
        last = marks.get(one.symbol)
        if last is None or one.trade_id > last.trade_id:
            marks[one.symbol] = Mark(
                one.symbol, one.trade_id, one.first_price_ticks, one.sequence, one.time_ns
            )
    return marks
