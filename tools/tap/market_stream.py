"""What publishers say as it comes: a line an event, for people or as JSON.

Of several publishers each event is shown once. What was missed and had in another way, what is missing, what publishers
contradict each other in: each is a line of its own. Who falls silent is told beside it, on standard error.
"""

import sys
from collections.abc import Iterator
from typing import Any

from bus.clock import monotonic_ns, utc_ns
from bus.protocol.market.streams import STREAMS_HEARTBEAT_TOPIC, Symbol
from bus.protocol.topics import parse
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.stream_items import (
    Differs,
    Item,
    Published,
    PublisherHeard,
    PublisherSilent,
    Resynced,
    Skipped,
)
from bus.sockets.session.prices import Scale
from tools.decoded import json_line, named
from tools.showing import show
from tools.tap.market_lines import item_lines
from tools.tap.stream import Scales

#: How often it is looked whether the time is over.
_LOOK_S = 0.5


def tap_streams(
    reader: MarketReader,
    scales: Scales,
    *,
    as_json: bool,
    with_heartbeats: bool,
    count_max: int | None,
    seconds: float | None,
) -> None:
    """Print what comes until there were so many lines, or so many seconds are over."""
    deadline_ns = None if seconds is None else monotonic_ns() + int(seconds * 1e9)
    count = 0
    while deadline_ns is None or monotonic_ns() < deadline_ns:
        left_s = _LOOK_S if deadline_ns is None else min(_LOOK_S, (deadline_ns - monotonic_ns()) / 1e9)
        for item in reader.items(max(0.0, left_s)):
            if deadline_ns is not None and monotonic_ns() >= deadline_ns:
                return
            if isinstance(item, PublisherSilent | PublisherHeard):
                _note(item)
                continue
            if not with_heartbeats and _is_heartbeat(item):
                continue
            _learn(item, scales)
            for line in _lines(item, scales.of(parse(item.topic)[1]), as_json):
                if as_json:
                    print(line, flush=True)
                else:
                    show(line)
                count += 1
                if count == count_max:
                    return


def _note(item: PublisherSilent | PublisherHeard) -> None:
    """Say on standard error who is silent, and who is heard again."""
    if isinstance(item, PublisherSilent):
        note = f"nothing is heard from the publisher at {item.endpoint}, waiting for it"
    else:
        note = f"the publisher at {item.endpoint} is heard again"
    print(f"note: {note}", file=sys.stderr)


def _is_heartbeat(item: Item) -> bool:
    return isinstance(item, Published) and item.topic.startswith(f"{STREAMS_HEARTBEAT_TOPIC}.")


def _learn(item: Item, scales: Scales) -> None:
    """A symbol that was announced need not be asked for."""
    if isinstance(item, Published):
        for event in item.events:
            if isinstance(event, Symbol):
                scales.know(event.symbol, Scale(event))


def _lines(item: Item, scale: Scale | None, as_json: bool) -> Iterator[Any]:
    if not as_json:
        yield from item_lines(utc_ns(), item, scale)
    elif isinstance(item, Published):
        where = {"topic": item.topic, "sequence": item.sequence, "time_ns": item.time_ns}
        for event in item.events:
            yield json_line({**where, **named(event, scale)})
    elif isinstance(item, Resynced):
        yield json_line(_resynced(item, scale))
    elif isinstance(item, Skipped | Differs):
        yield json_line(named(item))


def _resynced(item: Resynced, scale: Scale | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "topic": item.topic,
        "sequence": item.sequence,
        "time_ns": item.time_ns,
        "type": "Resynced",
        "reason": item.reason,
    }
    if item.book is not None:
        values["book"] = named(item.book, scale)
    if item.trades:
        values["trades"] = [named(row.trade, scale) | {"state": row.state} for row in item.trades]
    return values
