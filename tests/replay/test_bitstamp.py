"""Each rule by which a recorded channel becomes commands, as a small story."""

from pathlib import Path

import pytest

from bus.errors import BadFlow
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder, TraderCommand
from bus.protocol.feed import Tick, Trade
from bus.protocol.reports import Accepted, Rejected
from bus.protocol.terms import BUY, SELL
from tests.replay.pure import Replayed, replay
from tools.replay.bitstamp import BitstampFlow

S = "BTC-USD"
NOON_MS = 1_430_438_400_000
LOT = 10**8


def order(event: str, number: int, side: int, amount: str, price: str, after_ms: int = 0) -> str:
    """One line about an order; `side` 0 buys."""
    return (
        f'{NOON_MS + after_ms} order_{event} {{"price": "{price}", "amount": "{amount}",'
        f' "datetime": "1430438404", "id": {number}, "order_type": {side}}}'
    )


def trade(amount: str, price: str, after_ms: int = 0) -> str:
    return f'{NOON_MS + after_ms} trade {{"price": {price}, "amount": {amount}, "id": 1}}'


def snapshot(bid: tuple[str, str], ask: tuple[str, str], after_ms: int = 0) -> str:
    return (
        f'{NOON_MS + after_ms} order_book {{"bids": [["{bid[0]}", "{bid[1]}"], ["1.00", "1.00000000"]],'
        f' "asks": [["{ask[0]}", "{ask[1]}"]]}}'
    )


def told(folder: Path, *lines: str) -> Replayed:
    """What becomes of these lines."""
    file = folder / "log"
    file.write_text("".join(line + "\n" for line in lines))
    flow = BitstampFlow(file, S)
    replayed = replay(flow)
    assert (flow.lines, flow.line) == (len(lines), len(lines))
    return replayed


def commands(folder: Path, *lines: str) -> list[TraderCommand]:
    return told(folder, *lines).commands


def test_a_created_order_is_entered(tmp_path: Path) -> None:
    assert commands(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("created", 2, 1, "0.00000001", "237.00"),
    ) == [EnterOrder("1", S, BUY, 2 * LOT, 23647), EnterOrder("2", S, SELL, 1, 23700)]


def test_a_deleted_order_is_cancelled(tmp_path: Path) -> None:
    replayed = told(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("deleted", 1, 0, "2.00000000", "236.47"),
    )
    assert replayed.commands[1:] == [CancelOrder(0, "1")]
    assert not any(isinstance(report, Rejected) for report in replayed.reports)


def test_an_order_that_was_filled_as_in_the_engine_needs_nothing(tmp_path: Path) -> None:
    """The taker's and the maker's changes, the maker's deletion and the trade are all effects of one entry."""
    replayed = told(
        tmp_path,
        order("created", 1, 1, "1.00000000", "236.47"),
        order("created", 2, 0, "3.00000000", "236.47", 5),
        order("changed", 2, 0, "2.00000000", "236.47", 6),
        order("deleted", 1, 1, "0.00000000", "236.47", 7),
        trade("1.0", "236.47000000000001", 8),
    )
    assert len(replayed.commands) == 2
    assert (replayed.trades.real, replayed.trades.matched()) == (1, 1)


def test_an_amendment_of_the_price_is_a_replace(tmp_path: Path) -> None:
    assert commands(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("changed", 1, 0, "2.00000000", "236.50"),
    )[1:] == [ReplaceOrder("line-2", 0, "1", 23650, 2 * LOT)]


