"""Both readers over real sockets: streams without gaps while publishers die, slow users, late joiners."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from bus.errors import NotConnected, NotTaken
from bus.protocol.feed import Trade
from bus.protocol.market.requests import DepthRequest, StreamReplay, TradesRequest
from bus.protocol.terms import BUY, SELL
from bus.sockets.market import async_market_reader
from bus.sockets.market.async_market_reader import AsyncMarketReader
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.market_sockets import PublisherAddress
from bus.sockets.market.stream_items import (
    JOINED,
    Item,
    Published,
    PublisherHeard,
    PublisherSilent,
    Resynced,
    Skipped,
)
from tests.sockets.market.conftest import Exchange
from tests.support import running_publisher
from tests.support.simulated_publisher import SimulatedPublisher

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 20.0
TRADES, DEPTH, CANDLES = "trades.BTC-USD.", "depth.BTC-USD.", "candle-1m.BTC-USD."
HEARTBEAT = "heartbeat.BTC-USD."

Loops = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def trade_ids(items: Iterable[Item]) -> list[int]:
    """The ids of all trades, in the order in which they were told."""
    ids: list[int] = []
    for item in items:
        if isinstance(item, Published) and item.topic == TRADES:
            ids += [event.trade_id for event in item.events if isinstance(event, Trade)]
        elif isinstance(item, Resynced) and item.topic == TRADES:
            ids += [row.trade.trade_id for row in item.trades]
    return ids


def is_dense(ids: list[int]) -> bool:
    """No gap, no doubling."""
    return ids == list(range(ids[0], ids[0] + len(ids)))


def until(reader: MarketReader, holds: Callable[[list[Item]], bool]) -> list[Item]:
    """Read until this holds; what was told."""
    told: list[Item] = []
    for item in reader.items(PATIENCE_S):
        told.append(item)
        if holds(told):
            return told
    raise AssertionError(f"the streams have fallen silent after {told[-5:]}")


def is_there(exchange: Exchange, depth: DepthReader) -> bool:
    """Whether a book is the market's as it stands, and was proved."""
    last = exchange.market.moments[-1]
    return depth.checks > 0 and depth.levels(BUY) == last.bids and depth.levels(SELL) == last.asks


def heard(told: list[Item], sequence: int) -> set[int]:
    """Which publishers have said that they have come so far."""
    return {
        item.publisher
        for item in told
        if isinstance(item, Published) and item.topic == HEARTBEAT and item.sequence >= sequence
    }


def join(exchange: Exchange, reader: MarketReader) -> DepthReader:
    """The reader hears both publishers, and holds a book."""
    for publisher in exchange.publishers:
        publisher.wait_for_subscription(DEPTH)
    depth = reader.depth("BTC-USD")
    exchange.go_on(3)
    until(reader, lambda told: is_there(exchange, depth) and heard(told, 1) == {0, 1})
    return depth


def test_what_two_publishers_say_comes_once(exchange: Exchange) -> None:
    with MarketReader([TRADES, DEPTH, CANDLES], exchange.addresses) as reader:
        depth = join(exchange, reader)
        told: list[Item] = []
        for _ in range(10):
            exchange.go_on(3)
            sequence = exchange.market.moments[-1].sequence
            told += until(reader, lambda told, at=sequence: heard(told, at) == {0, 1})  # type: ignore[misc]
        assert is_there(exchange, depth)
        assert is_dense(trade_ids(told))
        candles = [item.time_ns for item in told if isinstance(item, Published) and item.topic == CANDLES]
        assert candles == sorted(set(candles))
        assert not [item for item in told if isinstance(item, Resynced | Skipped)]


