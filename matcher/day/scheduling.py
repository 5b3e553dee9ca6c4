"""Scheduling: phases begin by the schedule of their instrument (docs/rules.md, SCHEDULE).

    SetSchedule ──▶ node: what it comes to, in engine time ──▶ PhasesPlanned ──▶ timer of the next row ──▶ begin_row

The node is told what is to be planned (`plans_wanted`) a day before the plan ends, and logs it behind the batch, as it
does with what is drawn. What nobody noticed in time (the engine was away, an operator moved the clock) happens in its
order as soon as time has come to it.
"""

from typing import Final

from bus.protocol.commands import SetSchedule
from bus.protocol.feed import PHASE_CHANGED, SCHEDULE_SET
from bus.protocol.reasons import INVALID_SCHEDULE, UNKNOWN_SYMBOL
from bus.protocol.records import PhasesPlanned
from bus.protocol.terms import AUCTIONS, BY_OPERATOR, BY_SCHEDULE, CLOSED, HALTED
from matcher.book.stage import NO_END_NS, UNTIL_ROW_NS
from matcher.day.phases import begin_phase
from matcher.day.schedule import Schedule
from matcher.following import Following
from matcher.gate.schedules import is_valid
from matcher.instruments import Instrument
from matcher.timers import DAY_NS, NEVER_NS

#: A plan that reaches no further than this is to be made longer: an engine that runs never comes to its end.
PLANNED_AHEAD_NS: Final = DAY_NS


def set_schedule(market: Following, command: SetSchedule) -> int:
    """An operator's word: a reason, 0 when it was done. The phase that is on stays until the first row."""
    # gate
    instrument = market.state.instruments.get(command.symbol)
    if instrument is None:
        return UNKNOWN_SYMBOL
    if not is_valid(command):
        return INVALID_SCHEDULE
    if market.judging:
        return 0
    # book
    before = instrument.schedule
    acted = before is not None and before.acts
    instrument.schedule = Schedule(command, market.sequence, market.time_ns) if command.days else None
    market.plans_due_ns = 0
    stage = instrument.stage
    if acted and stage is not None:
        stage.last_until_further_notice()
    pause = instrument.pause
    if pause is not None and pause.left_ns == UNTIL_ROW_NS:
        pause.left_ns = NO_END_NS
        pause.random_ms = 0
    # events
    market.touch(instrument)
    about = (market.sequence, market.time_ns)
    instrument.statuses.append((SCHEDULE_SET, *about, command.zone, command.days, command.holidays))
    if acted:  # what was told of its end holds no more
        instrument.statuses.append((PHASE_CHANGED, *about, instrument.phase, BY_OPERATOR, 0))
    return 0


def take_plan(market: Following, record: PhasesPlanned) -> None:
    """What a schedule comes to, further than was known. Of one that was replaced meanwhile nothing follows."""
    instrument = market.state.instruments.get(record.symbol)
    schedule = None if instrument is None else instrument.schedule
    if instrument is None or schedule is None or schedule.number != record.number:
        return
    planned_ns = schedule.planned_ns()
    for row in record.rows:
        if row[0] > planned_ns:
            schedule.rows.append(row)
    market.plans_due_ns = 0
    market.state.timers.begin_row(instrument)


def begin_row(market: Following, instrument: Instrument) -> None:
    """The next row of the schedule is due: its phase begins, or passes by. O(1), and what `begin_phase` takes."""
    schedule = instrument.schedule
    assert schedule is not None, "a row is one of a schedule"
    if instrument.outlasts_rows():  # of those that wait for it none is due: it is one that closes
        while schedule.rows[0][1] != CLOSED:
            schedule.rows.pop(0)
    _, phase, random_ms = schedule.rows.pop(0)
    ends_ns, next_phase, _ = schedule.rows[0]
    if schedule.acts and instrument.phase in AUCTIONS and market.prolong(instrument):
        pass  # what the row begins is what follows
    elif may_act(market, instrument):
        if ends_ns <= market.time_ns:  # it is over already: there is nothing to hide
            random_ms = 0
        begin_phase(market, instrument, phase, BY_SCHEDULE, ends_ns, random_ms, next_phase)
    elif phase == CLOSED:
        market.end_day_orders(instrument)
    market.state.timers.begin_row(instrument)


def may_act(market: Following, instrument: Instrument) -> bool:
    """Whether a schedule may end the phase that is on. A halt until further notice stands above it.

    Where the whole market stands still it is what the instrument goes on with that may be such a halt: `begin_phase`
    lets what begins wait there.
    """
    if market.state.stopped:
        pause = instrument.pause
        if pause is None:
            return instrument.phase != HALTED
        return pause.phase != HALTED or pause.left_ns != NO_END_NS
    stage = instrument.stage
    return instrument.phase != HALTED or stage is None or stage.ends_ns != 0


def plans_wanted(market: Following) -> list[tuple[SetSchedule, int, int]]:
    """`(schedule, its number, from when)` of each instrument whose plan is too short. O(instruments)."""
    wanted: list[tuple[SetSchedule, int, int]] = []
    due_ns = NEVER_NS
    for instrument in market.state.instruments.values():
        schedule = instrument.schedule
        if schedule is None:
            continue
        planned_ns = schedule.planned_ns()
        if planned_ns < market.time_ns + PLANNED_AHEAD_NS:
            wanted.append((schedule.command, schedule.number, planned_ns))
        else:
            due_ns = min(due_ns, planned_ns - PLANNED_AHEAD_NS + 1)
    market.plans_due_ns = due_ns
    return wanted
