"""What accounts have at stake in random logs: counted as a naive reader counts it, and kept within its limits.

The logs are those of `tests.support.markets`, with words of the operator about risk between their steps, and options on
some of their messages.
"""

from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol import reasons
from bus.protocol.commands import (
    EnterOrder,
    JoinGroup,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetRisk,
)
from bus.protocol.reports import ACCEPTED, CANCELLED, COMPLETED, REJECTED
from bus.protocol.terms import ALL_OR_NOTHING, BUY, SELL, VALIDATE_ONLY
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Event
from tests.support.drawn import drawn, seeds
from tests.support.markets import (
    ACCOUNTS,
    OPERATOR_SESSION,
    SYMBOLS,
    Clock,
    Message,
    Step,
    apply_step,
    logs,
    walk,
)
from tests.support.naive_risk import NaiveRisk, expected

LENGTH = 400
GROUPS = ("makers", "takers")
OF_RISK = (
    *(reasons.POSITION_LIMIT, reasons.OPEN_NOTIONAL_LIMIT, reasons.DAILY_LOSS_LIMIT),
    *(reasons.PRICE_COLLAR, reasons.REDUCE_ONLY, reasons.DAY_QUANTITY_LIMIT, reasons.DAY_NOTIONAL_LIMIT),
)


def limited(steps: list[Step], dice: Random) -> list[Step]:
    """The same with words about risk between, behind what the market begins with."""
    found: list[Step] = []
    for at, step in enumerate(steps):
        found.append(step)
        if at == 8:
            found += [Message(OPERATOR_SESSION, (SetGroup(group),)) for group in GROUPS]
        if at > 8 and dice.randrange(12) == 0:
            found.append(Message(OPERATOR_SESSION, (drawn_risk(dice),)))
    return found


def drawn_risk(dice: Random) -> SetRisk | SetGroupRisk | SetGroupKillSwitch | JoinGroup:
    """Limits that are tight, some that cannot be, and now and then a position; of accounts, and of groups of them."""
    kind = dice.randrange(10)
    if kind < 2:
        return JoinGroup(dice.choice(ACCOUNTS), dice.choice(["", *GROUPS, GROUPS[0], GROUPS[0]]))
    if kind == 2:
        return SetGroupKillSwitch(dice.choice([*GROUPS, "none"]), dice.randrange(5) == 0)
    if kind < 5:
        return drawn_group_risk(dice)
    symbol = dice.choice(["", *SYMBOLS, SYMBOLS[0], "NONE"])
    fields: dict[str, Any] = {
        "long_lots_max": dice.choice([0, 0, 0, 10, 30, 100]),
        "short_lots_max": dice.choice([0, 0, 0, 10, 30, 100]),
        "open_notional_max": dice.choice([0, 0, 0, 100, 400, 2**63 - 1]),
        "day_loss_max": dice.choice([0, 0, 3, 20, 200]),
        "collar_basis_points": dice.choice([0, 0, 0, 2000, 9999]),
        "commands_per_fill_max": dice.choice([0, 0, 0, 3, 50]),
        "reduce_only": dice.randrange(8) == 0,
        "position_lots": dice.choice([None, None, None, 0, 15, -15]) if symbol else None,
    }
    fields["loss_stops"] = fields["day_loss_max"] != 0 and dice.randrange(4) == 0
    fields["commands_from"] = dice.choice([0, 10]) if fields["commands_per_fill_max"] else 0
    if dice.randrange(4) == 0:
        fields = {}
    if dice.randrange(15) == 0:
        fields[dice.choice(["long_lots_max", "day_loss_max", "collar_basis_points"])] = -1
    return SetRisk(dice.choice(ACCOUNTS), symbol, **fields)


