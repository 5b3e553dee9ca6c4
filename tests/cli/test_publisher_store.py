"""`publisher rebuild` and `publisher adjust`: beside a running exchange, and over a log that is at rest."""

import json
import time
from pathlib import Path

import pytest

from bus.journal.disk import Disk
from bus.journal.skips import add_skip
from bus.protocol.commands import EnterOrder
from bus.protocol.terms import BUY, SELL
from bus.sockets.client import Client
from publisher.store.reading import read_trades
from publisher.store.store import Store
from tests.support.processes import LINE_S, Process, Processes
from tools.bench.recovery import write_journal

SYMBOL = "BTC-USD"
BEGIN = "2026-01-31T10:00:00"


class Exchange:
    """An engine whose time is the operator's, and its publisher; somebody who trades with herself."""

    def __init__(self, processes: Processes, data: Path) -> None:
        self.data = data
        self.run = processes.run
        self.words = ("--data", str(data))
        self.engine = processes.engine(data, "--clock", "commands")
        token = (data / "token").read_text().strip()
        self.operator = Client(
            port_base=processes.port_base, account="op", role="operator", token=token, timeout=LINE_S
        )
        self.alice = Client(port_base=processes.port_base, account="alice", timeout=LINE_S)
        self.operator.open()
        self.alice.open()
        self.time_ns = 1_769_853_600 * 10**9  # BEGIN
        self.advance(0)
        self.operator.define_instrument(
            SYMBOL, "BTC", "USD", tick="0.01", lot="0.001", price_min="0.01", price_max="100000",
            quantity_min="0.001", quantity_max="1000",
        ).result()  # fmt: skip
        self.publisher: Process = processes.start(*processes.exchange("publisher", "--data", str(data)))
        self.publisher.ready()

    def advance(self, seconds: int) -> None:
        self.time_ns += seconds * 10**9
        self.operator.advance_clock(self.time_ns).result()

    def trade(self, price: str) -> None:
        self.alice.enter(SYMBOL, "sell", "0.5", price).result()
        self.alice.enter(SYMBOL, "buy", "0.5", price).result()

    def rebuild(self, *words: str, status: int = 0) -> str:
        return self.run("publisher", "rebuild", *self.words, *words, status=status)

    def rebuild_until(self, trades: int, candles: int) -> dict[str, object]:
        """Rebuild beside what runs, until so many rows are stored; equal each time."""
        deadline = time.monotonic() + LINE_S
        while True:
            found: dict[str, object] = json.loads(self.rebuild("--json"))
            assert found["equal"] is True
            if (found["trades"], found["candles"]) == (trades, candles):
                return found
            assert time.monotonic() < deadline, found

    def close(self) -> None:
        self.alice.close()
        self.operator.close()


