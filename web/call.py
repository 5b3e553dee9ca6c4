"""What a handler is given: one request, as far as it concerns it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from web.guard.principal import Principal
from web.house import House


class Call(Struct, frozen=True):
    """`path`: what stands in the place of the route's `{name}`s. `query` and `body` are of the route's own types.

    `who`: None where no key was needed, or given.
    """

    house: House
    path: Mapping[str, str]
    query: Any
    body: Any
    who: Principal | None

    @property
    def caller(self) -> Principal:
        """Who calls, of a route that has a scope."""
        assert self.who is not None, "the guard lets nobody in here without a key"
        return self.who
