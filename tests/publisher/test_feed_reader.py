"""The publisher's reader of the feed, beside no engine at all."""

import asyncio

import zmq

from bus.addresses import addresses
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.reader_sockets import REQUESTS_WAITING_MAX
from publisher.feed_reader import FeedReader
from tests.support.ports import free_port_base


def test_an_engine_that_is_away_for_long_is_no_failure() -> None:
    """Once a second it is asked for, and ZeroMQ keeps no more than so many questions."""
    loop = asyncio.new_event_loop()
    with zmq.Context() as context:
        reader = FeedReader(
            loop,
            context,
            addresses(free_port_base(), "127.0.0.1"),
            FeedCore(["trade."], deep=True, never_skip=True),
            on_items=lambda _: None,
            on_instruments=lambda _, __: None,
            on_drained=lambda: None,
            on_failure=lambda _: None,
        )
        for _ in range(REQUESTS_WAITING_MAX + 10):
            reader.ask_instruments()
            reader.ask_event("trade.BTC-USD.", 1, lambda _, __: None)
        reader.close()
    loop.close()
