"""Both subscribers against a real engine: books that are proved, streams without gaps, an engine that dies."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from bus.errors import NotConnected, NotTaken
from bus.protocol import reasons
from bus.protocol.commands import CancelOrder, EnterOrder
from bus.protocol.feed import FeedHeartbeat, Trade
from bus.protocol.terms import BUY, L2, L3, SELL
from bus.sockets.async_subscriber import AsyncSubscriber
from bus.sockets.book_reader import BookReader
from bus.sockets.client import Client
from bus.sockets.reading.feed_items import DropReport, Resynced, Skipped
from bus.sockets.reading.telling import Told
from bus.sockets.subscriber import Subscriber
from tests.support.real_engine import RealEngine, define

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 30.0


def client(engine: RealEngine, account: str) -> Client:
    return Client(port_base=engine.port_base, account=account, timeout=PATIENCE_S)


def flow(seed: int, count: int, symbol: str) -> Iterator[EnterOrder | CancelOrder]:
    """Orders that rest, trade and go."""
    chance = random.Random(seed)
    for n in range(count):
        if n and chance.random() < 0.3:
            yield CancelOrder(0, f"{seed}-{chance.randrange(n)}")
        side = chance.choice((BUY, SELL))
        price = 1000 + chance.randrange(-20, 12) * (1 if side == BUY else -1)
        yield EnterOrder(f"{seed}-{n}", symbol, side, 1 + chance.randrange(50), price)


def trade(client: Client, seed: int, count: int, symbol: str, at_once: int = 40) -> None:
    """The flow, and an end to it: everything is answered."""
    commands = list(flow(seed, count, symbol))
    for start in range(0, len(commands), at_once):
        client.send_commands(commands[start : start + at_once])
        while client.unanswered:
            client.poll(0.05)


def until_proved(events: Iterator[Told], *books: BookReader) -> list[Told]:
    """Read on until a heartbeat that comes from now on has proved each book."""
    goals = [book.checks + 1 for book in books]
    told: list[Told] = []
    for one in events:
        told.append(one)
        if all(book.checks >= goal for book, goal in zip(books, goals, strict=True)):
            return told
    raise AssertionError("the feed has fallen silent")


def test_books_of_levels_and_of_orders_are_the_engines(engine: RealEngine) -> None:
    """Read from the middle of it; the account's own open orders are the other source."""
    define(engine, "S-1")
    topics = ["level.S-1.", "order.S-1.", "trade.S-1."]
    with client(engine, "dave-1") as dave:
        trade(dave, 1, 200, "S-1")
        with Subscriber(topics, port_base=engine.port_base) as subscriber:
            levels, orders = subscriber.book("S-1", L2), subscriber.book("S-1", L3)
            events = subscriber.events(PATIENCE_S)
            until_proved(events, levels, orders)
            trade(dave, 2, 200, "S-1")
            told = until_proved(events, levels, orders)
            # A heartbeat may have been under way; now none is.
            told += until_proved(events, levels, orders)
            for side in (BUY, SELL):
                expected: dict[int, list[int]] = {}
                for order in dave.open_orders().orders:
                    if order.entered.side == side:
                        expected.setdefault(order.price_ticks, []).append(
                            order.quantity_lots - order.filled_lots
                        )
                rows = [(price, sum(all_lots), len(all_lots)) for price, all_lots in expected.items()]
                assert levels.levels(side) == sorted(rows, reverse=side == BUY)
                assert orders.levels(side) == levels.levels(side)
            trades = [number for name, number, _ in told if name == "trade.S-1."]
            assert trades == list(range(trades[0], trades[0] + len(trades)))
            assert not [event for _, _, event in told if isinstance(event, Resynced)]


def test_a_reader_who_was_away_gets_everything_it_missed(engine: RealEngine) -> None:
    define(engine, "S-2")
    with client(engine, "dave-2") as dave:
        with Subscriber(
            ["trade.S-2."], port_base=engine.port_base, from_numbers={"trade.S-2.": 1}
        ) as subscriber:
            trade(dave, 3, 30, "S-2")
            events = subscriber.events(PATIENCE_S)
            first = next(one for one in events if one[1])
            goes_on_at = subscriber.next_number("trade.S-2.")
        assert first[1] == 1
        trade(dave, 4, 30, "S-2")
        with Subscriber(
            ["trade.S-2."], port_base=engine.port_base, from_numbers={"trade.S-2.": goes_on_at}
        ) as subscriber:
            numbers: list[int] = []
            last = 0
            for _, number, event in subscriber.events(PATIENCE_S):
                if isinstance(event, FeedHeartbeat):
                    last = event.trade_number
                else:
                    assert isinstance(event, Trade)
                    assert event.trade_id == number
                    numbers.append(number)
                if last and numbers and numbers[-1] == last:
                    break
        assert numbers == list(range(goes_on_at, last + 1))