@contextmanager
def moving(exchange: Exchange) -> Iterator[None]:
    """The market is moved by a thread of its own meanwhile."""
    stop = threading.Event()

    def move() -> None:
        while not stop.wait(0.002):
            exchange.go_on()

    thread = threading.Thread(target=move, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def test_a_publisher_that_dies_in_mid_stream_leaves_no_gap_and_comes_back(exchange: Exchange) -> None:
    with MarketReader([TRADES, DEPTH], exchange.addresses, silence_ms=300) as reader:
        depth = join(exchange, reader)
        told: list[Item] = []
        with moving(exchange):
            for publisher in exchange.publishers:
                told += until(reader, lambda told: len(trade_ids(told)) > 50)
                publisher.kill()
                told += until(reader, lambda told: any(isinstance(item, PublisherSilent) for item in told))
                told += until(reader, lambda told: len(trade_ids(told)) > 50)
                publisher.start()
                told += until(reader, lambda told: any(isinstance(item, PublisherHeard) for item in told))
        exchange.go_on()
        last = exchange.market.moments[-1].sequence
        told += until(reader, lambda told: heard(told, last) == {0, 1})
        assert is_there(exchange, depth)
        assert is_dense(trade_ids(told))
        assert trade_ids(told)[-1] == max(exchange.market.trades())
        assert not [item for item in told if isinstance(item, Skipped | Resynced)]
        silent = [item.endpoint for item in told if isinstance(item, PublisherSilent)]
        assert silent == [address.streams for address in exchange.addresses]


def test_what_was_lost_on_the_way_is_had_by_request(exchange: Exchange) -> None:
    """First less than publishers keep, then more."""
    with MarketReader([TRADES, DEPTH], exchange.addresses) as reader:
        depth = join(exchange, reader)
        all_told: list[Item] = []
        for moves in (50, 1000):
            for _ in range(moves):
                exchange.market.move()
            for publisher in exchange.publishers:
                publisher.call(SimulatedPublisher.lose)
            exchange.go_on()
            last = [max(exchange.market.trades())]
            told = until(reader, lambda told, last=last: trade_ids(told)[-1:] == last)  # type: ignore[misc]
            told += until(reader, lambda _: is_there(exchange, depth))
            asked = exchange.publishers[0].call(
                lambda simulated: {type(request) for request in simulated.asked}
            )
            assert asked == (
                {DepthRequest, StreamReplay} if moves == 50 else {DepthRequest, StreamReplay, TradesRequest}
            )
            assert bool([item for item in told if isinstance(item, Resynced)]) == (moves == 1000)
            all_told += told
        assert is_dense(trade_ids(all_told))
        assert not [item for item in all_told if isinstance(item, Skipped)]


def test_topics_can_be_followed_and_left(exchange: Exchange) -> None:
    with MarketReader([TRADES], exchange.addresses[:1]) as reader:
        exchange.publishers[0].wait_for_subscription(TRADES)
        exchange.go_on(5)
        reader.follow([CANDLES])
        newest = exchange.publishers[0].call(SimulatedPublisher.candle)
        until(reader, lambda told: isinstance(told[-1], Published) and told[-1].events == [newest])
        reader.unfollow([TRADES])
        exchange.publishers[0].wait_for_end_of_subscription(TRADES)
        exchange.go_on(5)
        last = exchange.market.moments[-1].sequence
        told = until(reader, lambda told: heard(told, last) == {0})
        assert {item.topic for item in told if isinstance(item, Published)} == {CANDLES, HEARTBEAT}


def test_a_reader_goes_on_where_another_one_ended(exchange: Exchange) -> None:
    with MarketReader([TRADES], exchange.addresses) as reader:
        exchange.publishers[0].wait_for_subscription(TRADES)
        exchange.go_on(3)
        ids = trade_ids(until(reader, lambda told: len(trade_ids(told)) > 0))
        position = reader.position(TRADES)
    assert position is not None
    exchange.go_on(20)
    with MarketReader([], exchange.addresses, from_positions={TRADES: position}) as reader:
        exchange.publishers[0].wait_for_subscription(TRADES)
        exchange.go_on(3)
        last = max(exchange.market.trades())
        ids += trade_ids(until(reader, lambda told: trade_ids(told)[-1:] == [last]))
    assert is_dense(ids)


def test_streams_that_are_silent_end_the_iteration() -> None:
    with MarketReader([TRADES], [PublisherAddress("tcp://127.0.0.1:1", "tcp://127.0.0.1:1")]) as reader:
        assert list(reader.items(timeout=0.05)) == []
    with pytest.raises(NotConnected):
        next(MarketReader([TRADES]).items())


# On a loop.


def carried(loop: Callable[[], asyncio.AbstractEventLoop], story: Coroutine[Any, Any, None]) -> None:
    """A story on a loop of its own."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(story, PATIENCE_S))


@Loops
def test_async_books_and_trades_while_publishers_die(
    exchange: Exchange, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def story() -> None:
        told: list[Item] = []
        async with AsyncMarketReader([TRADES, DEPTH], exchange.addresses, silence_ms=300) as reader:
            for publisher in exchange.publishers:
                await asyncio.to_thread(publisher.wait_for_subscription, DEPTH)
            depth = reader.depth("BTC-USD")
            items = reader.items()

            async def until_async(holds: Callable[[list[Item]], bool]) -> None:
                begin = len(told)
                async for item in items:
                    told.append(item)
                    if holds(told[begin:]):
                        return

            with moving(exchange):
                for publisher in exchange.publishers:
                    await until_async(lambda told: len(trade_ids(told)) > 50)
                    await asyncio.to_thread(publisher.kill)
                    await until_async(lambda told: any(isinstance(item, PublisherSilent) for item in told))
                    await asyncio.to_thread(publisher.start)
                    await until_async(lambda told: any(isinstance(item, PublisherHeard) for item in told))
            await asyncio.to_thread(exchange.go_on)
            last = exchange.market.moments[-1].sequence
            await until_async(lambda told: heard(told, last) == {0, 1})
            assert is_there(exchange, depth)
            reader.close()
            async for _ in items:
                pass  # what had come; then it ends
        assert is_dense(trade_ids(told))
        assert trade_ids(told)[-1] == max(exchange.market.trades())
        books = [item for item in told if isinstance(item, Resynced)]
        assert [(item.topic, item.reason) for item in books] == [(DEPTH, JOINED)]

    carried(loop, story())


def test_a_slow_user_does_not_fill_the_memory(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks away while much is said; then it gets everything."""
    monkeypatch.setattr(async_market_reader, "EVENTS_WAITING_MAX", 100)
    monkeypatch.setattr(async_market_reader, "MESSAGES_PER_DRAIN_MAX", 10)

    async def story() -> None:
        async with AsyncMarketReader([TRADES], exchange.addresses) as reader:
            for publisher in exchange.publishers:
                await asyncio.to_thread(publisher.wait_for_subscription, TRADES)
            await asyncio.to_thread(exchange.go_on, 1)
            items = reader.items()
            ids = trade_ids([await anext(items)])
            for _ in range(300):
                await asyncio.to_thread(exchange.go_on)
            # Two drains' worth of frames above the bound, at the most.
            assert 100 <= reader._giving.events <= 100 + 2 * 10 * 10
            last = max(exchange.market.trades())
            async for item in items:
                assert not isinstance(item, PublisherSilent)
                ids += trade_ids([item])
                if ids[-1:] == [last]:
                    break
            assert is_dense(ids)

    carried(asyncio.new_event_loop, story())


def test_what_waits_behind_a_burst_of_repeated_frames_is_not_left_asleep(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one drain takes, of which nothing is told; and then nobody says anything any more."""
    monkeypatch.setattr(running_publisher, "HEARTBEAT_MS", 60_000)
    monkeypatch.setattr(async_market_reader, "MESSAGES_PER_DRAIN_MAX", 10)
    for publisher in exchange.publishers:
        publisher.call(SimulatedPublisher.heartbeat)  # from here on their patience is the long one

    async def story() -> None:
        async with AsyncMarketReader([TRADES], exchange.addresses, silence_ms=60_000) as reader:
            for publisher in exchange.publishers:
                await asyncio.to_thread(publisher.wait_for_subscription, TRADES)
            ids: list[int] = []
            items = reader.items()
            for only, moves in ((0, 200), (1, 5)):
                await asyncio.to_thread(exchange.go_on, moves, only=only)
                last = max(exchange.market.trades())
                async for item in items:
                    ids += trade_ids([item])
                    if ids[-1:] == [last]:
                        break
            assert is_dense(ids)

    carried(uvloop.new_event_loop, story())


def test_async_failure_is_raised_where_it_is_read(exchange: Exchange) -> None:
    async def story() -> None:
        async with AsyncMarketReader(["depth.X-X."], exchange.addresses) as reader:
            reader._core._begin_chain("depth." + "X" * 40 + ".", None)  # a symbol that no request can hold
            with pytest.raises(NotTaken, match="malformed"):
                async for _ in reader.items():
                    pass
        with pytest.raises(NotConnected):
            await anext(AsyncMarketReader([TRADES]).items())

    carried(asyncio.new_event_loop, story())
