"""`matchbus report` in this process, three days to make reports of, and what is in the files."""

import csv
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.support.logged_venue import ASSETS, LoggedVenue, at
from tools.__main__ import app

SEED = 20261127
#: The day that reports are made of: the second of three.
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


def in_decimals(units: int, asset: str) -> Decimal:
    return Decimal(units).scaleb(-ASSETS[asset])
