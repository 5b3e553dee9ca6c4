"""What the naive exchange says: reports and public events, written down as they happen, sorted when they leave."""

from typing import Any

from bus.protocol import reports
from tests.support.naive_matching import NaiveOrder

Event = tuple[Any, ...]


class NaiveVoice:
    """What the command at hand is, and what was said of it."""

    def __init__(self) -> None:
        self.sequence = 0
        self.time_ns = 0
        self.session = 0
        self.correlation_id = 0
        self.touched: list[tuple[str, int, int]] = []  # symbol, side, price
        self.private: list[tuple[str, Event]] = []
        self.public: list[tuple[str, str, Event]] = []

    def _in_order_of_leaving(self) -> list[tuple[str, Event]]:
        """Accounts as they were first spoken to; the tick; instruments likewise, by kind; streams as they were said."""
        events = []
        for account in distinct(name for name, _ in self.private):
            events += [(name, event) for name, event in self.private if name == account]
        for symbol in sorted(distinct(symbol for symbol, _, _ in self.public), key=bool):
            for kind in ("clock", "status", "trade", "level", "order"):
                events += [
                    (f"{kind}.{symbol}." if symbol else f"{kind}.", event)
                    for its_symbol, its_kind, event in self.public
                    if (its_symbol, its_kind) == (symbol, kind)
                ]
        return events

    def _answering(self) -> tuple[int, int, int, int]:
        return (self.sequence, self.time_ns, self.session, self.correlation_id)

    def _report(self, account: str, event: Event) -> None:
        self.private.append((account, event))

    def _publish(self, kind: str, symbol: str, event: Event) -> None:
        self.public.append((symbol, kind, event))

    def _reject(self, account: str, tag: int, request_id: str, reason: int) -> None:
        self._report(account, (reports.REJECTED, *self._answering(), tag, request_id, reason))

    def _report_accepted(self, order: NaiveOrder) -> None:
        it = order.entered
        self._report(
            order.account,
            (
                *(reports.ACCEPTED, *self._answering(), order.order_id, it.client_order_id),
                *(it.symbol, it.side, it.order_type, it.time_in_force, it.flags, it.price_ticks),
                *(it.quantity_lots, order.ends_ns, it.display_lots, it.minimum_lots),
                *(it.trigger_price_ticks, it.trail_ticks, it.trail_basis_points, it.peg, it.peg_offset_ticks),
                *(it.self_trade, it.self_trade_group, it.cancels_with, it.triggered_by),
            ),
        )

    def _report_restated(self, order: NaiveOrder, reason: int) -> None:
        self._report(
            order.account,
            (
                *(reports.RESTATED, self.sequence, self.time_ns, 0, 0, order.order_id),
                *(
                    order.entered.client_order_id,
                    order.symbol,
                    order.price,
                    order.quantity,
                    order.left,
                    reason,
                ),
            ),
        )

    def _report_cancelled(self, order: NaiveOrder, reason: int, *, asked: bool = True) -> None:
        answering = self._answering() if asked else (self.sequence, self.time_ns, 0, 0)
        self._report(
            order.account,
            (
                *(reports.CANCELLED, *answering, order.order_id, order.entered.client_order_id),
                *(order.symbol, order.left, order.filled, reason),
            ),
        )

    def _report_replaced(self, order: NaiveOrder, request_id: str, *, kept_priority: bool) -> None:
        self._report(
            order.account,
            (
                *(reports.REPLACED, *self._answering(), request_id, order.order_id),
                *(order.entered.client_order_id, order.symbol, order.price, order.quantity),
                *(order.left, kept_priority),
            ),
        )


def distinct(names: Any) -> list[str]:
    """Each once, in order of first appearance."""
    return list(dict.fromkeys(names))
