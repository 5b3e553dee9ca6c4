"""A trading day of twenty instruments: pre-open, opening, continuous trading with crashes, interruptions, closing.

Twelve of them are moved by an operator, eight by their trading hours. The day is told by a node without sockets
(`Node`): it gives times, logs what it draws and plans behind the batch that asked for it, and ticks when a timer is
due. Told twice from one seed it is the same to the last byte; and so it is when the engine dies at each change of a
phase, before the end of an auction was drawn, and when trading hours were set and not planned yet, and another one goes
on from a checkpoint and the log behind it.
"""

from collections import Counter
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from bus.calendar.planning import plan_ahead
from bus.protocol import feed
from bus.protocol.codec import CommandMessage, decode_client_message, encode, encode_message
from bus.protocol.commands import (
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    SetBreakers,
    SetPhase,
    SetProtection,
    SetSchedule,
)
from bus.protocol.records import (
    SEMANTICS_VERSION,
    EndDrawn,
    EngineStarted,
    PhasesPlanned,
    Rules,
    SessionOpened,
    TimeTicked,
)
from bus.protocol.terms import (
    AT_CLOSE,
    AT_OPEN,
    BUY,
    BY_BAND,
    BY_BREAKER,
    BY_SCHEDULE,
    BY_TIME,
    CLOCK_SYSTEM,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    DAY,
    GFA,
    GTC,
    HALTED,
    IOC,
    MARKET,
    OPENING_AUCTION,
    OPERATOR,
    PHASES,
    PRE_OPEN,
    SELL,
    TRADER,
    VOLATILITY_AUCTION,
)
from bus.sequencer import OpenBatch, Sequencer, apply_open_batch
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.engine import Engine
from tests.support.markets import DAWN_NS, HOUR_NS, SECOND_NS

SYMBOLS = [f"S{n:02}-USD" for n in range(20)]
BY_HOURS = SYMBOLS[12:]
BY_HAND = SYMBOLS[:12]
#: Seconds behind one o'clock in Berlin, which is when the story begins: (when, phase, random_ms).
HOURS = (
    (1, PRE_OPEN, 0),
    (6, OPENING_AUCTION, 3_000),
    (20, CONTINUOUS, 0),
    (46, HALTED, 0),
    (50, OPENING_AUCTION, 1_000),
    (56, CONTINUOUS, 0),
    (150, CLOSING_AUCTION, 3_000),
    (170, CLOSED, 0),
)
TRADERS = (2, 3, 4)
OPENED_TICKS = 10_000
#: A checkpoint is of so many batches ago, or fewer.
CHECKPOINT_EVERY = 40


