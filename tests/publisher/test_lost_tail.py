"""An engine that promises less than the disk starts again without its last events: publishers say what is left."""

import random
import shutil
import signal
from pathlib import Path

import pytest

from bus.protocol.feed import Trade
from bus.protocol.market.requests import (
    CandlesAnswer,
    CandlesRequest,
    DepthAnswer,
    DepthRequest,
    StatisticsAnswer,
    StatisticsRequest,
)
from bus.sockets.client import Client
from tests.publisher.test_processes import (
    MINUTE_NS,
    SYMBOL,
    Exchange,
    caught_up,
    check_candles,
    stored_trades,
)
from tests.support.market_ears import PATIENCE_S, MarketEars
from tests.support.processes import Processes, processes

__all__ = ["processes"]


class LosingExchange(Exchange):
    """Its data directory can be put back to what it was. The store of its publisher is elsewhere."""

    def put_aside(self) -> Path:
        """A copy as of now; the engine goes on."""
        aside = self.data.with_name("aside")
        shutil.copytree(self.data, aside)
        return aside

    def put_back(self, aside: Path) -> None:
        """A loss of power: the engine starts with what was put aside, in another epoch."""
        self.close()
        self.engine.kill()
        shutil.rmtree(self.data)
        aside.rename(self.data)
        self.engine = self.start_engine()
        self.orders += 1_000
        token = (self.data / "token").read_text().strip()
        base = self.processes.port_base
        self.operator = Client(port_base=base, account="op", role="operator", token=token, timeout=PATIENCE_S)
        self.operator.open()
        self.advance(0)
        self.alice = Client(port_base=base, account=f"alice-{self.orders}", timeout=PATIENCE_S)
        self.alice.open()


def everything(ears: MarketEars) -> tuple[list[Trade], object, object, object]:
    """What a publisher answers of the past; its candles are those of its trades."""
    trades = stored_trades(ears)
    assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
    candles = ears.answer(CandlesRequest(SYMBOL, "1m", from_ns=1, limit=1000), CandlesAnswer).candles
    check_candles(candles, trades, MINUTE_NS)
    day = ears.answer(StatisticsRequest(SYMBOL), StatisticsAnswer).statistics
    assert day.trades == len(trades)
    depth = ears.answer(DepthRequest(SYMBOL), DepthAnswer)
    return trades, candles, (day.volume_lots, day.quote_volume, day.open_ticks), (depth.bids, depth.asks)


@pytest.mark.parametrize(
    ("away", "more"),
    [
        pytest.param("not there", 2, marks=pytest.mark.slow),
        ("not there", 40),
        pytest.param("paused", 2, marks=pytest.mark.slow),
        pytest.param("paused", 40, marks=pytest.mark.slow),
        # It hears of nothing but time at first, of more of it than had been before.
        pytest.param("there", 2, marks=pytest.mark.slow),
    ],
)
def test_what_was_lost_is_taken_back(processes: Processes, tmp_path: Path, away: str, more: int) -> None:
    """Also where the engine has said more since than it had lost, while nobody listened."""
    chance = random.Random(7)
    exchange = LosingExchange(processes, tmp_path / "data")
    publisher = exchange.publisher("--store", f"sqlite:///{tmp_path}/one.db")
    with MarketEars(exchange.port, "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(chance, 20)
        aside = exchange.put_aside()
        exchange.trade(chance, 15)
        caught_up(ears, exchange)
        before = stored_trades(ears)
        if away == "not there":
            assert publisher.stop()[0] == 0
        else:
            publisher.signal(signal.SIGSTOP)
        exchange.put_back(aside)
        if away == "there":
            for _ in range(100):
                exchange.advance(1)
            publisher.signal(signal.SIGCONT)
            caught_up(ears, exchange)
        exchange.trade(chance, more)
        if away == "not there":
            publisher = exchange.publisher("--store", f"sqlite:///{tmp_path}/one.db")
        publisher.signal(signal.SIGCONT)
        exchange.publisher("--store", f"sqlite:///{tmp_path}/two.db", "--at", str(exchange.port + 8))
        with MarketEars(exchange.port + 8, "heartbeat.") as other:
            other.answer(DepthRequest(SYMBOL), DepthAnswer)
            caught_up(other, exchange)
            wanted = everything(other)
        assert wanted[0] != before
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        caught_up(ears, exchange)
        ears.until(lambda: stored_trades(ears) == wanted[0])
        assert everything(ears) == wanted
        assert publisher.stop()[::2] == (0, [])
    exchange.close()


def test_another_log_behind_the_same_port_is_refused(processes: Processes, tmp_path: Path) -> None:
    """Whether it has less than what is stored, or more."""
    exchange = LosingExchange(processes, tmp_path / "data")
    store = f"sqlite:///{tmp_path}/one.db"
    publisher = exchange.publisher("--store", store)
    with MarketEars(exchange.port, "heartbeat.") as ears:
        ears.answer(DepthRequest(SYMBOL), DepthAnswer)
        exchange.trade(random.Random(1), 10)
        caught_up(ears, exchange)
    assert publisher.stop()[0] == 0
    exchange.engine.kill()
    exchange.close()
    other = Exchange(processes, tmp_path / "other")
    for _ in range(2):
        publisher = other.publisher("--store", store)
        status, _, errors = publisher.wait()
        assert status == 1
        assert "another" in errors[-1], errors
        assert "--store of its own" in errors[-1]
        assert len(errors) == 1, "a traceback"
        other.trade(random.Random(2), 20)
    other.close()
