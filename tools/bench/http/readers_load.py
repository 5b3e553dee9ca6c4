"""Many readers of one book over WebSocket, of which one can be told to read no longer.

    python -m tools.bench.http.readers_load PORT READERS SYMBOL

Run by `readers` as a process of its own. It says `ready` when all have the book, and reads on. It is told by lines:

    SECONDS                     look at all that comes in so many seconds, and tell what that was
    lags SEQUENCE:TIME_NS ...   the log sequence and the engine's time of each change: tell how late they came in it
    stall                       the first reader stops

The one that stops reads `depth20` as well, with little room in its socket, so that what it does not take is soon too
much. A change is late by the time from the engine's to the receipt of the message that it is in, at each reader; of the
oldest change in each message it is told for itself.
"""

import os
import resource
import select
import sys
import time
from typing import Final

import msgspec

from bus.errors import NotConnected
from tools.bench import figures
from tools.bench.http.websocket import WebSocket

_LAGS: Final = "lags "
_BOOK: Final = b'{"type":"book"'
#: Of the one that will stall.
_STALLED_RECEIVE_BYTES: Final = 4_096
#: Files of this process that are no connections.
_FILES_BESIDE: Final = 64
_NS_PER_S: Final = 1_000_000_000


class Told(msgspec.Struct):
    """What is read of a message of the book."""

    event: str
    seq: int
    prev_seq: int = 0


class Reader:
    """One, and where its book stands. `broken`: a message did not follow the one before, or the web has ended it."""

    __slots__ = ("broken", "frames", "last", "websocket")

    def __init__(self, port: int, symbol: str, stalls: bool) -> None:
        self.websocket = WebSocket(port, _STALLED_RECEIVE_BYTES if stalls else 0)
        channels = ["book", "depth20"] if stalls else ["book"]
        self.websocket.send(
            msgspec.json.encode({"op": "subscribe", "channels": channels, "symbols": [symbol], "id": 1})
        )
        self.last: Told | None = None
        self.frames = 0
        self.broken = False


class Readers:
    """All of them."""

    def __init__(self, port: int, count: int, symbol: str) -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + _FILES_BESIDE, hard), hard))
        self._poll = select.epoll()
        self._readers = [Reader(port, symbol, number == 0) for number in range(count)]
        self._by_file = {reader.websocket.fileno(): reader for reader in self._readers}
        for number in self._by_file:
            self._poll.register(number, select.EPOLLIN)
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._decoder = msgspec.json.Decoder(Told)
        #: All are told the same bytes: what came last, and what it says.
        self._newest: tuple[bytes, Told] = (b"", Told("", 0))
        #: (behind this sequence, up to this one) -> when the message with these changes was received, by each reader
        self._delivered: dict[tuple[int, int], list[int]] = {}

    def run(self) -> None:
        """Until standard input ends."""
        while any(reader.last is None for reader in self._readers):
            self._read(_NS_PER_S)
        print(f"ready pid={os.getpid()}", flush=True)
        while True:
            if self._read(_NS_PER_S):
                line = sys.stdin.readline()
                if not line:
                    return
                if line.strip() == "stall":
                    self._poll.unregister(self._readers[0].websocket.fileno())
                    del self._readers[0]
                    print("stalled", flush=True)
                elif line.startswith(_LAGS):
                    print(self._lags(line.removeprefix(_LAGS).split()), flush=True)
                else:
                    print(self._measured(float(line)), flush=True)

    def _measured(self, seconds: float) -> str:
        """What came in so many seconds."""
        self._delivered = {}
        for reader in self._readers:
            reader.frames = 0
        start_ns = time.monotonic_ns()
        end_ns = start_ns + int(seconds * _NS_PER_S)
        while (left_ns := end_ns - time.monotonic_ns()) > 0:
            self._read(left_ns)
        took_s = (time.monotonic_ns() - start_ns) / _NS_PER_S
        frames = [reader.frames / took_s for reader in self._readers]
        alive = sum(1 for reader in self._readers if reader.frames and not reader.broken)
        return f"alive={alive} readers={len(frames)} frames_per_s_max={max(frames)} frames_per_s_min={min(frames)}"

    def _lags(self, changes: list[str]) -> str:
        """How late changes were."""
        stamps = [
            (int(sequence), int(time_ns)) for sequence, _, time_ns in (one.partition(":") for one in changes)
        ]
        lags: list[int] = []
        oldest: list[int] = []
        for (after, last), received in self._delivered.items():
            times = [time_ns for sequence, time_ns in stamps if after < sequence <= last]
            if times:
                lags += [at_ns - time_ns for at_ns in received for time_ns in times]
                oldest += [at_ns - min(times) for at_ns in received]
        found, of_oldest = figures.latency(lags), figures.latency(oldest)
        return (
            f"p50_ms={found.p50_us / 1000} p99_ms={found.p99_us / 1000} max_ms={found.max_us / 1000}"
            f" oldest_p50_ms={of_oldest.p50_us / 1000} oldest_p99_ms={of_oldest.p99_us / 1000}"
        )

    def _read(self, wait_ns: int) -> bool:
        """What has come; whether standard input has something to say."""
        asked = False
        for number, _ in self._poll.poll(wait_ns / _NS_PER_S):
            reader = self._by_file.get(number)
            if reader is None:
                asked = True
                continue
            try:
                messages = reader.websocket.read()
            except NotConnected as ended:
                print(ended, file=sys.stderr)
                reader.broken = True
                self._poll.unregister(number)
                continue
            for message in messages:
                if message.startswith(_BOOK):
                    self._take(reader, message)
        return asked

    def _take(self, reader: Reader, message: bytes) -> None:
        if message != self._newest[0]:
            self._newest = (message, self._decoder.decode(message))
        told, last = self._newest[1], reader.last
        if told.event == "update" and last is not None:
            reader.broken |= told.prev_seq > last.seq
            self._delivered.setdefault((last.seq, told.seq), []).append(time.time_ns())
        reader.frames += 1
        reader.last = told


if __name__ == "__main__":
    Readers(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run()
