"""The analysis of use: who asks for what, and how long it takes."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from web.schemas.values import Milliseconds

#: A month: what is kept is set by `web.usage_hours`.
MINUTES_MAX: Final = 44_640
_Name = Annotated[str, Meta(min_length=1, max_length=36)]


class UsageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Over which time, and of whom. `limit`: how many rows each list has at most."""

    minutes: Annotated[int, Meta(ge=1, le=MINUTES_MAX, description="So many minutes, until now.")] = 60
    limit: Annotated[int, Meta(ge=1, le=1_000, description="Rows of each list.")] = 20
    key: Annotated[_Name, Meta(description="Only calls with this key.")] | None = None
    account: Annotated[_Name, Meta(description="Only calls with keys of this account.")] | None = None
    symbol: Annotated[_Name, Meta(description="Only what is about this instrument.")] | None = None


class KeyUse(Struct, frozen=True):
    """Calls with one key; `key` and `account` are null for those without one. `last_ms`: the last one's minute."""

    key: str | None
    account: str | None
    calls: int
    refused: int
    failed: int
    mean_us: int
    last_ms: Milliseconds


class RouteUse(Struct, frozen=True):
    """Calls of one route. `method` WS: messages over WebSocket, by what they ask for.

    Half of them took at most `p50_us`, 99 of 100 at most `p99_us`; null where only a part of the calls is looked at.
    """

    method: str
    path: str
    calls: int
    refused: int
    failed: int
    mean_us: int
    p50_us: int | None
    p99_us: int | None


class SymbolUse(Struct, frozen=True):
    """Calls that were about one instrument, whatever they wanted of it."""

    symbol: str
    calls: int
    refused: int
    failed: int


class StatusUse(Struct, frozen=True):
    """Calls that were answered with one status."""

    status: int
    calls: int


class DataUse(Struct, frozen=True):
    """Market data of one instrument: how often it was asked for over REST, and subscribed to over WebSocket."""

    data: str
    symbol: str
    requests: int
    subscriptions: int


class Usage(Struct, frozen=True):
    """What was asked of all instances. `refused` are statuses of 4xx, `failed` of 5xx.

    Each list begins with what was called most, `slowest` with the highest `p99_us`. Where there were too many different
    calls in a minute, the key or symbol `other` stands for the rest.
    """

    from_ms: Milliseconds
    to_ms: Milliseconds
    calls: int
    refused: int
    failed: int
    keys: list[KeyUse]
    routes: list[RouteUse]
    slowest: list[RouteUse]
    symbols: list[SymbolUse]
    statuses: list[StatusUse]
    data: list[DataUse]
