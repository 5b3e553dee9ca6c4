"""Steps of a flow to batches of commands, with the clock moved and the expectations noted at their positions. No I/O.

Pulled by the replayer one batch at a time: the flow is read no further than what is about to be sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bus.protocol.commands import AdvanceClock, Command
from tools.replay.comparison import TopComparer, TradeMatcher
from tools.replay.flow import Flow, RealTop, RealTrade, Send, Settle
from tools.replay.scale import Scale

#: Messages carry the last engine time that the client heard, and are refused as stale 23 hours later (I6); so the
#: flow is never further ahead of the answers than this.
AHEAD_NS_MAX: Final = 3_600_000_000_000
#: Small enough that the engine has work while the next batch is made, large enough that a message costs little.
BATCH_COMMANDS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands to send together. `settle`: take the next batch only when all is answered and the flow has heard it.

    `time_ns`: the flow's time, 0 as long as it has none.
    """

    commands: list[Command]
    settle: bool
    time_ns: int


class Batches:
    """The batches of a flow. `sent` counts the commands of those that were given out."""

    def __init__(
        self, flow: Flow, scales: Mapping[str, Scale], *, trades: TradeMatcher, tops: TopComparer, paced: bool
    ) -> None:
        self.sent = 0
        self._flow = flow
        self._scales = scales
        self._trades = trades
        self._tops = tops
        #: One batch a moment of the flow, so that each can be sent when it is time.
        self._paced = paced
        self._commands: list[Command] = []
        self._time_ns = 0  # of the flow
        self._engine_ns = 0  # where the engine's clock stands after `_commands`: each command takes 1 ns
        self._settled_ns = 0

    def __iter__(self) -> Iterator[Batch]:
        """Every batch, once."""
        for step in self._flow.steps(self._scales):
            if isinstance(step, Send):
                yield from self._take(step)
            elif isinstance(step, Settle):
                yield self._batch(settle=True)
            elif isinstance(step, RealTrade):
                self._trades.expect(step)
            elif isinstance(step, RealTop):
                self._tops.expect(self.sent + len(self._commands), step)
        yield self._batch(settle=True)

    def _take(self, step: Send) -> Iterator[Batch]:
        if step.time_ns > self._time_ns:
            if self._commands and self._paced:
                yield self._batch(settle=False)
            self._time_ns = step.time_ns
            # Commands closer together than 1 ns each have brought the engine there already.
            if step.time_ns > self._engine_ns:
                self._commands.append(AdvanceClock(step.time_ns))
                self._engine_ns = step.time_ns
            if step.time_ns > self._settled_ns + AHEAD_NS_MAX:
                yield self._batch(settle=True)
        self._commands.append(step.command)
        self._engine_ns += 1
        if len(self._commands) >= BATCH_COMMANDS_MAX:
            yield self._batch(settle=False)

    def _batch(self, *, settle: bool) -> Batch:
        commands = self._commands
        self._commands = []
        self.sent += len(commands)
        if settle:
            self._settled_ns = self._time_ns
        return Batch(commands, settle, self._time_ns)
