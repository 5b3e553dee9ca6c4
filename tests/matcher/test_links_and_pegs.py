"""Linked and pegged orders in random markets: what holds whatever happens. The rules are in `tests/scenarios`.

Few prices and many links, so that sweeps meet several orders of one group, pegged orders meet each other, and what is
released trades at once. After each command the state is checked (`State.check` knows where pegged orders stand), and
now and then the engine goes on from its own checkpoint.
"""

from random import Random
from typing import Any

import pytest

from bus.protocol import reasons, reports
from bus.protocol.commands import (
    CancelOrder,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
    SetPhase,
)
from bus.protocol.terms import (
    BEST_ASK,
    BEST_BID,
    BUY,
    CONTINUOUS,
    FOK,
    GTC,
    HALTED,
    HIDDEN,
    IOC,
    LIMIT,
    MARKET,
    MIDPOINT,
    PEGGED,
    SELL,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    WAITING,
)
from matcher.book.level import Order
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.engine import Engine
from tests.matcher.exchanges import Event, Exchange, answers, enter
from tests.support.drawn import seeds
from tests.support.markets import btc

ANNA, BORIS = 1, 2
LINKED = (reports.CANCELLED, reasons.LINKED)
LENGTH = 250


class Walk:
    """A random market. `mates`: who cancels with whom, as it was before the command at hand."""

    def __init__(self, seed: int, matching: int = 0) -> None:
        self.dice = Random(seed)
        self.exchange = Exchange("anna", "boris", "carla")
        if matching:
            self.exchange.say(1, btc(symbol="ETH-USD", price_max_ticks=1000, matching=matching))
        self.symbol = "ETH-USD" if matching else "BTC-USD"
        self.count = 0
        self.mates: dict[int, set[int]] = {}

    def step(self) -> None:
        """A command, and what must hold afterwards."""
        session = self.dice.randint(1, 3)
        self.note_groups()
        events = self.exchange.say(session, self.command(session))
        self.check(events)

    def command(self, session: int) -> Any:
        """Mostly an order; sometimes something that is done to orders."""
        dice = self.dice
        name = f"o{dice.randint(max(0, self.count - 12), self.count)}"
        kind = dice.random()
        if self.exchange.engine.state.instruments[self.symbol].phase == HALTED and dice.random() < 0.5:
            return SetPhase(self.symbol, CONTINUOUS)
        if kind < 0.08:
            return CancelOrder(client_order_id=name)
        if kind < 0.14:
            return ReplaceOrder(
                f"r{self.next()}", 0, name, dice.choice([0, *range(95, 106)]), dice.randint(0, 9)
            )
        if kind < 0.15:
            return MassCancel(side=dice.choice([0, BUY, SELL]))
        if kind < 0.17:
            return SetPhase(self.symbol, dice.choice([HALTED, CONTINUOUS, CONTINUOUS, CONTINUOUS]))
        if kind < 0.18:
            return btc(
                symbol=self.symbol,
                price_min_ticks=dice.choice([2, 97]),
                price_max_ticks=dice.choice([1000, 103]),
                quantity_max_lots=1000,
                quantity_min_lots=1,
                matching=2 if self.symbol != "BTC-USD" else 0,
            )
        return self.order(session)

    def order(self, session: int) -> EnterOrder:
        """One that is probably linked, or pegged, or both."""
        dice = self.dice
        mine = [
            order.request_id
            for order in self.exchange.engine.state.accounts[
                ("anna", "boris", "carla")[session - 1]
            ].open.values()
        ]
        fields: dict[str, Any] = {}
        kind = dice.choice([*[LIMIT] * 7, *[PEGGED] * 3, MARKET, STOP, STOP_LIMIT, TRAILING_STOP])
        side = dice.choice([BUY, SELL])
        price = dice.randint(95, 105)
        fields["order_type"] = kind
        fields["time_in_force"] = IOC if kind == MARKET else dice.choice([GTC, GTC, GTC, GTC, FOK, IOC])
        if kind in (PEGGED, STOP, TRAILING_STOP):
            fields["time_in_force"] = GTC
        if kind in (STOP, STOP_LIMIT):
            fields["trigger_price_ticks"] = dice.randint(95, 105)
        if kind == TRAILING_STOP:
            fields["trail_ticks"] = dice.randint(1, 4)
        if kind in (MARKET, STOP, TRAILING_STOP):
            price = 0
        if kind == PEGGED:
            price = dice.choice([0, 0, price])
            fields["peg"] = peg = dice.choice([BEST_BID, BEST_ASK, MIDPOINT])
            away = dice.randint(0, 2) + ((peg == BEST_ASK) == (side == BUY) and peg != MIDPOINT)
            fields["peg_offset_ticks"] = -away if side == BUY else away
            fields["flags"] = HIDDEN if peg == MIDPOINT else dice.choice([0, HIDDEN])
        elif kind == LIMIT and fields["time_in_force"] == GTC:
            fields["flags"] = dice.choice([0, 0, 0, HIDDEN])
            fields["display_lots"] = 0 if fields["flags"] else dice.choice([0, 0, 1])
        if mine and dice.random() < 0.4:
            fields["cancels_with"] = dice.choice(mine)
        if mine and dice.random() < 0.2:
            fields["triggered_by"] = dice.choice(mine)
        if dice.random() < 0.15:
            fields["self_trade"] = dice.randint(1, 4)
        return EnterOrder(f"o{self.next()}", self.symbol, side, dice.randint(2, 9), price, **fields)

    def next(self) -> int:
        """Ids are used once."""
        self.count += 1
        return self.count

    def orders(self) -> list[Order]:
        """All that are open."""
        found: list[Order] = []
        for account in self.exchange.engine.state.accounts.values():
            for order in account.open.values():
                assert isinstance(order, Order)
                found.append(order)
        return found

    def note_groups(self) -> None:
        """Who cancels with whom before the next command."""
        self.mates = {
            order.sequence: set(order.instructions.group.members) - {order.sequence}
            for order in self.orders()
            if order.instructions is not None and order.instructions.group is not None
        }

    def check(self, events: list[tuple[str, Event]]) -> None:
        """What holds after each command, whatever it was."""
        state = self.exchange.engine.state
        state.check()
        traded = {event[5] for stream, event in events if event[0] == reports.FILLED and "." not in stream}
        for order_id in traded & self.mates.keys():
            assert not traded & self.mates[order_id], "two of a group have traded"
        opened = {order.sequence: order for order in self.orders()}
        for order_id, others in self.mates.items():
            left = opened.keys() & {order_id, *others}
            assert len(left) in (0, 1, 1 + len(others)), (
                "a group ends as one, but for one that traded or came in"
            )
            assert not left - {order_id} or order_id not in traded, "whoever traded, the others have gone"
        for order in opened.values():
            held_by = order.instructions.held_by if order.instructions is not None else 0
            assert not held_by or order.status == WAITING
            assert not held_by or held_by in opened or order.sequence in self.in_line(), "or it was released"
            assert order.status == WAITING or order.time_in_force not in (IOC, FOK), "all or nothing"

    def in_line(self) -> set[int]:
        """Who was elected and has not become active: trading has stopped before."""
        watch = self.exchange.engine.state.instruments[self.symbol].watch
        return set() if watch is None else {sequence for sequence, _ in watch.elected_rows()}

    def restart(self) -> None:
        """Go on from the checkpoint."""
        payload = encode_state(self.exchange.engine.state)
        state = decode_state(payload)
        assert encode_state(state) == payload
        state.check()
        self.exchange.engine = Engine(state)


