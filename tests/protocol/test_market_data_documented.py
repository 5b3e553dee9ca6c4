"""`docs/market-data.md` says what the code does: tables, numbers, limits, examples byte by byte, and the reader in it.

As for `docs/protocol.md`, each check is pointed at the page, where it must find nothing, and at planted errors.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bus.config_loading import settings
from bus.protocol.checksum import book_checksum
from bus.protocol.market import codec, requests, streams
from publisher.alerts.definition import CONDITIONS, PARAMETERS
from publisher.alerts.symbol_alerts import ALERTS_MAX, WINDOWS_MAX
from publisher.answers import REPLAY_BYTES_MAX
from publisher.counter import QUESTIONS_OF_READER_MAX, QUESTIONS_WAITING_MAX, REQUESTS_PER_MESSAGE_MAX
from publisher.indicators.table import INDICATORS, PERIOD_MAX
from publisher.statistics.trailing import LENGTH_SECONDS_MAX
from publisher.streams import DIGEST_BYTES, SEGMENT_NS
from publisher.trades import BUSTED, CORRECTED, VALID
from tests.publisher.test_processes import SYMBOL, Exchange
from tests.support import protocol_page
from tests.support.market_ears import PATIENCE_S, MarketEars
from tests.support.processes import Processes

PAGE = (Path(__file__).parents[2] / "docs/market-data.md").read_text(encoding="utf-8")
KINDS = [kind for module in (streams, requests) for kind in protocol_page.structs_of(module)]
STRUCTS: dict[str, list[type[msgspec.Struct]]] = {
    **{kind.__name__: [kind] for kind in KINDS},
    "MarketMessage": [codec.MarketMessage],
    "MarketEnvelope": [codec.MarketEnvelope],
    "MarketFrame": [codec.MarketFrame],
}
NUMBERS = {
    "Reason to begin": streams.RESYNC_REASONS,
    "State of a trade": {VALID: "valid", BUSTED: "busted", CORRECTED: "corrected"},
}
_OF_SETTINGS = ("limits.message_bytes_max", "limits.send_high_water_mark")
LIMITS = {
    **{
        setting.key: setting.default
        for setting in settings()
        if setting.key in _OF_SETTINGS
        or (
            setting.section == "publisher"
            and setting.name in ("stream_ring_frames_max", "heartbeat_interval_ms")
        )
    },
    "REQUESTS_PER_MESSAGE_MAX": REQUESTS_PER_MESSAGE_MAX,
    "QUESTIONS_OF_READER_MAX": QUESTIONS_OF_READER_MAX,
    "QUESTIONS_WAITING_MAX": QUESTIONS_WAITING_MAX,
    "TRADES_PER_ANSWER_MAX": requests.TRADES_PER_ANSWER_MAX,
    "CANDLES_PER_ANSWER_MAX": requests.CANDLES_PER_ANSWER_MAX,
    "VALUES_PER_ANSWER_MAX": requests.VALUES_PER_ANSWER_MAX,
    "PARAMETERS_MAX": requests.PARAMETERS_MAX,
    "PERIOD_MAX": PERIOD_MAX,
    "ALERTS_MAX": ALERTS_MAX,
    "WINDOWS_MAX": WINDOWS_MAX,
    "LENGTH_SECONDS_MAX": LENGTH_SECONDS_MAX,
    "REPLAY_BYTES_MAX": REPLAY_BYTES_MAX,
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
    public = {kind.__name__ for kind in protocol_page.structs_of(codec)}
    # A frame whose events are undecoded.
    assert public - STRUCTS.keys() == {"MarketFrameHeader"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("### DepthRequest", "### Depth", "DepthRequest has no section"),
        ("| 2 | levels | uint |", "| 2 | level | uint |", "DepthRequest, row 2"),
        ("| 2 | levels | uint | | `0` |", "| 2 | levels | uint | | `1` |", "DepthRequest, row 2"),
        ("| 0 | tag | `107` |", "| 0 | tag | `117` |", "Resync, row 0"),
        (
            "| 2 | open_time_ns | int | ns |",
            "| 2 | open_time_ns | int | ms |",
            "CandleUpdated.open_time_ns: its unit",
        ),
    ],
)
def test_a_table_that_differs_is_found(old: str, new: str, found: str) -> None:
    problems = list(protocol_page.structs_not_in_page(planted(old, new), STRUCTS))
    assert problems
    assert problems[0].startswith(found)


# Numbers and names


def test_every_number_with_a_name_is_in_the_page() -> None:
    assert list(protocol_page.numbers_not_in_page(PAGE, NUMBERS)) == []


def test_a_number_that_differs_is_found() -> None:
    assert (
        len(list(protocol_page.numbers_not_in_page(planted("| 3 | wrong book |", "| 3 | wrong |"), NUMBERS)))
        == 1
    )


def names_not_in_page(page: str) -> list[str]:
    """Topics, conditions and indicators that are not in their tables, and rows of none."""
    found = protocol_page.sections(page)
    topics = " ".join(row[0] for row in found["Streams"].rows)
    problems = [
        f"{interval} is in no topic"
        for interval in streams.INTERVALS
        if f"-{interval}`" not in topics and f"-{interval}." not in topics
    ]
    problems += [f"{name} is no topic" for name in streams.PERIODS if f"depth-{name}.<S>." not in topics]
    problems += [f"top{count} is in no topic" for count in streams.TOPS if f"top{count}-" not in topics]
    words = {
        row[0].strip("`"): tuple(re.sub(r" \(.*?\)", "", row[1]).split(", "))
        for row in found["Conditions"].rows
    }
    wanted = {name: PARAMETERS[kind] for name, (kind, _) in CONDITIONS.items()}
    problems += [
        f"condition {name}" for name in wanted.keys() | words.keys() if wanted.get(name) != words.get(name)
    ]
    rows = {row[0].strip("`"): row[1] for row in found["Indicators"].rows}
    said = {
        name: f"{one.parameters[0]}, {one.period_min} to {one.period_max} candles"
        for name, one in INDICATORS.items()
    }
    return problems + [
        f"indicator {name}" for name in said.keys() | rows.keys() if said.get(name) != rows.get(name)
    ]


def test_every_topic_condition_and_indicator_is_in_the_page() -> None:
    assert names_not_in_page(PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("`-15m`", "`-10m`", ["15m is in no topic"]),
        ("`depth-1s.<S>.`", "`depth-2s.<S>.`", ["1s is no topic"]),
        ("| `spread-ticks` |", "| `spread` |", ["condition spread", "condition spread-ticks"]),
        (
            "threshold (percent), window_seconds, windows",
            "threshold (percent), windows",
            ["condition volume-spike"],
        ),
        ("| `sma` | period, 1 to 500", "| `sma` | period, 2 to 500", ["indicator sma"]),
    ],
)
def test_a_name_that_differs_is_found(old: str, new: str, found: list[str]) -> None:
    assert sorted(names_not_in_page(planted(old, new))) == found


# Limits


def test_every_limit_is_in_the_page() -> None:
    assert list(protocol_page.limits_not_in_page(PAGE, LIMITS)) == []
    wrong = planted("| 1,500 | `CANDLES_PER_ANSWER_MAX`", "| 1,000 | `CANDLES_PER_ANSWER_MAX`")
    assert len(list(protocol_page.limits_not_in_page(wrong, LIMITS))) == 1


def test_limits_in_sentences_are_those_of_the_table() -> None:
    text = " ".join(PAGE.split())
    for said in (
        f"At most {REPLAY_BYTES_MAX:,} bytes",
        f"{DIGEST_BYTES} bytes over all frames",
        f"span of {SEGMENT_NS // 10**9} s of engine time",
        f"at most {requests.PARAMETERS_MAX}, in the order",
        f"1 to {requests.TRADES_PER_ANSWER_MAX:,} |",
        f"1 to {requests.CANDLES_PER_ANSWER_MAX:,} |",
    ):
        assert said in text, said


# Examples


def test_every_example_is_what_the_code_reads_and_writes() -> None:
    assert list(protocol_page.wrong_examples(PAGE)) == []
    assert protocol_page.without_example(PAGE, KINDS) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("92 6b 01", "92 6b 02", "Resync, "),
        ("= [107, 1]", "= [107, 2]", "Resync, "),
        ("```hex market-request\n91 73", "```hex market-request\n91 75", "MiniRequest, 91 75: "),
    ],
)
def test_an_example_that_differs_is_found(old: str, new: str, found: str) -> None:
    assert next(protocol_page.wrong_examples(planted(old, new))).startswith(found)


def test_checksums_of_the_page_are_those_of_its_books() -> None:
    found = protocol_page.sections(PAGE)
    for heading, place in (("Book", 3), ("DepthAnswer", 6)):
        value = found[heading].examples[0].value
        assert value[place] == book_checksum(*value[-2:])


def test_links_lead_somewhere() -> None:
    assert protocol_page.broken_links(PAGE) == []


# The reader


def test_the_reader_of_the_page_proves_its_book_and_uses_nothing_of_ours(
    processes: Processes, tmp_path: Path
) -> None:
    (source,) = protocol_page.sections(PAGE)["A complete reader"].code["python"]
    assert len(source.splitlines()) <= 60
    assert set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) == {
        "msgpack",
        "sys",
        "zlib",
        "zmq",
    }
    script = tmp_path / "reader.py"
    script.write_text(source, encoding="utf-8")
    exchange = Exchange(processes, tmp_path / "data")
    publisher = exchange.publisher()
    with MarketEars(exchange.port) as ears:
        ears.answer(requests.DepthRequest(SYMBOL), requests.DepthAnswer)
    addresses = [f"tcp://127.0.0.1:{exchange.port + offset}" for offset in (0, 1)]
    command = [sys.executable, "-W", "error", "-u", str(script), *addresses, SYMBOL]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as reader:
        silent = threading.Timer(PATIENCE_S, reader.kill)
        silent.start()
        try:
            assert reader.stdout is not None
            lines = iter(reader.stdout)
            until(lines, "begins with 0 levels")
            for price in ("29.90", "30.00", "29.80", "30.10"):
                exchange.alice.enter(SYMBOL, "buy", "0.5", price).result()
                until(lines, "changes")
                until(lines, "is proved")
            publisher.kill()
            exchange.alice.enter(SYMBOL, "buy", "0.5", "29.70").result()
            publisher = exchange.publisher()
            until(lines, "begins with 5 levels")
            until(lines, "is proved")
        finally:
            silent.cancel()
            reader.kill()
    exchange.close()


def until(lines: Iterator[str], wanted: str) -> None:
    """Up to the line with these words. None may say that the book is wrong."""
    for line in lines:
        assert "wrong" not in line
        if wanted in line:
            return
    raise AssertionError(f"it ended before it said {wanted!r}")
