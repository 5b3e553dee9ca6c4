"""Which market data a request or a subscription is about, in the words of channels: `book`, `trades`, `klines_1m`."""

from collections.abc import Mapping
from typing import Final

from bus.protocol.market.streams import INTERVALS

#: Where a request and a subscription came from.
REST: Final = "rest"
STREAM: Final = "stream"

#: path of a route -> what it gives
DATA: Final[Mapping[str, str]] = {
    "/api/v1/symbols/{symbol}": "symbols",
    "/api/v1/orderbook/{symbol}": "book",
    "/api/v1/executions/{symbol}": "trades",
    "/api/v1/statistics/{symbol}": "statistics",
    "/api/v1/klines/{symbol}/{interval}": "klines",
    "/api/v1/indicators/{symbol}/{interval}/{indicator}": "indicators",
}


def data_of(path: str, names: Mapping[str, str]) -> str | None:
    """What a request to a route with these names in its path is about; None for no market data of a symbol."""
    data = DATA.get(path)
    interval = names.get("interval")
    if data is None or interval is None:
        return data
    return f"{data}_{interval}" if interval in INTERVALS else None
