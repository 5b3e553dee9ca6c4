"""What a client says over its connection, and what becomes of it.

Each message is answered: with what was done, or with an error in the words of HTTP's, and then nothing was changed. Who
makes mistakes again and again is cut off.
"""

from typing import Any, Final, TypeVar

import msgspec
import structlog

from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError
from web.errors import (
    BAD_JSON,
    BUG,
    INVALID_FIELD,
    MISSING_FIELD,
    RATE_LIMITED,
    TOO_MANY_SUBSCRIPTIONS,
    Refusal,
    of_failure,
    of_validation,
)
from web.schemas.stream import (
    AnyMessage,
    ClientMessage,
    Failed,
    MessageId,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from web.stream.allowance import Allowance
from web.stream.channels import CHANNELS
from web.stream.client import TOO_MANY_MISTAKES, Client
from web.stream.feed import EventFeed, Feed, StateFeed
from web.stream.hub import Hub

#: Channels times symbols of one connection: what a page of a hundred instruments shows, twice.
SUBSCRIPTIONS_MAX: Final = 200
#: Messages of one connection: a page that opens says a dozen.
MESSAGES_BURST: Final = 100
MESSAGES_PER_SECOND: Final = 20
#: Refused messages of one connection: a person makes some, a program that goes on is wrong.
MISTAKES_BURST: Final = 20
MISTAKES_PER_SECOND: Final = 0.2
_LOG: Final = structlog.get_logger("matchbus.web")
_DECODER: Final = msgspec.json.Decoder(ClientMessage)
_ANY_DECODER: Final = msgspec.json.Decoder(AnyMessage)
T = TypeVar("T")


class Conversation:
    """Of one connection."""

    def __init__(self, hub: Hub, client: Client) -> None:
        self._hub = hub
        self._client = client
        #: What is followed, by channel and symbol.
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._messages = Allowance(MESSAGES_BURST, MESSAGES_PER_SECOND)
        self._mistakes = Allowance(MISTAKES_BURST, MISTAKES_PER_SECOND)

    async def take(self, message: str | bytes) -> None:
        """A message; the next one is not read before this one is done with."""
        if self._client.is_closed:
            return
        named: MessageId = None
        try:
            if not self._messages.take(monotonic_ns()):
                raise Refusal(RATE_LIMITED, f"at most {MESSAGES_PER_SECOND} messages a second")
            said = _read(message)
            named = said.id
            await self._do(said)
        except Refusal as refusal:
            self._refuse(_id_of(message) if named is None else named, refusal)
        except MatchbusError as failure:
            self._refuse(named, of_failure(failure))
        except Exception:
            _LOG.exception("a message failed")
            self._refuse(named, Refusal(BUG))

    def close(self) -> None:
        """The connection has ended."""
        for feed in self._feeds.values():
            self._leave(feed)
        self._feeds.clear()
        self._client.closed()
        self._hub.leave(self._client)

    async def _do(self, said: Any) -> None:
        if isinstance(said, Subscribe):
            await self._subscribe(said)
        elif isinstance(said, Unsubscribe):
            self._unsubscribe(said)
        elif isinstance(said, Ping):
            self._tell(Pong(said.id, utc_ns() // 1_000_000))

    async def _subscribe(self, said: Subscribe) -> None:
        channels, symbols = _once(said.channels), _once(said.symbols)
        _check_channels(channels)
        if not symbols:
            raise Refusal(MISSING_FIELD, "these channels are of symbols", "symbols")
        wanted = [(channel, symbol) for channel in channels for symbol in symbols]
        if len({*self._feeds, *wanted}) > SUBSCRIPTIONS_MAX:
            raise Refusal(
                TOO_MANY_SUBSCRIPTIONS,
                f"at most {SUBSCRIPTIONS_MAX} channels of symbols a connection",
                "symbols",
            )
        feeds = {}
        for channel, symbol in wanted:
            try:
                feeds[channel, symbol] = await self._hub.feed(channel, symbol)
            except Refusal as refusal:
                raise Refusal(refusal.code, f"{symbol[:32]}: {refusal.message}", "symbols") from None
        if self._client.is_closed:
            return
        self._tell(Subscribed(said.id, channels, symbols))
        for key, feed in feeds.items():
            if key in self._feeds:
                self._leave(self._feeds[key])
            self._feeds[key] = feed
            self._join(feed, said.from_seq)

    def _unsubscribe(self, said: Unsubscribe) -> None:
        channels, symbols = _once(said.channels), _once(said.symbols)
        _check_channels(channels)
        for channel in channels:
            for symbol in symbols:
                feed = self._feeds.pop((channel, symbol), None)
                if feed is not None:
                    self._leave(feed)
        self._tell(Unsubscribed(said.id, channels, symbols))

    def _join(self, feed: Feed, from_sequence: int | None) -> None:
        if isinstance(feed, EventFeed):
            feed.join(self._client, from_sequence)
        elif isinstance(feed, StateFeed):
            self._client.begin(feed, from_sequence)

    def _leave(self, feed: Feed) -> None:
        if isinstance(feed, StateFeed):
            self._client.end(feed)
        else:
            feed.leave(self._client)

    def _refuse(self, named: MessageId, refusal: Refusal) -> None:
        self._tell(Failed(named, refusal.code, refusal.reason, refusal.message, refusal.field))
        if not self._mistakes.take(monotonic_ns()):
            self._client.close(TOO_MANY_MISTAKES)

    def _tell(self, answer: msgspec.Struct) -> None:
        self._client.tell(msgspec.json.encode(answer))


def _read(message: str | bytes) -> Any:
    if isinstance(message, bytes):
        raise Refusal(BAD_JSON, "messages are text, not binary")
    try:
        return _DECODER.decode(message)
    except msgspec.ValidationError as error:
        raise of_validation(error) from None
    except (msgspec.DecodeError, UnicodeError):
        raise Refusal(BAD_JSON, "the message is not JSON") from None
    except RecursionError:
        raise Refusal(BAD_JSON, "the message is nested too deeply") from None


def _id_of(message: str | bytes) -> MessageId:
    """Whose a message is that could not be read."""
    try:
        named = _ANY_DECODER.decode(message).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return named if isinstance(named, int | str) and len(str(named)) <= 64 else None


def _check_channels(channels: list[str]) -> None:
    for channel in channels:
        if channel not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise Refusal(INVALID_FIELD, f"there is no channel {channel!r}; there are {known}", "channels")


def _once(names: list[T]) -> list[T]:
    """Each name once, in the order in which they were given."""
    return list(dict.fromkeys(names))
