"""Both clients over real sockets: every question, refusals and silence by name, the next publisher when one is gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from bus.errors import MatchbusError, NotConnected, NotTaken, SessionOver, TimedOut
from bus.protocol import reasons
from bus.protocol.market import requests
from bus.protocol.market.codec import MarketEnvelope
from bus.protocol.status import ProcessStatus
from bus.sockets.market import questions
from bus.sockets.market.asking import AVOIDED_NS, Preferences
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_sockets import PublisherAddress
from bus.sockets.market.questions import Answered, Question
from tests.sockets.market.conftest import Exchange

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 20.0
#: For publishers that will not answer.
SHORT_S = 0.1
NOWHERE = PublisherAddress("tcp://127.0.0.1:1", "tcp://127.0.0.1:1")

EVERY: list[tuple[Question[Any], type[Any]]] = [
    (questions.depth("BTC-USD", 2), requests.DepthAnswer),
    (questions.orders("BTC-USD"), requests.OrdersAnswer),
    (questions.trades("BTC-USD", limit=3), requests.TradesAnswer),
    (questions.candles("BTC-USD", "1m"), requests.CandlesAnswer),
    (questions.statistics("BTC-USD"), requests.StatisticsAnswer),
    (questions.mini(), requests.MiniAnswer),
    (questions.indicator("BTC-USD", "1m", "sma", [20]), requests.IndicatorAnswer),
    (questions.symbols(), requests.SymbolsAnswer),
    (questions.arm_alert("a", "BTC-USD", "price_above", [5]), requests.AlertsAnswer),
    (questions.alerts("BTC-USD"), requests.AlertsAnswer),
    (questions.disarm_alert("a"), requests.AlertsAnswer),
    (questions.status(), ProcessStatus),
]


def carried(story: Coroutine[Any, Any, None], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A story on a loop of its own."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(story, PATIENCE_S))


def test_every_question_has_its_answer_and_the_time_of_it(exchange: Exchange) -> None:
    now = exchange.market.moments[-1]
    with MarketClient(exchange.addresses, timeout=PATIENCE_S) as client:
        for question, kind in EVERY:
            answered = client.ask(question)
            assert type(answered.answer) is kind
            assert (answered.publisher, answered.epoch) == (0, now.epoch)
            assert (answered.log_sequence, answered.time_ns) == (now.sequence, now.time_ns)
        book = client.ask(questions.depth("BTC-USD", 2)).answer
        assert (book.bids, book.asks) == (now.bids[:2], now.asks[:2])
        rows = client.ask(questions.trades("BTC-USD", from_trade_id=2, to_trade_id=5)).answer.trades
        assert rows == [exchange.market.trades()[trade_id] for trade_id in (2, 3, 4)]


def test_the_next_publisher_is_asked_when_one_is_gone_and_the_first_again_later(exchange: Exchange) -> None:
    with MarketClient(exchange.addresses, timeout=SHORT_S * 5) as client:
        assert client.ask(questions.symbols()).publisher == 0
        exchange.publishers[0].kill()
        assert [client.ask(questions.symbols()).publisher for _ in range(3)] == [1, 1, 1]
    preferences = Preferences(["a", "b"])
    preferences.late(0, 1)
    assert preferences.begin(questions.symbols(), 2).publisher == 1
    assert preferences.begin(questions.symbols(), 1 + AVOIDED_NS).publisher == 0
    with pytest.raises(ValueError, match="at least one publisher"):
        Preferences([])


def test_a_refusal_is_raised_when_nobody_answers(exchange: Exchange) -> None:
    exchange.publishers[0].call(lambda simulated: simulated.refuses.add(requests.MiniRequest))
    with MarketClient(exchange.addresses, timeout=PATIENCE_S) as client:
        assert client.ask(questions.mini()).publisher == 1
        with pytest.raises(NotTaken, match=r"^not_offered: not here$") as caught:
            client.ask(questions.depth("ETH-USD"))
        assert caught.value.reason == reasons.NOT_OFFERED
        with pytest.raises(NotTaken, match="malformed"):
            client.ask(questions.depth("X" * 21))
        asked = exchange.publishers[1].call(lambda simulated: len(simulated.asked))
        assert asked == 2  # what the first could not decode nobody else was asked
    exchange.publishers[1].kill()
    with (
        MarketClient(exchange.addresses, timeout=SHORT_S) as client,
        pytest.raises(NotTaken, match=r"not_offered: not here; no answer from tcp://127.0.0.1:\d+$"),
    ):
        client.ask(questions.depth("ETH-USD"))


def test_an_answer_is_known_by_its_correlation_id() -> None:
    asking = Preferences(["a", "b"]).begin(questions.mini(), 0)
    other = requests.MiniAnswer(asking.correlation_id + 1, [])
    mine = requests.MiniAnswer(asking.correlation_id, [])
    envelope = MarketEnvelope(1, 0, 0, 3, 0, 5, 7, [other, mine])
    answered = asking.answered(envelope)
    assert answered is not None
    assert answered == Answered(mine, 0, 3, 5, 7)
    assert answered.answer is mine


def test_silence_is_raised_and_a_client_that_is_not_open_says_so() -> None:
    with (
        MarketClient([NOWHERE, NOWHERE], timeout=SHORT_S) as client,
        pytest.raises(TimedOut, match=r"no publisher answered in time: tcp://127\.0\.0\.1:1, tcp"),
    ):
        client.ask(questions.symbols())
    with pytest.raises(NotConnected):
        MarketClient().ask(questions.symbols())


def test_each_publisher_answers_for_itself(exchange: Exchange) -> None:
    arm = questions.arm_alert("a", "BTC-USD", "price_above", [5])
    with MarketClient([*exchange.addresses, NOWHERE], timeout=SHORT_S * 5) as client:
        told = client.ask_each(arm)
    assert [type(one) for one in told] == [Answered, Answered, TimedOut]
    for publisher in exchange.publishers:
        assert publisher.call(lambda simulated: list(simulated.alerts)) == ["a"]


def test_late_answers_to_something_else_are_passed_over(exchange: Exchange) -> None:
    with MarketClient(exchange.addresses[:1], timeout=SHORT_S) as client:
        exchange.publishers[0].kill()
        with pytest.raises(TimedOut):
            client.ask(questions.mini())
        exchange.publishers[0].start()
        client._timeout = PATIENCE_S
        assert type(client.ask(questions.symbols()).answer) is requests.SymbolsAnswer


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_async_many_at_once_while_a_publisher_dies(
    exchange: Exchange, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def story() -> None:
        async with AsyncMarketClient(exchange.addresses, timeout=SHORT_S * 4) as client:
            for question, kind in EVERY:
                assert type((await client.ask(question)).answer) is kind
            some = [client.ask(questions.trades("BTC-USD", from_trade_id=n, limit=1)) for n in range(1, 200)]
            await asyncio.to_thread(exchange.publishers[0].kill)
            rows = [answered.answer.trades for answered in await asyncio.gather(*some)]
            known = exchange.market.trades()
            assert rows == [[known[n]] if n in known else [] for n in range(1, 200)]
            told: list[Answered[ProcessStatus] | MatchbusError] = await client.ask_each(questions.status())
            assert [type(one) for one in told] == [TimedOut, Answered]
            with pytest.raises(NotTaken, match="not_offered"):
                await client.ask(questions.depth("ETH-USD"))
            exchange.publishers[1].call(lambda simulated: setattr(simulated, "is_mute", True))
            with pytest.raises(TimedOut):
                await client.ask(questions.symbols())
            open_question = asyncio.ensure_future(client.ask(questions.symbols()))
            await asyncio.to_thread(lambda: None)
            client.close()
            with pytest.raises(SessionOver):
                await open_question
            with pytest.raises(NotConnected):
                await client.ask(questions.symbols())

    carried(story(), loop)
