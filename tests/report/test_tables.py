"""What stands in the tables of a report: what the engine had and told, to the unit."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pyarrow  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from bus.errors import DoesNotAddUp
from bus.protocol.commands import BustTrade, CloseAccount, CorrectTrade, EnterOrder
from bus.protocol.reports import COMPLETED, FILLED, SETTLED
from bus.protocol.terms import BUY, CLEARING_NONE, CLEARING_SPOT, EXTERNAL, IOC, LIMIT, SELL
from tests.support.logged_venue import ASSETS, BTC, LoggedVenue, at
from tests.support.reports import DAY, SEED, Told, in_decimals, report, table
from tools.report.checking import check_report
from tools.report.decimals import Texts, decimal_text
from tools.report.gathering import BOUGHT, DEPOSITS, SOLD_VALUE
from tools.report.period import Period, moment_text, read_period
from tools.report.tables import ALL, Kind
from tools.report.walking import walk


def test_balances_are_what_the_engine_had_at_midnight_and_add_up(
    spot: tuple[Path, Told], tmp_path: Path
) -> None:
    data, told = spot
    report("--data", data, "--csv", tmp_path / "made")
    rows = table(tmp_path / "made", "balances")
    found = {(row["account"], row["asset"]): row for row in rows}
    assert list(found) == sorted(found), "by account and asset"
    assert found.keys() == told["closing"].keys()
    for (name, asset), row in found.items():
        there = {column: Decimal(text) for column, text in row.items() if column not in ("account", "asset")}
        assert there["opening"] == in_decimals(told["opening"].get((name, asset), 0), asset)
        assert there["closing"] == in_decimals(told["closing"][name, asset], asset)
        assert there["held"] == in_decimals(told["held"][name, asset], asset)
        assert there["free"] == there["closing"] - there["held"]
        came = there["deposits"] + there["transfers_in"] + there["received"]
        went = there["withdrawals"] + there["transfers_out"] + there["paid"] + there["fees"]
        assert there["opening"] + came - went == there["closing"]
    for asset in ASSETS:
        for column in ("opening", "deposits", "withdrawals", "fees", "closing"):
            assert sum(Decimal(row[column]) for row in rows if row["asset"] == asset) == 0, column
    assert any(Decimal(row["withdrawals"]) > 0 for row in rows), "there is something to see"
    assert any(Decimal(row["transfers_in"]) > 0 for row in rows)
    assert any(Decimal(row["fees"]) > 0 for row in rows)
    for row in table(tmp_path / "made", "assets"):
        outside = found[EXTERNAL, row["asset"]]
        for column in ("opening", "deposits", "withdrawals", "closing"):
            assert Decimal(row[column]) == -Decimal(outside[column])
        came = Decimal(row["deposits"]) - Decimal(row["withdrawals"])
        assert Decimal(row["opening"]) + came == Decimal(row["closing"]) > 0
        held = [Decimal(one["held"]) for one in rows if one["asset"] == row["asset"]]
        assert Decimal(row["held"]) == sum(held) > 0
    (usd,) = [row for row in table(tmp_path / "made", "assets") if row["asset"] == "USD"]
    venue = found["venue:fees", "USD"]
    assert Decimal(usd["fees"]) == -Decimal(venue["fees"]) > 0
    assert usd["fees_closing"] == venue["closing"]
    made = json.loads((tmp_path / "made/report.json").read_text())
    assert (made["first_sequence"], made["last_sequence"]) == (told["first"], told["last"])
    assert (made["first_day"], made["is_over"], made["clearing"]) == (DAY, True, "spot")
    assert made["rows"] == {name: len(table(tmp_path / "made", name)) for name in made["rows"]}


def test_trades_and_open_orders_are_those_that_were_told(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, told = spot
    report("--data", data, "--csv", tmp_path / "made", "--day", DAY)
    rows = table(tmp_path / "made", "trades")
    settled = {
        (account, event[5], event[8]): event for account, event in told["events"] if event[0] == SETTLED
    }
    fills = sorted(
        (event[1], event[7], event[9], event[5], account, event)
        for account, event in told["events"]
        if event[0] == FILLED
    )
    assert len(rows) == len(fills) > 300
    for row, (sequence, symbol, trade_id, order_id, account, event) in zip(rows, fills, strict=True):
        assert (row["sequence"], row["symbol"], row["trade_id"]) == (str(sequence), symbol, str(trade_id))
        assert (row["order_id"], row["account"]) == (str(order_id), account)
        assert (row["client_order_id"], row["side"]) == (event[6], {BUY: "buy", SELL: "sell"}[event[8]])
        price, quantity = Decimal(row["price"]), Decimal(row["quantity"])
        ticks, lots = (2, 4) if symbol == "BTC-USD" else (5, 2)
        assert (price, quantity) == (Decimal(event[10]).scaleb(-ticks), Decimal(event[11]).scaleb(-lots))
        assert Decimal(row["value"]) == price * quantity
        moved = settled[account, order_id, trade_id]
        for name, place in (("paid", 9), ("received", 12)):
            asset = moved[place]
            assert row[f"{name}_asset"] == asset
            assert Decimal(row[name]) == in_decimals(moved[place + 1], asset)
            assert Decimal(row[f"{name}_total"]) == in_decimals(moved[place + 2], asset)
        fee_asset, fee, fee_total = moved[15:] or ("", 0, 0)
        assert row["fee_asset"] == fee_asset
        assert Decimal(row["fee"]) == (in_decimals(fee, fee_asset) if fee_asset else Decimal(0))
        assert (row["fee_total"] == "") == (not fee_asset)
        if fee_asset:
            assert Decimal(row["fee_total"]) == in_decimals(fee_total, fee_asset)
        assert row["time"].startswith(DAY)
    orders = table(tmp_path / "made", "orders")
    assert {int(row["order_id"]) for row in orders} == told["open"]
    assert {(row["held_asset"], row["fee_held_asset"]) for row in orders} == {
        *(("USD", ""), ("BTC", ""), ("BTC", "USD"), ("ETH", "USD"))
    }
    for asset in ASSETS:
        holds = [Decimal(row["held"]) for row in orders if row["held_asset"] == asset]
        holds += [Decimal(row["fee_held"]) for row in orders if row["fee_held_asset"] == asset]
        assert sum(holds) == sum(
            in_decimals(units, one) for (_, one), units in told["held"].items() if one == asset
        )
    assert any(row["time_in_force"] == "DAY" for row in orders), (
        "they end by the first command behind midnight"
    )
    traded = [row for row in rows if row["symbol"] == "BTC-USD" and row["side"] == "buy"]
    (btc,) = [row for row in table(tmp_path / "made", "instruments") if row["symbol"] == "BTC-USD"]
    prices = [Decimal(row["price"]) for row in traded]
    assert int(btc["trades"]) == len(traded)
    assert Decimal(btc["volume"]) == sum(Decimal(row["quantity"]) for row in traded)
    assert Decimal(btc["value"]) == sum(Decimal(row["value"]) for row in traded)
    assert [Decimal(btc[name]) for name in ("open", "high", "low", "close")] == [
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
    ]
    # Which rounds half to even, too.
    assert Fraction(btc["vwap"]) == round(Fraction(btc["value"]) / Fraction(btc["volume"]), 8)
    for row in table(tmp_path / "made", "positions"):
        own = [one for one in rows if (one["account"], one["symbol"]) == (row["account"], row["symbol"])]
        bought = sum(Decimal(one["quantity"]) for one in own if one["side"] == "buy")
        sold = sum(Decimal(one["quantity"]) for one in own if one["side"] == "sell")
        assert (Decimal(row["bought"]), Decimal(row["sold"])) == (bought, sold)
        assert Decimal(row["net"]) == bought - sold
        assert row["opening"] == row["closing"] == "", "not without --from-start"


def test_a_venue_that_does_not_clear_has_trades_busts_and_totals(tmp_path: Path) -> None:
    random = Random(SEED)
    print(f"seed {SEED}")  # noqa: T201  # so that a failure can be had again
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"), clearing=CLEARING_NONE)
    venue.open_market()
    venue.trade_at_random(random, 200)
    high = 3_000_500
    venue.say("dora", EnterOrder("sweep", "BTC-USD", BUY, 1_000_000, high, LIMIT, IOC))
    for side, account in ((SELL, "anna"), (BUY, "boris")):
        venue.say(account, EnterOrder(f"b-{side}", "BTC-USD", side, 7, high))
    last = venue.engine.state.instruments["BTC-USD"].next_trade_id - 1
    venue.say("ops", BustTrade("BTC-USD", last))
    venue.say(
        "ops", CorrectTrade("BTC-USD", last - 1, 2_999_000), CorrectTrade("BTC-USD", last - 1, 2_998_000)
    )
    venue.tick(at("2026-11-28T00:00"))
    venue.close()
    report("--data", tmp_path / "data", "--csv", tmp_path / "made", "--html", tmp_path / "page.html")
    rows = table(tmp_path / "made", "revisions")
    assert [(row["kind"], row["side"], row["price"]) for row in rows[:2]] == [
        ("bust", "sell", ""),
        ("bust", "buy", ""),
    ]
    assert {row["account"] for row in rows[:2]} == {"anna", "boris"}
    assert [(row["previous_price"], row["price"]) for row in rows if row["side"] == "buy"][1:] == [
        (rows[2]["previous_price"], "29990.00"),
        ("29990.00", "29980.00"),
    ]
    (btc,) = [row for row in table(tmp_path / "made", "instruments") if row["symbol"] == "BTC-USD"]
    trades = [row for row in table(tmp_path / "made", "trades") if row["symbol"] == "BTC-USD"]
    assert max(Decimal(row["price"]) for row in trades) == Decimal("30005.00"), "as it happened"
    assert (btc["busts"], btc["corrections"]) == ("1", "2")
    assert int(btc["trades"]) == len(trades) // 2 - 1 == last - 1
    assert (btc["low"], btc["close"]) == ("29980.00", "29980.00")
    assert Decimal(btc["high"]) < Decimal("30005.00"), "as it counts"
    counted = [row for row in trades if row["side"] == "buy"][:-1]
    assert Decimal(btc["volume"]) == sum(Decimal(row["quantity"]) for row in counted)
    value = sum(Decimal(row["value"]) for row in counted[:-1])
    assert Decimal(btc["value"]) == value + Decimal("29980.00") * Decimal(counted[-1]["quantity"])
    positions = table(tmp_path / "made", "positions")
    sums = [
        sum(Decimal(row[name]) for row in positions if row["symbol"] == "BTC-USD")
        for name in ("bought", "sold")
    ]
    assert sums == [Decimal(btc["volume"])] * 2
    assert table(tmp_path / "made", "balances") == table(tmp_path / "made", "assets") == []
    assert {row["paid_asset"] for row in trades} == {""}
    assert "Busts and corrections" in (tmp_path / "page.html").read_text()


def test_what_does_not_add_up_is_not_written(spot: tuple[Path, Told]) -> None:
    data, _ = spot
    breaks: list[tuple[Callable[[Any], None], str]] = [
        (lambda walked: _more(walked.gathered.flows["anna", "USD"], DEPOSITS), "anna had .* USD"),
        (
            lambda walked: _more(walked.gathered.traded["anna", "BTC-USD"], SOLD_VALUE),
            "of BTC-USD .* lots .* were bought",
        ),
        (
            lambda walked: _more(walked.gathered.traded["anna", "BTC-USD"], BOUGHT),
            "of BTC-USD .* lots .* were bought",
        ),
        (lambda walked: _hold_more(walked.core, "anna", "USD"), "anna holds what its orders hold"),
    ]
    for change, words in breaks:
        walked = walk(str(data), Period(*[read_period(DAY, None, None).first] * 2))  # type: ignore[union-attr]
        check_report(walked)
        change(walked)
        with pytest.raises(DoesNotAddUp, match=words):
            check_report(walked)
        walked.gathered.close()


def _more(units: list[int], place: int) -> None:
    units[place] += 1


def _hold_more(core: Any, account: str, asset: str) -> None:
    core.state.accounts[account].balances[asset].held += 1


def test_a_checkpoint_that_made_money_is_found_out(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"), clearing=CLEARING_SPOT)
    venue.open_market()
    venue.engine.state.accounts["anna"].balances["USD"].total += 1
    venue.checkpoint()
    venue.engine.state.accounts["anna"].balances["USD"].total -= 1
    venue.now_ns = at("2026-11-28T08:00")
    venue.trade_at_random(Random(SEED), 20)
    venue.tick(at("2026-11-29T00:00"))
    venue.close()
    with pytest.raises(
        DoesNotAddUp, match=r"2026-11-28 does not add up .*: all accounts together have 0 of USD"
    ):
        report("--data", tmp_path / "data", "--csv", tmp_path / "made", "--html", tmp_path / "page.html")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}, "nothing was written"
    report("--data", tmp_path / "data", "--csv", tmp_path / "made", "--from-start")
    assert table(tmp_path / "made", "balances")


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reports.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:])
    assert list(sections) == [one.name for one in ALL]
    for one in ALL:
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", sections[one.name], flags=re.MULTILINE)
        assert rows == [(name, kind.value) for name, kind in one.columns]


def test_parquet_has_the_rows_of_csv_in_types_that_are_the_same_on_every_day(
    spot: tuple[Path, Told], tmp_path: Path
) -> None:
    report("--data", spot[0], "--csv", tmp_path, "--parquet", tmp_path)
    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.INTEGER: pyarrow.int64(),
        Kind.DECIMAL: pyarrow.decimal128(38, 18),
        Kind.TIME: pyarrow.timestamp("ns", tz="UTC"),
    }
    for one in ALL:
        found = pyarrow.parquet.read_table(tmp_path / f"{one.name}.parquet")
        assert [(field.name, field.type) for field in found.schema] == [
            (name, types[kind]) for name, kind in one.columns
        ]
        rows = table(tmp_path, one.name)
        assert found.num_rows == len(rows)
        for name, kind in one.columns:
            texts = [row[name] for row in rows]
            values = found.column(name)
            if kind is Kind.TIME:
                values = values.cast(pyarrow.int64())
            there = ["" if value is None else value for value in values.to_pylist()]
            if kind is Kind.DECIMAL:
                assert there == [Decimal(text) if text else "" for text in texts], name
            elif kind is Kind.TIME:
                assert there == [
                    at(text[:19]) + int(text.removesuffix("Z").partition(".")[2].ljust(9, "0"))
                    for text in texts
                ]
            else:
                assert list(map(str, there)) == texts, name


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (at("2026-11-27T08:00") + 7, "2026-11-27T08:00:00.000000007Z"),
        (at("2026-11-28T00:00") - 1, "2026-11-27T23:59:59.999999999Z"),
    ],
)
def test_moments_are_written_to_the_nanosecond(time_ns: int, text: str) -> None:
    assert moment_text(time_ns) == text


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (-1234, 3, "-1.234"),
        (2**63, 18, "9.223372036854775808"),
    ],
)
def test_amounts_are_exact(units: int, decimals: int, text: str) -> None:
    assert decimal_text(units, decimals) == text
    assert Decimal(text) == Decimal(units).scaleb(-decimals)


@pytest.mark.parametrize(
    ("tick_lots", "lots", "text"),
    [
        (2, 3, "0.00666667"),
        (
            1,
            2_000_000,
            "0.00000000",
        ),  # half a millionth of a tick of 0.01, and of two that are as near the even one
        (3, 2_000_000, "0.00000002"),
        (3_000_000 * 7, 7, "30000.00000000"),
        (0, 0, None),
    ],
)
def test_averages_are_rounded_half_to_even(tick_lots: int, lots: int, text: str | None) -> None:
    assert Texts(BTC).mean_price(tick_lots, lots) == text


def test_an_account_that_is_closed_has_its_last_statement(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at("2026-11-26T08:00"), clearing=CLEARING_SPOT)
    venue.open_market()
    venue.now_ns = at(f"{DAY}T08:00")
    for asset, decimals in ASSETS.items():
        venue.move("dora", EXTERNAL, asset, 1_000_000 * 10**decimals)
    told = venue.say("ops", CloseAccount("dora", True))
    assert told[-1][1][0] == COMPLETED, told
    venue.tick(at("2026-11-28T00:00"))
    venue.close()
    report("--data", tmp_path / "data", "--csv", tmp_path / "made", "--account", "dora")
    rows = table(tmp_path / "made", "balances")
    assert [row["asset"] for row in rows] == sorted(ASSETS)
    for row in rows:
        assert Decimal(row["opening"]) == Decimal(row["withdrawals"]) == 10**6
        assert Decimal(row["closing"]) == 0
