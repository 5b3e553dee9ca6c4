"""Schedules at a running node: what is asked about them, unknown zones, plans that are logged, and restarts.

The rules themselves are in `tests/scenarios/schedules*.txt`.
"""

from typing import Any

from bus.calendar.planning import plan_ahead
from bus.calendar.words import schedule_of
from bus.errors import UnknownZone
from bus.journal.journal import Journal
from bus.protocol import reasons
from bus.protocol.commands import SetPhase, SetSchedule
from bus.protocol.control import Instruments, QueryInstruments, QuerySchedule, Refused, TradingSchedule
from bus.protocol.feed import PhaseChanged
from bus.protocol.records import PhasesPlanned
from bus.protocol.reports import Completed, Rejected
from bus.protocol.status import DEGRADED, OK, QueryStatus
from bus.protocol.terms import BY_SCHEDULE, CLOSED, OPERATOR
from bus.replay import apply_logged_batch, logged_items
from matcher.engine import Engine
from tests.node.parties import BTC_USD, Asker, Party, Reader, open_market
from tests.support.running_node import TOKEN, RunningNode
from tests.support.simulated_disk import SimulatedDisk

HOUR_NS = 3600 * 10**9
#: 2026-01-01T00:00 UTC
DAWN_NS = 1_767_225_600 * 10**9
HOURS = schedule_of(
    "BTC-USD",
    "Europe/Berlin",
    {"mon-sun": [("09:00", "continuous"), ("17:30", "closed")]},
    {"2026-01-06": []},
)


def operator(party: Party) -> Party:
    """A party that may set schedules."""
    party.hello("ops", role=OPERATOR, token=TOKEN)
    return party


def plans(disk: SimulatedDisk) -> list[PhasesPlanned]:
    """All that is in the log."""
    journal = Journal.open("log", disk=disk.copy())
    found = [
        item for batch in journal.batches() for item in logged_items(batch) if isinstance(item, PhasesPlanned)
    ]
    journal.close()
    return found


def test_a_schedule_can_be_asked_for_in_a_session_and_without_one(node: RunningNode) -> None:
    with operator(Party(node.addresses.orders)) as party, Asker(node.addresses.recovery) as asker:
        empty = party.ask(QuerySchedule("BTC-USD"))
        assert empty == TradingSchedule(empty.correlation_id, "BTC-USD", 0, "", [], [], [])
        done = party.ask(HOURS)
        assert isinstance(done, Completed)
        said = party.ask(QuerySchedule("BTC-USD"))
        assert isinstance(said, TradingSchedule)
        assert (said.number, said.zone, said.days, said.holidays) == (
            done.sequence,
            HOURS.zone,
            HOURS.days,
            HOURS.holidays,
        )
        assert said.rows == plan_ahead(HOURS, done.time_ns, done.time_ns)
        public = asker.ask(QuerySchedule("BTC-USD"))
        assert (public.number, public.rows) == (said.number, said.rows)
        listed = asker.ask(QueryInstruments())
        assert isinstance(listed, Instruments)
        assert listed.instruments[0].schedule == done.sequence
        for answer in (party.ask(QuerySchedule("XRP-USD")), asker.ask(QuerySchedule("XRP-USD"))):
            assert isinstance(answer, Refused)
            assert (answer.reason, answer.text) == (reasons.NOT_OFFERED, "no instrument 'XRP-USD'")


def test_a_zone_that_is_not_known_here_is_refused_before_the_log_with_all_of_its_message(
    node: RunningNode,
) -> None:
    unknown = SetSchedule("BTC-USD", "Europe/Berln", HOURS.days)
    with operator(Party(node.addresses.orders)) as party:
        before = node.sequence()
        number = party.send(SetPhase("BTC-USD", CLOSED), unknown)
        refused = party.answer(number)
        assert isinstance(refused, Refused)
        assert (refused.correlation_id, refused.count, refused.reason) == (number, 2, reasons.MALFORMED)
        assert refused.text.startswith("item 1: 'Europe/Berln' is no time zone that is known here")
        assert node.sequence() == before
        # Who is no operator is told so, and that is in the log.
        party.hello("anna")
        denied = party.ask(unknown)
        assert isinstance(denied, Rejected)
        assert denied.reason == reasons.NOT_PERMITTED


