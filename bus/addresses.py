"""Where the sockets of one exchange listen: a fixed offset each from one port base.

One number moves a whole exchange, so two on one machine need no list of ports. Asked by whatever binds or connects;
nobody else adds to a port number.
"""

from typing import Final

import msgspec

#: What is added to the port base.
OFFSETS: Final = {
    "orders": 1,
    "feed": 2,
    "recovery": 3,
    "drop_copy": 4,
    "deep_recovery": 5,
    "market_data": 11,
    "market_requests": 12,
    "history": 13,
    "exposures": 14,
    "web": 30,
    "metrics_engine": 41,
    "metrics_publisher": 42,
    "metrics_shadow": 43,
    "metrics_history": 44,
    "metrics_web": 45,
}
#: Instances of the web that share its port; the metrics of each further one are a port higher. Each serves from one
#: core, and one engine has not more to do than so many can bring.
WEB_INSTANCES_MAX: Final = 32
HIGHEST_OFFSET: Final = max(*OFFSETS.values(), OFFSETS["metrics_web"] + WEB_INSTANCES_MAX - 1)

#: Where an HTTP server listens: host and port, port 0 for whatever is free.
HostPort = tuple[str, int]


class Addresses(msgspec.Struct, frozen=True):
    """The endpoints of one exchange: of ZeroMQ, and where its processes speak HTTP."""

    # The engine.
    orders: str  # ROUTER: commands in, private reports out
    feed: str  # PUB: the public numbered stream
    recovery: str  # ROUTER: what a reader of the feed has missed
    drop_copy: str  # PUB: every private report, for the house
    # The shadow.
    deep_recovery: str  # ROUTER: what the engine no longer keeps
    # The publisher.
    market_data: str  # XPUB: candles, depth, statistics
    market_requests: str  # ROUTER: snapshots of these, and history
    # The private history.
    history: str  # ROUTER: orders and executions of an account
    exposures: str  # PUB: what accounts hold and have open, for the house
    # The web.
    web: HostPort  # HTTP: REST, WebSocket and the page
    metrics_engine: HostPort
    metrics_publisher: HostPort
    metrics_shadow: HostPort
    metrics_history: HostPort
    metrics_web: HostPort


def addresses(port_base: int, host: str) -> Addresses:
    """The endpoints for a port base; with base 0 each socket binds whatever port is free (`:*`, and port 0)."""
    return Addresses(
        orders=_endpoint(port_base, "orders", host),
        feed=_endpoint(port_base, "feed", host),
        recovery=_endpoint(port_base, "recovery", host),
        drop_copy=_endpoint(port_base, "drop_copy", host),
        deep_recovery=_endpoint(port_base, "deep_recovery", host),
        market_data=_endpoint(port_base, "market_data", host),
        market_requests=_endpoint(port_base, "market_requests", host),
        history=_endpoint(port_base, "history", host),
        exposures=_endpoint(port_base, "exposures", host),
        web=_host_port(port_base, "web", host),
        metrics_engine=_host_port(port_base, "metrics_engine", host),
        metrics_publisher=_host_port(port_base, "metrics_publisher", host),
        metrics_shadow=_host_port(port_base, "metrics_shadow", host),
        metrics_history=_host_port(port_base, "metrics_history", host),
        metrics_web=_host_port(port_base, "metrics_web", host),
    )


def _endpoint(port_base: int, name: str, host: str) -> str:
    return f"tcp://{host}:{port_base + OFFSETS[name] if port_base else '*'}"


def _host_port(port_base: int, name: str, host: str) -> HostPort:
    return host, port_base + OFFSETS[name] if port_base else 0
