"""What happened to accounts, recomputed from an engine and its reports in the plainest way: the history's oracle.

Nothing here shares a line with `publisher.oversight.history`. How an order stands is asked of the engine itself, which
knows it as long as it remembers the order's id; what it traded is counted trade by trade.
"""

from dataclasses import dataclass, field
from typing import Any

from bus.protocol import reports as r
from bus.protocol.terms import AT_OPEN, RESTING, WAITING
from bus.sockets.reading.feed_items import Run
from matcher.book.level import Order
from matcher.engine import Engine


@dataclass
class Trade:
    """An execution of one side, as it counts now."""

    account: str
    report_number: int
    filled: r.Filled
    price_ticks: int
    state: int = 0
    revised: tuple[int, int] = (0, 0)  # engine time and sequence of the last revision
    fee: tuple[str, int] = ("", 0)


@dataclass
class Past:
    """All reports by account, and what they say."""

    reports: dict[str, list[Any]] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)

    def add(self, account: str, report: Any) -> None:
        """The next report of an account."""
        told = self.reports.setdefault(account, [])
        told.append(report)
        if type(report) is r.Filled:
            self.trades.append(Trade(account, len(told), report, report.price_ticks))
        if type(report) is r.Settled and report.fee:
            (charged,) = (
                trade
                for trade in self.of_order(account, report.order_id)
                if trade.filled.trade_id == report.trade_id
            )
            charged.fee = report.fee_asset, report.fee
        if type(report) is r.TradeRevised:
            for trade in self.trades:
                filled = trade.filled
                if (trade.account, filled.order_id, filled.symbol, filled.trade_id) == (
                    account,
                    report.order_id,
                    report.symbol,
                    report.trade_id,
                ):
                    trade.price_ticks = report.price_ticks
                    trade.state = 2 if report.price_ticks else 1
                    trade.revised = (report.time_ns, report.sequence)

    def take(self, run: Run) -> None:
        """All reports of a run."""
        for dropped in run.events:
            self.add(dropped.account, dropped.report)

    def about(self, account: str, order_id: int) -> list[tuple[int, Any]]:
        """The numbered reports of an account that name an order."""
        return [
            (number, report)
            for number, report in enumerate(self.reports[account], 1)
            if getattr(report, "order_id", 0) == order_id
        ]

    def order_ids(self, account: str) -> list[int]:
        """Of all orders that the account ever entered."""
        return [report.order_id for report in self.reports[account] if type(report) is r.Accepted]

    def of_order(self, account: str, order_id: int) -> list[Trade]:
        """The trades of an order."""
        return [t for t in self.trades if t.account == account and t.filled.order_id == order_id]

    def sums(self, account: str, order_id: int) -> tuple[int, int, int, int]:
        """`(fills, filled lots, quote of those that count, busted lots)` of an order."""
        trades = self.of_order(account, order_id)
        return (
            len(trades),
            sum(t.filled.quantity_lots for t in trades),
            sum(t.price_ticks * t.filled.quantity_lots for t in trades),
            sum(t.filled.quantity_lots for t in trades if t.state == 1),
        )


def told_status(status: int, time_in_force: int, filled_lots: int) -> int:
    """As reports tell it: none says when the auction begins that an order is for, so it waits until it has traded."""
    return WAITING if status == RESTING and time_in_force >= AT_OPEN and not filled_lots else status


def engine_orders(engine: Engine) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """Every order that the engine remembers: `(price, quantity, filled, status)` by account and order id."""
    return {
        (account.name, order.sequence): (
            order.price_ticks,
            order.quantity_lots,
            order.filled_lots,
            told_status(order.status, order.time_in_force, order.filled_lots),
        )
        for account in engine.state.accounts.values()
        for order in account.requests.values()
        if isinstance(order, Order)
    }
