"""One transaction of the store: what is written twice, out of turn, or otherwise than before."""

import msgspec
import pytest

from bus.errors import StoreBehind, StoreDiffers
from bus.protocol.feed import InstrumentDefined, Trade, TradeBusted, TradeCorrected
from publisher.store import reading
from publisher.store.rows import (
    BUST,
    BUSTED,
    CORRECT,
    CORRECTED,
    VALID,
    Correction,
    Progress,
    StoredAlert,
    SymbolDefinition,
    SymbolRows,
)
from publisher.store.store import Store
from tests.support.stored import (
    ALL,
    START_NS,
    ids,
    minute,
    piece,
    stored_progress,
    stored_trades,
    trade,
    trades,
)


def revision(number: int, event: TradeBusted | TradeCorrected, after: int) -> SymbolRows:
    """An event about a trade, at the log sequence of its number."""
    at = Progress(number, number * 10, START_NS + number, 1)
    return SymbolRows(symbol="BTC-USD", after_sequence=after, progress=at, revisions=[(number, event)])


def bust(of: Trade, number: int, price_ticks: int = 100) -> TradeBusted:
    """Its bust."""
    return TradeBusted(number * 10, START_NS + number, of.trade_id, price_ticks, of.quantity_lots)


def correct(of: Trade, number: int, price_ticks: int, previous: int = 100) -> TradeCorrected:
    """Its correction."""
    return TradeCorrected(
        number * 10, START_NS + number, of.trade_id, price_ticks, of.quantity_lots, previous
    )


def state(store: Store, trade_id: int) -> tuple[int, int]:
    """State and price of a trade."""
    return next((row.state, row.price_ticks) for row in stored_trades(store) if row.trade_id == trade_id)


def test_trades_come_back_as_they_were_written(store: Store) -> None:
    made = trades(1, 5)
    written = store.write([piece(made)])
    assert written.progress == {"BTC-USD": Progress(5, 50, made[-1].time_ns, 1)}
    assert written.kept == []
    assert [msgspec.structs.astuple(row)[:-1] for row in stored_trades(store)] == [
        msgspec.structs.astuple(trade) for trade in made
    ]
    assert {row.state for row in stored_trades(store)} == {VALID}
    assert stored_progress(store) == written.progress["BTC-USD"]


def test_the_same_again_changes_nothing(store: Store) -> None:
    store.write([piece(trades(1, 5))])
    before = stored_trades(store)
    store.write([piece(trades(1, 5))])
    end = Progress(5, 50, trades(5, 5)[0].time_ns, 1)
    assert store.write([piece(trades(1, 3))]).progress == {"BTC-USD": end}
    assert stored_trades(store) == before
    assert stored_progress(store) == end


def test_what_overlaps_goes_on_behind_it(store: Store) -> None:
    store.write([piece(trades(1, 5))])
    store.write([piece(trades(3, 9), after=20)])
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("field", ["sequence", "time_ns", "price_ticks", "quantity_lots", "aggressor"])
def test_another_trade_of_the_same_id_is_an_alarm_and_writes_nothing(store: Store, field: str) -> None:
    store.write([piece(trades(1, 5))])
    other = trades(4, 7)
    fields = {name: getattr(other[1], name) for name in Trade.__struct_fields__}
    other[1] = Trade(**{**fields, field: fields[field] + 1})
    with pytest.raises(StoreDiffers, match="BTC-USD: the database has another trade 5") as caught:
        store.write([piece(other, after=30)])
    assert caught.value.symbol == "BTC-USD"
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5]


def test_rows_that_do_not_go_on_where_the_database_stands_are_refused(store: Store) -> None:
    store.write([piece(trades(1, 5))])
    with pytest.raises(StoreBehind, match="up to sequence 50, the rows go on after 70") as caught:
        store.write([piece(trades(1, 2), symbol="ETH-USD"), piece(trades(8, 9), after=70)])
    assert (caught.value.symbol, caught.value.stored_sequence) == ("BTC-USD", 50)
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5]
    assert stored_progress(store, "ETH-USD") is None


def test_what_is_missing_for_good_is_passed_over(store: Store) -> None:
    store.write([piece(trades(1, 5))])
    store.write([piece(trades(8, 9), after=None)])
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5, 8, 9]


@pytest.mark.parametrize(
    ("number", "sequence"),
    [(4, 60), (6, 50), (6, 40)],
    ids=["further with fewer", "the same with more", "less far with more"],
)
def test_a_history_with_other_numbers_is_an_alarm(store: Store, number: int, sequence: int) -> None:
    store.write([piece(trades(1, 5))])
    at = Progress(number, sequence, START_NS + 10**12, 1)
    with pytest.raises(StoreDiffers, match="the database stands at trade number 5 and sequence 50"):
        store.write([SymbolRows(symbol="BTC-USD", after_sequence=40, progress=at)])


