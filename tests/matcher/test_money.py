"""Money in random logs: nothing is created or lost, everything held is justified, and a refusal moves nothing.

The logs are those of `tests.support.markets` at a venue that clears and charges, with transfers and fees of every kind
between their steps and options on some of their messages.
"""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol import reasons
from bus.protocol.reports import CANCELLED, COMPLETED, DUPLICATE, MOVED, REJECTED, SETTLED
from bus.protocol.terms import ALL_OR_NOTHING, VALIDATE_ONLY
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Event
from tests.support.clearing_markets import clearing
from tests.support.drawn import seeds
from tests.support.markets import (
    Clock,
    Message,
    Step,
    apply_step,
    logs,
    walk,
)
from tests.support.naive_ledger import NaiveCharges, Outsider, holds_of, naive_holds, totals_of

LENGTH = 400


def money_of(engine: Engine) -> bytes:
    """All that the ledger says, as bytes."""
    rows = [(name, engine.balances(name)) for name, one in engine.state.accounts.items() if one.balances]
    held = [
        (order.sequence, order.held, order.held_fee)  # type: ignore[attr-defined]
        for account in engine.state.accounts.values()
        for order in account.open.values()
    ]
    return msgspec.msgpack.encode((rows, held))


class Walk:
    """An engine that is asked after each message whether its money adds up."""

    def __init__(self, dice: Random) -> None:
        self.engine = Engine()
        self.clock = Clock()
        self.outsider = Outsider()
        self.charges = NaiveCharges()
        self.dice = dice
        self.seen: dict[int, int] = {}
        self.reasons: dict[int, int] = {}

    def take(self, step: Step, *, look: bool = True) -> list[tuple[str, Event]]:
        """Do it; what was said privately."""
        engine = self.engine
        time_ns = self.clock.after(step, engine.state.time_ns)
        if isinstance(step, Message) and step.session not in engine.state.sessions:
            return []
        options = self.dice.choice([0, 0, 0, ALL_OR_NOTHING, VALIDATE_ONLY])
        ledger = engine.state.ledger
        if ledger is None or not ledger.products:  # what the market begins with is done
            options = 0
        before = money_of(engine) if look else b""
        if isinstance(step, Message) and options:
            made_ns = max(0, time_ns - step.age_ns)
            engine.apply_message(step.session, step.correlation_id, made_ns, step.items, time_ns, 0, options)
        else:
            apply_step(engine, step, time_ns)
        private, _ = engine.take_outputs()
        told = [(account, event) for account, _, reports in private for event in reports]
        for _, event in told:
            self.seen[event[0]] = self.seen.get(event[0], 0) + 1
            if event[0] in (REJECTED, CANCELLED):
                self.reasons[event[-1]] = self.reasons.get(event[-1], 0) + 1
        self.outsider.hear(told)
        ledger = engine.state.ledger
        if ledger is not None:
            schedules = {
                symbol: product.fees.schedule
                for symbol, product in ledger.products.items()
                if product.fees is not None
            }
            self.charges.hear(engine, schedules, told)
        if look:
            self._look(before, told)
        return told

    def _look(self, before: bytes, told: list[tuple[str, Event]]) -> None:
        engine = self.engine
        engine.state.check()
        assert self.outsider.totals == {
            place: total for place, total in totals_of(engine).items() if place in self.outsider.totals
        }
        assert holds_of(engine) == naive_holds(engine)
        if all(
            event[0] in (REJECTED, DUPLICATE) or (event[0] == COMPLETED and not event[-1])
            for _, event in told
        ):
            assert money_of(engine) == before, "who is refused moves nothing"


@pytest.mark.parametrize("seed", seeds(8))
def test_money_adds_up_after_every_command_of_a_walk(seed: int) -> None:
    dice = Random(seed)
    walker = Walk(dice)
    for step in clearing(walk(seed, LENGTH), dice):
        walker.take(step)
    assert walker.seen[MOVED], "there is money"


def test_the_walks_show_what_money_is_about() -> None:
    seen: set[int] = set()
    told: set[int] = set()
    charged: set[str] = set()
    for seed in seeds(8):
        dice = Random(seed)
        walker = Walk(dice)
        for step in clearing(walk(seed, LENGTH), dice):
            walker.take(step, look=False)
        seen |= walker.seen.keys()
        charged |= walker.charges.seen.keys()
        told |= walker.reasons.keys()
    assert {MOVED, SETTLED, DUPLICATE} <= seen
    assert {"fee", "rebate", "free", "tier 0", "tier 1", "tier 2", "role 1", "role 2", "role 3"} <= charged
    assert {
        *(reasons.INSUFFICIENT_FUNDS, reasons.LIMIT_NEEDED, reasons.BALANCE_TOO_LARGE),
        *(reasons.UNKNOWN_ASSET, reasons.AMOUNT_NOT_POSITIVE, reasons.INVALID_TRANSFER, reasons.ID_TAKEN),
        *(reasons.INVALID_FEES, reasons.REBATE_UNPAID, reasons.INVALID_FEE_TIERS),
    } <= told


@given(logs(), st.integers(0, 2**32))
def test_money_adds_up_after_every_command(steps: list[Step], seed: int) -> None:
    dice = Random(seed)
    walker = Walk(dice)
    for step in clearing(steps, dice):
        walker.take(step)


@pytest.mark.parametrize("seed", seeds(3))
def test_a_checkpoint_keeps_all_that_money_is(seed: int) -> None:
    dice = Random(seed)
    walker = Walk(dice)
    for at, step in enumerate(clearing(walk(seed, LENGTH), dice)):
        walker.take(step, look=False)
        if at % 7 == 0:
            payload = encode_state(walker.engine.state)
            before = money_of(walker.engine)
            walker.engine = Engine(decode_state(payload))
            walker.engine.state.check()
            assert encode_state(walker.engine.state) == payload
            assert money_of(walker.engine) == before


@pytest.mark.slow
def test_money_adds_up_over_a_million_commands() -> None:
    seed, commands = 7, 0
    dice = Random(seed)
    walker = Walk(dice)
    steps = clearing(walk(seed, 700_000), dice)
    for at, step in enumerate(steps):
        walker.take(step, look=at % 5_000 == 0)
        commands = walker.engine.sequence
    assert commands >= 1_000_000
    walker.engine.state.check()
    assert holds_of(walker.engine) == naive_holds(walker.engine)
