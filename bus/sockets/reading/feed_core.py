"""A reader of the feed or of the drop-copy, without any I/O: every topic in order, every gap healed or named.

A shell owns a SUB, and a DEALER to the recovery socket, and does nothing else:

    subscribe to core.subscriptions
    for each publication: items = core.receive(topic, frame, now)
    for each answer of the recovery socket: items = core.recovered(payload, now)
    for each of core.requests(now): send it to the recovery socket      (raises GapNotHealed)

A lost frame is noticed by the next one of its topic or of another topic of its symbol, at the latest by the heartbeats,
which are subscribed to along with the topics. A gap is healed by a
replay; what is no longer kept, by a snapshot (books: `Resynced`) or by name (`Skipped`). A late joiner of a book gets a
snapshot first (it has subscribed before that was cut, so nothing is missed between), of any other stream what comes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from bus.errors import GapNotHealed, NotTaken
from bus.protocol.codec import (
    FrameHeader,
    MalformedMessage,
    decode_frame_header,
    decode_recovery_envelope,
    encode_message,
)
from bus.protocol.control import Refused
from bus.protocol.feed import FeedHeartbeat, StreamHeartbeat
from bus.protocol.reasons import NOT_OFFERED, reason_name
from bus.protocol.recovery import BookSnapshot, NotKept, Replay, Replayed, Snapshot
from bus.protocol.terms import L2, L3
from bus.protocol.topics import CLOCK, DROP, HEARTBEAT, LEVEL, ORDER, STATUS, TRADE, topic
from bus.sockets.reading.batch_numbers import BatchNumbers, Due, Numbers
from bus.sockets.reading.event_decoding import decode_events
from bus.sockets.reading.feed_items import Item, Resynced, Run
from bus.sockets.reading.ordering import State, TopicOrder

MS: Final = 1_000_000

#: How long the recovery service may take for one answer before it is asked again.
ANSWER_TIMEOUT_MS: Final = 1_000
#: How often it is asked for the same thing: together a quarter of a minute, in which an engine has started again.
ATTEMPTS_MAX: Final = 15

_HEARTBEAT_PREFIX: Final = f"{HEARTBEAT}."
#: Streams that are not a symbol's.
_ENGINE_WIDE: Final = (CLOCK, DROP)


class _Asking:
    """What one topic waits for from the recovery service."""

    __slots__ = ("attempts", "correlation_id", "deadline_ns")

    def __init__(self) -> None:
        self.attempts = 0
        self.correlation_id = 0  # 0: nothing is asked
        self.deadline_ns = 0


class FeedCore:
    """See above.

    `topics`: whole topics (`trade.BTC-USD.`), or prefixes of them (`trade.` for all symbols).
    `from_numbers`: for whole topics, the number of the first event that is wanted.
    `snapshots`: whether books begin with a snapshot; without one their events just begin somewhere.
    `token`: of the data directory, for the drop-copy.
    """

    def __init__(
        self,
        topics: Iterable[str],
        *,
        from_numbers: Mapping[str, int] | None = None,
        snapshots: bool = True,
        token: str = "",
    ) -> None:
        self._prefixes = tuple(topics)
        self._snapshots = snapshots
        self._token = token
        self._orders: dict[str, TopicOrder] = {}
        self._incomplete: dict[str, _Asking] = {}
        self._batch_numbers = BatchNumbers()
        self._next_id = 1
        numbers = from_numbers or {}
        for name in {**dict.fromkeys(self._prefixes), **numbers}:
            if _is_whole(name):
                self._follow(name, numbers.get(name, 0))

    @property
    def subscriptions(self) -> list[str]:
        """What the SUB subscribes to: the topics, and the heartbeats that belong to them."""
        heartbeats = [_heartbeat_prefix(prefix) for prefix in self._prefixes]
        return list(dict.fromkeys([*self._prefixes, *heartbeats]))

    @property
    def deadline_ns(self) -> int | None:
        """When `requests` is to be called next; None while nothing is missing."""
        return min((asking.deadline_ns for asking in self._incomplete.values()), default=None)

    def next_number(self, name: str) -> int:
        """The number of the event of a topic that is given next; 0 while it is not known."""
        order = self._orders.get(name)
        return 0 if order is None or order.state is State.SYNCING else order.next_number

    def missing(self, name: str) -> tuple[int, int] | None:
        """The first and last number of a topic that are known to exist and were not given; None when nothing is."""
        order = self._orders.get(name)
        return None if order is None else order.missing

    def resync(self, symbol: str, kind: int) -> None:
        """Begin a book anew: its reader has found that it is not the engine's."""
        order = self._orders.get(topic(LEVEL if kind == L2 else ORDER, symbol))
        if order is not None:
            order.resync()
            self._incomplete.pop(order.topic, None)  # whatever was asked is of no use now
            self._look(order)

    # What comes.

    def receive(self, name: str, payload: bytes) -> list[Item]:
        """A publication. What cannot be decoded is as good as lost: the gap will show."""
        try:
            header = decode_frame_header(payload)
        except msgspec.MsgspecError:
            return []
        if name.startswith(_HEARTBEAT_PREFIX):
            return self._take_heartbeat(name, header)
        order = self._orders.get(name)
        if order is None:
            if not self._wanted(name):
                return []
            order = self._follow(name, 0)
        items = order.take(header)
        if order.incomplete or name in self._incomplete:
            self._look(order)
        if name != DROP:  # which is no part of the feed
            due = self._batch_numbers.take(order.kind, order.symbol, header)
            self._take_due(due, header.epoch, items)
        return items

    def recovered(self, payload: bytes, now_ns: int) -> list[Item]:
        """An answer of the recovery socket. Raises NotTaken when it will never be another."""
        try:
            envelope = decode_recovery_envelope(payload)
        except MalformedMessage:
            return []
        items: list[Item] = []
        for answer in envelope.items:
            for name, asking in list(self._incomplete.items()):
                if asking.correlation_id == answer.correlation_id:
                    order = self._orders[name]
                    before = (order.state, order.next_number)
                    asking.correlation_id = 0
                    items.extend(self._take_answer(order, answer, envelope.epoch))
                    if (order.state, order.next_number) != before:
                        asking.attempts = 0
                        asking.deadline_ns = now_ns
                    self._look(order)
        return items

    def requests(self, now_ns: int) -> list[bytes]:
        """What to ask the recovery service now, each thing again when it was not answered in time.

        Raises GapNotHealed when it was asked for the same thing too often.
        """
        messages: list[bytes] = []
        for name, asking in self._incomplete.items():
            if now_ns < asking.deadline_ns:
                continue
            order = self._orders[name]
            if asking.attempts == ATTEMPTS_MAX:
                missing = order.missing
                what = "the snapshot" if missing is None else f"events {missing[0]} to {missing[1]}"
                raise GapNotHealed(f"{name}: {what} did not come, although asked for {ATTEMPTS_MAX} times")
            asking.attempts += 1
            asking.correlation_id = self._next_id
            asking.deadline_ns = now_ns + ANSWER_TIMEOUT_MS * MS
            self._next_id += 1
            messages.append(encode_message(0, asking.correlation_id, 0, [self._request(order)]))
        return messages

    # Inside.

    def _request(self, order: TopicOrder) -> Replay | Snapshot:
        missing = order.missing
        if missing is None:
            return Snapshot(order.symbol, L2 if order.topic.startswith(LEVEL) else L3)
        return Replay(order.topic, *missing, self._token if order.topic == DROP else "")

    def _take_answer(self, order: TopicOrder, answer: object, epoch: int) -> list[Item]:
        if epoch < order.epoch:
            return []
        if isinstance(answer, Replayed):
            items: list[Item] = []
            try:
                for frame in answer.frames:
                    items.extend(order.take_replayed(decode_frame_header(frame)))
            except msgspec.MsgspecError:
                pass  # what is missing is asked for again
            return items
        if isinstance(answer, NotKept):
            return order.take_not_kept(answer.oldest_number, answer.next_number)
        if isinstance(answer, BookSnapshot):
            number = answer.level_number if answer.kind == L2 else answer.order_number
            return [Resynced(order.topic, answer), *order.take_snapshot(number, epoch)]
        if isinstance(answer, Refused):
            if answer.reason != NOT_OFFERED:
                raise NotTaken(f"{order.topic}: {reason_name(answer.reason)}: {answer.text}", answer.reason)
            if order.state is State.FOLLOWING:
                return order.take_nothing_kept()
        return []

    def _take_heartbeat(self, name: str, header: FrameHeader) -> list[Item]:
        of = name.removeprefix(_HEARTBEAT_PREFIX)
        events = decode_events(name, header.events)
        items: list[Item] = []
        numbers: Numbers | None = None
        if of != DROP:
            self._take_due(self._batch_numbers.take_heartbeat(header), header.epoch, items)
        for event in events:
            if isinstance(event, FeedHeartbeat):
                symbol = of.removesuffix(".")
                numbers = event.trade_number, event.level_number, event.order_number, event.status_number
                for kind, number in zip((TRADE, LEVEL, ORDER, STATUS), numbers, strict=True):
                    items.extend(self._take_last_number(topic(kind, symbol), number, header.epoch))
            elif isinstance(event, StreamHeartbeat):
                items.extend(self._take_last_number(of, event.number, header.epoch))
        items.append(Run(name, 0, events, header.epoch, header.log_sequence, header.time_ns, numbers))
        return items

    def _take_due(self, due: list[Due], epoch: int, items: list[Item]) -> None:
        """Numbers up to which other topics should have come; those that are not read do not matter."""
        for name, number in due:
            order = self._orders.get(name)
            if order is None or (number < order.next_number and epoch == order.epoch):
                continue
            items.extend(order.take_heartbeat(number, epoch))
            self._look(order)

    def _take_last_number(self, name: str, number: int, epoch: int) -> list[Item]:
        order = self._orders.get(name)
        if order is None:
            if not self._wanted(name):
                return []
            order = self._follow(name, 0)
        items = order.take_heartbeat(number, epoch)
        self._look(order)
        return items

    def _follow(self, name: str, from_number: int) -> TopicOrder:
        is_book = name.startswith((f"{LEVEL}.", f"{ORDER}."))
        order = TopicOrder(
            name, from_number=from_number, snapshot=is_book and self._snapshots and not from_number
        )
        self._orders[name] = order
        self._look(order)
        return order

    def _look(self, order: TopicOrder) -> None:
        """Whether the recovery service has to be asked about a topic."""
        if not order.incomplete:
            self._incomplete.pop(order.topic, None)
        elif order.topic not in self._incomplete:
            self._incomplete[order.topic] = _Asking()

    def _wanted(self, name: str) -> bool:
        return name.startswith(self._prefixes)


def _is_whole(name: str) -> bool:
    """Whether this is a topic, and no prefix of several."""
    return name in _ENGINE_WIDE or (name.endswith(".") and name.count(".") == 2)


def _heartbeat_prefix(prefix: str) -> str:
    """The heartbeats of the topics with a prefix."""
    if prefix in _ENGINE_WIDE:
        return f"{HEARTBEAT}.{prefix}"
    return f"{HEARTBEAT}.{prefix.partition('.')[2]}"
