"""A second recovery service on a real socket: it has heard an engine's feed from its beginning, and keeps all of it."""

import threading
from types import TracebackType

import zmq

from bus.addresses import Addresses
from bus.protocol import reasons
from bus.protocol.codec import decode_frame_header, decode_recovery_message, encode_envelope
from bus.protocol.control import Refused
from bus.protocol.recovery import NotKept, Replay, Replayed
from tests.support.simulated_network import frames_to_replay

_WAIT_S_MAX = 10.0


class RecordingShadow:
    """Listens and answers in a thread of its own, between `with` and its end. `asked`: the requests that came."""

    def __init__(self, addresses: Addresses) -> None:
        self.asked: list[Replay] = []
        self._frames: dict[str, list[tuple[int, int, bytes]]] = {}
        self._epoch = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._feed = self._context.socket(zmq.SUB)
        self._feed.setsockopt(zmq.RCVHWM, 0)
        self._feed.subscribe(b"")
        self._feed.connect(addresses.feed)
        self._router = self._context.socket(zmq.ROUTER)
        self._router.bind(addresses.deep_recovery)
        self._hears = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "RecordingShadow":
        self._thread.start()
        assert self._hears.wait(_WAIT_S_MAX), "no heartbeat came"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join(_WAIT_S_MAX)
        self._context.destroy(linger=0)

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._feed, zmq.POLLIN)
        poller.register(self._router, zmq.POLLIN)
        while not self._ends.is_set():
            ready = dict(poller.poll(20))
            if self._feed in ready:
                topic, frame = self._feed.recv_multipart()
                self._keep(topic.decode(), frame)
            if self._router in ready:
                route, payload = self._router.recv_multipart()
                message = decode_recovery_message(payload)
                for index, item in enumerate(message.items):
                    assert isinstance(item, Replay)
                    answer = self._answer(message.correlation_id + index, item)
                    self._router.send_multipart([route, encode_envelope(0, self._epoch, 0, 0, 0, [answer])])

    def _keep(self, topic: str, frame: bytes) -> None:
        header = decode_frame_header(frame)
        self._epoch = max(self._epoch, header.epoch)
        if header.first_number:
            self._frames.setdefault(topic, []).append((header.first_number, header.count, frame))
        else:
            self._hears.set()

    def _answer(self, number: int, item: Replay) -> object:
        self.asked.append(item)
        frames = self._frames.get(item.topic)
        if not frames:
            return Refused(number, 1, reasons.NOT_OFFERED, "nothing there")
        following = frames[-1][0] + frames[-1][1]
        if not frames[0][0] <= item.first_number < following:
            return NotKept(number, item.topic, frames[0][0], following)
        return Replayed(number, item.topic, frames_to_replay(frames, item))
