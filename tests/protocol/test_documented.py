"""`docs/protocol.md` says what the code does: tables, numbers, limits, examples byte by byte, and the client in it.

Each check stands here twice: pointed at the page, where it must find nothing, and at the page with a planted error.
"""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bus.config_loading import settings
from bus.journal.checkpoint import REPLAY_RING_COMMANDS
from bus.node import HOUSEKEEPING_MS, SETTLE_MS
from bus.protocol import (
    codec,
    commands,
    control,
    exposure,
    feed,
    history,
    history_codec,
    records,
    recovery,
    reports,
    status,
    terms,
)
from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.reasons import REASONS
from bus.replication.deep_recovery import PATIENCE_MS, WAITING_MAX, WAITING_PER_READER_MAX
from bus.sessions import LEASE_MS_DEFAULT, LEASE_MS_MAX, LEASE_MS_MIN
from bus.sockets.client import Client
from bus.sockets.gateway import ACCOUNTS_MAX, LARGE_ANSWERS_MAX
from bus.sockets.publication import CHANGED_HEARTBEATS_MAX
from bus.sockets.recovery import REPLAY_BYTES_MAX, REQUESTS_PER_MESSAGE_MAX
from bus.sockets.router import HARD_LIMIT_FACTOR
from matcher.gate.instruments import DECIMALS_MAX, QUANTITY_LIMIT_LOTS
from matcher.ledger.account import AHEAD_NS, REMEMBER_NS, STALE_NS
from publisher.oversight.history import answers, queries
from tests.support import protocol_page
from tests.support.processes import Processes

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text(encoding="utf-8")
KINDS = [
    kind
    for module in (commands, control, reports, feed, recovery, status, history, exposure, records)
    for kind in protocol_page.structs_of(module)
]
STRUCTS: dict[str, list[type[msgspec.Struct]]] = {
    **{kind.__name__: [kind] for kind in KINDS},
    "Message": [codec.ControlMessage, codec.RecoveryMessage, history_codec.HistoryMessage],
    "CommandMessage": [codec.CommandMessage],
    "Envelope": [codec.Envelope, codec.RecoveryEnvelope, history_codec.HistoryEnvelope],
    "Frame": [codec.Frame],
    "ExposureFrame": [history_codec.ExposureFrame],
    "DropGroup": [codec.DropGroup],
}
NUMBERS = {
    "Side": terms.SIDES,
    "Order type": terms.ORDER_TYPES,
    "Peg": terms.PEGS,
    "Self-trade": terms.SELF_TRADES,
    "Time in force": terms.TIMES_IN_FORCE,
    "Flags": terms.FLAGS,
    "Options": terms.OPTIONS,
    "Phase": terms.PHASES,
    "Weekdays": terms.WEEKDAYS,
    "Cause": terms.CAUSES,
    "Stop cause": terms.STOP_CAUSES,
    "Unbalance": terms.UNBALANCES,
    "Matching": terms.MATCHINGS,
    "Order status": terms.ORDER_STATUSES,
    "Liquidity": terms.LIQUIDITIES,
    "Role": terms.ROLES,
    "Clock": terms.CLOCKS,
    "Clearing": terms.CLEARINGS,
    "Fee basis": terms.FEE_BASES,
    "Fee asset": terms.FEE_ASSETS,
    "Rounding": terms.ROUNDINGS,
    "Kind of book": terms.BOOK_KINDS,
    "Order state": history.ORDER_STATES,
    "Execution state": history.EXECUTION_STATES,
    "Movement kind": history.MOVEMENT_KINDS,
    "Ranking": exposure.RANKINGS,
}
NS_PER_HOUR = 3600 * 1_000_000_000
LIMITS = {
    **{
        setting.key: setting.default
        for setting in settings()
        if setting.section == "limits" and setting.name != "drain_bytes_max"
    },
    "feed.heartbeat_interval_ms": next(s.default for s in settings() if s.name == "heartbeat_interval_ms"),
    "HOUSEKEEPING_MS": HOUSEKEEPING_MS,
    "CHANGED_HEARTBEATS_MAX": CHANGED_HEARTBEATS_MAX,
    "SETTLE_MS": SETTLE_MS,
    "HARD_LIMIT_FACTOR": HARD_LIMIT_FACTOR,
    "REQUESTS_PER_MESSAGE_MAX": REQUESTS_PER_MESSAGE_MAX,
    "HISTORY_REQUESTS_PER_MESSAGE_MAX": answers.REQUESTS_PER_MESSAGE_MAX,
    "WEIGHED_SYMBOLS_MAX": queries.WEIGHED_SYMBOLS_MAX,
    "ROWS_PER_PAGE_MAX": history.ROWS_PER_PAGE_MAX,
    "REQUESTS_PER_CONNECTION_MAX": answers.REQUESTS_PER_CONNECTION_MAX,
    "REQUESTS_WAITING_MAX": answers.REQUESTS_WAITING_MAX,
    "AT_LEAST_WAIT_MS": answers.AT_LEAST_WAIT_MS,
    "WAITING_PER_READER_MAX": WAITING_PER_READER_MAX,
    "WAITING_MAX": WAITING_MAX,
    "PATIENCE_MS": PATIENCE_MS,
    "ACCOUNTS_MAX": ACCOUNTS_MAX,
    "LARGE_ANSWERS_MAX": LARGE_ANSWERS_MAX,
    "LEASE_MS_MIN": LEASE_MS_MIN,
    "LEASE_MS_MAX": LEASE_MS_MAX,
    "LEASE_MS_DEFAULT": LEASE_MS_DEFAULT,
    "REMEMBER_NS": REMEMBER_NS // NS_PER_HOUR,
    "STALE_NS": STALE_NS // NS_PER_HOUR,
    "AHEAD_NS": AHEAD_NS // NS_PER_HOUR,
    "REPLAY_RING_COMMANDS": REPLAY_RING_COMMANDS,
    "REPLAY_BYTES_MAX": REPLAY_BYTES_MAX,
    "CHECKSUM_LEVELS": CHECKSUM_LEVELS,
    "DECIMALS_MAX": DECIMALS_MAX,
    "QUANTITY_LIMIT_LOTS": QUANTITY_LIMIT_LOTS,
}