class Node:
    """A log, the engine that follows it, and what that said. `dies`: at each change of a phase another one goes on.

    So it does where trading hours were set.
    """

    def __init__(self, seed: int, *, dies: bool) -> None:
        self.random = Random(seed)
        self.dies = dies
        self.engine = Engine()
        self.sequencer = Sequencer()
        self.now_ns = DAWN_NS
        self.said = sha256()
        self.phases: Counter[tuple[int, int]] = Counter()  # by phase and cause
        self.counted: Counter[int] = Counter()  # events by tag
        self.deaths = 0
        self.log: list[OpenBatch] = []  # since the checkpoint
        self.checkpoint = encode_state(self.engine.state)

    def say(self, session: int, *commands: Any) -> None:
        """A message, taken now."""
        payload = encode_message(session, 1, self.now_ns, commands)
        message = decode_client_message(payload)
        assert isinstance(message, CommandMessage)
        self.sequencer.add_message(message, payload, len(commands))
        self.run()

    def record(self, record: Any) -> None:
        """A record of the node."""
        self.sequencer.add_record(record)
        self.run()

    def wait(self, duration_ns: int) -> None:
        """Time passes, and the node ticks when something is due."""
        until_ns = self.now_ns + duration_ns
        while 0 < self.engine.next_timer_ns <= until_ns:
            self.now_ns = max(self.engine.next_timer_ns, self.engine.time_ns + 1)
            self.record(TimeTicked())
        self.now_ns = until_ns

    def run(self) -> None:
        """A batch is logged and applied; what it began is drawn, and what it set is planned."""
        batch = self.sequencer.take(self.engine, self.now_ns)
        self.log.append(batch)
        apply_open_batch(self.engine, batch)
        changed = self.take()
        if self.dies and changed:
            self.die()
        elif len(self.log) >= CHECKPOINT_EVERY:
            self.checkpoint = encode_state(self.engine.state)
            self.log = []
        for symbol, number, random_ms in self.engine.draws_wanted():
            self.sequencer.add_record(EndDrawn(symbol, number, self.random.randrange(random_ms * 10**6 + 1)))
        for schedule, number, planned_ns in self.engine.plans_wanted():
            rows = plan_ahead(schedule, planned_ns, self.engine.time_ns)
            self.sequencer.add_record(PhasesPlanned(schedule.symbol, number, rows))
        if self.sequencer.count:
            self.run()

    def take(self) -> bool:
        """Remember what was said; whether a phase has changed, or trading hours."""
        outputs = self.engine.take_outputs()
        self.said.update(encode(outputs))
        changed = False
        for _, _, events in outputs[1]:
            for event in events:
                self.counted[event[0]] += 1
                changed |= event[0] in (feed.PHASE_CHANGED, feed.SCHEDULE_SET)
                if event[0] == feed.PHASE_CHANGED:
                    self.phases[event[3], event[4]] += 1
        return changed

    def die(self) -> None:
        """All that was not logged is gone; another engine goes on from the checkpoint."""
        self.deaths += 1
        digest = state_digest(self.engine.state)
        self.engine = Engine(decode_state(self.checkpoint))
        for batch in self.log:
            apply_open_batch(self.engine, batch)
            self.engine.take_outputs()
        assert state_digest(self.engine.state) == digest


