"""A session of an engine for measuring it: one DEALER, blocking, no task or future for an order.

What it sends was encoded before the clock starts, and of what comes it reads two numbers at the beginning of each
envelope: `first_report`, which tells reports from answers, and `log_sequence`, which tells how far the engine is. What
came is kept and looked at when the clock has stopped.
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import zmq

from bus.errors import NotConnected, NotTaken
from bus.protocol.codec import Envelope, decode_envelope, encode_message
from bus.protocol.commands import Command, MassCancel
from bus.protocol.control import Heartbeat, Hello, Refused, Welcome
from bus.protocol.reasons import reason_name
from bus.protocol.terms import OPERATOR, TRADER
from bus.sockets.router import plain_send
from bus.sockets.session.dealer import open_dealer
from tools.bench.flow import definition

_NOBLOCK: Final = int(zmq.NOBLOCK)
#: Nothing that is measured takes so long; a benchmark that hears nothing must not hang.
_TIMEOUT_MS: Final = 60_000
#: Benchmarks are silent while they prepare.
_LEASE_MS: Final = 3_600_000
_SHORT_INT: Final = 0x80
_UINT8: Final = 0xCC


class Dealer:
    """The socket alone, as it talks to the echo as well."""

    def __init__(self, endpoint: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = open_dealer(self.context, endpoint)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, _TIMEOUT_MS)
        self.send = plain_send(self.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.destroy(linger=0)

    def receive(self) -> bytes:
        """The next message. Raises NotConnected when none comes."""
        try:
            return self.socket.recv()
        except zmq.Again:
            raise NotConnected(f"nothing came within {_TIMEOUT_MS // 1000} s") from None

    def echo_times_ns(self, messages: Sequence[bytes]) -> list[int]:
        """One in flight: how long each took to come back."""
        send, receive, now = self.send, self.receive, time.perf_counter_ns
        times: list[int] = []
        for message in messages:
            start = now()
            send(message, 0)
            receive()
            times.append(now() - start)
        return times

    def echo_elapsed_ns(self, messages: Sequence[bytes], in_flight: int) -> int:
        """So many in flight: how long all took."""
        send, receive, receive_now = self.send, self.receive, self.socket.recv
        total = len(messages)
        sent = done = 0
        start = time.perf_counter_ns()
        while done < total:
            for message in messages[sent : done + in_flight]:
                send(message, 0)
            sent = min(done + in_flight, total)
            receive()
            done += 1
            try:
                while True:
                    receive_now(_NOBLOCK)
                    done += 1
            except zmq.Again:
                pass
        return time.perf_counter_ns() - start


class Session(Dealer):
    """An open session of one account."""

    def __init__(self, endpoint: str, account: str, token: str = "") -> None:
        super().__init__(endpoint)
        self.account = account
        self._next_correlation = 1
        self._kept: list[bytes] = []
        role = OPERATOR if token else TRADER
        self.send(encode_message(0, 0, 0, [Hello(account, role, token, lease_ms=_LEASE_MS)]), 0)
        welcome = self._answer(Welcome)
        assert isinstance(welcome, Welcome), "what was waited for"
        self.session = welcome.session

    def encode(self, commands: Sequence[Command], a_message: int) -> list[bytes]:
        """Messages of so many commands each, ready to be sent (within the day: they are made now)."""
        now = time.time_ns()
        messages: list[bytes] = []
        for start in range(0, len(commands), a_message):
            items = commands[start : start + a_message]
            messages.append(encode_message(self.session, self._next_correlation, now, items))
            self._next_correlation += len(items)
        return messages

    def sequence(self) -> int:
        """The last sequence of the engine's log."""
        self.send(encode_message(self.session, self._next_correlation, time.time_ns(), [Heartbeat()]), 0)
        self._next_correlation += 1
        while True:
            payload = self.receive()
            first_report, log_sequence = header(payload)
            if not first_report:
                self._check(payload)
                answer = decode_envelope(payload).items[0]
                if getattr(answer, "correlation_id", 0) == self._next_correlation - 1:
                    return log_sequence

    def define(self, symbol: str) -> None:
        """A new instrument; the session must be an operator's."""
        self.flow_elapsed_ns(self.encode([definition(symbol)], 1), 1, 1, 1)

    def cancel_all(self) -> None:
        """All open orders of the account go, and their ids are remembered."""
        self.flow_elapsed_ns(self.encode([MassCancel()], 1), 1, 1, 1)
        self.forget()

    def order_times_ns(self, messages: Sequence[bytes]) -> list[int]:
        """One order in flight: how long each took from the order to its report."""
        send, receive, now = self.send, self.receive, time.perf_counter_ns
        times: list[int] = []
        for message in messages:
            start = now()
            send(message, 0)
            while True:
                payload = receive()
                end = now()
                if header(payload)[0]:
                    break
                self._check(payload)
            times.append(end - start)
            self._kept.append(payload)
        return times

    def flow_elapsed_ns(
        self, messages: Sequence[bytes], commands: int, a_message: int, messages_in_flight: int
    ) -> int:
        """So many messages in flight: how long it took until the engine had done all commands and said so."""
        send, receive, receive_now = self.send, self.receive, self.socket.recv
        keep = self._kept.append
        first = self.sequence()
        total = len(messages)
        sent = done = 0
        start = time.perf_counter_ns()
        while done < commands:
            for message in messages[sent : done // a_message + messages_in_flight]:
                send(message, 0)
            sent = min(max(sent, done // a_message + messages_in_flight), total)
            payload = receive()
            try:
                while True:
                    first_report, log_sequence = header(payload)
                    if first_report:
                        keep(payload)
                        done = log_sequence - first
                    else:
                        self._check(payload)
                    payload = receive_now(_NOBLOCK)
            except zmq.Again:
                pass
        return time.perf_counter_ns() - start

    def reports(self) -> dict[str, int]:
        """How many reports of each kind came since `forget`. None of them may be a refusal: it would be cheaper."""
        counts: dict[str, int] = {}
        for payload in self._kept:
            for item in decode_envelope(payload).items:
                name = type(item).__name__
                counts[name] = counts.get(name, 0) + 1
        assert not counts.get("Rejected", 0) + counts.get("Duplicate", 0), f"orders were refused: {counts}"
        return counts

    def stamps(self) -> list[tuple[int, int]]:
        """The log sequence and the engine's time, in ns, of each report since `forget`."""
        items: list[Any] = [item for payload in self._kept for item in decode_envelope(payload).items]
        return [(item.sequence, item.time_ns) for item in items]

    def forget(self) -> None:
        """Let go what was kept."""
        self._kept.clear()

    def _answer(self, kind: type[Any]) -> object:
        while True:
            payload = self.receive()
            self._check(payload)
            for item in decode_envelope(payload).items:
                if isinstance(item, kind):
                    return item

    @staticmethod
    def _check(payload: bytes) -> None:
        """An answer that is a refusal ends the benchmark."""
        envelope: Envelope = decode_envelope(payload)
        for item in envelope.items:
            if isinstance(item, Refused):
                raise NotTaken(f"the engine refuses: {reason_name(item.reason)}: {item.text}", item.reason)


def header(envelope: bytes) -> tuple[int, int]:
    """`(first_report, log_sequence)` of an envelope, without a look at its items, however many they are."""
    at = 1  # an array of eight: its first six are whole numbers
    value = first_report = 0
    for _ in range(6):
        first_report = value
        value = envelope[at]
        if value < _SHORT_INT:
            at += 1
        else:
            end = at + 1 + (1 << (value - _UINT8))
            value = int.from_bytes(envelope[at + 1 : end])
            at = end
    return first_report, value