def test_beside_a_running_exchange_and_by_hand(processes: Processes, tmp_path: Path) -> None:
    """Trades, a bust and a correction are proved while all run; then the operator's hand, and then an accident."""
    exchange = Exchange(processes, tmp_path / "data")
    for price in ("100", "101", "102"):
        exchange.trade(price)
        exchange.advance(60)
    exchange.operator.bust_trade(SYMBOL, 2).result()
    exchange.operator.correct_trade(SYMBOL, 3, "99.50").result()
    exchange.advance(120)
    found = exchange.rebuild_until(trades=3, candles=6)
    assert (found["symbols"], found["corrections"], found["not_stored"]) == (1, 2, [])
    exchange.close()
    assert exchange.publisher.stop()[0] == 0
    assert exchange.rebuild().startswith(
        "equal: 1 symbol, 3 trades, 6 candles, 2 corrections, log up to sequence "
    )

    adjust = ("publisher", "adjust")
    why = (*exchange.words, "--why", "ticket 12")
    assert (
        exchange.run(*adjust, "trade", SYMBOL, "1", "100.01", *why) == "trade 1 of BTC-USD: 100.00 -> 100.01"
    )
    said = exchange.run(*adjust, "bust", SYMBOL, "3", *why)
    assert said == "trade 3 of BTC-USD: 99.50 -> does not count any more"
    candle = (*adjust, "candle", SYMBOL, "1m", BEGIN)
    said = exchange.run(*candle, "--high", "100.02", "--quote-volume", "50.00002", *why)
    assert said == (
        "candle 1m at 2026-01-31 10:00:00.000000 UTC of BTC-USD: high 100.00 -> 100.02,"
        " quote_volume 50.00000 -> 50.00002"
    )
    told = json.loads(exchange.run(*candle, "--trades", "2", "--json", *why))
    assert (told["type"], told["kind"], told["note"]) == ("Correction", "manual", "ticket 12")
    assert (told["before"]["trades"], told["after"]["trades"], told["after"]["high"]) == ("1", "2", "100.02")
    lines = exchange.rebuild().splitlines()
    assert [line.split(":")[0] for line in lines] == ["adjusted"] * 4 + ["equal"]
    assert lines[0] == "adjusted: BTC-USD: trade 1 at 10001 ticks: by hand: ticket 12"

    for words, problem in {
        ("trade", SYMBOL, "1", "100.011"): "100.011 is no price of BTC-USD: a tick is 0.01",
        ("trade", SYMBOL, "1", "cheap"): "'cheap' is no price",
        ("trade", SYMBOL, "1", "100.01"): "BTC-USD: trade 1 is so already",
        ("trade", SYMBOL, "9", "100"): "BTC-USD: no trade 9 is stored",
        ("trade", "ETH-USD", "1", "100"): "ETH-USD: nothing is stored of this symbol",
        ("bust", SYMBOL, "3"): "BTC-USD: trade 3 is so already",
        ("candle", SYMBOL, "2m", BEGIN): "'2m' is no interval: 1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w",
        ("candle", SYMBOL, "1m", "noon"): "'noon' is no time: say 2026-12-31T17:00",
        ("candle", SYMBOL, "1m", "2026-01-31T11:00", "--high", "1"): (
            "BTC-USD: no candle of 1m that opens at 2026-01-31 11:00:00.000000 UTC is stored"
        ),
        ("candle", SYMBOL, "1m", BEGIN, "--low", "200"): (
            "BTC-USD: open and close of a candle lie between its low and its high"
        ),
        ("candle", SYMBOL, "1m", BEGIN, "--quote-volume", "0.000001"): (
            "0.000001 is no amount of BTC-USD: a tick times a lot is 1/100000"
        ),
    }.items():
        assert exchange.run(*adjust, *words, *why, status=1).splitlines()[-1] == f"matchbus: {problem}"
    assert exchange.rebuild().splitlines() == lines

    store = Store(f"sqlite:///{exchange.data / 'publisher' / 'market.db'}", "")
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE candles SET trades = 7 WHERE interval = '1m'")
    store.close()
    lines = exchange.rebuild(status=1).splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == ["adjusted"] * 5 + ["differs"] * 4
    assert (
        lines[4]
        == f"adjusted: {SYMBOL}: candle 1m at 1769853720000000000: follows: trades is 7, the log says 1"
    )
    assert lines[5] == f"differs: {SYMBOL}: candle 1m at 1769853600000000000: trades is 7, the log says 2"
    assert lines[-1] == "4 differences: 1 symbol, 3 trades, 6 candles, 2 corrections compared"


def test_a_lost_database_is_made_anew(processes: Processes, tmp_path: Path) -> None:
    """Without one there is nothing to be proved, and `--into` makes it; into one that has something it does not."""
    data = tmp_path / "data"
    data.mkdir()
    orders = [EnterOrder(f"o{n}", "R", BUY if n % 2 else SELL, 5, 100 + n // 2) for n in range(40)]
    write_journal(str(data), orders, 8)
    words = ("publisher", "rebuild", "--data", str(data))
    assert processes.run(*words, status=1) == (
        f"matchbus: {data}: no publisher has stored anything there; name its database with --store"
    )
    assert not (data / "publisher").exists()
    url = f"sqlite:///{data / 'publisher' / 'market.db'}"
    assert processes.run(*words, "--into", url).startswith("equal: 0 symbols, 0 trades")
    found = json.loads(processes.run(*words, "--json"))
    assert (found["equal"], found["symbols"], found["trades"], found["sequence"]) == (True, 1, 20, 43)
    refusal = processes.run(*words, "--into", url, status=1)
    assert refusal.endswith("has market data already; name an empty database")
    empty = processes.run("publisher", "rebuild", "--data", str(tmp_path), status=1)
    assert empty == f"matchbus: {tmp_path}: there is no journal; name the data directory with --data"


@pytest.mark.parametrize(("skipped", "trades"), [((), 2), ((5,), 1)])
def test_what_the_operator_skips_in_the_log_is_skipped(
    processes: Processes, tmp_path: Path, skipped: tuple[int, ...], trades: int
) -> None:
    """Sequence 5 is the first order that takes."""
    data = tmp_path / "data"
    data.mkdir()
    orders = [
        EnterOrder("a", "R", SELL, 5, 100),
        EnterOrder("b", "R", BUY, 5, 100),
        EnterOrder("c", "R", BUY, 5, 101),
        EnterOrder("d", "R", SELL, 5, 100),
    ]
    write_journal(str(data), orders, 4)
    for sequence in skipped:
        add_skip(str(data), Disk(), sequence, "a test")
    file = tmp_path / "into.db"
    processes.run("publisher", "rebuild", "--data", str(data), "--into", f"sqlite:///{file}")
    store = Store(f"sqlite:///{file}", "")
    with store.reading() as connection:
        found = read_trades(connection, "R", limit=10)
    store.close()
    assert [row.price_ticks for row in found] == [100, 101][:trades]
