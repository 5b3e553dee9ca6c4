"""What an operator wants to read afterwards: each sign of an intrusion, each alarm and block, each change of a key,
each word of an operator over HTTP, each transfer and withdrawal.

    DATA/web/audit.log     a JSON object a line; of all instances of one data directory
    DATA/web/audit.log.1   the one before it, and so on: a full one steps back, the oldest goes

No secrets and no signatures stand in it. Whoever moves the file away (logrotate) need tell nobody: the next line begins
a new one. Made by whoever wires the process together, written by `keyed_guard`.
"""

import fcntl
import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Final

import structlog

FILE: Final = "web/audit.log"
#: Full ones that are kept beside it.
FILES_KEPT: Final = 4
#: Whoever floods the web does not fill the disk: so many lines at once, and a second in the long run. 40 MB a day.
LINES_MAX: Final = 200
LINES_PER_S_MAX: Final = 2
#: Of a text that comes from outside.
CHARACTERS_MAX: Final = 200
_SECOND_NS: Final = 1_000_000_000
_LOG: Final = structlog.get_logger("matchbus.web")


class Audit:
    """See above. A line goes out in one write, so that those of several instances do not mix.

    `bytes_max`: how large a file becomes before the next one begins.
    """

    def __init__(self, data_dir: str, bytes_max: int) -> None:
        path = Path(data_dir, FILE)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = _SteppingFile(path, bytes_max)
        # Of its own, so that whatever else is logged in this process stays out of it.
        logger = logging.Logger("audit", logging.INFO)
        logger.addHandler(self._file)
        self._log = structlog.wrap_logger(
            logger,
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


class _SteppingFile(WatchedFileHandler):
    """A file that is opened again when another one has its name, and steps back when it is full.

    The standard library's own that rotates is for one process; here several write, so a lock of the directory is held
    while names change, and whoever comes second looks again.
    """

    def __init__(self, path: Path, bytes_max: int) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._failing = False
        self._problem = ""
        super().__init__(path, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(fd, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line. What cannot be written fails no request: it is told once."""
        failed, self._failing = self._failing, False
        try:
            if self._is_full():
                self._step_back()
            super().emit(record)
        except OSError:
            self.handleError(record)
        if self._failing and not failed:
            _LOG.error("the audit log cannot be written", problem=self._problem)
        elif failed and not self._failing:
            _LOG.info("the audit log is written again")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # a name of the standard library
        """Called while the reason is at hand."""
        del record
        self._failing, self._problem = True, str(sys.exc_info()[1])

    def _is_full(self) -> bool:
        with suppress(FileNotFoundError):
            return self._path.stat().st_size >= self._bytes_max
        return False

    def _step_back(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            if not self._is_full():
                return  # another instance was here
            names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, FILES_KEPT + 1))]
            for older, name in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
                with suppress(FileNotFoundError):
                    name.replace(older)
        finally:
            os.close(directory)


def _bounded(value: Any) -> Any:
    return value[:CHARACTERS_MAX] if isinstance(value, str) else value
