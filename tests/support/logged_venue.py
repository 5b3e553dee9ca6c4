"""A venue without sockets that writes a real journal: sequencer, journal and matcher, and a clock that the test moves.

venue = LoggedVenue(directory, at("2026-11-26T10:00"), clearing=CLEARING_SPOT)
venue.open_market()
venue.say("anna", EnterOrder(...), EnterOrder(...))      one message, one batch
venue.trade_at_random(Random(seed), 500, until_ns)
venue.checkpoint()
venue.close()
"""

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from bus.journal.checkpoint import Checkpoint, CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.protocol.codec import decode_client_message, encode_message
from bus.protocol.commands import (
    CancelOrder,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    JoinGroup,
    SetFees,
    SetFeeTiers,
    SetGroup,
    Transfer,
)
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Record, Rules, SessionOpened, TimeTicked
from bus.protocol.terms import (
    BUY,
    CLEARING_NONE,
    CLOCK_SYSTEM,
    DAY,
    EXTERNAL,
    GTC,
    IN_THIRD,
    IOC,
    LIMIT,
    OPERATOR,
    RATE_ONE,
    SELL,
    TRADER,
)
from bus.sequencer import Sequencer, apply_open_batch
from matcher.engine import Engine

TRADERS = ("anna", "boris", "carla", "carla.algo", "dora")
BTC = DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 4, 1, 10_000_000, 1, 1_000_000)
ETH = DefineInstrument("ETH-BTC", "ETH", "BTC", 1, 5, 1, 2, 1, 100_000, 1, 1_000_000)
#: Asset -> decimals; a tick times a lot of each instrument is a whole number of units.
ASSETS = {"USD": 6, "BTC": 8, "ETH": 9}
#: Takers pay and makers get something, in the quote asset; or both pay in a third one, at 30,000 USD for a BTC. Who has
#: traded for a dollar is in the second tier from the next midnight on, and members of a group pay half.
FEES = (
    SetFees("BTC-USD", [(-50_000, 1_000_000), (-80_000, 700_000)]),
    SetFees("ETH-BTC", [(200_000, 900_000)], paid_in=IN_THIRD, asset="USD", numerator=300),
    SetFeeTiers([1_000_000]),
    SetGroup("house", RATE_ONE // 2),
    JoinGroup("carla", "house"),
    JoinGroup("dora", "house"),
)
SEGMENT_BYTES = 24 * 1024
_SPACED_NS = 1_000_000
#: `(account or topic, event)`.
Told = list[tuple[str, tuple[Any, ...]]]


def at(text: str) -> int:
    """`2026-11-27T12:00` in nanoseconds, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


class LoggedVenue:
    """See above. What is said is what everybody was told."""

    def __init__(
        self,
        directory: Path,
        begin_ns: int,
        *,
        clearing: int = CLEARING_NONE,
        clock: int = CLOCK_SYSTEM,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.now_ns = begin_ns
        self.clears = clearing != CLEARING_NONE
        self.engine = Engine()
        self.journal = Journal.open(str(directory), policy="os", segment_bytes=segment_bytes)
        assert not list(self.journal.batches())
        self._sequencer = Sequencer()
        self._sessions: dict[str, int] = {}
        self._names = 0
        self.record(EngineStarted(1, SEMANTICS_VERSION, clock, Rules(1000, 1000, 10, clearing=clearing)))
        self._session("ops", OPERATOR)

    def record(self, record: Record) -> None:
        """A batch of one record."""
        self._sequencer.add_record(record)
        self._write()

    def say(self, account: str, *commands: Any) -> Told:
        """A message of an account as one batch."""
        session = self._sessions.get(account) or self._session(account, TRADER)
        payload = encode_message(session, 1, max(self.now_ns, self.engine.time_ns + 1), commands)
        message: Any = decode_client_message(payload)
        self._sequencer.add_message(message, payload, len(commands))
        return self._write()

    def open_market(self) -> None:
        """Two instruments; money of all traders where the venue clears."""
        if self.clears:
            self.say("ops", *(DefineAsset(name, decimals) for name, decimals in ASSETS.items()))
        self.say("ops", BTC, ETH)
        if self.clears:
            self.say("ops", *FEES)
        for trader in TRADERS if self.clears else ():
            for asset, decimals in ASSETS.items():
                self.move(EXTERNAL, trader, asset, 1_000_000 * 10**decimals)

    def move(self, source: str, target: str, asset: str, units: int) -> Told:
        """A transfer that the operator makes."""
        self._names += 1
        return self.say("ops", Transfer(f"t{self._names}", source, target, asset, units))

    def trade_at_random(self, random: Random, messages: int) -> Told:
        """So many messages of traders, a millisecond apart: orders around a price, cancels, transfers."""
        told: Told = []
        for _ in range(messages):
            self.now_ns += _SPACED_NS
            trader = random.choice(TRADERS)
            if self.clears and random.random() < 0.08:
                asset, decimals = random.choice(list(ASSETS.items()))
                ways = [(EXTERNAL, trader), (trader, EXTERNAL), (trader, random.choice(TRADERS))]
                source, target = random.choice(ways)
                if source != target:
                    told += self.move(source, target, asset, random.randint(1, 10**decimals))
                continue
            told += self.say(trader, *(self._draw(random) for _ in range(random.randint(1, 4))))
        return told

    def _draw(self, random: Random) -> EnterOrder | CancelOrder:
        self._names += 1
        name = f"o{self._names}"
        if random.random() < 0.1:
            return CancelOrder(0, f"o{self._names - random.randint(1, 9)}")
        symbol, middle = random.choice([("BTC-USD", 3_000_000), ("ETH-BTC", 5_000)])
        price = middle + random.randint(-8, 8)
        lots = random.randint(1, 500)
        in_force = random.choice((GTC, GTC, DAY, IOC))
        return EnterOrder(name, symbol, random.choice((BUY, SELL)), lots, price, LIMIT, in_force)

    def tick(self, now_ns: int) -> None:
        """Engine time moves on to there."""
        self.now_ns = now_ns
        self.record(TimeTicked())

    def checkpoint(self) -> None:
        """Write one of the state as it is."""
        header = CheckpointHeader(
            self.engine.sequence,
            self.engine.time_ns,
            self.engine.epoch,
            SEMANTICS_VERSION,
            self.journal.head_hash,
            bytes(32),
        )
        CheckpointStore(str(self.directory), Disk()).write(Checkpoint(header, self.engine.encode_state()))

    def totals(self) -> dict[tuple[str, str], int]:
        """What accounts have now, in units, by account and asset."""
        return {
            (name, asset): balance.total
            for name, account in self.engine.state.accounts.items()
            for asset, balance in account.balances.items()
        }

    def close(self) -> None:
        """The end of the engine."""
        self.journal.close()

    def _session(self, account: str, role: int) -> int:
        session = self._sessions[account] = self.engine.next_session
        self.record(SessionOpened(session, account, role, 1000, False))
        return session

    def _write(self) -> Told:
        batch = self._sequencer.take(self.engine, self.now_ns)
        self.journal.append(batch.first_sequence, batch.count, batch.time_ns, batch.payload)
        apply_open_batch(self.engine, batch)
        private, public = self.engine.take_outputs()
        return [(stream, event) for stream, _, events in private + public for event in events]
