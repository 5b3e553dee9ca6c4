"""What trading costs, from the command line: what words become, what they can not be, and what is shown of it."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bus.errors import OffTick
from bus.protocol.commands import DefineInstrument, SetFees
from bus.protocol.reports import Settled
from bus.protocol.terms import (
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    OF_BINARY,
    OF_NOTIONAL,
    OF_QUANTITY,
    ROUND_DOWN,
    ROUND_UP,
)
from bus.sockets.client import Client
from tests.support.processes import Processes
from tools.__main__ import app
from tools.admin.fee_terms import fees_of, rate_row, terms_text
from tools.admin.shares import share, share_text

BTC_USD = DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10**9, 1, 10**6)
DECIMALS = {"BTC": 8, "USD": 6, "TOK": 2}
TIERS = [["0.1%", "0.2%"]]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, SetFees("BTC-USD", [(10**6, 2 * 10**6)])),
        (
            {"tiers": [["-0.005%", "0.01%"], ["0", "0.0001"]]},
            SetFees("BTC-USD", [(-50_000, 100_000), (0, 100_000)]),
        ),
        (
            {"minimum": "0.35", "maximum": 75},
            (OF_NOTIONAL, IN_QUOTE, "", 1, 1, ROUND_UP, 1, 350_000, 75_000_000),
        ),
        ({"round": "down", "step": "0.01"}, (OF_NOTIONAL, IN_QUOTE, "", 1, 1, ROUND_DOWN, 10_000, 0, 0)),
        # 10**6 units of USD for each 10**8 of BTC: a rate is so many dollars for each coin.
        ({"of": "quantity"}, (OF_QUANTITY, IN_QUOTE, "", 1, 100, ROUND_UP, 1, 0, 0)),
        (
            {"of": "quantity", "in": "base", "minimum": "0.5"},
            (OF_QUANTITY, IN_BASE, "", 1, 1, ROUND_UP, 1, 5 * 10**7, 0),
        ),
        ({"in": "received"}, (OF_NOTIONAL, IN_RECEIVED, "", 1, 1, ROUND_UP, 1, 0, 0)),
        # A dollar costs 1/400 of a token; of 10**6 units of one come 0.25 units of the other.
        ({"in": "TOK", "at": "0.0025"}, (OF_NOTIONAL, IN_THIRD, "TOK", 1, 4_000_000, ROUND_UP, 1, 0, 0)),
        ({"in": "TOK", "at": "1/400"}, (OF_NOTIONAL, IN_THIRD, "TOK", 1, 4_000_000, ROUND_UP, 1, 0, 0)),
        (
            {"share": "12.5%", "of": "binary", "payout": "1"},
            (OF_BINARY, IN_QUOTE, "", 1, 1, ROUND_UP, 1, 0, 0, 125 * 10**6, 100),
        ),
        ({"volume": "1/1000"}, (OF_NOTIONAL, IN_QUOTE, "", 1, 1, ROUND_UP, 1, 0, 0, 10**9, 0, 1, 1000)),
    ],
)
def test_terms_in_words_are_a_command(said: dict[str, Any], expected: SetFees | tuple[Any, ...]) -> None:
    command = fees_of(BTC_USD, {"tiers": TIERS, **said}, DECIMALS, "")
    if isinstance(expected, tuple):
        expected = SetFees("BTC-USD", [(10**6, 2 * 10**6)], *expected)
    assert command == expected


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"tiers": []}, "fees have tiers"),
        ({"tiers": "0.1%/0.2%"}, "fees have tiers"),
        ({"tiers": [["0.1%"]]}, "is no tier: write"),
        ({"tiers": [[0.1, 0.2]]}, "a decimal would not be exact"),
        ({"tiers": [["much", "0"]]}, "'much' is no share"),
        ({"tiers": [["1e999999999%", "0"]]}, "is no"),
        ({"tiers": [["nan", "0"]]}, "is no rate"),
        ({"tiers": [["0.00000001%", "0"]]}, "is no rate: it is a whole number of billionths"),
        ({"colour": "red"}, "fees have no 'colour'"),
        ({"of": "moon"}, "'moon' is no basis"),
        ({"in": "EUR", "at": "1"}, "'EUR' is no asset of this venue"),
        ({"in": "TOK"}, "a third asset has `at`"),
        ({"at": "2"}, "a third asset has `at`"),
        ({"in": "TOK", "at": "0"}, "is no ratio"),
        ({"in": "TOK", "at": "1/0"}, "is no ratio"),
        ({"in": "TOK", "at": "1e400"}, "is no ratio"),
        ({"in": "received", "minimum": "1"}, "what is received is two assets"),
        ({"minimum": "0.0000001"}, "more than the 6 decimals"),
        ({"minimum": "1e30"}, "its units are of 63 bits"),
        ({"round": "away"}, "'away' is no way to round"),
        ({"payout": "1"}, "a payout is of binary contracts"),
        ({"of": "binary", "payout": "0.001"}, "a tick is 0.01"),
        ({"volume": "-1"}, "is no ratio"),
    ],
)
def test_terms_that_say_nothing_are_named(said: dict[str, Any], error: str) -> None:
    with pytest.raises((ValueError, OffTick), match=error):
        fees_of(BTC_USD, {"tiers": TIERS, **said}, DECIMALS, "")


def test_shares_and_terms_are_shown_as_they_are_said() -> None:
    for text in ("0.25%", "-0.005%", "100%", "0%", "12.5%"):
        assert share_text(int(share(text) * 10**9)) == text
    assert rate_row("-0.1%/0.2%") == ("-0.1%", "0.2%")
    said = {"tiers": TIERS, "minimum": "0.35", "step": "0.01", "share": "50%", "in": "TOK", "at": "1"}
    text = terms_text(fees_of(BTC_USD, said, DECIMALS, ""), BTC_USD, DECIMALS)
    assert text == "of the notional in TOK, minimum 0.35, at most 50% of the fill, rounded up"


def test_trading_costs_what_the_operator_says(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHBUS_ENGINE_CLEARING", "spot")
    data = str(tmp_path / "data")
    processes.engine(tmp_path / "data")

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, processes.exchange(*words, "--data", data, "--as", "ann"))
        assert done.exit_code == status, done.output
        why = done.exception
        return done.output.strip() if why is None or isinstance(why, SystemExit) else str(why)

    for asset in ("USD", "BTC"):
        run("account", "asset", asset, "6")
    run("instrument", "define", "BTC-USD", "--tick", "0.01", "--lot", "0.001")
    for name, asset in (("alice", "USD"), ("bob", "BTC")):
        run("account", "deposit", name, asset, "1000")
    terms = tmp_path / "fees.toml"
    terms.write_text('tiers = [["0.1%", "0.2%"], ["0%", "0.1%"]]\nminimum = "0.01"\n', encoding="utf-8")
    assert run("admin", "fees", "set", "BTC-USD", str(terms)) == "BTC-USD costs 0.1% / 0.2% and so on"
    assert run("admin", "fees", "tiers", "50000000") == "there are 2 tiers"
    run("admin", "group", "set", "vip", "--discount", "50%")
    run("admin", "group", "join", "alice", "vip")
    with Client(port_base=processes.port_base, account="alice") as alice:
        with Client(port_base=processes.port_base, account="bob") as bob:
            bob.enter("BTC-USD", "sell", "1", "100").result()
        alice.enter("BTC-USD", "buy", "1", "100").result()
        fill = next(report for report in alice.reports() if isinstance(report, Settled))
        assert (fill.fee_asset, fill.fee, fill.fee_total) == ("USD", 100_000, 899_900_000)
    shown = run("admin", "fees", "show").splitlines()
    assert shown[2].split()[:5] == ["BTC-USD", "0", "0", "0.1%", "0.2%"]
    assert shown[3].split()[:5] == ["BTC-USD", "1", "50000000", "0%", "0.1%"]
    assert shown[-1].split() == ["vip", "50%", "1"]
    said = run("account", "fees", "alice").splitlines()
    assert said[0] == "alice is in tier 0 by a volume of 0, in group vip, discount 50%"
    assert said[-1].split()[:5] == ["BTC-USD", "0", "0", "0.1%", "0.2%"]
    assert '"thresholds":[50000000]' in run("admin", "fees", "show", "--json")
    assert run("account", "withdraw", "venue:fees", "USD", "0.2") == "venue:fees has 0.2 USD less"
    assert run("admin", "fees", "set", "BTC-USD", "--tier", "0%/0%") == "BTC-USD costs 0% / 0%"
    assert run("admin", "fees", "set", "BTC-USD", "--none") == "BTC-USD costs nothing"

    for words, status, error in (
        (("set", "BTC-USD", "--tier", "-0.2%/0.1%"), 1, "rejected: rebate_unpaid: "),
        (("set", "BTC-USD", "--tier", "200000%/0.1%"), 1, "rejected: invalid_fees: "),
        (("set", "ETH-USD", "--tier", "0.1%/0.1%"), 1, "there is no ETH-USD"),
        (("set", "BTC-USD", "--tier", "0.1%"), 1, "is no tier: say 0.1%/0.2%"),
        (("set", "BTC-USD", str(tmp_path / "none.toml")), 1, "No such file or directory"),
        (("set", "BTC-USD"), 2, "say SYMBOL FILE"),
        (("set", "BTC-USD", "--none", "--tier", "0%/0%"), 2, "say SYMBOL FILE"),
        (("tiers", "5", "5"), 1, "rejected: invalid_fee_tiers: "),
    ):
        assert error in run("admin", "fees", *words, status=status)
    terms.write_text("tiers = [", encoding="utf-8")
    assert "fees.toml" in run("admin", "fees", "set", "BTC-USD", str(terms), status=1)
