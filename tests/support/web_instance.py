"""An instance of the web in the test's own loop, on a free port, beside the processes of a venue.

async with WebInstance(venue, slow_reader_ms=500) as instance:
    instance.url, instance.house
"""

from contextlib import AsyncExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from bus.config_loading import load_config
from bus.sockets.market.market_sockets import publisher_at
from tests.support.venue import WIDE_OPEN, Venue
from web.application import application
from web.guard.audit import Audit
from web.guard.key_book import KeyBook
from web.guard.keyed_guard import KeyedGuard
from web.guard.store import KeyStore
from web.house import House
from web.server import Server


class WebInstance:
    """See above. `settings` are those of `[web]`."""

    def __init__(self, venue: Venue, **settings: Any) -> None:
        self._venue = venue
        self._settings = {f"web.{name}": value for name, value in {**WIDE_OPEN, **settings}.items()}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "WebInstance":
        data: Path = self._venue.data
        given = {"engine.port_base": self._venue.port_base, "engine.data_dir": str(data), **self._settings}
        config = load_config(command_line=given)
        context = self._stack.enter_context(zmq.Context())
        store = self._stack.enter_context(closing(KeyStore(config)))
        keys = KeyBook(store)
        publishers = [publisher_at(self._venue.port_base)]
        self.house = House(config, publishers, self._venue.token, context, keys)
        self._stack.push_async_callback(self.house.close)
        await self.house.open()
        audit = self._stack.enter_context(closing(Audit(str(data), config.web.audit_bytes_max)))
        guard = KeyedGuard(keys, config.web, audit)
        server = Server(("127.0.0.1", 0), config.web, application(self.house, guard))
        self._stack.push_async_callback(server.close)
        server.start()
        self.port = int(server.url.rpartition(":")[2])
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
