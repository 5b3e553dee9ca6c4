"""Asks one process how it is, again and again, from a loop: the engine's recovery socket, or any ROUTER of the house.

    status = await client.ask(timeout=1.0)      # raises NotConnected when no answer comes in time

One question at a time. Who asks all at once from a command line is `tools.status.asking`.
"""

import asyncio
from typing import Final

import zmq

from bus.errors import NotConnected, SessionOver
from bus.protocol.codec import MalformedMessage, decode_recovery_envelope, encode_message
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.sockets.session.dealer import open_dealer

#: Questions that wait for a process that is away: when it is back it is asked once or twice, not a hundred times.
_WAITING_MAX: Final = 2


class AsyncStatusClient:
    """See above. `open` before the first question."""

    def __init__(self, endpoint: str, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._endpoint = endpoint
        self._context = context
        self._socket: zmq.Socket[bytes] | None = None
        self._asked = 0
        self._answer: asyncio.Future[ProcessStatus] | None = None

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._socket = open_dealer(self._context, self._endpoint, _WAITING_MAX)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close(0)
            self._socket = None

    async def ask(self, timeout: float) -> ProcessStatus:
        """How it is. `timeout`: in s. Raises NotConnected, SessionOver."""
        if self._socket is None:
            raise SessionOver("the client is not open")
        assert self._answer is None, "one question at a time"
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._asked += 1
        try:
            self._socket.send(encode_message(0, self._asked, 0, [QueryStatus()]), zmq.NOBLOCK)
            # A send may have eaten the edge of what has come meanwhile.
            self._drain()
            return await asyncio.wait_for(answer, timeout)
        except (TimeoutError, zmq.Again):
            raise NotConnected(f"nobody answered at {self._endpoint} within {timeout:g} s") from None
        finally:
            self._answer = None

    def _drain(self) -> None:
        """Take what came. What answers an earlier question is of no interest."""
        while self._socket is not None:
            try:
                items = decode_recovery_envelope(self._socket.recv(zmq.NOBLOCK)).items
            except zmq.Again:
                return
            except MalformedMessage:
                continue
            for item in items:
                if isinstance(item, ProcessStatus) and item.correlation_id == self._asked:
                    answer = self._answer
                    if answer is not None and not answer.done():
                        answer.set_result(item)
