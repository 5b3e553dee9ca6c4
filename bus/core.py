"""What the node asks of a matcher: the shape of the one piece that has opinions about a market.

`matcher.engine.Engine` has this shape; `tools` wires the two together. Everything here is a function of the log.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from bus.protocol.commands import SetSchedule
from bus.protocol.records import Record, Skipped

#: (account or topic, number of the first event, events as tuples)
Stream = tuple[str, int, list[tuple[Any, ...]]]


class Core(Protocol):
    """A deterministic state machine over commands and records."""

    @property
    def sequence(self) -> int:
        """The last log sequence that was applied."""

    @property
    def time_ns(self) -> int:
        """Engine time of that sequence."""

    @property
    def epoch(self) -> int:
        """How often the engine was started on this log."""

    @property
    def clock(self) -> int:
        """CLOCK_SYSTEM or CLOCK_COMMANDS."""

    @property
    def next_session(self) -> int:
        """The number that the next SessionOpened must have."""

    @property
    def next_timer_ns(self) -> int:
        """When the first timer is due, 0 when none is set: something happens then even if no command comes."""

    def apply_message(
        self,
        session: int,
        correlation_id: int,
        created_ns: int,
        items: Sequence[object],
        time_ns: int,
        deadline_ns: int = 0,
        options: int = 0,
    ) -> int:
        """The commands of one message of an open session; how many sequences they took."""

    def apply_record(self, record: Record | Skipped, time_ns: int) -> None:
        """A record; it takes one sequence."""

    def take_private(self) -> list[Stream]:
        """Reports since the last take, by account."""

    def take_public(self) -> list[Stream]:
        """Public events since the last take, by topic."""

    def draws_wanted(self) -> list[tuple[str, int, int]]:
        """`(symbol, number, random_ms)` of each auction whose end is to be drawn by chance, for a record EndDrawn.

        Each is told once.
        """

    def plans_wanted(self) -> list[tuple[SetSchedule, int, int]]:
        """`(schedule, its number, from when)` of each instrument whose plan does not reach far enough, for a record
        PhasesPlanned of rows later than that. Each is told once.
        """

    def schedule(self, symbol: str) -> tuple[Any, ...]:
        """A row in the shape of `bus.protocol.control.TradingSchedule`, from its symbol on."""

    def open_sessions(self) -> list[tuple[int, str, int, int]]:
        """`(session, account, role, lease_ms)` of each open session."""

    def account_count(self) -> int:
        """How many accounts there are."""

    def has_account(self, account: str) -> bool:
        """Whether there is an account of this name."""

    def next_report(self, account: str) -> int:
        """The number that the account's next report will have; 1 for one that does not exist."""

    def report_count(self) -> int:
        """How many reports all accounts have got."""

    def rejected_count(self) -> int:
        """How many commands this object has answered with Rejected. No part of the state."""

    def safeguards(self) -> tuple[Any, ...]:
        """A row in the shape of `bus.protocol.control.Safeguards`, from its breakers on."""

    def open_orders(self, account: str) -> list[tuple[Any, ...]]:
        """Rows in the shape of `bus.protocol.control.OpenOrder`, oldest first."""

    def balances(self, account: str) -> list[tuple[Any, ...]]:
        """Rows in the shape of `bus.protocol.control.BalanceState`; none for an account that does not exist."""

    def assets(self) -> list[tuple[str, int]]:
        """`(asset, decimals)` of all that are defined; none where the venue does not clear."""

    def clearing(self) -> int:
        """One of CLEARINGS."""

    def fees(self, account: str, with_groups: bool) -> tuple[Any, ...]:
        """A row in the shape of `bus.protocol.control.Fees`, from its tier on."""

    def instruments(self) -> list[tuple[Any, ...]]:
        """Rows in the shape of `bus.protocol.control.InstrumentState`, in order of definition."""

    def symbols(self) -> list[str]:
        """The symbols of all instruments, in order of definition."""

    def phases(self) -> list[tuple[str, int]]:
        """Symbol and phase of all instruments, in order of definition. May be called in another thread."""

    def numbers(self, symbol: str) -> tuple[int, int, int, int]:
        """Last numbers of a symbol's trade, level, order and status topics."""

    def clock_number(self) -> int:
        """Last number of the clock topic."""

    def book(
        self, symbol: str, kind: int
    ) -> tuple[int, int, list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """`(phase, last price in ticks or 0, bids, asks)` of a symbol, rows as in BookSnapshot."""

    def stopped(self) -> int:
        """Why the whole market stands still, one of STOP_CAUSES; 0 when it does not."""

    def phase_state(self, symbol: str) -> tuple[int, ...]:
        """A symbol's row in the shape of `bus.protocol.control.PhaseState`."""

    def checksum(self, symbol: str) -> int:
        """The checksum of a symbol's book."""

    def encode_state(self) -> bytes:
        """All of the state, for a checkpoint."""
