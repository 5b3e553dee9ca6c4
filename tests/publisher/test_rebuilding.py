"""A rebuild against what a simulated publisher has stored: equal however it was interrupted, each wrong row named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bus.protocol.commands import BustTrade, DefineInstrument, EnterOrder
from bus.protocol.terms import BUY, SELL
from publisher.candles.candle import Candle
from publisher.candles.intervals import DAY_NS, INTERVALS, MINUTE_NS
from publisher.rebuilding.comparison import Kept
from publisher.rebuilding.findings import Findings
from publisher.rebuilding.rebuilding import Rebuilding
from publisher.store.adjustment import adjust_candle, adjust_trade
from publisher.store.reading import read_candles, read_progress, read_trades
from publisher.store.store import Store
from tests.publisher.storing_publisher import StoringPublisher, catch_up, give_log
from tests.publisher.test_market import DEFINED, SYMBOL, Walk, deliver, settle
from tests.support.simulated_network import SimulatedEngine

FOR_EVER = Kept(0, dict.fromkeys(INTERVALS, 0))


class Rebuilt:
    """A database as publishers left it, and what rebuilds find in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.path = folder / "stored.db"
        self.store = Store(f"sqlite:///{self.path}", "")

    def fresh(self) -> Store:
        self._count += 1
        return Store(f"sqlite:///{self._folder / f'fresh-{self._count}.db'}", "")

    def rebuild(self, engine: SimulatedEngine, kept: Kept = FOR_EVER, *, whole: bool = False) -> Rebuilding:
        fresh = self.fresh()
        with self.store.reading() as connection:
            rebuilding = Rebuilding(fresh, connection, kept, whole=whole)
            give_log(engine, rebuilding)
        fresh.close()
        return rebuilding

    def findings(self, engine: SimulatedEngine, kept: Kept = FOR_EVER) -> Findings:
        return self.rebuild(engine, kept).findings

    def change(self, statement: str) -> int:
        """What an accident does to the file; how many rows it meets."""
        with closing(sqlite3.connect(self.path)) as database, database as connection:
            return connection.execute(statement).rowcount


