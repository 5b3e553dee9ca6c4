"""What is counted within a minute, and what is kept of it, in both databases: against sums that are made by hand."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zmq

from bus.clock import utc_ns
from bus.config import Config, Engine, Web
from bus.errors import StoreUnavailable
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.market_sockets import publisher_at
from tests.support.postgres import postgres_server, postgres_session, postgres_url
from web.application import ROUTES
from web.routes import MARKET
from web.schemas.usage import Usage, UsageQuery
from web.symbols import Symbols
from web.usage import minute as limits
from web.usage.durations import bucket_of, longest_us, percentile_us
from web.usage.minute import MINUTE_MS, OTHER, Minute
from web.usage.recorder import Recorder
from web.usage.store import UsageStore, rows_of
from web.usage.wanted import DATA, REST, STREAM, data_of

__all__ = ["postgres_server", "postgres_session", "postgres_url"]

ORDER = ("POST", "/v1/order")
BOOK = ("GET", "/api/v1/orderbook/{symbol}")


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Settings whose analysis of use is in a database of this kind."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return Config(engine=Engine(data_dir=str(tmp_path / "data")), web=Web(usage_url=url))


@pytest.fixture
def store(config: Config) -> Iterator[UsageStore]:
    """An open store."""
    with closing(UsageStore(config)) as opened:
        yield opened


def this_minute() -> int:
    return utc_ns() // 1_000_000 // MINUTE_MS


def write(store: UsageStore, instance: str, minute: Minute) -> None:
    store.write(instance, minute.number, *rows_of(minute))


def test_a_bucket_is_at_most_an_eighth_wider_than_what_is_in_it() -> None:
    seen = -1
    for took_us in [*range(5_000), *(2**power + more for power in range(13, 27) for more in (-1, 0, 1, 999))]:
        bucket = bucket_of(took_us)
        assert took_us <= longest_us(bucket) <= took_us * 1.125
        assert longest_us(bucket - 1) < took_us or bucket == 0
        seen = max(seen, bucket)
    assert bucket_of(10**12) == bucket_of(2**27 - 1) >= seen
    assert bucket_of(-5) == 0


def test_percentiles_are_those_of_all_durations_up_to_an_eighth() -> None:
    drawn = random.Random(5)
    for count in (1, 2, 3, 99, 100, 101, 1_000):
        took = sorted(int(drawn.lognormvariate(7, 2)) for _ in range(count))
        counts = Counter(bucket_of(us) for us in took)
        for percent in (1, 50, 99, 100):
            exact = took[-(-count * percent // 100) - 1]
            found = percentile_us(counts, percent)
            assert found is not None
            assert exact <= found <= exact * 1.125, (count, percent)
    assert percentile_us({}, 50) is None


def test_a_minute_has_room_for_so_much_and_its_sums_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS_MAX", 10)
    monkeypatch.setattr(limits, "DATA_MAX", 10)
    minute = Minute(0)
    for number in range(1_000):
        minute.count((f"key-{number}", f"account-{number}", *ORDER, f"S-{number}", 200), 5)
        minute.count(("", "", *BOOK, "", 404), 7)
        minute.want(REST, "book", f"S-{number}")
    assert len(minute.calls) == 11
    assert minute.calls[OTHER, "", *ORDER, OTHER, 200] == [991, 5 * 991]
    assert minute.calls["", "", *BOOK, "", 404] == [1_000, 7_000]
    assert minute.times == {(*ORDER, 5): 1_000, (*BOOK, 7): 1_000}
    assert len(minute.data) == 11
    assert minute.data[REST, "book", OTHER] == 990


def test_every_route_of_market_data_of_a_symbol_has_a_name() -> None:
    of_symbols = {route.path for route in ROUTES if route.cost == MARKET and "{symbol}" in route.path}
    assert of_symbols == DATA.keys()
    assert data_of("/api/v1/klines/{symbol}/{interval}", {"symbol": "X", "interval": "1m"}) == "klines_1m"
    assert data_of("/api/v1/klines/{symbol}/{interval}", {"symbol": "X", "interval": "9m"}) is None
    assert data_of("/v1/order", {}) is None


def test_instances_add_up_to_what_was_counted(store: UsageStore) -> None:
    drawn = random.Random(7)
    keys = [("", ""), ("a1", "alice"), ("a2", "alice"), ("b1", "bob")]
    now = this_minute()
    told: Counter[tuple[str, ...]] = Counter()
    refused: Counter[str] = Counter()
    took: dict[str, list[int]] = {path: [] for _, path in (ORDER, BOOK)}
    for instance in ("one", "two"):
        for number in (now - 200, now - 30, now - 1, now):
            minute = Minute(number)
            for _ in range(drawn.randrange(50, 100)):
                (key, account), (method, path) = drawn.choice(keys), drawn.choice((ORDER, BOOK))
                symbol, status = drawn.choice(("", "BTC-USD", "ETH-USD")), drawn.choice((200, 200, 404, 503))
                us = int(drawn.lognormvariate(7, 2))
                minute.count((key, account, method, path, symbol, status), us)
                minute.want(drawn.choice((REST, STREAM)), "book", "BTC-USD")
                if number >= now - 59:
                    told.update([("key", key), ("symbol", symbol), ("status", str(status)), ("path", path)])
                    told["account", account] += 1
                    refused[account] += status == 404
                    took[path].append(us)
            write(store, instance, minute)
    found = store.ask(UsageQuery())
    assert found.calls == sum(len(durations) for durations in took.values())
    assert {one.key or "": one.calls for one in found.keys} == dict(told_of(told, "key"))
    assert {one.symbol: one.calls for one in found.symbols} | {"": told["symbol", ""]} == told_of(
        told, "symbol"
    )
    assert {str(one.status): one.calls for one in found.statuses} == told_of(told, "status")
    assert {one.path: one.calls for one in found.routes} == told_of(told, "path")
    for route in found.routes:
        durations = sorted(took[route.path])
        assert route.mean_us == sum(durations) // len(durations)
        for percent, said in ((50, route.p50_us), (99, route.p99_us)):
            exact = durations[-(-len(durations) * percent // 100) - 1]
            assert said is not None
            assert exact <= said <= exact * 1.125
    assert [one.p99_us for one in found.slowest] == sorted(
        (one.p99_us or 0 for one in found.routes), reverse=True
    )
    assert [(one.data, one.symbol, one.requests + one.subscriptions) for one in found.data] == [
        ("book", "BTC-USD", found.calls)
    ]
    assert [one.calls for one in found.keys] == sorted((one.calls for one in found.keys), reverse=True)
    of_alice = store.ask(UsageQuery(account="alice"))
    assert (of_alice.calls, of_alice.refused) == (told["account", "alice"], refused["alice"])
    assert {one.key for one in of_alice.keys} == {"a1", "a2"}
    assert [one.p99_us for one in of_alice.routes] == [None, None]
    assert (of_alice.slowest, of_alice.data) == ([], [])
    assert store.ask(UsageQuery(minutes=240)).calls > found.calls
    assert len(store.ask(UsageQuery(limit=1)).keys) == 1


def told_of(told: Counter[tuple[str, ...]], what: str) -> dict[str, int]:
    return {key[1]: count for key, count in told.items() if key[0] == what}


def test_what_is_said_of_a_minute_again_stands_in_its_place(store: UsageStore) -> None:
    minute = Minute(this_minute())
    minute.count(("a1", "alice", *ORDER, "BTC-USD", 200), 100)
    minute.want(STREAM, "klines_1m", "BTC-USD")
    write(store, "one", minute)
    write(store, "one", minute)
    minute.count(("a1", "alice", *ORDER, "BTC-USD", 200), 300)
    write(store, "one", minute)
    found = store.ask(UsageQuery(minutes=2))
    assert [(one.calls, one.mean_us) for one in found.keys] == [(2, 200)]
    assert [(one.requests, one.subscriptions) for one in found.data] == [(0, 1)]


def test_what_is_too_old_is_forgotten_and_the_rest_stays(store: UsageStore) -> None:
    now = this_minute()
    for number in (now - 400, now - 130, now - 120, now):
        minute = Minute(number)
        minute.count(("a1", "alice", *ORDER, "BTC-USD", 200), 100)
        minute.want(STREAM, "book", "BTC-USD")
        write(store, "one", minute)

    def kept() -> Usage:
        return store.ask(UsageQuery(minutes=1_000))

    store.forget(now - 120)
    assert (kept().calls, kept().data[0].subscriptions, kept().routes[0].calls) == (2, 2, 2)
    store.forget(now - 120)
    assert kept().calls == 2
    store.forget(now + 1)
    assert (kept().calls, kept().keys, kept().data, kept().slowest) == (0, [], [], [])


def test_a_store_that_somebody_holds_says_so_by_name(tmp_path: Path) -> None:
    with closing(UsageStore(Config(engine=Engine(data_dir=str(tmp_path))))) as store:
        with closing(sqlite3.connect(store.name)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match=r"web/usage\.db: database is locked"):
                write(store, "one", Minute(0))
        write(store, "one", Minute(0))


def test_a_minute_that_ends_while_its_write_fails_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(engine=Engine(data_dir=str(tmp_path)))
    now = [this_minute()]
    monkeypatch.setattr("web.usage.recorder._now_minute", lambda: now[0])

    async def fail_and_go_on() -> None:
        with zmq.Context() as context:
            symbols = Symbols(AsyncMarketClient([publisher_at(3000)], context=context))
            recorder = Recorder(config, symbols)
            await recorder.open()
            try:
                await recorder.flush()
                with closing(sqlite3.connect(tmp_path / "web/usage.db")) as holder:
                    holder.execute("BEGIN IMMEDIATE")
                    recorder.answered(None, *BOOK, {}, None, 200, 5)
                    first = asyncio.create_task(recorder.flush())
                    # What is new is on its way to a store that will not take it.
                    while recorder._minute.is_new and not first.done():
                        await asyncio.sleep(0)
                    now[0] += 1
                    recorder._turn()
                    recorder.answered(None, *BOOK, {}, None, 200, 5)
                    with pytest.raises(StoreUnavailable):
                        await first
                    holder.rollback()
                await recorder.flush()
                with closing(sqlite3.connect(tmp_path / "web/usage.db")) as reader:
                    assert reader.execute("SELECT SUM(calls) FROM calls").fetchone() == (2,)
            finally:
                await recorder.close()

    asyncio.run(fail_and_go_on())
