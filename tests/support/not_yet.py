"""Reasons that the protocol names and that no story tells yet, since what gives them is still being built.

This list only shrinks: a reason that a story tells, or a rule names, must not stand here. When it is empty, the file
goes.
"""

from bus.protocol import reasons

NOT_YET = {
    reasons.CANCEL_ALL_AFTER,
}
