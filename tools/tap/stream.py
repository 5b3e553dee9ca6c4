"""Every event of some topics as it comes: a line each, for people or as JSON.

A gap is healed before anything behind it is shown; what cannot be healed is a line of its own, as is a book that
begins anew (`BookSnapshot` in JSON).
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from bus.clock import monotonic_ns, utc_ns
from bus.protocol.feed import InstrumentDefined
from bus.protocol.topics import HEARTBEAT, parse
from bus.sockets.reading.feed_items import DropReport, Resynced
from bus.sockets.session.prices import Scale
from bus.sockets.subscriber import Subscriber
from tools.decoded import json_line, named
from tools.showing import show
from tools.tap.lines import event_line

#: Heartbeats come every second: after three of them something is wrong.
_SILENCE_NS: Final = 3_000_000_000


class Scales:
    """The scale of each symbol, asked for when one is met that is new."""

    def __init__(self, ask: Callable[[], dict[str, Scale]]) -> None:
        self._ask = ask
        self._known: dict[str, Scale | None] = {**ask()}

    def of(self, symbol: str) -> Scale | None:
        """None where the exchange does not know it either."""
        if symbol and symbol not in self._known:
            self._known.update(self._ask())
            self._known.setdefault(symbol, None)
        return self._known.get(symbol)

    def know(self, symbol: str, scale: Scale) -> None:
        """The scale of a symbol that was told."""
        self._known[symbol] = scale

    def learn(self, event: object) -> None:
        """A definition that was published is one that need not be asked for."""
        if isinstance(event, InstrumentDefined) and not self._known.get(event.symbol):
            self._known.pop(event.symbol, None)


def tap_events(
    subscriber: Subscriber,
    scales: Scales,
    *,
    as_json: bool,
    with_heartbeats: bool,
    count_max: int | None,
    seconds: float | None,
) -> None:
    """Print what comes until there were so many events, or so many seconds are over."""
    deadline_ns = None if seconds is None else monotonic_ns() + int(seconds * 1e9)
    count = 0
    heard_ns = monotonic_ns()
    silent = False
    while True:
        now = monotonic_ns()
        if deadline_ns is not None and now >= deadline_ns:
            return
        if now - heard_ns >= _SILENCE_NS and not silent:
            silent = True
            print("note: nothing is heard from the exchange, waiting for it", file=sys.stderr)
        wait_ns = _SILENCE_NS if deadline_ns is None else min(_SILENCE_NS, deadline_ns - now)
        for topic, number, event in subscriber.events(wait_ns / 1e9):
            heard_ns = monotonic_ns()
            if silent:
                silent = False
                print("note: the exchange is heard again", file=sys.stderr)
            if deadline_ns is not None and monotonic_ns() >= deadline_ns:
                return
            if not with_heartbeats and topic.startswith(f"{HEARTBEAT}."):
                continue
            scales.learn(event)
            scale = scales.of(_symbol(topic, event))
            if as_json:
                print(json_line(_values(topic, number, event, scale)), flush=True)
            else:
                show(event_line(utc_ns(), topic, number, event, scale))
            count += 1
            if count == count_max:
                return


def _symbol(topic: str, event: Any) -> str:
    if isinstance(event, DropReport):
        return str(getattr(event.report, "symbol", ""))
    return parse(topic)[1] if topic.count(".") == 2 and not topic.endswith((".clock.", ".drop.")) else ""


def _values(topic: str, number: int, event: Any, scale: Scale | None) -> dict[str, Any]:
    if isinstance(event, DropReport):
        account = {"account": event.account, "report": event.report_number}
        return {"topic": topic, "number": number, **account, **named(event.report, scale)}
    if isinstance(event, Resynced):
        return {"topic": topic, "number": number, **named(event.snapshot, scale)}
    return {"topic": topic, "number": number, **named(event, scale)}