def day(seed: int, *, dies: bool) -> Node:
    """The whole day, and a second one on which nobody comes."""
    node = Node(seed, dies=dies)
    random = Random(seed + 1)
    node.record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(10_000, 10_000, 30)))
    node.record(SessionOpened(1, "op", OPERATOR, 0, False))
    for number in TRADERS:
        node.record(SessionOpened(number, f"trader-{number}", TRADER, 0, False))
    for symbol in SYMBOLS:
        base = symbol.partition("-")[0]
        node.say(1, DefineInstrument(symbol, base, "USD", 1, 2, 1, 0, 1, 100_000, 1, 10_000))
        node.say(1, SetProtection(symbol, 2_000, 500, OPENED_TICKS, 5_000, 2_000, 1))
    node.say(1, SetBreakers("", 3_000, 20_000, auction_ms=5_000, random_ms=1_000))
    rows = [(3600 + second, phase, random_ms) for second, phase, random_ms in HOURS]
    for symbol in BY_HOURS:
        node.say(1, SetSchedule(symbol, "Europe/Berlin", [(2**7 - 1, rows)]))
    node.say(1, *(SetPhase(symbol, PRE_OPEN) for symbol in BY_HAND))
    trade(node, random, 100, OPENED_TICKS)
    for symbol in BY_HAND:
        node.say(1, SetPhase(symbol, OPENING_AUCTION, 10_000, 3_000))
    trade(node, random, 100, OPENED_TICKS)
    node.wait(20 * SECOND_NS)
    trade(node, random, 150, OPENED_TICKS)
    crash(node, random, SYMBOLS[:6], OPENED_TICKS)
    trade(node, random, 100, OPENED_TICKS)
    for depth in (9, 8, 7, 6):  # everywhere, and further: the index falls
        crash(node, random, SYMBOLS, OPENED_TICKS * depth // 10)
        node.wait(15 * SECOND_NS)
    node.wait(40 * SECOND_NS)
    trade(node, random, 100, OPENED_TICKS * 6 // 10)
    for symbol in BY_HAND:
        node.say(1, SetPhase(symbol, CLOSING_AUCTION, 10_000, 3_000))
    trade(node, random, 100, OPENED_TICKS * 6 // 10)
    node.wait(30 * SECOND_NS)
    node.wait(24 * HOUR_NS)
    node.say(2, MassCancel())
    node.engine.state.check()
    return node


def trade(node: Node, random: Random, count: int, middle: int) -> None:
    """So many messages around a price: in most an order, in some a cancel."""
    for _ in range(count):
        session = random.choice(TRADERS)
        number = node.engine.sequence
        side = random.choice((BUY, SELL))
        symbol = random.choice(SYMBOLS)
        price = middle + random.randint(-200, 200)
        fields: dict[str, Any] = {"time_in_force": random.choice((GTC, GTC, GTC, GTC, DAY, IOC, GFA))}
        if random.randrange(8) == 0:
            fields = {"order_type": MARKET, "time_in_force": random.choice((AT_OPEN, AT_CLOSE, GFA))}
            price = 0
        command: Any = EnterOrder(f"o{number}", symbol, side, random.randint(1, 50), price, **fields)
        if random.randrange(6) == 0:
            command = CancelOrder(order_id=random.randrange(1, number))
        node.say(session, command)
        node.wait(random.choice((1, 1000, SECOND_NS // 20, SECOND_NS // 10)))


def crash(node: Node, random: Random, symbols: list[str], to_ticks: int) -> None:
    """Somebody sells at any price, and somebody else buys lower."""
    for symbol in symbols:
        number = node.engine.sequence
        node.say(3, EnterOrder(f"c{number}", symbol, BUY, 400, to_ticks * 9 // 10 + random.randint(-5, 5)))
        node.say(2, EnterOrder(f"d{number}", symbol, SELL, 300, to_ticks * 8 // 10))
        node.wait(SECOND_NS // 10)


@pytest.fixture(scope="module")
def told() -> Node:
    """The day of a node that lives through it."""
    return day(7, dies=False)


def test_the_day_has_all_that_a_day_can_have(told: Node) -> None:
    begun = Counter(phase for phase, _ in told.phases.elements())
    assert begun.keys() == PHASES.keys()
    for cause in (BY_TIME, BY_BAND, BY_BREAKER, BY_SCHEDULE):
        assert any(one == cause for _, one in told.phases), f"no phase began by {cause}"
    for phase in (PRE_OPEN, OPENING_AUCTION, CLOSING_AUCTION, CLOSED):
        assert begun[phase] >= 20
    assert begun[VOLATILITY_AUCTION] > 6
    assert begun[HALTED] >= 20
    assert begun[CONTINUOUS] > 40
    scheduled = {phase for phase, cause in told.phases if cause == BY_SCHEDULE}
    assert told.counted[feed.SCHEDULE_SET] == len(BY_HOURS)
    assert scheduled == {phase for _, phase, _ in HOURS}
    assert told.counted[feed.TRADE] > 150
    assert told.counted[feed.INDICATIVE] > 150
    assert {instrument.phase for instrument in told.engine.state.instruments.values()} == {CLOSED}


def test_told_again_from_the_same_seed_it_is_the_same_to_the_last_byte(told: Node) -> None:
    again = day(7, dies=False)
    assert again.said.hexdigest() == told.said.hexdigest()
    assert state_digest(again.engine.state) == state_digest(told.engine.state)


def test_an_engine_that_dies_at_each_change_of_a_phase_says_the_same(told: Node) -> None:
    dying = day(7, dies=True)
    assert dying.deaths > 60
    assert dying.said.hexdigest() == told.said.hexdigest()
    assert state_digest(dying.engine.state) == state_digest(told.engine.state)
