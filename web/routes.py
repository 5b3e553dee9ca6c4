"""What a route is: a method, a path, who may, what it costs, what goes in and what comes out.

All that anybody wants to know of a request stands in its route, so that the dispatcher, the guard and the documents
have one source. Routes are made at the end of each file of `web.rest`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct

from web.call import Call

#: Cost classes: what rate limits count together.
HOUSE: Final = "house"  # time, health
MARKET: Final = "market"  # market data
PAGE: Final = "page"  # files of the trading page
HISTORY: Final = "history"  # orders and executions of the past
ORDERS: Final = "orders"  # what changes the book
CANCELS: Final = "cancels"  # what leaves it
MONEY: Final = "money"  # what accounts have, and moving it
KEYS: Final = "keys"
ADMIN: Final = "admin"  # what operators do
COSTS: Final = (HOUSE, MARKET, PAGE, HISTORY, ORDERS, CANCELS, MONEY, KEYS, ADMIN)


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters but those of every route."""


class Route(Struct, frozen=True, kw_only=True):
    """See above.

    `path`: with `{name}` for what varies. `scope`: which a key must have, None where no key is needed. `body`: the
    Struct of the JSON body, None for none. `answer`: the Struct of the answer. `cache_s`: how long others may keep the
    answer; None: not at all. `content_type`: of the answer; where it is not JSON the handler gives the bytes.
    `otherwise`: a second status of the answer, for bad news in the same shape; see Otherwise.
    `monitoring`: no key is needed from the addresses of `web.metrics_networks`.
    """

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Any]]
    summary: str
    scope: str | None
    cost: str
    answer: type[Struct]
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    status: int = 200
    cache_s: int | None = None
    content_type: str = "application/json"
    monitoring: bool = False
    otherwise: int | None = None


class Otherwise(Exception):
    """Raised by a handler: this is the answer, with the status `otherwise` of its route."""

    def __init__(self, answer: Struct) -> None:
        super().__init__(type(answer).__name__)
        self.answer = answer
