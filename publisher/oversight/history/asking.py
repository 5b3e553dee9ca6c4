"""A report again: asked of the engine, and of the shadow for what the engine no longer keeps.

Called by the writer's thread of the service, before what follows is read: everything here blocks, for a while at
most, and hears when it is to stop.
"""

import threading
from typing import Final, NamedTuple, final

import msgspec
import zmq

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.errors import HistoryMismatch, NotConnected, NotTaken
from bus.protocol.codec import (
    MalformedMessage,
    RecoveryEnvelope,
    decode_drop_frame,
    decode_recovery_envelope,
    encode,
    encode_message,
)
from bus.protocol.control import Refused
from bus.protocol.reasons import NOT_OFFERED, QUEUE_FULL, reason_name
from bus.protocol.recovery import NotKept, Replay, Replayed
from bus.protocol.topics import DROP
from bus.sockets.session.dealer import open_dealer
from publisher.oversight.history.standing import Standing
from publisher.oversight.history.writing import HistoryWriter

#: How long the engine's answer is waited for.
ANSWER_MS: Final = 1_000
#: And the shadow's, which may have to replay for it.
DEEP_ANSWER_MS: Final = 30_000
#: How long one look at the socket is, so that a stop is heard soon.
_LOOK_MS: Final = 100


class Told(NamedTuple):
    """What the engine has under a number of the drop copy, None when it has no such number (yet or any more)."""

    epoch: int
    report: tuple[str, int, bytes] | None


@final
class Asker:
    """Asks about the engine at `engine` until `stopping` is set; then it raises NotConnected."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        engine: Addresses,
        token: str,
        stopping: threading.Event,
    ) -> None:
        self._context = context
        self._engine = engine
        self._token = token
        self._stopping = stopping
        self._correlation_id = 0

    def told(self, number: int) -> Told:
        """What is known under a number. NotConnected when it cannot be found out now, NotTaken for a wrong token."""
        envelope = self._ask(self._engine.recovery, number, ANSWER_MS)
        if envelope is None:
            raise NotConnected(f"no engine answers at {self._engine.recovery}")
        found = self._found(envelope, number)
        if found is not None:
            return found
        deep = self._ask(self._engine.deep_recovery, number, DEEP_ANSWER_MS)
        if deep is None:
            raise NotConnected(
                f"the engine no longer keeps report {number} of the drop copy, and no shadow answers at"
                f" {self._engine.deep_recovery}"
            )
        found = self._found(deep, number)
        if found is None or (found.report is None and deep.log_sequence < envelope.log_sequence):
            raise NotConnected(f"the shadow has not come as far as report {number} of the drop copy yet")
        return Told(envelope.epoch, found.report)

    def epoch(self) -> int:
        """The engine's epoch. Raises as `told`."""
        envelope = self._ask(self._engine.recovery, 1, ANSWER_MS)
        if envelope is None:
            raise NotConnected(f"no engine answers at {self._engine.recovery}")
        self._found(envelope, 1)
        return envelope.epoch

    def _found(self, envelope: RecoveryEnvelope, number: int) -> Told | None:
        """What an answer says; None when it is not kept there, or cannot be known."""
        answer = envelope.items[0]
        if isinstance(answer, Replayed):
            report = _report_in(answer, number)
            return None if report is None else Told(envelope.epoch, report)
        if isinstance(answer, NotKept) and answer.next_number <= number:
            return Told(envelope.epoch, None)
        if isinstance(answer, Refused) and answer.reason == QUEUE_FULL:
            raise NotConnected(answer.text)
        if isinstance(answer, Refused) and answer.reason != NOT_OFFERED:
            raise NotTaken(f"{DROP}: {reason_name(answer.reason)}: {answer.text}", answer.reason)
        return None

    def _ask(self, endpoint: str, number: int, wait_ms: int) -> RecoveryEnvelope | None:
        """The answer to a question about one number; None when none comes."""
        deadline_ns = monotonic_ns() + wait_ms * 1_000_000
        self._correlation_id += 1
        request = Replay(DROP, number, number, self._token)
        with open_dealer(self._context, endpoint) as socket:
            socket.send(encode_message(0, self._correlation_id, 0, [request]))
            while not self._stopping.is_set() and monotonic_ns() < deadline_ns:
                if not socket.poll(_LOOK_MS):
                    continue
                try:
                    envelope = decode_recovery_envelope(socket.recv())
                except MalformedMessage:
                    continue
                if envelope.items:
                    return envelope
        return None


def stand(writer: HistoryWriter, asker: Asker) -> int:
    """Take out of what is kept whatever never happened. The epoch of the engine for which it is so.

    Raises HistoryMismatch for a history of another log; NotConnected, NotTaken as `Asker.told`; and as the writer does.
    """
    at = writer.position
    epoch = asker.epoch()
    if epoch < at.epoch:
        raise HistoryMismatch(
            f"{writer.name}: has seen epoch {at.epoch} of a log, and the engine is in epoch {epoch}: it runs on"
            " another log, or on an older copy of this one; give the history another database"
        )
    if not at.drop_number:
        return epoch
    standing = Standing(at.drop_number)
    while standing.question is not None:
        number = standing.question
        told = asker.told(number)
        if told.epoch != epoch:
            raise NotConnected("the engine was started again meanwhile")
        standing.answer(same=told.report == writer.report(number))
    same_up_to = standing.same_up_to
    if not same_up_to:
        raise HistoryMismatch(
            f"{writer.name}: its first report is not the engine's: it is the history of another log; give the"
            " history another database"
        )
    if same_up_to < at.drop_number:
        writer.withdraw(same_up_to)
    return epoch


def _report_in(answer: Replayed, number: int) -> tuple[str, int, bytes] | None:
    for data in answer.frames:
        try:
            frame = decode_drop_frame(data)
        except msgspec.MsgspecError:
            continue
        at = frame.first_number
        for group in frame.events:
            if at <= number < at + len(group.reports):
                place = number - at
                return group.account, group.first_report + place, encode(group.reports[place])
            at += len(group.reports)
    return None
