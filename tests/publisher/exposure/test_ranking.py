"""All accounts taken together: what is weighed, what a move comes to, and which are the worst."""

from typing import Any

import pytest

from bus.protocol.exposure import (
    BY_GROSS,
    BY_LOSS,
    BY_MOVE,
    BY_OPEN,
    AccountExposure,
    QueryExposures,
    QueryPositions,
    WeighedSymbol,
)
from bus.protocol.reasons import INVALID_REQUEST
from bus.protocol.valuing import valued
from publisher.candles.intervals import DAY_NS
from publisher.oversight.exposure.ranking import Held, totals, worst
from publisher.oversight.history.queries import WEIGHED_SYMBOLS_MAX, problem_of
from tests.support.histories import random_market, reading, writing
from tests.support.markets import ACCOUNTS, SYMBOLS

A, B = "A-USD", "B-USD"
WEIGHED = [WeighedSymbol(A, 1, -500, 500), WeighedSymbol(B, 100, -1_000, -1_000)]
MARKS = {A: 101, B: 7}
HELD = [
    #    account, symbol, lots, cost, realised, before, day, bids: lots notional unpriced, asks
    Held("long", A, 10, 900, 50, 20, DAY_NS, 5, 400, 1, 2, 220, 0),
    Held("long", B, 2, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    Held("short", A, -30, -3_000, -1, 0, 0, 0, 0, 0, 0, 0, 0),
    Held("quiet", A, 0, 0, 0, 0, 0, 0, 0, 0, 3, 333, 3),
    Held("elsewhere", "C-EUR", 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5),
]


def names(by: int, limit: int = 9) -> list[str]:
    """Of the worst."""
    return [one.account for one in worst(totals(HELD, WEIGHED, MARKS, DAY_NS), by, limit)]


def test_an_account_is_the_sum_of_its_positions_each_with_its_weight() -> None:
    long, short, quiet = totals(HELD, WEIGHED, MARKS, DAY_NS)
    net = 1_010 + 1_400
    assert long.told() == AccountExposure(
        "long",
        2,
        str(net),
        str(net),
        str(400 + 101),
        str(220),
        str(1_010 + 501 + 1_400),
        str(1_010 - 900 + 1_400 - 2_000),
        "50",
        "30",
        # 5% of 1,010 is 50.5: half a unit more of a loss, half a unit less of a profit.
        str(-51 - 140),
        str((1_010 * 500 - 1_400 * 1_000) // 10_000),
    )
    assert (short.told().first_move, short.told().second_move) == ("151", "-152")
    assert (quiet.positions, quiet.told().open_asks, quiet.told().worst) == (0, "636", "636")


def test_the_worst_come_first_by_each_ranking() -> None:
    assert names(BY_MOVE) == ["long", "short", "quiet"]
    assert names(BY_GROSS) == ["short", "long", "quiet"]
    assert names(BY_OPEN) == ["long", "quiet", "short"]
    assert names(BY_LOSS) == ["long", "short", "quiet"]
    assert names(BY_GROSS, 1) == ["short"]
    same = [Held(name, A, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) for name in ("b", "a", "c")]
    assert [one.account for one in worst(totals(same, WEIGHED, MARKS, 0), BY_MOVE, 2)] == ["a", "b"]


def test_exposures_of_a_random_log_are_the_sums_of_what_each_account_is_told(url: str) -> None:
    _, _, runs = random_market(5, 300)
    with writing(url) as writer:
        writer.write(runs)
    weighed = [WeighedSymbol(SYMBOLS[0], 3, -700, 700), WeighedSymbol(SYMBOLS[1], 5, 100, -200)]
    with reading(url) as reader:
        found: Any = reader.page(QueryExposures(weighed, BY_GROSS, 2), 4)[1]
        everybody: Any = reader.page(QueryExposures(weighed, BY_GROSS), 4)[1]
        told: dict[str, list[Any]] = {}
        for account in ACCOUNTS:
            page: Any = reader.page(QueryPositions(account), 4)[1]
            assert page.time_ns == found.time_ns == runs[-1].time_ns
            told[account] = page.positions
    assert (found.correlation_id, found.accounts, len(found.exposures)) == (4, 3, 2)
    assert everybody.exposures[:2] == found.exposures
    assert list(found.marks) == [(position.symbol, position.mark_ticks) for position in told[ACCOUNTS[0]]]
    weight_of = {one.symbol: one for one in weighed}
    for one in everybody.exposures:
        at_marks = [(weight_of[p.symbol], valued(p), p) for p in told[one.account]]
        assert int(one.net) == sum(w.weight * v.net for w, v, _ in at_marks)
        assert int(one.gross) == sum(w.weight * v.gross for w, v, _ in at_marks)
        assert int(one.open_bids) + int(one.open_asks) == sum(
            w.weight * v.open_notional for w, v, _ in at_marks
        )
        assert int(one.unrealised) == sum(w.weight * v.unrealised for w, v, _ in at_marks)
        assert int(one.realised) == sum(w.weight * int(p.realised) for w, _, p in at_marks)
        assert (
            int(one.first_move)
            == sum(w.weight * v.net * w.first_basis_points for w, v, _ in at_marks) // 10**4
        )
    assert [int(one.gross) for one in everybody.exposures] == sorted(
        (int(one.gross) for one in everybody.exposures), reverse=True
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (QueryExposures([]), "0 symbols"),
        (
            QueryExposures([WeighedSymbol(f"S{n}", 1, 0, 0) for n in range(WEIGHED_SYMBOLS_MAX + 1)]),
            "1001 symbols",
        ),
        (QueryExposures(WEIGHED, 9), "by 9: there are 1, 2, 3, 4"),
        (QueryExposures([WEIGHED[0], WEIGHED[0]]), "each symbol is weighed once"),
        (QueryExposures([WeighedSymbol("btc", 1, 0, 0)]), "symbol 'btc'"),
        (QueryExposures([WeighedSymbol(A, 0, 0, 0)]), "A-USD: a weight is at least 1"),
        (QueryExposures([WeighedSymbol(A, 1, 5, -10_001)]), "A-USD: no price falls by more than 10000"),
        (QueryExposures(WEIGHED, limit=0), "limit 0"),
        (QueryPositions("alice", after="btc"), "after 'btc'"),
        (QueryPositions("alice", "btc"), "symbol 'btc'"),
        (QueryPositions("alice", limit=1_001), "limit 1001"),
    ],
)
def test_a_question_that_cannot_be_is_refused(query: Any, said: str) -> None:
    problem = problem_of(query)
    assert problem is not None
    assert problem[0] == INVALID_REQUEST
    assert problem[1].startswith(said)


def test_good_questions_are_taken() -> None:
    assert problem_of(QueryExposures([WeighedSymbol(A, 1, -10_000, 10**6)], BY_OPEN, 1_000)) is None
    assert problem_of(QueryPositions("alice", A, B, 1_000)) is None
