"""Pages against a plain list: every filter, both directions, any cursor, at any page size; and each on an index."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine, event

from bus.errors import StoreDamaged, StoreMismatch
from bus.protocol.history import (
    ENDED,
    OPEN,
    AccountQuery,
    QueryExecutions,
    QueryMovements,
    QueryOrderLife,
    QueryPastOrders,
    QueryRejections,
    QueryReports,
)
from publisher.oversight.history.reading import HistoryReader, _page
from tests.support.histories import random_market, reading, writing


@pytest.fixture
def reader(url: str) -> Iterator[HistoryReader]:
    """A history of a busy log."""
    _, _, runs = random_market(6, 400, clears=True)
    with writing(url) as writer:
        writer.write(runs)
    with reading(url) as reader:
        yield reader


def everything(reader: HistoryReader, kind: type[AccountQuery], rows: str, account: str) -> list[Any]:
    """All rows of a list."""
    page: Any = reader.page(kind(account, limit=1000), 1)[1]
    assert not page.more
    return list(getattr(page, rows))


def check(
    reader: HistoryReader, all_rows: list[Any], query: Any, rows: str, number: str, times: str, wanted: Any
) -> None:
    """The query's pages, one after the other, are the rows that are wanted, in the order that was asked for."""
    expected = [
        row
        for row in all_rows
        if wanted(row) and query.from_ns <= time_of(row, times) < (query.to_ns or 2**63)
    ]
    expected.sort(key=lambda row: getattr(row, number), reverse=query.newest_first)
    if query.after:
        sign = -1 if query.newest_first else 1
        expected = [row for row in expected if getattr(row, number) * sign > query.after * sign]
    found: list[Any] = []
    while True:
        page: Any = reader.page(query, 1)[1]
        found += getattr(page, rows)
        assert found == expected[: len(found)], query
        assert page.more == (len(found) < len(expected)), query
        if not page.more:
            return
        assert len(getattr(page, rows)) == query.limit
        query = msgspec.structs.replace(query, after=getattr(found[-1], number))


def time_of(row: Any, name: str) -> int:
    """The time by which a row is looked up."""
    for part in name.split("."):
        row = getattr(row, part)
    assert isinstance(row, int)
    return row


def drawn(chance: Random, all_rows: list[Any], number: str, times: str) -> dict[str, Any]:
    """Bounds, cursor, direction and size of a page."""
    moments = [time_of(row, times) for row in all_rows]
    fields: dict[str, Any] = {
        "limit": chance.choice([1, 2, 7, 1000]),
        "newest_first": chance.random() < 0.5,
    }
    if chance.random() < 0.5:
        fields["from_ns"] = max(0, chance.choice(moments) + chance.choice([-1, 0, 1]))
    if chance.random() < 0.5:
        fields["to_ns"] = chance.choice(moments) + chance.choice([0, 1, 10**18])
    if chance.random() < 0.3:
        fields["after"] = getattr(chance.choice(all_rows), number)
    if chance.random() < 0.05:
        fields["from_ns"] = 2**62
    return fields


def test_every_filter_gives_what_a_plain_list_gives(reader: HistoryReader) -> None:
    chance = Random(1)
    draws = 100 if reader.name.endswith(".db") else 30
    accounts = ("acc-anna", "acc-boris", "acc-carla")
    orders = {a: everything(reader, QueryPastOrders, "orders", a) for a in accounts}
    trades = {a: everything(reader, QueryExecutions, "executions", a) for a in accounts}
    moved = {a: everything(reader, QueryMovements, "movements", a) for a in accounts}
    refused = {a: everything(reader, QueryRejections, "rejections", a) for a in accounts}
    for _ in range(draws):
        account = chance.choice(accounts)
        rows = orders[account]
        one = chance.choice(rows)
        symbol = chance.choice(["", "BTC-USD", "ETH-USD", "NONE"])
        state = chance.choice([0, OPEN, ENDED])
        name = chance.choice(["", "", one.entered.client_order_id])
        fields = drawn(chance, rows, "order_id", "entered_ns")
        check(
            reader,
            rows,
            QueryPastOrders(account, symbol, state, name, **fields),
            "orders",
            "order_id",
            "entered_ns",
            lambda row: (
                symbol in ("", row.entered.symbol)  # noqa: B023
                and state in (0, OPEN if row.ended_ns == 0 else ENDED)  # noqa: B023
                and name in ("", row.entered.client_order_id)  # noqa: B023
            ),
        )
        rows = trades[account]
        trade = chance.choice(rows)
        order_id = chance.choice([0, 0, trade.order_id, 1])
        trade_id = chance.choice([0, 0, trade.trade_id, 10_000])
        symbol = chance.choice(
            [trade.symbol, trade.symbol, "NONE"] if trade_id else ["", "BTC-USD", "ETH-USD"]
        )
        fields = drawn(chance, rows, "report_number", "time_ns")
        check(
            reader,
            rows,
            QueryExecutions(account, symbol, order_id, trade_id, **fields),
            "executions",
            "report_number",
            "time_ns",
            lambda row: (
                symbol in ("", row.symbol)  # noqa: B023
                and order_id in (0, row.order_id)  # noqa: B023
                and trade_id in (0, row.trade_id)  # noqa: B023
            ),
        )
        rows = moved[account]
        movement = chance.choice(rows)
        asset = chance.choice(["", movement.asset, "NONE"])
        transfer_id = chance.choice(["", "", movement.transfer_id, "never"])
        fields = drawn(chance, rows, "movement_number", "time_ns")
        check(
            reader,
            rows,
            QueryMovements(account, asset, transfer_id, **fields),
            "movements",
            "movement_number",
            "time_ns",
            lambda row: (
                asset in ("", row.asset)  # noqa: B023
                and transfer_id in ("", row.transfer_id)  # noqa: B023
            ),
        )
        rows = refused[account]
        request = chance.choice(["", chance.choice(rows).rejected.request_id, "never"])
        if not request.isprintable():
            continue
        fields = drawn(chance, rows, "report_number", "rejected.time_ns")
        check(
            reader,
            rows,
            QueryRejections(account, request, **fields),
            "rejections",
            "report_number",
            "rejected.time_ns",
            lambda row: request in ("", row.rejected.request_id),  # noqa: B023
        )


