"""The book of the publisher against a plain dictionary, its aggregation against a naive one, and its few numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.checksum import book_checksum
from bus.protocol.terms import BUY, SELL
from publisher.book import Book, BookSide, Row, aggregated

Changes = list[tuple[int, int, int, int]]
PRICES = st.integers(1, 40)
#: side, price, quantity (0: gone), orders
CHANGES = st.lists(st.tuples(st.sampled_from((BUY, SELL)), PRICES, st.integers(0, 3), st.integers(1, 4)))


def side_of(book: Book, side: int) -> BookSide:
    return book.bids if side == BUY else book.asks


def plain(levels: dict[int, tuple[int, int]], side: int) -> list[Row]:
    return [(price, *levels[price]) for price in sorted(levels, reverse=side == BUY)]


@given(st.lists(CHANGES, max_size=8))
def test_it_is_what_the_changes_say(rounds: list[Changes]) -> None:
    """However many changes lie between two looks, also more than are sorted in one by one."""
    book = Book(2)
    levels: dict[int, dict[int, tuple[int, int]]] = {BUY: {}, SELL: {}}
    for changes in rounds:
        touched: dict[int, set[int]] = {BUY: set(), SELL: set()}
        for side, price, quantity, orders in changes:
            side_of(book, side).set(price, quantity, orders)
            touched[side].add(price)
            if quantity:
                levels[side][price] = (quantity, orders)
            else:
                levels[side].pop(price, None)
        for side in (BUY, SELL):
            kept = side_of(book, side)
            assert list(kept.rows()) == plain(levels[side], side)
            assert kept.best(3) == plain(levels[side], side)[:3]
            now = {price: levels[side].get(price, (0, 0)) for price in touched[side]}
            assert kept.take_changes(0) == plain(now, side)
            assert kept.take_changes(0) == []
    for side in (BUY, SELL):
        every = {price for changes in rounds for of, price, _, _ in changes if of == side}
        now = {price: levels[side].get(price, (0, 0)) for price in every}
        assert side_of(book, side).take_changes(1) == plain(now, side)
    expected = book_checksum(plain(levels[BUY], BUY), plain(levels[SELL], SELL))
    assert book.checksum() == expected


def test_very_many_changes_between_two_looks() -> None:
    book = Book(1)
    for price in range(1, 2000):
        book.asks.set(price * 7 % 2003, 1, 1)
    assert [row[0] for row in book.asks.rows()] == sorted(price * 7 % 2003 for price in range(1, 2000))
    for price in range(1, 1500):
        book.asks.set(price, 0, 0)
    assert [row[0] for row in book.asks.rows()][:2] == [1500, 1501]


def test_a_snapshot_replaces_everything_and_is_no_change() -> None:
    book = Book(1)
    book.bids.set(9, 1, 1)
    book.begin(77, 5, [(8, 2, 1), (7, 3, 2)], [(9, 4, 1)])
    assert (list(book.bids.rows()), list(book.asks.rows())) == ([(8, 2, 1), (7, 3, 2)], [(9, 4, 1)])
    assert (book.sequence, book.level_number, book.ready) == (77, 5, True)
    assert book.bids.take_changes(0) == book.asks.take_changes(0) == []


@given(
    st.dictionaries(PRICES, st.tuples(st.integers(1, 9), st.integers(1, 3))),
    st.integers(1, 12),
    st.integers(0, 5),
    st.sampled_from((BUY, SELL)),
)
def test_aggregation_never_shows_a_better_price_than_there_is(
    levels: dict[int, tuple[int, int]], step: int, count: int, side: int
) -> None:
    """Against the naive way: each level goes to the step below (bids) or above (asks), then the best steps."""
    naive: dict[int, tuple[int, int]] = {}
    for price, (quantity, orders) in levels.items():
        to = price - price % step if side == BUY else price + -price % step
        had = naive.get(to, (0, 0))
        naive[to] = (had[0] + quantity, had[1] + orders)
    expected = plain(naive, side)
    assert aggregated(plain(levels, side), side, step, count) == (expected[:count] if count else expected)
    assert sum(row[1] for row in expected) == sum(quantity for quantity, _ in levels.values())


@pytest.mark.parametrize(
    ("bid", "ask", "spread", "imbalance", "microprice"),
    [
        ((100, 30), (103, 10), 3, 500_000, Fraction(100 * 10 + 103 * 30, 40)),
        ((100, 10), (103, 30), 3, -500_000, Fraction(100 * 30 + 103 * 10, 40)),
        ((100, 1), (101, 2), 1, -333_333, Fraction(100 * 2 + 101 * 1, 3)),
        ((100, 1), None, 0, 1_000_000, Fraction(0)),
        (None, (100, 1), 0, -1_000_000, Fraction(0)),
        (None, None, 0, 0, Fraction(0)),
    ],
)
def test_spread_imbalance_and_microprice(
    bid: tuple[int, int] | None,
    ask: tuple[int, int] | None,
    spread: int,
    imbalance: int,
    microprice: Fraction,
) -> None:
    book = Book(1)
    if bid is not None:
        book.bids.set(*bid, 1)
    if ask is not None:
        book.asks.set(*ask, 1)
    assert book.spread_ticks() == spread
    assert book.imbalance_ppm() == imbalance
    assert book.microprice_microticks() == microprice * 1_000_000 // 1
