"""An engine without sockets: the real journal, sequencer, matcher and publication, and what left of them, by topic.

engine = Engineless(disk, ROOT); engine.start(); engine.trade(10); engine.stop()
engine.published["trade.BTC-USD."]      frames as they left, oldest first, over all incarnations
"""

import contextlib
import itertools
from typing import Any

from bus.errors import JournalFailed
from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.writer import Policy
from bus.protocol.codec import decode_client_message, encode_message
from bus.protocol.commands import CancelOrder
from bus.protocol.records import Record, SessionOpened, TimeTicked
from bus.protocol.terms import OPERATOR
from bus.sequencer import OpenBatch, Sequencer, apply_open_batch
from bus.sockets.outbound import Departure
from matcher.engine import Engine
from tests.node.parties import BTC_USD, buy, sell
from tests.support.running_node import small_config
from tools.engine import Recovery, _engine_started, recover_engine, write_checkpoint

ROOT = "/data"
SEGMENT_BYTES = 65_536
NOON = 1_700_000_000_000_000_000


class Engineless:
    """See above. `output_hashes`: of each incarnation, by the last sequence of each batch."""

    def __init__(self, disk: Disk, directory: str = ROOT, policy: Policy = "os") -> None:
        self.disk = disk
        self.directory = directory
        self._policy = policy
        self.published: dict[str, list[bytes]] = {}
        self.output_hashes: dict[int, bytes] = {}
        self._names = itertools.count()
        self._sequencer = Sequencer()
        self.journal: Journal
        self.recovery: Recovery

    @property
    def core(self) -> Engine:
        """The matcher."""
        return self.recovery.core

    def start(self) -> "Engineless":
        """An incarnation of the engine; the first one opens a market."""
        config = small_config()
        self.journal = Journal.open(
            self.directory, policy=self._policy, segment_bytes=SEGMENT_BYTES, disk=self.disk
        )
        self.recovery = recover_engine(config, self.journal, self.disk)
        self.record(_engine_started(config, self.core))
        if self.core.epoch == 1:
            self.record(SessionOpened(1, "alice", OPERATOR, 0, False))
            self.send(BTC_USD)
        return self

    def trade(self, batches: int, orders: int = 3) -> None:
        """Orders that rest, meet and leave."""
        for _ in range(batches):
            commands: list[Any] = []
            for number in itertools.islice(self._names, orders):
                side = (buy, sell)[number % 2]
                commands.append(side(f"{self.core.epoch}-{number}", 100 + number * 7 % 5, 1 + number % 4))
                commands.append(CancelOrder(client_order_id=f"{self.core.epoch}-{number - 4}"))
            self.send(*commands)

    def rest(self, orders: int) -> None:
        """So many orders that stay, each at one of 1,000 prices."""
        for start in range(0, orders, 100):
            self.send(
                *(
                    buy(f"r{self.core.epoch}-{n}", 1 + n % 1000)
                    for n in range(start, min(start + 100, orders))
                )
            )

    def send(self, *commands: Any) -> None:
        """A batch of one message."""
        payload = encode_message(1, 1, self._now_ns(), commands)
        self._sequencer.add_message(decode_client_message(payload), payload, len(commands))  # type: ignore[arg-type]
        self._carry_out()

    def tick(self) -> None:
        """A batch of a tick."""
        self.record(TimeTicked())

    def record(self, record: Record) -> None:
        """A batch of one record."""
        self._sequencer.add_record(record)
        self._carry_out()

    def stop(self, *, checkpoint: bool = False) -> None:
        """In good order; with a checkpoint, as an engine does, or without."""
        self.journal.sync_now()
        if checkpoint:
            write_checkpoint(self.recovery, self.journal)
        self.journal.close()

    def vanish(self) -> None:
        """As after `kill -9`, for all that a follower can see: nothing more is written."""
        with contextlib.suppress(JournalFailed, OSError):
            self.journal.close()

    @property
    def store(self) -> CheckpointStore:
        """Its checkpoints."""
        return self.recovery.store

    def _now_ns(self) -> int:
        return max(NOON, self.core.time_ns + 1)

    def _carry_out(self) -> None:
        batch = self._sequencer.take(self.core, self._now_ns())
        self._append(batch)
        apply_open_batch(self.core, batch)
        self._publish(batch.first_sequence + batch.count - 1)

    def _append(self, batch: OpenBatch) -> None:
        self.journal.writer.append(batch.first_sequence, batch.count, batch.time_ns, batch.payload)

    def _publish(self, sequence: int) -> None:
        said = Departure(0)
        publication = self.recovery.publication
        publication.collect_private(said)
        publication.collect_public(said)
        for topic, frame in said.drop + said.public:
            self.published.setdefault(topic.decode(), []).append(frame)
        self.output_hashes[sequence] = publication.output_hash
