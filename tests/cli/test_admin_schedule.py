"""`matchbus admin schedule`: hours out of a file, what comes of them, and what cannot be said."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bus.errors import ConfigError, UnknownZone
from bus.protocol.terms import CLOSED, CLOSING_AUCTION, CONTINUOUS, OPENING_AUCTION, PRE_OPEN
from tests.support.processes import ROOT, Processes
from tools.admin.schedule import schedule_in, show_next


def example() -> str:
    """The file of docs/cli.md."""
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    return page.split("## `matchbus admin schedule`")[1].split("```toml\n")[1].split("```")[0]


def written(folder: Path, text: str) -> Path:
    """A file of it."""
    file = folder / "hours.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_hours_are_set_shown_and_taken_away(processes: Processes, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    processes.engine(tmp_path / "data")
    hours = str(written(tmp_path, example()))

    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange(*words, "--data", data), status=status)

    def listed() -> str:
        return processes.run(*processes.exchange("instrument", "list"))

    run("instrument", "define", "BTC-USD")
    assert listed().endswith("always")
    assert "BTC-USD: " not in run("admin", "schedule", "BTC-USD", hours, "--dry-run")
    assert listed().endswith("always")
    done = run("admin", "schedule", "BTC-USD", hours, "--why", "winter", "--as", "ann")
    assert "What comes next" in done
    assert done.splitlines()[-1] == "BTC-USD: hours of Europe/Berlin"
    assert listed().endswith("mon-fri 09:00-17:30 Europe/Berlin, 3 holidays")
    refused = run("admin", "schedule", "XRP-USD,BTC-USD", hours, status=1)
    assert "matchbus: XRP-USD: hours of Europe/Berlin: rejected: unknown_symbol: " in refused
    answer = json.loads(run("admin", "schedule", "BTC-USD", "--none", "--json"))
    assert (answer["type"], answer["command"]) == ("Completed", "SetSchedule")
    assert listed().endswith("always")
    for words in (("BTC-USD",), ("BTC-USD", hours, "--none")):
        assert "say SYMBOL[,SYMBOL] FILE, or SYMBOL[,SYMBOL] --none" in run(
            "admin", "schedule", *words, status=2
        )


def test_the_example_of_the_docs_says_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = schedule_in(written(tmp_path, example()))
    assert hours.zone == "Europe/Berlin"
    assert hours.days == [
        (
            31,
            [
                (28_800, PRE_OPEN, 0),
                (31_800, OPENING_AUCTION, 30_000),
                (32_400, CONTINUOUS, 0),
                (63_000, CLOSING_AUCTION, 30_000),
                (63_300, CLOSED, 0),
            ],
        )
    ]
    assert hours.holidays == [
        ("2026-12-24", [(32_400, CONTINUOUS, 0), (50_400, CLOSED, 0)]),
        ("2026-12-25", []),
        ("2026-12-26", []),
    ]
    show_next(hours, int(datetime(2026, 12, 23, 16, 34, tzinfo=UTC).timestamp()) * 10**9)
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines[2:6]] == [
        "Wed 2026-12-23 17:35:00 16:35:00 closed",
        "Thu 2026-12-24 09:00:00 08:00:00 continuous",
        "Thu 2026-12-24 14:00:00 13:00:00 closed",
        "Mon 2026-12-28 08:00:00 07:00:00 pre-open",
    ]
    assert " ".join(lines[6].split()).endswith("opening-auction, ends up to 30 s later")


ZONE = 'zone = "UTC"\n'
DAY = '[[days]]\non = "mon"\nhours = [["09:00", "continuous"]]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`zone` names a time zone"),
        (ZONE, r"a schedule has \[\[days\]\]"),
        (ZONE + DAY + "[[days]]\nhours = []", r"`on` of \[\[days\]\] says which days"),
        (ZONE + DAY + DAY, "mon has hours already"),
        (ZONE + "extra = 1\n" + DAY, "a schedule has no 'extra'"),
        (ZONE + DAY + "random = 1\n", r"\[\[days\]\] has no 'random'"),
        (ZONE + "days = 1\n", "`days` is a list"),
        (ZONE + "days = [1]\n", "each of `days` is a table"),
        (ZONE + DAY.replace('"09:00"', '"9"'), "'9' is no time of a day"),
        (ZONE + DAY.replace("continuous", "open"), "'open' is no phase"),
        (ZONE + DAY.replace('"mon"', '"someday"'), "'someday' are no weekdays"),
        (ZONE + DAY.replace('"continuous"', '"closing-auction", "soon"'), "'soon' is no duration"),
        (ZONE + DAY.replace('["09:00", "continuous"]', '"09:00"'), "'09:00' is no row"),
        ("zone = ", "Invalid value"),
    ],
)
def test_what_is_no_schedule_is_said_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"hours\.toml: .*{said}"):
        schedule_in(written(tmp_path, text))


def test_a_zone_or_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownZone, match="'Europe/Berln' is no time zone"):
        schedule_in(written(tmp_path, 'zone = "Europe/Berln"\n' + DAY))
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        schedule_in(tmp_path / "none.toml")
