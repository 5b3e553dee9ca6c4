"""Emergencies: the whole market stands still, and goes on (docs/rules.md, chapter STOP).

    all phases but closed ──▶ halted, until further notice ──▶ a volatility auction for those who traded,
                                                               what they did before for all others

Each instrument remembers what it goes on with (`matcher.book.stage.Pause`), and how much of its time was left: the
time of phases stands still, too, but for that of schedules. What would begin meanwhile takes that place
(`matcher.day.phases.begin_phase`).
"""

from typing import Final

from bus.protocol.commands import SetEmergency
from bus.protocol.feed import EMERGENCY_SET
from bus.protocol.reasons import EMERGENCY_STOP, INVALID_DURATION
from bus.protocol.terms import (
    BY_EMERGENCY,
    BY_SCHEDULE,
    CLOSED,
    CONTINUOUS,
    HALTED,
    STOP_BY_OPERATOR,
    VOLATILITY_AUCTION,
)
from matcher.book.level import Order, open_orders_of, sequence_of
from matcher.book.stage import NO_END_NS, UNTIL_ROW_NS, Pause
from matcher.day.phases import begin_phase
from matcher.following import Following
from matcher.gate.phases import DURATION_MS_MAX, RANDOM_MS_MAX
from matcher.instruments import Instrument

_GOES_ON: Final = 0


def set_emergency(market: Following, command: SetEmergency) -> int:
    """An operator's word: a reason, 0 when it was done. What stands already stands on, and is told again."""
    # gate
    auction_ms, random_ms = command.auction_ms, command.random_ms
    if not 0 <= auction_ms <= (0 if command.on else DURATION_MS_MAX):
        return INVALID_DURATION
    if not 0 <= random_ms <= (RANDOM_MS_MAX if auction_ms else 0):
        return INVALID_DURATION
    if market.judging:
        return 0
    # book, ledger, events
    if command.on:
        stop_market(market, STOP_BY_OPERATOR)
    if command.cancel_orders:
        _end_all(market)
    if not command.on:
        _go_on(market, auction_ms, random_ms)
    return 0


def stop_market(market: Following, cause: int) -> None:
    """The whole market stands still, if it does not already. O(instruments)."""
    state = market.state
    if not state.stopped:
        for instrument in state.instruments.values():
            if instrument.phase != CLOSED:
                _halt(market, instrument)
        state.stopped = cause
    _tell(market, state.stopped)


def _halt(market: Following, instrument: Instrument) -> None:
    """One that is halted already, and not for a time, stays as it is."""
    phase, stage = instrument.phase, instrument.stage
    pause = Pause(phase, NO_END_NS, 0, 0)
    if stage is not None:
        if stage.ends_ns:
            pause.left_ns = max(0, stage.ends_ns - market.time_ns)
        pause.random_ms = stage.random_ms
        pause.next_phase = stage.next_phase
        pause.next_ms = stage.next_ms
        pause.next_random_ms = stage.next_random_ms
        pause.outlasts_rows = stage.outlasts_rows
    if instrument.schedule is not None and instrument.schedule.acts:
        pause.left_ns = UNTIL_ROW_NS
    if phase == HALTED and pause.left_ns == NO_END_NS:
        return
    instrument.pause = pause  # before the halt begins: what waits for it is due by this
    begin_phase(market, instrument, HALTED, BY_EMERGENCY, 0, 0, 0)


def _go_on(market: Following, auction_ms: int, random_ms: int) -> None:
    """The market goes on, if it stood still. O(instruments), and what the phases do that begin."""
    state = market.state
    state.stopped = _GOES_ON
    _tell(market, _GOES_ON)
    now_ns: int = market.time_ns
    for instrument in state.instruments.values():
        pause = instrument.pause
        if pause is None:
            continue
        instrument.pause = None
        if pause.phase == CONTINUOUS and auction_ms:
            ends_ns = market.ends_after(auction_ms)
            begin_phase(market, instrument, VOLATILITY_AUCTION, BY_EMERGENCY, ends_ns, random_ms, 0)
            continue
        schedule = instrument.schedule
        if schedule is not None and pause.left_ns == UNTIL_ROW_NS:
            ends_ns, next_phase, _ = schedule.rows[0]
            begin_phase(market, instrument, pause.phase, BY_SCHEDULE, ends_ns, pause.random_ms, next_phase)
            continue
        ends_ns = now_ns + pause.left_ns if pause.left_ns != NO_END_NS else 0
        begin_phase(
            market,
            instrument,
            pause.phase,
            BY_EMERGENCY,
            ends_ns,
            pause.random_ms,
            pause.next_phase,
            pause.next_ms,
            pause.next_random_ms,
            pause.outlasts_rows,
        )


def _end_all(market: Following) -> None:
    """All open orders of everybody end, oldest first. O(open orders log open orders)."""
    taken: list[Order] = []
    for account in market.state.accounts.values():
        taken += open_orders_of(account)
    taken.sort(key=sequence_of)
    market.take_out_all(taken, EMERGENCY_STOP, False)
    market.follow_all(taken)


def _tell(market: Following, cause: int) -> None:
    market.outputs.of_market.append((EMERGENCY_SET, market.sequence, market.time_ns, cause))
