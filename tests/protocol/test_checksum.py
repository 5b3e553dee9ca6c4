"""The checksum of a book: as the page says it, from whatever side it is looked at."""

import binascii

from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.terms import BUY, SELL
from matcher.book.book import Book
from matcher.book.level import Order
from matcher.ledger.account import Account

Row = tuple[int, int, int]
LEVEL = st.tuples(st.integers(1, 2**62), st.integers(1, 2**62), st.integers(1, 1000))
SIDE = st.lists(LEVEL, max_size=30)


def plainly(bids: list[Row], asks: list[Row]) -> int:
    """Written from the page alone."""
    rows = bids[:25] + asks[:25]
    return binascii.crc32(b"".join(b"%d:%d:%d;" % row for row in rows))


@given(SIDE, SIDE)
def test_it_is_what_the_page_says(bids: list[Row], asks: list[Row]) -> None:
    assert book_checksum(bids, asks) == plainly(bids, asks)
    assert book_checksum(iter(bids), iter(asks)) == plainly(bids, asks)


def test_an_empty_book_has_checksum_0() -> None:
    assert book_checksum([], []) == 0


def test_only_the_best_levels_of_each_side_count() -> None:
    levels = [(100 - i, 5, 1) for i in range(CHECKSUM_LEVELS + 1)]
    assert book_checksum(levels, levels) == book_checksum(levels[:-1], levels[:-1])
    assert book_checksum(levels[:-2], []) != book_checksum(levels[:-1], [])


@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 40), st.integers(1, 9)), max_size=40))
def test_a_reader_of_either_snapshot_has_the_checksum_of_the_book(orders: list[tuple[int, int, int]]) -> None:
    book = Book()
    account = Account("alice")
    for sequence, (side, price, quantity) in enumerate(orders, 1):
        price += 0 if side == BUY else 40
        order = Order(f"o{sequence}", sequence, 0, account, 1, "X", side, 1, 1, 0, price, quantity, None)
        (book.bids if side == BUY else book.asks).rest(order)
    assert book.checksum() == plainly(book.levels(BUY), book.levels(SELL))
    added_up: dict[int, dict[int, tuple[int, int]]] = {BUY: {}, SELL: {}}
    for side in (BUY, SELL):
        for _, price, quantity in book.orders(side):
            sum_lots, count = added_up[side].get(price, (0, 0))
            added_up[side][price] = (sum_lots + quantity, count + 1)
    bids, asks = ([(price, *row) for price, row in added_up[side].items()] for side in (BUY, SELL))
    assert book.checksum() == plainly(bids, asks)
