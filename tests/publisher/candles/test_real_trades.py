"""Candles of real trades against those that pandas makes of them, to the last digit."""

from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own, for one test
import pytest

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY
from publisher.candles.intervals import INTERVALS
from publisher.candles.series import CandleSeries
from tests.publisher.naive_candles import SECONDS, Said, said
from tests.publisher.real_trades import needs_the_recording, real_trades


def resampled(name: str, trades: list[Trade]) -> list[Said]:
    """The candles of an interval, by pandas: whole numbers all the way."""
    frame: Any = pd.DataFrame(
        {
            "price": [trade.price_ticks for trade in trades],
            "lots": [trade.quantity_lots for trade in trades],
            "bought": [trade.quantity_lots * (trade.aggressor == BUY) for trade in trades],
            "id": [trade.trade_id for trade in trades],
            "sequence": [trade.sequence for trade in trades],
        },
        index=pd.to_datetime([trade.time_ns for trade in trades], utc=True),
    )
    frame["quote"] = frame.price * frame.lots
    frame["bought_quote"] = frame.price * frame.bought
    if name == "1w":
        groups = frame.resample("W-MON", closed="left", label="left")
    else:
        groups = frame.resample(
            pd.Timedelta(seconds=SECONDS[name]), closed="left", label="left", origin="epoch"
        )
    made: Any = pd.DataFrame(groups.price.ohlc())
    made["close"] = made.close.ffill()
    for column in ("open", "high", "low"):
        made[column] = made[column].fillna(made.close)
    sums = groups[["lots", "quote", "bought", "bought_quote"]].sum()
    ids = groups["id"].agg(["count", "first", "last"]).fillna(0)
    sequences = groups["sequence"].last().fillna(0)
    opens = made.index.as_unit("ns").asi8
    return [
        tuple(int(value) for value in values)
        for values in zip(
            *(opens, made.open, made.high, made.low, made.close),
            *(sums.lots, sums.quote, ids["count"], sums.bought, sums.bought_quote),
            *(ids["first"], ids["last"], sequences),
            strict=True,
        )
    ]


@needs_the_recording
@pytest.mark.parametrize("stretch", [1, 80], ids=["as they were", "over two weeks and a half"])
@pytest.mark.parametrize("name", INTERVALS)
def test_candles_of_real_trades_are_those_of_pandas(name: str, stretch: int) -> None:
    trades = real_trades(stretch)
    assert len(trades) == 575
    series = CandleSeries()
    made = []
    for trade in trades:
        made += [candle for of, candle in series.advance(trade.time_ns) if of == name]
        series.trade(
            *(trade.sequence, trade.time_ns, trade.trade_id),
            *(trade.price_ticks, trade.quantity_lots, trade.aggressor),
        )
    last = series.open(name)
    assert last is not None
    expected = resampled(name, trades)
    assert [said(candle.row()) for candle in [*made, last]] == expected
    assert len(expected) >= 3 or name in ("1d", "1w", "4h")
