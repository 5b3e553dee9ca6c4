"""What the reports of some frames change in what is kept. Values in, values out.

Two steps, since orders of the past are in the database: `orders_named` says which are needed, `changes_of` makes of
them, and of the reports, what is to be written. Every report is kept as it was said, byte by byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.errors import StoreDamaged
from bus.protocol.codec import encode
from bus.protocol.history import Execution, Movement, executed, moved
from bus.protocol.reports import Accepted, Filled, Moved, Rejected, Settled, TradeRevised
from bus.sockets.reading.feed_items import DropReport, Run
from publisher.oversight.history.lives import OF_ORDER, OrderState, after, begun, revised


class Position(Struct, frozen=True):
    """How far what is kept goes: the last drop-copy number, and the end of the batch that it stands in.

    `epoch` is the one in which that batch was published. All 0: nothing yet.
    """

    drop_number: int = 0
    log_sequence: int = 0
    time_ns: int = 0
    epoch: int = 0


class KeptReport(Struct, frozen=True, gc=False):
    """A report with its numbers. `order_id` is 0 when it is about no single order; `data` is its encoding."""

    drop_number: int
    account: str
    report_number: int
    sequence: int
    time_ns: int
    order_id: int
    data: bytes


class KeptExecution(Struct, frozen=True, gc=False):
    """An execution, with what an account need not be told about it."""

    drop_number: int
    account: str
    execution: Execution


class KeptRejection(Struct, frozen=True, gc=False):
    """A refusal; its bytes are among the reports."""

    drop_number: int
    account: str
    report_number: int
    request_id: str
    time_ns: int


class KeptMovement(Struct, frozen=True, gc=False):
    """A movement; `place`: among those of its report."""

    drop_number: int
    place: int
    account: str
    movement: Movement


class Changes:
    """What is to be written, all of it in one transaction.

    `orders`: as they stand at the end, by id; those in `begun` are new. `revisions`: the last bust or correction of
    executions that were kept before, by order and trade; `fees`: what such ones cost, with their accounts.
    """

    def __init__(self) -> None:
        self.reports: list[KeptReport] = []
        self.begun: set[int] = set()
        self.orders: dict[int, OrderState] = {}
        self.executions: dict[tuple[int, int], KeptExecution] = {}
        self.revisions: dict[tuple[int, int], TradeRevised] = {}
        self.fees: dict[tuple[int, int], tuple[str, Settled]] = {}
        self.rejections: list[KeptRejection] = []
        self.movements: list[KeptMovement] = []


def orders_named(runs: Iterable[Run]) -> set[int]:
    """The ids of all orders that these reports are about and that they do not begin."""
    named: set[int] = set()
    begun_here: set[int] = set()
    for run in runs:
        for dropped in run.events:
            report = dropped.report
            if isinstance(report, Accepted):
                begun_here.add(report.order_id)
            elif isinstance(report, OF_ORDER) and report.order_id not in begun_here:
                named.add(report.order_id)
    named.discard(0)
    return named


def changes_of(runs: Sequence[Run], known: Mapping[int, OrderState]) -> Changes:
    """What these reports change. `known`: the orders that they name. StoreDamaged when one is missing."""
    changes = Changes()
    for run in runs:
        for drop_number, dropped in enumerate(run.events, run.first_number):
            _take(changes, known, drop_number, dropped)
    return changes


def refolded(reports: Iterable[tuple[int, DropReport]]) -> Changes:
    """Orders and their executions anew from all `(drop number, report)` about them, in order."""
    changes = Changes()
    for drop_number, dropped in reports:
        _take(changes, {}, drop_number, dropped)
    return changes


def _take(changes: Changes, known: Mapping[int, OrderState], drop_number: int, dropped: DropReport) -> None:
    account, number, report = dropped.account, dropped.report_number, dropped.report
    order_id = 0
    if isinstance(report, Accepted):
        order_id = report.order_id
        changes.begun.add(order_id)
        changes.orders[order_id] = begun(account, number, report)
    elif isinstance(report, OF_ORDER):
        order_id = report.order_id
        if order_id:
            order = changes.orders.get(order_id) or known.get(order_id)
            if order is None:
                raise StoreDamaged(
                    f"report {number} of {account} is about order {order_id}, which the history does not have"
                )
            changes.orders[order_id] = after(order, number, report)
        if isinstance(report, Filled):
            execution = KeptExecution(drop_number, account, executed(number, report))
            changes.executions[(order_id, report.trade_id)] = execution
        elif isinstance(report, TradeRevised):
            _revise(changes, report)
    elif isinstance(report, Rejected):
        rejection = KeptRejection(drop_number, account, number, report.request_id, report.time_ns)
        changes.rejections.append(rejection)
    elif isinstance(report, Moved | Settled):
        # What a fill moved is a part of its order's life, and changes nothing of how the order stands.
        order_id = report.order_id if isinstance(report, Settled) else 0
        if isinstance(report, Settled) and report.fee:
            _charge(changes, account, report)
        rows = moved(account, number, report)
        changes.movements += [
            KeptMovement(drop_number, place, account, row) for place, row in enumerate(rows)
        ]
    changes.reports.append(
        KeptReport(drop_number, account, number, report.sequence, report.time_ns, order_id, encode(report))
    )


def _charge(changes: Changes, account: str, report: Settled) -> None:
    """What an execution cost; it is told right behind it, and so mostly in the same transaction."""
    key = (report.order_id, report.trade_id)
    fresh = changes.executions.get(key)
    if fresh is None:
        changes.fees[key] = account, report
    else:
        execution = replace(fresh.execution, fee_asset=report.fee_asset, fee=report.fee)
        changes.executions[key] = KeptExecution(fresh.drop_number, fresh.account, execution)


def _revise(changes: Changes, report: TradeRevised) -> None:
    key = (report.order_id, report.trade_id)
    fresh = changes.executions.get(key)
    if fresh is None:
        changes.revisions[key] = report
    else:
        kept: Any = KeptExecution(fresh.drop_number, fresh.account, revised(fresh.execution, report))
        changes.executions[key] = kept
