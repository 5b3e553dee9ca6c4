"""`tap --stream` as a process and as lines: what publishers say, whose book it is, what is said when one is gone."""

import json
from pathlib import Path

import pytest

from bus.protocol.feed import Level, Trade
from bus.protocol.market import streams
from bus.protocol.market.requests import TradeRow
from bus.protocol.terms import BUY
from bus.sockets.market.stream_items import MISSED, Differs, Item, Published, Resynced, Skipped
from bus.sockets.reading.feed_items import UnknownEvent
from bus.sockets.session.prices import Scale
from tests.support.processes import Processes
from tools.tap.market_lines import item_lines

SYMBOL = streams.Symbol("BTC-USD", "BTC", "USD", 25, 2, 1, 4, 1, 10**8, 1, 10**8, 0, 1, "always", "spot")
NOW_NS = 1_800_000_000_000_000_000


@pytest.fixture
def market(processes: Processes, tmp_path: Path) -> Processes:
    """An engine with an order and a trade, and its publisher; the data directory is `tmp_path / "data"`."""
    data = tmp_path / "data"
    processes.engine(data)
    processes.start(*processes.exchange("publisher", "--data", str(data))).ready()
    processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", str(data)))
    for words in (("buy", "0.5", "30000"), ("sell", "0.2", "30000"), ("sell", "1", "30010")):
        processes.run(*processes.exchange("order", "enter", "BTC-USD", *words))
    return processes


def lines(item: Item) -> list[str]:
    """What is shown of an item, without when it came."""
    return [line.plain.split(None, 1)[1] for line in item_lines(NOW_NS, item, Scale(SYMBOL))]


def of(kind: str, *events: object) -> Published:
    return Published(f"{kind}.BTC-USD.", 1, 77, NOW_NS, list(events), 0)


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (
            of("trades", Trade(77, NOW_NS, 5, 120_000, 2_500, BUY)),
            "trades      BTC-USD    @77         0.2500 bought at 30000.00  trade 5",
        ),
        (of("depth", Level(77, BUY, 120_000, 0, 0)), "depth       BTC-USD    @77         bid 30000.00  gone"),
        (
            of("top5-1s", streams.Top([(12_000, 5, 1), (3, 5, 1), (2, 5, 1), (1, 5, 1)], [])),
            "top5-1s     BTC-USD    @77         bids 0.0005 at 3000.00, 0.0005 at 0.75, 0.0005 at 0.50, ...; asks none",
        ),
        (
            of(
                "candle-1m",
                streams.CandleUpdated("1m", NOW_NS, 4, 8, 4, 4, "50", "9", 2, "0", "0", 1, 2, True, 0),
            ),
            "candle-1m   BTC-USD    @77         2027-01-15 08:00 1.00 2.00 1.00 1.00  volume 0.0050  closed",
        ),
        (
            of(
                "statistics",
                streams.Statistics(1, 4, 8, 4, 8, 4, -5000, "50", "9", 2, 1, 1, 1, 1, 1, 1, "1", 1),
            ),
            "statistics  BTC-USD    @77         2.00 -0.50 %  high 2.00, low 1.00, volume 0.0050 in 2 trades of 24 h",
        ),
        (
            of("mini", streams.MiniStatistics(1, 4, 8, 4, 8, "50", "9")),
            "mini        BTC-USD    @77         2.00  high 2.00, low 1.00, volume 0.0050",
        ),
        (
            of("alert", streams.AlertFired(77, "a", "move-up", 12, 10)),
            "alert       BTC-USD    @77         alert a: move-up 10, is at 12",
        ),
        (
            of("symbol", SYMBOL),
            "symbol      BTC-USD    @77         BTC in USD, tick 0.25, lot 0.0001, continuous",
        ),
        (
            of("heartbeat", streams.StreamsHeartbeat("p", [("a", 1, 1)], 1, b"", True, 15)),
            "heartbeat   BTC-USD    @77         p: 1 streams, checksum 0000000f, healing",
        ),
        (
            of("trades", UnknownEvent(b"\x01")),
            "trades      BTC-USD    @77         of a kind that this version does not know: 01",
        ),
        (
            Skipped("trades.BTC-USD.", 5, 77),
            "trades      BTC-USD    @77         what was said behind 5 is missing: no publisher gives it any more",
        ),
        (
            Differs("trades.BTC-USD.", 77, NOW_NS, ("a", "b")),
            "trades      BTC-USD    @77         ALARM: a and b contradict each other at 2027-01-15 08:00:00.000000",
        ),
    ],
)
def test_every_kind_of_event_has_a_line(item: Item, shown: str) -> None:
    assert lines(item) == [shown]


