"""Interruptions: what price bands would have made of a recorded day. Called as `python -m tools.replay.interruptions`.

The flow goes through a matcher of its own, without sockets or a log, as a replay sends it. It is asked in two ways:

    met     the day as it was: at which commands the trades that happened would have met a band. Where one did the next
            two minutes are passed over, as if an auction had found the price that was traded last by their end.
    held    the bands are set in the matcher when it has traded for the first time, and its auctions are held. Orders
            come, change and go when they really did, so one that really traded at once leaves an auction at once, and
            the auctions find hardly any price: the flow shows what the rules do, not what people would have done.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bus.protocol import feed
from bus.protocol.commands import Command, SetProtection
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.reports import Report
from bus.protocol.terms import BY_BAND, CLOCK_COMMANDS, OPERATOR, VOLATILITY_AUCTION
from matcher.book.protection import Protection
from matcher.engine import Engine
from tools.replay.batches import Batches
from tools.replay.bitstamp import BitstampFlow
from tools.replay.comparison import TopComparer, TradeMatcher
from tools.replay.definition import definition_for
from tools.replay.flow import Flow
from tools.replay.scale import Scale, step_of

#: As the shortest call phase of Xetra's volatility interruptions.
AUCTION_MS: Final = 120_000
_SYMBOL: Final = "BTC-USD"
_SESSION: Final = 1


@dataclass
class Met:
    """Commands that would have met a band: the dynamic one, the static one alone."""

    dynamic: int = 0
    static: int = 0


@dataclass
class Held:
    """Volatility auctions, and how often one went on beyond the static band; how many found a price; all trades."""

    auctions: int = 0
    prolonged: int = 0
    priced: int = 0
    trades: int = 0


class Bands:
    """The day as it was, under the eyes of two bands."""

    def __init__(self, static_points: int, dynamic_points: int) -> None:
        self.met = Met()
        self._static = Protection(static_points, 0, 1, 0, False)
        self._points = dynamic_points
        self._last_ticks = 0
        self._paused_ns = 0

    def see(self, trades: Sequence[feed.Trade]) -> None:
        """The trades of one command."""
        last = self._last_ticks
        time_ns = trades[0].time_ns
        if self._paused_ns and time_ns >= self._paused_ns:
            self._static.refer_to(last)
            self._paused_ns = 0
        if not last:
            self._static.refer_to(trades[0].price_ticks)
        elif not self._paused_ns:
            dynamic = Protection(self._points, 0, 1, 0, False)
            dynamic.refer_to(last)
            if any(dynamic.is_beyond_static(trade.price_ticks) for trade in trades):
                self.met.dynamic += 1
                self._paused_ns = time_ns + AUCTION_MS * 1_000_000
            elif any(self._static.is_beyond_static(trade.price_ticks) for trade in trades):
                self.met.static += 1
                self._paused_ns = time_ns + AUCTION_MS * 1_000_000
        self._last_ticks = trades[-1].price_ticks


def met(flow: Flow, bands: Sequence[tuple[int, int]]) -> list[Met]:
    """What each pair of bands (static and dynamic, in basis points, 0: none) would have met in one run of a flow."""
    watching = [Bands(*points) for points in bands]
    for _, events in _run(Engine(), flow):
        trades = [event for event in events if isinstance(event, feed.Trade)]
        if trades:
            for one in watching:
                one.see(trades)
    return [one.met for one in watching]


def held(flow: Flow, static_points: int, dynamic_points: int) -> Held:
    """The auctions that were held in one run of a flow under these bands."""
    engine = Engine()
    found = Held()
    phase = 0
    for _, events in _run(engine, flow):
        for event in events:
            if isinstance(event, feed.PhaseChanged):
                goes_on = phase == event.phase == VOLATILITY_AUCTION
                found.prolonged += goes_on
                found.auctions += event.cause == BY_BAND and not goes_on
                phase = event.phase
            elif isinstance(event, feed.AuctionEnded):
                found.priced += event.price_ticks != 0
            elif isinstance(event, feed.Trade):
                found.trades += 1
                if found.trades == 1:
                    bands = SetProtection(
                        _SYMBOL, static_points, dynamic_points, event.price_ticks, AUCTION_MS
                    )
                    _send(engine, bands)
    engine.state.check()
    return found


def _run(engine: Engine, flow: Flow) -> Iterator[tuple[Command, list[feed.Event]]]:
    """Each command of a flow of one symbol, and its public events."""
    rules = Rules(10**6, 10**6, 10)
    engine.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_COMMANDS, rules), 1)
    engine.apply_record(SessionOpened(_SESSION, "replay", OPERATOR, 0, False), 2)
    definition = definition_for(_SYMBOL, step_of("0.01"), step_of("0.00000001"))
    _send(engine, definition)
    scales = {_SYMBOL: Scale.of(definition)}
    for batch in Batches(flow, scales, trades=TradeMatcher(), tops=TopComparer(), paced=False):
        for command in batch.commands:
            reports, events = _send(engine, command)
            for report in reports:
                flow.hear(report)
            yield command, events


def _send(engine: Engine, command: Command) -> tuple[list[Report], list[feed.Event]]:
    state = engine.state
    engine.apply_message(_SESSION, 1, state.time_ns, [command], state.time_ns + 1)
    private, public = engine.take_outputs()
    reports = [msgspec.convert(event, Report) for _, _, events in private for event in events]
    return reports, [msgspec.convert(event, feed.Event) for _, _, events in public for event in events]


def main(arguments: Sequence[str]) -> None:
    """`FILE STATIC DYNAMIC [DYNAMIC ...]`, in basis points: a line for each dynamic band."""
    file, *points = arguments
    static, *dynamic = map(int, points)
    counted = met(BitstampFlow(Path(file), _SYMBOL), [(static, one) for one in dynamic])
    for one, of_day in zip(dynamic, counted, strict=True):
        auctions = held(BitstampFlow(Path(file), _SYMBOL), static, one)
        print(f"static {static} bp, dynamic {one} bp: {of_day}, {auctions}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
