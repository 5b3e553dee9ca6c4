"""Trades as the tests of the calculators draw them: few prices, so that highs and lows tie; sums that leave 64 bits."""

from collections.abc import Sequence

from hypothesis import strategies as st

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY, SELL

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

#: From 1970 to 2079: on a boundary, next to one, anywhere.
TIMES_NS = st.one_of(
    st.integers(0, 40_000).map(lambda day: day * DAY_NS),
    st.builds(lambda minute, by: minute * MINUTE_NS + by, st.integers(1, 57_000_000), st.integers(-2, 2)),
    st.integers(0, 40_000 * DAY_NS),
)


def gaps_ns(longest_ns: int) -> st.SearchStrategy[int]:
    """How long nothing happens: often moments, seldom much longer than a minute; whole minutes and seconds, too."""
    return st.one_of(
        st.integers(1, 3),
        st.integers(1, 2 * SECOND_NS),
        st.integers(1, 3 * MINUTE_NS),
        st.integers(1, 30).map(lambda seconds: seconds * SECOND_NS),
        st.integers(1, 20).map(lambda minutes: minutes * MINUTE_NS),
        st.integers(1, max(longest_ns // 20, 1)),
        st.integers(1, longest_ns),
    )


#: Price, quantity, side of the aggressor. A quantity of 2**62 lots is far beyond what the engine lets trade.
DEALS = st.tuples(
    st.one_of(st.integers(98, 102), st.integers(1, 2**40)),
    st.one_of(st.integers(1, 9), st.integers(1, 2**62)),
    st.sampled_from((BUY, SELL)),
)


def trades_after(
    first_ns: int, drawn: Sequence[tuple[int, tuple[int, int, int]]], first_id: int = 1
) -> list[Trade]:
    """Trades, each so long after the one before; the first so long after `first_ns`."""
    trades = []
    time_ns = first_ns
    for number, (gap_ns, (price_ticks, quantity_lots, aggressor)) in enumerate(drawn, first_id):
        time_ns += gap_ns
        trades.append(Trade(3 * number, time_ns, number, price_ticks, quantity_lots, aggressor))
    return trades


def flow(longest_ns: int, most: int = 30) -> st.SearchStrategy[list[Trade]]:
    """Up to so many trades, at times that rise."""
    return st.builds(
        trades_after, TIMES_NS, st.lists(st.tuples(gaps_ns(longest_ns), DEALS), min_size=1, max_size=most)
    )
