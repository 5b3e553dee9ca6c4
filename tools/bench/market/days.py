"""Two days of trading in 100 symbols, as fast as they can be taken: in each symbol a trade and two changes of the book
every 20 s of engine time, a batch each, and a heartbeat a minute.

Made up while it is said, without a matcher: what is measured with it is what a publisher keeps. Called by `player`.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.codec import encode_frame
from bus.protocol.control import InstrumentState
from bus.protocol.feed import FEED_HEARTBEAT, LEVEL, TRADE
from bus.protocol.recovery import BOOK_SNAPSHOT
from bus.protocol.terms import BUY, CONTINUOUS, L2, SELL
from bus.protocol.topics import HEARTBEAT, topic
from bus.protocol.topics import LEVEL as LEVEL_TOPIC
from bus.protocol.topics import TRADE as TRADE_TOPIC
from tools.bench import flow

#: A Thursday, the beginning of a day.
BEGIN_NS: Final = 1_699_488_000 * 10**9
MINUTE_NS: Final = 60 * 10**9
STEP_NS: Final = 20 * 10**9
_HEARTBEAT_STEPS: Final = 3
_LEVELS: Final = 20
_MIDDLE_TICKS: Final = 30_000
_EPOCH: Final = 1

#: (topic, frame)
Publications = list[tuple[bytes, bytes]]


class _Symbol:
    """A book whose prices stay and whose quantities change, and a price that walks."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.chance = random.Random(seed)
        self.price_ticks = _MIDDLE_TICKS
        self.trades = self.levels = 0
        self.rows = {
            BUY: [(_MIDDLE_TICKS - 1 - place, 100, 1) for place in range(_LEVELS)],
            SELL: [(_MIDDLE_TICKS + 1 + place, 100, 1) for place in range(_LEVELS)],
        }

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Last numbers of its topics."""
        return (self.trades, self.levels, 0, 0)

    @property
    def checksum(self) -> int:
        """Of its book."""
        return book_checksum(self.rows[BUY][:CHECKSUM_LEVELS], self.rows[SELL][:CHECKSUM_LEVELS])

    def step(self, sequence: int, time_ns: int, heartbeat: bool) -> Publications:
        """What one batch says."""
        chance = self.chance
        self.price_ticks += chance.randint(-3, 3)
        trade = (
            TRADE,
            sequence,
            time_ns,
            self.trades + 1,
            self.price_ticks,
            chance.randint(1, 100),
            chance.choice((BUY, SELL)),
        )
        changes = []
        for side in (BUY, SELL):
            place = chance.randrange(_LEVELS)
            row = (self.rows[side][place][0], chance.randint(1, 1000), chance.randint(1, 9))
            self.rows[side][place] = row
            changes.append((LEVEL, sequence, side, *row))
        self.trades += 1
        self.levels += 2
        numbers = self.numbers
        said = [
            (
                topic(TRADE_TOPIC, self.name).encode(),
                encode_frame(_EPOCH, self.trades, 1, sequence, time_ns, [trade], numbers),
            ),
            (
                topic(LEVEL_TOPIC, self.name).encode(),
                encode_frame(_EPOCH, self.levels - 1, 2, sequence, time_ns, changes, numbers),
            ),
        ]
        if heartbeat:
            beat = (FEED_HEARTBEAT, *numbers, self.checksum)
            said.append(
                (
                    topic(HEARTBEAT, self.name).encode(),
                    encode_frame(_EPOCH, 0, 1, sequence, time_ns, [beat]),
                )
            )
        return said


class Days:
    """See `player.Played`: parts of so many minutes, without end."""

    def __init__(self, symbols: int, minutes: int) -> None:
        self.symbols = [f"D{number:03d}" for number in range(symbols)]
        self._markets = [_Symbol(name, seed) for seed, name in enumerate(self.symbols)]
        self._steps_a_part = minutes * MINUTE_NS // STEP_NS
        self.sequence = 1
        self.instruments = [InstrumentState(flow.definition(name), CONTINUOUS) for name in self.symbols]
        self.snapshots: dict[str, tuple[object, ...]] = {
            market.name: (
                BOOK_SNAPSHOT, market.name, L2, self.sequence, BEGIN_NS, *market.numbers, CONTINUOUS, 0,
                market.checksum, market.rows[BUY], market.rows[SELL],
            )
            for market in self._markets
        }  # fmt: skip

    @property
    def facts(self) -> str:
        """What is in it."""
        return (
            f"symbols={len(self.symbols)} trades_a_day={len(self.symbols) * 24 * 60 * MINUTE_NS // STEP_NS}"
        )

    def parts(self) -> Iterator[Iterable[Publications]]:
        """One behind the other."""
        steps = 0
        while True:
            yield self._steps(steps, steps + self._steps_a_part)
            steps += self._steps_a_part

    def _steps(self, first: int, end: int) -> Iterator[Publications]:
        apart_ns = STEP_NS // len(self._markets)
        for step in range(first, end):
            for place, market in enumerate(self._markets):
                self.sequence += 1
                time_ns = BEGIN_NS + (step + 1) * STEP_NS + place * apart_ns
                heartbeat = not step % _HEARTBEAT_STEPS or step + 1 == end
                yield market.step(self.sequence, time_ns, heartbeat)