def test_a_log_says_the_same_where_its_zone_is_not_known(disk: SimulatedDisk, monkeypatch: Any) -> None:
    clock = [DAWN_NS]
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    with operator(Party(node.addresses.orders)) as party:
        party.ask(BTC_USD)
        party.ask(HOURS)
        clock[0] += 12 * HOUR_NS
        node.keep_house(idle=True)
    state = node.state()
    node.vanish()

    def none(name: str) -> Any:
        raise UnknownZone(f"{name} is not known here")

    monkeypatch.setattr("bus.calendar.planning.zone_of", none)
    journal = Journal.open("log", disk=disk)
    engine = Engine()
    for batch in journal.batches():
        apply_logged_batch(engine, batch)
        engine.take_outputs()
    journal.close()
    assert engine.encode_state() == state


def test_a_node_that_does_not_know_the_zone_of_its_log_says_so_and_goes_on(disk: SimulatedDisk) -> None:
    clock = [DAWN_NS]
    known = True

    def plan(schedule: SetSchedule, planned_ns: int, now_ns: int) -> list[tuple[int, int, int]]:
        if not known:
            raise UnknownZone(f"{schedule.zone} is not known here")
        return plan_ahead(schedule, planned_ns, now_ns)

    node = RunningNode(disk=disk, utc_ns=lambda: clock[0], plan=plan)
    try:
        with operator(Party(node.addresses.orders)) as party, Asker(node.addresses.recovery) as asker:
            party.ask(BTC_USD)
            party.ask(HOURS)
            assert asker.ask(QueryStatus()).health == OK
            known = False
            clock[0] += 42 * HOUR_NS
            node.keep_house(idle=True)
            status = asker.ask(QueryStatus())
            assert (status.health, status.problem) == (
                DEGRADED,
                "the schedule of BTC-USD is not planned any further: Europe/Berlin is not known here",
            )
            assert isinstance(party.ask(SetPhase("BTC-USD", CLOSED)), Completed)
            assert isinstance(party.ask(SetSchedule("BTC-USD", "", [])), Completed)
            assert asker.ask(QueryStatus()).health == OK
    finally:
        node.stop()
    assert len(plans(disk)) == 1


def test_a_schedule_is_planned_once_when_it_is_set_and_again_a_day_later_over_restarts(
    disk: SimulatedDisk,
) -> None:
    clock = [DAWN_NS]
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    with operator(Party(node.addresses.orders)) as party:
        party.ask(BTC_USD)
        party.ask(HOURS)
    node.stop()
    first = plans(disk)
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    node.stop()
    assert plans(disk) == first
    assert len(first) == 1
    # It comes back two days later: what was missed happens with its start, and the next days are planned.
    clock[0] += 50 * HOUR_NS
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    try:
        assert node.call(lambda: node.core.instruments()[0][1]) == CLOSED
        again = plans(disk)
    finally:
        node.stop()
    assert len(again) == 2
    assert first[0].rows[-1][0] < again[1].rows[0][0]
    assert [row[0] for row in first[0].rows + again[1].rows][:4] == [
        DAWN_NS + at
        for at in (8 * HOUR_NS, 16 * HOUR_NS + HOUR_NS // 2, 32 * HOUR_NS, 40 * HOUR_NS + HOUR_NS // 2)
    ]


def test_a_row_begins_by_itself_when_its_time_has_come(disk: SimulatedDisk) -> None:
    """The node wakes up for it; nobody sends anything."""
    clock = [DAWN_NS + 8 * HOUR_NS - 10**9]
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    try:
        open_market(node.addresses)
        with operator(Party(node.addresses.orders)) as party, Reader(node.addresses.feed) as reader:
            party.ask(HOURS)
            reader.ready()
            clock[0] += 10**9
            *_, (_, frame) = reader.until(
                lambda name, frame: (
                    name == "status.BTC-USD."
                    and any(isinstance(event, PhaseChanged) for event in frame.events)
                )
            )
            (begun,) = frame.events
            assert (begun.cause, begun.ends_ns) == (BY_SCHEDULE, DAWN_NS + 16 * HOUR_NS + HOUR_NS // 2)
            assert begun.time_ns >= DAWN_NS + 8 * HOUR_NS
    finally:
        node.stop()
