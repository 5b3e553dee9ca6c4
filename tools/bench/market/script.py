"""The feed of an engine under load, made before the clock starts: by the real matcher and the real encoding.

    64 commands of 10 symbols ─▶ a batch ─▶ its frames, as they leave the engine         every 0.5 ms of engine time

80 % of what a publisher takes of it are changes of levels, 20 % trades. All topics are there, also those that it does
not subscribe to, and heartbeats each second of engine time. Called by `player`.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final

from bus.protocol.codec import decode_frame_header
from bus.protocol.commands import Command
from bus.protocol.control import InstrumentState
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, SessionOpened
from bus.protocol.recovery import BOOK_SNAPSHOT
from bus.protocol.terms import CLOCK_SYSTEM, L2, OPERATOR
from bus.protocol.topics import LEVEL, TRADE
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import Publication
from matcher.engine import Engine
from tools.bench import flow

BATCH_COMMANDS: Final = 64
BATCH_NS: Final = 500_000
#: About one event in five is then a trade.
TRADES_PER_COMMAND: Final = 0.25
BEGIN_NS: Final = 1_700_000_000 * 10**9
_HEARTBEAT_NS: Final = 1_000_000_000

#: (topic, frame)
Publications = list[tuple[bytes, bytes]]


class Script:
    """See `player.Played`. `trades` and `levels` count events, `frames` the frames that hold them."""

    def __init__(self, symbols: int, commands: int) -> None:
        self.symbols = [f"S{number:02d}" for number in range(symbols)]
        self.trades = self.levels = self.frames = 0
        self._batches: list[Publications] = []
        markets = [
            flow.Flow(symbol, commands // symbols, seed, TRADES_PER_COMMAND)
            for seed, symbol in enumerate(self.symbols, 1)
        ]
        self._engine = engine = Engine()
        engine.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, flow.RULES), BEGIN_NS)
        for session, symbol in enumerate(self.symbols, 1):
            engine.apply_record(SessionOpened(session, f"bench-{symbol}", OPERATOR, 0, False), BEGIN_NS)
            self._apply(session, [flow.definition(symbol)])
            self._apply(session, markets[session - 1].opening)
        publication = Publication(engine, Sessions(), 1, 1)
        publication.skip()
        self.snapshots: dict[str, tuple[object, ...]] = {
            symbol: self._snapshot(symbol) for symbol in self.symbols
        }
        self.instruments = [InstrumentState(*row) for row in engine.instruments()]
        self._play(publication, markets)
        self.sequence = engine.sequence

    @property
    def facts(self) -> str:
        """What is in it."""
        return f"frames={self.frames} trades={self.trades} levels={self.levels}"

    def parts(self) -> Iterator[Iterable[Publications]]:
        """All of it at once."""
        yield self._batches

    def _play(self, publication: Publication, markets: list[flow.Flow]) -> None:
        engine = self._engine
        heartbeat_ns = 0
        for number, batch in enumerate(_batches(markets), 1):
            for session, commands in batch.items():
                self._apply(session, commands, BEGIN_NS + number * BATCH_NS)
            departure = Departure(1)
            publication.collect_private(departure)
            publication.collect_public(departure)
            if engine.time_ns >= heartbeat_ns:
                heartbeat_ns = engine.time_ns + _HEARTBEAT_NS
                publication.heartbeats(departure)
            self._keep(departure.public)
        last = Departure(1)
        publication.heartbeats(last)
        self._keep(last.public)

    def _apply(self, session: int, commands: list[Command], time_ns: int = BEGIN_NS) -> None:
        self._engine.apply_message(session, 1, max(time_ns, self._engine.time_ns), commands, time_ns)

    def _keep(self, publications: Publications) -> None:
        self._batches.append(publications)
        for topic, frame in publications:
            kind = topic.partition(b".")[0].decode()
            if kind not in (TRADE, LEVEL):
                continue
            self.frames += 1
            count = decode_frame_header(frame).count
            if kind == TRADE:
                self.trades += count
            else:
                self.levels += count

    def _snapshot(self, symbol: str) -> tuple[object, ...]:
        """In the shape of BookSnapshot, without its correlation id."""
        engine = self._engine
        status, last_ticks, bids, asks = engine.book(symbol, L2)
        numbers = engine.numbers(symbol)
        return (
            BOOK_SNAPSHOT, symbol, L2, engine.sequence, engine.time_ns, *numbers, status, last_ticks,
            engine.checksum(symbol), bids, asks,
        )  # fmt: skip


def _batches(markets: list[flow.Flow]) -> Iterator[dict[int, list[Command]]]:
    """Commands by session, drawn from all markets, so many at a time."""
    chance = random.Random(1)
    places = [0] * len(markets)
    left = [number for number, market in enumerate(markets) if market.commands]
    while left:
        batch: dict[int, list[Command]] = {}
        for _ in range(BATCH_COMMANDS):
            if not left:
                break
            number = chance.choice(left)
            commands = markets[number].commands
            batch.setdefault(number + 1, []).append(commands[places[number]])
            places[number] += 1
            if places[number] == len(commands):
                left.remove(number)
        yield batch