def planted(old: str, new: str) -> str:
    """The page with an error in it."""
    assert old in PAGE, f"{old!r} stands no longer in the page: plant another error"
    return PAGE.replace(old, new, 1)


# Tables


def test_every_struct_has_a_table_of_exactly_its_fields() -> None:
    assert list(protocol_page.structs_not_in_page(PAGE, STRUCTS)) == []
    assert list(protocol_page.unknown_tags(PAGE, KINDS)) == []


def test_the_page_has_every_envelope() -> None:
    in_the_page = {kind.__name__ for kinds in STRUCTS.values() for kind in kinds}
    # Never on the wire; or a Frame whose events are undecoded, or groups.
    elsewhere = {"PartialCommandMessage", "FrameHeader", "DropFrame"}
    public = {kind.__name__ for kind in protocol_page.structs_of(codec) if not kind.__name__.startswith("_")}
    assert public - in_the_page == elsewhere
    drop_frame = protocol_page.rows_of(codec.DropFrame)
    assert drop_frame[:-1] == protocol_page.rows_of(codec.Frame)[: len(drop_frame) - 1]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("### MassCancel", "### Mass", "MassCancel has no section"),
        ("| 1 | symbol | text 0-20 |", "| 1 | symbols | text 0-20 |", "MassCancel, row 1"),
        ("| 1 | symbol | text 0-20 |", "| 1 | symbol | text 1-20 |", "MassCancel, row 1"),
        ("| 1 | symbol | text 0-20 |", "| 2 | symbol | text 0-20 |", "MassCancel, row 1"),
        ("| 2 | side | int | | `0` |", "| 2 | side | int | | — |", "MassCancel, row 2"),
        ("| 0 | tag | `13` |", "| 0 | tag | `14` |", "MassCancel, row 0"),
        ("| 1 | time_ns | uint | ns |", "| 1 | time_ns | uint | ms |", "AdvanceClock.time_ns: its unit"),
        ("| 6 | count |", "| 7 | more | int | | — | |\n| 6 | count |", "Completed, row 6"),
    ],
)
def test_a_table_that_differs_is_found(old: str, new: str, found: str) -> None:
    problems = list(protocol_page.structs_not_in_page(planted(old, new), STRUCTS))
    assert problems
    assert problems[0].startswith(found)


