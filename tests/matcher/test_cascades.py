"""What follows when triggered orders trade: that it ends, that nothing trades twice, and that a checkpoint keeps it."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.protocol import reports
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder, SetPhase
from bus.protocol.terms import (
    BUY,
    CONTINUOUS,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
)
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from tests.matcher.exchanges import Event, Exchange, enter

ANNA, BORIS = 1, 2
SESSIONS = (ANNA, BORIS)
DEEP = 3000  # well beyond the depth at which Python gives up


@st.composite
def any_order(draw: st.DrawFn) -> EnterOrder:
    """An order of any type that trades or waits; its id is given later."""
    order_type = draw(
        st.sampled_from(
            (LIMIT, LIMIT, MARKET, STOP, STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP)
        )
    )
    fields: dict[str, Any] = {"order_type": order_type}
    has_price = order_type in (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT) or draw(st.booleans())
    if order_type == MARKET:
        fields["time_in_force"] = IOC
    elif order_type in (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT):
        fields["time_in_force"] = draw(st.sampled_from((GTC, GTC, GTC, IOC, FOK)))
    if order_type == TRAILING_STOP:
        distance = draw(st.integers(1, 4))
        fields |= {"trail_ticks": distance} if draw(st.booleans()) else {"trail_basis_points": distance * 700}
    elif order_type not in (LIMIT, MARKET):
        fields["trigger_price_ticks"] = draw(st.integers(8, 16))
    price = draw(st.integers(8, 16)) if has_price else 0
    return enter("-", draw(st.sampled_from((BUY, SELL))), draw(st.integers(1, 6)), price, **fields)


#: A session, and an order or the number of one that is cancelled or replaced.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(SESSIONS), st.one_of(any_order(), any_order(), any_order(), st.integers(-40, 40))
    ),
    max_size=40,
)


def command_of(step: EnterOrder | int, number: int) -> object:
    """What a step says: numbers name an order that came so many steps before."""
    if isinstance(step, EnterOrder):
        return msgspec.structs.replace(step, client_order_id=f"o{number}")
    if step < 0:
        return CancelOrder(client_order_id=f"o{number + step}")
    return ReplaceOrder(f"r{number}", client_order_id=f"o{number - step}", price_ticks=8 + step % 9)


class Ledger:
    """What a reader of the reports knows of each order."""

    def __init__(self) -> None:
        self.quantity: dict[int, int] = {}
        self.filled: Counter[int] = Counter()
        self.triggered: Counter[int] = Counter()
        self.ended: set[int] = set()

    def take(self, event: Event) -> None:
        """One more event; AssertionError when it can not be."""
        tag = event[0]
        order_id = event[6] if tag == reports.REPLACED else event[5] if tag != reports.REJECTED else 0
        if tag == reports.ACCEPTED:
            self.quantity[order_id] = event[13]
        elif tag == reports.FILLED:
            assert order_id not in self.ended, "what has ended does not trade"
            self.filled[order_id] += event[11]
            assert (event[12], event[13]) == (
                self.filled[order_id],
                self.quantity[order_id] - self.filled[order_id],
            )
            assert event[13] >= 0, "nothing is filled beyond its quantity"
            if not event[13]:
                self.ended.add(order_id)
        elif tag == reports.CANCELLED:
            assert order_id not in self.ended, "an order ends once"
            assert event[8] == self.quantity[order_id] - self.filled[order_id] > 0
            self.ended.add(order_id)
        elif tag == reports.REPLACED:
            self.quantity[order_id] = event[10]
        elif tag == reports.TRIGGERED:
            self.triggered[order_id] += 1
            assert self.triggered[order_id] == 1, "an order is triggered once"
            assert not self.filled[order_id], "what waits does not trade"
            assert event[3] == event[4] == 0, "nobody has asked"


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_cascade_ends_and_no_order_is_filled_and_cancelled_beyond_its_quantity(
    steps: list[tuple[int, EnterOrder | int]],
) -> None:
    exchange, relay = Exchange("anna", "boris"), Exchange("anna", "boris")
    ledger = Ledger()
    for number, (session, step) in enumerate(steps):
        command = command_of(step, number)
        events = exchange.say(session, command)
        for stream, event in events:
            if not stream.endswith("."):
                ledger.take(event)
        exchange.engine.state.check()
        # An engine that is its own checkpoint after each step says the same.
        assert relay.say(session, command) == events
        payload = encode_state(exchange.engine.state)
        assert encode_state(relay.engine.state) == payload
        relay.engine = Engine(decode_state(payload))
    still_open = {row[0] for account in ("anna", "boris") for row in exchange.engine.open_orders(account)}
    assert still_open == ledger.quantity.keys() - ledger.ended


def test_a_long_chain_of_stops_that_trigger_each_other_is_no_recursion() -> None:
    exchange = deep_exchange()
    exchange.say(BORIS, *(enter(f"b{n}", SELL, 1, 1000 + n) for n in range(DEEP + 1)))
    exchange.say(
        ANNA, *(enter(f"a{n}", BUY, 1, 0, order_type=STOP, trigger_price_ticks=1000 + n) for n in range(DEEP))
    )
    first = exchange.order("anna", "a0").sequence
    events = exchange.say(BORIS, enter("go", BUY, 1, 1000))
    triggered = [event[5:9:3] for _, event in events if event[0] == reports.TRIGGERED]
    assert triggered == [(first + n, 1000 + n) for n in range(DEEP)]
    assert exchange.engine.open_orders("anna") == exchange.engine.open_orders("boris") == []
    exchange.engine.state.check()


def test_many_stops_at_one_trigger_come_one_after_the_other() -> None:
    exchange = deep_exchange()
    exchange.say(BORIS, enter("b", SELL, DEEP + 1, 1000))
    exchange.say(
        ANNA, *(enter(f"a{n}", BUY, 1, 0, order_type=STOP, trigger_price_ticks=1000) for n in range(DEEP))
    )
    events = exchange.say(BORIS, enter("go", BUY, 1, 1000))
    takers = [event[6] for _, event in events if event[0] == reports.FILLED and event[14] == 2]
    assert takers == ["go", *(f"a{n}" for n in range(DEEP))]


def deep_exchange() -> Exchange:
    """With room for many orders and prices."""
    exchange = Exchange("anna", "boris")
    definition = exchange.engine.state.instruments["BTC-USD"].definition
    exchange.say(1, msgspec.structs.replace(definition, price_max_ticks=100_000, quantity_max_lots=10**6))
    return exchange


# What a checkpoint holds.


def stopped(elected: bool) -> Any:
    """The state, as rows, of an exchange with a trailing stop, and a stop that waits or was elected at 103."""
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, enter("stop", BUY, 5, 0, order_type=STOP, trigger_price_ticks=103))
    exchange.say(ANNA, enter("trail", SELL, 5, 0, order_type=TRAILING_STOP, trail_ticks=4))
    exchange.say(BORIS, enter("b1", SELL, 2, 100), enter("b2", BUY, 2, 100), enter("b3", SELL, 9, 105))
    state = msgspec.msgpack.decode(encode_state(exchange.engine.state))
    waiting = state[10][0][11]
    stop, trail = (exchange.order("anna", name).sequence for name in ("stop", "trail"))
    assert waiting == [[stop], [[trail, 100]], []]
    if elected:
        waiting[0], waiting[2] = [], [[stop, 103]]
    return state


def test_who_was_elected_when_trading_stopped_starts_when_it_goes_on() -> None:
    engine = Engine(decode_state(msgspec.msgpack.encode(stopped(elected=True))))
    engine.state.check()
    assert msgspec.msgpack.decode(encode_state(engine.state)) == stopped(elected=True)
    time_ns = engine.time_ns + 1
    engine.apply_message(1, 1, time_ns, [SetPhase("BTC-USD", CONTINUOUS)], time_ns)
    events = [event for _, _, events in engine.take_private() for event in events]
    assert [event[8] for event in events if event[0] == reports.TRIGGERED] == [103]
    assert [event[10] for event in events if event[0] == reports.FILLED] == [105, 105]
    engine.state.check()


def test_who_was_elected_can_still_be_cancelled() -> None:
    engine = Engine(decode_state(msgspec.msgpack.encode(stopped(elected=True))))
    time_ns = engine.time_ns + 1
    commands = [CancelOrder(client_order_id="stop"), SetPhase("BTC-USD", CONTINUOUS)]
    engine.apply_message(1, 1, time_ns, commands, time_ns)
    tags = [event[0] for _, _, events in engine.take_private() for event in events]
    assert tags == [reports.CANCELLED, reports.COMPLETED]
    engine.state.check()


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ((0, 0), 99, "order 99 waits for what it can not wait for"),
        ((2,), [[99, 5]], "order 99 waits for what it can not wait for"),
        ((0, 0), "resting", "waits for what it can not wait for"),
        ((1,), "fixed", "does not trail"),
        ((1, 0, 1), -1, "does not trail"),
        ((0,), [], "is open and stands nowhere"),
    ],
)
def test_a_waiting_order_that_can_not_have_come_about_is_named(
    path: tuple[int, ...], value: Any, error: str
) -> None:
    state = stopped(elected=False)
    part = state[10][0][11]
    if value == "fixed":
        value, part[0] = [[part[0][0], 0]], []
    elif value == "resting":
        value = state[10][0][10][0][0]
    for index in path[:-1]:
        part = part[index]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=error):
        decode_state(msgspec.msgpack.encode(state))
