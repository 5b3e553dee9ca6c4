"""Market data over HTTP is what the publisher says itself, for trades that are drawn; and it comes in whole pages."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from bus.errors import NotTaken
from bus.protocol.market import requests
from bus.protocol.market.streams import INTERVALS, Statistics
from bus.protocol.reports import Completed
from bus.protocol.terms import BUY
from bus.sockets.market import questions
from tests.support.timed_venue import SYMBOL, TimedVenue

TINY = "TINY-BTC"
#: Some minutes before midnight UTC.
BEGIN_NS = 1_700_003_640 * 10**9
MS = 10**6
SEED = 5
TRADES = 150
BUSTED, CORRECTED = 140, 145
STATES = ("valid", "busted", "corrected")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedVenue]:
    """Some hours of drawn trades over midnight; one of them is busted and one corrected."""
    print(f"seed {SEED}")  # noqa: T201  # so that a failure can be had again
    dice = random.Random(SEED)
    folder = tmp_path_factory.mktemp("venue")
    with TimedVenue(folder, BEGIN_NS, MATCHBUS_WEB_ANSWER_TIMEOUT_MS="1000") as running:
        running.operator.define_instrument(
            TINY,
            "TINY",
            "BTC",
            tick="0.00000001",
            lot="100",
            price_min="0.00000001",
            price_max="1",
            quantity_min="100",
            quantity_max="1000000",
        ).result()
        for _ in range(TRADES):
            price = f"{Decimal(dice.randrange(9_000, 11_000)) / 100:f}"
            quantity = f"{Decimal(dice.randrange(1, 50_000)) / 1000:f}"
            running.trade(dice.choice(("buy", "sell")), price, quantity)
            running.advance(int(10 ** dice.uniform(6, 12)))
        running.trade("buy", "0.00000007", "300", TINY)
        for revised in (
            running.operator.bust_trade(SYMBOL, BUSTED),
            running.operator.correct_trade(SYMBOL, CORRECTED, "123.45"),
        ):
            assert isinstance(revised.result(), Completed)
        sequence = running.advance(2 * 10**9)
        for symbol in (SYMBOL, TINY):
            path = f"/api/v1/orderbook/{symbol}?at_least={sequence}"
            running.until(partial(running.get, path), lambda answer: answer.status == 200)
        yield running


# What the publisher says, in decimals, by the rules of the documentation and not by our own code.


def price(ticks: int) -> str | None:
    return f"{ticks // 100}.{ticks % 100:02}" if ticks else None


def quantity(lots: int | str) -> str:
    return f"{int(lots) // 1_000}.{int(lots) % 1_000:03}"


def amount(tick_lots: int | str) -> str:
    return f"{int(tick_lots) // 100_000}.{int(tick_lots) % 100_000:05}"


def mean_price(microticks: int) -> str | None:
    return f"{microticks // 10**8}.{microticks % 10**8:08}" if microticks else None


def signed(units: int, digits: int) -> str:
    size = 10**digits
    return f"{'-' if units < 0 else ''}{abs(units) // size}.{abs(units) % size:0{digits}}"


def trade_row(row: requests.TradeRow) -> dict[str, Any]:
    trade = row.trade
    return {
        "trade_id": trade.trade_id,
        "sequence": trade.sequence,
        "price": price(trade.price_ticks),
        "quantity": quantity(trade.quantity_lots),
        "taker_side": "buy" if trade.aggressor == BUY else "sell",
        "state": STATES[row.state],
        "time_ms": trade.time_ns // MS,
        "time_ns": trade.time_ns,
    }


def all_trades(venue: TimedVenue) -> list[requests.TradeRow]:
    rows = venue.market.ask(questions.trades(SYMBOL, from_trade_id=1, limit=1_000)).answer.trades
    assert [row.trade.trade_id for row in rows] == list(range(1, TRADES + 1))
    return rows


def test_trades_are_those_of_the_publisher(venue: TimedVenue) -> None:
    rows = [trade_row(row) for row in all_trades(venue)]
    said = venue.ask(f"/api/v1/executions/{SYMBOL}?limit=500&order=oldest&time_ns=true")
    assert said == {"symbol": SYMBOL, "trades": rows, "more": False}
    assert {row["trade_id"]: row["state"] for row in said["trades"] if row["state"] != "valid"} == {
        BUSTED: "busted",
        CORRECTED: "corrected",
    }
    newest = venue.ask(f"/api/v1/executions/{SYMBOL}?limit=2")
    assert newest["more"]
    assert newest["trades"] == [
        {name: row[name] for name in row if name != "time_ns"} for row in rows[:-3:-1]
    ]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_of_trades_put_together_are_all_trades(venue: TimedVenue, order: str) -> None:
    found: list[int] = []
    more, bound = True, ""
    while more:
        page = venue.ask(f"/api/v1/executions/{SYMBOL}?limit=37&order={order}{bound}")
        ids = [row["trade_id"] for row in page["trades"]]
        more, bound = page["more"], f"&to_id={ids[-1]}" if order == "newest" else f"&from_id={ids[-1] + 1}"
        assert len(ids) == 37 or not more
        found += ids
    ids = list(range(1, TRADES + 1))
    assert found == (ids[::-1] if order == "newest" else ids)


def test_trades_within_bounds_are_those_that_are_within(venue: TimedVenue) -> None:
    dice = random.Random(SEED)
    rows = [row.trade for row in all_trades(venue)]
    last_ms = rows[-1].time_ns // MS
    for _ in range(40):
        limit, order = dice.randrange(1, 40), dice.choice(("newest", "oldest"))
        bounds = {
            "from_id": dice.randrange(1, TRADES),
            "to_id": dice.randrange(1, TRADES + 2),
            "from": dice.randrange(BEGIN_NS // MS, last_ms),
            "to": dice.randrange(BEGIN_NS // MS, last_ms + 2),
        }
        given = {name: value for name, value in bounds.items() if dice.random() < 0.5}
        within = [
            row.trade_id
            for row in rows
            if given.get("from_id", 0) <= row.trade_id < given.get("to_id", 2**62)
            and given.get("from", 0) * MS <= row.time_ns < given.get("to", 2**62) * MS
        ]
        if order == "newest":
            within.reverse()
        query = "".join(f"&{name}={value}" for name, value in given.items())
        page = venue.ask(f"/api/v1/executions/{SYMBOL}?limit={limit}&order={order}{query}")
        assert ([row["trade_id"] for row in page["trades"]], page["more"]) == (
            within[:limit],
            len(within) > limit,
        ), (order, limit, given)


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_are_those_of_the_publisher(venue: TimedVenue, interval: str) -> None:
    candles = venue.market.ask(questions.candles(SYMBOL, interval, limit=1_500)).answer.candles
    lengths = {"1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "4h": 14_400, "1d": 86_400}
    length_ns = lengths.get(interval, 604_800) * 10**9
    rows: list[dict[str, Any]] = [
        {
            "open_time_ms": candle.open_time_ns // MS,
            "close_time_ms": (candle.open_time_ns + length_ns) // MS,
            "open": price(candle.open_ticks),
            "high": price(candle.high_ticks),
            "low": price(candle.low_ticks),
            "close": price(candle.close_ticks),
            "volume": quantity(candle.volume_lots),
            "quote_volume": amount(candle.quote_volume),
            "trades": candle.trades,
            "taker_buy_volume": quantity(candle.taker_buy_lots),
            "taker_buy_quote_volume": amount(candle.taker_buy_quote),
            "first_trade_id": candle.first_trade_id or None,
            "last_trade_id": candle.last_trade_id or None,
            "closed": candle.closed,
            "revision": candle.revision,
            "open_time_ns": candle.open_time_ns,
            "close_time_ns": candle.open_time_ns + length_ns,
        }
        for candle in candles
    ]
    assert rows
    assert not rows[-1]["closed"]
    said = venue.ask(f"/api/v1/klines/{SYMBOL}/{interval}?limit=1000&time_ns=true")
    assert said == {"symbol": SYMBOL, "interval": interval, "klines": rows, "more": False}


def test_pages_of_candles_put_together_are_all_candles(venue: TimedVenue) -> None:
    path = f"/api/v1/klines/{SYMBOL}/1m"
    rows = venue.ask(f"{path}?limit=1000")["klines"]
    assert len(rows) > 100
    forwards: list[Any] = []
    more, from_ms = True, rows[0]["open_time_ms"]
    while more:
        page = venue.ask(f"{path}?limit=30&from={from_ms}")
        forwards += page["klines"]
        more, from_ms = page["more"], page["klines"][-1]["open_time_ms"] + 1
    assert forwards == rows
    backwards: list[Any] = []
    more, to = True, ""
    while more:
        page = venue.ask(f"{path}?limit=30{to}")
        backwards = page["klines"] + backwards
        more, to = page["more"], f"&to={page['klines'][0]['open_time_ms']}"
    assert backwards == rows
    part = venue.ask(
        f"{path}?from={rows[20]['open_time_ms']}&to={rows[25]['open_time_ms']}&fields=klines.close"
    )
    assert part == {"klines": [{"close": row["close"]} for row in rows[20:25]]}


@pytest.mark.parametrize(("indicator", "period"), [("sma", 5), ("ema", 3), ("vwap", 20)])
def test_indicators_are_those_of_the_publisher(venue: TimedVenue, indicator: str, period: int) -> None:
    path = f"/api/v1/indicators/{SYMBOL}/1m/{indicator}?period={period}"
    values = venue.market.ask(
        questions.indicator(SYMBOL, "1m", indicator, [period], limit=1_500)
    ).answer.values
    assert len(values) > 100
    rows: list[dict[str, Any]] = [
        {"open_time_ms": time_ns // MS, "value": mean_price(value), "open_time_ns": time_ns}
        for time_ns, value in values
    ]
    assert venue.ask(f"{path}&limit=1000&time_ns=true") == {
        "symbol": SYMBOL,
        "interval": "1m",
        "indicator": indicator,
        "period": period,
        "values": rows,
    }
    last = venue.ask(f"{path}&limit=7&time_ns=true")["values"]
    assert last == [row for row in rows if row["open_time_ms"] > rows[-1]["open_time_ms"] - 7 * 60_000]
    first_ms = rows[9]["open_time_ms"]
    part = venue.ask(f"{path}&limit=7&time_ns=true&from={first_ms}")["values"]
    assert part == [row for row in rows if first_ms <= row["open_time_ms"] < first_ms + 7 * 60_000]


def test_statistics_are_those_of_the_publisher(venue: TimedVenue) -> None:
    found: Statistics = venue.market.ask(questions.statistics(SYMBOL)).answer.statistics
    assert found.trades == TRADES - 1
    said = venue.ask(f"/api/v1/statistics/{SYMBOL}?time_ns=true")
    assert said == {
        "symbol": SYMBOL,
        "time_ms": found.time_ns // MS,
        "open": price(found.open_ticks),
        "high": price(found.high_ticks),
        "low": price(found.low_ticks),
        "last": price(found.last_ticks),
        "change": signed(found.change_ticks, 2),
        "change_percent": signed(found.change_ppm, 4),
        "volume": quantity(found.volume_lots),
        "quote_volume": amount(found.quote_volume),
        "trades": found.trades,
        "vwap": mean_price(found.vwap_microticks),
        "best_bid": None,
        "best_bid_quantity": None,
        "best_ask": None,
        "best_ask_quantity": None,
        "session_open": price(found.session_open_ticks),
        "session_volume": quantity(found.session_volume_lots),
        "session_vwap": mean_price(found.session_vwap_microticks),
        "time_ns": found.time_ns,
    }
    mini = dict(venue.market.ask(questions.mini()).answer.symbols)
    assert list(mini) == [SYMBOL, TINY]
    short = venue.ask("/api/v1/statistics?time_ns=true")["statistics"]
    names = ("symbol", "time_ms", "open", "high", "low", "last", "volume", "quote_volume", "time_ns")
    assert short[0] == {name: said[name] for name in names}
    assert mini[SYMBOL].time_ns == short[0]["time_ns"]


def test_small_ticks_are_written_without_an_exponent(venue: TimedVenue) -> None:
    (trade,) = venue.ask(f"/api/v1/executions/{TINY}")["trades"]
    assert (trade["price"], trade["quantity"]) == ("0.00000007", "300")
    (_, short) = venue.ask("/api/v1/statistics")["statistics"]
    assert (short["last"], short["volume"], short["quote_volume"]) == ("0.00000007", "300", "0.00002100")
    said = venue.ask(f"/api/v1/symbols/{TINY}")
    assert said == {
        "symbol": TINY,
        "base": "TINY",
        "quote": "BTC",
        "tick": "0.00000001",
        "lot": "100",
        "price_min": "0.00000001",
        "price_max": "1.00000000",
        "quantity_min": "100",
        "quantity_max": "1000000",
        "matching": "price-time",
        "phase": "continuous",
        "trading_hours": "always",
        "product": "spot",
        "phase_ends_ms": None,
        "auction_price": None,
        "indicative": None,
        "bands": None,
    }
    assert [one["symbol"] for one in venue.ask("/api/v1/symbols")["symbols"]] == [SYMBOL, TINY]
    assert venue.ask("/api/v1/symbols")["symbols"][1] == said


def test_who_has_done_something_reads_it_at_once(venue: TimedVenue) -> None:
    sequence = 0
    with venue.client("reader") as reader:
        for number in range(1, 20):
            bid = reader.enter(SYMBOL, "buy", "0.001", f"{number}.50")
            sequence = bid.result().sequence
            book = venue.ask(f"/api/v1/orderbook/{SYMBOL}?depth=1&at_least={sequence}")
            assert book["bids"] == [[f"{number}.50", "0.001"]]
            assert book["sequence"] >= sequence
        # Nothing happens to the other symbol, and it is as of then all the same.
        assert venue.ask(f"/api/v1/orderbook/{TINY}?at_least={sequence}")["sequence"] >= sequence
        statistics = venue.ask(f"/api/v1/statistics/{SYMBOL}?at_least={sequence}")
        assert (statistics["best_bid"], statistics["best_bid_quantity"]) == ("19.50", "0.001")
        reader.mass_cancel().result()


def test_more_than_a_publisher_takes_at_once_wait_for_their_turn(venue: TimedVenue) -> None:
    """Of one connection it takes 16 questions to its store, and these are such."""
    paths = [f"/api/v1/executions/{SYMBOL}?order=oldest&limit=5&from={number}" for number in range(60)]
    with ThreadPoolExecutor(30) as many:
        assert {answer.status for answer in many.map(venue.get, paths)} == {200}


def test_what_does_not_come_is_not_waited_for_for_ever(venue: TimedVenue) -> None:
    answer = venue.get(f"/api/v1/klines/{SYMBOL}/1m?at_least={2**62}")
    assert (answer.status, answer.json["reason"], answer.json["field"]) == (409, "not_yet", "at_least")
    assert answer.headers["retry-after"] == "1"


def test_a_symbol_that_has_not_traded_has_its_best_prices(venue: TimedVenue) -> None:
    venue.define("NEW-USD")
    with venue.client("reader") as reader:
        sequence = reader.enter("NEW-USD", "sell", "2", "5").result().sequence
    said = venue.ask(f"/api/v1/statistics/NEW-USD?at_least={sequence}")
    assert {name: said[name] for name in ("last", "volume", "change", "vwap", "trades")} == {
        "last": None,
        "volume": "0.000",
        "change": "0.00",
        "vwap": None,
        "trades": 0,
    }
    assert (said["best_ask"], said["best_ask_quantity"], said["best_bid"]) == ("5.00", "2.000", None)
    assert venue.ask("/api/v1/executions/NEW-USD") == {"symbol": "NEW-USD", "trades": [], "more": False}
    assert venue.ask("/api/v1/klines/NEW-USD/1h")["klines"] == []
    assert venue.ask("/api/v1/indicators/NEW-USD/1h/sma?period=1")["values"] == []


@pytest.mark.parametrize(
    ("path", "status", "reason", "field"),
    [
        (f"orderbook/{SYMBOL}?step={'9' * 64}", 409, "invalid_field", "step"),
        ("symbols/NONE", 404, "unknown_symbol", "symbol"),
        ("executions/NONE", 404, "unknown_symbol", "symbol"),
        ("statistics/NONE", 404, "unknown_symbol", "symbol"),
        ("klines/NONE/1m", 404, "unknown_symbol", "symbol"),
        ("indicators/NONE/1m/sma?period=1", 404, "unknown_symbol", "symbol"),
        (f"klines/{SYMBOL}/2m", 400, "invalid_field", "interval"),
        (f"klines/{SYMBOL}/%00", 400, "invalid_field", "interval"),
        (f"klines/{SYMBOL}/1m?limit=0", 400, "invalid_field", "limit"),
        (f"klines/{SYMBOL}/1m?limit=1001", 400, "invalid_field", "limit"),
        (f"klines/{SYMBOL}/1m?from=yesterday", 400, "invalid_field", "from"),
        (f"klines/{SYMBOL}/1m?from_ms=1", 400, "unknown_field", "from_ms"),
        (f"executions/{SYMBOL}?limit=501", 400, "invalid_field", "limit"),
        (f"executions/{SYMBOL}?from=-1", 400, "invalid_field", "from"),
        (f"executions/{SYMBOL}?to=0", 400, "invalid_field", "to"),
        (f"executions/{SYMBOL}?to=99999999999999999999", 400, "invalid_field", "to"),
        (f"executions/{SYMBOL}?from_id=9223372036854775808", 400, "invalid_field", "from_id"),
        (f"executions/{SYMBOL}?order=up", 400, "invalid_field", "order"),
        (f"executions/{SYMBOL}?time_ns=maybe", 400, "invalid_field", "time_ns"),
        (f"statistics/{SYMBOL}?at_least=-1", 400, "invalid_field", "at_least"),
        ("statistics?at_least=1", 400, "unknown_field", "at_least"),
        (f"indicators/{SYMBOL}/1m/sma", 400, "missing_field", "period"),
        (f"indicators/{SYMBOL}/1m/sma?period=501", 400, "invalid_field", "period"),
        (f"indicators/{SYMBOL}/1m/rsi?period=5", 404, "not_offered", "indicator"),
        (f"indicators/{SYMBOL}/1m/{'x' * 300}?period=5", 404, "not_offered", "indicator"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(
    venue: TimedVenue, path: str, status: int, reason: str, field: str
) -> None:
    answer = venue.get(f"/api/v1/{path}")
    assert (answer.status, answer.json["reason"], answer.json["field"]) == (status, reason, field)


def test_a_period_has_the_bounds_that_publishers_have(venue: TimedVenue) -> None:
    assert venue.ask(f"/api/v1/indicators/{SYMBOL}/1m/ema?period=500")["period"] == 500
    venue.market.ask(questions.indicator(SYMBOL, "1m", "ema", [500]))
    with pytest.raises(NotTaken):
        venue.market.ask(questions.indicator(SYMBOL, "1m", "ema", [501]))


@pytest.mark.parametrize(
    "path",
    [
        "symbols",
        f"executions/{SYMBOL}?limit=3",
        f"klines/{SYMBOL}/1h",
        f"indicators/{SYMBOL}/1m/sma?period=9",
    ],
)
def test_what_has_not_changed_is_not_said_again(venue: TimedVenue, path: str) -> None:
    answer = venue.get(f"/api/v1/{path}")
    assert answer.headers["cache-control"].startswith("public, max-age=")
    again = venue.get(f"/api/v1/{path}", {"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_without_a_publisher_it_says_that_nothing_was_changed(venue: TimedVenue) -> None:
    """The last one here: it ends the publisher."""
    venue.publisher.close()
    answer = venue.get(f"/api/v1/statistics/{SYMBOL}")
    assert (answer.status, answer.json["reason"]) == (503, "unreachable")
    assert answer.headers["retry-after"] == "1"