def test_a_missing_row_and_an_unknown_tag_are_found() -> None:
    without = re.sub(r"\| 6 \| count .*\n", "", PAGE)
    assert next(iter(protocol_page.structs_not_in_page(without, STRUCTS))).startswith("Completed, row 6")
    unknown = planted(
        "### Reasons", "### Gone\n\n| a | b | c |\n|---|---|---|\n| 0 | tag | `47` | | | |\n\n### Reasons"
    )
    assert list(protocol_page.unknown_tags(unknown, KINDS)) == ["Gone has the tag `47`, the code has not"]


# Numbers


def test_every_number_with_a_name_is_in_the_page() -> None:
    assert list(protocol_page.numbers_not_in_page(PAGE, NUMBERS)) == []


def test_no_group_of_numbers_is_forgotten() -> None:
    groups = [
        value for value in vars(terms).values() if isinstance(value, dict) and value.keys() <= set(range(99))
    ]
    assert [group for group in groups if group not in NUMBERS.values()] == []


def test_every_reason_is_in_the_page() -> None:
    assert list(protocol_page.reasons_not_in_page(PAGE, REASONS)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("| 3 | FOK |", "| 4 | FOK |"), ("| 2 | sell |", "| 2 | ask |"), ("| 2 | halted |", "| x | halted |")],
)
def test_a_number_that_differs_is_found(old: str, new: str) -> None:
    assert len(list(protocol_page.numbers_not_in_page(planted(old, new), NUMBERS))) == 1


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("| 103 | message_too_large |", "| 103 | message_large |", "103: "),
        ("| 202 | stale | created", "| 202 | stale | made", "202: "),
        ("| 901 | skipped |", "| 902 | skipped |", "901: "),
    ],
)
def test_a_reason_that_differs_is_found(old: str, new: str, found: str) -> None:
    problems = list(protocol_page.reasons_not_in_page(planted(old, new), REASONS))
    assert problems[0].startswith(found)


# Limits


def test_every_limit_is_in_the_page() -> None:
    assert list(protocol_page.limits_not_in_page(PAGE, LIMITS)) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("| 65,536 bytes |", "| 65,535 bytes |", "limits.message_bytes_max: the page says 65535"),
        ("| 23 hours |", "| 22 hours |", "STALE_NS: the page says 22"),
        ("`LEASE_MS_MAX`", "`LEASE_MAX`", "LEASE_MS_MAX: the page says None"),
    ],
)
def test_a_limit_that_differs_is_found(old: str, new: str, found: str) -> None:
    assert next(protocol_page.limits_not_in_page(planted(old, new), LIMITS)).startswith(found)


def test_limits_in_sentences_are_those_of_the_table() -> None:
    for said in (
        f"{LEASE_MS_MIN:,} to {LEASE_MS_MAX:,}; 0: {LEASE_MS_DEFAULT:,}",
        f"{HARD_LIMIT_FACTOR} times the largest message",
        f"at most {REQUESTS_PER_MESSAGE_MAX} requests",
        f"At most {REPLAY_BYTES_MAX:,} bytes",
        f"for {REMEMBER_NS // NS_PER_HOUR} hours of engine time",
        f"more than {STALE_NS // NS_PER_HOUR} hours before engine time",
        f"more than {AHEAD_NS // NS_PER_HOUR} hour after it",
        f"At most {LIMITS['limits.client_order_ids_per_account_max']:,} ended ids",
        f"the best {CHECKSUM_LEVELS} levels",
    ):
        assert said in " ".join(PAGE.split()), said


