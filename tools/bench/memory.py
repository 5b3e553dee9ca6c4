"""How much memory an order costs that rests, and what the bounded tables cost beside it.

Orders go over the wire into a real engine, 8 accounts in turn, and its resident memory is read before and after:

    engine 1   no rings      enter N orders, all rest      -> bytes a resting order (its ids and account included)
    engine 2   usual rings   the same                      -> what the rings of reports and of the feed add, in all
    engine 3   no rings      enter N orders, cancel all    -> bytes an id that is remembered after its order ended

The rings are bounded by limits.report_ring_events_max an account and limits.feed_ring_events_max a topic, the ids by
limits.client_order_ids_per_account_max; so what 2 and 3 find has an end, and 1 grows with the market alone.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import CancelOrder, Command
from tools.bench import flow, machine, parts, results
from tools.bench.results import Target
from tools.bench.session import Session

ACCOUNTS: Final = 8
BYTES_MAX: Final = 500
_LEVELS: Final = 2_500
_SYMBOL: Final = "M"
_A_MESSAGE: Final = 256
_MESSAGES_IN_FLIGHT: Final = 16
#: Commands that are encoded at a time, so that this process stays small.
_CHUNK: Final = 25_600
_WITHOUT_RINGS: Final = {
    "MATCHBUS_LIMITS_REPORT_RING_EVENTS_MAX": "1",
    "MATCHBUS_LIMITS_FEED_RING_EVENTS_MAX": "1",
}


class Size(Struct, frozen=True):
    """How many orders rest at the end."""

    orders: int = 1_000_000


QUICK: Final = Size(orders=2_000)


class Memory:
    """See above; `run` first. All values are bytes."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.without_rings = self.with_rings = self.ended = 0
        self.core = ""
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """Three engines, one after the other."""
        self._progress("1 of 3: orders that rest, no rings")
        self.without_rings = self._growth(_WITHOUT_RINGS, False)
        self._progress("2 of 3: orders that rest, usual rings")
        self.with_rings = self._growth({}, False)
        self._progress("3 of 3: orders that have ended")
        self.ended = self._growth(_WITHOUT_RINGS, True)

    def _growth(self, settings: Mapping[str, str], cancelled: bool) -> int:
        """By how much an engine grows while the orders come (and go)."""
        with ExitStack() as stack:
            engine = stack.enter_context(parts.engine("disk", settings))
            self.core = engine.core
            sessions = [
                stack.enter_context(Session(engine.orders, f"bench-{number}", engine.token))
                for number in range(ACCOUNTS)
            ]
            sessions[0].define(_SYMBOL)
            # What buffers and tables cost that are there with one order as with a million.
            for session in sessions:
                self._send(session, flow.resting(_SYMBOL, _A_MESSAGE, 1), cancelled)
            before = machine.resident_bytes(engine.pid)
            first = _A_MESSAGE + 1
            left = self._size.orders
            turn = 0
            while left:
                chunk = min(left, _CHUNK)
                orders = flow.resting(_SYMBOL, chunk, first, _LEVELS)
                self._send(sessions[turn % ACCOUNTS], orders, cancelled)
                turn += 1
                first += chunk
                left -= chunk
            return machine.resident_bytes(engine.pid) - before

    @staticmethod
    def _send(session: Session, orders: Sequence[Command], cancelled: bool) -> None:
        for commands in (orders, _cancels(orders) if cancelled else []):
            messages = session.encode(commands, _A_MESSAGE)
            session.flow_elapsed_ns(messages, len(commands), _A_MESSAGE, _MESSAGES_IN_FLIGHT)
            session.reports()
            session.forget()

    @property
    def per_order(self) -> float:
        """Bytes a resting order, everything that lives as long as it included."""
        return self.without_rings / self._size.orders

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "core": self.core,
            "orders": self._size.orders,
            "accounts": ACCOUNTS,
            "bytes_per_resting_order": round(self.per_order),
            "bytes_of_rings": self.with_rings - self.without_rings,
            "bytes_per_ended_id": round(self.ended / self._size.orders),
        }

    def tables(self) -> list[Table]:
        """For people."""
        orders = self._size.orders
        rings = self.with_rings - self.without_rings
        rows = [
            (f"a resting order, at {orders:,} of {ACCOUNTS} accounts", f"{self.per_order:,.0f}"),
            ("rings of reports and feed, at their usual limits, in all", f"{rings:,}"),
            ("an id remembered after its order has ended", f"{self.ended / orders:,.0f}"),
        ]
        target = Target("a resting order", self.per_order, BYTES_MAX, "bytes", at_most=True)
        return [
            results.table("resident memory of the engine", ("", "bytes"), rows),
            results.targets_table([target]),
        ]


def _cancels(orders: Sequence[Command]) -> list[Command]:
    return [CancelOrder(client_order_id=getattr(order, "client_order_id", "")) for order in orders]
