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


class JournalFailed(MatchbusError):
    """A write or a sync failed; it is never tried again, since a second sync may succeed falsely (I3)."""


class CheckpointDamaged(MatchbusError):
    """A checkpoint cannot be read or does not match its own digest; an older one may still be good."""


class EngineStopped(MatchbusError):
    """The engine no longer takes commands; the text names the reason and the last sequence."""
