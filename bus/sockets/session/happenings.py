"""Happenings: what a client's core tells the shell around it, as values, in the order in which they happened."""

from msgspec import Struct

from bus.protocol.control import (
    Balances,
    Fees,
    Instruments,
    OpenOrders,
    Refused,
    Safeguards,
    TradingSchedule,
    Welcome,
)
from bus.protocol.reports import Report


class Opened(Struct, frozen=True):
    """The session is open. `renewed`: it is another one than before, since the engine had ended that one.

    A session that ended cancelled its orders if it was cancel-on-disconnect; reports say so.
    """

    welcome: Welcome
    epoch: int
    renewed: bool


class Reports(Struct, frozen=True):
    """New reports of the account: in order, each once. Report i has number `first_report + i`.

    `answers`: `(correlation_id, report)` for each of our commands that is answered by one of them.
    """

    first_report: int
    reports: list[Report]
    answers: list[tuple[int, Report]]
    epoch: int
    log_sequence: int
    time_ns: int


class NotTaken(Struct, frozen=True):
    """The engine took none of these commands or queries; nothing of them was logged."""

    correlation_ids: list[int]
    refused: Refused


class AnswersLost(Struct, frozen=True):
    """These commands may or may not have been carried out, and cannot be sent again safely.

    Their answers, if any, are among lost reports, and they have no id by which the engine knows them again.
    """

    correlation_ids: list[int]


class ReportsLost(Struct, frozen=True):
    """Reports `first_report` to `next_report - 1` are no longer kept by the engine: take the open orders."""

    first_report: int
    next_report: int


class ReportsWithdrawn(Struct, frozen=True):
    """Reports `first_report` to `next_report - 1`, seen before, never happened: the engine started again without them.

    Only an engine that promises less than the disk (`sync = "os"`) can lose what it has said, and only when the
    machine stops. Their numbers are given again. Take the open orders.
    """

    first_report: int
    next_report: int


class Answered(Struct, frozen=True):
    """The answer to a query; also the open orders that were wanted with the Hello."""

    correlation_id: int
    answer: OpenOrders | Instruments | TradingSchedule | Balances | Fees | Safeguards


class Ended(Struct, frozen=True):
    """The session is over for good: by Logout, or because the engine refused it (`refused`)."""

    refused: Refused | None


Happening = Opened | Reports | NotTaken | AnswersLost | ReportsLost | ReportsWithdrawn | Answered | Ended
