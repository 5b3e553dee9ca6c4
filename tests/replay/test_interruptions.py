"""What price bands would have made of a recorded day: small days as stories, and the table of the rulebook."""

import re
from pathlib import Path

import pytest

from tests.replay.test_bitstamp import order
from tools.replay.bitstamp import BitstampFlow
from tools.replay.interruptions import Held, Met, held, met

ROOT = Path(__file__).parents[2]
RECORDING = ROOT.parent / "shared" / "data" / "bitstamp-2015-05-01.log.xz"
ROW = re.compile(r"\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|")


def a_day(folder: Path, *lines: str) -> BitstampFlow:
    """Lines of a channel as a flow."""
    file = folder / "log"
    file.write_text("".join(line + "\n" for line in lines))
    return BitstampFlow(file, "BTC-USD")


def trade_at(number: int, price: str, after_ms: int) -> tuple[str, str]:
    """Two orders that trade at a price."""
    return (
        order("created", 2 * number, 1, "1.00000000", price, after_ms),
        order("created", 2 * number + 1, 0, "1.00000000", price, after_ms),
    )


def test_moves_of_one_command_are_counted_and_those_of_the_pause_are_not(tmp_path: Path) -> None:
    day = (
        *trade_at(1, "100.00", 0),
        *trade_at(2, "100.50", 1),  # within
        *trade_at(3, "101.02", 2),  # beyond 50 basis points of the last one
        *trade_at(4, "104.00", 3),  # in the two minutes after it
        *trade_at(5, "104.50", 130_000),  # the bands are around 104.00 now
        *trade_at(6, "104.90", 130_001),
        *trade_at(7, "105.30", 130_002),
        *trade_at(8, "105.60", 130_003),  # beyond 150 of 104.00, and near the last one
    )
    assert met(a_day(tmp_path, *day), [(0, 50), (150, 50), (0, 0)]) == [Met(1, 0), Met(1, 1), Met(0, 0)]


def test_auctions_are_held_and_go_on_beyond_the_static_band(tmp_path: Path) -> None:
    day = (
        *trade_at(1, "100.00", 0),
        *trade_at(2, "102.00", 1),
        *trade_at(3, "102.00", 130_000),  # when it has gone on: more is there
        *trade_at(4, "102.50", 250_000),  # near the price of the auction
    )
    assert held(a_day(tmp_path, *day), 150, 50) == Held(1, 1, 1, 4)


@pytest.mark.slow
@pytest.mark.skipif(not RECORDING.exists(), reason=f"needs {RECORDING}")
def test_the_table_of_the_rulebook_is_what_the_recorded_day_gives() -> None:
    page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    table = page[page.index("| dynamic band |") : page.index("### MB-BAND-004")]
    rows = [tuple(map(int, row)) for row in ROW.findall(table)]
    assert len(rows) == 5
    counted = met(BitstampFlow(RECORDING, "BTC-USD"), [(200, points) for points, *_ in rows])
    for (points, told, auctions, trades), of_day in zip(rows, counted, strict=True):
        assert (of_day.dynamic, of_day.static) == (told, 0)
        found = held(BitstampFlow(RECORDING, "BTC-USD"), 200, points)
        assert (found.auctions, found.priced, found.trades) == (auctions, 0, trades)
