"""The scripts of the trading page that decide something, each asked alone in a real browser, with nobody behind it."""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest

from tests.support.browser import Watched, chromium
from tests.support.web_server import WebServer

#: What a market is to these scripts.
MARKET = """
const { Step } = await import("/page/numbers.js");
const market = {
  symbol: "BTC-USD",
  tick: new Step("0.01"),
  lot: new Step("0.001"),
  instrument: { price_min: "0.01", price_max: "1000000", quantity_min: "0.001", quantity_max: "1000" },
};
"""
NOW_MS = 1_767_225_600_000
#: A limit order as the ticket has it before anything was written.
FORM = {
    "side": "buy", "type": "limit", "force": "GTC", "quantity": "1", "price": "99", "trigger": "", "trail": "",
    "trailUnit": "points", "peg": "best-bid", "pegOffset": "", "protection": "", "expires": "", "post": "",
    "hidden": False, "display": "", "minimum": "", "selfTrade": "", "cancelsWith": "", "triggeredBy": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def asked() -> Iterator[Watched]:
    """A page of the server that runs no script of its own."""
    with WebServer() as server, chromium() as browser:
        page = Watched(browser, f"http://127.0.0.1:{server.port}/page/icon.svg")
        yield page
        assert page.complaints == []
        page.close()


def run(asked: Watched, script: str, *words: Any) -> Any:
    """What a script returns; `words` are its arguments, by that name."""
    return asked.page.evaluate(f"async (words) => {{ {script} }}", list(words))


def funded(asked: Watched, free: dict[str, str], **changes: Any) -> Any:
    """The same where orders are backed, and so much is free; and what the order would hold."""
    script = """
    const { holdOf, orderOf } = await import('/page/order.js');
    Object.assign(market.instrument, { base: "BTC", quote: "USD" });
    const funds = { clears: true, free: (asset) => words[2][asset] ?? "0" };
    const { problem = "", field = "" } = orderOf(words[0], market, words[1], funds);
    return [holdOf(words[0], market), field, problem];
    """
    return run(asked, MARKET + script, {**FORM, **changes}, NOW_MS, free)


def test_an_order_is_backed_or_says_what_is_missing(asked: Watched) -> None:
    assert funded(asked, {"USD": "99"}) == [["99", "USD"], "", ""]
    hold, field, problem = funded(asked, {"USD": "98.999999", "BTC": "5"}, quantity="1.0", price="99.00")
    assert (float(hold[0]), hold[1], field) == (99.0, "USD", "quantity")
    assert problem == "Not enough funds: this takes 99.00 USD, and 98.999999 USD is free."
    assert funded(asked, {"BTC": "1"}, side="sell", quantity="1.000") == [["1.000", "BTC"], "", ""]
    assert funded(asked, {"BTC": "0.999"}, side="sell")[1] == "quantity"
    # What buys at market is backed by the worst price, what sells by its quantity.
    market = {"type": "market", "force": "IOC", "price": ""}
    rich = {"USD": "1000", "BTC": "1000"}
    assert funded(asked, rich, **market)[1] == "protection"
    assert funded(asked, rich, **market, protection="101")[1:] == ["", ""]
    assert funded(asked, rich, **market, side="sell")[1:] == ["", ""]
    # Of orders that hold later, or together with others, the engine alone knows.
    assert funded(asked, {}, cancelsWith="other")[1:] == ["", ""]
    assert funded(asked, {}, triggeredBy="other") == [None, "", ""]


def test_a_share_of_what_is_free_is_whole_lots_that_it_pays_for(asked: Watched) -> None:
    script = "const { Step } = await import('/page/numbers.js'); const lot = new Step(words[0]);"
    script += "return words[1].map(([free, percent, price]) => lot.share(free, BigInt(percent), price));"
    rows = [
        ["1000", 100, "3"],
        ["1000", 25, "3"],
        ["0.0029", 100, "1"],
        ["0", 50, "7.5"],
        ["123456.789", 75, "0.01"],
    ]
    assert run(asked, script, "0.001", rows) == ["333.333", "83.333", "0.002", "0.000", "9259259.175"]


def test_a_share_leaves_room_for_the_fee(asked: Watched) -> None:
    script = "const { Step } = await import('/page/numbers.js');"
    script += "return new Step('0.001').share(words[0], 100n, words[1], BigInt(words[2]));"
    # A lot costs 0.1 and 0.0002 of fee, which may be rounded up by a unit: 9,979 of them are 999.905779.
    assert run(asked, script, "1000.000000", "100", 2_000_000) == "9.979"
    assert run(asked, script, "1000.000000", "100", 0) == "10.000"


def test_amounts_of_money_have_two_decimals_or_what_they_need(asked: Watched) -> None:
    script = "const { amount, plus } = await import('/page/numbers.js');"
    script += "return words[0].map((text) => [amount(text), plus(text)]);"
    assert run(asked, script, ["1000.000000", "-1234.500000", "0.00000001", "0.000000", "-7"]) == [
        ["1000.00", "+1,000.00"],
        ["-1234.50", "-1,234.50"],
        ["0.00000001", "+0.00000001"],
        ["0.00", "0.00"],
        ["-7.00", "-7.00"],
    ]


def judged(asked: Watched, **changes: Any) -> Any:
    """What becomes of a form: an order, or a field and its problem."""
    script = "const { orderOf } = await import('/page/order.js'); return orderOf(words[0], market, words[1]);"
    return run(asked, MARKET + script, {**FORM, **changes}, NOW_MS)


@pytest.mark.parametrize(
    ("changes", "further"),
    [
        ({}, {"price": "99"}),
        ({"post": "only"}, {"price": "99", "post_only": True}),
        ({"post": "reprice"}, {"price": "99", "post_only_reprice": True}),
        ({"hidden": True}, {"price": "99", "hidden": True}),
        ({"display": "0.1"}, {"price": "99", "display_quantity": "0.1"}),
        ({"force": "IOC", "minimum": "0.5"}, {"price": "99", "minimum_quantity": "0.5"}),
        ({"type": "market", "force": "IOC", "price": ""}, {}),
        ({"type": "market", "force": "FOK", "protection": "101"}, {"price": "101"}),
        ({"type": "stop", "trigger": "150"}, {"trigger_price": "150"}),
        ({"type": "stop-limit", "trigger": "150"}, {"trigger_price": "150", "price": "99"}),
        ({"type": "take-profit", "trigger": "50"}, {"trigger_price": "50"}),
        ({"type": "trailing-stop", "trail": "150"}, {"trail_basis_points": 150}),
        ({"type": "trailing-stop", "trail": "1.5", "trailUnit": "distance"}, {"trail_distance": "1.5"}),
        ({"type": "pegged", "pegOffset": "-0.05"}, {"peg": "best-bid", "peg_offset": "-0.05"}),
        ({"type": "pegged", "peg": "midpoint", "hidden": True}, {"peg": "midpoint", "hidden": True}),
        (
            {"selfTrade": "cancel-oldest", "cancelsWith": "a", "triggeredBy": "b"},
            {"price": "99", "self_trade": "cancel-oldest", "cancels_with": "a", "triggered_by": "b"},
        ),
    ],
)
def test_a_form_is_the_order_that_it_says(
    asked: Watched, changes: dict[str, Any], further: dict[str, Any]
) -> None:
    form = {**FORM, **changes}
    common = {"symbol": "BTC-USD", "side": "buy", "quantity": "1"}
    expected = {**common, "type": form["type"], "time_in_force": form["force"], **further}
    assert judged(asked, **changes) == {"order": expected}


def in_phase(asked: Watched, phase: str, **changes: Any) -> Any:
    """As `judged`, in a phase of the market."""
    script = (
        "const { orderOf } = await import('/page/order.js'); market.status = { phase: words[2] };"
        " return orderOf(words[0], market, words[1]);"
    )
    return run(asked, MARKET + script, {**FORM, **changes}, NOW_MS, phase)


@pytest.mark.parametrize(
    ("phase", "changes", "field"),
    [
        ("halted", {}, "type"),
        ("closed", {"force": "GFA"}, "type"),
        ("opening-auction", {"force": "IOC"}, "force"),
        ("pre-open", {"type": "market", "force": "FOK", "price": ""}, "force"),
        ("closing-auction", {"type": "pegged"}, "type"),
        ("volatility-auction", {"post": "only"}, "post"),
        ("opening-auction", {"minimum": "0.5"}, "minimum"),
        ("continuous", {"force": "ATO", "hidden": True}, "hidden"),
        ("continuous", {"force": "ATC", "cancelsWith": "a"}, "cancelsWith"),
    ],
)
def test_what_a_phase_does_not_take_is_said_by_its_field(
    asked: Watched, phase: str, changes: dict[str, Any], field: str
) -> None:
    assert in_phase(asked, phase, **changes)["field"] == field


@pytest.mark.parametrize(
    ("phase", "changes"),
    [
        ("opening-auction", {}),
        ("opening-auction", {"force": "ATO"}),
        ("closing-auction", {"type": "market", "force": "ATC", "price": ""}),
        ("volatility-auction", {"type": "stop", "trigger": "150"}),
        ("continuous", {"force": "GFA"}),
        ("lunch", {"force": "IOC"}),
    ],
)
def test_what_a_phase_takes_is_an_order(asked: Watched, phase: str, changes: dict[str, Any]) -> None:
    said = in_phase(asked, phase, **changes)
    assert said["order"]["time_in_force"] == changes.get("force", "GTC")


def test_a_time_that_is_left(asked: Watched) -> None:
    script = "const { left } = await import('/page/phase.js'); return words[0].map(left);"
    times = [-5, 0, 1, 4_001, 59_999, 3_599_001, 3_600_000, 36_061_000]
    assert run(asked, script, times) == [
        *("0:00", "0:00", "0:01", "0:05", "1:00", "1:00:00", "1:00:00", "10:01:01"),
    ]


def test_good_till_date_is_said_in_ms(asked: Watched) -> None:
    # The browser runs in the machine's own zone, and a field for times has no other.
    said = judged(asked, force="GTD", expires="2026-06-01T10:00")["order"]
    assert said["expires_ms"] == asked.page.evaluate("new Date('2026-06-01T10:00').getTime()")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": ""}, "price"),
        ({"price": "9e1"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "0"}, "price"),
        ({"price": "99.005"}, "price"),
        ({"price": "1000000.01"}, "price"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "0.0005"}, "quantity"),
        ({"quantity": "1000.001"}, "quantity"),
        ({"quantity": "1" * 41}, "quantity"),
        ({"type": "stop"}, "trigger"),
        ({"type": "stop-limit", "trigger": "150", "price": ""}, "price"),
        ({"type": "trailing-stop"}, "trail"),
        ({"type": "trailing-stop", "trail": "1.5"}, "trail"),
        ({"type": "trailing-stop", "trail": "10000"}, "trail"),
        ({"type": "trailing-stop", "trail": "0", "trailUnit": "distance"}, "trail"),
        ({"type": "pegged", "pegOffset": "0.001"}, "pegOffset"),
        ({"type": "pegged", "peg": "midpoint"}, "hidden"),
        ({"force": "GTD"}, "expires"),
        ({"force": "GTD", "expires": "2020-01-01T00:00"}, "expires"),
        ({"force": "IOC", "post": "only"}, "post"),
        ({"force": "FOK", "hidden": True}, "hidden"),
        ({"display": "1"}, "display"),
        ({"display": "0.1", "hidden": True}, "display"),
        ({"minimum": "2"}, "minimum"),
    ],
)
def test_what_makes_no_order_is_said_by_its_field(
    asked: Watched, changes: dict[str, Any], field: str
) -> None:
    said = judged(asked, **changes)
    assert set(said) == {"field", "problem"}
    assert said["field"] == field
    assert said["problem"].endswith(".")


