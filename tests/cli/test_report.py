"""`matchbus report`: what a real journal comes to, day by day, and that nothing else is ever written."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from bus.errors import ConfigError, DoesNotAddUp, JournalDamaged, NotWritten, WouldOverwrite
from bus.protocol.commands import AdvanceClock, BustTrade, CorrectTrade, EnterOrder, Transfer
from bus.protocol.reports import FILLED, SETTLED
from bus.protocol.terms import BUY, CLEARING_NONE, CLEARING_SPOT, CLOCK_COMMANDS, EXTERNAL, IOC, LIMIT, SELL
from tests.support.logged_venue import ASSETS, LoggedVenue, at
from tools.__main__ import app
from tools.report.checking import check_report
from tools.report.decimals import decimal_text
from tools.report.gathering import BOUGHT, DEPOSITS, SOLD_VALUE
from tools.report.period import Period, moment_text, read_period
from tools.report.tables import ALL, Kind
from tools.report.walking import walk

SEED = 20261127
DAY = "2026-11-27"
Rows = list[dict[str, str]]


class Told(dict[str, Any]):
    """What the engine itself said of DAY, while it ran."""


def report(*words: str | Path) -> None:
    """The verb, in this process."""
    app(["report", *map(str, words)], standalone_mode=False)


def table(folder: Path, name: str) -> Rows:
    """The rows of a table that was written as CSV."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    """All that is in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def days(folder: Path, clearing: int, *, checkpoints: bool = False) -> Told:
    """Three days of random trading; what happened on the second one."""
    print(f"seed {SEED}")  # noqa: T201  # so that a failure can be had again
    random = Random(SEED)
    venue = LoggedVenue(folder, at("2026-11-26T20:00"), clearing=clearing)
    venue.open_market()
    venue.trade_at_random(random, 150)
    if checkpoints:
        venue.checkpoint()
    venue.now_ns = at("2026-11-26T23:59")
    venue.trade_at_random(random, 20)
    told = Told(opening=venue.totals(), first=venue.engine.sequence + 1, events=[])
    venue.now_ns = at(f"{DAY}T08:00")
    told["events"] += venue.trade_at_random(random, 200)
    if checkpoints:
        venue.checkpoint()
    told["events"] += venue.trade_at_random(random, 50)
    told["closing"], told["last"] = venue.totals(), venue.engine.sequence
    told["held"] = {
        (name, asset): balance.held
        for name, account in venue.engine.state.accounts.items()
        for asset, balance in account.balances.items()
    }
    told["open"] = {order for account in venue.engine.state.accounts.values() for order in account.open}
    venue.now_ns = at("2026-11-28T00:00") + 7
    venue.trade_at_random(random, 40)
    venue.close()
    return told


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A venue that clears."""
    folder = tmp_path_factory.mktemp("spot")
    return folder, days(folder, CLEARING_SPOT)


def in_decimals(units: int, asset: str) -> Decimal:
    return Decimal(units).scaleb(-ASSETS[asset])


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
    assert abs(Decimal(btc["vwap"]) - Decimal(btc["value"]) / Decimal(btc["volume"])) <= Decimal("5e-9")
    for row in table(tmp_path / "made", "positions"):
        own = [one for one in rows if (one["account"], one["symbol"]) == (row["account"], row["symbol"])]
        bought = sum(Decimal(one["quantity"]) for one in own if one["side"] == "buy")
        sold = sum(Decimal(one["quantity"]) for one in own if one["side"] == "sell")
        assert (Decimal(row["bought"]), Decimal(row["sold"])) == (bought, sold)
        assert Decimal(row["net"]) == bought - sold
        assert row["opening"] == row["closing"] == "", "not without --from-start"


def test_the_same_log_gives_the_same_bytes_wherever_the_walk_begins(
    spot: tuple[Path, Told], tmp_path: Path
) -> None:
    data, _ = spot
    every = ("--csv", "a", "--parquet", "a", "--html", "pages")

    def made(name: str, of: Path) -> dict[str, bytes]:
        folder = tmp_path / name
        folder.mkdir()
        words = [str(folder / word) if word in ("a", "pages") else word for word in every]
        report("--data", of, "--day", DAY, *words)
        return files(folder)

    first = made("first", data)
    assert len(first) > 20
    assert made("again", data) == first
    with_checkpoints = tmp_path / "checkpoints"
    days(with_checkpoints, CLEARING_SPOT, checkpoints=True)
    assert len(list(with_checkpoints.glob("checkpoint-*"))) == 2
    assert made("from a checkpoint", with_checkpoints) == first
    # Without the segments before the checkpoint nothing is missing of the day, but of the one before.
    first_checkpoint = min(int(path.stem.split("-")[1]) for path in with_checkpoints.glob("checkpoint-*"))
    segments = sorted(with_checkpoints.glob("journal-*"))
    begins = [int(path.stem.split("-")[1]) for path in segments]
    gone = [path for path, end in zip(segments, begins[1:], strict=False) if end <= first_checkpoint + 1]
    assert gone, "the log has several segments before the checkpoint"
    for path in gone:
        path.unlink()
    assert made("pruned", with_checkpoints) == first
    with pytest.raises(ConfigError, match="2026-11-26 is not whole in the log any more"):
        report("--data", with_checkpoints, "--day", "2026-11-26", "--csv", tmp_path / "none")
    with pytest.raises(ConfigError, match="--from-start: the log begins with sequence"):
        report("--data", with_checkpoints, "--from-start", "--csv", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_several_days_are_the_sum_of_each(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, told = spot
    report("--data", data, "--from", "2026-11-26", "--to", DAY, "--csv", tmp_path / "both", "--from-start")
    report("--data", data, "--day", "2026-11-26", "--csv", tmp_path / "first")
    report("--data", data, "--day", DAY, "--csv", tmp_path / "second", "--from-start")
    both = table(tmp_path / "both", "trades")
    assert both == table(tmp_path / "first", "trades") + table(tmp_path / "second", "trades")
    rows = {(row["account"], row["asset"]): row for row in table(tmp_path / "both", "balances")}
    assert {place: Decimal(row["closing"]) for place, row in rows.items()} == {
        place: in_decimals(units, place[1]) for place, units in told["closing"].items()
    }
    assert not any(Decimal(row["opening"]) for row in rows.values()), "the log began with the first day"
    before = {(row["account"], row["symbol"]): row["net"] for row in table(tmp_path / "first", "positions")}
    for row in table(tmp_path / "second", "positions"):
        assert Decimal(row["opening"]) == Decimal(before.get((row["account"], row["symbol"]), "0"))
        assert Decimal(row["closing"]) == Decimal(row["opening"]) + Decimal(row["net"])
    assert {
        (row["account"], row["symbol"], row["closing"]) for row in table(tmp_path / "both", "positions")
    } == {(row["account"], row["symbol"], row["closing"]) for row in table(tmp_path / "second", "positions")}


def test_one_account_gets_its_own_rows_and_nothing_of_the_venue(
    spot: tuple[Path, Told], tmp_path: Path
) -> None:
    data, _ = spot
    report("--data", data, "--csv", tmp_path / "all")
    report("--data", data, "--csv", tmp_path / "one", "--html", tmp_path / "one.html", "--account", "carla")
    assert "assets.csv" not in files(tmp_path / "one")
    for name in ("balances", "positions", "trades", "transfers", "revisions", "orders"):
        own = [row for row in table(tmp_path / "all", name) if row["account"] == "carla"]
        assert table(tmp_path / "one", name) == own
    page = (tmp_path / "one.html").read_text()
    assert "carla" in page
    others = {row["counterparty"] for row in table(tmp_path / "one", "transfers")}
    assert {name for name in ("anna", "boris", "dora") if name in page} <= others
    with pytest.raises(ConfigError, match="--account nobody: nobody of this name"):
        report("--data", data, "--csv", tmp_path / "none", "--account", "nobody")


def test_a_page_says_what_everybody_has(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, told = spot
    report("--data", data, "--html", tmp_path / "page.html", "--csv", tmp_path / "made")
    page = (tmp_path / "page.html").read_text()
    plain = page.replace('<span class="z">', "").replace("</span>", "")
    for row in table(tmp_path / "made", "balances"):
        whole, _, rest = row["closing"].replace("-", "\N{MINUS SIGN}").partition(".")
        sign = (
            whole[: -len(whole.lstrip("\N{MINUS SIGN}")) or None]
            if whole.startswith("\N{MINUS SIGN}")
            else ""
        )
        assert f"{sign}{int(whole.lstrip(chr(0x2212))):,}.{rest}</td>" in plain
    assert "Friday, 27 November 2026" in page
    assert "<script" not in page
    assert "http" not in page, "it needs nothing from anywhere"
    assert told["closing"]
    report("--data", data, "--html", tmp_path / "pages")
    names = files(tmp_path / "pages")
    index = names["index.html"].decode()
    for name in ("anna", "carla.algo", "venue:external"):
        path = f"accounts/account-{name.replace(':', '~')}.html"
        assert f'href="{path}"' in index
        assert name in names[path].decode()


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


def test_a_day_without_anything_has_its_balances(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at("2026-11-24T08:00"), clearing=CLEARING_SPOT)
    venue.open_market()
    venue.trade_at_random(Random(SEED), 30)
    there = venue.totals()
    venue.tick(at("2026-11-25T12:00"))
    venue.tick(at("2026-11-28T00:00"))
    venue.close()
    for day, commands in (("2026-11-25", 1), ("2026-11-26", 0)):
        folder = tmp_path / day
        report("--data", tmp_path / "data", "--day", day, "--csv", folder, "--html", folder)
        assert table(folder, "trades") == table(folder, "transfers") == []
        found = {
            (row["account"], row["asset"]): (Decimal(row["opening"]), Decimal(row["closing"]))
            for row in table(folder, "balances")
        }
        assert found == {place: (in_decimals(units, place[1]),) * 2 for place, units in there.items()}
        made = json.loads((folder / "report.json").read_text())
        assert made["last_sequence"] - made["first_sequence"] + 1 == commands
        assert {row["open"] for row in table(folder, "instruments")} == {""}


def test_a_message_that_goes_on_behind_midnight_is_of_both_days(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"), clearing=CLEARING_SPOT, clock=CLOCK_COMMANDS)
    venue.say("ops", AdvanceClock(at(f"{DAY}T08:00")))
    venue.open_market()
    midnight = at("2026-11-28T00:00")
    totals = {}
    venue.move(EXTERNAL, "ops", "USD", 10**12)
    venue.move(EXTERNAL, "ops", "BTC", 10**12)
    told = venue.say(
        "ops",
        EnterOrder("s1", "BTC-USD", SELL, 10, 3_000_000),
        EnterOrder("b1", "BTC-USD", BUY, 4, 3_000_000),
        AdvanceClock(midnight - 1),
        EnterOrder("b2", "BTC-USD", BUY, 1, 3_000_000),  # at midnight itself
        EnterOrder("b3", "BTC-USD", BUY, 2, 3_000_000),
    )
    assert sum(event[0] == FILLED for _, event in told) == 6
    venue.say("ops", AdvanceClock(midnight + 24 * 3600 * 10**9))
    venue.close()
    for day, quantities in ((DAY, ["0.0004"]), ("2026-11-28", ["0.0001", "0.0002"])):
        folder = tmp_path / day
        report("--data", tmp_path / "data", "--day", day, "--csv", folder)
        rows = table(folder, "trades")
        assert [row["quantity"] for row in rows if row["side"] == "buy"] == quantities
        assert {row["time"][:10] for row in rows} == {day}
        (usd,) = [
            row for row in table(folder, "balances") if (row["account"], row["asset"]) == ("ops", "USD")
        ]
        totals[day] = (Decimal(usd["opening"]), Decimal(usd["paid"]), Decimal(usd["closing"]))
        assert [row["leaves"] for row in table(folder, "orders")] == [
            {"0.0004": "0.0006", "0.0001": "0.0003"}[quantities[0]]
        ]
    assert totals == {
        # 12 USD at 0.1 % less 0.005 %; from midnight on 9 USD at the second tier's 0.07 % less 0.008 %
        DAY: (0, Decimal("12"), Decimal("999999.9886")),
        "2026-11-28": (Decimal("999999.9886"), Decimal("9"), Decimal("999999.98302")),
    }


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


def test_a_day_that_is_not_over_is_reported_when_that_is_asked_for_and_replaced(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"), clearing=CLEARING_SPOT)
    venue.open_market()
    random = Random(SEED)
    venue.trade_at_random(random, 20)
    words = (
        "--data",
        tmp_path / "data",
        "--day",
        DAY,
        "--csv",
        tmp_path / "made",
        "--html",
        tmp_path / "a.html",
    )
    with pytest.raises(ConfigError, match="2026-11-27 is not over in it; --so-far"):
        report(*words)
    assert not (tmp_path / "made").exists()
    report(*words, "--so-far", "--parquet", tmp_path / "made")
    early = files(tmp_path / "made")
    assert json.loads(early["report.json"])["is_over"] is False
    assert "This is no whole day" in (tmp_path / "a.html").read_text()
    (tmp_path / "made/notes.txt").write_text("mine")
    venue.trade_at_random(random, 20)
    venue.tick(at("2026-11-28T00:00"))  # the engine is still running
    report(*words)
    late = files(tmp_path / "made")
    assert json.loads(late["report.json"])["is_over"] is True
    assert len(late["trades.csv"]) > len(early["trades.csv"])
    assert late["notes.txt"] == b"mine"
    assert "trades.parquet" not in late, "it was of the other one"
    assert "This is no whole day" not in (tmp_path / "a.html").read_text()
    venue.close()


def test_nothing_is_written_over_what_is_no_report_of_the_same(
    spot: tuple[Path, Told], tmp_path: Path
) -> None:
    data, _ = spot
    words = ("--data", data, "--day", DAY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/photo.jpg").write_bytes(b"...")
    (tmp_path / "file").write_bytes(b"...")
    (tmp_path / "page.html").write_text("<p>mine")
    report(
        "--data", data, "--day", "2026-11-26", "--csv", tmp_path / "other", "--html", tmp_path / "other.html"
    )
    report(*words, "--account", "anna", "--csv", tmp_path / "anna")
    before = files(tmp_path)
    for way, error, text in (
        (("--csv", tmp_path / "full"), WouldOverwrite, "there is something else in it"),
        (("--parquet", tmp_path / "file"), WouldOverwrite, "there is a file of this name"),
        (("--html", tmp_path / "page.html"), WouldOverwrite, "it is no report of 2026-11-27"),
        (("--html", tmp_path / "other.html"), WouldOverwrite, "it is no report of 2026-11-27"),
        (("--html", tmp_path / "other"), WouldOverwrite, "there is a report of 2026-11-26 in it"),
        (("--csv", tmp_path / "anna"), WouldOverwrite, "there is a report of anna on 2026-11-27 in it"),
        (("--csv", tmp_path / "file/deeper"), NotWritten, "cannot be"),
        (("--html", tmp_path / "file/deeper.html"), NotWritten, "cannot be"),
    ):
        with pytest.raises(error, match=text):
            report(*words, *way)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--day", "2026-13-01"), "--day 2026-13-01: it is no day"),
        (("--day", "yesterday"), "--day yesterday: it is no day"),
        (("--day", "1969-12-31"), "engine time begins with 1970-01-01"),
        (("--day", DAY, "--from", DAY), "--day: it is one day"),
        (("--from", DAY), "--from and --to go together"),
        (("--from", DAY, "--to", "2026-11-26"), "--to 2026-11-26: it is before --from 2026-11-27"),
        (("--day", "2026-11-25"), "2026-11-25 is not in the log: it begins later"),
        (("--day", "2030-01-01"), "2030-01-01 is not in the log: it ends with 2026-11-28T"),
        (("--day", "2030-01-01", "--so-far"), "2030-01-01 is not in the log: it ends with 2026-11-28T"),
        (("--from", DAY, "--to", "2026-11-28"), "2026-11-28 is not over in it"),
    ],
)
def test_days_that_are_not_there_are_said(
    spot: tuple[Path, Told], tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        report("--data", spot[0], "--csv", tmp_path / "made", *words)
    assert not (tmp_path / "made").exists()


def test_what_is_no_whole_journal_is_said(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, _ = spot
    made = tmp_path / "made"
    with pytest.raises(ConfigError, match="name where to write"):
        report("--data", data)
    for wrong in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ConfigError, match="there is no journal; name the data directory"):
            report("--data", wrong, "--csv", made)
    damaged = tmp_path / "damaged"
    shutil.copytree(data, damaged)
    segment = sorted(damaged.glob("journal-*"))[0]
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    with pytest.raises(JournalDamaged, match="offset"):
        report("--data", damaged, "--day", DAY, "--csv", made)
    assert not made.exists()


def test_a_torn_end_is_no_part_of_the_log_and_noted(
    spot: tuple[Path, Told], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(spot[0], torn)
    (torn / "synced").unlink()
    segment = max(path for path in torn.glob("journal-*") if path.read_bytes().rstrip(b"\0")[200:])
    content = segment.read_bytes()
    whole = content.rstrip(b"\0")
    segment.write_bytes(whole[:-3] + bytes(len(content) - len(whole) + 3))
    report("--data", torn, "--day", "2026-11-28", "--so-far", "--csv", tmp_path / "made")
    assert "torn" in capsys.readouterr().err
    assert table(tmp_path / "made", "trades")


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reports.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:])
    assert list(sections) == [one.name for one in ALL]
    for one in ALL:
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", sections[one.name], flags=re.MULTILINE)
        assert rows == [(name, kind.value) for name, kind in one.columns]


def test_what_a_kill_has_left_is_nothing(spot: tuple[Path, Told], tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / ".report-1234").mkdir(parents=True)
    (made / ".report-1234/trades.csv").write_text("half of it")
    report("--data", spot[0], "--csv", made)
    assert (made / "report.json").exists()


def test_without_a_day_that_is_over_there_is_no_last_one(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"))
    venue.open_market()
    venue.close()
    with pytest.raises(ConfigError, match="no day is over in the log; name one with --day, and --so-far"):
        report("--data", tmp_path / "data", "--csv", tmp_path / "made")


def test_more_accounts_than_fit_one_page_have_a_page_each(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"), clearing=CLEARING_SPOT)
    venue.open_market()
    deposits = [
        Transfer(f"d{number}", EXTERNAL, f"a{number:04}", "USD", number + 1) for number in range(1_001)
    ]
    for begin in range(0, len(deposits), 100):
        venue.say("ops", *deposits[begin : begin + 100])
    venue.tick(at("2026-11-28T00:00"))
    venue.close()
    with pytest.raises(ConfigError, match="1,007 accounts are too many for one page, 1,000 fit"):
        report("--data", tmp_path / "data", "--html", tmp_path / "page.html", "--csv", tmp_path / "made")
    assert files(tmp_path / "made") == {}, "nothing was written at all"
    report("--data", tmp_path / "data", "--html", tmp_path / "pages")
    assert len(list((tmp_path / "pages/accounts").iterdir())) == 1_007
    index = (tmp_path / "pages/index.html").read_text()
    assert "The 1,000 that traded most, of 1,007" in index
    external = (tmp_path / "pages/accounts/account-venue~external.html").read_text()
    assert "The first 500 of 1,016; all of them are in the table `transfers`" in external


def test_a_group_gets_the_rows_of_its_members(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, _ = spot
    report("--data", data, "--csv", tmp_path / "all")
    made = tmp_path / "house"
    report("--data", data, "--csv", made, "--html", made, "--group", "house")
    members = ("carla", "dora")
    for name in ("balances", "positions", "trades", "transfers", "orders"):
        own = [row for row in table(tmp_path / "all", name) if row["account"] in members]
        assert table(made, name) == own
    described = json.loads((made / "report.json").read_text())
    assert (described["account"], described["rows"]["trades"]) == ("group:house", len(table(made, "trades")))
    assert sorted(path.name for path in (made / "accounts").iterdir()) == [
        f"account-{name}.html" for name in members
    ]
    assert "anna" not in (made / "index.html").read_text()
    assert "assets.csv" not in files(made)
    for words, text in (
        (("--group", "nobodies"), "--group nobodies: there is no such group"),
        (("--group", "house", "--account", "carla"), "--account and --group: name one of them"),
    ):
        with pytest.raises(ConfigError, match=text):
            report("--data", data, "--csv", tmp_path / "none", *words)
    with pytest.raises(WouldOverwrite, match="there is a report of group:house on 2026-11-27 in it"):
        report("--data", data, "--csv", made)


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
