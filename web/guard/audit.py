"""What an operator wants to read afterwards: each sign of an intrusion, each alarm and block, each change of a key.

    DATA/web/audit.log     a JSON object a line; of all instances of one data directory

No secrets and no signatures stand in it. Made by whoever wires the process together, written by `keyed_guard`.
"""

import os
from pathlib import Path
from typing import Any, Final

import structlog

FILE: Final = "web/audit.log"
#: Whoever floods the web does not fill the disk: so many lines at once, and a second in the long run. 40 MB a day.
LINES_MAX: Final = 200
LINES_PER_S_MAX: Final = 2
#: Of a text that comes from outside.
CHARACTERS_MAX: Final = 200
_SECOND_NS: Final = 1_000_000_000


class Audit:
    """See above. Appends; a line goes out in one write, so that those of several instances do not mix."""

    def __init__(self, data_dir: str) -> None:
        path = Path(data_dir, FILE)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(fd, "w", buffering=1, encoding="utf-8")
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )
        self._lines = 0.0
        self._at_ns = 0
        self._left_out = 0

    def say(self, event: str, now_ns: int, **facts: Any) -> None:
        """One line, unless there were too many; the next one then says how many were left out."""
        self._lines = max(0.0, self._lines - (now_ns - self._at_ns) / _SECOND_NS * LINES_PER_S_MAX)
        self._at_ns = now_ns
        if self._lines + 1 > LINES_MAX:
            self._left_out += 1
            return
        self._lines += 1
        if self._left_out:
            facts["left_out"] = self._left_out
            self._left_out = 0
        self._log.info(event, **{name: _bounded(value) for name, value in facts.items()})

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _bounded(value: Any) -> Any:
    return value[:CHARACTERS_MAX] if isinstance(value, str) else value
