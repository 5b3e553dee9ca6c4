"""How a book is drawn: exactly as wide as the terminal, aligned, and honest when a side is missing."""

import msgspec
import pytest

from bus.protocol.commands import DefineInstrument
from bus.protocol.terms import BUY, CONTINUOUS, HALTED, OPENING_AUCTION, SELL
from bus.sockets.session.prices import Scale
from tools.tap.ladder import Auction, Print, View, ladder

SCALE = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 1, 1, 1, 4, 1, 10**8, 1, 10**8))
BIDS = [(299_999, 5_000, 1), (299_990, 10_000, 12)]
ASKS = [(300_001, 2_500, 2), (300_050, 17_500, 3)]
TRADES = [
    Print(1_800_000_000_000_000_000, 300_001, 100, BUY),
    Print(1_799_999_999_000_000_000, 299_999, 7, SELL),
]


def view(**changes: object) -> View:
    """A small book after two trades."""
    values = {
        "symbol": "BTC-USD",
        "scale": SCALE,
        "bids": BIDS,
        "asks": ASKS,
        "trades": TRADES,
        "last_price_ticks": 300_001,
        "phase": CONTINUOUS,
        "number": 1234,
        "note": "",
    }
    return View(**{**values, **changes})  # type: ignore[arg-type]


def test_the_picture() -> None:
    assert [line.rstrip() for line in ladder(view(), 80, 10).plain.split("\n")] == [
        "BTC-USD  last 30,000.1 ▲  0.0100                                     event 1,234",
        "─" * 80,
        "   price    size   total   n                        │ trades       price    size",
        "30,005.0  1.7500  2.0000   3 ██████████████████████ │ 08:00:00  30,000.1  0.0100",
        "30,000.1  0.2500  0.2500   2 ██▊                    │ 07:59:59  29,999.9  0.0007",
        "spread 0.2  0.07 bp  mid 30,000.0                   │",
        "29,999.9  0.5000  0.5000   1 █████▌                 │",
        "29,999.0  1.0000  1.5000  12 ████████████████▌      │",
        "Ctrl-C ends",
    ]


@pytest.mark.parametrize("width", [40, 60, 72, 80, 120, 200])
@pytest.mark.parametrize("height", [5, 10, 24, 50, 100])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    many = [(300_001 + 10 * i, 10**i % 99_999 + 1, i + 1) for i in range(40)]
    lines = ladder(view(asks=many, note="something " * 30), width, height).plain.split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 8)


def test_an_empty_side_a_halt_and_a_note_are_said() -> None:
    assert "no bids" in ladder(view(bids=[]), 80, 24).plain
    assert "no orders" in ladder(view(bids=[], asks=[], trades=[], last_price_ticks=0), 80, 24).plain
    assert "no trade yet" in ladder(view(trades=[], last_price_ticks=0), 80, 24).plain
    assert "HALTED" in ladder(view(phase=HALTED), 80, 24).plain
    assert "CONTINUOUS" not in ladder(view(), 80, 24).plain
    assert ladder(view(note="waiting for the book"), 80, 24).plain.rstrip().endswith("waiting for the book")


def test_an_auction_is_shown_with_its_end_and_what_it_would_do() -> None:
    crossed = view(
        bids=[(300_050, 100, 1)],
        asks=[(299_990, 100, 1)],
        trades=[Print(1_800_000_000_000_000_000, 300_000, 70, 0), *TRADES],
        phase=OPENING_AUCTION,
        ends_ns=1_800_000_300_000_000_000,
        auction=Auction(300_000, 15_000, -2_500),
    )
    lines = [line.rstrip() for line in ladder(crossed, 100, 10).plain.split("\n")]
    assert lines[0].startswith("BTC-USD  last 30,000.1 ◆  0.0070  OPENING-AUCTION until 08:05:00 ")
    assert "auction: 1.5000 at 30,000.0, sellers offer 0.2500 more" in lines[5]
    without = ladder(msgspec.structs.replace(crossed, auction=Auction(0, 0, 300)), 100, 10).plain
    assert "auction: no price, buyers want 0.0300 more" in without
