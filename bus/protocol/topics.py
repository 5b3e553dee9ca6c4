"""The names of the feed's streams: `<kind>.<symbol>.`, always with the closing dot.

ZeroMQ matches subscriptions by prefix; the closing dot keeps `BTC` from matching `BTCUSD`. Symbols are upper case, so
the lower-case names of engine-wide streams (`clock.`) can never be one.

    trade.<S>.      trades                          numbered
    level.<S>.      price levels (L2)               numbered
    order.<S>.      orders (L3)                     numbered
    status.<S>.     definition, phase, auctions     numbered
    clock.          ticks, stops of the market      numbered
    heartbeat.<S>.  last numbers of a symbol        not numbered
    heartbeat.clock.                                not numbered
    drop.           on the drop-copy socket only: every report of every account, numbered
    heartbeat.drop. on the drop-copy socket only
"""

import re
from typing import Final

TRADE: Final = "trade"
LEVEL: Final = "level"
ORDER: Final = "order"
STATUS: Final = "status"
HEARTBEAT: Final = "heartbeat"
CLOCK: Final = "clock."
DROP: Final = "drop."

SYMBOL: Final = re.compile(r"[A-Z0-9_-]{1,20}")
ACCOUNT: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
#: Accounts of the venue itself: no client's has a colon in its name.
VENUE_ACCOUNT: Final = re.compile(r"venue:[a-z]{1,20}")
#: Shorter than a symbol, which is usually two of them.
ASSET: Final = re.compile(r"[A-Z0-9]{1,12}")


def topic(kind: str, symbol: str) -> str:
    """The topic of one kind of events of one symbol."""
    return f"{kind}.{symbol}."


def parse(name: str) -> tuple[str, str]:
    """`(kind, symbol)` of a topic; the symbol is "" for an engine-wide one. ValueError for anything else."""
    kind, _, rest = name.partition(".")
    if not kind or (rest and not rest.endswith(".")) or not name.endswith("."):
        raise ValueError(f"not a topic: {name!r}")
    return kind, rest[:-1]