def copy(database: Path, to: Path) -> None:
    """A copy of a whole database over another, also where what is to be replaced is open elsewhere."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


@pytest.fixture
def rebuilt(tmp_path: Path) -> Iterator[Rebuilt]:
    made = Rebuilt(tmp_path)
    yield made
    made.store.close()


def walked(
    rebuilt: Rebuilt, seed: int, *, steps: int = 300, revise: bool = True, restarts: float = 0
) -> Walk:
    """Something happened, and a publisher stored it, started again now and then."""
    walk = Walk(seed, revise=revise)
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    for _ in range(steps):
        walk.step()
        deliver(walk.engine, publisher)
        if walk.chance.random() < restarts:
            publisher = StoringPublisher(SYMBOL, rebuilt.store)
            catch_up(walk.engine, publisher)
    settle(walk.engine, publisher)
    return walk


@pytest.mark.parametrize(
    ("seed", "revise", "restarts"), [(0, True, 0), (1, True, 0.05), (2, False, 0.05), (3, True, 0.1)]
)
def test_what_a_publisher_stored_is_what_the_log_says(
    rebuilt: Rebuilt, seed: int, revise: bool, restarts: float
) -> None:
    walk = walked(rebuilt, seed, revise=revise, restarts=restarts)
    findings = rebuilt.findings(walk.engine)
    assert findings.differences.first == []
    assert findings.symbols == 1
    assert findings.trades > 100
    assert findings.candles > 20
    assert bool(findings.corrections) == revise


WRONG = {
    "UPDATE trades SET price_ticks = price_ticks + 1 WHERE trade_id = 20": "trade 20: price_ticks is",
    "UPDATE trades SET quantity_lots = quantity_lots + 1 WHERE trade_id = 20": "trade 20: quantity_lots is",
    "UPDATE trades SET aggressor = 3 - aggressor WHERE trade_id = 20": "trade 20: aggressor is",
    "UPDATE trades SET time_ns = time_ns - 1 WHERE trade_id = 20": "trade 20: time_ns is",
    "UPDATE trades SET sequence = sequence - 1 WHERE trade_id = 20": "trade 20: sequence is",
    "UPDATE trades SET state = 1 - state WHERE trade_id = 20": "trade 20: state is",
    "DELETE FROM trades WHERE trade_id = 20": "trade 20: is not stored",
    "DELETE FROM trades WHERE trade_id = 1": "trade 1: is not stored",
    "INSERT INTO trades SELECT symbol, sequence, time_ns, 100000, 1, 1, 1, 0 FROM trades LIMIT 1": (
        "trade 100000: is stored, and the log has no such"
    ),
    "DELETE FROM candles WHERE interval = '5m' AND open_time_ns = ?": "is not stored",
    "UPDATE progress SET trade_number = trade_number - 1": "progress: trade_number is",
    "UPDATE progress SET epoch = 2": "progress: epoch is 2, the log says 1",
    "UPDATE progress SET time_ns = time_ns + 1000000000000": "progress: time_ns is",
    "UPDATE progress SET sequence = sequence + 1000": "progress: stands at sequence",
    "UPDATE symbols SET status = 2": "definition: phase is 2, the log says 1",
    "UPDATE symbols SET definition = replace(definition, '\"BTC\"', '\"ETH\"')": "definition: base is ETH",
    "DELETE FROM symbols": "definition: is not stored",
    "DELETE FROM progress": "progress: is not stored, and there are rows",
    "DELETE FROM corrections": "correction",
    "UPDATE corrections SET price_before_ticks = 1": "price_before_ticks is 1, the log says",
    "UPDATE corrections SET sequence = sequence + 1": "sequence is",
    **{
        f"UPDATE candles SET {name} = {value} WHERE interval = '5m' AND open_time_ns = ?": f"{name} is"
        for name, value in {
            "open_ticks": "open_ticks + 1",
            "high_ticks": "high_ticks + 1",
            "low_ticks": "low_ticks + 1",
            "close_ticks": "close_ticks + 1",
            "volume_lots": "volume_lots || '0'",
            "quote_volume": "'1' || quote_volume",
            "trades": "trades + 1",
            "taker_buy_lots": "'7'",
            "taker_buy_quote": "'7'",
            "first_trade_id": "first_trade_id + 1",
            "last_trade_id": "last_trade_id + 1",
            "last_sequence": "last_sequence + 1",
            "revision": "revision + 1",
        }.items()
    },
}


def test_every_wrong_row_is_named(rebuilt: Rebuilt) -> None:
    """One accident at a time, in each column of each table; then it is as it was, and equal again."""
    walk = walked(rebuilt, 5)
    with rebuilt.store.reading() as connection:
        candle = next(
            c for c in read_candles(connection, SYMBOL, "5m", limit=1000) if c.trades and c.volume_lots
        )
    whole = rebuilt.path.with_suffix(".whole")
    copy(rebuilt.path, whole)
    for statement, line in WRONG.items():
        assert rebuilt.change(statement.replace("?", str(candle.open_time_ns))), statement
        differences = rebuilt.findings(walk.engine).differences
        assert differences.count, statement
        assert any(line in found for found in differences.first), (statement, differences.first)
        if "trade_id = 20" in statement or "open_time_ns = ?" in statement:
            assert differences.count == 1, differences.first
        copy(whole, rebuilt.path)
    assert not rebuilt.findings(walk.engine).differences.count


def test_what_is_older_than_is_kept_is_no_difference(rebuilt: Rebuilt) -> None:
    """The oldest rows alone, and only those that the settings let go."""
    walk = walked(rebuilt, 6, revise=False)
    walk.engine.time_ns += 9 * DAY_NS
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    catch_up(walk.engine, publisher)
    for _ in range(100):
        walk.step()
        deliver(walk.engine, publisher)
    settle(walk.engine, publisher)
    with rebuilt.store.reading() as connection:
        now_ns = read_progress(connection)[SYMBOL].time_ns
    old = rebuilt.change(f"DELETE FROM trades WHERE time_ns < {now_ns - 5 * DAY_NS}")
    old += rebuilt.change(
        f"DELETE FROM candles WHERE interval = '1m' AND open_time_ns < {now_ns - 7 * DAY_NS}"
    )
    assert old > 1000
    assert rebuilt.findings(walk.engine).differences.count == old
    kept = Kept(5, {**FOR_EVER.candles_days, "1m": 7})
    findings = rebuilt.findings(walk.engine, kept)
    assert (findings.differences.first, findings.forgotten) == ([], old)
    longer = Kept(30, {**FOR_EVER.candles_days, "1m": 7})
    assert rebuilt.findings(walk.engine, longer).differences.count > 100
    rebuilt.change(f"DELETE FROM candles WHERE interval = '1m' AND open_time_ns = {_minute(now_ns, 6)}")
    (line,) = rebuilt.findings(walk.engine, kept).differences.first
    assert line == f"{SYMBOL}: candle 1m at {_minute(now_ns, 6)}: is not stored"


def test_a_hole_among_old_rows_is_a_difference(rebuilt: Rebuilt) -> None:
    """What is forgotten is all that is older than something."""
    walk = walked(rebuilt, 14, steps=100, revise=False)
    walk.engine.time_ns += 9 * DAY_NS
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    catch_up(walk.engine, publisher)
    traded(walk.engine, walk.alice, 1000)
    settle(walk.engine, publisher)
    rebuilt.change("DELETE FROM trades WHERE trade_id < 10")
    kept = Kept(5, FOR_EVER.candles_days)
    assert rebuilt.findings(walk.engine, kept).differences.first == []
    rebuilt.change("DELETE FROM trades WHERE trade_id = 12")
    assert rebuilt.findings(walk.engine, kept).differences.first == [f"{SYMBOL}: trade 12: is not stored"]


def _minute(now_ns: int, days: int) -> int:
    return (now_ns - days * DAY_NS) // MINUTE_NS * MINUTE_NS


def test_an_operators_hand_is_listed_and_is_no_difference(rebuilt: Rebuilt) -> None:
    """A trade, a busted trade and a candle; but a row that is not as the hand left it is one."""
    walk = walked(rebuilt, 7, revise=False)
    with rebuilt.store.reading() as connection:
        candle = next(c for c in read_candles(connection, SYMBOL, "15m", limit=1000) if c.trades)
    adjust_trade(rebuilt.store, SYMBOL, 11, 999, "wrong at the source")
    adjust_trade(rebuilt.store, SYMBOL, 12, None, "a test that got out")
    by_hand = Candle(*candle.row())
    by_hand.trades += 1
    adjust_candle(rebuilt.store, SYMBOL, "15m", by_hand, "one more")
    findings = rebuilt.findings(walk.engine)
    assert findings.differences.first == []
    assert findings.adjustments.first == [
        f"{SYMBOL}: trade 11 at 999 ticks: by hand: wrong at the source",
        f"{SYMBOL}: trade 12 does not count: by hand: a test that got out",
        f"{SYMBOL}: candle 15m at {candle.open_time_ns}: by hand: one more",
    ]
    rebuilt.change("UPDATE trades SET price_ticks = 998 WHERE trade_id = 11")
    rebuilt.change("UPDATE trades SET state = 0 WHERE trade_id = 12")
    rebuilt.change(
        f"UPDATE candles SET trades = trades - 1 WHERE interval = '15m' AND open_time_ns = {candle.open_time_ns}"
    )
    assert [line.partition(" is ")[0] for line in rebuilt.findings(walk.engine).differences.first] == [
        f"{SYMBOL}: trade 11: price_ticks",
        f"{SYMBOL}: trade 12: state",
        f"{SYMBOL}: candle 15m at {candle.open_time_ns}: trades",
    ]


def traded(engine: SimulatedEngine, session: int, price_ticks: int, symbol: str = SYMBOL) -> None:
    """A trade, in a batch."""
    number = engine.engine.state.sequence
    engine.command(
        session,
        EnterOrder(f"s{number}", symbol, SELL, 5, price_ticks),
        EnterOrder(f"b{number}", symbol, BUY, 5, price_ticks),
    )


def test_what_follows_from_an_adjusted_trade_is_listed(rebuilt: Rebuilt) -> None:
    """Adjusted while its minute was open, before a start: the candle has it, and so have the flat ones behind."""
    walk = Walk(8, revise=False)
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    traded(walk.engine, walk.alice, 1000)
    deliver(walk.engine, publisher)
    adjust_trade(rebuilt.store, SYMBOL, 1, 500, "too much")
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    catch_up(walk.engine, publisher)
    walk.engine.time_ns += 3 * MINUTE_NS
    traded(walk.engine, walk.alice, 1001)
    walk.engine.time_ns += 3 * MINUTE_NS
    settle(walk.engine, publisher)
    findings = rebuilt.findings(walk.engine)
    assert findings.differences.first == []
    assert findings.candles > 5
    follow = [line for line in findings.adjustments.first if "follows: " in line]
    assert len(follow) == 5  # the first minute, two flat ones behind it, five minutes and fifteen
    assert "open_ticks is 500, the log says 1000" in follow[0]
    with rebuilt.store.reading() as connection:
        last = read_candles(connection, SYMBOL, "1m", limit=1, newest_first=True)[0]
    rebuilt.change(f"UPDATE candles SET low_ticks = 1 WHERE open_time_ns = {last.open_time_ns}")
    assert rebuilt.findings(walk.engine).differences.count == 1


@pytest.mark.parametrize("first_in_batch", [True, False])
def test_a_place_within_a_batch(rebuilt: Rebuilt, first_in_batch: bool) -> None:
    """The publisher ended while it waited for the minute of a busted trade: rows and time stand right before that."""
    walk = Walk(9, revise=False)
    publisher = StoringPublisher(SYMBOL, rebuilt.store)
    traded(walk.engine, walk.alice, 1000)
    deliver(walk.engine, publisher)
    walk.engine.time_ns += 2 * MINUTE_NS
    before = [] if first_in_batch else [
        EnterOrder("x1", SYMBOL, SELL, 5, 1100),
        EnterOrder("x2", SYMBOL, BUY, 5, 1100),
    ]  # fmt: skip
    walk.engine.command(
        walk.operator,
        *before,
        BustTrade(SYMBOL, 1),
        EnterOrder("x3", SYMBOL, SELL, 5, 1200),
        EnterOrder("x4", SYMBOL, BUY, 5, 1200),
    )
    taken = list(walk.engine.published)
    publisher.revising = False
    publisher.take(taken)
    with rebuilt.store.reading() as connection:
        at = read_progress(connection)[SYMBOL]
    assert at.sequence < walk.engine.engine.state.sequence
    findings = rebuilt.findings(walk.engine)
    assert findings.differences.first == []
    assert (findings.trades, findings.corrections) == (1 + len(before) // 2, 0)
    assert findings.candles == (4 if before else 0)  # two of a minute, one of five, one of fifteen
    rebuilt.change("UPDATE progress SET time_ns = time_ns - 1000000000")
    assert rebuilt.findings(walk.engine).differences.first


def test_a_definition_may_be_ahead_of_its_symbol(rebuilt: Rebuilt) -> None:
    """The engine's answer came before the feed did: it has to be one that the log has, there or later."""
    walk = walked(rebuilt, 10, steps=50)
    walk.engine.command(
        walk.operator, DefineInstrument(SYMBOL, "BTC", "USD", 1, 2, 1, 3, 2, 10_000_000, 1, 1_000_000)
    )
    rebuilt.change(
        "UPDATE symbols SET definition = replace(definition, '\"price_min_ticks\":1,', '\"price_min_ticks\":2,')"
    )
    assert rebuilt.findings(walk.engine).differences.first == []
    rebuilt.change(
        "UPDATE symbols SET definition = replace(definition, '\"price_min_ticks\":2,', '\"price_min_ticks\":3,')"
    )
    assert rebuilt.findings(walk.engine).differences.first == [
        f"{SYMBOL}: definition: price_min_ticks is 3, the log says 2"
    ]


