"""A log told as the drop copy tells it, without sockets: runs of reports, one a batch, numbered from 1."""

from typing import Any

import msgspec

from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.protocol.codec import encode
from bus.protocol.reports import Report
from bus.protocol.topics import DROP
from bus.replay import apply_logged_batch
from bus.sockets.reading.feed_items import DropReport, Run
from matcher.engine import Engine
from tests.support.markets import Clock, Step, apply_step

_decode: Any = msgspec.msgpack.Decoder(list[Report]).decode


class DropCopy:
    """An engine, and what it has said on the drop copy."""

    def __init__(self) -> None:
        self.engine = Engine()
        self._clock = Clock()
        self.next_number = 1

    def tell(self, step: Step) -> list[Run]:
        """Do one step of a log as a batch of its own; its reports as one run, or none."""
        apply_step(self.engine, step, self._clock.after(step, self.engine.state.time_ns))
        return self.taken()

    def taken(self) -> list[Run]:
        """What the engine has said since the last time, as one run, or none."""
        engine = self.engine
        private, _ = engine.take_outputs()
        events = [
            DropReport(account, number, report)
            for account, first, reports in private
            for number, report in enumerate(_decode(encode(reports)), first)
        ]
        if not events:
            return []
        run = Run(DROP, self.next_number, events, engine.state.epoch, engine.sequence, engine.state.time_ns)
        self.next_number += len(events)
        return [run]


def logged(data_dir: str) -> tuple[Engine, list[tuple[str, Any]]]:
    """What a journal says, done again: the engine at its end, and all reports with their accounts, in order."""
    copy = DropCopy()
    told: list[tuple[str, Any]] = []
    for batch in LogReader(Disk(), data_dir).batches():
        apply_logged_batch(copy.engine, batch)
        for run in copy.taken():
            told += [(dropped.account, dropped.report) for dropped in run.events]
    return copy.engine, told
