"""The process in which old history is walked, seen from the shadow: started when it is needed, ended when nobody asks.

A process and not a thread: a walk keeps a core busy for minutes, and would share the interpreter with the following.
Its memory goes with it. What it is started with is given by `tools`; it says nothing but answers (`walk_protocol`).
When it dies the walk that was under way has a problem, and the next one starts another process.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from bus.replication.walk_protocol import LENGTH, WalkAnswer, WalkRequest, decode_answer, framed

#: A walk's core is kept so long for the page that follows. A reader that heals asks within a second.
KEPT_IDLE_S: Final = 60.0


class Walker:
    """One walk at a time. `command`, `environment`: of the process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self.walks = 0

    async def walk(self, request: WalkRequest) -> WalkAnswer:
        """The answer to a request; one with a problem when the process has died."""
        if self._expiry is not None:
            self._expiry.cancel()
        self.walks += 1
        try:
            return await self._asked(request)
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            status = await self._end()
            how = f"ended with status {status}" if status is not None else "could not be started"
            return WalkAnswer([], 1, f"the process that walks through history {how}: {error}", replaced=True)
        finally:
            self._expiry = asyncio.get_running_loop().call_later(KEPT_IDLE_S, self.discard)

    def discard(self) -> None:
        """Let the process and what it knows go; a walk that is under way gets a problem."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    async def close(self) -> None:
        """End it, and wait for that."""
        if self._expiry is not None:
            self._expiry.cancel()
        await self._end()

    async def _asked(self, request: WalkRequest) -> WalkAnswer:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
            )
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        process.stdin.write(framed(request))
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        return decode_answer(await process.stdout.readexactly(length))

    async def _end(self) -> int | None:
        """Kill it if it lives; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        return await process.wait()
