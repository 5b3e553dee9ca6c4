"""A reader of the feed or of the drop-copy, without any I/O: every topic in order, every gap healed or named.

A shell owns a SUB, and a DEALER to the recovery socket, and does nothing else:

    subscribe to core.subscriptions
    for each publication: items = core.receive(topic, frame, now)
    for each answer of a recovery socket: items = core.recovered(payload, now)
    for each of core.requests(now): send it to the recovery socket      (raises GapNotHealed)
    for each of core.deep_requests(now): send it to the deep recovery socket, if there is one
    for each of core.follow(..) and core.unfollow(..): subscribe, unsubscribe

A lost frame is noticed by the next one of its topic or of another topic of its symbol, at the latest by the heartbeats,
which are subscribed to along with the topics. A gap is healed by a replay; what nobody keeps any more, by a snapshot
(books: `Resynced`) or by name (`Skipped`). A late joiner of a book gets a snapshot first (it has subscribed before that
was cut, so nothing is missed between), of any other stream what comes.
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
from bus.protocol.reasons import NOT_OFFERED, QUEUE_FULL, reason_name
from bus.protocol.recovery import BookSnapshot, NotKept, Replay, Replayed, Snapshot
from bus.protocol.terms import L2, L3
from bus.protocol.topics import CLOCK, DROP, HEARTBEAT, LEVEL, ORDER, STATUS, TRADE, topic
from bus.sockets.reading.asking import ATTEMPTS_MAX, Asking, Service
from bus.sockets.reading.batch_numbers import BatchNumbers, Due, Numbers
from bus.sockets.reading.event_decoding import decode_events
from bus.sockets.reading.feed_items import Item, Resynced, Run
from bus.sockets.reading.ordering import State, TopicOrder

_HEARTBEAT_PREFIX: Final = f"{HEARTBEAT}."
#: Streams that are not a symbol's.
_ENGINE_WIDE: Final = (CLOCK, DROP)


class FeedCore:
    """See above.

    `topics`: whole topics (`trade.BTC-USD.`), or prefixes of them (`trade.` for all symbols).
    `from_numbers`: for whole topics, the number of the first event that is wanted.
    `snapshots`: whether books begin with a snapshot; without one their events just begin somewhere.
    `token`: of the data directory, for the drop-copy.
    `deep`: there is a second recovery service, which is asked for what the first does not keep (`deep_requests`).
    `never_skip`: no event of a stream but a book's is given up: what nobody keeps is asked for until somebody does,
    nothing that follows is given meanwhile, and `healing` says so. GapNotHealed is never raised.
    """

    def __init__(
        self,
        topics: Iterable[str],
        *,
        from_numbers: Mapping[str, int] | None = None,
        snapshots: bool = True,
        token: str = "",
        deep: bool = False,
        never_skip: bool = False,
    ) -> None:
        self._snapshots = snapshots
        self._token = token
        self._deep = deep
        self._never_skip = never_skip
        self._orders: dict[str, TopicOrder] = {}
        self._incomplete: dict[str, Asking] = {}
        self._batch_numbers = BatchNumbers()
        self._next_id = 1
        self._now_ns: int | None = None  # the last time that was given
        # What is subscribed to: topics and prefixes as they were asked for, and how many of them need each heartbeat.
        self._topics: dict[str, None] = {}
        self._heartbeats: dict[str, int] = {}
        self._prefixes: tuple[str, ...] = ()
        names = list(topics)
        numbers = from_numbers or {}
        for name in names:
            if not _is_whole(name):
                self._subscribe(name)
        self._prefixes = tuple(self._topics)
        self.follow(filter(_is_whole, names), {name: numbers[name] for name in numbers if _is_whole(name)})

    # What is read.

    @property
    def subscriptions(self) -> list[str]:
        """What the SUB subscribes to: the topics, and the heartbeats that belong to them."""
        return list(dict.fromkeys([*self._topics, *self._heartbeats]))

    def follow(self, topics: Iterable[str], from_numbers: Mapping[str, int] | None = None) -> list[str]:
        """Read more topics, from now on or from a number on; what the SUB is to subscribe to in addition.

        For a topic that is followed already nothing changes; one that a prefix has found begins where it is asked to.
        ValueError for what is no whole topic; then nothing is followed.
        """
        numbers = from_numbers or {}
        names = _whole([*topics, *numbers])
        added: list[str] = []
        for name in names:
            if name in self._topics:
                continue
            added += self._subscribe(name)
            number = numbers.get(name, 0)
            if number or name not in self._orders:
                self._incomplete.pop(name, None)
                self._follow(name, number)
        return added

    def unfollow(self, topics: Iterable[str]) -> list[str]:
        """Read these topics no longer, and forget where they stand; what the SUB is to unsubscribe from.

        What is not followed is passed over; what a prefix brings begins where its next event is. ValueError for what is
        no whole topic; then all are read as before.
        """
        removed: list[str] = []
        for name in _whole(topics):
            if name in self._topics:
                self._orders.pop(name, None)
                self._incomplete.pop(name, None)
                removed += self._unsubscribe(name)
        return removed

    @property
    def healing(self) -> dict[str, int]:
        """The topics of which something is missing, and since when, in the time that `requests` is given.

        What has just been found to be missing stands with the last time that was given, 0 before there was one.
        """
        return {name: asking.since_ns or 0 for name, asking in self._incomplete.items()}

    @property
    def deadline_ns(self) -> int | None:
        """When `requests` and `deep_requests` are to be called next; None while nothing is missing."""
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
        """An answer of either recovery service. Raises NotTaken when it will never be another."""
        try:
            envelope = decode_recovery_envelope(payload)
        except MalformedMessage:
            return []
        items: list[Item] = []
        for answer in envelope.items:
            for name, asking in list(self._incomplete.items()):
                if asking.correlation_id and asking.correlation_id == answer.correlation_id:
                    order = self._orders[name]
                    before = (order.state, order.next_number)
                    asking.answered()
                    items.extend(self._take_answer(order, asking, answer, envelope.epoch, now_ns))
                    if (order.state, order.next_number) != before:
                        asking.progressed(now_ns, order.next_number)
                        if order.state is State.SYNCING:
                            asking.begin_anew()
                    self._look(order)
        return items

    def requests(self, now_ns: int) -> list[bytes]:
        """What to ask the first recovery service now, each thing again when it was not answered in time.

        Raises GapNotHealed when the same thing was asked for too often.
        """
        return self._requests_to(Service.FIRST, now_ns)

    def deep_requests(self, now_ns: int) -> list[bytes]:
        """What to ask the second recovery service now; to be called behind `requests`. Raises GapNotHealed as well."""
        assert self._deep, "this reader was made without a deep recovery service"
        return self._requests_to(Service.DEEP, now_ns)

    # Inside.

    def _requests_to(self, service: Service, now_ns: int) -> list[bytes]:
        messages: list[bytes] = []
        self._now_ns = now_ns
        for name, asking in self._incomplete.items():
            if asking.since_ns is None:
                asking.since_ns = now_ns
            if now_ns < asking.deadline_ns:
                continue
            order = self._orders[name]
            missing = order.missing
            if asking.is_overdue(now_ns):
                asking.time_out(now_ns, has_other=self._deep and missing is not None)
            if asking.service is not service:
                continue
            if asking.attempts >= ATTEMPTS_MAX and not self._never_skip:
                what = "the snapshot" if missing is None else f"events {missing[0]} to {missing[1]}"
                raise GapNotHealed(f"{name}: {what} did not come, although asked for {ATTEMPTS_MAX} times")
            asking.ask(self._next_id, now_ns)
            self._next_id += 1
            messages.append(encode_message(0, asking.correlation_id, 0, [self._request(order)]))
        return messages

    def _request(self, order: TopicOrder) -> Replay | Snapshot:
        missing = order.missing
        if missing is None:
            return Snapshot(order.symbol, L2 if order.topic.startswith(LEVEL) else L3)
        return Replay(order.topic, *missing, self._token if order.topic == DROP else "")

    def _take_answer(
        self, order: TopicOrder, asking: Asking, answer: object, epoch: int, now_ns: int
    ) -> list[Item]:
        of_deep = asking.service is Service.DEEP
        if epoch < order.epoch:
            if of_deep:
                asking.fail(now_ns, to=Service.FIRST)  # it has not come to this engine's start yet
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
            take = self._take_not_kept_deep if of_deep else self._take_not_kept
            return take(order, asking, answer.oldest_number, answer.next_number, now_ns)
        if isinstance(answer, BookSnapshot):
            number = answer.level_number if answer.kind == L2 else answer.order_number
            return [Resynced(order.topic, answer, epoch), *order.take_snapshot(number, epoch)]
        if isinstance(answer, Refused):
            if answer.reason == QUEUE_FULL:
                asking.wait(now_ns)
                return []
            if answer.reason != NOT_OFFERED:
                raise NotTaken(f"{order.topic}: {reason_name(answer.reason)}: {answer.text}", answer.reason)
            if of_deep:
                asking.fail(now_ns, to=Service.FIRST)
            elif order.missing is not None:
                following = order.following_number
                return self._take_not_kept(order, asking, following, following, now_ns)
        return []

    def _take_not_kept(
        self, order: TopicOrder, asking: Asking, oldest_number: int, next_number: int, now_ns: int
    ) -> list[Item]:
        """What is missing is not kept by the first service; `oldest_number` to `next_number - 1` is."""
        if order.is_lost(oldest_number, next_number):
            asking.kept_from = oldest_number
            if self._deep and not asking.deep_has_failed:
                asking.turn_to(Service.DEEP, now_ns)
                return []
            if not self._gives_up(order):
                asking.fail(now_ns, to=Service.DEEP if self._deep else Service.FIRST)
                return []
        return order.take_not_kept(oldest_number, next_number)

    def _take_not_kept_deep(
        self, order: TopicOrder, asking: Asking, oldest_number: int, next_number: int, now_ns: int
    ) -> list[Item]:
        """The same of the second service: it is behind, or nobody keeps what is missing."""
        if order.is_lost(oldest_number, next_number) and asking.kept_from and self._gives_up(order):
            return order.take_not_kept(
                min(oldest_number, asking.kept_from), max(next_number, asking.kept_from)
            )
        asking.fail(now_ns, to=Service.FIRST)
        return []

    def _gives_up(self, order: TopicOrder) -> bool:
        """Whether something else may take the place of events that nobody keeps; a book has its snapshot."""
        return order.is_book or not self._never_skip

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
        """Whether a recovery service has to be asked about a topic."""
        if not order.incomplete:
            self._incomplete.pop(order.topic, None)
        elif order.topic not in self._incomplete:
            self._incomplete[order.topic] = Asking(self._now_ns)

    def _subscribe(self, name: str) -> list[str]:
        """A topic or prefix more, and its heartbeats; which of them are new."""
        added = [] if name in self._heartbeats else [name]
        self._topics[name] = None
        heartbeat = _heartbeat_prefix(name)
        self._heartbeats[heartbeat] = self._heartbeats.get(heartbeat, 0) + 1
        if self._heartbeats[heartbeat] == 1 and heartbeat not in self._topics:
            added.append(heartbeat)
        return added

    def _unsubscribe(self, name: str) -> list[str]:
        """The opposite."""
        heartbeat = _heartbeat_prefix(name)
        del self._topics[name]
        self._heartbeats[heartbeat] -= 1
        if not self._heartbeats[heartbeat]:
            del self._heartbeats[heartbeat]
        return [
            one
            for one in dict.fromkeys((name, heartbeat))
            if one not in self._topics and one not in self._heartbeats
        ]

    def _wanted(self, name: str) -> bool:
        """Whether a prefix of those that are read is one of this topic."""
        return name.startswith(self._prefixes)


def _whole(topics: Iterable[str]) -> list[str]:
    """The topics, each once. ValueError for a prefix among them."""
    names = list(dict.fromkeys(topics))
    for name in names:
        if not _is_whole(name):
            raise ValueError(f"{name!r} is not a whole topic, such as trade.BTC-USD.")
    return names


def _is_whole(name: str) -> bool:
    """Whether this is a topic, and no prefix of several."""
    return name in _ENGINE_WIDE or (name.endswith(".") and name.count(".") == 2)


def _heartbeat_prefix(prefix: str) -> str:
    """The heartbeats of the topics with a prefix."""
    if prefix in _ENGINE_WIDE:
        return f"{HEARTBEAT}.{prefix}"
    return f"{HEARTBEAT}.{prefix.partition('.')[2]}"
