"""What the stories of this room need: an engine with a market in it, and few words to speak to it."""

from typing import Any

from bus.protocol import reports
from bus.protocol.commands import EnterOrder
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.terms import CLOCK_SYSTEM, OPERATOR
from matcher.book.level import Order
from matcher.engine import Engine
from tests.support.markets import DAWN_NS, btc

Event = tuple[Any, ...]


class Exchange:
    """An engine whose market is BTC-USD, with sessions numbered as the accounts are named. The first is the operator.

    `now_ns` is the time of the next command; it moves by what a test adds to it.
    """

    def __init__(self, *accounts: str, ids: int = 1000, clock: int = CLOCK_SYSTEM) -> None:
        self.engine = Engine()
        self.now_ns = DAWN_NS
        self.record(EngineStarted(1, SEMANTICS_VERSION, clock, Rules(100_000, ids, 10)))
        for number, account in enumerate(accounts, 1):
            self.record(SessionOpened(number, account, OPERATOR, 1000, True))
        self.say(1, btc(price_max_ticks=1000, quantity_min_lots=1, quantity_max_lots=1000))

    def record(self, record: object) -> list[tuple[str, Event]]:
        """What a record caused."""
        return self.engine.apply(record, self.engine.state.sequence + 1, self.now_ns)  # type: ignore[arg-type]

    def say(self, session: int, *commands: object, created_ns: int | None = None) -> list[tuple[str, Event]]:
        """What a message of these commands caused, made now unless another time is given."""
        created_ns = self.now_ns if created_ns is None else created_ns
        self.engine.apply_message(session, 1, created_ns, commands, self.now_ns)
        private, public = self.engine.take_outputs()
        return [(stream, event) for stream, _, events in private + public for event in events]

    def order(self, account: str, client_order_id: str) -> Order:
        """An order as the engine has it."""
        order = self.engine.state.accounts[account].requests[client_order_id]
        assert isinstance(order, Order)
        return order


def enter(client_order_id: str, side: int, quantity: int, price: int, **fields: Any) -> EnterOrder:
    """An order for BTC-USD."""
    return EnterOrder(client_order_id, "BTC-USD", side, quantity, price, **fields)


def answers(events: list[tuple[str, Event]]) -> list[tuple[int, int]]:
    """The private events as `(tag, reason)`, 0 where a report has none."""
    place = {reports.REJECTED: 7, reports.CANCELLED: 10, reports.DUPLICATE: 8}
    return [
        (event[0], event[place[event[0]]] if event[0] in place else 0)
        for stream, event in events
        if not stream.endswith(".")
    ]
