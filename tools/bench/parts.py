"""The processes of a benchmark: the real engine, and what measures it or disturbs it.

Each says one line that begins with `ready` when it can be used. The engine is `matchbus engine` on free ports, with a
data directory of its own and the settings that stand here, whatever the environment says. None of them outlives the
benchmark: the engine is bound to it (see `tools.up.bound`), the others read a pipe that ends with it.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from bus.config_loading import ENVIRONMENT_PREFIX
from bus.errors import ChildEnded
from bus.journal.directory import read_token

#: Where these rooms are imported from, for a checkout that is not installed.
_ROOT: Final = str(Path(__file__).parent.parent.parent)
_STOP_S: Final = 60.0

Sync = Literal["os", "disk"]


class Part:
    """One process. `facts` are the `key=value` words of its ready line."""

    def __init__(self, words: list[str], settings: Mapping[str, str] | None = None) -> None:
        self.name = words[0]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT_PREFIX)}
        path = os.pathsep.join(part for part in (_ROOT, environment.get("PYTHONPATH")) if part)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": path, **(settings or {})},
            text=True,
        )
        self.facts = self._facts("ready")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask_to_end(self) -> dict[str, str]:
        """End its standard input; what it says then."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.close()
        return self._facts("")

    def ask(self, line: str) -> dict[str, str]:
        """Give it a line of input; the `key=value` words of the next line that it says."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._facts("")

    def kill(self) -> None:
        """As if it had crashed; nothing of a benchmark's engine is worth a clean stop."""
        self._process.kill()
        self._process.wait(_STOP_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _facts(self, first_word: str) -> dict[str, str]:
        assert self._process.stdout is not None, "it is a pipe"
        for line in self._process.stdout:
            if line.startswith(first_word):
                return dict(word.split("=", 1) for word in line.split() if "=" in word)
        raise ChildEnded(f"{self.name} ended with status {self._process.wait(_STOP_S)}")


@contextlib.contextmanager
def part(module: str, *words: str) -> Iterator[Part]:
    """A process of this room: `tools.bench.<module>`."""
    process = Part([f"tools.bench.{module}", *words])
    try:
        yield process
    finally:
        process.kill()


class EnginePart:
    """A real engine, ready."""

    def __init__(self, process: Part, data: str) -> None:
        self.process = process
        self.data = data
        self.orders = process.facts["orders"]
        self.recovery = process.facts["recovery"]
        self.feed = process.facts["feed"]
        self.core = process.facts["core"]
        self.pid = int(process.facts["pid"])
        self.token = read_token(data)


@contextlib.contextmanager
def engine(sync: Sync, settings: Mapping[str, str] | None = None, port_base: int = 0) -> Iterator[EnginePart]:
    """A real engine in a temporary directory. `settings`: environment variables."""
    with temporary_directory() as data:
        words = ["engine", "--data", data, "--port-base", str(port_base), "--sync", sync]
        process = Part(["tools.up.bound", str(os.getpid()), *words], settings)
        try:
            yield EnginePart(process, data)
        finally:
            process.kill()


@contextlib.contextmanager
def shadow(engine: EnginePart, port_base: int, settings: Mapping[str, str] | None = None) -> Iterator[Part]:
    """A real shadow of an engine that listens at this port base."""
    words = ["shadow", "--data", engine.data, "--port-base", str(port_base)]
    process = Part(["tools.up.bound", str(os.getpid()), *words], settings)
    try:
        yield process
    finally:
        process.kill()


@contextlib.contextmanager
def publisher(port_base: int, data: str, settings: Mapping[str, str] | None = None) -> Iterator[Part]:
    """A real publisher of whatever engine is at this port base; it stores below `data`."""
    words = ["publisher", "--data", data, "--port-base", str(port_base)]
    process = Part(["tools.up.bound", str(os.getpid()), *words], settings)
    try:
        yield process
    finally:
        process.kill()


@contextlib.contextmanager
def web(port_base: int, data: str, settings: Mapping[str, str] | None = None) -> Iterator[Part]:
    """A real instance of the web, at a free port, for whatever exchange is at this port base."""
    words = ["web", "--data", data, "--port-base", str(port_base), "--port", "0"]
    process = Part(["tools.up.bound", str(os.getpid()), *words], settings)
    try:
        yield process
    finally:
        process.kill()


@contextlib.contextmanager
def temporary_directory() -> Iterator[str]:
    """On the disk that holds temporary files; TMPDIR names another one."""
    with tempfile.TemporaryDirectory(prefix="matchbus-bench-") as folder:
        yield folder
