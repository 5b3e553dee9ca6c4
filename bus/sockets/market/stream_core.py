"""A reader of publishers' streams, without any I/O: every change once, in order; the newest of what is whole.

A shell owns a SUB and a DEALER for each publisher, and does nothing else:

    subscribe each SUB to core.subscriptions
    for each publication: items = core.receive(publisher, topic, frame, now)
    for each answer:      items = core.answered(publisher, payload, now)
    items, requests = core.advance(now, all_taken)      send each request to its publisher      (raises GapNotHealed)

All publishers of a symbol say the same frames, so all are listened to at once, and whoever says a frame first is heard:
when one dies nothing is missing. A chained stream (trades, depth) is given without gaps; what is missing is asked for
(`healing`), and what cannot be had is named. Of all other streams the newest frame is given. What publishers contradict
each other in is told (`Differs`), and who is gone (`PublisherSilent`).
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from bus.errors import GapNotHealed, NotTaken
from bus.protocol.codec import MalformedMessage, encode_message
from bus.protocol.control import Refused
from bus.protocol.market.codec import (
    MarketEnvelope,
    MarketFrameHeader,
    decode_market_envelope,
    decode_market_frame_header,
)
from bus.protocol.market.requests import (
    DepthAnswer,
    MarketAnswer,
    StreamReplay,
    StreamReplayed,
    TradesAnswer,
)
from bus.protocol.market.streams import (
    ALERT_TOPIC,
    DEPTH,
    STREAMS_HEARTBEAT_TOPIC,
    TRADES,
    Book,
    StreamsHeartbeat,
)
from bus.protocol.reasons import (
    MALFORMED,
    NOT_YET,
    QUEUE_FULL,
    RATE_EXCEEDED,
    UNSUPPORTED_VERSION,
    reason_name,
)
from bus.sockets.market.chain import Chain, State
from bus.sockets.market.comparison import Comparison
from bus.sockets.market.event_decoding import decode_stream_events
from bus.sockets.market.healing import ANSWER_TIMEOUT_MS, BEHIND_MS, ROUNDS_MAX, Healing
from bus.sockets.market.latest import Alerts, Latest
from bus.sockets.market.roster import MS, SILENCE_MS_MAX, Roster
from bus.sockets.market.stream_items import Item, Position, Published

_HEARTBEAT_PREFIX: Final = f"{STREAMS_HEARTBEAT_TOPIC}."
_CHAINED: Final = (TRADES, DEPTH)
#: Reasons of a refusal that no other publisher and no patience will change.
_FINAL_REASONS: Final = (MALFORMED, UNSUPPORTED_VERSION)
#: Reasons of a refusal that are over a little later.
_PASSING_REASONS: Final = (QUEUE_FULL, RATE_EXCEEDED, NOT_YET)

#: A request, and the publisher that it is for.
Request = tuple[int, bytes]


class StreamCore:
    """See above.

    `topics`: whole topics (`depth.BTC-USD.`), or prefixes of them (`trades.` for all symbols).
    `publishers`: their endpoints, for people; the preferred one, which is asked first, stands first.
    `from_positions`: for whole topics of trades and depth, how far they are held already.
    """

    def __init__(
        self,
        topics: Iterable[str],
        publishers: Iterable[str],
        *,
        from_positions: Mapping[str, Position] | None = None,
        silence_ms: int = SILENCE_MS_MAX,
    ) -> None:
        endpoints = list(publishers)
        if not endpoints:
            raise ValueError("a reader needs at least one publisher")
        self._roster = Roster(endpoints, silence_ms)
        self._comparison = Comparison(endpoints)
        self._several = len(endpoints) > 1
        self._wanted: dict[str, None] = {}
        self._prefixes: tuple[str, ...] = ()
        self._chains: dict[str, Chain] = {}
        self._whole: dict[str, Latest | Alerts] = {}
        self._healing: dict[str, Healing] = {}
        #: What was asked for: the topic and the publisher by correlation id. Of a chain one at a time.
        self._asked: dict[int, tuple[str, int]] = {}
        #: Newest frames that were lost and are asked for: the correlation id, and until when an answer is waited for.
        self._lost: dict[str, tuple[int, int]] = {}
        self._lost_requests: list[Request] = []
        self._next_id = 1
        self._now_ns = 0
        self.follow(topics, from_positions=from_positions)

    # What is wanted.

    @property
    def subscriptions(self) -> list[str]:
        """What each SUB subscribes to: the topics, and the heartbeats that belong to them."""
        heartbeats = [_heartbeat_prefix(prefix) for prefix in self._wanted]
        return list(dict.fromkeys([*self._wanted, *heartbeats]))

    def follow(
        self, topics: Iterable[str], *, from_positions: Mapping[str, Position] | None = None
    ) -> list[str]:
        """Read these as well; what each SUB has to subscribe to for them."""
        before = set(self.subscriptions)
        positions = from_positions or {}
        for name in {**dict.fromkeys(topics), **dict.fromkeys(positions)}:
            if name not in self._wanted:
                self._wanted[name] = None
                if _is_whole(name) and _is_chained(name) and name not in self._chains:
                    self._begin_chain(name, positions.get(name))
        self._prefixes = tuple(self._wanted)
        return [name for name in self.subscriptions if name not in before]

    def unfollow(self, topics: Iterable[str]) -> list[str]:
        """Read these no longer; what each SUB has to unsubscribe from."""
        before = self.subscriptions
        for name in topics:
            self._wanted.pop(name, None)
        self._prefixes = tuple(self._wanted)
        gone: list[str] = [*self._chains, *self._whole]
        gone = [name for name in gone if not name.startswith(self._prefixes)]
        for kept in (self._chains, self._whole, self._healing, self._lost):
            for name in gone:
                kept.pop(name, None)
        for number in [number for number, (name, _) in self._asked.items() if name in gone]:
            del self._asked[number]
        after = set(self.subscriptions)
        return [name for name in before if name not in after]

    def position(self, name: str) -> Position | None:
        """How far a chained stream is held; None while nothing of it is."""
        chain = self._chains.get(name)
        return chain.position if chain is not None and chain.sequence else None

    def resync(self, name: str) -> None:
        """Begin a book anew: its reader has found that it is not the publisher's."""
        chain = self._chains.get(name)
        if chain is not None and chain.is_book:
            chain.resync()
            self._healing.pop(name, None)  # whatever was asked is of no use now
            self._look(chain)

    # What comes.

    def receive(self, publisher: int, name: str, payload: bytes, now_ns: int) -> list[Item]:
        """A publication. What cannot be decoded is as good as lost: it will show."""
        self._now_ns = now_ns
        try:
            header = decode_market_frame_header(payload)
        except msgspec.MsgspecError:
            return []
        if name.startswith(_HEARTBEAT_PREFIX):
            return self._take_heartbeat(publisher, name, header, now_ns)
        chain, whole = self._chains.get(name), self._whole.get(name)
        if chain is None and whole is None:
            if not name.startswith(self._prefixes):
                return []
            if _is_chained(name):
                chain = self._begin_chain(name, None)
            else:
                whole = self._begin_whole(name)
        items: list[Item] = []
        if chain is not None:
            items.extend(self._comparison.frame(name, header, publisher, chained=True))
            before = chain.sequence
            items.extend(chain.take(header, publisher))
            if chain.incomplete or name in self._healing:
                self._look(chain)
                if chain.sequence != before and self._several and name in self._healing:
                    self._healing[name].wait(now_ns)
        elif whole is not None:
            if isinstance(whole, Latest):
                items.extend(self._comparison.frame(name, header, publisher, chained=False))
            items.extend(whole.take(header, publisher))
        return items

    def answered(self, publisher: int, payload: bytes, now_ns: int) -> list[Item]:
        """What a publisher answered. Raises NotTaken when it does not understand the question."""
        self._now_ns = now_ns
        try:
            envelope = decode_market_envelope(payload)
        except MalformedMessage:
            return []
        items: list[Item] = []
        for answer in envelope.items:
            asked = self._asked.pop(answer.correlation_id, None)
            if asked is None or asked[1] != publisher:
                continue
            name = asked[0]
            chain, healing = self._chains.get(name), self._healing.get(name)
            if isinstance(answer, Refused) and answer.reason in _FINAL_REASONS:
                raise NotTaken(f"{name}: {reason_name(answer.reason)}: {answer.text}", answer.reason)
            if name in self._lost and self._lost[name][0] == answer.correlation_id:
                del self._lost[name]
                items.extend(self._take_lost(name, answer, publisher))
            elif chain and healing and healing.correlation_id == answer.correlation_id:
                items.extend(self._take_answer(chain, healing, answer, envelope))
        return items

    def advance(self, now_ns: int, all_taken: bool) -> tuple[list[Item], list[Request]]:
        """What to ask now, and what is told because time has passed. To be called after whatever came.

        `all_taken`: nothing more waits at the sockets, so that who was not heard is silent. Raises GapNotHealed.
        """
        self._now_ns = now_ns
        items: list[Item] = [*self._roster.look(now_ns)] if all_taken else []
        requests, self._lost_requests = self._lost_requests, []
        present = self._roster.present()
        for name, healing in list(self._healing.items()):
            if now_ns < healing.deadline_ns:
                continue
            chain = self._chains[name]
            self._asked.pop(healing.correlation_id, None)
            request = healing.ask(chain, present, self._next_id, now_ns) if present else None
            if request is not None:
                self._asked[self._next_id] = (name, healing.publisher)
                self._next_id += 1
                requests.append((healing.publisher, request))
                continue
            if present and (healing.is_hopeless or chain.is_book):
                told = chain.take_what_there_is()
                if not told and healing.rounds >= ROUNDS_MAX:
                    raise GapNotHealed(
                        f"{name}: what is missing did not come, although asked for {ROUNDS_MAX} times"
                    )
                items.extend(told)
            healing.rest(now_ns)
            self._look(chain)
        return items, requests

    @property
    def deadline_ns(self) -> int | None:
        """When `advance` is to be called at the latest; None while there is nothing to wait for."""
        deadlines = [healing.deadline_ns for healing in self._healing.values()]
        if self._lost_requests:
            deadlines.append(self._now_ns)
        if (of_roster := self._roster.deadline_ns) is not None:
            deadlines.append(of_roster)
        return min(deadlines, default=None)

    # Inside.

    def _take_heartbeat(
        self, publisher: int, name: str, header: MarketFrameHeader, now_ns: int
    ) -> list[Item]:
        events = decode_stream_events(header.events) or []
        items: list[Item] = []
        for event in events:
            if not isinstance(event, StreamsHeartbeat):
                continue
            items.extend(self._roster.heard(publisher, event.publisher, now_ns))
            items.extend(self._comparison.digest(name, header, event, publisher))
            for topic, sequence, time_ns in event.streams:
                if not topic.startswith(self._prefixes):
                    continue
                if _is_chained(topic):
                    chain = self._chains.get(topic) or self._begin_chain(topic, None)
                    chain.take_last(header.epoch, sequence, time_ns, header.sequence)
                    self._look(chain)
                else:
                    self._look_for_lost(publisher, topic, sequence, time_ns)
        items.append(Published(name, header.epoch, header.sequence, header.time_ns, events, publisher))
        return items

    def _look_for_lost(self, publisher: int, name: str, sequence: int, time_ns: int) -> None:
        """Ask for the newest frame of a stream whose frames are whole, when it did not come."""
        whole = self._whole.get(name) or self._begin_whole(name)
        if isinstance(whole, Alerts) or not whole.is_behind(time_ns, sequence):
            return
        correlation_id, until_ns = self._lost.get(name, (0, 0))
        if self._now_ns < until_ns:
            return
        self._asked.pop(correlation_id, None)
        self._asked[self._next_id] = (name, publisher)
        self._lost[name] = (self._next_id, self._now_ns + ANSWER_TIMEOUT_MS * MS)
        request = encode_message(0, self._next_id, 0, [StreamReplay(name, 0)])
        self._lost_requests.append((publisher, request))
        self._next_id += 1

    def _take_lost(self, name: str, answer: MarketAnswer, publisher: int) -> list[Item]:
        whole = self._whole.get(name)
        items: list[Item] = []
        if whole is not None and isinstance(answer, StreamReplayed):
            for header in _headers(answer.frames):
                items.extend(whole.take(header, publisher))
        return items

    def _take_answer(
        self, chain: Chain, healing: Healing, answer: MarketAnswer, envelope: MarketEnvelope
    ) -> list[Item]:
        before = (chain.state, chain.position)
        epoch, reached, time_ns = envelope.epoch, envelope.log_sequence, envelope.time_ns
        items: list[Item] = []
        behind = isinstance(answer, Refused) and answer.reason in _PASSING_REASONS
        if isinstance(answer, StreamReplayed) and answer.frames:
            items = chain.take_replayed(_headers(answer.frames), healing.publisher)
        elif isinstance(answer, StreamReplayed):
            items = chain.take_nothing_newer(epoch, reached, time_ns)
            behind = reached < chain.known or chain.is_owed
        elif isinstance(answer, DepthAnswer):
            book = Book(answer.sequence, answer.level_number, answer.checksum, answer.bids, answer.asks)
            items = chain.take_book(book, epoch, answer.time_ns)
            behind = True
        elif isinstance(answer, TradesAnswer):
            rows = answer.trades
            items = chain.take_trades(rows, answer.more, epoch, reached, time_ns)
            behind = True
        progress = bool(items) or (chain.state, chain.position) != before
        healing.answered(self._now_ns, progress=progress, behind=behind)
        self._look(chain)
        return items

    def _begin_whole(self, name: str) -> Latest | Alerts:
        whole = Alerts(name) if name.startswith(f"{ALERT_TOPIC}.") else Latest(name)
        self._whole[name] = whole
        return whole

    def _begin_chain(self, name: str, position: Position | None) -> Chain:
        chain = self._chains[name] = Chain(name, position)
        self._look(chain)
        return chain

    def _look(self, chain: Chain) -> None:
        """Whether the publishers have to be asked about a topic."""
        if not chain.incomplete:
            self._healing.pop(chain.topic, None)
        elif chain.topic not in self._healing:
            grace_ms = BEHIND_MS if self._several and chain.state is State.FOLLOWING else 0
            self._healing[chain.topic] = Healing(self._now_ns + grace_ms * MS)


def _headers(frames: list[bytes]) -> list[MarketFrameHeader]:
    """Those before the first that cannot be decoded: what is missing then is asked for again."""
    headers: list[MarketFrameHeader] = []
    with suppress(msgspec.MsgspecError):
        headers.extend(decode_market_frame_header(frame) for frame in frames)
    return headers


def _is_chained(name: str) -> bool:
    return name.partition(".")[0].partition("-")[0] in _CHAINED


def _is_whole(name: str) -> bool:
    """Whether this is a topic, and no prefix of several."""
    return name.endswith(".") and name.count(".") == 2


def _heartbeat_prefix(prefix: str) -> str:
    """The heartbeats of the topics with a prefix."""
    return f"{STREAMS_HEARTBEAT_TOPIC}.{prefix.partition('.')[2]}"