def drawn_group_risk(dice: Random) -> SetGroupRisk:
    """Of a group, which may not be there."""
    fields: dict[str, Any] = {
        "long_lots_max": dice.choice([0, 0, 20, 60, 100]),
        "short_lots_max": dice.choice([0, 0, 20, 60, 100]),
        "open_notional_max": dice.choice([0, 0, 300, 900, 2**63 - 1]),
        "day_lots_max": dice.choice([0, 0, 10, 10, 40]),
        "day_notional_max": dice.choice([0, 0, 0, 0, 100, 400]),
        "day_loss_max": dice.choice([0, 0, 3, 20, 200]),
    }
    fields["loss_stops"] = fields["day_loss_max"] != 0 and dice.randrange(4) == 0
    if dice.randrange(4) == 0:
        fields = {}
    if dice.randrange(15) == 0:
        fields[dice.choice(["day_lots_max", "day_notional_max", "short_lots_max"])] = -1
    return SetGroupRisk(
        dice.choice([*GROUPS, GROUPS[0], "none"]), dice.choice(["", *SYMBOLS, "NONE"]), **fields
    )


def risk_of(engine: Engine) -> bytes:
    """All that the engine says of risk, as bytes."""
    return msgspec.msgpack.encode(engine.safeguards())


class Walk:
    """An engine that is asked after each message whether all that is at stake is counted."""

    def __init__(self, dice: Random) -> None:
        self.engine = Engine()
        self.clock = Clock()
        self.naive = NaiveRisk()
        self.dice = dice
        self.reasons: dict[int, int] = {}
        self.lasts: dict[str, int] = {}

    def take(self, step: Step) -> None:
        """Do it, each command by itself unless the message has options, and look."""
        engine = self.engine
        time_ns = self.clock.after(step, engine.state.time_ns)
        if not isinstance(step, Message):
            self._begin()
            apply_step(engine, step, time_ns)
            self._hear(None)
            return
        if step.session not in engine.state.sessions:
            return
        options = self.dice.choice([0, 0, 0, ALL_OR_NOTHING, VALIDATE_ONLY])
        is_opening = len(engine.state.instruments) < len(SYMBOLS) or isinstance(step.items[0], SetGroup)
        if not options or is_opening:
            for item in step.items:
                self._do(replace(step, items=(item,)), item, time_ns)
            return
        self._begin()
        is_still = not self._is_due(time_ns + len(step.items))
        before = risk_of(engine)
        made_ns = max(0, time_ns - step.age_ns)
        engine.apply_message(step.session, step.correlation_id, made_ns, step.items, time_ns, 0, options)
        if options == VALIDATE_ONLY and is_still:
            assert risk_of(engine) == before, "what is only judged changes nothing"
        self._hear(step.items[-1] if options == ALL_OR_NOTHING else None)

    def _do(self, message: Message, item: Any, time_ns: int) -> None:
        """One command. What is foreseen of an order comes true, unless something else is against it."""
        engine = self.engine
        self._begin()
        account = engine.state.sessions[message.session].account
        foreseen = isinstance(item, EnterOrder) and item.symbol in engine.state.instruments
        foreseen = foreseen and item.side in (BUY, SELL) and not self._is_due(time_ns)
        expect = expected(engine, item.symbol, item.side) if foreseen else 0
        partner = (
            account.open.get(getattr(account.requests.get(item.cancels_with), "sequence", 0))
            if foreseen
            else None
        )
        foreseen = foreseen and (partner is not None or not item.cancels_with)
        verdict = self.naive.verdict(engine, account.name, item, expect) if foreseen else 0
        number = engine.state.sequence + 1
        apply_step(engine, message, time_ns)
        told = self._hear(item, {number: expect} if foreseen else {})
        for name, event in told:
            if foreseen and event[1] == number and name == account.name and event[0] in (ACCEPTED, REJECTED):
                reason = event[-1] if event[0] == REJECTED else 0
                if reason in (0, *OF_RISK):
                    assert reason == verdict, item

    def _is_due(self, time_ns: int) -> bool:
        first_ns = self.engine.next_timer_ns
        return 0 < first_ns <= time_ns + 1 or self.engine.state.timers.next_due_ns <= time_ns + 1

    def _begin(self) -> None:
        self.lasts = {symbol: one.last_price_ticks for symbol, one in self.engine.state.instruments.items()}

    def _hear(self, item: Any, expect: dict[int, int] | None = None) -> list[tuple[str, Event]]:
        """What was said privately. `expect`: what an order would be valued at that says no price."""
        engine, naive = self.engine, self.naive
        private, _ = engine.take_outputs()
        told = [(account, event) for account, _, reports in private for event in reports]
        naive.begin(engine.state.time_ns, self.lasts)  # where the day has changed nothing was foreseen
        held = naive.reduced()
        enlarged = naive.hear(told)
        assert not held & enlarged, "where a position may only become smaller, it does"
        for account, event in told:
            if event[0] in (REJECTED, CANCELLED):
                self.reasons[event[-1]] = self.reasons.get(event[-1], 0) + 1
            if event[0] == COMPLETED and account == "acc-op":
                naive.is_said(item, engine.state.instruments)
        naive.value(engine, expect or {})
        engine.state.check()
        _, limited, grouped = engine.safeguards()
        assert {name for name, _, _, risk, _ in limited if risk} == naive.limits.keys()
        for name, _, _, _, positions in limited:
            if name in naive.counted():
                assert [row for row in positions if any(row[1:])] == naive.states(engine, [name])
        assert {name for name, *_ in grouped} == naive.group_limits.keys() | naive.stopped
        for name, stopped, limits, positions, members in grouped:
            assert members == naive.members[name]
            assert stopped == (name in naive.stopped)
            assert [row for row in positions if any(row[1:])] == naive.states(engine, members)
            for symbol, *_, lots, notional, _ in limits:
                assert (lots, notional) == naive.traded_of(name, symbol)
        return told