@pytest.mark.parametrize("matching", [0, 2])
@pytest.mark.parametrize("seed", seeds(6))
def test_no_group_trades_twice_and_every_peg_stands_where_its_reference_says(
    seed: int, matching: int
) -> None:
    walk = Walk(seed, matching)
    for number in range(LENGTH):
        walk.step()
        if number % 7 == 0:
            walk.restart()
    assert walk.count > LENGTH / 2


@pytest.mark.parametrize("seed", seeds(2))
def test_an_engine_that_starts_again_after_each_command_notices_nothing(seed: int) -> None:
    steady, restless = Walk(seed), Walk(seed)
    for _ in range(LENGTH // 2):
        steady.step()
        restless.step()
        assert state_digest(restless.exchange.engine.state) == state_digest(steady.exchange.engine.state)
        restless.restart()


# Chains that are long, and what they cost.


def chain(length: int) -> Exchange:
    """Sells of a lot, of which each waits for the one before. The first rests, the others would trade at 99."""
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, enter("a0", SELL, 1, 100))
    for n in range(1, length):
        exchange.say(ANNA, enter(f"a{n}", SELL, 1, 99, triggered_by=f"a{n - 1}"))
    return exchange


def test_a_long_chain_ends_link_by_link() -> None:
    exchange = chain(3000)
    assert answers(exchange.say(ANNA, CancelOrder(client_order_id="a0")))[1:] == [LINKED] * 2999
    exchange.engine.state.check()
    assert exchange.engine.state.instruments["BTC-USD"].watch is None


def test_a_long_chain_is_released_link_by_link() -> None:
    exchange = chain(2000)
    exchange.say(BORIS, enter("b1", BUY, 1000, 99))
    events = exchange.say(BORIS, enter("b2", BUY, 1000, 100))
    released = [event[6] for _, event in events if event[0] == reports.TRIGGERED]
    assert released == [f"a{n}" for n in range(1, 2000)]
    exchange.engine.state.check()
    assert exchange.engine.state.instruments["BTC-USD"].watch is None


def test_a_large_group_ends_at_once() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, enter("a0", SELL, 5, 100))
    for n in range(1, 3000):
        exchange.say(ANNA, enter(f"a{n}", SELL, 5, 100, cancels_with=f"a{n - 1}"))
    events = exchange.say(BORIS, enter("b1", BUY, 9, 100))
    assert answers(events).count(LINKED) == 2999
    exchange.engine.state.check()
    assert exchange.engine.state.instruments["BTC-USD"].watch is None
