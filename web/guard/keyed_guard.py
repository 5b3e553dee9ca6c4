"""Whoever signs with a good key is somebody: the guard of a real web.

kept out? ─▶ too many from there? ─┬─ no key, public route ─────────────────────────────▶ in
                                   └─ a key ─▶ known? ─▶ good now? ─▶ in time? ─▶ signed by it? ─▶ from there?
                                                       ─▶ kept out? ─▶ too many with it? ─▶ for this? ─▶ in

What a key may be used for, and from where, is told only to who has proven to hold it. Wired in `tools.web`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPServerRequest

from bus.clock import monotonic_ns, utc_ns
from bus.config import Web
from web.edge.proxies import FORWARDED_FOR
from web.errors import (
    ADDRESS_REFUSED,
    BAD_KEY,
    BAD_SIGNATURE,
    KEY_NEEDED,
    RATE_LIMITED,
    SCOPE_MISSING,
    TIMESTAMP_OUTSIDE,
    Refusal,
)
from web.guard.audit import Audit
from web.guard.intrusion import BAD_KEY_SIGN, BAD_SIGNATURE_SIGN, SCAN_SIGN
from web.guard.key_book import KeyBook
from web.guard.limits import Limits, Taken, rates
from web.guard.networks import Networks
from web.guard.principal import READ, Principal
from web.guard.signing import API_KEY, SIGNATURE, TIMESTAMP, request_hash, signed_text, timestamp_ms, verified
from web.guard.watch import Watch, address_holder, key_holder
from web.routes import ADMIN, HOUSE, KEYS, MARKET, MONEY, ORDERS, Route

#: What is signed in a login on an open WebSocket, beside the timestamp: a browser cannot set headers there.
LOGIN_METHOD: Final = "GET"
LOGIN_PATH: Final = "/ws"


#: Offices and homes have one address for many: with keys so many times what one key may.
_KEYS_BEHIND_AN_ADDRESS: Final = 10
#: What a refusal is a sign of.
_SIGNS: Final = {BAD_KEY: BAD_KEY_SIGN, BAD_SIGNATURE: BAD_SIGNATURE_SIGN}


class _Seen:
    """What the guard knows of a request: what was taken for it last, and who it is from."""

    __slots__ = ("taken", "who")

    def __init__(self) -> None:
        self.taken: Taken | None = None
        self.who: Principal | None = None


class KeyedGuard:
    """See above, and `web.guard.guard.Guard`."""

    def __init__(self, keys: KeyBook, settings: Web, audit: Audit) -> None:
        self._keys = keys
        self._settings = settings
        self._watch = Watch(settings, audit)
        self._limits = Limits(rates(settings))
        self._monitoring = Networks(settings.metrics_networks)
        self._seen: WeakKeyDictionary[HTTPServerRequest, _Seen] = WeakKeyDictionary()

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """See Guard. A key that is shown is looked at, also where none is needed."""
        address, now_ns = request.remote_ip or "", monotonic_ns()
        seen = self._seen[request] = _Seen()
        holder = address_holder(address)
        self._watch.let_pass(holder, now_ns)
        scope, cost = self._scope(route), HOUSE if route is None else route.cost
        if API_KEY not in request.headers:
            self._take(holder, cost, address, now_ns, seen)
            if scope is not None and not self._monitors(route, address, request):
                raise Refusal(KEY_NEEDED)
            return None
        # Before the signature is looked at, which costs something, too.
        self._take(f"{holder} with keys", cost, address, now_ns, seen, _KEYS_BEHIND_AN_ADDRESS)
        key_id, timestamp, signature = (
            _header(request.headers, name) for name in (API_KEY, TIMESTAMP, SIGNATURE)
        )
        # Byte by byte as it was sent: what is not ASCII in a path was read as Latin-1.
        method, path = request.method or "", (request.uri or "").encode("latin-1")
        signed = signed_text(timestamp, method, path, request.body)
        who = await self._who(key_id, timestamp, signature, signed, address)
        seen.who = who
        self._take(key_holder(who.key_id), cost, address, now_ns, seen)
        if scope is not None and scope not in who.scopes:
            raise Refusal(SCOPE_MISSING, f"the key is not for this: it has no scope {scope}")
        return who

    def headers(self, request: HTTPServerRequest) -> Mapping[str, str]:
        """See Guard."""
        seen = self._seen.get(request)
        if seen is None or seen.taken is None:
            return {}
        taken = seen.taken
        return {
            "RateLimit-Limit": str(taken.limit),
            "RateLimit-Remaining": str(taken.remaining),
            "RateLimit-Reset": str(taken.full_in_s),
        }

    def caller(self, request: HTTPServerRequest) -> Principal | None:
        """See Guard."""
        seen = self._seen.get(request)
        return None if seen is None else seen.who

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """See Guard."""
        address, now_ns, who = request.remote_ip or "", monotonic_ns(), self.caller(request)
        if route is None:
            if status == HTTPStatus.NOT_FOUND:
                self._watch.sign(address, SCAN_SIGN, now_ns, path=request.path)
        elif who is not None:
            if route.cost == ORDERS and 400 <= status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
                self._watch.order_refused(who.key_id, now_ns)
            elif route.cost == KEYS and route.method != "GET" and status < 300:
                self._watch.keys_changed(
                    now_ns,
                    by=who.key_id,
                    account=who.account,
                    address=address,
                    method=route.method,
                    path=request.path,
                )
            elif route.cost in (ADMIN, MONEY) and route.method != "GET":
                told = self._watch.operated if route.cost == ADMIN else self._watch.moved
                told(
                    now_ns,
                    by=who.key_id,
                    account=who.account,
                    address=address,
                    path=request.path,
                    body=request.body.decode(errors="replace"),
                    status=status,
                )

    async def check_message(self, key: str, timestamp: int, signature: str, address: str) -> Principal:
        """See Guard. `timestamp` is in ms, `address` the IP of whoever holds the connection."""
        self._watch.let_pass(address_holder(address), monotonic_ns())
        signed = signed_text(str(timestamp), LOGIN_METHOD, LOGIN_PATH.encode(), b"")
        return await self._who(key, str(timestamp), signature, signed, address)

    def spend(self, who: Principal, cost: str) -> None:
        """See Guard."""
        now_ns = monotonic_ns()
        self._watch.let_pass(key_holder(who.key_id), now_ns)
        taken = self._limits.take(key_holder(who.key_id), cost, now_ns)
        if taken.retry_s:
            raise _limited(taken, cost)

    def holds(self, who: Principal) -> bool:
        """See Guard."""
        return self._keys.holds(who.key_id)

    @property
    def is_sure(self) -> bool:
        """See Guard."""
        return self._keys.is_fresh

    async def make_sure(self, who: Principal) -> None:
        """See Guard."""
        await self._keys.key(who.key_id)
        if not self.holds(who):
            raise Refusal(BAD_KEY)

    def order_refused(self, who: Principal) -> None:
        """See Guard."""
        self._watch.order_refused(who.key_id, monotonic_ns())

    def _monitors(self, route: Route | None, address: str, request: HTTPServerRequest) -> bool:
        """Whether this is a question of a monitoring system, which cannot sign.

        One that came through a proxy of which no setting knows has the proxy's address, whoever has sent it.
        """
        return (
            route is not None
            and route.monitoring
            and address in self._monitoring
            and (bool(self._settings.trusted_proxies) or FORWARDED_FOR not in request.headers)
        )

    def _take(self, holder: str, cost: str, address: str, now_ns: int, seen: _Seen, times: int = 1) -> None:
        """One request from an allowance, of which the answer will tell. Raises Refusal."""
        self._watch.let_pass(holder, now_ns)
        taken = seen.taken = self._limits.take(holder, cost, now_ns, times)
        if taken.retry_s:
            self._watch.limited(holder, address, now_ns)
            raise _limited(taken, cost)

    def _scope(self, route: Route | None) -> str | None:
        if route is None:
            return None
        if route.scope is None and route.cost == MARKET and self._settings.market_data_needs_key:
            return READ
        return route.scope

    async def _who(
        self, key_id: str, timestamp: str, signature: str, signed: bytes, address: str
    ) -> Principal:
        """Who has signed; a wrong key or signature is a sign of an intrusion."""
        try:
            return await self._signer(key_id, timestamp, signature, signed, address)
        except Refusal as refusal:
            if refusal.code in _SIGNS:
                self._watch.sign(address, _SIGNS[refusal.code], monotonic_ns(), key=key_id)
            raise

    async def _signer(
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


def _limited(taken: Taken, cost: str) -> Refusal:
    return Refusal(
        RATE_LIMITED,
        f"too many requests of the class {cost}: {taken.limit} may come at once; go on in {taken.retry_s} s",
        headers={"Retry-After": str(taken.retry_s)},
    )
