"""Asks processes how they are, all at once, each over a socket of its own.

    DEALER ──QueryStatus──▶ ROUTER        nobody listens: known at once, the connection is refused
           ◀─ProcessStatus─               somebody listens and says nothing: known when the time is over

What is told apart here is told apart because an operator does other things about it: start the process, or look
why it hangs. The web has no such socket, and is asked over HTTP.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from bus.clock import monotonic_ns
from bus.errors import ConfigError
from bus.protocol.codec import MalformedMessage, decode_recovery_envelope, encode_message
from bus.protocol.control import Refused
from bus.protocol.status import ProcessStatus, QueryStatus
from tools.status.answers import Answer, NotThere, Silent
from tools.status.asking_web import AskedWeb

_CORRELATION_ID: Final = 1
_HTTP: Final = "http://"


def ask_all(endpoints: Sequence[str], timeout_s: float) -> list[Answer]:
    """What each endpoint answers, in their order. Returns when all have, at the latest after the time.

    Raises ConfigError for an endpoint that cannot be one.
    """
    deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        poller = zmq.Poller()
        over_http = {
            endpoint: AskedWeb(endpoint, timeout_s) for endpoint in endpoints if endpoint.startswith(_HTTP)
        }
        asked = {
            endpoint: _Asked(stack, context, endpoint, poller)
            for endpoint in endpoints
            if endpoint not in over_http
        }
        while any(one.waits for one in asked.values()):
            left_ms = (deadline_ns - monotonic_ns()) // 1_000_000
            if left_ms <= 0:
                break
            ready = dict(poller.poll(left_ms))
            for one in asked.values():
                one.look(ready)
        left_s = (deadline_ns - monotonic_ns()) / 1e9
        return [
            over_http[endpoint].answer(left_s) if endpoint in over_http else asked[endpoint].answer
            for endpoint in endpoints
        ]


class _Asked:
    """One question on its way. `answer` is what is known by now; `waits`: whether more may come."""

    def __init__(
        self, stack: ExitStack, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, poller: zmq.Poller
    ) -> None:
        self.answer: Answer = Silent(connected=False)
        self.waits = True
        self._poller = poller
        self._socket = stack.enter_context(context.socket(zmq.DEALER))
        self._socket.setsockopt(zmq.LINGER, 0)
        events = zmq.EVENT_CONNECTED | zmq.EVENT_CONNECT_RETRIED
        self._monitor = stack.enter_context(self._socket.get_monitor_socket(events))
        stack.callback(self._socket.disable_monitor)
        # Behind the monitor, which would otherwise miss that it was connected.
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError:
            raise ConfigError(f"{endpoint}: this is no address that can be connected to") from None
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        self._socket.send(encode_message(0, _CORRELATION_ID, 0, [QueryStatus()]))

    def look(self, ready: "dict[zmq.Socket[bytes], int]") -> None:
        """Take what came."""
        if self.waits and self._monitor in ready:
            event = recv_monitor_message(self._monitor)["event"]
            if event == zmq.EVENT_CONNECTED:
                self.answer = Silent(connected=True)
            elif self.answer == Silent(connected=False):
                # It would be tried again and again; but how it is now is what is asked.
                self._end(NotThere())
        if self.waits and self._socket in ready:
            self._take(self._socket.recv())

    def _take(self, payload: bytes) -> None:
        try:
            items = decode_recovery_envelope(payload).items
        except MalformedMessage as error:
            self.answer = Silent(connected=True, text=f"it answers what is no status: {error.text}")
            return
        for item in items:
            if isinstance(item, ProcessStatus) and item.correlation_id == _CORRELATION_ID:
                self._end(item)
                return
            if isinstance(item, Refused):
                self.answer = Silent(connected=True, text=f"it refuses to say: {item.text}")

    def _end(self, answer: Answer) -> None:
        self.answer = answer
        self.waits = False
        self._poller.unregister(self._socket)
        self._poller.unregister(self._monitor)
