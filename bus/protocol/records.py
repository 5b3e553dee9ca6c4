"""Records: what the engine itself writes into the log, beside the commands of clients.

In the journal a record is an entry of session 0. Each takes one sequence, like a command.
"""

from typing import Any, Final

from msgspec import Struct

from bus.protocol.terms import CLEARING_NONE

ENGINE_STARTED: Final = 90
SESSION_OPENED: Final = 91
SESSION_ENDED: Final = 92
TIME_TICKED: Final = 93
END_DRAWN: Final = 94
PHASES_PLANNED: Final = 95
EMERGENCY_RAISED: Final = 96

#: The version of what commands mean. A change that lets an old log replay to other events raises it; the golden
#: journal of each version is in `tests/journal/golden/`.
SEMANTICS_VERSION: Final = 4


class Rules(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """All settings that the matcher reads. They are logged, so a changed limit is part of history."""

    open_orders_per_account_max: int
    client_order_ids_per_account_max: int
    instruments_max: int
    trades_kept_per_instrument_max: int = 1_000_000
    clearing: int = CLEARING_NONE


class EngineStarted(Struct, array_like=True, tag=ENGINE_STARTED, frozen=True, forbid_unknown_fields=True):
    """The first record of each incarnation of the engine. `epoch` counts them, from 1."""

    epoch: int
    semantics_version: int
    clock: int
    rules: Rules


class SessionOpened(Struct, array_like=True, tag=SESSION_OPENED, frozen=True, forbid_unknown_fields=True):
    """A session opened. Sessions are numbered densely, from 1."""

    session: int
    account: str
    role: int
    lease_ms: int
    cancel_on_disconnect: bool


class SessionEnded(Struct, array_like=True, tag=SESSION_ENDED, frozen=True, forbid_unknown_fields=True):
    """A session ended, by Logout or because its lease ran out. Cancels its orders if it was cancel-on-disconnect."""

    session: int


class TimeTicked(Struct, array_like=True, tag=TIME_TICKED, frozen=True, forbid_unknown_fields=True):
    """Engine time moves on although no command came."""


class EndDrawn(Struct, array_like=True, tag=END_DRAWN, frozen=True, forbid_unknown_fields=True):
    """How much later than planned the auction of an instrument ends that began with sequence `number`.

    Drawn by the node when it has begun, so that the log says what nobody could know before.
    """

    symbol: str
    number: int
    delay_ns: int


class EmergencyRaised(Struct, array_like=True, tag=EMERGENCY_RAISED, frozen=True, forbid_unknown_fields=True):
    """The node stops the whole market by a rule; `cause` is one of STOP_CAUSES. No news where it stands already."""

    cause: int


class PhasesPlanned(Struct, array_like=True, tag=PHASES_PLANNED, frozen=True, forbid_unknown_fields=True):
    """What the schedule of an instrument comes to, further than was planned before; `number`: the schedule's sequence.

    `rows`, in order of time: `[time_ns, phase, random_ms]`. Made by the node from its database of time zones, so that
    the log says it: another machine may have another one.
    """

    symbol: str
    number: int
    rows: list[tuple[int, int, int]]


class Skipped(Struct, frozen=True):
    """Takes the place of a command that the operator decided to skip (I12). Never on a wire and never in the log:

    the log keeps the command, a file beside it the decision. `command` is its tag, `request_id` its id if it has one;
    it is answered with Rejected(skipped). A record that is skipped (`command` 0) does nothing.
    """

    command: int
    request_id: str


class Withheld(Struct, frozen=True):
    """Takes the place of a command that is judged with its message and not carried out, since a replay ends before it.

    Never on a wire and never in the log; takes no sequence.
    """

    command: Any


Record = (
    EngineStarted | SessionOpened | SessionEnded | TimeTicked | EndDrawn | PhasesPlanned | EmergencyRaised
)
