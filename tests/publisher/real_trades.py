"""Real trades: Bitstamp BTC/USD of 2015-05-01, about five hours, as the exchange's own channel told them.

The recording lies beside the repository, under `shared/data/`, and is not part of it; without it tests are skipped.
"""

import json
import lzma
from pathlib import Path

import pytest

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY, SELL

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "bitstamp-2015-05-01.log.xz"

needs_the_recording = pytest.mark.skipif(
    not RECORDING.is_file(),
    reason=f"needs the real recording at {RECORDING}, which is not part of the repository",
)


def real_trades(stretch: int = 1) -> list[Trade]:
    """All 575, in ticks of 0.01 USD and lots of 1e-8 BTC, `stretch` times as far apart as they were.

    The channel does not say who was the aggressor; here it is the buyer when the price was not below the one before.
    """
    trades: list[Trade] = []
    first_ms = last_ticks = 0
    with lzma.open(RECORDING, "rt", encoding="utf-8") as lines:
        for line in lines:
            time_ms, event, body = line.split(" ", 2)
            if event != "trade":
                continue
            told = json.loads(body)
            first_ms = first_ms or int(time_ms)
            at_ms = first_ms + (int(time_ms) - first_ms) * stretch
            price_ticks, quantity_lots = round(told["price"] * 100), round(told["amount"] * 10**8)
            aggressor = BUY if price_ticks >= last_ticks else SELL
            number = len(trades) + 1
            trades.append(Trade(number, at_ms * 10**6, number, price_ticks, quantity_lots, aggressor))
            last_ticks = price_ticks
    return trades
