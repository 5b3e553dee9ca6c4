"""Answers out of memory: what is kept encoded is given only while it is still so."""

from typing import Any

import msgspec

from bus.protocol.feed import TradeCorrected
from bus.protocol.market.requests import (
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    MarketAnswer,
    MarketRequest,
)
from bus.protocol.reasons import NOT_OFFERED, NOT_YET
from publisher.answers import Answers
from publisher.candles.intervals import MINUTE_NS
from publisher.market import Revision
from tests.publisher.simulated_publisher import SimulatedPublisher
from tests.publisher.test_market import SYMBOL, Walk, deliver, settle

_decode = msgspec.msgpack.Decoder(MarketAnswer).decode


BEGINNING = "ETH-USD"


def walked(seed: int) -> tuple[Walk, SimulatedPublisher, Answers]:
    walk, publisher = Walk(seed, revise=False), SimulatedPublisher(SYMBOL)
    for _ in range(200):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)

    def never(*_: Any) -> Any:
        raise AssertionError("nobody asks for this")

    return (
        walk,
        publisher,
        Answers({SYMBOL: publisher.desk}, lambda symbol: symbol == BEGINNING, never, never, never),
    )


def ask(answers: Answers, request: MarketRequest) -> Any:
    return _decode(msgspec.msgpack.encode(answers.answer(7, request)))


def test_a_book_that_begins_anew_is_another_one_though_its_number_is_the_same() -> None:
    """As when it was wrong: the snapshot that makes it right stands at the number of the last change."""
    _, publisher, answers = walked(41)
    before = ask(answers, DepthRequest(SYMBOL))
    assert isinstance(before, DepthAnswer)
    assert answers.pages.misses == 1
    assert ask(answers, DepthRequest(SYMBOL)) == before
    assert answers.pages.hits == 1
    book = publisher.market.book
    right = [(price, quantity + 1, orders) for price, quantity, orders in before.bids]
    book.begin(book.sequence, book.level_number, right, before.asks)
    after = ask(answers, DepthRequest(SYMBOL))
    assert (after.bids, after.level_number) == (right, before.level_number)


def test_a_revised_trade_changes_the_page_of_its_candle_at_once() -> None:
    _, publisher, answers = walked(42)
    market = publisher.market
    trade = publisher.trades[max(publisher.trades)]
    request = CandlesRequest(SYMBOL, "1d", limit=1)
    (before,) = ask(answers, request).candles
    minute_ns = trade.time_ns // MINUTE_NS * MINUTE_NS
    of_minute = [of for of in publisher.trades.values() if of.time_ns // MINUTE_NS * MINUTE_NS == minute_ns]
    other = trade.price_ticks + 5000
    market.revision = Revision(
        market.trade_number + 1,
        TradeCorrected(
            market.log_sequence, market.time_ns, trade.trade_id, other, trade.quantity_lots, trade.price_ticks
        ),
    )
    market.revise(minute_ns, sorted(of_minute, key=lambda of: of.trade_id))
    answer = ask(answers, request)
    assert isinstance(answer, CandlesAnswer)
    (after,) = answer.candles
    assert (before.high_ticks < other, after.high_ticks) == (True, other)


def test_a_book_is_made_once_however_many_ask() -> None:
    """And each gets it under the number that it asked with; another depth is another page."""
    _, _, answers = walked(43)
    for correlation_id in range(1000):
        raw = answers.answer(correlation_id, DepthRequest(SYMBOL, 5))
        assert _decode(msgspec.msgpack.encode(raw)).correlation_id == correlation_id
    ask(answers, DepthRequest(SYMBOL, 6))
    assert (answers.pages.misses, answers.pages.hits) == (2, 999)


def test_a_symbol_that_begins_is_not_taken_for_one_that_does_not_exist() -> None:
    _, _, answers = walked(4)
    begins, unknown = ask(answers, DepthRequest(BEGINNING)), ask(answers, DepthRequest("NONE"))
    assert (begins.reason, begins.text) == (NOT_YET, "ETH-USD begins at the moment: ask again")
    assert (unknown.reason, unknown.text) == (NOT_OFFERED, "'NONE' is no symbol of this publisher")