def test_two_publishers_of_one_database_agree_in_the_epoch(rebuilt: Rebuilt) -> None:
    """The engine was started again and the book alone changed: one heard the change, the other had it in a snapshot."""
    walk = Walk(15, revise=False)
    one = StoringPublisher(SYMBOL, rebuilt.store)
    traded(walk.engine, walk.alice, 1000)
    settle(walk.engine, one)
    walk.engine.restart()
    bob = walk.engine.open_session("bob")
    walk.engine.command(bob, EnterOrder("rests", SYMBOL, BUY, 5, 900))
    deliver(walk.engine, one)
    other = StoringPublisher(SYMBOL, rebuilt.store)
    catch_up(walk.engine, other)
    for minutes in (2, 1):
        walk.engine.time_ns += minutes * MINUTE_NS
        settle(walk.engine, one, other)
    with rebuilt.store.reading() as connection:
        assert read_progress(connection)[SYMBOL].epoch == 2
    assert rebuilt.findings(walk.engine).differences.first == []


def test_a_symbol_of_which_nothing_is_stored_is_said(rebuilt: Rebuilt) -> None:
    """Its publisher may be another one; and a symbol that the log never had is a difference."""
    walk = walked(rebuilt, 11, steps=50)
    other = DefineInstrument("ETH-USD", *[getattr(DEFINED, name) for name in DEFINED.__struct_fields__[1:]])
    walk.engine.command(walk.operator, other)
    traded(walk.engine, walk.alice, 1000, "ETH-USD")
    rebuilding = rebuilt.rebuild(walk.engine, whole=True)
    assert rebuilding.findings.differences.first == []
    assert rebuilding.not_stored == {"ETH-USD"}
    rebuilt.change(
        "INSERT INTO trades SELECT 'XRP-USD', sequence, time_ns, 1, 1, 1, 1, 0 FROM trades LIMIT 1"
    )
    rebuilt.change("INSERT INTO progress VALUES ('XRP-USD', 1, 1, 2, 1)")
    assert [line for line in rebuilt.findings(walk.engine).differences.first if "trade " in line] == [
        "XRP-USD: trade 1: is stored, and the log has no such"
    ]


