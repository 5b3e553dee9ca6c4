"""A file of commands becomes exactly these commands, or is refused in one line before anything is sent."""

from pathlib import Path

import pytest

from bus.errors import BadFlow
from bus.protocol.commands import AdvanceClock, CancelOrder, EnterOrder, ReplaceOrder
from bus.protocol.reports import Accepted
from bus.protocol.terms import BUY, FOK, GTC, IOC, LIMIT, MARKET, POST_ONLY, SELL
from tests.replay.pure import bitcoin, replay
from tools.replay.batches import BATCH_COMMANDS_MAX
from tools.replay.csv_flow import COLUMNS, CsvFlow
from tools.replay.flow import Send, Step
from tools.replay.scale import Scale

S = "BTC-USD"
SCALES = {S: Scale.of(bitcoin())}
LOT = 10**8


def written(folder: Path, *lines: str) -> Path:
    file = folder / "flow.csv"
    file.write_text("".join(line + "\n" for line in lines))
    return file


def steps(folder: Path, *lines: str, symbol: str = "") -> list[Step]:
    return list(CsvFlow(written(folder, *lines), symbol).steps(SCALES))


def test_every_action_and_every_column(tmp_path: Path) -> None:
    assert steps(
        tmp_path,
        "time,action,client_order_id,symbol,side,quantity,price,order_type,time_in_force,post_only,request_id",
        "1700000000000000000,enter,a,BTC-USD,buy,2,236.47,,,,",
        "1700000000000000000,enter,b,BTC-USD,sell,0.5,240,limit,GTC,true,",
        "1700000000000000001,enter,c,BTC-USD,sell,1,,market,,,",
        "1700000000000000001,enter,d,BTC-USD,buy,1,236,limit,FOK,false,",
        "2023-11-14T22:13:21Z,replace,a,BTC-USD,,3,,,,,r1",
        "2023-11-14T22:13:21.000000007Z,replace,a,BTC-USD,,,236.5,,,,",
        "2023-11-14 23:13:22.5+01:00,cancel,a,,,,,,,,",
    ) == [
        Send(1_700_000_000_000_000_000, EnterOrder("a", S, BUY, 2 * LOT, 23647, LIMIT, GTC, 0)),
        Send(1_700_000_000_000_000_000, EnterOrder("b", S, SELL, LOT // 2, 24000, LIMIT, GTC, POST_ONLY)),
        Send(1_700_000_000_000_000_001, EnterOrder("c", S, SELL, LOT, 0, MARKET, IOC, 0)),
        Send(1_700_000_000_000_000_001, EnterOrder("d", S, BUY, LOT, 23600, LIMIT, FOK, 0)),
        Send(1_700_000_001_000_000_000, ReplaceOrder("r1", 0, "a", 0, 3 * LOT)),
        Send(1_700_000_001_000_000_007, ReplaceOrder("line-7", 0, "a", 23650, 0)),
        Send(1_700_000_002_500_000_000, CancelOrder(0, "a")),
    ]


def test_columns_come_in_any_order_and_most_may_be_missing(tmp_path: Path) -> None:
    assert steps(
        tmp_path, "price,quantity,client_order_id,action,side", "1.5,2,a,enter,buy", "", symbol=S
    ) == [Send(0, EnterOrder("a", S, BUY, 2 * LOT, 150))]


def test_quotes_and_blanks_around_cells_are_no_part_of_them(tmp_path: Path) -> None:
    assert steps(tmp_path, "action, client_order_id", '"cancel", "a,b"') == [Send(0, CancelOrder(0, "a,b"))]


def test_it_knows_its_symbols_and_whether_it_has_times(tmp_path: Path) -> None:
    lines = ["action,client_order_id,symbol,side,quantity,price"]
    lines += [f"enter,{n},{symbol},buy,1,1" for n, symbol in enumerate(["B-USD", "A-USD", "B-USD"])]
    flow = CsvFlow(written(tmp_path, *lines))
    assert (flow.symbols, flow.has_times, flow.lines) == (("B-USD", "A-USD"), False, 4)
    assert CsvFlow(written(tmp_path, "action,client_order_id,time")).has_times


def test_a_flow_that_sleeps_for_days_is_not_taken_for_a_stale_one(tmp_path: Path) -> None:
    """The engine refuses what was made 23 hours ago, by its own time: the replayer hears the time before it goes on."""
    lines = [f"2026-01-{day:02}T12:00:00Z,enter,{day},buy,1,1" for day in range(1, 29)]
    flow = CsvFlow(written(tmp_path, "time,action,client_order_id,side,quantity,price", *lines), S)
    replayed = replay(flow)
    assert len([report for report in replayed.reports if isinstance(report, Accepted)]) == 28


def test_half_an_hour_a_hundred_times_is_not_either(tmp_path: Path) -> None:
    times = [1_700_000_000 + 1800 * n for n in range(100)]
    lines = [f"{time}000000000,enter,{time},buy,1,1" for time in times]
    flow = CsvFlow(written(tmp_path, "time,action,client_order_id,side,quantity,price", *lines), S)
    replayed = replay(flow)
    assert len([report for report in replayed.reports if isinstance(report, Accepted)]) == 100
    assert replayed.messages > 1


def test_a_long_flow_goes_out_in_messages_of_bounded_size(tmp_path: Path) -> None:
    lines = [f"enter,{n},buy,1,1" for n in range(2 * BATCH_COMMANDS_MAX + 1)]
    replayed = replay(CsvFlow(written(tmp_path, "action,client_order_id,side,quantity,price", *lines), S))
    assert (replayed.sent, replayed.messages) == (2 * BATCH_COMMANDS_MAX + 1, 3)


def test_commands_closer_than_the_clock_can_tell_need_no_clock(tmp_path: Path) -> None:
    """Each command takes the engine 1 ns: three at one time bring it past the next two times."""
    times = [5, 5, 5, 6, 7, 9]
    lines = [f"170000000000000000{t},enter,{n},buy,1,1" for n, t in enumerate(times)]
    flow = CsvFlow(written(tmp_path, "time,action,client_order_id,side,quantity,price", *lines), S)
    replayed = replay(flow)
    assert replayed.sent - len(replayed.commands) == 1  # one AdvanceClock
    assert [r.time_ns % 100 for r in replayed.reports if isinstance(r, Accepted)] == [6, 7, 8, 9, 10, 11]
    assert not any(isinstance(command, AdvanceClock) for command in replayed.commands)


def test_a_paced_flow_is_sent_one_moment_at_a_time(tmp_path: Path) -> None:
    times = [100, 100, 200, 300]
    lines = [f"1700000000000000{t},enter,{n},buy,1,1" for n, t in enumerate(times)]
    file = written(tmp_path, "time,action,client_order_id,side,quantity,price", *lines)
    # The first message waits for its answer, since the clock comes a long way.
    assert replay(CsvFlow(file, S), paced=True).messages == 4
    assert replay(CsvFlow(file, S)).messages == 2


HEADER = (
    "time,action,client_order_id,symbol,side,quantity,price,order_type,time_in_force,post_only,request_id"
)
NO_TIME = "neither nanoseconds since 1970 nor like 2026-01-31T09:30:00.123456789Z"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("5,enter,a,X-Y,buy,1,1", "7 cells, the header has 11"),
        ('5,enter,"a,X-Y,buy,1,1,,,,', "not CSV: unexpected end of data"),
        ("5,,a,X-Y,buy,1,1,,,,", "column action: is empty"),
        ("5,buy,a,X-Y,buy,1,1,,,,", "column action: 'buy' is not enter or cancel or replace"),
        ("5,enter,,X-Y,buy,1,1,,,,", "column client_order_id: is empty"),
        (
            f"5,enter,{'a' * 37},X-Y,buy,1,1,,,,",
            "column client_order_id: an id is 1 to 36 printable characters",
        ),
        ("5,enter,a,,buy,1,1,,,,", "column symbol: is empty, and --symbol names none"),
        ("5,enter,a,x,buy,1,1,,,,", "column symbol: a symbol is 1 to 20 of A-Z 0-9 _ -"),
        ("5,enter,a,X-Y,,1,1,,,,", "column side: is empty"),
        ("5,enter,a,X-Y,Buy,1,1,,,,", "column side: 'Buy' is not buy or sell"),
        ("5,enter,a,X-Y,buy,,1,,,,", "column quantity: is empty"),
        ("5,enter,a,X-Y,buy,1,,,,,", "column price: is empty"),
        ("5,enter,a,X-Y,buy,1,1,market,,,", "column price: a market order has none: leave it empty"),
        ("5,enter,a,X-Y,buy,1,1,stop,,,", "column order_type: 'stop' is not limit or market"),
        ("5,enter,a,X-Y,buy,1,1,,DAY,,", "column time_in_force: 'DAY' is not GTC or IOC or FOK"),
        ("5,enter,a,X-Y,buy,1,1,,,yes,", "column post_only: 'yes' is not true or false or 1 or 0"),
        ("5,enter,a,X-Y,buy,1,1,,,,r", "column request_id: is not for enter: leave it empty"),
        ("5,cancel,a,X-Y,,,1,,,,", "column price: is not for cancel: leave it empty"),
        ("5,replace,a,X-Y,buy,,1,,,,", "column side: is not for replace: leave it empty"),
        ("5,replace,a,X-Y,,,,,,,", "column price: a replace names a new price, a new quantity or both"),
        ("3,cancel,a,,,,,,,,", "column time: earlier than the line before"),
        (",cancel,a,,,,,,,,", f"column time: '' is {NO_TIME}"),
        ("0,cancel,a,,,,,,,,", f"column time: '0' is {NO_TIME}"),
        ("1e9,cancel,a,,,,,,,,", f"column time: '1e9' is {NO_TIME}"),
        ("9223372036854775808,cancel,a,,,,,,,,", f"column time: '9223372036854775808' is {NO_TIME}"),
        ("2026-02-31T00:00:00Z,cancel,a,,,,,,,,", f"column time: '2026-02-31T00:00:00Z' is {NO_TIME}"),
        ("2026-01-31T00:00:00,cancel,a,,,,,,,,", f"column time: '2026-01-31T00:00:00' is {NO_TIME}"),
        ("9999-01-31T00:00:00Z,cancel,a,,,,,,,,", f"column time: '9999-01-31T00:00:00Z' is {NO_TIME}"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    file = written(tmp_path, HEADER, "4,cancel,z,,,,,,,,", line, "5,cancel,a,,,,,,,,")
    with pytest.raises(BadFlow) as refusal:
        CsvFlow(file)
    assert str(refusal.value) == f"{file}:3: {what}"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("5,enter,a,BTC-USD,buy,1,1.001,,,,", "column price: '1.001' is not a whole number of ticks of 0.01"),
        ("5,enter,a,BTC-USD,buy,1,0,,,,", "column price: is 0"),
        ("5,replace,a,BTC-USD,,0,,,,,", "column quantity: is 0"),
        ("5,enter,a,BTC-USD,buy,-1,1,,,,", "column quantity: '-1' is not a decimal number"),
        (
            "5,enter,a,BTC-USD,buy,99999999999999,1,,,,",
            "column quantity: '99999999999999' is too large",
        ),
    ],
)
def test_a_number_that_does_not_fit_is_named_before_the_first_step(
    tmp_path: Path, line: str, what: str
) -> None:
    file = written(tmp_path, HEADER, "4,cancel,z,,,,,,,,", line)
    flow = CsvFlow(file)
    with pytest.raises(BadFlow) as refusal:
        next(flow.steps(SCALES))
    assert str(refusal.value) == f"{file}:3: {what}"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("action,client_order_id,qty", f"column qty: no such column; there are {', '.join(COLUMNS)}"),
        ("action,client_order_id,action", "column action: stands twice in the header"),
        ("client_order_id,price", "column action: missing in the header"),
        ("action,price", "column client_order_id: missing in the header"),
    ],
)
def test_a_bad_header_is_named(tmp_path: Path, header: str, what: str) -> None:
    file = written(tmp_path, header, "enter,1,1")
    with pytest.raises(BadFlow) as refusal:
        CsvFlow(file)
    assert str(refusal.value) == f"{file}:1: {what}"


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFlow, match="no header: the first line names the columns"):
        CsvFlow(written(tmp_path))
