"""Reporting: the command that is under way, and what is said about it to an account.

The base of everything that carries commands out: the engine sets the context of a command (`sequence`, `time_ns`, who
asked and when) once, and every report about it is made from that.
"""

from typing import Any, Final

from bus.protocol.records import Rules
from bus.protocol.reports import CANCELLED, COMPLETED, PREVENTED, REPLACED, RESTATED
from bus.protocol.terms import CLEARING_NONE
from matcher.book.level import Order
from matcher.book.trades import PLACES
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.money.ledger import Ledger
from matcher.outputs import Event, Outputs
from matcher.state import State

_NS_PER_MS: Final = 1_000_000


class Reporting:
    """The context of a command. `late` is why a new request of this age is refused, or 0.

    While it is `judging` nothing is done and nothing said (`matcher.judging`): a handler stops where its gate ends, and
    leaves there the order that it would make or change (`judged`), why not (`verdict`, 0 when it would be taken), and
    whether the request was executed before (`again`).

    `rejected` counts, for whoever watches the process; nothing here looks at it. `undrawn`: there may be an auction
    whose end is to be drawn. `plans_due_ns`: from when on there may be a schedule that is to be planned further.

    `at_risk`: accounts whose loss of the day may have reached its limit, to be looked at behind the command.

    `ids_max`, `open_max` and `kept_max` are rules of the state, at hand.
    """

    __slots__ = (
        "again",
        "at_risk",
        "correlation_id",
        "created_ns",
        "ids_max",
        "judged",
        "judging",
        "kept_items_max",
        "kept_max",
        "late",
        "open_max",
        "outputs",
        "plans_due_ns",
        "rejected",
        "sequence",
        "session",
        "state",
        "time_ns",
        "undrawn",
        "verdict",
    )

    def __init__(self, state: State, outputs: Outputs) -> None:
        self.state = state
        self.outputs = outputs
        # They go into every event. As Any a compiled core keeps the objects; as int it would make new ones for each.
        self.sequence: Any = state.sequence
        self.time_ns: Any = state.time_ns
        self.session: Any = 0
        self.correlation_id: Any = 0
        self.created_ns = 0
        self.late = 0
        self.judging = False
        self.judged: Order | None = None
        self.verdict = 0
        self.again = False
        self.rejected = 0
        self.undrawn = True
        self.plans_due_ns = 0
        self.at_risk: list[Account] = []
        self._hold(state.rules)

    def take_rules(self, rules: Rules) -> None:
        """From here on these rules hold."""
        state = self.state
        if rules.clearing == CLEARING_NONE:
            assert state.ledger is None, "a venue that clears does not stop to"
        elif state.ledger is None:
            assert not any(account.open for account in state.accounts.values()), "open orders are backed"
            state.ledger = Ledger()  # of no instrument, until its assets are defined
        state.rules = rules
        self._hold(rules)
        for instrument in self.state.instruments.values():
            instrument.kept.trim(self.kept_max)

    def _hold(self, rules: Rules) -> None:
        """Have the rules of the state at hand."""
        self.ids_max = rules.client_order_ids_per_account_max
        self.open_max = rules.open_orders_per_account_max
        self.kept_max = rules.trades_kept_per_instrument_max
        # Trimming costs as much as there is: it is done when there are a quarter too many.
        self.kept_items_max = (self.kept_max + self.kept_max // 4 + 1) * PLACES

    def ends_after(self, duration_ms: int) -> int:
        """When something ends that lasts for so long from now; 0 for what lasts until further notice."""
        ends_ns: int = self.time_ns + duration_ms * _NS_PER_MS if duration_ms else 0
        return ends_ns

    def report(self, account: Account, report: Event) -> None:
        """One more report for an account."""
        reports = account.reports
        if not reports:
            self.outputs.accounts.append(account)
        reports.append(report)

    def complete(self, account: Account, command: int, count: int) -> None:
        """A command that is about no single order was carried out."""
        if self.judging:
            return
        self.report(
            account,
            (COMPLETED, self.sequence, self.time_ns, self.session, self.correlation_id, command, count),
        )

    def report_replaced(self, order: Order, request_id: str, kept_priority: bool) -> None:
        self.report(
            order.account,
            (
                REPLACED,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                request_id,
                order.sequence,
                order.request_id,
                order.symbol,
                order.price_ticks,
                order.quantity_lots,
                order.quantity_lots - order.filled_lots,
                kept_priority,
            ),
        )

    def report_cancelled(self, order: Order, reason: int, asked: bool) -> None:
        self.report(
            order.account,
            (
                CANCELLED,
                self.sequence,
                self.time_ns,
                self.session if asked else 0,
                self.correlation_id if asked else 0,
                order.sequence,
                order.request_id,
                order.symbol,
                order.quantity_lots - order.filled_lots,
                order.filled_lots,
                reason,
            ),
        )

    def report_restated(self, order: Order, reason: int) -> None:
        """The engine changed an order by a rule."""
        self.report(
            order.account,
            (
                RESTATED,
                self.sequence,
                self.time_ns,
                0,
                0,
                order.sequence,
                order.request_id,
                order.symbol,
                order.price_ticks,
                order.quantity_lots,
                order.quantity_lots - order.filled_lots,
                reason,
            ),
        )

    def report_prevented(self, order: Order, price_ticks: int, quantity_lots: int, liquidity: int) -> None:
        """An order met another one of its owner and did not trade with it."""
        self.report(
            order.account,
            (
                PREVENTED,
                self.sequence,
                self.time_ns,
                0,
                0,
                order.sequence,
                order.request_id,
                order.symbol,
                order.side,
                price_ticks,
                quantity_lots,
                liquidity,
            ),
        )

    def touch(self, instrument: Instrument) -> None:
        """The instrument has something to publish."""
        if not instrument.touched:
            instrument.touched = True
            self.outputs.instruments.append(instrument)