QUERIES: list[AccountQuery] = [
    *(
        QueryPastOrders("acc-anna", symbol, state, name, from_ns, 2**62, after, 5, backwards)
        for symbol in ("", "BTC-USD")
        for state in (0, OPEN, ENDED)
        for name in ("", "cl-o9")
        for from_ns in (0, 1_767_225_600_000_001_000)
        for after in (0, 30)
        for backwards in (False, True)
    ),
    *(
        QueryExecutions("acc-anna", symbol, order_id, trade_id, from_ns, 2**62, after, 5, backwards)
        for symbol, trade_id in (("", 0), ("BTC-USD", 0), ("BTC-USD", 4))
        for order_id in (0, 30)
        for from_ns in (0, 1_767_225_600_000_001_000)
        for after in (0, 30)
        for backwards in (False, True)
    ),
    *(
        QueryRejections("acc-anna", request, from_ns, 2**62, after, 5, backwards)
        for request in ("", "cl-o9")
        for from_ns in (0, 1_767_225_600_000_001_000)
        for after in (0, 30)
        for backwards in (False, True)
    ),
    *(
        QueryMovements("acc-anna", asset, transfer_id, from_ns, 2**62, after, 5, backwards)
        for asset in ("", "USD")
        for transfer_id in ("", "t1")
        for from_ns in (0, 1_767_225_600_000_001_000)
        for after in (0, 300)
        for backwards in (False, True)
    ),
    QueryOrderLife("acc-anna", 30),
    QueryOrderLife("acc-anna", 0, "cl-o9", 4),
    QueryReports("acc-anna", 50),
]


def test_no_page_walks_over_more_than_an_index(url: str) -> None:
    """In SQLite, which tells: no table is scanned, and nothing sorted but the few trades of one trade id."""
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL plans by its statistics, and small tables are scanned")
    _, _, runs = random_market(6, 100)
    with writing(url) as writer:
        writer.write(runs)
    engine = create_engine(url)
    plans: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def explain(
        connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.dbapi_connection.execute(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
            plans.append(" / ".join(row[3] for row in raw.fetchall()))

    with engine.connect() as connection:
        for query in QUERIES:
            plans.clear()
            _page(connection, query, 1, 1)
            assert plans
            for plan in plans:
                assert "SCAN" not in plan, f"{query}: {plan}"
                few = isinstance(query, QueryExecutions) and query.trade_id
                assert "TEMP B-TREE" not in plan or few, f"{query}: {plan}"
            if isinstance(query, QueryMovements):
                wanted = "transfer" if query.transfer_id else "asset" if query.asset else "account"
                assert f"movements_by_{wanted}" in plans[-1], f"{query}: {plans[-1]}"
            if isinstance(query, QueryPastOrders):
                wanted = "end" if query.state == OPEN else "symbol" if query.symbol else "account"
                wanted = "client_order_id" if query.client_order_id else wanted
                assert f"orders_by_{wanted}" in plans[-1], f"{query}: {plans[-1]}"
    engine.dispose()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM position", StoreDamaged),
        ("UPDATE reports SET data = :junk", StoreDamaged),
        ("UPDATE orders SET entered = :junk", StoreDamaged),
        ("DROP TABLE executions", StoreMismatch),
    ],
)
def test_what_cannot_be_read_is_damage(url: str, damage: str, said: type[Exception]) -> None:
    _, _, runs = random_market(6, 100)
    with writing(url) as writer:
        writer.write(runs)
    with reading(url) as reader:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.exec_driver_sql(
                damage.replace(":junk", "x'c1'" if url.startswith("sqlite") else "'\\xc1'::bytea")
            )
        engine.dispose()
        with pytest.raises(said):
            read_all(reader)


def read_all(reader: HistoryReader) -> None:
    """A page of each kind."""
    for query in QUERIES:
        reader.page(query, 1)