def test_what_was_missed_is_shown_behind_the_word_that_it_was() -> None:
    rows = [TradeRow(Trade(70 + n, NOW_NS, n, 120_000, 1, BUY), 0) for n in (1, 2)]
    assert lines(Resynced("trades.BTC-USD.", MISSED, 1, 77, NOW_NS, None, rows)) == [
        "trades      BTC-USD    @77         begins anew (missed): 2 trades that had been missed",
        "trades      BTC-USD    @71         0.0001 bought at 30000.00  trade 1",
        "trades      BTC-USD    @72         0.0001 bought at 30000.00  trade 2",
    ]


def test_what_a_publisher_says_is_shown_as_lines_and_as_json(market: Processes) -> None:
    words = ("tap", "--stream", "candle-1m", "--symbol", "BTC-USD", "--count", "1")
    candle = json.loads(market.run(*market.exchange(*words, "--json")))
    assert (candle["topic"], candle["type"], candle["close"]) == (
        "candle-1m.BTC-USD.",
        "CandleUpdated",
        "30000.00",
    )
    assert candle["volume_lots"] == "2000"
    assert (candle["volume"], candle["quote_volume_decimal"]) == ("0.2000", "6000.000000")
    assert " 30000.00 30000.00 30000.00 30000.00  volume 0.2000  open" in market.run(*market.exchange(*words))
    book = json.loads(market.run(*market.exchange("tap", "--stream", "depth", "--json", "--count", "1")))
    assert (book["type"], book["reason"], book["book"]["bids"]) == (
        "Resynced",
        "joined",
        [[3_000_000, 3000, 1]],
    )
    day = ("tap", "--stream", "statistics", "--json", "--count", "1")
    assert json.loads(market.run(*market.exchange(*day)))["last"] == "30000.00"
    assert "heartbeat" in market.run(*market.exchange("tap", "--stream", "heartbeat", "--count", "1"))


def test_a_book_is_drawn_from_a_publisher(market: Processes) -> None:
    words = ("tap", "--book", "BTC-USD", "--stream", "depth", "--seconds", "1")
    picture = market.run(*market.exchange(*words), COLUMNS="100", LINES="12")
    assert "BTC-USD  last 30,000.00" in picture
    assert "30,010.00" in picture
    assert "log sequence" in picture


def test_what_is_not_there_is_said(market: Processes) -> None:
    for words, status, said in (
        (("--stream", "nope"), 2, "--stream nope: there are"),
        (("--stream", "mini", "--symbol", "XRP-USD"), 1, "'XRP-USD' is no symbol of this publisher"),
        (("--stream", "mini", "--book", "BTC-USD"), 2, "--book is kept from one"),
        (("--stream", "mini", "--kind", "trade"), 2, "--stream is what a publisher"),
        (("--publisher", "127.0.0.1:5"), 2, "--publisher is another one"),
        (("--stream", "mini", "--publisher", "x"), 1, "--publisher x: expected HOST:PORT"),
    ):
        assert said in " ".join(market.run(*market.exchange("tap", *words), status=status).split())
    nobody = ("tap", "--stream", "mini", "--port-base", "1", "--timeout", "0.1")
    assert "no publisher answered in time: tcp://127.0.0.1:13" in market.run(*nobody, status=1)


def test_a_publisher_that_is_gone_is_said_and_another_one_goes_on(market: Processes, tmp_path: Path) -> None:
    port = market.port_base + 21
    store = f"sqlite:///{tmp_path / 'second.db'}"
    second = market.start(
        *market.exchange("publisher", "--data", str(tmp_path / "data"), "--at", str(port), "--store", store)
    )
    second.ready()
    words = ("tap", "--stream", "trades", "--stream", "heartbeat", "--publisher", f"127.0.0.1:{port + 1}")
    tap = market.start(*market.exchange(*words))
    tap.line(lambda line: f"publisher-{port}:" in line)
    tap.line(lambda line: f"publisher-{market.port_base + 11}:" in line)
    second.kill()
    tap.error_line(
        lambda line: line.startswith(f"note: nothing is heard from the publisher at tcp://127.0.0.1:{port},")
    )
    market.run(*market.exchange("order", "enter", "BTC-USD", "buy", "0.1", "30010"))
    assert "0.1000 bought at 30010.00" in tap.line(lambda line: "trades" in line and "trade 2" in line)