# Examples


def test_every_example_is_what_the_code_reads_and_writes() -> None:
    assert list(protocol_page.wrong_examples(PAGE)) == []
    assert protocol_page.without_example(PAGE, KINDS) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("97 15 a7 42 54 43 2d 55 53 44 02", "97 15 a7 42 54 43 2d 55 53 44 01", "SetPhase, "),
        ("= [21, ", "= [22, ", "SetPhase, "),
        ('= [21, "BTC-USD", 2,', '= [21, "BTC-USD", 1,', "SetPhase, "),
        ("```hex record\n91 5d", "```hex record\n91 5e", "TimeTicked, "),
        ("```hex control\n91 02\n= [2]", "```hex control\n91 03\n= [3]", "Heartbeat, 91 03: is a Logout"),
        (
            "```hex control\n91 02\n",
            "```hex control\n91 cc 02\n",
            "Heartbeat, 91 cc 02: the code writes 91 02",
        ),
    ],
)
def test_an_example_that_differs_is_found(old: str, new: str, found: str) -> None:
    assert next(protocol_page.wrong_examples(planted(old, new))).startswith(found)


def test_a_missing_example_is_found() -> None:
    assert protocol_page.without_example(planted("```hex control\n91 02", "```text\n91 02"), KINDS) == [
        "Heartbeat"
    ]


def test_the_checksum_of_the_page_is_that_of_its_snapshot() -> None:
    found = protocol_page.sections(PAGE)
    snapshot = found["BookSnapshot"].examples[0].value
    bids, asks = snapshot[13:15]
    assert snapshot[12] == book_checksum(bids, asks)
    text = "".join(f"{price}:{quantity}:{orders};" for price, quantity, orders in bids + asks)
    assert f"    {text}\n    {snapshot[12]}\n" in found["The checksum"].text


def test_links_lead_somewhere() -> None:
    assert protocol_page.broken_links(PAGE) == []
    assert protocol_page.broken_links(planted("(#the-checksum)", "(#a-checksum)")) == ["#a-checksum"]


def test_the_version_has_a_history() -> None:
    rows = protocol_page.sections(PAGE)["Versions"].rows
    assert [int(row[0]) for row in rows] == list(range(1, terms.PROTOCOL_VERSION + 1))
    assert f"# The protocol, version {terms.PROTOCOL_VERSION}\n" in PAGE


# The client


def define_btc_usd(house: Client) -> None:
    """The instrument of the page's examples."""
    limits = {"price_min": "0.01", "price_max": "1000000", "quantity_min": "0.0001", "quantity_max": "1000"}
    house.define_instrument("BTC-USD", "BTC", "USD", tick="0.01", lot="0.0001", **limits).result()


def test_the_client_of_the_page_trades_and_uses_nothing_of_ours(processes: Processes, tmp_path: Path) -> None:
    (source,) = protocol_page.sections(PAGE)["A complete client"].code["python"]
    assert len(source.splitlines()) <= 50
    assert set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) == {
        "msgpack",
        "sys",
        "time",
        "zmq",
    }
    script = tmp_path / "client.py"
    script.write_text(source, encoding="utf-8")
    data = tmp_path / "data"
    processes.engine(data)
    token = (data / "token").read_text().strip()
    with Client(port_base=processes.port_base, account="house", role="operator", token=token) as house:
        define_btc_usd(house)
    for life in (1, 2):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script), f"tcp://127.0.0.1:{processes.port_base + 1}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        words = [line.split()[:2] for line in done.stdout.splitlines()]
        reports = [word for word in words if word[0] != "-"]
        first = 5 * life - 4
        told = "Accepted Accepted Filled Filled Cancelled".split()
        assert reports == [[str(number), name] for number, name in enumerate(told, first)]
        assert words[0] == ["-", "Welcome"]
        assert words[-1] == ["-", "LoggedOut"]
        assert ["-", "EngineHeartbeat"] in words
        assert ", 400, 400, 600, 1]" in done.stdout
        assert ", 600, 400, 801]" in done.stdout
