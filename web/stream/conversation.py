"""What a client says over its connection, and what becomes of it.

Each message is answered: with what was done, or with an error in the words of HTTP's, and then nothing was changed. Who
makes mistakes again and again is cut off.
"""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
import structlog

from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError
from web import bodies
from web.errors import (
    BAD_JSON,
    BUG,
    INVALID_FIELD,
    KEY_NEEDED,
    MISSING_FIELD,
    RATE_LIMITED,
    SCOPE_MISSING,
    TOO_MANY_SUBSCRIPTIONS,
    Refusal,
    of_failure,
)
from web.guard.guard import Guard
from web.guard.principal import READ, TRADE, Principal
from web.house import House
from web.schemas.own import Cancel, Enter, LoggedIn, Login, Replace
from web.schemas.stream import (
    AnyMessage,
    ClientMessage,
    ExecutionsStreamQuery,
    Failed,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from web.schemas.values import MessageId
from web.stream.alerts import EVERY
from web.stream.allowance import Allowance
from web.stream.channels import ALERTS, CHANNELS, EXECUTIONS, OF_ACCOUNT, OF_MONEY, OWN, TRADES
from web.stream.client import KEY_ENDED, LOGIN_NEEDED, TOO_MANY_MISTAKES, Client
from web.stream.feed import EventFeed, Feed, StateFeed
from web.stream.order_entry import OrderEntry
from web.tally import NOWHERE

#: Channels times symbols of one connection: what a page of a hundred instruments shows, twice.
SUBSCRIPTIONS_MAX: Final = 200
#: Messages of one connection, orders not counted: a page that opens says a dozen.
MESSAGES_BURST: Final = 100
MESSAGES_PER_SECOND: Final = 20
#: Refused messages of one connection: a person makes some, a program that goes on is wrong.
MISTAKES_BURST: Final = 20
MISTAKES_PER_SECOND: Final = 0.2
#: Orders of one connection beyond what its key may send: so many are under way before the first refusal is read.
FLOOD_BURST: Final = 1_000
FLOOD_PER_SECOND: Final = 20
#: Where market data needs a key, a connection that was opened without one has so long to log in.
LOGIN_S: Final = 10
_ORDER_OPS: Final = (Enter, Cancel, Replace)
#: What messages ask for, as the analysis of use names them.
_OPS: Final = {
    kind: str(kind.__struct_config__.tag) for kind in (Subscribe, Unsubscribe, Ping, Login, *_ORDER_OPS)
}
#: Where fields of an order stand in a message; they are named as in the body that it is over REST.
_BODY: Final = "order."
_LOG: Final = structlog.get_logger("matchbus.web")
_DECODER: Final = msgspec.json.Decoder(ClientMessage)
_ANY_DECODER: Final = msgspec.json.Decoder(AnyMessage)
T = TypeVar("T")


class Conversation:
    """Of one connection. `who`: has shown a key when it was opened. `address`: of the other end."""

    def __init__(
        self, house: House, guard: Guard, client: Client, who: Principal | None, address: str
    ) -> None:
        self._hub = house.hub
        self._own = house.own
        self._sessions = house.sessions
        self._assets = house.assets
        self._symbols = house.symbols
        self._usage = house.usage
        self._guard = guard
        self._client = client
        self._who = who
        self._address = address
        self._key_for_market_data = house.config.web.market_data_needs_key
        self._opened_ns = monotonic_ns()
        self._executions: tuple[ExecutionsStreamQuery, list[str]] | None = None
        #: What is followed, by channel and symbol; None for channels of the account.
        self._feeds: dict[tuple[str, str], Feed | None] = {}
        self._messages = Allowance(MESSAGES_BURST, MESSAGES_PER_SECOND)
        self._mistakes = Allowance(MISTAKES_BURST, MISTAKES_PER_SECOND)
        self._floods = Allowance(FLOOD_BURST, FLOOD_PER_SECOND)
        self._orders = OrderEntry(
            house.sessions,
            guard,
            client,
            house.config.web.answer_timeout_ms / 1000,
            self._tell_refusal,
            self._ended,
        )
        client.judge = self._judge

    def take(self, message: str | bytes) -> Awaitable[None] | None:
        """A message. What is given has to be awaited before the next one is taken."""
        if self._client.is_closed:
            return None
        named: MessageId = None
        said: Any = None
        began_ns = monotonic_ns()
        try:
            said = _read(message)
            named = said.id
            if type(said) in _ORDER_OPS:
                assert isinstance(message, str), "it was read"
                work = self._orders.take(self._trader(), said, message)
            else:
                if not self._messages.take(monotonic_ns()):
                    raise Refusal(RATE_LIMITED, f"at most {MESSAGES_PER_SECOND} messages a second")
                work = self._do(said)
        except Exception as error:
            self._ended(said, self._failed(_id_of(message) if named is None else named, error), began_ns)
            self._count(said, error)
            return None
        if work is not None:
            return self._finish(work, said, began_ns)
        if type(said) not in _ORDER_OPS:
            self._ended(said, HTTPStatus.OK, began_ns)
        return None

    def close(self) -> None:
        """The connection has ended."""
        for key, feed in self._feeds.items():
            self._leave(key, feed)
        self._feeds.clear()
        self._client.closed()
        self._hub.leave(self._client)

    async def _finish(self, work: Awaitable[None], said: Any, began_ns: int) -> None:
        try:
            await work
        except Exception as error:
            self._ended(said, self._failed(said.id, error), began_ns)
            self._count(said, error)
        else:
            if type(said) not in _ORDER_OPS:
                self._ended(said, HTTPStatus.OK, began_ns)

    def _ended(self, said: Any, status: int, began_ns: int) -> None:
        """A message was answered, an order by the engine: for the analysis of use. None is one that was not read."""
        symbol = said.order.symbol if type(said) in _ORDER_OPS else None
        took_us = (monotonic_ns() - began_ns) // 1_000
        self._usage.said(self._who, _OPS.get(type(said), NOWHERE), symbol, int(status), took_us)

    def _do(self, said: Any) -> Awaitable[None] | None:
        if isinstance(said, Subscribe):
            return self._subscribe(said)
        if isinstance(said, Login):
            return self._login(said)
        if isinstance(said, Unsubscribe):
            self._unsubscribe(said)
        elif isinstance(said, Ping):
            self._tell(Pong(said.id, utc_ns() // 1_000_000))
        return None

    # Who it is.

    async def _login(self, said: Login) -> None:
        who = await self._guard.check_message(said.key, said.timestamp, said.signature, self._address)
        if self._who is not None and self._who.account != who.account:
            raise Refusal(INVALID_FIELD, "this connection acts for another account: open one more", "key")
        self._who = who
        self._tell(LoggedIn(said.id, who.account, sorted(who.scopes)))
        if self._executions is not None:
            await self._begin_executions(self._executions)

    def _judge(self) -> int:
        """With which code the connection is to be ended, 0 for none."""
        if self._who is not None:
            return 0 if self._guard.holds(self._who) else KEY_ENDED
        late = monotonic_ns() - self._opened_ns > LOGIN_S * 1_000_000_000
        return LOGIN_NEEDED if self._key_for_market_data and late else 0

    def _trader(self) -> Principal:
        return self._somebody(TRADE, "orders")

    def _somebody(self, scope: str, what: str) -> Principal:
        """Who has logged in, with a scope. Raises Refusal."""
        if self._who is None:
            raise Refusal(KEY_NEEDED, f"{what}: log in first")
        if scope not in self._who.scopes:
            raise Refusal(SCOPE_MISSING, f"{what}: the key has no scope {scope}")
        return self._who

    # What it follows.

    async def begin_executions(self, query: ExecutionsStreamQuery, symbols: list[str]) -> None:
        """It was opened for executions: one's own, when one is known; else public trades, of some symbols or of all.

        `symbols` exist.
        """
        self._executions = (query, symbols)
        if self._who is not None or not self._key_for_market_data:
            await self._begin_executions(self._executions)

    async def _begin_executions(self, wanted: tuple[ExecutionsStreamQuery, list[str]]) -> None:
        query, symbols = wanted
        try:
            if self._who is not None:
                for key in [key for key in self._feeds if key[0] == TRADES]:
                    self._leave(key, self._feeds.pop(key))
                await self._subscribe(Subscribe([EXECUTIONS], after_report=query.after_report))
            elif symbols:
                await self._subscribe(Subscribe([TRADES], symbols, from_seq=query.from_seq))
            else:
                self._tell(Subscribed(None, [TRADES], []))
                self._feeds[TRADES, ""] = self._hub.all_trades
                self._hub.follow_all_trades(self._client, query.from_seq)
        except (Refusal, MatchbusError) as error:
            self._failed(None, error)

    async def _subscribe(self, said: Subscribe) -> None:
        channels, symbols = _once(said.channels), _once(said.symbols)
        wanted = self._wanted(channels, symbols)
        if len({*self._feeds, *wanted}) > SUBSCRIPTIONS_MAX:
            raise Refusal(
                TOO_MANY_SUBSCRIPTIONS,
                f"at most {SUBSCRIPTIONS_MAX} channels of symbols a connection",
                "symbols",
            )
        feeds: dict[tuple[str, str], Feed | None] = {}
        for channel, symbol in wanted:
            try:
                feeds[channel, symbol] = await self._feed(channel, symbol)
            except Refusal as refusal:
                if not symbol:
                    raise Refusal(refusal.code, f"{channel}: {refusal.message}", "channels") from None
                raise Refusal(refusal.code, f"{symbol[:32]}: {refusal.message}", "symbols") from None
        if self._client.is_closed:
            return
        self._tell(Subscribed(said.id, channels, symbols))
        if self._hub.is_away and any(channel not in OF_ACCOUNT for channel in channels):
            self._client.tell(self._hub.upstream())
        for key, feed in feeds.items():
            if key in self._feeds:
                self._leave(key, self._feeds[key])
            elif key[1]:
                self._usage.subscribed(*key)
            self._feeds[key] = feed
            self._join(key, feed, said)

    def _wanted(self, channels: list[str], symbols: list[str]) -> list[tuple[str, str]]:
        """Channels and symbols, "" for those of an account. Raises Refusal for what is not to be had."""
        _check_channels(channels)
        public = [channel for channel in channels if channel not in OWN]
        if len(public) < len(channels):
            self._somebody(READ, "own channels")
        if public and self._key_for_market_data:
            self._somebody(READ, "market data")
        if public and not symbols:
            raise Refusal(MISSING_FIELD, "these channels are of symbols", "symbols")
        return _keys(channels, symbols)

    async def _feed(self, channel: str, symbol: str) -> Feed | None:
        """What is told there; None for what is told to accounts only. Raises Refusal for a symbol that is none."""
        if channel in OF_MONEY:
            assert self._who is not None, "own channels need a login"
            await self._assets.check_clearing(await self._sessions.of(self._who.account))
        if channel not in OWN:
            return await self._hub.feed(channel, symbol)
        if symbol:
            await self._symbols.scale(symbol)
        return None

    def _unsubscribe(self, said: Unsubscribe) -> None:
        channels, symbols = _once(said.channels), _once(said.symbols)
        _check_channels(channels)
        for key in _keys(channels, symbols):
            if key in self._feeds:
                self._leave(key, self._feeds.pop(key))
        self._tell(Unsubscribed(said.id, channels, symbols))

    def _join(self, key: tuple[str, str], feed: Feed | None, said: Subscribe) -> None:
        if isinstance(feed, EventFeed):
            feed.join(self._client, said.from_seq)
        elif isinstance(feed, StateFeed):
            self._client.begin(feed, said.from_seq)
        elif self._who is not None and key[0] == ALERTS:
            self._hub.alerts.join(self._who.account, key[1], self._client)
        elif self._who is not None:
            self._own.join(self._who.account, key[0], self._client, said.after_report)

    def _leave(self, key: tuple[str, str], feed: Feed | None) -> None:
        if isinstance(feed, StateFeed):
            self._client.end(feed)
        elif feed is not None:
            feed.leave(self._client)
        elif self._who is not None and key[0] == ALERTS:
            self._hub.alerts.leave(self._who.account, key[1], self._client)
        elif self._who is not None:
            self._own.leave(self._who.account, key[0], self._client)

    # What it is told.

    def _count(self, said: Any, error: Exception) -> None:
        """Who goes on with what is refused is cut off. Orders are the market's to refuse, and the key's limits'."""
        spent = self._mistakes
        if type(said) in _ORDER_OPS:
            code = error.code if isinstance(error, Refusal) else 0
            if code == RATE_LIMITED:
                spent = self._floods
            elif code not in (KEY_NEEDED, SCOPE_MISSING):
                return
        if not spent.take(monotonic_ns()):
            self._client.close(TOO_MANY_MISTAKES)

    def _failed(self, named: MessageId, error: Exception) -> int:
        """A message was not carried out: say why. The status that this has over HTTP."""
        if isinstance(error, Refusal):
            refusal = error
        elif isinstance(error, MatchbusError):
            refusal = of_failure(error)
        else:
            _LOG.error("a message failed", exc_info=error)
            refusal = Refusal(BUG)
        self._tell_refusal(named, refusal)
        return refusal.status

    def _tell_refusal(self, named: MessageId, refusal: Refusal) -> None:
        self._tell(Failed(named, refusal.code, refusal.reason, refusal.message, refusal.field))

    def _tell(self, answer: msgspec.Struct) -> None:
        self._client.tell(msgspec.json.encode(answer))


def _read(message: str | bytes) -> Any:
    if isinstance(message, bytes):
        raise Refusal(BAD_JSON, "messages are text, not binary")
    try:
        return bodies.read(message, _DECODER)
    except Refusal as refusal:
        if refusal.field is not None:
            refusal.field = refusal.field.removeprefix(_BODY)
        raise


def _id_of(message: str | bytes) -> MessageId:
    """Whose a message is that could not be read."""
    try:
        named = _ANY_DECODER.decode(message).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return named if isinstance(named, int | str) and len(str(named)) <= 64 else None


def _keys(channels: list[str], symbols: list[str]) -> list[tuple[str, str]]:
    """Channels and symbols; "" where a channel is of no symbol, or alerts of every one."""
    found = []
    for channel in channels:
        if channel in OF_ACCOUNT:
            found.append((channel, ""))
        elif channel == ALERTS and not symbols:
            found.append((channel, EVERY))
        else:
            found.extend((channel, symbol) for symbol in symbols)
    return found


def _check_channels(channels: list[str]) -> None:
    for channel in channels:
        if channel not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise Refusal(INVALID_FIELD, f"there is no channel {channel!r}; there are {known}", "channels")


def _once(names: list[T]) -> list[T]:
    """Each name once, in the order in which they were given."""
    return list(dict.fromkeys(names))
