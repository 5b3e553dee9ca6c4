"""What the answers of processes come to: rows beside each other, and how they look."""

import pytest

from bus.protocol.status import DEGRADED, HEALING, OK, ProcessStatus
from tools.status.answers import Answer, NotThere, Served, Silent
from tools.status.rows import (
    ABSENT,
    ENGINE,
    HISTORY,
    PUBLISHER,
    SHADOW,
    SILENT,
    STRANGER,
    WEB,
    Place,
    all_well,
    rows,
    summary,
)
from tools.status.table import duration, picture, values

S = 1_000_000_000
NOW_NS = 1_800_000_000 * S
PLACES = [
    Place(ENGINE, "tcp://127.0.0.1:3003", True),
    Place(SHADOW, "tcp://127.0.0.1:3005", True),
    Place(PUBLISHER, "tcp://127.0.0.1:3012", True),
    Place(HISTORY, "tcp://127.0.0.1:3013", False),
]


def told(
    name: str, log_sequence: int, behind_ns: int = 0, health: str = OK, problem: str = ""
) -> ProcessStatus:
    """What a process says that is as far as this, and has run for 90 s."""
    facts = [("symbols", "25"), ("store_queue", "0")] if name.startswith("pub") else [("sync", "disk")]
    started_ns = NOW_NS - 90 * S
    return ProcessStatus(
        1, name, 4711, "0.1.0", started_ns, 2, log_sequence, NOW_NS - behind_ns, health, problem, facts
    )


WELL: list[Answer] = [told("engine", 1000), told("shadow", 1000), told("publisher", 1000), NotThere()]


def test_each_is_told_with_how_far_it_is_behind_the_engine() -> None:
    answers: list[Answer] = [
        told("engine", 1_000_000),
        told("shadow", 1_000_003, behind_ns=-5),
        told("publisher", 999_993, 12_000_000, HEALING, "asks for 7 events"),
        NotThere(),
    ]
    engine, shadow, publisher, history = rows(PLACES, answers, 2, NOW_NS)
    assert (engine.behind_messages, engine.behind_ns, engine.uptime_ns) == (None, None, 90 * S)
    # It answered a little later than the engine did.
    assert (shadow.behind_messages, shadow.behind_ns) == (0, 0)
    assert (publisher.name, publisher.behind_messages, publisher.behind_ns) == (
        "publisher",
        7,
        12_000_000,
    )
    assert (publisher.health, publisher.problem) == (HEALING, "asks for 7 events")
    assert (history.health, history.pid, history.log_sequence, history.behind_ns) == (
        ABSENT,
        None,
        None,
        None,
    )
    assert history.problem == "nobody listens at tcp://127.0.0.1:3013"


def test_without_the_engine_nobody_is_said_to_be_up_to_date() -> None:
    found = rows(PLACES, [Silent(connected=True), *WELL[1:]], 2, NOW_NS)
    assert found[0].health == SILENT
    assert found[0].problem == (
        "something listens at tcp://127.0.0.1:3003, but it does not answer within 2 s"
    )
    assert [(row.health, row.behind_messages, row.behind_ns) for row in found[1:3]] == [(OK, None, None)] * 2


def test_why_there_is_no_status_is_told_apart() -> None:
    answers: list[Answer] = [
        Silent(connected=False),
        Silent(connected=True, text="it refuses to say: no session"),
        told("shadow", 1000),
        told("engine", 1000),
    ]
    assert [(row.health, row.problem) for row in rows(PLACES, answers, 0.5, NOW_NS)] == [
        (ABSENT, "no connection to tcp://127.0.0.1:3003 within 0.5 s"),
        (SILENT, "something listens at tcp://127.0.0.1:3005, but it refuses to say: no session"),
        (STRANGER, "shadow (process 4711) answers at tcp://127.0.0.1:3012"),
        (STRANGER, "engine (process 4711) answers at tcp://127.0.0.1:3013"),
    ]


@pytest.mark.parametrize(
    ("index", "answer", "well", "line"),
    [
        (2, WELL[2], True, "all 3 ok"),
        (3, told("history", 1000, 0, DEGRADED, "the database is gone"), True, "all 3 ok"),
        (2, told("publisher", 1000, 0, DEGRADED, "the store is gone"), False, "not well: publisher degraded"),
        (2, told("publisher", 1000, 0, "asleep", "it is night"), False, "not well: publisher asleep"),
        (0, NotThere(), False, "not well: engine absent"),
        (1, told("history", 1000), False, "not well: shadow stranger"),
    ],
)
def test_all_is_well_when_all_that_must_be_there_are_ok(
    index: int, answer: Answer, well: bool, line: str
) -> None:
    found = rows(PLACES, [*WELL[:index], answer, *WELL[index + 1 :]], 2, NOW_NS)
    assert (all_well(found), summary(found)) == (well, line)


