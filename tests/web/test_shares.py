"""Publishers that share the symbols: the web serves those of all, and of who is left when one is gone."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest

from tests.support.processes import Process
from tests.support.streaming import Stream
from tests.support.venue import Venue

#: Of the first publisher and of the second one, by the hash that shares them.
FIRST, SECOND = "BTC-USD", "ETH-USD"
#: How far above the port base the second publisher is.
ABOVE: Final = 31


class SharedVenue(Venue):
    """A venue with two publishers, half of the symbols each."""

    publisher_words = ("--share", "1/2")

    def _start(self) -> None:
        super()._start()
        self.second = self.start_second()

    def start_second(self) -> Process:
        """The other publisher, not yet ready."""
        words = ("--data", str(self.data), "--share", "2/2", "--at", str(self.port_base + ABOVE))
        return self.processes.start(*self.processes.exchange("publisher", *words))

    def start_web(self, *more: str) -> Process:
        """See Venue."""
        return super().start_web("--publisher", f"127.0.0.1:{self.port_base + ABOVE + 1}", *more)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedVenue]:
    """With an instrument of each publisher, a trade in both."""
    with SharedVenue(tmp_path_factory.mktemp("shares"), MATCHBUS_WEB_ANSWER_TIMEOUT_MS="2000") as running:
        running.second.ready()
        running.define(FIRST, SECOND)
        with running.client("alice") as alice:
            for symbol in (FIRST, SECOND):
                for side in ("buy", "sell"):
                    alice.enter(symbol, side, "1", "100").result()
        yield running


def symbols(venue: Venue) -> list[str]:
    """All that the web knows."""
    return [one["symbol"] for one in venue.get("/api/v1/symbols").json["symbols"]]


def test_the_symbols_of_all_publishers_are_served(venue: SharedVenue) -> None:
    assert symbols(venue) == [FIRST, SECOND]
    for symbol in (FIRST, SECOND):
        assert venue.get(f"/api/v1/symbols/{symbol}").json["symbol"] == symbol
        path = f"/api/v1/executions/{symbol}"
        traded = venue.until(partial(venue.get, path), lambda said: said.json["trades"])
        assert len(traded.json["trades"]) == 1
    both = venue.until(
        partial(venue.get, "/api/v1/statistics"), lambda said: len(said.json["statistics"]) == 2
    )
    assert [one["symbol"] for one in both.json["statistics"]] == [FIRST, SECOND]
    assert venue.get("/api/v1/orderbook/NO-ONE").json["reason"] == "unknown_symbol"


def test_streams_of_all_publishers_are_told(venue: SharedVenue) -> None:
    async def books() -> set[str]:
        async with Stream(f"ws://127.0.0.1:{venue.web_port}/ws") as stream:
            stream.say(op="subscribe", channels=["book"], symbols=[FIRST, SECOND])
            return {(await stream.until(lambda said: said["type"] == "book"))["symbol"] for _ in range(2)}

    assert asyncio.run(books()) == {FIRST, SECOND}


@pytest.mark.slow
def test_when_one_is_gone_the_others_symbols_are_served(venue: SharedVenue) -> None:
    venue.second.kill()
    assert symbols(venue) == [FIRST, SECOND], "what an instance knows it knows"
    assert venue.get(f"/api/v1/orderbook/{FIRST}").status == 200
    late = venue.start_web("--port", "0")
    port = int(late.ready()["web"].rpartition(":")[2])
    assert [one["symbol"] for one in venue.request("GET", "/api/v1/symbols", port=port).json["symbols"]] == [
        FIRST
    ]
    for path in (f"/api/v1/orderbook/{SECOND}", f"/api/v1/symbols/{SECOND}"):
        nobody_knows = venue.request("GET", path, port=port)
        assert (nobody_knows.status, nobody_knows.json["reason"]) == (503, "unreachable")
    venue.second = venue.start_second()
    venue.second.ready()
    again = partial(venue.request, "GET", f"/api/v1/orderbook/{SECOND}", port=port)
    assert venue.until(again, lambda said: said.status == 200).json["symbol"] == SECOND
