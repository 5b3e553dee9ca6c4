"""The one interface of a format of recorded flow: it yields steps, and it hears the engine's reports.

A flow is a generator that lags behind nobody: the replayer takes the next step only when it is about to be sent. A
flow whose next step depends on what the engine made of the earlier ones yields `Settle` first; when the generator
goes on, every report that the earlier commands caused has been given to `hear`. No flow may look at lines behind the
one that it is at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bus.protocol.commands import TraderCommand
from bus.protocol.reports import Report
from tools.replay.scale import Scale


@dataclass(frozen=True, slots=True)
class Send:
    """A command, and when it was given (UTC, ns; 0 in a flow without times). Times never go back."""

    time_ns: int
    command: TraderCommand


@dataclass(frozen=True, slots=True)
class Settle:
    """The flow has to hear what became of everything it sent so far."""


@dataclass(frozen=True, slots=True)
class RealTrade:
    """An expectation: this trade really happened, and was published at `time_ns`."""

    time_ns: int
    price_ticks: int
    quantity_lots: int


@dataclass(frozen=True, slots=True)
class RealTop:
    """An expectation: after the commands before this step the best of both sides really was this.

    A side that was empty has price and quantity 0.
    """

    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


Step = Send | Settle | RealTrade | RealTop


class Flow(Protocol):
    """A recorded flow. Whatever cannot be used in its file is a `BadFlow` that names file, line and column."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments it trades."""

    @property
    def has_times(self) -> bool:
        """Whether its commands have times: then the engine must run under `--clock commands`."""

    @property
    def has_expectations(self) -> bool:
        """Whether it knows what really happened. Such a flow has one symbol."""

    @property
    def lines(self) -> int:
        """How many lines the file has."""

    @property
    def line(self) -> int:
        """The line that it is at."""

    def steps(self, scales: Mapping[str, Scale]) -> Iterator[Step]:
        """The whole flow, once; `scales` has each of its symbols."""

    def hear(self, report: Report) -> None:
        """A report of the replaying account, each one once and in order."""
