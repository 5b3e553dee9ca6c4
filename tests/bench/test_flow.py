"""The market that benchmarks make up has the shares that it is said to have, and nothing of it is refused."""

import pytest

from bus.protocol.commands import CancelOrder, Command, EnterOrder
from bus.protocol.reports import ACCEPTED, CANCELLED, COMPLETED, FILLED
from bus.protocol.terms import IOC
from tools.bench import flow

COMMANDS = 4_000
REPORTS = range(ACCEPTED, COMPLETED + 1)


@pytest.fixture(scope="module")
def market() -> flow.Flow:
    """One flow for all."""
    return flow.Flow("T", COMMANDS, seed=7)


def kinds(commands: list[Command], symbol: str) -> dict[int, int]:
    """How many reports of each kind an engine gives."""
    engine = flow.engine_with(symbol)
    counts: dict[int, int] = {}
    for command in commands:
        for _, event in engine.apply(command, engine.sequence + 1, engine.time_ns + 1, 1, 1):
            if event[0] in REPORTS:
                counts[event[0]] = counts.get(event[0], 0) + 1
    engine.state.check()
    return counts


def test_the_flow_has_its_shares(market: flow.Flow) -> None:
    cancels = sum(isinstance(command, CancelOrder) for command in market.commands)
    aggressors = sum(
        isinstance(command, EnterOrder) and command.time_in_force == IOC for command in market.commands
    )
    assert len(market.commands) == COMMANDS
    assert cancels == market.cancels
    assert cancels / COMMANDS == pytest.approx(0.30, abs=0.03)
    assert aggressors / COMMANDS == pytest.approx(0.15, abs=0.03)
    assert market.trades / COMMANDS == pytest.approx(0.50, abs=0.02)


def test_the_engine_makes_of_it_what_was_foreseen(market: flow.Flow) -> None:
    before = kinds(market.opening, "T")
    assert before == {ACCEPTED: len(market.opening)}
    found = kinds([*market.opening, *market.commands], "T")
    assert found[FILLED] == 2 * market.trades
    assert found[ACCEPTED] == len(market.opening) + COMMANDS - market.cancels
    # What is cancelled unasked is the rest of an aggressor, which there is not: all of them are sized to the book.
    assert found[CANCELLED] == market.cancels
    assert set(found) == {ACCEPTED, FILLED, CANCELLED}


def test_the_same_seed_gives_the_same_flow_and_another_one_another() -> None:
    assert flow.Flow("T", 300, seed=3).commands == flow.Flow("T", 300, seed=3).commands
    assert flow.Flow("T", 300, seed=3).commands != flow.Flow("T", 300, seed=4).commands


def test_the_same_flow_in_another_instrument_does_the_same(market: flow.Flow) -> None:
    commands = [*market.opening, *market.commands]
    assert kinds(flow.in_symbol(commands, "U"), "U") == kinds(commands, "T")


def test_orders_that_rest_never_meet() -> None:
    orders = flow.resting("T", 400, levels=30)
    assert kinds(orders, "T") == {ACCEPTED: 400}
    ids = {order.client_order_id for order in orders if isinstance(order, EnterOrder)}
    assert len(ids) == 400