def test_symbols_do_not_touch_each_other(store: Store) -> None:
    store.write([piece(trades(1, 3)), piece(trades(1, 2, price_ticks=7), symbol="ETH-USD")])
    assert ids(stored_trades(store)) == [1, 2, 3]
    assert [row.price_ticks for row in stored_trades(store, "ETH-USD")] == [7, 7]


# Busts and corrections


def test_a_bust_and_a_correction_change_their_trades_and_are_on_record(store: Store) -> None:
    made = trades(1, 3)
    store.write([piece(made)])
    store.write([revision(4, bust(made[0], 4), 30)])
    store.write([revision(5, correct(made[1], 5, 90), 40)])
    assert [(row.state, row.price_ticks) for row in stored_trades(store)] == [
        (BUSTED, 100),
        (CORRECTED, 90),
        (VALID, 100),
    ]
    with store.reading() as connection:
        told = reading.read_corrections(connection, "BTC-USD", limit=ALL)
        later = reading.read_corrections(connection, "BTC-USD", limit=ALL, after=(4, 0))
    assert told == [
        Correction(
            number=4,
            sequence=40,
            time_ns=START_NS + 4,
            kind=BUST,
            trade_id=1,
            price_before_ticks=100,
            open_time_ns=START_NS,
        ),
        Correction(
            number=5,
            sequence=50,
            time_ns=START_NS + 5,
            kind=CORRECT,
            trade_id=2,
            price_before_ticks=100,
            price_after_ticks=90,
            open_time_ns=START_NS,
        ),
    ]
    assert later == told[1:]


def test_a_publisher_that_lags_does_not_take_a_correction_back(store: Store) -> None:
    made = trades(1, 3)
    first, second = correct(made[1], 4, 90), correct(made[1], 5, 80, previous=90)
    history = [piece(made), revision(4, first, 30), revision(5, second, 40)]
    for part in history:
        store.write([part])
    for part in history:
        store.write([part])
        assert state(store, 2) == (CORRECTED, 80)


def test_trades_that_were_lost_come_back_as_they_were_corrected(store: Store) -> None:
    made = trades(1, 4)
    store.write([piece(made)])
    store.write([revision(5, correct(made[1], 5, 90), 40)])
    store.write([revision(6, bust(made[1], 6, price_ticks=90), 50)])
    before = stored_trades(store)
    with store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM trades WHERE trade_id <= 3")
    store.write([piece(made)])
    assert stored_trades(store) == before
    assert state(store, 2) == (BUSTED, 90)


def test_a_correction_in_the_same_piece_as_its_trade_applies(store: Store) -> None:
    made = trades(1, 3)
    whole = piece(made, number=4)
    whole.revisions = [(4, bust(made[2], 4))]
    store.write([whole])
    assert state(store, 3) == (BUSTED, 100)


def test_a_bust_of_a_trade_that_is_not_stored_is_on_record_without_a_minute(store: Store) -> None:
    store.write([piece(trades(5, 6), after=None)])
    store.write([revision(7, bust(trade(2), 7), 60)])
    with store.reading() as connection:
        told = reading.read_corrections(connection, "BTC-USD", limit=ALL)
    assert [(row.trade_id, row.open_time_ns) for row in told] == [(2, None)]


def test_another_event_of_the_same_number_is_an_alarm(store: Store) -> None:
    made = trades(1, 3)
    store.write([piece(made)])
    store.write([revision(4, bust(made[0], 4), 30)])
    with pytest.raises(StoreDiffers, match="another event 4 on the trade topic"):
        store.write([revision(4, bust(made[1], 4), 30)])


# Candles


