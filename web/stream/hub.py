"""The one reader of the publishers in an instance, and who wants to hear what.

A topic is followed when its first reader comes, and for a while after its last one has left, so that who connects again
finds what it was told before. Changes of a book are published at once when nothing was published for a while, and
together at the end of a period otherwise. What the publishers do (stop, start, contradict each other) is healed by the
reader; what it cannot heal begins anew here.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog
import zmq

from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError
from bus.protocol.market.streams import (
    ALERT_TOPIC,
    DEPTH,
    INDICATIVE_TOPIC,
    STREAMS_HEARTBEAT_TOPIC,
    SYMBOL_TOPIC,
    AlertFired,
)
from bus.protocol.topics import parse, topic
from bus.sockets.market import questions
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.async_market_reader import AsyncMarketReader
from bus.sockets.market.market_sockets import PublisherAddress
from bus.sockets.market.stream_items import (
    Item,
    Position,
    Published,
    PublisherHeard,
    PublisherSilent,
    Resynced,
    Skipped,
)
from bus.sockets.session.prices import Scale
from web.alert_ids import AlertIds
from web.errors import Refusal
from web.schemas.stream import Heartbeat, Upstream
from web.stream.account import BACK, LOST
from web.stream.alerts import Alerts
from web.stream.all_trades import AllTrades
from web.stream.books import BookSource
from web.stream.channels import BOOK, DEPTH20, KIND_OF, STATUS, TRADES
from web.stream.client import GOING_AWAY, Client
from web.stream.feed import Feed
from web.stream.latest import LatestSource
from web.stream.source import Source
from web.stream.statuses import Statuses
from web.stream.trades import TRADES_KEPT_MAX, TradeFeed, TradeSource
from web.symbols import Symbols

#: So seldom a busy book is published at most: 10 messages a second are more than anybody reads.
BOOK_PERIOD_MS: Final = 100
#: Who connects again does so within this.
_LINGER_NS: Final = 30_000_000_000
#: A connection on which nothing happens says this often that it lives.
_HEARTBEAT_NS: Final = 5_000_000_000
_LOOK_S: Final = 0.25
#: After what the reader could not heal, and while no publisher answers.
_AGAIN_S: Final = 0.5
#: Followed always. With symbols come the heartbeats of all of them, by which publishers are known to be there; what
#: markets do is small, and REST tells it too; alerts are few, and whose they are is known only here.
_ALWAYS: Final = (f"{SYMBOL_TOPIC}.", f"{INDICATIVE_TOPIC}.", f"{ALERT_TOPIC}.")
_PUBLISHERS: Final = "publishers"
_LOG: Final = structlog.get_logger("matchbus.web")


class Hub:
    """See above. `slow_ms`: who has not taken what was sent to it for so long is cut off."""

    def __init__(
        self,
        publishers: list[PublisherAddress],
        market: AsyncMarketClient,
        symbols: Symbols,
        context: "zmq.Context[zmq.Socket[bytes]]",
        slow_ms: int,
        alert_ids: AlertIds,
    ) -> None:
        self._publishers = publishers
        self._market = market
        self._symbols = symbols
        self._context = context
        self._slow_ms = slow_ms
        self._sources: dict[str, Source] = {}
        self._reader: AsyncMarketReader | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[Client, None] = {}
        self._silent: set[int] = set()
        self._adding: set[str] = set()
        #: The alerts of accounts, and the trades of all symbols.
        self.alerts = Alerts(alert_ids)
        self.all_trades = AllTrades()
        #: What each market does at the moment.
        self.statuses = Statuses()
        self._published_ns: dict[str, int] = {}
        self._heartbeat_ns = 0
        #: How many connections were too slow.
        self.cut_off = 0

    async def open(self) -> None:
        """Begin to read."""
        await self._begin({})
        self._run(self._read())
        self._run(self._watch())

    def close(self) -> None:
        """End all connections, and read no longer. Safe to call twice."""
        for client in list(self._clients):
            client.close(GOING_AWAY)
        self._clients.clear()
        for task in self._tasks:
            task.cancel()
        if self._reader is not None:
            self._reader.close()

    def join(self, client: Client) -> None:
        """A connection begins: it is told that it lives, and watched."""
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        """It has ended."""
        if client in self._clients:
            del self._clients[client]
            self.cut_off += client.was_too_slow

    async def feed(self, channel: str, symbol: str) -> Feed:
        """What readers of a channel of a symbol are told. Raises Refusal for a symbol that does not exist."""
        scale = await self._symbols.scale(symbol)
        if channel == STATUS:
            return self.statuses.feed(scale)
        name = topic(KIND_OF[channel], symbol)
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = _source(channel, name, scale)
            if isinstance(source, TradeSource):
                self._run(self._seed(source))
            elif self._reader is not None:
                self._reader.follow([name])
        source.idle_since_ns = monotonic_ns()  # until its reader has come
        return source.feed(channel)

    # What publishers say.

    async def _begin(self, positions: dict[str, Position]) -> None:
        names = [name for name, source in self._sources.items() if not isinstance(source, TradeSource)]
        self._reader = AsyncMarketReader(
            [*_ALWAYS, *names, *positions],
            self._publishers,
            from_positions=positions,
            context=self._context,
        )
        await self._reader.open()

    async def _read(self) -> None:
        while True:
            assert self._reader is not None, "it was opened"
            try:
                async for item in self._reader.items():
                    self._give(item)
            except MatchbusError as failure:
                _LOG.warning("streams begin anew", reason=str(failure))
            except Exception:
                # A mistake of ours with one item is no reason to tell nobody anything any more.
                _LOG.exception("streams begin anew")
            reader = self._reader
            reader.close()
            await asyncio.sleep(_AGAIN_S)
            trades = [name for name, source in self._sources.items() if isinstance(source, TradeSource)]
            held = {name: reader.position(name) for name in trades}
            await self._begin({name: position for name, position in held.items() if position is not None})

    def _give(self, item: Item) -> None:
        if not isinstance(item, Published | Resynced | Skipped):
            _LOG.info("of the publishers", said=type(item).__name__, item=msgspec.to_builtins(item))
            self._look_who_is_there(item)
            return
        kind, symbol = parse(item.topic)
        if kind == STREAMS_HEARTBEAT_TOPIC:
            self._prove(item, symbol)
            if self.all_trades.lacks(symbol):
                self._add_trades(symbol, is_new=True)
            return
        if kind == ALERT_TOPIC and self.alerts.are_read and isinstance(item, Published):
            self._run(self._tell_alerts(symbol, item.events))
        if kind in (SYMBOL_TOPIC, INDICATIVE_TOPIC) and isinstance(item, Published):
            self.statuses.take(symbol, item)
        source = self._sources.get(item.topic)
        if source is None:
            return
        source.take(item)
        if isinstance(source, BookSource):
            self._plan(source)

    def _look_who_is_there(self, item: Item) -> None:
        """Tell all connections when no publisher is there any more, and when one is again."""
        was_away = self.is_away
        if isinstance(item, PublisherSilent):
            self._silent.add(item.publisher)
        elif isinstance(item, PublisherHeard):
            self._silent.discard(item.publisher)
        if self.is_away != was_away:
            message = self.upstream()
            for client in list(self._clients):
                client.tell(message)

    @property
    def is_away(self) -> bool:
        """Whether no publisher is there."""
        return len(self._silent) == len(self._publishers)

    def upstream(self) -> bytes:
        """Whether publishers are there, as it is told."""
        state = LOST if self.is_away else BACK
        return msgspec.json.encode(Upstream(_PUBLISHERS, state, utc_ns() // 1_000_000))

    async def _tell_alerts(self, symbol: str, events: list[Any]) -> None:
        scale: Scale | None = None
        while scale is None:
            try:
                scale = await self._symbols.scale(symbol)
            except (MatchbusError, Refusal):
                await asyncio.sleep(_AGAIN_S)
        for event in events:
            if isinstance(event, AlertFired):
                self.alerts.take(scale, event)

    def follow_all_trades(self, client: Client, from_sequence: int | None) -> None:
        """Tell somebody the trades of all symbols, also of those that come to be."""
        self.all_trades.join(client, from_sequence)
        self._run(self._add_all_trades())

    async def _add_all_trades(self) -> None:
        while self.all_trades.listeners:
            try:
                symbols = list(await self._symbols.all())
            except (MatchbusError, Refusal):
                await asyncio.sleep(_AGAIN_S)
            else:
                self.all_trades.begin(symbols)
                for symbol in symbols:
                    self._add_trades(symbol, is_new=False)
                return

    def _add_trades(self, symbol: str, *, is_new: bool) -> None:
        if symbol not in self._adding:
            self._adding.add(symbol)
            self._run(self._add_trades_of(symbol, is_new))

    async def _add_trades_of(self, symbol: str, is_new: bool) -> None:
        """Of a symbol that came to be meanwhile all trades are told, also those before it was heard of."""
        try:
            feed = await self.feed(TRADES, symbol)
            assert isinstance(feed, TradeFeed), "of trades there is no other"
            self.all_trades.add(feed, 0 if is_new else None)
        except (MatchbusError, Refusal) as error:
            _LOG.warning("trades are not followed yet", symbol=symbol, reason=str(error))
        finally:
            self._adding.discard(symbol)

    def _prove(self, heartbeat: Item, symbol: str) -> None:
        """A heartbeat proves a book, or shows that it is wrong: then it is asked for anew."""
        source = self._sources.get(topic(DEPTH, symbol))
        if isinstance(source, BookSource) and self._reader is not None:
            source.depth.take(heartbeat)
            if source.depth.is_wrong:
                _LOG.warning("a book is wrong", symbol=symbol, sequence=source.depth.sequence)
                self._reader.unfollow([source.topic])
                self._reader.follow([source.topic])

    def _plan(self, source: BookSource) -> None:
        """Publish it when its period is over."""
        if source.is_due and not source.is_planned:
            source.is_planned = True
            wait_ns = self._published_ns.get(source.topic, 0) + BOOK_PERIOD_MS * 1_000_000 - monotonic_ns()
            asyncio.get_running_loop().call_later(max(0, wait_ns) / 1e9, self._publish, source)

    def _publish(self, source: BookSource) -> None:
        source.is_planned = False
        self._published_ns[source.topic] = monotonic_ns()
        source.publish()

    async def _seed(self, source: TradeSource) -> None:
        """Begin with the last trades, and read on behind them."""
        symbol = source.trades.symbol
        while self._sources.get(source.topic) is source:
            try:
                told = await self._market.ask(questions.trades(symbol, limit=TRADES_KEPT_MAX))
            except MatchbusError:
                await asyncio.sleep(_AGAIN_S)
                continue
            rows = told.answer.trades
            position = Position(
                told.epoch, told.log_sequence, told.time_ns, rows[-1].trade.trade_id if rows else 0
            )
            source.seed(rows)
            if self._reader is not None and self._sources.get(source.topic) is source:
                self._reader.follow([source.topic], from_positions={source.topic: position})
            return

    # Who hears it.

    async def _watch(self) -> None:
        """Now and then: say that connections live, cut off who is too slow, leave what nobody reads."""
        while True:
            await asyncio.sleep(_LOOK_S)
            now_ns = monotonic_ns()
            beat = now_ns - self._heartbeat_ns > _HEARTBEAT_NS
            message = msgspec.json.encode(Heartbeat(utc_ns() // 1_000_000)) if beat else b""
            for client in list(self._clients):
                if message:
                    client.tell(message)
                client.look(now_ns, self._slow_ms)
                if code := client.judge():
                    client.close(code)
                if client.is_closed:
                    self.leave(client)
            if beat:
                self._heartbeat_ns = now_ns
            self._leave_idle(now_ns)

    def _leave_idle(self, now_ns: int) -> None:
        gone = []
        for name, source in self._sources.items():
            if source.is_read:
                source.idle_since_ns = None
            elif source.idle_since_ns is None:
                source.idle_since_ns = now_ns
            elif now_ns - source.idle_since_ns > _LINGER_NS:
                gone.append(name)
        for name in gone:
            del self._sources[name]
            self._published_ns.pop(name, None)
        if gone and self._reader is not None:
            self._reader.unfollow(gone)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            if (failure := task.exception()) is not None:
                _LOG.error("a task of the streams ended", reason=repr(failure))


def _source(channel: str, name: str, scale: Scale) -> Source:
    if channel in (BOOK, DEPTH20):
        return BookSource(name, scale)
    if channel == TRADES:
        return TradeSource(name, scale)
    return LatestSource(name, channel, scale)
