"""Price bands and unbalanced books in random markets, judged by what the public is told. Stories: `tests/scenarios`.

The judge is told events and knows the bands as fractions; it knows nothing of how the matcher keeps them. Few prices
and narrow bands, so that all kinds of orders meet them. After each command the state is checked, and now and then the
engine goes on from its own checkpoint.
"""

from fractions import Fraction
from random import Random
from typing import Any

import pytest

from bus.protocol import feed, reasons, reports
from bus.protocol.commands import SetPhase, SetProtection
from bus.protocol.records import EndDrawn, TimeTicked
from bus.protocol.terms import (
    AUCTIONS,
    BUY,
    BY_BAND,
    BY_IMBALANCE,
    CONTINUOUS,
    CROSSED_BY_TRIGGER,
    EMPTIED,
    ONE_SIDED,
    OPENING_AUCTION,
    PHASES,
    SELL,
    VOLATILITY_AUCTION,
)
from matcher.book.protection import band
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Event, Exchange, enter
from tests.matcher.test_links_and_pegs import Walk
from tests.support.drawn import seeds

LENGTH = 400
NOBODY_TOOK = 0


class Judge:
    """What the public knows of an instrument's bands, and what it says to each event."""

    def __init__(self) -> None:
        self.static = self.dynamic = self.reference = self.last = 0
        self.rebalance = False
        self.phase = CONTINUOUS
        self.seen = dict.fromkeys(("band", "imbalance", "trigger", "prolonged"), 0)

    def hear(self, events: list[Event], best: tuple[int, int]) -> None:
        """The events of one command, of all topics in the order of their kinds; the best prices behind it, 0: none."""
        by_kind: dict[int, list[Event]] = {}
        for event in events:
            by_kind.setdefault(event[0], []).append(event)
        taken = self._hear_trades(by_kind.get(feed.TRADE, []))
        ended = [event for event in by_kind.get(reports.CANCELLED, []) if event[10] == reasons.BAND_REACHED]
        unlinked = [event for event in by_kind.get(reports.CANCELLED, []) if event[10] == reasons.LINKED]
        before = self.phase
        for _, _, _, phase, cause, _ in by_kind.get(feed.PHASE_CHANGED, []):
            if cause == BY_BAND and phase == self.phase:
                assert phase in AUCTIONS, "only an auction goes on"
                self.seen["prolonged"] += 1
            elif cause in (BY_BAND, BY_IMBALANCE):
                assert (self.phase, phase) == (CONTINUOUS, VOLATILITY_AUCTION), "what trades is interrupted"
                self.seen["band" if cause == BY_BAND else "imbalance"] += 1
            if cause == BY_BAND and self.phase == CONTINUOUS:
                bid, ask = best
                assert ended or unlinked or 0 < ask <= bid, "somebody has stopped there"
            self.phase = phase
        causes = [event[4] for event in by_kind.get(feed.PHASE_CHANGED, [])]
        assert not ended or BY_BAND in causes, "who ended at a band has begun an auction"
        phases = [event[3] for event in by_kind.get(feed.PHASE_CHANGED, [])]
        assert VOLATILITY_AUCTION in phases or feed.BOOK_UNBALANCED not in by_kind, (
            "an auction has begun for it"
        )
        self._hear_unbalanced(by_kind.get(feed.BOOK_UNBALANCED, []), taken)
        if self.phase == before == CONTINUOUS and self.rebalance:
            assert not (taken & BUY and not best[0]), "nobody is left to buy, and nothing follows"
            assert not (taken & SELL and not best[1]), "nobody is left to sell, and nothing follows"
        for event in by_kind.get(feed.PROTECTION_SET, []):
            self._hear_bands(feed.ProtectionSet(*event[1:]))

    def _hear_trades(self, trades: list[Event]) -> int:
        """Each within the bands as they are; the sides, as bits, from which orders were taken."""
        middle, taken = self.last, 0
        for _, _, _, _, price, _, aggressor in trades:
            if aggressor == NOBODY_TOOK:
                self.reference = middle = price
            else:
                taken |= SELL if aggressor == BUY else BUY
                assert _is_within(price, self.reference, self.static), f"{price} is beyond the static band"
                assert _is_within(price, middle, self.dynamic), f"{price} is beyond the dynamic band"
            self.last = price
        return taken

    def _hear_unbalanced(self, told: list[Event], taken: int) -> None:
        for _, _, _, kind, side in told:
            assert self.rebalance, "nobody asked"
            if kind == CROSSED_BY_TRIGGER:
                self.seen["trigger"] += 1
            elif kind == ONE_SIDED:
                assert side & taken, "it was taken"
            else:
                assert (kind, side) == (EMPTIED, 0)
                assert taken

    def _hear_bands(self, it: feed.ProtectionSet) -> None:
        self.reference = it.reference_ticks
        self.static, self.dynamic = it.static_basis_points, it.dynamic_basis_points
        self.rebalance = bool(it.rebalance)
        for price in range(80, 120):
            if self.static and self.reference:
                told = it.static_low_ticks <= price <= it.static_high_ticks
                assert told == _is_within(price, self.reference, self.static), "what is told is the band"


