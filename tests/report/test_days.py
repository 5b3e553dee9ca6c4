"""Which day a report is of, wherever batches and segments end, and what is said of a day that is not there."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from bus.errors import ConfigError, JournalDamaged
from bus.protocol.commands import AdvanceClock, EnterOrder
from bus.protocol.reports import FILLED
from bus.protocol.terms import BUY, CLEARING_SPOT, CLOCK_COMMANDS, EXTERNAL, SELL
from tests.support.logged_venue import LoggedVenue, at
from tests.support.reports import DAY, SEED, Told, days, files, in_decimals, report, table


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


def test_without_a_day_that_is_over_there_is_no_last_one(tmp_path: Path) -> None:
    venue = LoggedVenue(tmp_path / "data", at(f"{DAY}T08:00"))
    venue.open_market()
    venue.close()
    with pytest.raises(ConfigError, match="no day is over in the log; name one with --day, and --so-far"):
        report("--data", tmp_path / "data", "--csv", tmp_path / "made")


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
