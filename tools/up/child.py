"""A process of the exchange, seen from the one that started it.

It says one line that starts with `ready` on its standard output when it can be used. Its error lines are passed on
under its name, except the one it dies with: whoever waits for its end gets that one.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.errors import ChildEnded

#: A clean stop syncs, sends and writes a checkpoint; what takes longer than this hangs.
STOP_S: Final = 30.0
#: How the command line begins the line that it fails with.
_FATAL: Final = "matchbus: "


class Child:
    """One process. `start` once, then `ready`, `ended` and at last `stop`."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self._words = words
        self._process: asyncio.subprocess.Process | None = None
        self._output: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._last_line = ""

    async def start(self) -> None:
        """Start it, in a process group of its own: Ctrl-C is for the parent, which stops its children in order."""
        command = [sys.executable, "-P", "-m", "tools.up.bound", str(os.getpid()), *self._words]
        # Where these rooms are imported from, for a checkout that is not installed.
        root = str(Path(__file__).parent.parent.parent)
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,
        )
        assert process.stdout is not None, "it is a pipe"
        assert process.stderr is not None, "it is a pipe"
        self._output = [
            asyncio.create_task(self._read_output(process.stdout)),
            asyncio.create_task(self._read_errors(process.stderr)),
        ]

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it was started"
        return self._process.pid

    async def ready(self) -> dict[str, str]:
        """Wait until it can be used; the `key=value` words of its ready line. Raises ChildEnded."""
        ended = asyncio.create_task(self.ended())
        try:
            await asyncio.wait((self._ready, ended), return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.done():
                raise ended.result()
            return self._ready.result()
        finally:
            ended.cancel()

    async def ended(self) -> ChildEnded:
        """Wait for its end, and say how it ended."""
        assert self._process is not None, "it was started"
        status = await self._process.wait()
        await asyncio.gather(*self._output)
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return ChildEnded(f"the {self.name} {how}{': ' if self._last_line else ''}{self._last_line}")

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Stop it cleanly, or else kill it; safe when it has ended."""
        process = self._process
        if process is None:
            return
        try:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), STOP_S)
        except ProcessLookupError:
            pass
        except TimeoutError:
            print(f"the {self.name} does not stop: it is killed", file=sys.stderr)
            process.kill()
        await process.wait()
        await asyncio.gather(*self._output)

    async def _read_output(self, stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            if line.startswith("ready") and not self._ready.done():
                words = (word.partition("=") for word in line.split()[1:])
                self._ready.set_result({key: value for key, _, value in words})

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            self._last_line = line.removeprefix(_FATAL)
            if not line.startswith(_FATAL):
                print(f"{self.name}: {line}", file=sys.stderr, flush=True)
