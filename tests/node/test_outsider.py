"""Whoever knows the page of the protocol alone can keep the books of a venue: by pandas, from the drop copy."""

import ast
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # has no types here
import pytest

from bus.protocol.commands import (
    CancelOrder,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    JoinGroup,
    SetFees,
    SetFeeTiers,
    SetGroup,
    Transfer,
)
from bus.protocol.control import QueryBalances
from bus.protocol.reports import Completed
from bus.protocol.terms import (
    BUY,
    EXTERNAL,
    GTC,
    IN_RECEIVED,
    IN_THIRD,
    IOC,
    LIMIT,
    MARKET,
    OPERATOR,
    RATE_ONE,
    SELL,
)
from tests.node import outsider
from tests.node.outsider import Outsider
from tests.node.parties import Party
from tests.support.running_node import TOKEN, RunningNode, small_config
from tools.__main__ import app

TRADERS = ("anna", "boris", "carla", "carla.algo")
ASSETS = {"USD": 6, "BTC": 8, "ETH": 9}
#: symbol -> definition, a price in the middle
MARKETS = {
    "BTC-USD": (
        DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 4, 1, 10_000_000, 1, 1_000_000),
        3_000_000,
    ),
    "ETH-USD": (DefineInstrument("ETH-USD", "ETH", "USD", 1, 2, 1, 3, 1, 10_000_000, 1, 1_000_000), 200_000),
    "ETH-BTC": (DefineInstrument("ETH-BTC", "ETH", "BTC", 1, 5, 1, 3, 1, 100_000, 1, 1_000_000), 6_700),
}
#: In what is received, in the quote asset with rebates, in a third asset; two tiers, and a group with a discount.
FEES = (
    SetFees("BTC-USD", [(300_000, 1_100_000)], paid_in=IN_RECEIVED),
    SetFees("ETH-USD", [(-50_000, 1_000_000), (-80_000, 700_000)]),
    SetFees("ETH-BTC", [(200_000, 900_000)], paid_in=IN_THIRD, asset="USD", numerator=300),
    SetFeeTiers([10_000_000]),
    SetGroup("house", RATE_ONE // 2),
    JoinGroup("carla", "house"),
)
MESSAGES = 250


class Crowd:
    """Traders who do anything at random, and an operator who moves their money. Every message is waited for."""

    def __init__(self, node: RunningNode, random: Random) -> None:
        self._random = random
        self._names = 0
        self.ops = Party(node.addresses.orders)
        self.ops.hello("ops", role=OPERATOR, token=TOKEN)
        self._traders = {}
        for name in TRADERS:
            self._traders[name] = Party(node.addresses.orders)
            self._traders[name].hello(name)
        for asset, decimals in ASSETS.items():
            assert isinstance(self.ops.ask(DefineAsset(asset, decimals)), Completed)
        for definition, _ in MARKETS.values():
            assert isinstance(self.ops.ask(definition), Completed)
        for command in FEES:
            assert isinstance(self.ops.ask(command), Completed), command
        for trader in TRADERS:
            for asset, decimals in ASSETS.items():
                self.move(EXTERNAL, trader, asset, 40 * 10**decimals if asset != "USD" else 10**12)

    def close(self) -> None:
        """They leave."""
        for party in (self.ops, *self._traders.values()):
            party.close()

    def move(self, source: str, target: str, asset: str, units: int) -> Any:
        """A transfer; what it was answered."""
        return self.ops.ask(Transfer(self._name(), source, target, asset, units))

    def act(self) -> None:
        """One of them does something."""
        random = self._random
        name = random.choice(TRADERS)
        party = self._traders[name]
        if random.random() < 0.08:
            asset, decimals = random.choice(list(ASSETS.items()))
            units = random.randint(1, 10**decimals)
            source, target = random.choice(
                [(EXTERNAL, name), (name, EXTERNAL), (name, random.choice(TRADERS))]
            )
            self.move(source, target, asset, units)
        elif random.random() < 0.1:
            units = random.randint(1, 10**6)
            source, target = random.sample(["carla", "carla.algo"], 2)
            self._traders[source].ask(Transfer(self._name(), source, target, "USD", units))
        else:
            items = [self._order() for _ in range(random.randint(1, 6))]
            party.ask(*items)

    def _order(self) -> EnterOrder | CancelOrder:
        random = self._random
        if random.random() < 0.15:
            return CancelOrder(0, f"n{self._names - random.randint(0, 12)}")
        symbol = random.choice(list(MARKETS))
        price = MARKETS[symbol][1] + random.randint(-6, 6)
        kind, in_force = random.choice([(LIMIT, GTC), (LIMIT, GTC), (LIMIT, IOC), (MARKET, IOC)])
        lots = random.randint(1, 900)
        return EnterOrder(self._name(), symbol, random.choice((BUY, SELL)), lots, price, kind, in_force)

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"


def test_the_outsider_knows_the_wire_alone() -> None:
    tree = ast.parse(Path(outsider.__file__).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"typing", "msgpack", "pandas", "zmq"}


@pytest.mark.parametrize("seed", [7, 20261128])
def test_every_balance_and_position_follows_from_the_drop_copy(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201  # so that a failure can be had again
    begun = datetime.now(UTC).date()
    data = tmp_path / "data"
    data.mkdir()
    node = RunningNode(directory=str(data), config=small_config(engine__clearing="spot", engine__sync="os"))
    reader = Outsider(node.addresses.drop_copy)
    crowd = None
    try:
        reader.hear_up_to(0)  # the subscription is in force before anything is said
        crowd = Crowd(node, Random(seed))
        for _ in range(MESSAGES):
            crowd.act()
        node.keep_house()
        reader.hear_up_to(node.sequence())
        answered = {
            (account, row.asset): row.total
            for account in (*TRADERS, EXTERNAL, outsider.FEES)
            for row in crowd.ops.ask(QueryBalances(account)).balances
        }
        _compare(reader, answered)
    finally:
        reader.close()
        if crowd is not None:
            crowd.close()
        node.stop()
    _compare_with_report(reader, answered, data, tmp_path / "made", begun)


def _compare(reader: Outsider, answered: dict[tuple[str, str], int]) -> None:
    found = reader.balances()
    assert found.groupby("asset").sum().eq(0).all(), "all accounts together have nothing"
    assert {place: units for place, units in found.items() if units} == {
        place: units for place, units in answered.items() if units
    }
    told = reader.totals_told()
    fees = [
        report for _, report in reader.reports if report[0] == outsider.SETTLED and report[outsider.FEE_AT :]
    ]
    assert {report[outsider.FEE_AT] for report in fees} == {"BTC", "USD"}, "fees of every kind"
    assert any(report[outsider.FEE_AT + 1] < 0 for report in fees), "and rebates"
    assert told.to_dict() == {place: found[place] for place in told.index}
    fills = [report for _, report in reader.reports if report[0] == outsider.FILLED]
    assert len(fills) > 200, "there was something to count"
    assert reader.positions().groupby("symbol").sum().eq(0).all(), "what is bought is sold"
    assert reader.positions().abs().gt(0).sum() > 6


def _compare_with_report(
    reader: Outsider, answered: dict[tuple[str, str], int], data: Path, made: Path, begun: Any
) -> None:
    """The report of the same log, which reads the journal alone, says the same to whoever reads it with pandas."""
    ended = datetime.now(UTC).date()
    words = ["--data", data, "--parquet", made, "--from", begun, "--to", ended, "--so-far", "--from-start"]
    app(["report", *map(str, words)], standalone_mode=False)
    balances = pd.read_parquet(made / "balances.parquet")
    closing = {
        (account, asset): int(units.scaleb(ASSETS[asset]))
        for account, asset, units in balances[["account", "asset", "closing"]].itertuples(index=False)
    }
    assert {place: units for place, units in closing.items() if units} == {
        place: units for place, units in answered.items() if units
    }
    assert balances.groupby("asset")["closing"].sum().eq(0).all()
    positions = pd.read_parquet(made / "positions.parquet").set_index(["account", "symbol"])["closing"]
    lots = reader.positions()
    decimals = {symbol: definition.lot_decimals for symbol, (definition, _) in MARKETS.items()}
    assert {place: Decimal(int(lots[place])).scaleb(-decimals[place[1]]) for place in lots.index} == dict(
        positions.items()
    )
    trades = pd.read_parquet(made / "trades.parquet")
    assert len(trades) == sum(report[0] == outsider.FILLED for _, report in reader.reports)
    assert str(trades["time"].dtype) == "datetime64[ns, UTC]"
