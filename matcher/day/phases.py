"""Phases: how an instrument comes from one phase into another, and what it tells meanwhile (docs/rules.md, PHASE).

    continuous ──▶ auction: orders collect, what it would do is told ──▶ uncrossing ──▶ continuous, or closed

A phase begins because an operator says so, because the one before had a duration, or by a rule of protection. One that
lasts for a duration has a timer; an auction may last a random time longer, which the node draws and logs when it has
begun, so that nobody can know it before (`draws_wanted`, `take_draw`).
"""

from bus.protocol.commands import SetPhase
from bus.protocol.reasons import INVALID_DURATION, INVALID_PHASE, MARKET_STOPPED, UNKNOWN_SYMBOL
from bus.protocol.terms import (
    AUCTIONS,
    BY_EMERGENCY,
    BY_OPERATOR,
    BY_SCHEDULE,
    BY_TIME,
    CLOSED,
    HALTED,
    PHASES,
)
from matcher.book.stage import NO_END_NS, UNTIL_ROW_NS, Pause
from matcher.following import Following
from matcher.gate.phases import DURATION_MS_MAX, RANDOM_MS_MAX
from matcher.instruments import Instrument


def set_phase(market: Following, command: SetPhase) -> int:
    """An operator's word: a reason, 0 when it was done. The phase that is on may be set again, with another end."""
    # gate
    instrument = market.state.instruments.get(command.symbol)
    if instrument is None:
        return UNKNOWN_SYMBOL
    phase, next_phase = command.phase, command.next_phase
    if market.state.stopped and phase not in (HALTED, CLOSED):
        return MARKET_STOPPED
    if phase not in PHASES or (next_phase != 0 and next_phase not in PHASES) or next_phase == phase:
        return INVALID_PHASE
    duration_ms, random_ms = command.duration_ms, command.random_ms
    ends = phase in AUCTIONS or phase == HALTED
    if not 0 <= duration_ms <= (DURATION_MS_MAX if ends else 0):
        return INVALID_DURATION
    if not 0 <= random_ms <= (RANDOM_MS_MAX if duration_ms and phase in AUCTIONS else 0):
        return INVALID_DURATION
    if next_phase and not duration_ms:
        return INVALID_DURATION
    if market.judging:
        return 0
    # book, ledger, events
    schedule = instrument.schedule
    if schedule is not None and instrument.outlasts_rows():  # what has waited for that would end this at once
        schedule.pass_by(market.time_ns)
    ends_ns = market.ends_after(duration_ms)
    begin_phase(market, instrument, phase, BY_OPERATOR, ends_ns, random_ms, next_phase)
    return 0


def begin_phase(
    market: Following,
    instrument: Instrument,
    phase: int,
    cause: int,
    ends_ns: int,
    random_ms: int,
    next_phase: int,
    next_ms: int = 0,
    next_random_ms: int = 0,
    outlasts_rows: bool = False,
) -> None:
    """The phase begins, and the one that was on ends. `ends_ns` 0: until further notice; `next_phase` 0: the usual.

    `next_ms` and `next_random_ms`: how long the phase that follows is to last, 0 for until further notice.
    `outlasts_rows`: rows of the instrument's schedule wait until this phase is over.

    While the whole market stands still everything but a close waits for the end of that, in a halt without an end.
    O(1), and what ends with the phase: the trades of an auction, the day orders of a market that closes.
    """
    if market.state.stopped:
        instrument.pause = None
        if phase != CLOSED:
            left_ns = ends_ns - market.time_ns if ends_ns else NO_END_NS
            if cause == BY_SCHEDULE:
                left_ns = UNTIL_ROW_NS
            instrument.pause = Pause(
                phase, left_ns, random_ms, next_phase, next_ms, next_random_ms, outlasts_rows
            )
            if phase != HALTED:
                if instrument.phase == HALTED:
                    return
                phase, cause = HALTED, BY_EMERGENCY
            ends_ns = random_ms = next_phase = next_ms = next_random_ms = 0
            outlasts_rows = False  # that is the pause's now
    market.enter_phase(
        instrument, phase, cause, ends_ns, random_ms, next_phase, next_ms, next_random_ms, outlasts_rows
    )
    if instrument.watch is not None:
        market.follow(instrument)


def end_stage(market: Following, instrument: Instrument) -> None:
    """The time of a phase is over: the next one begins, unless the auction that ends may not print yet."""
    stage = instrument.stage
    assert stage is not None, "a phase that ends by itself has a stage"
    if market.prolong(instrument):
        return
    ends_ns = market.ends_after(stage.next_ms)
    outlasts_rows = stage.outlasts_rows and ends_ns != 0
    begin_phase(
        market,
        instrument,
        stage.next_phase,
        BY_TIME,
        ends_ns,
        stage.next_random_ms,
        0,
        outlasts_rows=outlasts_rows,
    )


def take_draw(market: Following, symbol: str, number: int, delay_ns: int) -> None:
    """The random time by which an auction lasts longer was drawn. Of one that is over already nothing follows."""
    instrument = market.state.instruments.get(symbol)
    stage = None if instrument is None else instrument.stage
    if instrument is None or stage is None or stage.number != number or not stage.wants_draw:
        return
    stage.drawn_ns = delay_ns
    market.state.timers.end_stage(instrument)
    market.state.timers.begin_row(instrument)


def draws_wanted(instruments: dict[str, Instrument]) -> list[tuple[str, int, int]]:
    """`(symbol, number, random_ms)` of each auction whose end is still to be drawn. O(instruments)."""
    wanted: list[tuple[str, int, int]] = []
    for instrument in instruments.values():
        stage = instrument.stage
        if stage is not None and stage.wants_draw:
            wanted.append((instrument.symbol, stage.number, stage.random_ms))
    return wanted