def test_what_the_engine_no_longer_keeps_is_named(engine: RealEngine) -> None:
    define(engine, "S-3")
    with client(engine, "dave-3") as dave:
        trade(dave, 5, 2500, "S-3")
        with Subscriber(
            ["trade.S-3.", "level.S-3."],
            port_base=engine.port_base,
            from_numbers={"trade.S-3.": 1, "level.S-3.": 1},
        ) as subscriber:
            found: dict[str, Any] = {}
            for name, _, event in subscriber.events(PATIENCE_S):
                if isinstance(event, Skipped | Resynced):
                    found[name] = event
                if len(found) == 2:
                    break
    assert isinstance(found["trade.S-3."], Skipped)
    assert isinstance(found["level.S-3."], Resynced)


def test_the_drop_copy_tells_the_house_every_report(engine: RealEngine) -> None:
    define(engine, "S-4")
    with (
        client(engine, "dave-4") as dave,
        Subscriber(
            ["drop."], port_base=engine.port_base, token=engine.token, from_numbers={"drop.": 1}
        ) as subscriber,
    ):
        trade(dave, 6, 50, "S-4")
        wanted = dave.next_report + len(list(dave.reports(timeout=0)))
        copies: list[DropReport] = []
        numbers: list[int] = []
        for name, number, event in subscriber.events(PATIENCE_S):
            if isinstance(event, DropReport):
                numbers.append(number)
                if event.account == "dave-4":
                    copies.append(event)
                    if event.report_number == wanted - 1:
                        break
            else:
                assert name in ("drop.", "heartbeat.drop.")
        assert [copy.report_number for copy in copies] == list(range(1, wanted))
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_the_drop_copy_wants_the_token(engine: RealEngine) -> None:
    with Subscriber(["drop."], port_base=engine.port_base, from_numbers={"drop.": 1}) as subscriber:
        with pytest.raises(NotTaken, match="bad_token") as caught:
            for _ in subscriber.events(PATIENCE_S):
                pass
        assert caught.value.reason == reasons.BAD_TOKEN


def test_a_feed_that_is_silent_ends_the_iteration() -> None:
    with Subscriber(["trade."], port_base=1) as subscriber:
        assert list(subscriber.events(timeout=0.05)) == []
    with pytest.raises(NotConnected):
        next(Subscriber(["trade."], port_base=1).events())


def test_an_engine_that_dies_leaves_no_gap(own_engine: RealEngine) -> None:
    topics = ["level.BTC-USD.", "order.BTC-USD.", "trade.BTC-USD."]
    with (
        client(own_engine, "dave") as dave,
        Subscriber(topics, port_base=own_engine.port_base, from_numbers={"trade.BTC-USD.": 1}) as subscriber,
    ):
        levels, orders = subscriber.book("BTC-USD", L2), subscriber.book("BTC-USD", L3)
        events = subscriber.events(PATIENCE_S)
        told = until_proved(events, levels, orders)
        for seed in range(3):
            trade(dave, seed, 40, "BTC-USD", at_once=5)
            own_engine.kill()
            own_engine.start()
            trade(dave, seed + 100, 40, "BTC-USD", at_once=5)
            told += until_proved(events, levels, orders)
        last = max(event.trade_number for _, _, event in told if isinstance(event, FeedHeartbeat))
        trades = [event.trade_id for _, _, event in told if isinstance(event, Trade)]
        assert trades == list(range(1, last + 1))


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_async_book_while_the_engine_dies(
    own_engine: RealEngine, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def until_proved_async(events: Any, book: BookReader) -> None:
        goal = book.checks + 1
        async for _ in events:
            if book.checks >= goal:
                return

    async def story() -> None:
        async with AsyncSubscriber(["level."], port_base=own_engine.port_base) as subscriber:
            book = subscriber.book("BTC-USD")
            events = subscriber.events()
            await until_proved_async(events, book)
            for seed in range(2):
                await asyncio.to_thread(trade, dave, seed, 60, "BTC-USD", 10)
                await until_proved_async(events, book)
                await asyncio.to_thread(own_engine.kill)
                await asyncio.to_thread(own_engine.start)
            await until_proved_async(events, book)
            orders = dave.open_orders().orders
            assert sum(lots for side in (BUY, SELL) for _, lots, _ in book.levels(side)) == sum(
                order.quantity_lots - order.filled_lots for order in orders
            )
            subscriber.close()
            async for _ in events:
                pass  # what had come; then it ends

    def whole() -> Coroutine[Any, Any, None]:
        return asyncio.wait_for(story(), PATIENCE_S)

    with client(own_engine, "dave") as dave, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


def test_async_failure_is_raised_where_it_is_read(engine: RealEngine) -> None:
    async def story() -> None:
        async with AsyncSubscriber(
            ["drop."], port_base=engine.port_base, from_numbers={"drop.": 1}
        ) as subscriber:
            with pytest.raises(NotTaken, match="bad_token"):
                async for _ in subscriber.events():
                    pass

    asyncio.run(asyncio.wait_for(story(), PATIENCE_S))
