"""Zones: the IANA time zone database as this machine has it, the system's or that of the package `tzdata`.

Asked by the gateway before a schedule is logged, by the node when it plans, and by whoever shows hours.
"""

from typing import Final
from zoneinfo import ZoneInfo

from bus.errors import UnknownZone

#: Files that stand beside the zones and are none of the IANA's: what this machine happens to be set to, the rules that
#: POSIX falls back to, "nobody has set it", and everything once more with and without leap seconds.
_NO_ZONES: Final = ("localtime", "posixrules", "Factory", "posix", "right")


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name, such as Europe/Berlin. Reads a file for the first time. Raises UnknownZone."""
    if name.partition("/")[0] not in _NO_ZONES:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # no such name; no name at all; a folder of the database
            pass
    raise UnknownZone(f"{name!r} is no time zone that is known here; zones are named as in Europe/Berlin")
