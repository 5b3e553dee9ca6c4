"""An engine and a web in front of it, as processes, and a key with which an account may send as much as it can.

Settings are the usual ones, but for limits that exist so that nobody does what a benchmark does. A publisher runs where
it is wanted. Called by the measurements.
"""

import contextlib
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final

from bus.config import Config, Engine
from bus.errors import NotConnected
from tools.bench import parts
from tools.bench.session import Session
from tools.up.ports import free_port_base
from web.guard.keys import wish
from web.guard.principal import READ, TRADE
from web.guard.store import KeyStore
from web.routes import COSTS

HOST: Final = "127.0.0.1"
ACCOUNT: Final = "bench"
#: How long a publisher may take to know an instrument; it is milliseconds.
_KNOWN_S: Final = 30.0
_PER_S_MAX: Final = 1_000_000
_LIMITS: Final = {f"MATCHBUS_WEB_{cost.upper()}_PER_S_MAX": str(_PER_S_MAX) for cost in COSTS}


class Venue:
    """Both run. `key` and `secret` are those of the account ACCOUNT."""

    def __init__(self, engine: parts.EnginePart, web: parts.Part) -> None:
        self.engine = engine
        self.web = web
        self.port = int(web.facts["web"].rpartition(":")[2])
        with closing(KeyStore(Config(engine=Engine(data_dir=engine.data)))) as store:
            key, secret = store.create(wish(ACCOUNT, [READ, TRADE]))
        assert secret is not None, "a key of HMAC has one"
        self.key, self.secret = key.key_id, secret

    def define(self, symbol: str) -> None:
        """A new instrument."""
        with Session(self.engine.orders, "bench-operator", self.engine.token) as session:
            session.define(symbol)

    def cancel_all(self) -> None:
        """All open orders of the account go."""
        with Session(self.engine.orders, ACCOUNT, self.engine.token) as session:
            session.cancel_all()

    def until_known(self, symbol: str) -> None:
        """Wait until the publisher tells the web of an instrument."""
        deadline_s = time.monotonic() + _KNOWN_S
        while True:
            with closing(HTTPConnection(HOST, self.port, timeout=_KNOWN_S)) as connection:
                connection.request("GET", f"/api/v1/orderbook/{symbol}")
                if connection.getresponse().status == HTTPStatus.OK:
                    return
            if time.monotonic() > deadline_s:
                raise NotConnected(f"the web does not know {symbol} after {_KNOWN_S:.0f} s")


@contextlib.contextmanager
def venue(sync: parts.Sync, with_publisher: bool = False) -> Iterator[Venue]:
    """One, with ports and a data directory of its own."""
    base = free_port_base(HOST)
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(parts.engine(sync, port_base=base))
        if with_publisher:
            stack.enter_context(parts.publisher(base, engine.data))
        yield Venue(engine, stack.enter_context(parts.web(base, engine.data, _LIMITS)))
