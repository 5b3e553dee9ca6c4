"""docs/market_data_api.md: what it shows is asked of a real exchange, and answered as it says."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from bus.protocol.market.streams import INTERVALS
from tests.support.timed_venue import SYMBOL, TimedVenue
from web.application import ROUTES
from web.rest import alerts, candles, market, trades
from web.rest.alerts import ALERTS_PER_ACCOUNT_MAX
from web.schemas.alerts import AlertWish, Condition
from web.schemas.candles import CANDLES_MAX, PERIOD_MAX
from web.schemas.trades import TRADES_MAX

PAGE = (Path(__file__).parents[2] / "docs/market_data_api.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```http *(\w*)\n(\w+) (\S+)\n(.*?)```\n.*?```json\n(.*?)```", re.DOTALL)
#: Noon of the 1st of January 2026, UTC.
BEGIN_NS = 1_767_268_800 * 10**9
SECOND_NS = 10**9
#: The log is longer when somebody else does something, too; that they are numbers is compared.
OF_THE_RUN = frozenset({"sequence"})


def comparable(value: Any) -> Any:
    """A JSON value without what two runs need not have in common."""
    if isinstance(value, dict):
        return {
            name: type(inner).__name__ if name in OF_THE_RUN else comparable(inner)
            for name, inner in value.items()
        }
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedVenue]:
    """Three trades in two minutes, and a book."""
    with TimedVenue(tmp_path_factory.mktemp("venue"), BEGIN_NS) as running:
        running.trade("buy", "100", "0.5")
        running.advance(20 * SECOND_NS)
        running.trade("sell", "100.5", "0.25")
        running.advance(50 * SECOND_NS)
        running.trade("buy", "101", "1")
        for side, quantity, price in (
            ("buy", "1.5", "99.50"),
            ("buy", "2", "99.49"),
            ("sell", "0.75", "101.50"),
        ):
            running.alice.enter(SYMBOL, side, quantity, price).result()
        sequence = running.advance(80 * SECOND_NS)
        path = f"/api/v1/orderbook/{SYMBOL}?at_least={sequence}"
        running.until(partial(running.get, path), lambda answer: answer.status == 200)
        yield running


def test_every_example_is_answered_as_the_page_says(venue: TimedVenue) -> None:
    keys = {"alice": venue.key("alice", "read")}
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http") == PAGE.count("```json")
    for account, method, path, body, wanted in examples:
        if account:
            answer = venue.signed(keys[account], method, path, json.loads(body) if body else None)
        else:
            answer = venue.request(method, path)
        expected = json.loads(wanted)
        if "/orderbook/" in path and "time_ms" in expected:
            # A book is as of the frame of the feed that was read last: a heartbeat may have moved its time.
            assert answer.json["time_ms"] >= expected["time_ms"]
            expected["time_ms"] = answer.json["time_ms"]
        assert comparable(answer.json) == comparable(expected), (method, path)
        assert answer.status == 200


def test_the_program_of_the_page_prints_what_the_page_says(venue: TimedVenue) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    here = source.replace("127.0.0.1:3030", f"127.0.0.1:{venue.web_port}")
    assert here != source
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", here], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


def test_every_path_parameter_field_and_word_is_on_the_page() -> None:
    routes = [*market.ROUTES, *trades.ROUTES, *candles.ROUTES, *alerts.ROUTES]
    assert set(routes) <= set(ROUTES)
    paths = [route.path for route in routes]
    assert [path for path in paths if f"{path.partition('/{alert_id}')[0]}" not in PAGE] == []
    parameters = {field.encode_name for route in routes for field in msgspec.structs.fields(route.query)}
    words = {*parameters, *AlertWish.__struct_fields__, *INTERVALS, *get_args(Condition)}
    assert len(words) > 30
    assert [word for word in sorted(words) if not re.search(rf"[`\"?&]{word}[`\"=]", PAGE)] == []
    limits = (
        f"at most {ALERTS_PER_ACCOUNT_MAX} alerts",
        f"{TRADES_MAX} at the most",
        f"{CANDLES_MAX} at the most",
    )
    assert [limit for limit in (*limits, f"1 to {PERIOD_MAX};") if limit not in PAGE] == []
