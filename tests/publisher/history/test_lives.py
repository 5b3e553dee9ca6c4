"""Lives that random logs seldom show, told step by step: what the engine has of an order, and what is kept of it."""

from typing import Any

from bus.protocol.reports import Accepted, Filled
from bus.protocol.terms import BUY, LIMIT, RESTING, SELL, STOP_LIMIT, WAITING
from publisher.oversight.history.lives import OF_ORDER, OrderState, after, begun
from tests.matcher.exchanges import Exchange, enter
from tests.support.drop_copies import DropCopy


class Told:
    """An exchange, and the orders of one account as its reports tell of them."""

    def __init__(self) -> None:
        self.exchange = Exchange("ops", "alice", "bob")
        self._copy = DropCopy()
        self._copy.engine = self.exchange.engine
        self._copy.taken()
        self.orders: dict[str, OrderState] = {}

    def say(self, account: str, *commands: Any) -> None:
        """Some commands of an account; each order is then as the engine has it."""
        session = 1 + ("ops", "alice", "bob").index(account)
        now = self.exchange.now_ns
        self.exchange.engine.apply_message(session, 1, now, commands, now)
        for run in self._copy.taken():
            for dropped in run.events:
                report = dropped.report
                if isinstance(report, Accepted):
                    order = begun(dropped.account, dropped.report_number, report)
                    self.orders[report.client_order_id] = order
                elif isinstance(report, OF_ORDER):
                    name = report.client_order_id if hasattr(report, "client_order_id") else ""
                    if name in self.orders:
                        self.orders[name] = after(self.orders[name], dropped.report_number, report)
        for name, order in self.orders.items():
            had = self.exchange.order(order.account, name)
            assert (order.status, order.price_ticks, order.quantity_lots, order.filled_lots) == (
                had.status,
                had.price_ticks,
                had.quantity_lots,
                had.filled_lots,
            ), name


def test_a_released_stop_still_waits_for_its_trigger() -> None:
    told = Told()
    told.say("bob", enter("bid", BUY, 10, 50))
    told.say("alice", enter("entry", BUY, 5, 100))
    told.say(
        "alice",
        enter("stop", SELL, 5, 80, order_type=STOP_LIMIT, trigger_price_ticks=90, triggered_by="entry"),
    )
    told.say("alice", enter("take", SELL, 5, 110, order_type=LIMIT, triggered_by="entry"))
    assert [told.orders[name].status for name in ("entry", "stop", "take")] == [RESTING, WAITING, WAITING]
    told.say("bob", enter("sell", SELL, 5, 100))
    assert [told.orders[name].status for name in ("stop", "take")] == [WAITING, RESTING]
    told.say("bob", enter("low", SELL, 1, 50))
    assert told.orders["stop"].status == RESTING


def test_a_sum_may_leave_64_bits() -> None:
    order = begun("a", 1, Accepted(1, 1, 1, 1, 1, "o", "S", 1, 1, 1, 0, 2**40, 2**40))
    for number in range(2, 5):
        fill = Filled(number, 2, 0, 0, 1, "o", "S", 1, number, 2**40, 2**40, 2**40, 1, 1)
        order = after(order, number, fill)
    assert order.told().filled_quote == str(3 * 2**80)
