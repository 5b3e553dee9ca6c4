"""A whole venue as processes on free ports, and plain HTTP to its web: what an outsider has.

with Venue(tmp_path) as venue:
    venue.define("BTC-USD")
    venue.get("/api/v1/orderbook/BTC-USD").json
    alice = venue.key("alice", "read", "trade")
    venue.signed(alice, "POST", "/v1/order", {"symbol": "BTC-USD", ...}).json
"""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from bus.sockets.client import Client
from tests.support.processes import LINE_S, Process, Processes
from tests.support.real_engine import define_on
from web.routes import COSTS

#: Settings of `[web]`: tests send more, and stranger things, than anybody may, all from one address.
WIDE_OPEN: Final[dict[str, Any]] = {
    "never_blocked": "127.0.0.0/8",
    **{f"{cost}_per_s_max": 1_000_000 for cost in COSTS},
}


class Response:
    """An answer: `status`, `headers` by their names in small letters, `body`, and `json`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def json(self) -> Any:
        """The body, read with the standard library, so that JSON is not only what msgspec makes of it."""
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiKey:
    """A key with its secret, as `matchbus keys create` says them."""

    account: str
    key_id: str
    secret: str

    def headers(
        self, method: str, path: str, body: bytes = b"", time_ms: int | None = None
    ) -> dict[str, str]:
        """The headers of a signed request, made with nothing of ours. `time_ms`: not given, now."""
        timestamp = str(time.time_ns() // 1_000_000 if time_ms is None else time_ms)
        signed = f"{timestamp}{method}{path}".encode() + body
        signature = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-API-Key": self.key_id, "X-Timestamp": timestamp, "X-Signature": signature}


class Venue:
    """Engine, publisher, history and web. Everybody else is a stranger who has the web's address.

    `web_facts`: the words of the web's ready line.
    """

    #: More words of the engine's.
    engine_words: tuple[str, ...] = ()
    #: Settings of the engine's.
    engine_settings: Mapping[str, str] = MappingProxyType({})
    #: More words of the publisher's.
    publisher_words: tuple[str, ...] = ()

    def __init__(self, folder: Path, *web_words: str, **environment: str) -> None:
        self.data = folder / "data"
        self.processes = Processes()
        self.port_base = self.processes.port_base
        self.web_port = self.port_base + 30
        self._web_words = web_words
        self._environment = environment

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            # Whoever does not get in does not get out either.
            self.processes.close()
            raise
        return self

    def _start(self) -> None:
        self.engine = self.processes.engine(self.data, *self.engine_words, **self.engine_settings)
        words = ("--data", str(self.data))
        self.publisher = self.processes.start(
            *self.processes.exchange("publisher", *words, *self.publisher_words)
        )
        self.history = self.processes.start(*self.processes.exchange("history", *words))
        self.web = self.start_web()
        for part in (self.publisher, self.history):
            part.ready()
        self.web_facts = self.web.ready()
        self.token = (self.data / "token").read_text(encoding="utf-8").strip()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.close()

    def start_web(self, *more: str) -> Process:
        """An instance of the web; not yet ready. `more`: words of its command line."""
        words = ("web", "--data", str(self.data), *self._web_words, *more)
        wide_open = {f"MATCHBUS_WEB_{name.upper()}": str(value) for name, value in WIDE_OPEN.items()}
        return self.processes.start(*self.processes.exchange(*words), **{**wide_open, **self._environment})

    def define(self, *symbols: str) -> None:
        """Instruments with a tick of 0.01 and a lot of 0.001, which the web knows when this returns."""
        with self.client("operator", role="operator", token=self.token) as operator:
            define_on(operator, *symbols)
        for symbol in symbols:
            path = f"/api/v1/orderbook/{symbol}"
            self.until(partial(self.get, path), lambda answer: answer.status == 200)

    def client(self, account: str, **words: Any) -> Client:
        """A native client."""
        return Client(port_base=self.port_base, account=account, timeout=LINE_S, **words)

    def key(self, account: str, *scopes: str, words: Sequence[str] = ()) -> ApiKey:
        """A key of an account, good at once. `words`: more of `matchbus keys create`."""
        named = [word for scope in scopes for word in ("--scope", scope)]
        said = self.processes.run(
            "keys",
            "create",
            account,
            *named,
            *words,
            "--data",
            str(self.data),
            "--json",
            status=0,
            **self._environment,
        )
        made = json.loads(said)
        return ApiKey(made["account"], made["key"], made["secret"])

    def signed(
        self, key: ApiKey, method: str, path: str, body: Any = None, port: int | None = None
    ) -> Response:
        """A signed request. `body`: bytes as they are, anything else as JSON; None for no body."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = key.headers(method, path, content)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.request(method, path, content or None, headers, port)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """GET."""
        return self.request("GET", path, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> Response:
        """One request on a connection of its own. `port`: of another instance than the first."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.web_port, timeout=LINE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def until(self, ask: Callable[[], Response], holds: Callable[[Response], bool]) -> Response:
        """Ask until something holds of the answer: publishers and history follow the engine, they do not hold it up."""
        deadline = time.monotonic() + LINE_S
        while not holds(answer := ask()):
            assert time.monotonic() < deadline, f"it did not come to hold: {answer.status} {answer.body!r}"
        return answer
