"""Processes of the command line: one is started, its `ready` line is waited for, and exactly that one is ended.

    def test_it(processes: Processes) -> None:
        engine = processes.start("engine", "--data", str(tmp_path), "--port-base", str(processes.port_base))
        engine.ready()

Nothing here sleeps: lines are waited for, and a line that does not come ends the test with what did come.
"""

import contextlib
import io
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import pytest

from tests.support.ports import free_port_base
from tools.__main__ import main

ROOT: Final = Path(__file__).parents[2]
#: Two noisy cores and a whole test suite: a start that takes this long hangs.
LINE_S: Final = 30.0
#: Segments of the size that tests need are filled at once.
_SMALL: Final = {"MATCHBUS_ENGINE_SEGMENT_BYTES": str(2**20)}
#: Verbs that change the process that they run in: its loop, its signals, its garbage collector.
_SERVERS: Final = ("engine", "shadow", "up", "demo", "history")


class Process:
    """One process of the command line, its lines read as they come."""

    def __init__(self, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self._words = words
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools", *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._error_lines: queue.Queue[str] = queue.Queue()
        self._readers = [
            _reading(self._process.stdout, self._lines.put, lambda: self._lines.put(None)),
            _reading(self._process.stderr, self._take_error, lambda: None),
        ]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def errors(self) -> list[str]:
        """The lines of its errors up to now."""
        return list(self._errors)

    def line(self, wanted: Callable[[str], bool] = lambda _: True, seconds: float = LINE_S) -> str:
        """The next line of its output that is wanted; the others are dropped. Fails when there is none."""
        dropped: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"{self} said {dropped} and {self._errors}, not what was waited for")
            if wanted(line):
                return line
            dropped.append(line)

    def error_line(self, wanted: Callable[[str], bool], seconds: float = LINE_S) -> str:
        """The next line of its errors that is wanted. Fails when there is none."""
        while True:
            try:
                line = self._error_lines.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"{self} said {self._errors}, not what was waited for") from None
            if wanted(line):
                return line

    def ready(self) -> dict[str, str]:
        """Wait for the line that starts with `ready`; its `key=value` words."""
        line = self.line(lambda line: line.startswith("ready"))
        return dict(word.split("=", 1) for word in line.split() if "=" in word)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, and its end."""
        self._process.kill()
        self.wait()

    def wait(self, seconds: float = LINE_S) -> tuple[int, list[str], list[str]]:
        """Wait for its end: `(status, lines of output not yet taken, lines of errors)`."""
        status = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        lines: list[str] = []
        while (line := self._lines.get()) is not None:
            lines.append(line)
        self._lines.put(None)
        return status, lines, self._errors

    def stop(self) -> tuple[int, list[str], list[str]]:
        """SIGTERM, and its end as for `wait`."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def close(self) -> None:
        """End it if it has not ended: this process id and no other."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _take_error(self, line: str) -> None:
        self._errors.append(line)
        self._error_lines.put(line)

    def __repr__(self) -> str:
        return f"matchbus {' '.join(self._words)}"


class Processes:
    """Starts processes of the command line, and ends those that are left. `port_base` is free for them."""

    def __init__(self) -> None:
        self.port_base = free_port_base()
        self._started: list[Process] = []

    def start(self, *words: str, **environment: str) -> Process:
        """Start `matchbus WORDS`; more environment variables by name."""
        process = Process(words, {**os.environ, **_SMALL, **environment})
        self._started.append(process)
        return process

    def exchange(self, *words: str) -> tuple[str, ...]:
        """The words of a verb that talks to what runs on `port_base`."""
        return (*words, "--port-base", str(self.port_base))

    def engine(self, data: Path, *words: str, **environment: str) -> Process:
        """A ready engine on `port_base`. Syncs to the operating system only, which a `kill -9` survives."""
        told = ("engine", "--data", str(data), "--sync", "os", *words)
        process = self.start(*self.exchange(*told), **environment)
        process.ready()
        return process

    def history(self, data: Path, *words: str, **environment: str) -> Process:
        """A ready history of the engine on `port_base`."""
        process = self.start(*self.exchange("history", "--data", str(data), *words), **environment)
        process.ready()
        return process

    def run(self, *words: str, status: int = 0, **environment: str) -> str:
        """Run `matchbus WORDS` to its end: its output, after a failure with its errors. Fails at another status.

        A verb that only asks runs in this process, over the same sockets: a process more costs half a second.
        """
        if words[0] in _SERVERS:
            found, output, errors = self.start(*words, **environment).wait()
        else:
            found, output, errors = _run_here(words, environment)
        assert found == status, f"matchbus {' '.join(words)} ended with status {found}: {output} {errors}"
        return "\n".join(output if status == 0 else [*output, *errors])

    def close(self) -> None:
        """End what still runs, the last one first."""
        for process in reversed(self._started):
            process.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    """To be named in the `__all__` of a conftest."""
    with contextlib.closing(Processes()) as started:
        yield started


def ended(pid: int) -> bool:
    """Whether a process that is not our child has ended, now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_for_end(pid: int, seconds: float = LINE_S) -> None:
    """Wait until a process that is not our child has ended; fails when it does not."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([handle], [], [], seconds)
    finally:
        os.close(handle)
    assert ended, f"process {pid} still runs"


def _run_here(words: tuple[str, ...], environment: dict[str, str]) -> tuple[int, list[str], list[str]]:
    """The command line without a process of its own: `(status, lines of output, lines of errors)`."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["matchbus", *words])
        for name, value in environment.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                main()
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0
    return status, output.getvalue().splitlines(), errors.getvalue().splitlines()


def _reading(
    stream: IO[str] | None, take: Callable[[str], None], end: Callable[[], None]
) -> threading.Thread:
    """A thread that gives the lines of a stream to `take`, and calls `end` behind the last."""
    assert stream is not None

    def read() -> None:
        for line in stream:
            take(line.rstrip("\n"))
        end()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
