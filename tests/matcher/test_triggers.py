"""Who is triggered, by which trade and in which order: the engine beside a list that is searched from the front.

Nothing rests in these markets but for a moment, so what is triggered finds nobody and triggers nothing more.
"""

import random
from dataclasses import dataclass

import pytest

from bus.protocol import reasons, reports
from bus.protocol.commands import CancelOrder, EnterOrder, MassCancel
from bus.protocol.terms import BUY, SELL, STOP, TAKE_PROFIT, TRAILING_STOP, WAITING
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.engine import Engine
from tests.matcher.exchanges import Exchange, answers, enter

ANNA, BORIS = 1, 2


@dataclass(eq=False)
class Waiting:
    """An order that waits. `best` is the best price that a trailing stop has seen, 0 for none."""

    order_id: int
    entered: EnterOrder
    best: int

    @property
    def up(self) -> bool:
        """Whether it waits for a rising price."""
        return (self.entered.side == BUY) == (self.entered.order_type != TAKE_PROFIT)

    @property
    def trigger(self) -> int | None:
        """Where it stands; None when it has seen no trade."""
        if self.entered.order_type != TRAILING_STOP:
            return self.entered.trigger_price_ticks
        if not self.best:
            return None
        distance = self.entered.trail_ticks or -(-self.best * self.entered.trail_basis_points // 10_000)
        return self.best + distance if self.up else self.best - distance

    def is_reached(self, price: int) -> bool:
        """Whether a trade at this price triggers it."""
        return self.trigger is not None and (price >= self.trigger if self.up else price <= self.trigger)


class Market:
    """The engine and the list."""

    def __init__(self) -> None:
        self.exchange = Exchange("anna", "boris")
        self.waiting: list[Waiting] = []
        self.last = 0
        self.count = 0

    def enter(self, order: EnterOrder) -> None:
        """An order that waits, or is refused since its trigger was reached."""
        events = self.exchange.say(ANNA, order)
        waiting = Waiting(self.exchange.engine.state.sequence, order, self.last)
        if order.order_type != TRAILING_STOP and self.last and waiting.is_reached(self.last):
            assert answers(events) == [(reports.REJECTED, reasons.ALREADY_TRIGGERED)]
            return
        assert answers(events) == [(reports.ACCEPTED, 0)]
        self.waiting.append(waiting)

    def cancel(self, waiting: Waiting) -> None:
        """It waits no more."""
        self.waiting.remove(waiting)
        events = self.exchange.say(ANNA, CancelOrder(waiting.order_id))
        assert answers(events) == [(reports.CANCELLED, reasons.BY_REQUEST)]

    def trade(self, price: int) -> list[int]:
        """A trade between others at this price; the ids of those whom it triggered, in their order."""
        self.count += 1
        events = self.exchange.say(
            BORIS, enter(f"s{self.count}", SELL, 1, price), enter(f"b{self.count}", BUY, 1, price)
        )
        self.last = price
        reached = [waiting for waiting in self.waiting if waiting.is_reached(price)]
        ups = sorted((w for w in reached if w.up), key=lambda w: (w.trigger, w.order_id))
        downs = sorted((w for w in reached if not w.up), key=lambda w: (-(w.trigger or 0), w.order_id))
        triggered = [event[5] for _, event in events if event[0] == reports.TRIGGERED]
        assert triggered == [w.order_id for w in ups + downs]
        self.waiting = [waiting for waiting in self.waiting if waiting not in reached]
        for waiting in self.waiting:
            if not waiting.best or (price < waiting.best) == waiting.up:
                waiting.best = price
        return triggered

    def check(self) -> None:
        """The engine knows who waits, and for which price."""
        self.exchange.engine.state.check()
        rows = self.exchange.engine.open_orders("anna")
        assert [(row[0], *row[5:]) for row in rows] == [
            (waiting.order_id, WAITING, waiting.trigger or 0) for waiting in self.waiting
        ]

    def restart(self) -> None:
        """Go on with an engine that was read from bytes."""
        engine = self.exchange.engine
        again = Engine(decode_state(encode_state(engine.state)))
        assert state_digest(again.state) == state_digest(engine.state)
        self.exchange.engine = again


def any_order(chance: random.Random, number: int) -> EnterOrder:
    """Something that waits."""
    side = chance.choice((BUY, SELL))
    kind = chance.randrange(4)
    fields: dict[str, int] = {"order_type": TRAILING_STOP}
    if kind == 0:
        fields["trail_ticks"] = chance.randrange(1, 12)
    elif kind == 1:
        fields["trail_basis_points"] = chance.choice((1, 90, 100, 250, 900, 2000))
    else:
        fields = {
            "order_type": (STOP, TAKE_PROFIT)[kind - 2],
            "trigger_price_ticks": chance.randrange(60, 140),
        }
    return enter(f"a{number}", side, 1, 0, **fields)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("drift", [0, 1, -1])
def test_a_random_walk_of_prices_triggers_whom_it_should_in_the_order_it_should(
    seed: int, drift: int
) -> None:
    chance = random.Random(seed)
    market = Market()
    price = 100
    triggered = 0
    for step in range(300):
        deed = chance.randrange(10)
        if deed < 5 and len(market.waiting) < 60:
            market.enter(any_order(chance, step))
        elif deed == 5 and market.waiting:
            market.cancel(chance.choice(market.waiting))
        elif step > 20:
            # Mostly a walk, so that trailing stops gather, and now and then a jump.
            price += chance.randrange(-3, 4) + drift * chance.randrange(2)
            if chance.randrange(40) == 0:
                price += chance.randrange(-30, 31)
            price = min(140, max(60, price))
            triggered += len(market.trade(price))
        if step % 7 == 0:
            market.check()
        if step % 50 == 0:
            market.restart()
    assert triggered > 20, "a walk that triggers nobody proves nothing"
    market.exchange.say(ANNA, MassCancel())
    assert market.exchange.engine.state.instruments["BTC-USD"].watch is None


def test_trailing_stops_that_have_seen_the_same_are_one_group() -> None:
    """Their number is what a new extreme costs: after it all groups that it reaches are one."""
    market = Market()
    for number in range(40):
        market.trade(139 - number)
        market.enter(enter(f"a{number}", SELL, 1, 0, order_type=TRAILING_STOP, trail_ticks=100))
    watch = market.exchange.engine.state.instruments["BTC-USD"].watch
    assert watch is not None
    assert [trail.extreme for trail in watch.downs.trails.groups] == list(range(-139, -99))
    market.trade(120)
    assert [trail.extreme for trail in watch.downs.trails.groups] == list(range(-139, -119))
    market.trade(200)
    assert [len(trail.ticks) for trail in watch.downs.trails.groups] == [40]
    market.check()


def test_a_trade_between_the_nearest_triggers_is_not_looked_at_further() -> None:
    market = Market()
    market.trade(100)
    for number in range(20):
        market.enter(enter(f"u{number}", BUY, 1, 0, order_type=STOP, trigger_price_ticks=103 + number))
        market.enter(enter(f"d{number}", SELL, 1, 0, order_type=STOP, trigger_price_ticks=97 - number))
    watch = market.exchange.engine.state.instruments["BTC-USD"].watch
    assert watch is not None
    assert (watch.below, watch.above) == (97, 103)
    market.enter(enter("t", SELL, 1, 0, order_type=TRAILING_STOP, trail_ticks=2))
    assert (watch.below, watch.above) == (98, 101), "a trade at 101 is a new extreme, one at 98 its trigger"
