"""Alerts as stories, and all kinds together against the slow and obvious ones, with restarts in between."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY
from publisher.alerts.alert import AlertFired
from publisher.alerts.definition import CONDITIONS, AlertDefinition
from publisher.alerts.symbol_alerts import ALERTS_MAX, WINDOWS_MAX, SymbolAlerts
from publisher.statistics.rolling import RollingStatistics
from tests.publisher.drawn_trades import DAY_NS, MINUTE_NS, SECOND_NS
from tests.publisher.naive_alerts import NaiveAlert, rounded, spread_of, value_of
from tests.support.drawn import drawn

SYMBOL = "BTC-USD"
NOON_NS = 1_430_481_600 * SECOND_NS


class Market:
    """The statistics and alerts of a symbol, driven as the market of the symbol does it."""

    def __init__(self) -> None:
        self.statistics = RollingStatistics()
        self.alerts = SymbolAlerts(SYMBOL, self.statistics)
        self.time_ns = NOON_NS
        self.sequence = 0
        self.trades: list[Trade] = []

    def wait(self, ns: int) -> None:
        """Engine time moves."""
        self.time_ns += ns
        self.statistics.advance(self.time_ns)

    def add(self, definition: AlertDefinition) -> str:
        """An alert, now."""
        return self.alerts.add(definition, self.time_ns)

    def trade(self, price_ticks: int, quantity_lots: int = 1) -> list[AlertFired]:
        """A trade, now."""
        self.sequence += 1
        self.statistics.advance(self.time_ns)
        fired = self.alerts.trade(self.sequence, self.time_ns, price_ticks, quantity_lots)
        self.statistics.trade(self.time_ns, price_ticks, quantity_lots)
        self.trades.append(Trade(self.sequence, self.time_ns, self.sequence, price_ticks, quantity_lots, BUY))
        return fired

    def quote(self, bid_ticks: int, ask_ticks: int) -> list[AlertFired]:
        """Best prices, now."""
        self.sequence += 1
        return self.alerts.quote(self.sequence, self.time_ns, bid_ticks, ask_ticks)

    def values(self, prices: Sequence[int]) -> list[int]:
        """The prices with which something fired, of trades one second apart; below 0 for a threshold below."""
        seen = []
        for price_ticks in prices:
            self.wait(SECOND_NS)
            seen += [one.value for one in self.trade(price_ticks)]
        return seen

    def restart(self) -> None:
        """All that is kept is stored and taken up again."""
        statistics = RollingStatistics()
        statistics.restore(self.time_ns, self.statistics.buckets(), self.statistics.seconds.before_ticks)
        alerts = SymbolAlerts(SYMBOL, statistics)
        alerts.restore(self.alerts.rows())
        self.statistics, self.alerts = statistics, alerts


def price(condition: str, threshold: int, hysteresis: int = 0, repeats: bool = True) -> AlertDefinition:
    """An alert on a price."""
    return AlertDefinition("a", SYMBOL, f"price-{condition}", [threshold], repeats, hysteresis)


# Prices


@pytest.mark.parametrize(
    ("definition", "prices", "fired"),
    [
        (price("above", 100), [98, 99, 100, 101, 100], [100]),
        (price("above", 100), [99, 100, 99, 100, 99, 107], [100, 100, 107]),
        (price("above", 100, 3), [99, 100, 98, 100, 97, 100], [100, 100]),
        (price("above", 100, repeats=False), [99, 100, 50, 100], [100]),
        (price("above", 100), [100, 101, 99, 100], [100]),
        (price("below", 100), [101, 100, 99, 101, 20], [100, 20]),
        (price("below", 100, 5), [101, 100, 104, 100, 105, 100], [100, 100]),
        (price("crossing", 100), [99, 100, 101, 100, 99, 101], [100, 100, 101]),
        (price("crossing", 100, 5), [99, 101, 99, 105, 100, 95, 100], [101, 100, 100]),
        (price("crossing", 100, 5), [90, 110, 90, 110], [110, 90, 110]),
    ],
)
def test_prices_that_cross_a_threshold(
    definition: AlertDefinition, prices: list[int], fired: list[int]
) -> None:
    """The first price arms only."""
    market = Market()
    assert market.add(definition) == ""
    assert market.values(prices) == fired


def test_an_alert_that_is_made_while_its_condition_holds_waits_until_it_no_longer_does() -> None:
    market = Market()
    market.trade(105)
    market.add(price("above", 100, 3))
    assert market.values([106, 99, 100, 97, 100]) == [100]


def test_an_alert_that_is_made_while_its_condition_does_not_hold_fires_with_the_first_trade_that_meets_it() -> (
    None
):
    market = Market()
    market.trade(99)
    market.add(price("above", 100, 3))
    assert market.values([100]) == [100]


def test_what_fired_says_all_there_is_to_say() -> None:
    market = Market()
    market.trade(99)
    market.add(price("crossing", 100, repeats=False))
    market.wait(SECOND_NS)
    (fired,) = market.trade(103)
    assert fired.row() == ("a", SYMBOL, "price-crossing", 2, NOON_NS + SECOND_NS, 103, 100, True)
    assert fired == AlertFired(*fired.row())
    assert (
        repr(fired)
        == f"AlertFired('a', 'BTC-USD', 'price-crossing', 2, {NOON_NS + SECOND_NS}, 103, 100, True)"
    )
    assert market.alerts.rows() == []
    assert market.alerts.take_changed() == {"a": None}


def test_many_fire_in_the_order_of_their_ids() -> None:
    market = Market()
    market.trade(1)
    for number in (3, 1, 2):
        market.add(AlertDefinition(str(number), SYMBOL, "price-above", [10 * number]))
    assert [(one.alert_id, one.threshold) for one in market.trade(35)] == [
        ("1", 10),
        ("2", 20),
        ("3", 30),
    ]


# Moves


def move(direction: str, ppm: int, window_seconds: int, hysteresis: int = 0) -> AlertDefinition:
    """An alert on a move."""
    return AlertDefinition("m", SYMBOL, f"move-{direction}", [ppm, window_seconds], True, hysteresis)


def test_a_move_is_seen_against_the_last_price_before_the_window() -> None:
    market = Market()
    market.trade(100)
    market.add(move("either", 50_000, 60))
    market.wait(61 * SECOND_NS)
    assert [(one.value, one.threshold) for one in market.trade(105)] == [(50_000, 50_000)]
    market.wait(61 * SECOND_NS)
    assert [(one.value, one.threshold) for one in market.trade(99)] == [(-57_142, -50_000)]


def test_a_slow_move_is_none() -> None:
    market = Market()
    market.add(move("either", 50_000, 3))
    assert market.values(range(100, 160)) == []


def test_without_a_price_before_the_window_the_first_one_in_it_counts() -> None:
    market = Market()
    market.trade(100)
    market.add(move("up", 50_000, 60))
    assert [one.value for one in market.trade(106)] == [60_000]


def test_a_move_arms_again_when_time_has_taken_it_out_of_the_window() -> None:
    """Nobody trades meanwhile: the trade that comes then finds it armed."""
    market = Market()
    market.trade(100)
    market.add(move("up", 100_000, 60, 50_000))
    market.wait(61 * SECOND_NS)
    assert [one.value for one in market.trade(110)] == [100_000]
    assert market.trade(111) == []
    market.wait(61 * SECOND_NS)
    assert [one.value for one in market.trade(130)] == [171_171]


def test_a_new_alert_sees_the_move_of_now_and_not_that_of_the_next_trade() -> None:
    """It is made at +20%; time alone brings that to +11%, not far enough back for its hysteresis."""
    market = Market()
    for seconds, price in ((0, 100), (50, 108), (5, 120)):
        market.wait(seconds * SECOND_NS)
        market.trade(price)
    market.add(move("up", 150_000, 60, 100_000))
    market.wait(57 * SECOND_NS)
    assert market.trade(130) == []


def test_that_time_armed_it_is_told_to_whoever_stores_it() -> None:
    market = Market()
    market.trade(100)
    market.add(move("up", 100_000, 60))
    market.trade(110)
    market.alerts.take_changed()
    assert market.trade(112) == []
    assert market.alerts.take_changed() == {}
    market.wait(61 * SECOND_NS)
    assert market.trade(112) == []
    assert market.alerts.take_changed() == {"m": (move("up", 100_000, 60).row(), True, True, False, 1)}


def test_a_move_since_the_day_before_yesterday() -> None:
    market = Market()
    market.trade(100)
    market.add(move("up", 50_000, 60))
    market.wait(2 * DAY_NS)
    market.restart()
    assert [one.value for one in market.trade(106)] == [60_000]


# Volumes


def test_a_volume_spike() -> None:
    market = Market()
    market.trade(100, 5)
    spike = AlertDefinition("v", SYMBOL, "volume-spike", [300, 10, 6], True, 100)
    assert market.add(spike) == ""
    fired = []
    for _ in range(9):
        market.wait(10 * SECOND_NS)
        fired += market.trade(100, 10)
    assert fired == [], "10 lots in each 10 seconds are 100% to 200%, as the windows fall"
    (one,) = market.trade(100, 20)
    # In second 90: the window begins in second 80 and has 10 + 10 + 20; seconds 20 to 70 before it 60.
    assert (one.value, one.threshold) == (400, 300)
    assert market.trade(100, 1) == []


def test_there_is_no_spike_where_there_was_no_market_before() -> None:
    market = Market()
    spike = AlertDefinition("v", SYMBOL, "volume-spike", [300, 10, 6], True, 100)
    market.add(spike)
    for number in range(5):
        assert market.trade(100, 10**number) == []
        market.wait(15 * SECOND_NS)
    assert [one.value for one in market.trade(100, 10**5)] == [100 * 10**5 * 6 // 11_110]


# Spreads


def test_spreads() -> None:
    market = Market()
    market.quote(100, 101)
    market.add(AlertDefinition("t", SYMBOL, "spread-ticks", [5], True, 2))
    market.add(AlertDefinition("b", SYMBOL, "spread-basis-points", [1_000], True, 200))
    told = [
        [(one.alert_id, one.value) for one in market.quote(*best)]
        for best in [
            (100, 105),
            (96, 105),
            (0, 105),
            (95, 106),
            (100, 104),
            (100, 105),
            (100, 103),
            (90, 110),
        ]
    ]
    assert told == [[("t", 5)], [], [], [("b", 1_094)], [], [], [], [("b", 2_000), ("t", 20)]]


# Everything together


SMALL = st.integers(0, 4)
CONDITIONS_DRAWN = st.one_of(
    st.tuples(
        st.sampled_from([name for name in CONDITIONS if name.startswith("price")]), st.integers(96, 104)
    ),
    st.tuples(
        st.sampled_from([name for name in CONDITIONS if name.startswith("move")]),
        st.integers(4, 40_000),
        st.sampled_from([1, 3, 60]),
    ),
    st.tuples(st.just("volume-spike"), st.integers(50, 400), st.sampled_from([1, 5, 20]), st.integers(1, 3)),
    st.tuples(st.sampled_from(["spread-ticks", "spread-basis-points"]), st.integers(4, 700)),
    st.tuples(st.just("spread-ticks"), st.integers(4, 6)),
)
ALERTS = st.builds(
    lambda number, condition, repeats, hysteresis: AlertDefinition(
        str(number), SYMBOL, condition[0], condition[1:], repeats, hysteresis
    ),
    st.integers(1, 40),
    CONDITIONS_DRAWN,
    st.booleans(),
    SMALL,
)
STEPS = st.one_of(
    st.builds(
        lambda price, lots: ("trade", price, lots),
        st.integers(95, 105),
        st.one_of(st.integers(1, 5), st.integers(1, 2**62)),
    ),
    st.builds(lambda price, lots: ("trade", price, lots), st.integers(95, 105), st.integers(1, 5)),
    st.builds(lambda bid, by: ("quote", bid, bid + by), st.sampled_from([0, 99, 100]), st.integers(1, 8)),
    st.sampled_from([1, SECOND_NS, 3 * SECOND_NS, 25 * SECOND_NS, MINUTE_NS + 1, 2 * DAY_NS]).map(
        lambda ns: ("wait", ns, 0)
    ),
    ALERTS.map(lambda definition: ("add", definition, 0)),
    st.integers(1, 40).map(lambda number: ("remove", str(number), 0)),
    st.just(("restart", 0, 0)),
)


def expected_of_trade(
    naive: dict[str, NaiveAlert], market: Market, price: int, lots: int
) -> list[AlertFired]:
    """What a trade that has not been told yet sets off."""
    sequence = market.sequence + 1
    with_it = [*market.trades, Trade(sequence, market.time_ns, sequence, price, lots, BUY)]
    fired = []
    for alert_id, alert in naive.items():
        if alert.is_about_spreads:
            continue
        alert.see(value_of(alert.definition, market.trades, market.time_ns), may_fire=False)
        value = value_of(alert.definition, with_it, market.time_ns)
        threshold = alert.see(value, may_fire=True)
        if threshold and value is not None:
            seen = rounded(alert.definition, value)
            fired.append(
                AlertFired(
                    *(alert_id, SYMBOL, alert.definition.condition, sequence, market.time_ns),
                    *(seen, threshold, alert.over),
                )
            )
    return sorted(fired, key=lambda one: one.alert_id)


def expected_of_quote(naive: dict[str, NaiveAlert], market: Market, bid: int, ask: int) -> list[AlertFired]:
    """What best prices set off."""
    fired = []
    for alert_id, alert in naive.items():
        if alert.is_about_spreads:
            value = spread_of(alert.definition, bid, ask)
            threshold = alert.see(value, may_fire=True)
            if threshold and value is not None:
                seen = rounded(alert.definition, value)
                fired.append(
                    AlertFired(
                        *(alert_id, SYMBOL, alert.definition.condition, market.sequence + 1, market.time_ns),
                        *(seen, threshold, alert.over),
                    )
                )
    return sorted(fired, key=lambda one: one.alert_id)


@drawn(250)
@given(st.lists(STEPS, max_size=60))
def test_alerts_fire_as_the_list_of_all_trades_says(steps: list[tuple[str, object, int]]) -> None:
    market = Market()
    naive: dict[str, NaiveAlert] = {}
    stored: dict[str, object] = {}
    best = (0, 0)
    for step, first, second in steps:
        if step == "trade" and isinstance(first, int):
            expected = expected_of_trade(naive, market, first, second)
            assert market.trade(first, second) == expected
        elif step == "quote" and isinstance(first, int):
            best = (first, second)
            expected = expected_of_quote(naive, market, *best)
            assert market.quote(*best) == expected
        elif step == "wait" and isinstance(first, int):
            market.wait(first)
        elif step == "add" and isinstance(first, AlertDefinition):
            assert market.add(first) == ""
            alert_id = first.alert_id
            if alert_id not in naive or naive[alert_id].definition.row() != first.row():
                naive.pop(alert_id, None)
                alert = naive[alert_id] = NaiveAlert(first)
                if alert.is_about_spreads:
                    value = spread_of(first, *best)
                else:
                    value = value_of(first, market.trades, market.time_ns)
                alert.see(value, may_fire=False)
        elif step == "remove" and isinstance(first, str):
            assert market.alerts.remove(first) == (naive.pop(first, None) is not None)
        elif step == "restart":
            market.restart()
            market.quote(*best)
        naive = {alert_id: alert for alert_id, alert in naive.items() if not alert.over}
        assert [row[0][0] for row in market.alerts.rows()] == list(naive)
        for alert_id, row in market.alerts.take_changed().items():
            assert row != stored.get(alert_id, ())
            if row is None:
                stored.pop(alert_id, None)
            else:
                stored[alert_id] = row
        assert stored == {row[0][0]: row for row in market.alerts.rows()}, "what changed is told"


# What cannot be


def spike(alert_id: str, *parameters: int, hysteresis: int = 10) -> AlertDefinition:
    """An alert on a volume."""
    return AlertDefinition(alert_id, SYMBOL, "volume-spike", parameters, hysteresis=hysteresis)


def test_limits_are_allowed() -> None:
    assert spike("x", 300, 60, 5).refusal() == ""
    assert spike("x" * 64, 2**63 - 1, 7_200, 5, hysteresis=2**63 - 1).refusal() == ""
    assert AlertDefinition("x", SYMBOL, "move-up", [1, 43_200]).refusal() == ""


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        (spike("", 300, 60, 5), "an alert id has 1 to 64 characters"),
        (spike("x" * 65, 300, 60, 5), "an alert id has 1 to 64 characters"),
        (
            AlertDefinition("x", SYMBOL, "price", [1]),
            f"'price' is no condition: {', '.join(CONDITIONS)}",
        ),
        (spike("x"), "the parameters of volume-spike are threshold, window_seconds, windows"),
        (spike("x", 1, 2, 3, 4), "the parameters of volume-spike are threshold, window_seconds, windows"),
        (AlertDefinition("x", SYMBOL, "price-above", [1, 2]), "the parameters of price-above are threshold"),
        (spike("x", 0, 60, 5), "a threshold is at least 1 and below 2**63"),
        (spike("x", 2**63, 60, 5), "a threshold is at least 1 and below 2**63"),
        (spike("x", 300, 60, 5, hysteresis=-1), "a hysteresis is 0 up to the threshold"),
        (spike("x", 300, 60, 5, hysteresis=301), "a hysteresis is 0 up to the threshold"),
        (spike("x", 300, 60, 0), "a volume is compared with 1 to 43199 windows"),
        (spike("x", 300, 60, 43_200), "a volume is compared with 1 to 43199 windows"),
        (spike("x", 300, 0, 5), "such a window has 1 to 7200 seconds"),
        (spike("x", 300, 7_201, 5), "such a window has 1 to 7200 seconds"),
        (AlertDefinition("x", SYMBOL, "move-up", [1, 43_201]), "such a window has 1 to 43200 seconds"),
        (AlertDefinition("x", "ETH-USD", "price-above", [1]), "these are the alerts of BTC-USD"),
    ],
)
def test_what_an_alert_cannot_be(definition: AlertDefinition, why: str) -> None:
    market = Market()
    assert market.add(definition) == why
    assert market.alerts.rows() == []
    assert market.alerts.take_changed() == {}


def test_another_alert_with_the_same_id_takes_the_place_of_the_first() -> None:
    market = Market()
    market.trade(99)
    market.add(price("above", 100))
    assert [one.fired for one in market.alerts.alerts()] == [0]
    assert [one.armed() for one in market.alerts.alerts()] == [True]
    market.trade(100)
    assert market.add(price("above", 100)) == ""
    assert market.alerts.rows() == [(price("above", 100).row(), True, False, False, 1)]
    assert [one.armed() for one in market.alerts.alerts()] == [False]
    assert market.add(price("above", 101)) == ""
    assert market.alerts.rows() == [(price("above", 101).row(), True, True, False, 0)]
    assert market.add(price("above", 101, 200)) != ""
    assert market.alerts.rows() == [(price("above", 101).row(), True, True, False, 0)]


def test_alerts_and_windows_are_limited() -> None:
    market = Market()
    for number in range(1, WINDOWS_MAX + 1):
        assert market.add(spike(f"w{number}", 300, number, 5)) == ""
    assert (
        market.add(spike("w", 300, WINDOWS_MAX + 1, 5))
        == "the alerts of a symbol look at 16 different windows at the most"
    )
    for number in range(ALERTS_MAX - WINDOWS_MAX):
        assert market.add(spike(f"a{number}", 300, 1, 5)) == ""
    assert market.add(spike("w", 300, 1, 5)) == "a symbol has at most 1000 alerts"
    assert market.add(spike("a7", 400, 1, 5)) == "", "it takes a place that is there"
    assert market.alerts.remove("a7")
    assert market.add(spike("w", 300, 1, 5)) == ""


@pytest.mark.parametrize(
    "definition",
    [AlertDefinition("x", SYMBOL, "price-above", [0]), AlertDefinition("x", "ETH-USD", "price-above", [1])],
)
def test_rows_that_cannot_be_are_not_restored(definition: AlertDefinition) -> None:
    alerts = SymbolAlerts(SYMBOL, RollingStatistics())
    with pytest.raises(ValueError, match="alert 'x' cannot be restored"):
        alerts.restore([(definition.row(), True, True, False, 0)])