def test_the_web_is_as_well_as_the_parts_that_it_asks() -> None:
    place = Place(WEB, "http://127.0.0.1:3030", True)
    well = Served(True, [("publisher", "ok", ""), ("history", "ok", "")])
    unwell = Served(False, [("publisher", "unreachable", "no answer"), ("history", "degraded", "")])
    (row,) = rows([place], [well], 2, NOW_NS)
    assert (row.health, row.problem, row.facts) == (OK, "", (("publisher", "ok"), ("history", "ok")))
    assert (row.pid, row.log_sequence, row.behind_ns) == (None, None, None)
    (row,) = rows([place], [unwell], 2, NOW_NS)
    assert (row.health, row.problem) == (DEGRADED, "publisher unreachable: no answer; history degraded")
    assert not all_well([row])
    behind = Served(True, [("publisher", "healing", "1,000 behind"), ("history", "ok", "")])
    (row,) = rows([place], [behind], 2, NOW_NS)
    assert (row.health, row.problem) == (DEGRADED, "publisher healing: 1,000 behind")


def test_one_that_is_alone_is_named() -> None:
    assert summary(rows(PLACES[:1], WELL[:1], 2, NOW_NS)) == "engine ok"


def test_the_picture() -> None:
    answers: list[Answer] = [
        told("engine", 1_234_567),
        told("shadow", 1_234_567),
        told("publisher", 1_200_000, 31 * S, HEALING, "asks again for what it missed of level.BTC-USD."),
        NotThere(),
    ]
    found = rows(PLACES, answers, 2, NOW_NS)
    assert picture(found, 40).plain.split("\n") == [
        "process    health   log sequence           behind      up   pid",
        "engine     ok          1,234,567                -  1m 30s  4711",
        "  sync disk",
        "shadow     ok          1,234,567                0  1m 30s  4711",
        "  sync disk",
        "publisher  healing     1,200,000  34,567 (31.0 s)  1m 30s  4711",
        "  asks again for what it missed of",
        "  level.BTC-USD.",
        "  symbols 25 · store queue 0",
        "history    absent              -                -       -     -",
        "  nobody listens at tcp://127.0.0.1:3013",
        "",
        "not well: publisher healing",
    ]
    unbroken = picture(found, None).plain.split("\n")
    assert "  asks again for what it missed of level.BTC-USD." in unbroken


def test_it_fits_80_columns_after_years() -> None:
    started_ns = NOW_NS - 3_000 * 86_400 * S
    facts = [(f"some_fact_{number}", "1234567890") for number in range(12)]
    engine = ProcessStatus(
        1, "engine", 4_194_304, "0.1.0", started_ns, 99, 999_999_999_999, NOW_NS, OK, "", facts
    )
    late = ProcessStatus(
        1, "publisher", 4_194_304, "0.1.0", started_ns, 99, 999_990_000_000, NOW_NS - 3600 * S, HEALING,
        "wait " * 40, facts,
    )  # fmt: skip
    lines = picture(rows([PLACES[0], PLACES[2]], [engine, late], 2, NOW_NS), 80).plain.split("\n")
    assert max(map(len, lines)) <= 80
    assert sum(line.count("some fact") for line in lines) == 24


def test_values_for_programs() -> None:
    row = rows(PLACES, WELL, 2, NOW_NS)[2]
    assert values(row) == {
        "name": "publisher",
        "endpoint": "tcp://127.0.0.1:3012",
        "expected": True,
        "ok": True,
        "health": "ok",
        "problem": "",
        "pid": 4711,
        "version": "0.1.0",
        "uptime_ns": 90 * S,
        "epoch": 2,
        "log_sequence": 1000,
        "time_ns": NOW_NS,
        "behind_messages": 0,
        "behind_ns": 0,
        "facts": {"symbols": "25", "store_queue": "0"},
    }


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 µs"),
        (999_999, "999 µs"),
        (1_000_000, "1 ms"),
        (999_999_999, "999 ms"),
        (S, "1.0 s"),
        (59_990_000_000, "59.9 s"),
        (60 * S, "1m 0s"),
        (3599 * S, "59m 59s"),
        (3600 * S, "1h 0m"),
        (86_399 * S, "23h 59m"),
        (86_400 * S, "1d 0h"),
        (1_000 * 86_400 * S, "1,000d 0h"),
    ],
)
def test_how_long_it_took(ns: int, text: str) -> None:
    assert duration(ns) == text