def test_what_is_made_anew_is_a_store_of_its_own(rebuilt: Rebuilt, tmp_path: Path) -> None:
    """Up to the end of the log, although the store had come less far; a publisher goes on from it."""
    walk = walked(rebuilt, 12)
    for _ in range(100):
        walk.step()
    into = Store(f"sqlite:///{tmp_path / 'into.db'}", "")
    with rebuilt.store.reading() as connection:
        rebuilding = Rebuilding(into, connection, FOR_EVER, whole=True)
        give_log(walk.engine, rebuilding)
    assert rebuilding.findings.differences.first == []
    publisher = StoringPublisher(SYMBOL, into)
    catch_up(walk.engine, publisher)
    traded(walk.engine, walk.alice, 1000)
    settle(walk.engine, publisher)
    done = walk.engine.engine.state.instruments[SYMBOL].next_trade_id - 1
    with into.reading() as connection:
        assert [row.trade_id for row in read_trades(connection, SYMBOL, limit=10_000)] == list(
            range(1, done + 1)
        )
    rebuilt.store.close()
    rebuilt.store = into
    assert rebuilt.findings(walk.engine).differences.first == []


def test_only_the_first_lines_are_kept(rebuilt: Rebuilt) -> None:
    walk = walked(rebuilt, 13, revise=False)
    met = rebuilt.change("UPDATE trades SET quantity_lots = quantity_lots + 1")
    differences = rebuilt.findings(walk.engine).differences
    assert (len(differences.first), differences.count) == (20, met)
    assert met > 20
