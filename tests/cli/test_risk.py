"""`matchbus risk`: what is said of moves, how it looks, and a story on a real exchange."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bus.errors import ConfigError
from bus.journal.directory import read_token
from bus.protocol.commands import DefineInstrument
from bus.protocol.exposure import AccountExposure, Exposures, QueryPositions, WeighedSymbol
from bus.sockets.history_client import HistoryClient
from tests.support.processes import Processes
from tools.risk.figures import rows_of
from tools.risk.moves import Moves, Weighing, moves_of, weighings
from tools.risk.table import accounts_picture, money


def instrument(symbol: str, tick: tuple[int, int], lot: tuple[int, int]) -> DefineInstrument:
    """Of which only this matters."""
    base, quote = symbol.split("-")
    return DefineInstrument(symbol, base, quote, *tick, *lot, 1, 10, 1, 10)


BTC = instrument("BTC-USD", (1, 2), (1, 3))
ETH = instrument("ETH-USD", (5, 2), (1, 2))
CROSS = instrument("ETH-BTC", (1, 6), (1, 2))


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["5%"], Moves(-500, 500, {})),
        (["0.25"], Moves(-25, 25, {})),
        (["-100%"], Moves(-10_000, -10_000, {})),
        (["+12.5%"], Moves(1_250, 1_250, {})),
        (["BTC-USD=-10%", "ETH-USD=3%"], Moves(0, 0, {"BTC-USD": (-1_000, -1_000), "ETH-USD": (-300, 300)})),
    ],
)
def test_moves_are_read(texts: list[str], wanted: Moves) -> None:
    assert moves_of(texts) == wanted


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["five"], "say how far in percent"),
        (["5.123%"], "say how far in percent"),
        (["-100.01%"], "no price falls by more than 100%; say \\+100.01% for a rise alone"),
        (["101%"], "no price falls by more than 100%"),
        (["+10000.01%"], "10000% is the most"),
        (["1%", "2%"], "all prices move once"),
        (["A=1%", "A=2%"], "A moves once"),
        (["btc=1%"], "'btc' is no symbol"),
        (["=1%"], "'' is no symbol"),
        (["A="], "say how far in percent"),
    ],
)
def test_what_is_no_move_is_refused(texts: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=f"--move .*: .*{said}"):
        moves_of(texts)


def test_symbols_of_one_quote_asset_are_weighed_by_their_steps() -> None:
    moves = moves_of(["BTC-USD=-10%", "1%"])
    assert weighings([BTC, CROSS, ETH], moves, "") == [
        Weighing("BTC", 8, [WeighedSymbol("ETH-BTC", 1, -100, 100)]),
        Weighing(
            "USD", 5, [WeighedSymbol("BTC-USD", 1, -1_000, -1_000), WeighedSymbol("ETH-USD", 50, -100, 100)]
        ),
    ]
    assert [one.quote for one in weighings([BTC, CROSS, ETH], moves, "USD")] == ["USD"]
    assert Weighing("USD", 5, []).amount("-1234567") == Decimal("-12.34567")
    with pytest.raises(ConfigError, match="nothing is traded in it; there are BTC, USD"):
        weighings([BTC, CROSS], moves, "EUR")
    with pytest.raises(ConfigError, match="there is no instrument SOL-USD"):
        weighings([BTC], moves_of(["SOL-USD=1%"]), "")
    with pytest.raises(ConfigError, match="too far from those of others in USD"):
        weighings([BTC, instrument("X-USD", (2**40, 0), (2**30, 0))], moves, "")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234567.5", "1,234,568"),
        ("-1000", "-1,000"),
        ("999.995", "1000.00"),
        ("-1.005", "-1.00"),
        ("0.5", "0.5"),
        ("0.000012345678", "0.00001235"),
        ("-0.3", "-0.3"),
    ],
)
def test_money_is_rounded_as_people_read_it(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_the_worst_stand_below_each_other_and_an_arrow_says_which_way_it_hurts() -> None:
    weighing = Weighing("USD", 2, [])
    answer = Exposures(
        1,
        1234,
        0,
        2,
        [],
        [
            AccountExposure(
                "alice", 1, "100000", "100000", "0", "0", "100000", "5", "-105", "0", "-5000", "5000"
            ),
            AccountExposure(
                "bob", 1, "100000", "-100000", "50", "1", "100001", "0", "0", "1", "5000", "-5000"
            ),
        ],
    )
    picture = accounts_picture(weighing, rows_of(weighing, answer), moves_of(["5%"]), "move", 2, 1234)
    assert picture.plain.splitlines() == [
        "USD · worst of 2 accounts by a move of 5% · as of sequence 1,234",
        "",
        "account        5%  gross     net  open orders  worst case  profit  today",
        "alice    -50.00 ▼  1,000   1,000            -       1,000   -1.00      -",
        "bob      -50.00 ▲  1,000  -1,000         0.51       1,000       -   0.01",
    ]
    both = accounts_picture(weighing, rows_of(weighing, answer), moves_of(["5%", "A=1%"]), "gross", 2, 1234)
    assert both.plain.splitlines()[2].split() == [
        "account",
        "-5%",
        "+5%",
        *"gross net open orders worst case profit today".split(),
    ]
    nobody = accounts_picture(weighing, [], moves_of(["5%"]), "loss", 0, 1)
    assert "worst of 0 accounts by loss" in nobody.plain
    assert nobody.plain.endswith("no account holds anything or has open orders")


def test_a_story(processes: Processes, tmp_path: Path) -> None:
    """Alice buys half a bitcoin of bob and offers a part of it; it is asked what 10% would do."""
    data = tmp_path / "data"
    processes.engine(data)
    processes.history(data)

    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange(*words), status=status)

    def risk(*words: str, status: int = 0) -> str:
        return run("risk", *words, "--data", str(data), status=status)

    run("instrument", "define", "BTC-USD", "--data", str(data))
    run("order", "enter", "BTC-USD", "buy", "0.5", "30000", "--account", "alice")
    run("order", "enter", "BTC-USD", "sell", "0.5", "30000", "--account", "bob")
    last = run("order", "enter", "BTC-USD", "sell", "0.1", "31000", "--account", "alice", "--json")
    sequence = json.loads(last.splitlines()[0])["sequence"]
    with HistoryClient(port_base=processes.port_base, token=read_token(str(data))) as client:
        client.ask(QueryPositions("alice", at_least=sequence))
    alice, bob = (json.loads(line) for line in risk("--move", "10%", "--json").splitlines())
    assert alice == {
        "quote": "USD",
        "sequence": alice["sequence"],
        "account": "alice",
        "positions": 1,
        "first_move": "-1500.000000",
        "second_move": "1500.000000",
        "gross": "15000.000000",
        "net": "15000.000000",
        "open_notional": "3100.000000",
        "worst": "15000.000000",
        "unrealised": "0.000000",
        "realised": "0.000000",
        "day_realised": "0.000000",
    }
    assert (bob["account"], bob["net"], bob["second_move"]) == ("bob", "-15000.000000", "-1500.000000")
    shown = risk("--account", "alice", "--move", "BTC-USD=-10%").splitlines()
    assert shown[0].startswith("alice · at average cost")
    assert shown[3].split() == [
        "BTC-USD",
        "0.5",
        "30,000",
        "30,000",
        "15,000",
        "-1,500",
        "-",
        "3,100",
        "-",
        "-",
        "-",
    ]
    (position,) = map(json.loads, risk("--account", "alice", "--json").splitlines())
    assert (position["quantity"], position["open_sells"]) == ("0.5000", "3100.000000")
    assert "never traded" in risk("--account", "nobody")
    assert "there is no instrument X" in risk("--move", "X=1%", "--account", "alice", status=1)
    assert "accounts are 1 to 32" in risk("--account", "a/b", status=1)
    assert any("alice" in line for line in risk("--by", "loss", "--limit", "1").splitlines())


def test_two_cases_that_are_opposite_are_one_column() -> None:
    one: list[Any] = [moves_of([text]).is_one for text in ("5%", "-5%", "A=-3%", "A=3%")]
    assert one == [True, True, True, False]
