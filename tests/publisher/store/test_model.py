"""The store against plain dicts: histories cut and repeated at will, by two publishers in turn, give the same rows.

And what is asked of it against the same question to a list.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.protocol.feed import Trade, TradeBusted, TradeCorrected
from publisher.candles.candle import of_trades
from publisher.candles.intervals import SECOND_NS
from publisher.store import reading
from publisher.store.rows import BUSTED, CORRECTED, VALID, Progress, StoredTrade, SymbolRows
from publisher.store.store import Store
from tests.support.stored import ALL, START_NS, stored_progress, stored_trades

# Each example empties the tables: making a database takes longer than all that is done in it.
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Event = Trade | TradeBusted | TradeCorrected


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """The events of a trade topic: event i has number i + 1, and log sequences and times that grow."""
    events: list[Event] = []
    prices: dict[int, tuple[int, int]] = {}
    busted: set[int] = set()
    sequence, time_ns = 0, START_NS
    for _ in range(draw(st.integers(1, 30))):
        sequence += draw(st.integers(1, 3))
        time_ns += draw(st.sampled_from([1, 10**6, 400 * 10**6, SECOND_NS, 5 * SECOND_NS]))
        open_ids = sorted(set(prices) - busted)
        kind = draw(st.sampled_from(["trade", "trade", "trade", "bust", "correct"])) if open_ids else "trade"
        if kind == "trade":
            # Notionals up to the last below 2**63.
            price, quantity = draw(st.integers(1, 2**32 - 1)), draw(st.integers(1, 2**31))
            prices[len(prices) + 1] = (price, quantity)
            events.append(Trade(sequence, time_ns, len(prices), price, quantity, draw(st.integers(1, 2))))
            continue
        trade_id = draw(st.sampled_from(open_ids))
        price, quantity = prices[trade_id]
        if kind == "bust":
            busted.add(trade_id)
            events.append(TradeBusted(sequence, time_ns, trade_id, price, quantity))
        else:
            new = price % (2**32 - 1) + 1
            prices[trade_id] = (new, quantity)
            events.append(TradeCorrected(sequence, time_ns, trade_id, new, quantity, price))
    return events


def expected(events: list[Event]) -> list[StoredTrade]:
    """What the trades come to, in a dict."""
    rows: dict[int, dict[str, Any]] = {}
    for event in events:
        if isinstance(event, Trade):
            fields = {name: getattr(event, name) for name in Trade.__struct_fields__}
            rows[event.trade_id] = {**fields, "state": VALID}
        elif isinstance(event, TradeBusted):
            rows[event.trade_id]["state"] = BUSTED
        else:
            rows[event.trade_id].update(state=CORRECTED, price_ticks=event.price_ticks)
    return [StoredTrade(**row) for row in rows.values()]


def cut(events: list[Event], first: int, last: int) -> SymbolRows:
    """The events from number `first` to `last` as one piece."""
    part = events[first - 1 : last]
    end = part[-1]
    return SymbolRows(
        symbol="BTC-USD",
        after_sequence=events[first - 2].sequence if first > 1 else 0,
        progress=Progress(last, end.sequence, end.time_ns, 1),
        trades=[event for event in part if isinstance(event, Trade)],
        revisions=[(n, event) for n, event in enumerate(part, first) if not isinstance(event, Trade)],
    )


@contextmanager
def emptied(store: Store) -> Iterator[Store]:
    """The store, empty."""
    with store.transaction() as connection:
        for table in ("trades", "corrections", "progress"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    yield store


@quick
@given(events=histories(), data=st.data())
def test_two_publishers_that_write_the_same_history_leave_one(
    store: Store, events: list[Event], data: st.DataObject
) -> None:
    with emptied(store):
        # Each stands somewhere, and now and then starts again where the database stands, or before.
        at = [0, 0]
        committed = 0
        for _ in range(data.draw(st.integers(1, 8))):
            who = data.draw(st.integers(0, 1))
            if at[who] == len(events) or data.draw(st.integers(0, 4)) == 0:
                at[who] = data.draw(st.integers(0, min(committed, len(events) - 1)))
            last = min(at[who] + data.draw(st.integers(1, 30)), len(events))
            store.write([cut(events, at[who] + 1, last)])
            at[who] = last
            committed = max(committed, last)
            assert stored_trades(store) == expected(events[:committed])
            end = events[committed - 1]
            assert stored_progress(store) == Progress(committed, end.sequence, end.time_ns, 1)
        with store.reading() as connection:
            told = reading.read_corrections(connection, "BTC-USD", limit=ALL)
        revisions = [
            (n, event) for n, event in enumerate(events[:committed], 1) if not isinstance(event, Trade)
        ]
        assert [(row.number, row.trade_id) for row in told] == [(n, event.trade_id) for n, event in revisions]


@quick
@given(events=histories(), data=st.data())
def test_every_question_is_answered_as_a_list_would(
    store: Store, events: list[Event], data: st.DataObject
) -> None:
    with emptied(store):
        store.write([cut(events, 1, len(events))])
        rows = expected(events)
        times = st.integers(rows[0].time_ns - 2, rows[-1].time_ns + 2)
        since, until = sorted((data.draw(times), data.draw(times)))
        within = [row for row in rows if since <= row.time_ns < until]
        limit, newest = data.draw(st.integers(1, 45)), data.draw(st.booleans())
        near = st.integers(0, len(rows) + 1)
        after, before = sorted((data.draw(near), data.draw(near)))
        page = [row for row in within if after < row.trade_id < before]
        valid = [row for row in within if row.state != BUSTED]
        with store.reading() as connection:
            assert reading.first_trade(connection, "BTC-USD") == rows[0]
            assert reading.first_trade(connection, "ETH-USD") is None
            first_id = bisect_left([row.time_ns for row in rows], since) + 1
            assert reading.first_id_at(connection, "BTC-USD", since) == first_id
            assert (
                reading.read_trades(
                    connection,
                    "BTC-USD",
                    limit=limit,
                    after_id=after,
                    before_id=before,
                    since_ns=since,
                    until_ns=until,
                    newest_first=newest,
                )
                == (page[::-1] if newest else page)[:limit]
            )
            counted = reading.read_trades(connection, "BTC-USD", limit=ALL, busted=False)
            assert counted == [row for row in rows if row.state != BUSTED]
            found = reading.valid_trades(connection, "BTC-USD", since, until)
            assert found == [as_trade(row) for row in valid]
            seconds = reading.seconds_of_trades(connection, "BTC-USD", since, until)
        by_second: dict[int, list[Trade]] = defaultdict(list)
        for row in valid:
            by_second[row.time_ns // SECOND_NS * SECOND_NS].append(as_trade(row))
        # A candle of the same trades has the same fields, in the same order, and two more.
        candles = [of_trades(opened, made, 0).row()[:12] for opened, made in by_second.items()]
        assert [tuple(second) for second in seconds] == candles


def as_trade(row: StoredTrade) -> Trade:
    """As the feed would say it."""
    return Trade(row.sequence, row.time_ns, row.trade_id, row.price_ticks, row.quantity_lots, row.aggressor)


def test_sums_of_the_largest_trades_are_exact(store: Store) -> None:
    price, quantity = 2**32 - 1, 2**31
    made = [Trade(n, START_NS + n, n, price, quantity, 1) for n in range(1, 1001)]
    store.write([cut(list(made), 1, 1000)])
    with store.reading() as connection:
        (second,) = reading.seconds_of_trades(connection, "BTC-USD", START_NS, START_NS + SECOND_NS)
    assert (second.quote_volume, second.taker_buy_quote) == (1000 * price * quantity,) * 2
    assert second.volume_lots == 1000 * quantity


def test_a_time_is_found_where_ids_are_missing(store: Store) -> None:
    made = [Trade(n, START_NS + n, n, 1, 1, 1) for n in range(1, 101)]
    store.write([cut(list(made), 1, 100)])
    with store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM trades WHERE trade_id < 20 OR trade_id BETWEEN 40 AND 70")
    with store.reading() as connection:
        for at, first in ((0, 20), (20, 20), (39, 39), (40, 71), (55, 71), (71, 71), (100, 100), (101, 101)):
            found = reading.first_id_at(connection, "BTC-USD", START_NS + at)
            rows = reading.read_trades(connection, "BTC-USD", limit=1, since_ns=START_NS + at)
            assert [row.trade_id for row in rows] == ([first] if first < 101 else [])
            assert 39 < found <= first or found == first
