"""Price bands on the command line: set by an operator, told to everybody, and what a tap makes of them."""

import json
from pathlib import Path

import pytest

from bus.protocol.commands import DefineInstrument
from bus.protocol.feed import BookUnbalanced, ProtectionSet
from bus.protocol.terms import CROSSED_BY_TRIGGER, EMPTIED, ONE_SIDED, SELL
from bus.sockets.session.prices import Scale
from tests.support.processes import Processes
from tools.tap.lines import event_text

BTC = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 4, 1, 10**9, 1, 10**6))


def test_bands_are_set_and_an_order_that_meets_one_begins_an_auction(
    processes: Processes, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    processes.engine(tmp_path / "data")

    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange(*words), status=status)

    def protect(*words: str, status: int = 0) -> str:
        return run("admin", "protection", "BTC-USD", *words, "--data", data, status=status)

    assert "rejected: unknown_symbol: " in protect("--static", "500", status=1)
    run("instrument", "define", "BTC-USD", "--data", data)
    assert "rejected: invalid_protection: " in protect("--static", "100", "--dynamic", "101", status=1)
    assert "'soon' is no duration" in protect("--static", "100", "--auction", "soon", status=1)
    done = protect("--static", "500", "--reference", "30000", "--random", "10s", "--why", "calm")
    assert done == "BTC-USD is protected"
    run("order", "enter", "BTC-USD", "sell", "0.5", "31500.01")
    entered = run("order", "enter", "BTC-USD", "buy", "0.1")
    assert "band_reached" in entered
    (listed,) = run("instrument", "list", "--json").splitlines()
    found = json.loads(listed)
    assert found["phase"] == "volatility-auction"
    bands = found["protection"]
    assert (bands["static_low"], bands["static_high"]) == ("28500.00", "31500.00")
    assert (bands["auction_ms"], bands["random_ms"]) == (120_000, 10_000)
    assert protect() == "BTC-USD has no protection"
    (listed,) = run("instrument", "list", "--json").splitlines()
    assert json.loads(listed)["protection"] is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            (100, 500, 95, 105, 200, 1, 0, 1),
            "from 0.95 to 1.05, within 200 bp of the last trade, with both sides",
        ),
        ((0, 500, 0, 0, 0, 1, 0, 0), "within 500 bp of the next auction's price"),
        ((100, 0, 0, 0, 0, 0, 0, 0), "at any price"),
    ],
)
def test_a_tap_says_where_an_instrument_trades(told: tuple[int, ...], said: str) -> None:
    assert event_text(ProtectionSet(1, 2, *told), BTC).plain == f"trades {said}"


def test_a_tap_says_what_is_unbalanced() -> None:
    told = [(ONE_SIDED, SELL), (EMPTIED, 0), (CROSSED_BY_TRIGGER, SELL)]
    assert [event_text(BookUnbalanced(1, 2, *one), None).plain for one in told] == [
        "unbalanced: one-sided sell",
        "unbalanced: emptied",
        "unbalanced: crossed-by-trigger sell",
    ]