def snapshot(seq: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    """A whole book, as the stream tells it."""
    return {
        "event": "snapshot",
        "seq": seq,
        "checksum": checksum(bids, asks),
        "bids": bids,
        "asks": asks,
    }


def checksum(*sides: list[list[str]]) -> int:
    """As docs/websocket.md says."""
    return crc32("".join(f"{price}:{quantity};" for side in sides for price, quantity in side).encode())


FIRST = snapshot(10, [["99.00", "1.000"], ["98.00", "2.000"]], [["101.00", "3.000"]])
BOOK = f"""{MARKET}
const {{ Book }} = await import("/page/book.js");
const book = new Book(market.tick, market.lot);
const taken = words.map((message) => book.take(message));
const rows = (side, step = 1) => side.levels(3, step).map(([tick, lots, total]) => [tick, lots, total]);
"""


def update(seq: int, prev_seq: int, sum_: int, **sides: list[list[str]]) -> dict[str, Any]:
    """A change."""
    return {
        "event": "update",
        "seq": seq,
        "prev_seq": prev_seq,
        "checksum": sum_,
        "bids": [],
        "asks": [],
    } | sides


def test_a_book_follows_its_changes_and_proves_itself(asked: Watched) -> None:
    after = checksum([["98.50", "4.000"], ["98.00", "2.000"]], [["101.00", "3.000"]])
    said = run(
        asked,
        f"{BOOK} return [taken, rows(book.bids), rows(book.asks), book.best, book.sequence];",
        FIRST,
        update(9, 8, 0, bids=[["1.00", "1.000"]]),
        update(12, 10, after, bids=[["99.00", "0"], ["98.50", "4.000"]]),
    )
    bids = [[9850, 4000, 4000], [9800, 2000, 6000]]
    assert said == [[True, True, True], bids, [[10100, 3000, 3000]], [9850, 10100], 12]


@pytest.mark.parametrize(
    "wrong",
    [update(12, 11, FIRST["checksum"]), update(12, 10, FIRST["checksum"] ^ 1), {**FIRST, "checksum": 0}],
    ids=["a gap", "another checksum", "a snapshot of something else"],
)
def test_a_book_that_is_not_what_was_told_wants_the_whole_again(
    asked: Watched, wrong: dict[str, Any]
) -> None:
    later = update(14, 12, 0, bids=[["50.00", "1.000"]])
    script = f"{BOOK} return [taken, book.sequence];"
    assert run(asked, script, FIRST, wrong, later) == [[True, False, True], None]
    assert run(asked, script, FIRST, wrong, later, FIRST) == [[True, False, True, True], 10]


def test_levels_are_put_together_away_from_the_middle(asked: Watched) -> None:
    bids, asks = (
        [["99.99", "1.000"], ["99.95", "1.000"], ["99.89", "1.000"]],
        [["100.01", "1.000"], ["100.11", "2.000"]],
    )
    said = run(asked, f"{BOOK} return [rows(book.bids, 10), rows(book.asks, 10)];", snapshot(1, bids, asks))
    assert said == [[[9990, 2000, 2000], [9980, 1000, 3000]], [[10010, 1000, 1000], [10020, 2000, 3000]]]


def test_decimals_are_exact(asked: Watched) -> None:
    script = """
    const { compare, exact, grouped, product, Step, compact, percent } = await import("/page/numbers.js");
    const tick = new Step("0.01");
    return [
      product("0.1", "0.2"), product("123456789012345678.9", "10"), compare("0.10", "0.1"), compare("9", "10"),
      tick.divides("0.07"), tick.divides("0.075"), tick.moved("0.01", -5), tick.moved("0.29", 1),
      tick.text(123456789), grouped("1234567.8901"), compact("12345678"), percent(-0.001), percent(1.005), percent(-2),
    ];"""
    assert run(asked, script) == [
        "0.02", "1234567890123456789.0", 0, -1, True, False, "0.01", "0.30", "1234567.89", "1,234,567.8901",
        "12.35M", "0.00%", "+1.00%", "-2.00%",
    ]  # fmt: skip
