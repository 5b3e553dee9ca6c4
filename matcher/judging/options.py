"""Options of a message: a deadline, judging without doing, all or nothing.

The plain message, which is nearly every one, never comes here. What is judged runs through the gates of the very
handlers that would carry it out, with `judging` set: they then say why a command would be refused, in `verdict`, and do
nothing.

    deadline alone     each command in turn: carried out when in time, else refused (too_late)
    validate only      all judged in turn; each answered by what would come of it, Completed of 0 when it would be taken
    all or nothing     all judged in turn; if all would be taken they are carried out like a plain message, else none is

What is refused here is not remembered: a repetition is a new request. A request that was executed before is answered by
Duplicate whatever the options say, since nothing is done by that.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from bus.protocol.commands import Transfer
from bus.protocol.reasons import BATCH_REFUSED, TOO_LATE
from bus.protocol.records import Skipped, Withheld
from bus.protocol.terms import ALL_OR_NOTHING, VALIDATE_ONLY
from matcher.expiry import end_due
from matcher.judging.overlay import Overlay
from matcher.state import Session, State
from matcher.trading import Trading

#: Verdicts that are no reasons.
TAKEN: Final = 0
#: Executed before, and taken then: answered by Duplicate.
AGAIN: Final = -1
#: The same, and refused then.
REFUSED_AGAIN: Final = -2
#: A malformed item, which has its answer, or a command that the operator passes over.
NO_COMMAND: Final = -3


class Messages(Protocol):
    """The engine, as far as it is needed here."""

    state: State
    trading: Trading

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
        """See `matcher.engine`."""


def apply_with_options(
    engine: Messages,
    session: int,
    correlation_id: int,
    created_ns: int,
    items: Sequence[object],
    time_ns: int,
    deadline_ns: int,
    options: int,
) -> int:
    """As `apply_message` of the engine, which calls it. Returns how many sequences the message took."""
    trading = engine.trading
    first: int = trading.sequence
    if not options:
        _apply_until(engine, session, correlation_id, created_ns, items, time_ns, deadline_ns)
        return trading.sequence - first  # type: ignore[no-any-return]
    opened = engine.state.sessions[session]
    if any(_takes_a_sequence(item) for item in items):
        _end_due_first(trading, time_ns)
    verdicts = judged_in_turn(engine, opened, created_ns, items, time_ns, deadline_ns)
    if options & ALL_OR_NOTHING:
        at = 0
        while at < len(verdicts) and (verdicts[at] == TAKEN or verdicts[at] == AGAIN):
            at += 1
        if at < len(verdicts):
            verdicts = [
                verdict if i == at or verdict < TAKEN else BATCH_REFUSED for i, verdict in enumerate(verdicts)
            ]
        elif not options & VALIDATE_ONLY:
            return engine.apply_message(session, correlation_id, created_ns, items, time_ns)
    for i, item in enumerate(items):
        if verdicts[i] < TAKEN:
            engine.apply_message(session, correlation_id + i, created_ns, [item], time_ns)
        elif not isinstance(item, Withheld):
            _answer(engine, opened, correlation_id + i, item, time_ns, verdicts[i])
    return trading.sequence - first  # type: ignore[no-any-return]


def _apply_until(
    engine: Messages,
    session: int,
    correlation_id: int,
    created_ns: int,
    items: Sequence[object],
    time_ns: int,
    deadline_ns: int,
) -> None:
    """Commands are carried out, each by itself, until time is over; those behind are refused."""
    trading = engine.trading
    opened = engine.state.sessions[session]
    for i, item in enumerate(items):
        verdict = TAKEN
        if max(time_ns, trading.time_ns + 1) > deadline_ns and not isinstance(item, Withheld):
            _end_due_first(trading, time_ns)
            (verdict,) = judged_in_turn(engine, opened, created_ns, [item], time_ns, deadline_ns)
        if verdict <= TAKEN:
            engine.apply_message(session, correlation_id + i, created_ns, [item], time_ns)
        else:
            _answer(engine, opened, correlation_id + i, item, time_ns, verdict)


def judged_in_turn(
    engine: Messages,
    opened: Session,
    created_ns: int,
    items: Sequence[object],
    time_ns: int,
    deadline_ns: int,
) -> list[int]:
    """What would come of the commands in turn: a verdict each. Nothing is changed."""
    trading = engine.trading
    overlay = Overlay(trading, opened.account)
    verdicts: list[int] = []
    trading.judging = True
    for item in items:
        command: object = item.command if isinstance(item, Withheld) else item
        trading.verdict = TAKEN
        trading.again = False
        trading.judged = None
        late = deadline_ns != 0 and max(time_ns, trading.time_ns + 1) > deadline_ns
        count = engine.apply_message(opened.session, 0, created_ns, [command], time_ns)
        verdict: int = trading.verdict
        if not count or isinstance(command, Skipped):
            verdict = NO_COMMAND
        elif trading.again and not overlay.is_new(_id_of(command)):
            verdict = REFUSED_AGAIN if verdict else AGAIN
        elif late and (verdict == TAKEN or verdict > TOO_LATE):
            verdict = TOO_LATE
        elif verdict == TAKEN and not trading.again:
            overlay.leave_traces(command)
        verdicts.append(verdict)
    trading.judging = False
    trading.judged = None
    overlay.take_back()
    return verdicts


def _end_due_first(trading: Trading, time_ns: int) -> None:
    """What is due ends under the sequence of the command that comes next, before anything is judged."""
    sequence, before_ns = trading.sequence, trading.time_ns
    trading.sequence = sequence + 1
    trading.time_ns = max(time_ns, before_ns + 1)
    end_due(trading)
    trading.sequence, trading.time_ns = sequence, before_ns


def _answer(
    engine: Messages, opened: Session, correlation_id: int, item: object, time_ns: int, reason: int
) -> None:
    """A command takes its sequence and is answered, and that is all."""
    trading = engine.trading
    state = engine.state
    trading.sequence = state.sequence = trading.sequence + 1
    trading.time_ns = state.time_ns = max(time_ns, trading.time_ns + 1)
    trading.session = opened.session
    trading.correlation_id = correlation_id
    end_due(trading)
    tag = _tag_of(item)
    if reason:
        trading.reject(opened.account, tag, _id_of(item), reason)
    else:
        trading.complete(opened.account, tag, 0)


def _takes_a_sequence(item: object) -> bool:
    """Commands do, and what the operator passes over; a malformed item happens at no time."""
    return isinstance(item, Skipped) or getattr(type(item), "__struct_config__").tag is not None  # noqa: B009


def _tag_of(command: object) -> int:
    tag = getattr(type(command), "__struct_config__").tag  # noqa: B009 - what a command has, an object need not
    assert isinstance(tag, int), "commands are tagged with numbers"
    return tag


def _id_of(command: object) -> str:
    """The id that a refusal of the command names: the one that it would take, or that of the order which it means."""
    if isinstance(command, Transfer):
        return command.transfer_id
    request_id: str = getattr(command, "request_id", "") or getattr(command, "client_order_id", "")
    return request_id
