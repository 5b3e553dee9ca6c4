"""WebSocket connections: how one is opened, and what Tornado says of it.

The guard is asked before a connection is upgraded; until then what is refused is refused as over HTTP. A key need
not be shown then, for a browser cannot: what needs one needs a login first.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

from msgspec import Struct
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from bus.errors import MatchbusError
from web.call import Call
from web.errors import ORIGIN_REFUSED, TOO_MANY_SUBSCRIPTIONS, UPGRADE_NEEDED, Refusal, of_failure
from web.handling import Handler
from web.routes import HOUSE, Route
from web.schemas.stream import ExecutionsStreamQuery
from web.stream.client import Client
from web.stream.conversation import SUBSCRIPTIONS_MAX, Conversation
from web.stream.frames import write_messages

#: A message of a client: a batch of subscriptions has some 5 kB.
MESSAGE_BYTES_MAX: Final = 65_536
#: Who does not answer a ping within another such time is gone.
_PING_S: Final = 20.0
#: Fast rather than small: the work is done once for each connection.
_COMPRESSION: Final = {"compression_level": 1, "mem_level": 5}


class Socket(Handler, WebSocketHandler):
    """One connection. What is not an upgrade is answered as over HTTP."""

    async def get(self, *_: Any, **__: Any) -> None:
        """Open it."""
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            await self._any()
            return
        route = self._routes["GET"]
        try:
            self._who = await self._guard.admit(route, self.request)
            if self._check_cross_origin(self.check_origin) is not None:
                raise Refusal(ORIGIN_REFUSED)
            await self._prepare(self._read_query(route)[0])
        except MatchbusError as failure:
            self._refuse(of_failure(failure))
            self._guard.told(route, self.request, self.get_status())
            return
        except Refusal as refusal:
            self._refuse(refusal)
            self._guard.told(route, self.request, self.get_status())
            return
        await WebSocketHandler.get(self)
        self._guard.told(route, self.request, self.get_status())

    def check_origin(self, origin: str) -> bool:
        """Whether a page may open it: of this host, or one that is allowed. Who is no browser says no origin."""
        return super().check_origin(origin) or origin in self._house.origins

    async def _prepare(self, query: Any) -> None:
        """Before it is opened. Raises Refusal for what can never be told, MatchbusError."""

    def open(self, *_: str, **__: str) -> Awaitable[None] | None:
        """The connection is there."""
        self.set_nodelay(True)
        self._client = Client(self._put, self.close)
        self._conversation = Conversation(
            self._house, self._guard, self._client, self._who, self.request.remote_ip or ""
        )
        self._house.hub.join(self._client)
        return None

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """What the client says."""
        return self._conversation.take(message)

    def on_close(self) -> None:
        """The connection has ended."""
        self._conversation.close()

    @property
    def max_message_size(self) -> int:
        """Beyond it Tornado closes with 1009."""
        return MESSAGE_BYTES_MAX

    @property
    def ping_interval(self) -> float | None:
        """So that a connection whose other end is gone ends."""
        return _PING_S

    def get_compression_options(self) -> dict[str, Any] | None:
        """For clients that want it."""
        return _COMPRESSION if self._house.config.web.websocket_deflate else None

    def _put(self, messages: list[bytes]) -> "asyncio.Future[None]":
        connection = self.ws_connection
        try:
            if not isinstance(connection, WebSocketProtocol13) or connection.is_closing():
                raise StreamClosedError
            return write_messages(connection, messages)
        except StreamClosedError as ended:
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            over.set_exception(ended)
            return over


class ExecutionsSocket(Socket):
    """One connection that begins with executions: one's own, or the public trades."""

    async def _prepare(self, query: ExecutionsStreamQuery) -> None:
        """See Socket."""
        self._query = query
        self._symbols = list(dict.fromkeys(filter(None, (query.symbols or "").split(","))))
        if len(self._symbols) > SUBSCRIPTIONS_MAX:
            raise Refusal(TOO_MANY_SUBSCRIPTIONS, field="symbols")
        for symbol in self._symbols:
            try:
                await self._house.symbols.scale(symbol)
            except Refusal as refusal:
                raise Refusal(refusal.code, f"{symbol[:32]}: {refusal.message}", "symbols") from None

    def open(self, *_: str, **__: str) -> Awaitable[None] | None:
        """The connection is there."""
        super().open()
        return self._conversation.begin_executions(self._query, self._symbols)


class Nothing(Struct, frozen=True):
    """What is never answered."""


async def upgrade_needed(call: Call) -> Nothing:
    """Whoever comes without a WebSocket."""
    del call
    raise Refusal(UPGRADE_NEEDED, headers={"Upgrade": "websocket"})


ROUTES: Final = (
    Route(
        method="GET",
        path="/ws",
        handler=upgrade_needed,
        summary="Streams, over a WebSocket",
        scope=None,
        cost=HOUSE,
        answer=Nothing,
    ),
    Route(
        method="GET",
        path="/ws/executions",
        handler=upgrade_needed,
        summary="Executions, over a WebSocket: one's own with a key, the public trades without",
        scope=None,
        cost=HOUSE,
        query=ExecutionsStreamQuery,
        answer=Nothing,
    ),
)
#: path -> what opens a connection there
HANDLERS: Final = {"/ws": Socket, "/ws/executions": ExecutionsSocket}
