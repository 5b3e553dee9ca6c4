"""What handlers reach: the clients of the other processes, opened and closed together."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import zmq

from bus.config import Config
from bus.metrics.page import Page
from bus.protocol.terms import OPERATOR
from bus.sockets.history_client import AsyncHistoryClient
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.market_sockets import PublisherAddress
from web.alert_ids import AlertIds
from web.assets import Assets
from web.guard.key_book import KeyBook
from web.guard.origins import Origins
from web.readiness import Parts
from web.sessions import Sessions
from web.stream.hub import Hub
from web.stream.own import Own
from web.symbols import Symbols
from web.tally import Tally
from web.turns import Turns
from web.usage.recorder import Recorder


class House:
    """See above. `token`: of the data directory; shown to the engine and the history, for the web speaks for accounts.

    `market` asks the publishers, `history` what accounts did, `turns` who may ask it now, `sessions` acts for them,
    `operators` for those who rule over the market, each under the account of its key;
    `symbols` has the scales of all instruments, `assets` the decimals of all assets; `keys` are the API keys, as all
    instances have them; `alert_ids` knows whose an alert is; `hub` reads the publishers' streams, `own` tells accounts
    what becomes of their orders; `tally` counts requests, `usage` by whom and for what; `origins` are the pages of
    others that are let in; `parts` are the processes behind it.
    `page` is what an instance tells of itself; None where it tells nothing.
    """

    def __init__(
        self,
        config: Config,
        publishers: Sequence[PublisherAddress],
        token: str,
        context: "zmq.Context[zmq.Socket[bytes]]",
        keys: KeyBook,
    ) -> None:
        self.config = config
        self.publishers = list(publishers)
        self.token = token
        self.context = context
        self.keys = keys
        engine = config.engine
        timeout = config.web.answer_timeout_ms / 1000
        self.market = AsyncMarketClient(self.publishers, timeout=timeout, context=context)
        self.history = AsyncHistoryClient(
            engine.host, engine.port_base, token=token, timeout=timeout, context=context
        )
        self.origins = Origins(config.web.allowed_origins)
        self.symbols = Symbols(self.market)
        self.assets = Assets()
        self.sessions = Sessions(config, token, context)
        self.operators = Sessions(config, token, context, OPERATOR)
        self.turns = Turns()
        self.alert_ids = AlertIds(token)
        self.own = Own(self.sessions, self.history, self.turns, self.assets)
        self.hub = Hub(
            self.publishers, self.market, self.symbols, context, config.web.slow_reader_ms, self.alert_ids
        )
        self.tally = Tally()
        self.usage = Recorder(config, self.symbols)
        self.parts = Parts(config, self.market, self.history, context)
        self.page: Page | None = None
        self._open = AsyncExitStack()

    async def open(self) -> None:
        """Connect. Nobody need be there yet, but the database of the keys. Raises StoreUnavailable."""
        await self.keys.open()
        self._open.push_async_callback(self.keys.close)
        await self.usage.open()
        self._open.push_async_callback(self.usage.close)
        await self._open.enter_async_context(self.market)
        await self._open.enter_async_context(self.history)
        self.parts.open()
        self._open.callback(self.parts.close)
        self._open.push_async_callback(self.sessions.close)
        self._open.push_async_callback(self.operators.close)
        self._open.callback(self.own.close)
        await self.hub.open()
        self._open.callback(self.hub.close)

    async def close(self) -> None:
        """Disconnect. Safe to call twice."""
        await self._open.aclose()
