"""Every exception that matchbus raises on purpose: the operational failures.

The rule guarded here (I9): a refusal is a value (`Rejected`), an operational failure is an exception of
this file, and a broken invariant is an assertion. So nothing in this file ever tells a trader "no", and
nothing in this file is raised inside `matcher/`.

This file imports nothing of the project, and its classes hold plain texts and numbers, never messages or
sockets: that is how files of errors become the centre of import circles.

Every room may raise and catch these; `tools/__main__.py` prints one as one line and ends with status 1.
"""


class MatchbusError(Exception):
    """The base of all of them: catch this to tell a failure that was foreseen from a bug.

    Its text is one line, says what happened, and where one can tell, what to do about it.
    """


class ConfigError(MatchbusError):
    """A setting cannot be used; the text names where it came from, its key and its value."""


class BadFlow(MatchbusError):
    """A file of recorded flow cannot be replayed; the text names the file, and where it can the line and the column."""


class AddressInUse(MatchbusError):
    """A socket cannot be bound because something listens at its address already."""


class DataDirectoryHeld(MatchbusError):
    """Another process writes in this data directory; two writers would fork the history."""


class DataDirectoryMismatch(MatchbusError):
    """The data directory belongs to another kind of node (its clock, its shard, its version of the rules)."""


class JournalDamaged(MatchbusError):
    """What was remembered is not what was written; the text names the segment and the offset.

    A torn tail is not damage: it is cut off. This is a bad frame with a valid one behind it, a frame below
    the last sequence known to be synced, or a broken chain. Nothing is repaired silently.
    """


class LogReplaced(MatchbusError):
    """The log that was followed is another one now: what was read of it is not there any more.

    So it is after a loss of power took away what was not durable, or another copy of the directory was put in place.
    What was built on it is built anew from a checkpoint.
    """


class JournalFailed(MatchbusError):
    """A write or a sync failed; it is never tried again, since a second sync may succeed falsely (I3)."""


class CheckpointDamaged(MatchbusError):
    """A checkpoint cannot be read or does not match its own digest; an older one may still be good."""


class EngineStopped(MatchbusError):
    """The engine no longer takes commands; the text names the reason and the last sequence."""


class LogBreaksEngine(EngineStopped):
    """A command of the log breaks the engine that replays it; `sequence` is the command's.

    The operator may pass over exactly that one with `matchbus journal skip`.
    """

    def __init__(self, sequence: int, text: str) -> None:
        super().__init__(text)
        self.sequence = sequence


class OutputsDiffer(MatchbusError):
    """An engine and its shadow came to different outputs from one log; the text names the sequences between which."""


class ChildEnded(MatchbusError):
    """A process that the whole exchange needs has ended; the text names it, how it ended and its last error line."""


class Busy(MatchbusError):
    """Nothing of a message was taken, for there is too much already; the same may be sent again a little later.

    `reason`: what the engine named, of band 1xx; 0 when the client itself has too much unanswered.
    """

    def __init__(self, text: str, reason: int = 0) -> None:
        super().__init__(text)
        self.reason = reason


class NotTaken(MatchbusError):
    """The engine refused a message before the log: nothing of it happened. `reason` is of band 1xx."""

    def __init__(self, text: str, reason: int) -> None:
        super().__init__(text)
        self.reason = reason


class SessionRefused(MatchbusError):
    """The engine does not let this client in; trying again will not help. `reason` is of band 1xx."""

    def __init__(self, text: str, reason: int) -> None:
        super().__init__(text)
        self.reason = reason


class SessionOver(MatchbusError):
    """The client was closed or logged out before this could be answered."""


class NotConnected(MatchbusError):
    """No engine answered at the address in time."""


class TimedOut(MatchbusError):
    """No answer came in time: what was asked for may still happen. The text says how to find out."""


class AnswerLost(MatchbusError):
    """The answer is among reports that the engine no longer keeps: the command may or may not have been carried out."""


class ReportsLost(MatchbusError):
    """Reports `first_report` to `next_report - 1` are missing in what the reader gets; it goes on behind them.

    The text says whether the engine no longer keeps them, the reader was too slow, or they never happened.
    """

    def __init__(self, text: str, first_report: int, next_report: int) -> None:
        super().__init__(text)
        self.first_report = first_report
        self.next_report = next_report


class OffTick(MatchbusError):
    """A price is no whole number of the instrument's ticks. Nothing was sent."""


class OffLot(MatchbusError):
    """A quantity is no whole number of the instrument's lots. Nothing was sent."""


class UnknownSymbol(MatchbusError):
    """The engine has no instrument of this symbol, so nothing can be converted to its ticks. Nothing was sent."""


class GapNotHealed(MatchbusError):
    """Events of a topic are missing and the recovery service did not give them, although it was asked repeatedly."""


class StoreUnavailable(MatchbusError):
    """The database cannot be reached or takes nothing now: gone, locked, full. The same may be tried again."""


class StoreDamaged(MatchbusError):
    """The file is no database, or what it holds is not what was written. Nothing is repaired silently."""


class StoreMismatch(MatchbusError):
    """The database belongs to something else, or to another version of matchbus. Nothing in it was touched."""


class StoreDiffers(MatchbusError):
    """The database remembers something else of this symbol than what is to be written. One of the two is wrong.

    Nothing of the transaction was written. Two publishers of one log never disagree, so this is an alarm.
    """

    def __init__(self, text: str, symbol: str) -> None:
        super().__init__(text)
        self.symbol = symbol


class StoreBehind(MatchbusError):
    """Rows of this symbol before the given ones are not in the database: they have to be written first.

    Nothing of the transaction was written. `stored_sequence` is the log sequence that the database contains.
    """

    def __init__(self, text: str, symbol: str, stored_sequence: int) -> None:
        super().__init__(text)
        self.symbol = symbol
        self.stored_sequence = stored_sequence


class AdjustmentRefused(MatchbusError):
    """What an operator wants to change by hand is not there, or the change is none. Nothing was changed."""


class KeyRefused(MatchbusError):
    """An API key that somebody wants cannot be made. `field`: which part of the wish is why, "" for none of them."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class HistoryMismatch(MatchbusError):
    """What the history keeps is of another log than the engine's; the text names both and the difference."""


class UnknownZone(MatchbusError):
    """This machine's database of time zones has no zone of this name."""


class DoesNotAddUp(MatchbusError):
    """A report's opening balances and all that moved do not come to its closing ones; the text names the first."""


class WouldOverwrite(MatchbusError):
    """A report is to be written where something else stands already. Nothing was written."""


class NotWritten(MatchbusError):
    """A file cannot be written, or read for that; the text names it and why. What stood there stands there still."""
