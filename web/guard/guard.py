"""The one question of a request before its handler runs: may whoever sends it do this, now?

Called by `web.handling` for every request, also for paths and methods that do not exist.
"""

from collections.abc import Mapping
from typing import Protocol

from tornado.httputil import HTTPServerRequest

from web.errors import KEY_NEEDED, Refusal
from web.guard.principal import Principal
from web.routes import Route


class Guard(Protocol):
    """Whoever decides. A refusal is a `web.errors.Refusal`; what it says goes to the caller."""

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """Who calls; None where nobody need be known. `route` is None for what does not exist. Raises Refusal."""

    def headers(self, request: HTTPServerRequest) -> Mapping[str, str]:
        """What the answer to a request says of its sender's limits."""

    def caller(self, request: HTTPServerRequest) -> Principal | None:
        """Who has proven to be somebody, also where a request was refused all the same."""

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """How a request ended."""

    async def check_message(self, key: str, timestamp: int, signature: str, address: str) -> Principal:
        """Who logs in on an open WebSocket. Signed is `timestamp + "GET" + "/ws"`. Raises Refusal."""

    def spend(self, who: Principal, cost: str) -> None:
        """One request of a class of cost on an open WebSocket. Raises Refusal when it is one too many."""

    def holds(self, who: Principal) -> bool:
        """Whether somebody who was let in still would be: a connection that stays open asks now and then."""

    @property
    def is_sure(self) -> bool:
        """Whether what `holds` says is no older than may be for who acts on it."""

    async def make_sure(self, who: Principal) -> None:
        """Find out whether somebody who was let in still would be. Raises Refusal, also when nobody can know."""

    def order_refused(self, who: Principal) -> None:
        """An order that came over an open WebSocket was refused."""


class OpenDoor:
    """Lets in whoever needs no key, and nobody else."""

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """See Guard."""
        del request
        if route is not None and route.scope is not None:
            raise Refusal(KEY_NEEDED)
        return None

    def headers(self, request: HTTPServerRequest) -> Mapping[str, str]:
        """See Guard."""
        del request
        return {}

    def caller(self, request: HTTPServerRequest) -> Principal | None:
        """See Guard."""
        del request
        return None

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """See Guard."""

    async def check_message(self, key: str, timestamp: int, signature: str, address: str) -> Principal:
        """See Guard."""
        del key, timestamp, signature, address
        raise Refusal(KEY_NEEDED)

    def spend(self, who: Principal, cost: str) -> None:
        """See Guard."""

    def holds(self, who: Principal) -> bool:
        """See Guard."""
        del who
        return False

    @property
    def is_sure(self) -> bool:
        """See Guard."""
        return True

    async def make_sure(self, who: Principal) -> None:
        """See Guard."""
        del who
        raise Refusal(KEY_NEEDED)

    def order_refused(self, who: Principal) -> None:
        """See Guard."""