def candles_of(store: Store) -> list[tuple[int, int, int]]:
    """Open time in minutes, close and revision of each minute."""
    with store.reading() as connection:
        found = reading.last_candles(connection, "BTC-USD", "1m", ALL)
    return [((row.open_time_ns - START_NS) // (60 * 10**9), row.close_ticks, row.revision) for row in found]


def with_candles(sequence: int, *made: tuple[int, int, int]) -> SymbolRows:
    """A piece of minutes: (minute, price, revision)."""
    return SymbolRows(
        symbol="BTC-USD",
        after_sequence=None,
        progress=Progress(0, sequence, START_NS + sequence, 1),
        candles=[("1m", minute(at, price_ticks=price, revision=counted)) for at, price, counted in made],
    )


def test_a_candle_comes_back_with_sums_beyond_64_bits(store: Store) -> None:
    candle = minute(3, trades(1, 9, price_ticks=2**31, quantity_lots=2**31))
    assert candle.quote_volume == 9 * 2**62
    candle.volume_lots, candle.taker_buy_lots = 10**30 + 1, 10**29 + 7
    rows = with_candles(1)
    rows.candles = [("1m", candle), ("5m", candle)]
    store.write([rows])
    with store.reading() as connection:
        for interval in ("1m", "5m"):
            assert reading.last_candles(connection, "BTC-USD", interval, 5) == [candle]


def test_a_higher_revision_replaces_and_a_lower_one_does_not(store: Store) -> None:
    store.write([with_candles(1, (0, 100, 0), (1, 101, 0))])
    store.write([with_candles(2, (0, 90, 1))])
    assert candles_of(store) == [(0, 90, 1), (1, 101, 0)]
    store.write([with_candles(1, (0, 100, 0), (1, 101, 0), (2, 102, 0))])
    assert candles_of(store) == [(0, 90, 1), (1, 101, 0), (2, 102, 0)]


def test_pages_of_candles(store: Store) -> None:
    store.write([with_candles(1, *((at, 100 + at, 0) for at in range(9)))])
    start, length = START_NS, 60 * 10**9

    def closes(**wanted: int | bool) -> list[int]:
        with store.reading() as connection:
            found = reading.read_candles(connection, "BTC-USD", "1m", **{"limit": 3, **wanted})  # type: ignore[arg-type]  # by name
        return [row.close_ticks for row in found]

    assert closes() == [100, 101, 102]
    assert closes(newest_first=True) == [108, 107, 106]
    assert closes(since_ns=start + 2 * length, until_ns=start + 4 * length) == [102, 103]
    assert closes(since_ns=start + 2 * length + 1) == [103, 104, 105]
    with store.reading() as connection:
        last = reading.last_candles(connection, "BTC-USD", "1m", 2)
    assert [row.close_ticks for row in last] == [107, 108]


def test_another_candle_of_the_same_revision_is_an_alarm(store: Store) -> None:
    store.write([with_candles(1, (0, 100, 0), (1, 101, 0))])
    with pytest.raises(StoreDiffers, match="another candle of 1m that opens at"):
        store.write([with_candles(2, (1, 99, 0), (2, 102, 0))])
    assert candles_of(store) == [(0, 100, 0), (1, 101, 0)]


# Symbols and alerts


def defined(sequence: int, status: int) -> SymbolDefinition:
    """A symbol as it was announced."""
    definition = InstrumentDefined(1, "BTC-USD", "BTC", "USD", 1, 2, 1, 6, 1, 10**9, 1, 10**12, 1, 3)
    return SymbolDefinition(sequence, status, definition)


def test_the_latest_definition_of_a_symbol_stays(store: Store) -> None:
    rows = with_candles(9)
    rows.definition = defined(9, 2)
    store.write([rows])
    older = with_candles(5)
    older.definition = defined(5, 1)
    store.write([older])
    with store.reading() as connection:
        assert reading.read_symbols(connection) == {"BTC-USD": defined(9, 2)}


def test_alerts_are_kept_changed_and_removed(store: Store) -> None:
    one, two = (StoredAlert(name, "BTC-USD", 5, '{"price": 1}') for name in ("one", "two"))
    rows = with_candles(5)
    rows.alerts = [one, two]
    store.write([rows])
    rows = with_candles(6)
    rows.alerts, rows.removed_alerts = [StoredAlert("one", "BTC-USD", 6, "{}")], ["two"]
    store.write([rows])
    late = with_candles(5)
    late.alerts = [one]
    store.write([late])
    with store.reading() as connection:
        assert reading.read_alerts(connection, "BTC-USD") == [StoredAlert("one", "BTC-USD", 6, "{}")]
        assert reading.read_alerts(connection, "ETH-USD") == []
        assert len(reading.read_alerts(connection)) == 1


# Pieces as one


def test_pieces_that_follow_each_other_are_written_as_one(store: Store) -> None:
    whole, second = piece(trades(1, 3)), piece(trades(4, 6), after=30)
    whole.candles = [("1m", minute(0, price_ticks=7)), ("1m", minute(1, price_ticks=8))]
    second.candles = [("1m", minute(0, price_ticks=6, revision=1))]
    whole.alerts = [StoredAlert("gone", "BTC-USD", 10, ""), StoredAlert("kept", "BTC-USD", 10, "")]
    whole.removed_alerts = ["back"]
    second.alerts, second.removed_alerts = [StoredAlert("back", "BTC-USD", 40, "")], ["gone"]
    assert whole.count() == 1 + 3 + 2 + 2 + 1
    whole.extend(second)
    store.write([whole])
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5, 6]
    assert candles_of(store) == [(0, 6, 1), (1, 8, 0)]
    with store.reading() as connection:
        assert [row.alert_id for row in reading.read_alerts(connection)] == ["back", "kept"]


def test_pieces_with_a_hole_between_them_do_not_become_one() -> None:
    with pytest.raises(AssertionError, match="a piece is missing"):
        piece(trades(1, 3)).extend(piece(trades(5, 6), after=40))
