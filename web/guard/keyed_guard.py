"""Whoever signs with a good key is somebody: the guard of a real web.

no key, public route ─▶ in
a key ─▶ known? ─▶ good now? ─▶ in time? ─▶ signed by it? ─▶ from there? ─▶ for this? ─▶ in

What a key may be used for, and from where, is told only to who has proven to hold it. Wired in `tools.web`.
"""

from collections.abc import Mapping
from typing import Final

from tornado.httputil import HTTPServerRequest

from bus.clock import utc_ns
from bus.config import Web
from web.errors import (
    ADDRESS_REFUSED,
    BAD_KEY,
    BAD_SIGNATURE,
    KEY_NEEDED,
    SCOPE_MISSING,
    TIMESTAMP_OUTSIDE,
    Refusal,
)
from web.guard.key_book import KeyBook
from web.guard.principal import READ, Principal
from web.guard.signing import API_KEY, SIGNATURE, TIMESTAMP, request_hash, signed_text, timestamp_ms, verified
from web.routes import MARKET, Route

#: What is signed in a login on an open WebSocket, beside the timestamp: a browser cannot set headers there.
LOGIN_METHOD: Final = "GET"
LOGIN_PATH: Final = "/ws"


class KeyedGuard:
    """See above, and `web.guard.guard.Guard`."""

    def __init__(self, keys: KeyBook, settings: Web) -> None:
        self._keys = keys
        self._settings = settings

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """See Guard. A key that is shown is looked at, also where none is needed."""
        scope = self._scope(route)
        if API_KEY not in request.headers:
            if scope is not None:
                raise Refusal(KEY_NEEDED)
            return None
        key_id, timestamp, signature = (
            _header(request.headers, name) for name in (API_KEY, TIMESTAMP, SIGNATURE)
        )
        # Byte by byte as it was sent: what is not ASCII in a path was read as Latin-1.
        method, path = request.method or "", (request.uri or "").encode("latin-1")
        signed = signed_text(timestamp, method, path, request.body)
        who = await self._who(key_id, timestamp, signature, signed, request.remote_ip or "")
        if scope is not None and scope not in who.scopes:
            raise Refusal(SCOPE_MISSING, f"the key is not for this: it has no scope {scope}")
        return who

    async def check_message(self, key: str, timestamp: int, signature: str, address: str) -> Principal:
        """Who logs in on an open WebSocket from an address of IP. `timestamp` is in ms. Raises Refusal.

        Signed is timestamp + "GET" + "/ws".
        """
        signed = signed_text(str(timestamp), LOGIN_METHOD, LOGIN_PATH.encode(), b"")
        return await self._who(key, str(timestamp), signature, signed, address)

    def holds(self, who: Principal) -> bool:
        """Whether somebody who was let in still would be: a connection that stays open asks now and then."""
        return self._keys.holds(who.key_id)

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """See Guard."""

    def _scope(self, route: Route | None) -> str | None:
        if route is None:
            return None
        if route.scope is None and route.cost == MARKET and self._settings.market_data_needs_key:
            return READ
        return route.scope

    async def _who(
        self, key_id: str, timestamp: str, signature: str, signed: bytes, address: str
    ) -> Principal:
        key = await self._keys.key(key_id)
        now_ms = utc_ns() // 1_000_000
        if key is None or not key.good_at(now_ms):
            raise Refusal(BAD_KEY)
        self._check_time(timestamp, now_ms)
        if not verified(key, signature, signed):
            raise Refusal(BAD_SIGNATURE)
        if not key.good_from(address):
            raise Refusal(ADDRESS_REFUSED, f"the key is not to be used from {address}")
        return Principal(key.account, key.key_id, key.scopes, request_hash(key.key_id, signed))

    def _check_time(self, timestamp: str, now_ms: int) -> None:
        said_ms = timestamp_ms(timestamp)
        window_ms = self._settings.signature_window_ms
        if said_ms is None:
            problem = "X-Timestamp is no time: it is UTC in ms since 1970"
        elif abs(said_ms - now_ms) > window_ms:
            side = "behind" if said_ms < now_ms else "ahead of"
            off_ms = abs(said_ms - now_ms)
            problem = f"X-Timestamp is {off_ms} ms {side} the server's time, at most {window_ms} ms is taken"
        else:
            return
        raise Refusal(
            TIMESTAMP_OUTSIDE,
            f"{problem}; the server's time is {now_ms}",
            TIMESTAMP,
            {"X-Server-Time": str(now_ms)},
        )


def _header(headers: Mapping[str, str], name: str) -> str:
    text = headers.get(name)
    if text is None:
        raise Refusal(
            KEY_NEEDED,
            f"{name} is missing: a signed request has X-API-Key, X-Timestamp and X-Signature",
            name,
        )
    return text