def test_an_amendment_of_the_amount_is_a_replace_that_counts_what_was_filled(tmp_path: Path) -> None:
    """The log gives what is left, a replace the whole quantity."""
    replayed = told(
        tmp_path,
        order("created", 1, 0, "3.00000000", "236.47"),
        order("created", 2, 1, "1.00000000", "236.47"),
        order("changed", 1, 0, "0.50000000", "236.47"),
        snapshot(("236.47", "0.50000000"), ("240.00", "1.00000000")),
        order("created", 3, 1, "1.00000000", "240.00"),
        snapshot(("236.47", "0.50000000"), ("240.00", "1.00000000")),
    )
    assert replayed.commands[2] == ReplaceOrder("line-3", 0, "1", 23647, LOT * 3 // 2)
    assert (replayed.tops.comparable, replayed.tops.equal) == (1, 1)


def test_an_order_that_the_exchange_filled_and_the_engine_did_not_is_taken_out(tmp_path: Path) -> None:
    """It met an order from before the recording."""
    assert commands(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("changed", 1, 0, "1.00000000", "236.47"),
        order("deleted", 1, 0, "0.00000000", "236.47"),
    )[1:] == [ReplaceOrder("line-2", 0, "1", 23647, LOT), CancelOrder(0, "1")]


def test_that_is_known_although_no_other_line_waited_for_it(tmp_path: Path) -> None:
    assert commands(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("deleted", 1, 0, "0.00000000", "236.47"),
    )[1:] == [CancelOrder(0, "1")]


def test_a_change_to_nothing_is_a_cancel(tmp_path: Path) -> None:
    assert commands(
        tmp_path,
        order("created", 1, 0, "2.00000000", "236.47"),
        order("changed", 1, 0, "0.00000000", "236.47"),
    )[1:] == [CancelOrder(0, "1")]


def test_an_order_from_before_the_recording_is_entered_when_it_changes(tmp_path: Path) -> None:
    assert commands(
        tmp_path,
        order("changed", 1, 1, "2.00000000", "236.47"),
        order("changed", 1, 1, "2.00000000", "236.40"),
    ) == [EnterOrder("1", S, SELL, 2 * LOT, 23647), ReplaceOrder("line-2", 0, "1", 23640, 2 * LOT)]


def test_an_order_from_before_the_recording_that_is_deleted_is_passed_over(tmp_path: Path) -> None:
    assert commands(tmp_path, order("deleted", 1, 1, "2.00000000", "236.47")) == []


def test_lines_about_an_order_that_has_gone_do_not_bring_it_back(tmp_path: Path) -> None:
    assert (
        commands(
            tmp_path,
            order("deleted", 1, 0, "2.00000000", "236.47"),
            order("changed", 1, 0, "1.00000000", "236.47"),
            order("created", 1, 0, "2.00000000", "236.47"),
        )
        == []
    )


def test_a_cancel_that_comes_after_the_fill_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """In the engine the order was filled; the exchange says that it was cancelled."""
    replayed = told(
        tmp_path,
        order("created", 1, 0, "1.00000000", "236.47"),
        order("created", 2, 1, "1.00000000", "236.47"),
        order("deleted", 1, 0, "1.00000000", "236.47"),
    )
    assert replayed.commands[2] == CancelOrder(0, "1")
    assert isinstance(replayed.reports[-1], Rejected)


def test_a_snapshot_never_enters_the_book(tmp_path: Path) -> None:
    replayed = told(tmp_path, snapshot(("236.00", "1.00000000"), ("237.00", "1.00000000")))
    assert (replayed.sent, replayed.tops.comparable) == (0, 0)


def test_snapshots_are_compared_where_they_stand(tmp_path: Path) -> None:
    """The second is wrong about a quantity; the third comes before the order that would make it right."""
    replayed = told(
        tmp_path,
        order("created", 1, 0, "1.00000000", "236.00"),
        order("created", 2, 1, "1.00000000", "237.00"),
        snapshot(("236.00", "1.00000000"), ("237.00", "1.00000000")),
        snapshot(("236.00", "1.00000001"), ("237.00", "1.00000000")),
        snapshot(("236.50", "1.00000000"), ("237.00", "1.00000000")),
        order("created", 3, 0, "1.00000000", "236.50"),
    )
    assert (replayed.tops.comparable, replayed.tops.equal) == (3, 1)


def test_a_real_trade_that_the_engine_did_not_make_is_not_matched(tmp_path: Path) -> None:
    replayed = told(
        tmp_path,
        order("created", 1, 1, "1.00000000", "236.47"),
        trade("1.0", "236.47"),
        order("created", 2, 0, "1.00000000", "236.47", 50),
    )
    assert any(isinstance(event, Trade) for event in replayed.events)
    assert (replayed.trades.real, replayed.trades.matched()) == (1, 0)


def test_commands_happen_at_the_times_of_their_lines(tmp_path: Path) -> None:
    replayed = told(
        tmp_path,
        order("created", 1, 0, "1.00000000", "236.00", 10),
        order("created", 2, 0, "1.00000000", "236.00", 10),
        order("created", 3, 0, "1.00000000", "236.00", 7_200_000),
    )
    accepted = [report for report in replayed.reports if isinstance(report, Accepted)]
    assert [report.time_ns - NOON_MS * 10**6 for report in accepted] == [
        10 * 10**6 + 1,
        10 * 10**6 + 2,
        7_200_000 * 10**6 + 1,
    ]
    assert not any(isinstance(event, Tick) for event in replayed.events)


def test_two_runs_send_the_same(tmp_path: Path) -> None:
    lines = [
        order("created", 1, 0, "3.00000000", "236.47"),
        order("created", 2, 1, "1.00000000", "236.47", 3),
        order("changed", 1, 0, "1.00000000", "236.47", 4),
        order("deleted", 1, 0, "1.00000000", "236.47", 9),
    ]
    first, second = told(tmp_path, *lines), told(tmp_path, *lines)
    assert first.reports == second.reports
    assert first.events == second.events


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "a line is `<milliseconds> <event> <json>`"),
        ("x order_created {}", "a line is `<milliseconds> <event> <json>`"),
        ("99999999999999 order_created {}", "a line is `<milliseconds> <event> <json>`"),
        (f"{NOON_MS - 1} trade {{}}", f"{NOON_MS - 1} is earlier than the line before"),
        (f"{NOON_MS} order_moved {{}}", "no such event: order_moved"),
        (f"{NOON_MS} trade {{", "trade: Input data was truncated"),
        (f"{NOON_MS} order_created {{}}", "order_created: Object missing required field `id`"),
        (
            order("created", 2, 2, "1.0", "1.0"),
            "order_created: Invalid enum value 2 - at `$.order_type`",
        ),
        (
            order("created", 2, 0, "1.0", "1.001"),
            "order_created: '1.001' is not a whole number of ticks of 0.01",
        ),
        (
            order("created", 2, 0, "0.000000001", "1"),
            "order_created: '0.000000001' is not a whole number of lots of 0.00000001",
        ),
        (trade("NaN", "1"), "trade: JSON is malformed: invalid character (byte 23)"),
        (trade("-1", "1"), "trade: '-1.00000000' is not a decimal number"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(BadFlow) as refusal:
        told(tmp_path, order("created", 1, 0, "2.00000000", "236.47"), line)
    assert str(refusal.value) == f"{tmp_path / 'log'}:2: {what}"