def test_what_is_at_stake_is_counted_after_every_command_of_walks_that_show_all_of_it() -> None:
    told: set[int] = set()
    for seed in seeds(20):
        dice = Random(seed)
        walker = Walk(dice)
        for step in limited(walk(seed, LENGTH), dice):
            walker.take(step)
        told |= walker.reasons.keys()
    wanted = {*OF_RISK, reasons.ORDER_TO_TRADE_LIMIT, reasons.RISK_LIMIT, reasons.INVALID_RISK}
    wanted |= {reasons.ACCOUNT_STOPPED, reasons.UNKNOWN_GROUP}
    assert wanted - told == set()


@drawn(40)
@given(logs(), st.integers(0, 2**32))
def test_what_is_at_stake_is_counted_after_every_command(steps: list[Step], seed: int) -> None:
    dice = Random(seed)
    walker = Walk(dice)
    for step in limited(steps, dice):
        walker.take(step)


@pytest.mark.parametrize("seed", seeds(3))
def test_a_checkpoint_keeps_all_that_is_at_stake(seed: int) -> None:
    dice = Random(seed)
    walker = Walk(dice)
    for at, step in enumerate(limited(walk(seed, LENGTH), dice)):
        walker.take(step)
        if at % 7 == 0:
            payload = encode_state(walker.engine.state)
            before = risk_of(walker.engine)
            walker.engine = Engine(decode_state(payload))
            walker.engine.state.check()
            assert encode_state(walker.engine.state) == payload
            assert _told(risk_of(walker.engine)) == _told(before)


def _told(safeguards: bytes) -> Any:
    """Without positions of nothing, which follow from nothing."""
    breakers, limited, grouped = msgspec.msgpack.decode(safeguards)
    held = [(*rest, [row for row in positions if any(row[1:])]) for *rest, positions in limited]
    together = [
        (*rest, members, [row for row in positions if any(row[1:])]) for *rest, positions, members in grouped
    ]
    return breakers, held, together
