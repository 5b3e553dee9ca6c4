"""The one question of a request before its handler runs: may whoever sends it do this, now?

Called by `web.handling` for every request, also for paths and methods that do not exist.
"""

from typing import Protocol

from tornado.httputil import HTTPServerRequest

from web.errors import KEY_NEEDED, Refusal
from web.guard.principal import Principal
from web.routes import Route


class Guard(Protocol):
    """Whoever decides. A refusal is a `web.errors.Refusal`; what it says goes to the caller."""

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """Who calls; None where nobody need be known. `route` is None for what does not exist. Raises Refusal."""

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """How a request ended."""


class OpenDoor:
    """Lets in whoever needs no key, and nobody else."""

    async def admit(self, route: Route | None, request: HTTPServerRequest) -> Principal | None:
        """See Guard."""
        del request
        if route is not None and route.scope is not None:
            raise Refusal(KEY_NEEDED)
        return None

    def told(self, route: Route | None, request: HTTPServerRequest, status: int) -> None:
        """See Guard."""
