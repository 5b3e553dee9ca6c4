"""A flow through the sockets of a running engine, and what came of it.

Batches go out as long as fewer than `UNANSWERED_COMMANDS_MAX` commands wait for their answer; a batch that settles is
waited for. Reports go to the flow, answers and the public feed to the comparison.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from bus.errors import BadFlow, DataDirectoryMismatch, MatchbusError, NotTaken
from bus.protocol.commands import ADVANCE_CLOCK, DefineInstrument
from bus.protocol.feed import Event, Level, Trade
from bus.protocol.reasons import TIME_NOT_LATER, reason_name
from bus.protocol.reports import Completed, Rejected, Report
from bus.protocol.terms import CLOCK_COMMANDS
from bus.sockets.session.happenings import AnswersLost, Happening, Reports, ReportsLost, ReportsWithdrawn
from bus.sockets.session.happenings import NotTaken as RefusedBeforeTheLog
from tools.replay.batches import Batch, Batches
from tools.replay.comparison import TopComparer, TradeMatcher
from tools.replay.connection import Connection
from tools.replay.definition import definition_for
from tools.replay.flow import Flow
from tools.replay.scale import Scale

#: A few batches in flight keep the engine busy while the next is made; more would only wait in its queue.
UNANSWERED_COMMANDS_MAX: Final = 2048
#: The time of one round of waiting; any message ends it sooner.
_POLL_MS: Final = 100


class Outcome(msgspec.Struct, frozen=True):
    """What `--json` prints. Trades and snapshots are 0 for a flow that does not know what really happened."""

    commands: int
    trades_real: int
    trades_matched: int
    snapshots_comparable: int
    snapshots_equal: int
    commands_per_s: float


class Replayer:
    """One replay. `speed` 0 is as fast as possible, otherwise so many times as fast as it happened."""

    def __init__(
        self,
        connection: Connection,
        flow: Flow,
        *,
        tick: tuple[int, int],
        lot: tuple[int, int],
        speed: float,
        progress: Callable[[int], object],
    ) -> None:
        #: Refusals of the engine, by the number of their reason.
        self.refusals: dict[int, int] = {}
        self._connection = connection
        self._flow = flow
        self._tick = tick
        self._lot = lot
        self._speed = speed
        self._progress = progress
        self._trades = TradeMatcher()
        self._tops = TopComparer()
        self._next_command = self._first_command = 1
        self._clock_moved = False
        self._start_ns = 0
        self._flow_start_ns = 0

    def run(self) -> Outcome:
        """The whole flow. Raises MatchbusError with one line when the engine is none for it."""
        self._connection.open()
        welcome = self._connection.core.welcome
        assert welcome is not None, "an open session was welcomed"
        if self._flow.has_times and welcome.clock != CLOCK_COMMANDS:
            raise DataDirectoryMismatch(
                "the engine runs on the system clock and the flow has times: start it with --clock commands"
            )
        scales = self._scales()
        continuity = None
        if self._flow.has_expectations:
            continuity = self._connection.subscribe(self._flow.symbols[0])
            if not continuity.is_untouched:
                raise DataDirectoryMismatch(
                    f"{self._flow.symbols[0]} was traded here before, so nothing can be compared:"
                    " start the engine with a new data directory"
                )
        batches = Batches(self._flow, scales, trades=self._trades, tops=self._tops, paced=bool(self._speed))
        self._start_ns = time.monotonic_ns()
        for batch in batches:
            self._wait_until_due(batch)
            self._connection.send(batch.commands)
            unanswered_max = 0 if batch.settle else UNANSWERED_COMMANDS_MAX
            self._take(0)
            while self._connection.core.unanswered > unanswered_max:
                self._take(_POLL_MS)
            self._progress(self._flow.line)
        elapsed_ns = time.monotonic_ns() - self._start_ns
        if continuity is not None:
            # The heartbeat behind the last answer says that the feed is complete, or that it has a gap.
            while continuity.sequence < self._tops.sequence:
                self._take(_POLL_MS)
        self._connection.leave()
        self._tops.finish()
        return Outcome(
            batches.sent,
            self._trades.real,
            self._trades.matched(),
            self._tops.comparable,
            self._tops.equal,
            round(batches.sent * 1e9 / max(elapsed_ns, 1), 1),
        )

    def _scales(self) -> dict[str, Scale]:
        """The scale of each symbol of the flow; what the engine does not have is defined."""
        there = {state.definition.symbol: state.definition for state in self._connection.instruments()}
        missing = [
            definition_for(symbol, self._tick, self._lot)
            for symbol in self._flow.symbols
            if symbol not in there
        ]
        self._define(missing)
        there.update({definition.symbol: definition for definition in missing})
        return {symbol: Scale.of(there[symbol]) for symbol in self._flow.symbols}

    def _define(self, missing: list[DefineInstrument]) -> None:
        self._connection.send(missing)
        while self._connection.core.unanswered:
            for happening in self._connection.poll(_POLL_MS)[0]:
                for report in happening.reports if isinstance(happening, Reports) else []:
                    if isinstance(report, Rejected):
                        raise BadFlow(
                            f"the engine does not define the instrument: {reason_name(report.reason)}"
                        )
        self._next_command += len(missing)
        self._first_command = self._next_command

    def _wait_until_due(self, batch: Batch) -> None:
        if not self._speed or not batch.time_ns:
            return
        if not self._flow_start_ns:
            self._flow_start_ns = batch.time_ns
        due_ns = self._start_ns + int((batch.time_ns - self._flow_start_ns) / self._speed)
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            self._take(min(left_ns // 1_000_000 + 1, _POLL_MS))

    def _take(self, timeout_ms: int) -> None:
        """What has come goes where it belongs."""
        happenings, events = self._connection.poll(timeout_ms)
        for happening in happenings:
            self._take_happening(happening)
        for event in events:
            self._take_event(event)
        if happenings or events:
            self._tops.compare()

    def _take_happening(self, happening: Happening) -> None:
        if isinstance(happening, Reports):
            for report in happening.reports:
                if isinstance(report, Rejected):
                    self._take_refusal(report)
                elif isinstance(report, Completed):
                    self._clock_moved = True
                self._flow.hear(report)
            for number, report in happening.answers:
                self._take_answer(number, report)
        elif isinstance(happening, RefusedBeforeTheLog):
            reason = happening.refused.reason
            raise NotTaken(
                f"the engine did not take a message: {reason_name(reason)}: {happening.refused.text}", reason
            )
        elif isinstance(happening, AnswersLost | ReportsLost | ReportsWithdrawn):
            raise MatchbusError(
                "the engine lost reports of this replay: start again with a new data directory"
            )

    def _take_answer(self, number: int, report: Report) -> None:
        assert number == self._next_command, "the engine answers in order"
        self._next_command += 1
        self._tops.answered(number - self._first_command + 1, report.sequence)

    def _take_refusal(self, report: Rejected) -> None:
        if report.command == ADVANCE_CLOCK and not self._clock_moved and report.reason == TIME_NOT_LATER:
            raise DataDirectoryMismatch(
                "the engine's time is later than the flow's: start it with a new data directory"
            )
        self.refusals[report.reason] = self.refusals.get(report.reason, 0) + 1

    def _take_event(self, event: Event) -> None:
        if isinstance(event, Trade):
            self._trades.happened(event)
        elif isinstance(event, Level):
            self._tops.level(event)
