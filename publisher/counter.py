"""The counter at which a publisher is asked: a ROUTER, and the threads that ask the store for what memory has not.

The rule guarded here: every request is answered or refused by name, and nobody's questions fill the others' queue.
What is answered is decided in `answers`. Called by `service`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

import zmq

from bus.config import Limits
from bus.errors import MatchbusError
from bus.protocol.codec import MalformedMessage, encode_envelope
from bus.protocol.control import Refused
from bus.protocol.market.codec import decode_market_message
from bus.protocol.market.requests import ArmAlert, DisarmAlert
from bus.protocol.reasons import MALFORMED, MESSAGE_TOO_LARGE, NOT_YET, QUEUE_FULL
from bus.sockets.router import Router
from publisher.answers import Answers, Later, Stored, symbol_of
from publisher.store.reading import read_progress
from publisher.store.store import Store
from publisher.store.writer import StoreWriter

#: How many requests one message may hold: each may cost a page of the store.
REQUESTS_PER_MESSAGE_MAX: Final = 16
#: Questions to the store that wait at once, over all readers, and of one of them: a page takes some ms.
QUESTIONS_WAITING_MAX: Final = 256
QUESTIONS_OF_READER_MAX: Final = 16
#: Answers that wait for one reader. They are large; who does not read them is not given more, and asks again.
SEND_HIGH_WATER_MARK: Final = 32


class Counter:
    """See above. `where`: epoch, log sequence and time of where a symbol stands, or with "" the publisher."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        endpoint: str,
        limits: Limits,
        answers: Answers,
        where: Callable[[str], tuple[int, int, int]],
        store: Store,
        writer: StoreWriter,
        threads: Executor,
        on_drained: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._message_bytes_max = limits.message_bytes_max
        self._answers = answers
        self._where = where
        self._store = store
        self._writer = writer
        self._threads = threads
        self._closed = False
        self.questions_waiting = 0  # for the store
        self._questions_of: dict[bytes, int] = {}
        self.unanswered = 0  # answers that a reader did not take
        self.router = Router(
            loop,
            context,
            endpoint,
            receive_high_water_mark=limits.receive_high_water_mark,
            send_high_water_mark=min(limits.send_high_water_mark, SEND_HIGH_WATER_MARK),
            message_bytes_max=limits.message_bytes_max,
            drain_bytes_max=limits.drain_bytes_max,
            on_message=self._take_request,
            on_extra_parts=self._take_extra_parts,
            on_drained=on_drained,
        )

    def close(self) -> None:
        """Take no more requests, and answer none. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self.router.close(100)

    def _take_request(self, route: bytes, payload: bytes) -> None:
        if len(payload) > self._message_bytes_max:
            text = f"{len(payload)} bytes, {self._message_bytes_max} are allowed"
            self._answer(route, Refused(0, 1, MESSAGE_TOO_LARGE, text))
            return
        try:
            message = decode_market_message(payload)
        except MalformedMessage as error:
            refused = Refused(error.correlation_id, error.count, error.reason, error.text)
            self._answer(route, refused)
            return
        if len(message.items) > REQUESTS_PER_MESSAGE_MAX:
            text = f"{len(message.items)} requests, {REQUESTS_PER_MESSAGE_MAX} are allowed"
            self._answer(route, Refused(message.correlation_id, len(message.items), MESSAGE_TOO_LARGE, text))
            return
        for correlation_id, request in enumerate(message.items, message.correlation_id):
            of_alert = isinstance(request, (ArmAlert, DisarmAlert))
            if of_alert and not self._may_ask(route, correlation_id):
                continue  # its answer would wait for the store
            answer = self._answers.answer(correlation_id, request)
            if isinstance(answer, Later):
                self._ask_store(route, correlation_id, symbol_of(request), answer)
            elif isinstance(answer, Stored):
                self._answer_stored(route, answer)
            else:
                if of_alert:
                    self._question_ended(route)
                self._answer(route, answer, symbol_of(request))

    def _ask_store(self, route: bytes, correlation_id: int, symbol: str, later: Later) -> None:
        if not self._may_ask(route, correlation_id):
            return

        def asked() -> object:
            with self._store.reading() as connection:
                return later.ask(connection)

        def told(future: "asyncio.Future[object]") -> None:
            self._question_ended(route)
            if self._closed or future.cancelled():
                return
            error = future.exception()
            if isinstance(error, MatchbusError):
                self._answer(
                    route, Refused(correlation_id, 1, NOT_YET, f"the store does not answer: {error}")
                )
            elif error is not None:
                raise error
            else:
                self._answer(route, later.finish(future.result()), symbol)
            self.router.check()

        self._loop.run_in_executor(self._threads, asked).add_done_callback(told)

    def _may_ask(self, route: bytes, correlation_id: int) -> bool:
        """Whether a reader may ask the store one thing more: then it has; if not, it is told so."""
        of_reader = self._questions_of.get(route, 0)
        if self.questions_waiting >= QUESTIONS_WAITING_MAX or of_reader >= QUESTIONS_OF_READER_MAX:
            text = (
                f"{self.questions_waiting} questions wait for the store, {of_reader} of them yours:"
                f" ask again a little later"
            )
            self._answer(route, Refused(correlation_id, 1, QUEUE_FULL, text))
            return False
        self.questions_waiting += 1
        self._questions_of[route] = of_reader + 1
        return True

    def _question_ended(self, route: bytes) -> None:
        self.questions_waiting -= 1
        left = self._questions_of.pop(route) - 1
        if left:
            self._questions_of[route] = left

    def _answer_stored(self, route: bytes, stored: Stored) -> None:
        """Answer when what was put before is in the store; while that is away, not at all: it is not promised."""

        def told(_: object) -> None:
            self._question_ended(route)
            if not self._closed:
                self._answer(route, stored.answer)
                self.router.check()

        self._writer.ask(read_progress, told)

    def _take_extra_parts(self, route: bytes) -> None:
        self._answer(route, Refused(0, 1, MALFORMED, "a message has exactly one part"))

    def _answer(self, route: bytes, answer: object, symbol: str = "") -> None:
        """As of where the symbol stands that was asked for: a reader goes on from there."""
        epoch, log_sequence, time_ns = self._where(symbol)
        payload = encode_envelope(0, epoch, 0, log_sequence, time_ns, (answer,))
        if not self.router.send(route, payload):
            self.unanswered += 1  # it is gone, or reads nothing: it asks again
