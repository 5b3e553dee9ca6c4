"""A simulated publisher behind real sockets, in a thread: an XPUB and a ROUTER on free ports of loopback.

publisher = RunningPublisher(SimulatedPublisher(market))
publisher.address                    to connect to
publisher.call(f)                    f(the simulated publisher) on its thread; what it said then leaves
publisher.kill() / publisher.start() its end, without a word; the same one again, at the same address
publisher.wait_for_subscription(t)   until somebody listens to a topic
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import zmq

from bus.sockets.market.market_sockets import PublisherAddress
from tests.support.simulated_publisher import SimulatedPublisher

T = TypeVar("T")

#: A test that waits longer is stuck.
WAIT_S_MAX = 10.0
#: After so long without anything else it says a heartbeat.
HEARTBEAT_MS = 50


class RunningPublisher:
    """See above. What the thread owns is touched through `call` alone."""

    def __init__(self, publisher: SimulatedPublisher) -> None:
        self._publisher = publisher
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._calls: SimpleQueue[tuple[Callable[[SimulatedPublisher], Any], Future[Any]]] = SimpleQueue()
        self._subscribed: list[str] = []
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # of what other threads say to this one
        self.address = PublisherAddress("tcp://127.0.0.1:*", "tcp://127.0.0.1:*")
        self.start()

    def start(self) -> None:
        """Bind, and serve until `kill`. A process that is started again begins its chains anew, where the log ends."""
        if self._subscribed:
            self._publisher.restart(at_end=True)
        streams = self._context.socket(zmq.XPUB)
        streams.setsockopt(zmq.XPUB_VERBOSE, 1)
        requests = self._context.socket(zmq.ROUTER)
        wake = self._context.socket(zmq.PAIR)
        wake.bind("inproc://wake")
        for socket, endpoint in ((streams, self.address.streams), (requests, self.address.requests)):
            socket.setsockopt(zmq.LINGER, 0)
            _bind(socket, endpoint)
        self.address = PublisherAddress(
            streams.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode(),  # type: ignore[union-attr]
            requests.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode(),  # type: ignore[union-attr]
        )
        self._wake = self._context.socket(zmq.PAIR)
        self._wake.connect("inproc://wake")
        self._subscribed = []
        self._thread = threading.Thread(target=self._serve, args=(streams, requests, wake), daemon=True)
        self._thread.start()

    def call(self, function: Callable[[SimulatedPublisher], T]) -> T | None:
        """The result of a function that runs on the publisher's thread. None when it is dead."""
        future: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                return None
            self._calls.put((function, future))
            self._wake.send(b"call")
        return future.result(WAIT_S_MAX)

    def wait_for_subscription(self, topic: str) -> None:
        """Until somebody has subscribed to this."""
        deadline = time.monotonic() + WAIT_S_MAX
        while topic not in (self.call(lambda _: list(self._subscribed)) or ()):
            assert time.monotonic() < deadline, f"nobody subscribed to {topic}"

    def wait_for_end_of_subscription(self, topic: str) -> None:
        """Until nobody subscribes to this any more."""
        deadline = time.monotonic() + WAIT_S_MAX
        while topic in (self.call(lambda _: list(self._subscribed)) or ()):
            assert time.monotonic() < deadline, f"somebody still subscribes to {topic}"

    def kill(self) -> None:
        """It is gone, between two messages. Safe to call twice."""
        with self._lock:
            if self._thread is not None:
                self._wake.send(b"end")
                self._thread.join(WAIT_S_MAX)
                self._wake.close(0)
                self._thread = None
                self._take_calls()

    def close(self) -> None:
        """The end of it."""
        self.kill()
        self._context.destroy(linger=0)

    def _serve(self, *sockets: "zmq.Socket[bytes]") -> None:
        streams, requests, wake = sockets
        poller = zmq.Poller()
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(HEARTBEAT_MS))
            if not ready:
                self._publisher.heartbeat()
            if wake in ready and wake.recv() == b"end":
                break
            if streams in ready:
                self._take_subscription(streams)
            if requests in ready:
                route, payload = requests.recv_multipart()
                for answer in self._publisher.answer(payload):
                    requests.send_multipart([route, answer])
            self._take_calls()
            while self._publisher.published:
                name, frame = self._publisher.published.popleft()
                streams.send_multipart([name.encode(), frame])
        for socket in sockets:
            socket.close(0)

    def _take_subscription(self, streams: "zmq.Socket[bytes]") -> None:
        message = streams.recv()
        prefix = message[1:].decode()
        if message[:1] == b"\x01":
            self._subscribed.append(prefix)
            for name, frame in self._publisher.latest(prefix):
                streams.send_multipart([name.encode(), frame])
        elif prefix in self._subscribed:
            self._subscribed.remove(prefix)

    def _take_calls(self) -> None:
        with suppress(Empty):
            while True:
                function, future = self._calls.get_nowait()
                try:
                    future.set_result(function(self._publisher))
                except BaseException as error:  # what a test raises belongs to the caller
                    future.set_exception(error)


def _bind(socket: "zmq.Socket[bytes]", endpoint: str) -> None:
    """The address that was left a moment ago may still be taken by what is being torn down."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            socket.bind(endpoint)
            return
        except zmq.ZMQError:
            assert time.monotonic() < deadline, f"{endpoint} cannot be bound"
