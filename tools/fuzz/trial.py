"""A trial: an engine is given a log, and everything that must hold whatever the log says is looked at.

What the gateway would not let through is not taken here either: malformed messages, sessions that are not open.
Everything else goes the way of the real engine: decoded from bytes, sequenced, applied; its reports and events are
encoded and decoded again as the protocol has them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from bus.protocol.codec import (
    CommandMessage,
    Malformed,
    MalformedMessage,
    decode_client_message,
    decode_frame,
    encode,
    encode_frame,
)
from bus.protocol.reasons import reason_name
from bus.protocol.records import (
    SEMANTICS_VERSION,
    EndDrawn,
    EngineStarted,
    Record,
    Rules,
    SessionEnded,
    SessionOpened,
    TimeTicked,
)
from bus.protocol.reports import Rejected, Report
from bus.protocol.terms import CLOCK_COMMANDS, PROTOCOL_VERSION
from bus.sequencer import OpenBatch, Sequencer, apply_open_batch
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tools.fuzz.drawing import BEGINNING_NS
from tools.fuzz.steps import Ends, Opens, Says, Starts, Step

#: So many steps between two looks at all of the state.
CHECK_EVERY: Final = 200

#: What stands for chance where an auction may end later; a prime, so that any time may come of it.
_DRAW_NS: Final = 1_000_003

#: Small enough to be reached, by whatever name there are rules.
RULES: Final = Rules(
    **{
        name: {"open": 30, "client": 60, "trades": 100}.get(name.split("_")[0], 3)
        for name in Rules.__struct_fields__
    }
)

_decode_reports: Final[Any] = msgspec.msgpack.Decoder(list[Report]).decode


class Poison(Exception):
    """The last step given broke the engine: an exception that nobody foresaw, or an invariant that does not hold."""


class Trial:
    """One engine. `commands`: how many it took; `answers`: its reports by what they say.

    `on_batch` gets each batch of the log before it is applied, as a journal would.
    """

    def __init__(
        self,
        check_every: int = CHECK_EVERY,
        new_engine: Callable[[], Engine] = Engine,
        on_batch: Callable[[OpenBatch], object] | None = None,
    ) -> None:
        self.commands = 0
        self.steps = 0
        self.answers: Counter[str] = Counter()
        self._check_every = check_every
        self._on_batch = on_batch
        self._now_ns = BEGINNING_NS
        self._sequencer = Sequencer()
        self._slots: dict[int, int] = {}
        self.engine = new_engine()

    def take(self, step: Step) -> None:
        """The next step of the log. Raises Poison."""
        try:
            self._take(step)
            self.steps += 1
            if self.steps % self._check_every == 0:
                self.check()
        except Poison:
            raise
        except Exception as error:
            raise Poison(f"{type(error).__name__}: {error}") from error

    def check(self) -> None:
        """Look at all of the state: its invariants, and whether it comes back the same from its bytes."""
        try:
            self.engine.state.check()
            payload = encode_state(self.engine.state)
            copy = decode_state(payload)
            copy.check()
            assert encode_state(copy) == payload, "the state does not come back the same from its bytes"
        except Exception as error:
            raise Poison(f"{type(error).__name__}: {error}") from error

    def _take(self, step: Step) -> None:
        self._now_ns += step.after_ns
        if isinstance(step, Starts):
            rules = msgspec.structs.replace(RULES, clearing=step.clearing)
            self._record(EngineStarted(self.engine.epoch + 1, SEMANTICS_VERSION, step.clock, rules))
        elif isinstance(step, Opens):
            session = self.engine.next_session
            self._slots[step.slot] = session
            self._record(SessionOpened(session, step.account, step.role, 1000, step.cancel_on_disconnect))
        elif isinstance(step, Ends):
            ended = self._slots.pop(step.slot, 0)
            if ended:
                self._record(SessionEnded(ended))
        elif isinstance(step, Says):
            said_in = self._slots.get(step.slot, 0)
            if said_in:
                self._message(step, said_in)
        else:
            self._record(TimeTicked())

    def _message(self, step: Says, session: int) -> None:
        engine = self.engine
        now_ns = engine.time_ns if engine.clock == CLOCK_COMMANDS else self._now_ns
        created_ns = max(0, now_ns - step.age_ns)
        head = (PROTOCOL_VERSION, session, step.correlation_id, created_ns, step.items)
        payload = encode((*head, *step.trailing))
        try:
            message = decode_client_message(payload)
        except MalformedMessage:
            self.answers["refused before the log"] += 1
            return
        assert isinstance(message, CommandMessage), "commands are no control"
        items: list[object] = [*message.items]
        count = sum(type(item) is not Malformed for item in items)
        self._sequencer.add_message(message, payload, count)
        self.commands += count
        self._apply()

    def _record(self, record: Record) -> None:
        self._sequencer.add_record(record)
        self._apply()

    def _apply(self) -> None:
        engine = self.engine
        batch = self._sequencer.take(engine, self._now_ns)
        if self._on_batch is not None:
            self._on_batch(batch)
        apply_open_batch(engine, batch)
        for _, _, rows in engine.take_private():
            for report in _decode_reports(encode(rows)):
                name = type(report).__name__
                self.answers[
                    f"{name} {reason_name(report.reason)}" if type(report) is Rejected else name
                ] += 1
        for _, first, rows in engine.take_public():
            frame = encode_frame(engine.epoch, first, len(rows), engine.sequence, engine.time_ns, rows)
            assert len(decode_frame(frame).events) == len(rows), "an event is none of the protocol"
        for symbol, number, random_ms in engine.draws_wanted():
            # As the node does behind a batch, but the same for the same log.
            self._record(EndDrawn(symbol, number, number * _DRAW_NS % (random_ms * 10**6 + 1)))


def poison_in(steps: Iterable[Step], new_engine: Callable[[], Engine] = Engine) -> str | None:
    """What breaks an engine that is given these steps, and looked at after each; None when nothing does."""
    trial = Trial(1, new_engine)
    try:
        for step in steps:
            trial.take(step)
        trial.check()
    except Poison as error:
        return str(error)
    return None