def _is_within(price: int, middle: int, basis_points: int) -> bool:
    return not basis_points or not middle or Fraction(abs(price - middle), middle) * 10_000 <= basis_points


class ProtectedWalk(Walk):
    """Commands of protection and phases among all the others, and time that goes by."""

    def __init__(self, seed: int, matching: int = 0) -> None:
        super().__init__(seed, matching)
        self.judge = Judge()

    def step(self) -> None:
        """A command, and what must hold afterwards."""
        self.exchange.now_ns += self.dice.choice([0, 10, 50, 200]) * 10**6
        super().step()
        for symbol, number, random_ms in self.exchange.engine.draws_wanted():
            delay_ns = self.dice.randint(0, random_ms * 10**6)
            self.judge_events(self.exchange.record(EndDrawn(symbol, number, delay_ns)))

    def command(self, session: int) -> Any:
        """What the other walk has, and what an operator says of phases and bands."""
        dice = self.dice
        kind = dice.random()
        if kind < 0.02:
            return SetPhase(self.symbol, dice.choice([*PHASES, CONTINUOUS, CONTINUOUS]))
        if kind < 0.03:
            return SetPhase(self.symbol, OPENING_AUCTION, dice.randint(1, 1000), dice.choice([0, 300]))
        if kind < 0.06:
            static, dynamic = dice.choice([0, 150, 300, 500]), dice.choice([0, 50, 100, 200])
            return SetProtection(
                self.symbol,
                static,
                min(dynamic, static or dynamic),
                dice.choice([0, 0, dice.randint(97, 103)]),
                dice.randint(1, 600),
                dice.choice([0, 0, 200]),
                dice.randint(0, 1),
            )
        if self.exchange.engine.state.instruments[self.symbol].phase not in (CONTINUOUS, *AUCTIONS):
            return SetPhase(self.symbol, CONTINUOUS)
        return super().command(session)

    def check(self, events: list[tuple[str, Event]]) -> None:
        """What the other walk checks, and the judge's word."""
        super().check(events)
        self.judge_events(events)

    def judge_events(self, events: list[tuple[str, Event]]) -> None:
        """The judge hears a command's events."""
        book = self.exchange.engine.state.instruments[self.symbol].book
        bid, ask = (side.best_limit_ticks() for side in (book.bids, book.asks))
        self.judge.hear([event for _, event in events], (bid, ask))


@pytest.mark.parametrize("matching", [0, 2])
@pytest.mark.parametrize("seed", seeds(6))
def test_nothing_trades_beyond_a_band_and_every_auction_has_its_cause(seed: int, matching: int) -> None:
    walk = ProtectedWalk(seed, matching)
    for number in range(LENGTH):
        walk.step()
        if number % 7 == 0:
            walk.restart()
    assert walk.judge.seen["band"], "the walk never came to a band"


def test_a_band_ends_at_the_last_tick_within_it() -> None:
    dice = Random(7)
    for _ in range(2000):
        middle, points = dice.choice([1, 2, 3, 99, 100, 12345, 10**12]), dice.randint(1, 10_000)
        low, high = band(middle, points)
        for price, within in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
            assert _is_within(price, middle, points) == within, (middle, points, price)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *((name, 99) for name in ("static_points", "dynamic_points", "auction_ms", "random_ms")),
        ("rebalances", False),
        ("is_prolonged", False),
    ],
)
def test_each_part_of_protection_is_in_the_digest_and_comes_back(part: str, value: object) -> None:
    """An auction that a band has begun, and that goes on because its price is beyond the band."""
    exchange = Exchange("anna", "boris")
    exchange.say(1, SetProtection("BTC-USD", 200, 100, 49, 1000, 500, 1), enter("a1", SELL, 4, 50))
    exchange.say(2, enter("b1", BUY, 4, 50))
    ((symbol, number, _),) = exchange.engine.draws_wanted()
    exchange.record(EndDrawn(symbol, number, 5))
    exchange.now_ns += 2 * 10**9
    exchange.record(TimeTicked())
    state = exchange.engine.state
    before = encode_state(state)
    again = decode_state(before)
    again.check()
    assert encode_state(again) == before
    instrument = state.instruments["BTC-USD"]
    owner: Any = instrument.stage if part == "is_prolonged" else instrument.protection
    assert getattr(owner, part) != value
    setattr(owner, part, value)
    if part == "rebalances":
        instrument.watch = None
    assert encode_state(state) != before
    copy = Engine(decode_state(encode_state(state))).state.instruments["BTC-USD"]
    owner = copy.stage if part == "is_prolonged" else copy.protection
    assert getattr(owner, part) == value
