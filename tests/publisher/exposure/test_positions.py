"""Average cost, trade by trade: worked examples of others, and what no sequence of trades can break.

Prices of the examples are in hundredths, quantities as they are, so amounts are in hundredths, too.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.exposure import AccountPosition
from bus.protocol.history import BUSTED, CORRECTED, Execution
from bus.protocol.terms import BUY, SELL
from bus.protocol.valuing import realised_of_day, valued
from publisher.candles.intervals import DAY_NS
from publisher.oversight.exposure.positions import Held, Standing, at_opening, cash, executed, traded
from tests.support.drawn import drawn

Trade = tuple[int, int, int]  # side, quantity, price
#: `(lots, cost, realised)` behind each trade.
Stands = tuple[int, int, int]

#: By source: trades, and where they leave the position; a None is not told there.
EXAMPLES: dict[str, list[tuple[Trade, Stands]]] = {
    # elitetrader.com, thread 142338, post 2961732: futures sold short, average position. It tells an average of 1105.44
    # behind four sales, losses of 22.63 and 12.56, then an average of 1126.98 and a profit of 2.98, in rounded points.
    "elitetrader: short futures": [
        ((SELL, 1, 108_900), (-1, -108_900, 0)),
        ((SELL, 1, 110_400), (-2, -219_300, 0)),
        ((SELL, 1, 110_700), (-3, -330_000, 0)),
        ((SELL, 1, 112_175), (-4, -442_175, 0)),
        ((BUY, 2, 111_675), (-2, -221_088, -2_263)),
        ((BUY, 1, 111_800), (-1, -110_544, -2_263 - 1_256)),
        ((SELL, 1, 113_300), (-2, -223_844, -3_519)),
        ((SELL, 1, 114_250), (-3, -338_094, -3_519)),
        ((BUY, 1, 112_400), (-2, -225_396, -3_519 + 298)),
    ],
    # HMRC, HS284 "Shares and Capital Gains Tax", example 3 (a Section 104 holding), dealing costs a part of the
    # price of the purchases and left out of the sales: 1,500 shares for 6,280; 700 of them cost 2,931, the other 800
    # 3,349, and 400 of these 1,675 (it rounds up).
    "HMRC HS284: pooled shares": [
        ((BUY, 1_000, 415), (1_000, 415_000, 0)),
        ((BUY, 500, 426), (1_500, 628_000, 0)),
        ((SELL, 700, 480), (800, 334_934, 336_000 - 293_066)),
        ((SELL, 400, 520), (400, 167_467, 42_934 + 208_000 - 167_467)),
    ],
    # HMRC, Capital Gains Manual CG51624, without indexation and costs: half of a holding of 100,000 is sold for 60,000.
    "HMRC CG51624: half a holding": [
        ((BUY, 10_000, 1_000), (10_000, 10_000_000, 0)),
        ((SELL, 5_000, 1_200), (5_000, 5_000_000, 1_000_000)),
    ],
    # iRely, "Open Roll Cost": 10 at 155 and 20 at 153 cost 153.66 on average.
    "iRely: average of longs": [
        ((BUY, 10, 15_500), (10, 155_000, 0)),
        ((BUY, 20, 15_300), (30, 461_000, 0)),
        ((SELL, 20, 15_700), (10, 153_667, 314_000 - 307_333)),
    ],
    # QSTrader, tests/test_position.py (checked there against Trader Workstation): a long round trip makes 135.00.
    "QSTrader: XOM round trip": [
        ((BUY, 100, 7_478), (100, 747_800, 0)),
        ((BUY, 100, 7_463), (200, 1_494_100, 0)),
        ((BUY, 250, 7_462), (450, 3_359_600, 0)),
        ((SELL, 200, 7_458), (250, 1_866_445, -1_555)),
        ((SELL, 250, 7_526), (0, 0, 13_500)),
    ],
    # The same of a short one, which loses 14.50.
    "QSTrader: PG round trip": [
        ((SELL, 100, 7_769), (-100, -776_900, 0)),
        ((SELL, 100, 7_768), (-200, -1_553_700, 0)),
        ((SELL, 50, 7_770), (-250, -1_942_200, 0)),
        ((BUY, 100, 7_777), (-150, -1_165_320, -820)),
        ((BUY, 150, 7_773), (0, 0, -1_450)),
    ],
}

trades = st.lists(
    st.tuples(st.sampled_from((BUY, SELL)), st.integers(1, 2**40), st.integers(1, 2**23)), max_size=30
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_worked_example_comes_out(name: str) -> None:
    held = Held()
    for (side, lots, price), wanted in EXAMPLES[name]:
        held = traded(held, side, price, lots)
        assert (held.lots, held.cost, held.realised) == wanted


def test_a_trade_through_zero_closes_and_opens_at_its_own_price() -> None:
    held = traded(traded(Held(), BUY, 100, 10), SELL, 120, 25)
    assert held == Held(-15, -15 * 120, 10 * 20)
    assert traded(held, BUY, 110, 40) == Held(25, 25 * 110, 200 + 15 * 10)


@drawn(300)
@given(trades, st.integers(0, 2**23))
def test_profit_is_cash_and_what_is_held_is_worth(done: list[Trade], mark: int) -> None:
    """Exactly, at any mark, whatever the order; and a flat position has no cost."""
    held, paid, lots = Held(), 0, 0
    for side, quantity, price in done:
        held = traded(held, side, price, quantity)
        lots += quantity if side == BUY else -quantity
        paid += (-1 if side == BUY else 1) * quantity * price
        assert held.lots == lots
        assert cash(held) == paid
        assert held.realised + (lots * mark - held.cost) == paid + lots * mark
        assert (held.cost > 0) == (lots > 0)
        assert (held.cost < 0) == (lots < 0)


@drawn(200)
@given(trades)
def test_what_rounding_leaves_stays_with_the_lots_that_are_left(done: list[Trade]) -> None:
    """The cost is that of exact fractions, less than one tick-lot too large for each trade that closed a part."""
    held, cost, closed = Held(), Fraction(0), 0
    for side, quantity, price in done:
        change = quantity if side == BUY else -quantity
        lots = held.lots
        if lots * change >= 0:
            cost += change * price
        elif quantity < abs(lots):
            cost -= cost * quantity / abs(lots)
            closed += 1
        else:
            cost, closed = Fraction((lots + change) * price), 0
        held = traded(held, side, price, quantity)
        assert 0 <= abs(held.cost) - abs(cost) <= closed


@drawn(100)
@given(trades)
def test_both_sides_of_a_market_make_nothing_together(done: list[Trade]) -> None:
    one, other = Held(), Held()
    for side, quantity, price in done:
        one = traded(one, side, price, quantity)
        other = traded(other, SELL if side == BUY else BUY, price, quantity)
        assert (one.lots, one.cost, one.realised) == (-other.lots, -other.cost, -other.realised)


# Days and revisions


def execution(number: int, time_ns: int, side: int, price: int, lots: int, state: int = 0) -> Execution:
    """An execution of which only these matter."""
    return Execution(
        number, number, time_ns, 1, "o", "BTC-USD", side, number, price, lots, lots, 0, 1, state, 7, 0, 0
    )


def test_a_busted_trade_moves_nothing_and_a_corrected_one_counts_at_its_new_price() -> None:
    standing = Standing()
    for one in (
        execution(1, 5, BUY, 100, 10),
        execution(2, 6, BUY, 0, 10, BUSTED),
        execution(3, 7, SELL, 90, 4, CORRECTED),
    ):
        standing = executed(standing, one)
    assert standing.held == Held(6, 600, -40)
    assert (standing.report_number, standing.sequence, standing.time_ns) == (3, 3, 7)


def test_a_day_begins_with_its_first_execution_even_if_that_was_busted() -> None:
    standing = executed(Standing(), execution(4, DAY_NS - 1, BUY, 100, 10))
    assert standing.opening.held == Held()
    standing = executed(standing, execution(7, DAY_NS, SELL, 0, 5, BUSTED))
    standing = executed(standing, execution(9, 2 * DAY_NS - 1, SELL, 110, 5))
    opening = standing.opening
    assert (opening.day_ns, opening.report_number, opening.held) == (DAY_NS, 4, Held(10, 1000, 0))
    again = at_opening(standing)
    assert (again.held, again.report_number) == (Held(10, 1000, 0), 4)
    for one in (execution(7, DAY_NS, SELL, 120, 5), execution(9, 2 * DAY_NS - 1, SELL, 110, 5)):
        again = executed(again, one)
    assert again.held == Held(0, 0, 150)
    assert again.opening == opening


# At a mark


def position(**fields: object) -> AccountPosition:
    """A position of which only these matter."""
    values: dict[str, object] = dict.fromkeys(AccountPosition.__struct_fields__, 0)
    values |= {
        name: "0" for name in values if name.endswith(("lots", "cost", "notional", "realised", "before"))
    }
    return AccountPosition(**(values | {"symbol": "BTC-USD"} | fields))  # type: ignore[arg-type]


def test_a_position_at_its_mark() -> None:
    held = valued(
        position(
            lots="-5",
            cost="-500",
            mark_ticks=110,
            bid_lots="12",
            bid_notional="1080",
            bid_unpriced_lots="2",
            ask_lots="3",
            ask_notional="345",
        )
    )
    assert (held.lots, held.net, held.gross, held.unrealised) == (-5, -550, 550, -50)
    assert (held.bids, held.asks, held.open_notional) == (1080 + 220, 345, 1645)
    assert (held.longest_lots, held.shortest_lots) == (7, -8)
    assert held.worst == 550 + 345
    # A loss is rounded up, a profit down.
    assert (held.move(500), held.move(-500)) == (-28, 27)
    assert valued(position(ask_lots="3", ask_notional="9")).worst == 9


def test_what_was_realised_in_a_day_is_of_that_day_alone() -> None:
    held = position(realised="-70", realised_before="30", day_ns=DAY_NS)
    assert realised_of_day(held, DAY_NS) == -100
    assert realised_of_day(held, 2 * DAY_NS) == 0
