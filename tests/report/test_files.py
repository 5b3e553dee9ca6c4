"""Where a report comes to stand, whose it is, and what its pages say."""

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from bus.errors import ConfigError, NotWritten, WouldOverwrite
from bus.protocol.commands import Transfer
from bus.protocol.terms import CLEARING_SPOT, EXTERNAL
from tests.support.logged_venue import LoggedVenue, at
from tests.support.reports import DAY, SEED, Told, files, report, table


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


#: What a statement calls the columns of `balances`, and whether it tells them with the other sign.
LINES = (
    ("Opening balance", "opening", 1),
    ("Deposits", "deposits", 1),
    ("Withdrawals", "withdrawals", -1),
    ("Transfers in", "transfers_in", 1),
    ("Transfers out", "transfers_out", -1),
    ("Received in trades", "received", 1),
    ("Paid in trades", "paid", -1),
    ("Fees", "fees", -1),
    ("Closing balance", "closing", 1),
    ("held by open orders", "held", 1),
    ("free", "free", 1),
)


def test_a_page_says_what_everybody_has(spot: tuple[Path, Told], tmp_path: Path) -> None:
    data, _ = spot
    report("--data", data, "--html", tmp_path / "pages", "--csv", tmp_path / "made")
    report("--data", data, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Friday, 27 November 2026" in page
    assert "<script" not in page
    assert "http" not in page, "it needs nothing from anywhere"
    names = files(tmp_path / "pages")
    index = names["index.html"].decode()
    balances = table(tmp_path / "made", "balances")
    for name in {row["account"] for row in balances}:
        path = f"accounts/account-{name.replace(':', '~')}.html"
        assert f'href="{path}"' in index
        own = [row for row in balances if row["account"] == name]
        (in_one,) = re.findall(rf'id="account-{re.escape(name)}">(.*?)</section>', page, flags=re.DOTALL)
        for place in (in_one, names[path].decode()):
            assert re.findall(r'<th class="n">(\w+)</th>', place) == [row["asset"] for row in own]
            for title, column, sign in LINES:
                wanted = [sign * Decimal(row[column]) for row in own]
                found = _numbers(place, title)
                assert found == wanted or (not found and not any(wanted)), (name, title)


def _numbers(page: str, title: str) -> list[Decimal]:
    """The amounts of a line of a statement; none when there is no such line."""
    lines = re.findall(rf'<th scope="row">{title}</th>(.*?)</tr>', page)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", lines[0]) if lines else []
    texts = [re.sub(r"<[^>]*>|,", "", cell).replace("\N{MINUS SIGN}", "-") for cell in cells]
    return [Decimal(0) if text == "\N{EN DASH}" else Decimal(text) for text in texts]


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


def test_what_a_kill_has_left_is_nothing(spot: tuple[Path, Told], tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / ".report-1234").mkdir(parents=True)
    (made / ".report-1234/trades.csv").write_text("half of it")
    report("--data", spot[0], "--csv", made)
    assert (made / "report.json").exists()


def test_without_pyarrow_there_is_no_parquet_and_a_line_that_says_so(
    spot: tuple[Path, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    with pytest.raises(ConfigError, match=r"pyarrow is not installed; pip install 'matchbus\[parquet\]'"):
        report("--data", spot[0], "--csv", tmp_path / "made", "--parquet", tmp_path / "made")
    assert not (tmp_path / "made").exists()
    report("--data", spot[0], "--csv", tmp_path / "made")
