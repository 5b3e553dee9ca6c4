"""A database that is away while trading goes on, and a bust waits for it: nothing is lost once it is back."""

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.protocol.market.requests import (
    AlertsAnswer,
    ArmAlert,
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    StatisticsAnswer,
    StatisticsRequest,
    TradeRow,
    TradesAnswer,
    TradesRequest,
)
from bus.protocol.market.streams import CandleUpdated
from bus.protocol.status import ProcessStatus, QueryStatus
from tests.publisher.test_processes import MINUTE_NS, SYMBOL, Exchange, caught_up, check_candles, exchange
from tests.support.market_ears import MarketEars
from tests.support.postgres import PostgresServer, postgres_server, postgres_session, postgres_url
from tests.support.processes import processes

__all__ = ["exchange", "postgres_server", "postgres_session", "postgres_url", "processes"]


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Somebody else writes into the database, and does not end."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """There is no server."""
    server.stop("immediate")
    yield
    server.start()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_trading_goes_on_and_a_bust_waits(
    exchange: Exchange,
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a queue that is full at once, so that the symbol begins anew from where the database stands."""
    monkeypatch.setenv("MATCHBUS_STORE_QUEUE_ROWS_MAX", "20")
    file = tmp_path / "market.db"
    if kind == "sqlite":
        url, away = f"sqlite:///{file}", locked(file)
    else:
        url = request.getfixturevalue("postgres_url")
        away = stopped(request.getfixturevalue("postgres_server"))
    chance = random.Random(12)
    publisher = exchange.publisher("--store", url)
    with MarketEars(exchange.port, "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(chance, 20)
        caught_up(ears, exchange)
        with away:
            exchange.trade(chance, 30)
            ears.until(lambda: status(ears).health == "degraded")
            # It is not in the database, and is not on its way to there.
            busted = ears.answer(TradesRequest(SYMBOL, limit=1), TradesAnswer).trades[0].trade.trade_id
            exchange.operator.bust_trade(SYMBOL, busted).result()
            exchange.trade(chance, 10)
            assert status(ears).problem
        ears.until(lambda: status(ears).health == "ok")
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        caught_up(ears, exchange)
        exchange.publisher("--store", f"sqlite:///{tmp_path}/two.db", "--at", str(exchange.port + 8))
        with MarketEars(exchange.port + 8, "heartbeat.") as other:
            other.answer(DepthRequest(SYMBOL), DepthAnswer)
            caught_up(other, exchange)
            wanted = told(other)
        assert [row.state for row in wanted[0] if row.trade.trade_id == busted] == [1]
        ears.until(lambda: told(ears) == wanted)
        assert ears.answer(ArmAlert("up", SYMBOL, "price-above", [10_000]), AlertsAnswer).alerts
    assert publisher.stop()[0] == 0


def status(ears: MarketEars) -> ProcessStatus:
    ears.listen(20)
    return ears.answer(QueryStatus(), ProcessStatus)


def told(ears: MarketEars) -> tuple[list[TradeRow], list[CandleUpdated], object]:
    """All trades, candles and the day; the candles are those of the trades."""
    rows = ears.answer(TradesRequest(SYMBOL, from_trade_id=1, limit=1000), TradesAnswer).trades
    candles = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=1000), CandlesAnswer).candles
    check_candles(candles, [row.trade for row in rows if row.state != 1], MINUTE_NS)
    day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
    return rows, candles, (day.trades, day.volume_lots, day.quote_volume, day.open_ticks)
