"""Stored positions of random logs are what their trades and open orders say, after any restart, bust and lost end."""

from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from bus.errors import StoreMismatch
from bus.protocol.commands import BustTrade, CorrectTrade, EnterOrder, SetPhase
from bus.protocol.exposure import AccountPosition, QueryPositions
from bus.protocol.terms import BUY, CLOCK_SYSTEM, CONTINUOUS, SELL
from bus.protocol.valuing import valued
from bus.sockets.reading.feed_items import Run
from matcher.engine import Engine
from publisher.candles.intervals import DAY_NS
from tests.support.drop_copies import DropCopy
from tests.support.histories import positions_stored, random_market, random_runs, reading, writing
from tests.support.markets import OPERATOR_SESSION, RULES_WITH_ROOM, SYMBOLS, Message, opening
from tests.support.past import Past

SEEDS = (0, 5, 6, 8)


def assert_positions(url: str, past: Past) -> None:
    """What is stored are sums over the trades of the oracle, and the marks its last prices."""
    kept, prices = positions_stored(url)
    sums: dict[tuple[str, str], list[int]] = {}
    last: dict[str, tuple[int, int]] = {}
    for trade in past.trades:
        filled = trade.filled
        lots_and_cash = sums.setdefault((trade.account, filled.symbol), [0, 0])
        if trade.state != 1:
            sign = 1 if filled.side == BUY else -1
            lots_and_cash[0] += sign * filled.quantity_lots
            lots_and_cash[1] -= sign * filled.quantity_lots * trade.price_ticks
        last[filled.symbol] = max(last.get(filled.symbol, (0, 0)), (filled.trade_id, filled.price_ticks))
    fees: dict[tuple[str, str], dict[str, int]] = {}
    for trade in past.trades:
        asset, fee = trade.fee
        of_pair = fees.setdefault((trade.account, trade.filled.symbol), {})
        if fee:
            of_pair[asset] = of_pair.get(asset, 0) + fee
    assert {pair: dict(account.fees) for pair, account in kept.items()} == {
        pair: fees.get(pair, {}) for pair in kept
    }
    assert prices == {symbol: price for symbol, (_, price) in last.items()}
    for pair, (lots, cash) in sums.items():
        held = kept[pair].standing.held
        assert (held.lots, held.realised - held.cost) == (lots, cash), pair
    ordered = {
        (account, report.symbol)
        for account, told in past.reports.items()
        for report in told
        if type(report).__name__ == "Accepted"
    }
    assert kept.keys() == ordered


def assert_open(url: str, engine: Engine) -> None:
    """What may still be bought and sold is what the engine's open orders are."""
    kept, _ = positions_stored(url)
    sides: dict[tuple[str, str, int], list[int]] = {}
    for account in engine.state.accounts:
        for _, entered, price, quantity, filled, *_ in engine.open_orders(account):
            side = sides.setdefault((account, entered[2], entered[3]), [0, 0, 0, 0])
            left = quantity - filled
            side[0] += 1
            side[1] += left
            side[2] += left * price
            side[3] += 0 if price else left
    for (account, symbol), known in kept.items():
        for number, of_side in ((BUY, known.bids), (SELL, known.asks)):
            wanted = sides.pop((account, symbol, number), [0, 0, 0, 0])
            assert [of_side.orders, of_side.lots, of_side.notional, of_side.unpriced_lots] == wanted
    assert not sides


@pytest.mark.parametrize(("seed", "clears"), [*((seed, False) for seed in SEEDS), (5, True), (10, True)])
def test_positions_of_a_random_log(tmp_path: Path, seed: int, clears: bool) -> None:
    """In lives of different length, each of which has nothing at hand."""
    url = f"sqlite:///{tmp_path / 'history.db'}"
    copy, past, chance = DropCopy(), Past(), Random(seed)
    runs = random_runs(copy, seed, 400, clears)
    while waiting := list(islice(runs, chance.randrange(1, 60))):
        with writing(url) as writer:
            writer.write(waiting)
            for run in waiting:
                past.take(run)
    assert_positions(url, past)
    assert_open(url, copy.engine)
    assert any(trade.fee[1] for trade in past.trades) == clears


def test_a_fee_that_is_told_in_a_later_transaction_than_its_fill_counts_as_well(url: str) -> None:
    """Whoever goes on in the middle of a batch reads its rest alone."""
    _, past, runs = random_market(17, 150, clears=True)
    assert any(trade.fee[1] for trade in past.trades)
    with writing(url) as writer:
        for run in runs:
            for place, event in enumerate(run.events):
                writer.write([replace(run, first_number=run.first_number + place, events=[event])])
    assert_positions(url, past)


def test_positions_of_what_never_happened_are_taken_back(url: str) -> None:
    _, whole, runs = random_market(17, 150, clears=True)
    with writing(url) as writer:
        writer.write(runs)
        for cut in sorted({1, len(runs) // 3, len(runs) - 2}, reverse=True):
            last = runs[cut - 1]
            writer.withdraw(last.first_number + len(last.events) - 1)
            past = Past()
            for run in runs[:cut]:
                past.take(run)
            assert_positions(url, past)
        writer.write(runs[cut:])
    assert_positions(url, whole)


def test_a_failed_transaction_leaves_positions_as_they_were(url: str) -> None:
    _, whole, runs = random_market(1, 60)
    with writing(url) as writer:
        writer.write(runs[:30])
        before = positions_stored(url)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with writing(url) as writer:
        position = writer.position
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE positions RENAME TO elsewhere"))
        with pytest.raises(StoreMismatch, match="positions"):
            writer.write(runs[30:])
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO positions"))
    engine.dispose()
    assert positions_stored(url) == before
    with writing(url) as writer:
        assert writer.position == position
        writer.write(runs[30:])
    assert_positions(url, whole)


# A story

ANNA, BORIS = 2, 3  # sessions


def told(copy: DropCopy, session: int, *commands: Any, after_ns: int = 1) -> list[Run]:
    """What the commands of a session make."""
    return [run for command in commands for run in copy.tell(Message(session, (command,), after_ns))]


def order(number: int, side: int, price: int, lots: int) -> EnterOrder:
    """A limit order of BTC-USD, open until it is cancelled."""
    return EnterOrder(f"o-{number}", SYMBOLS[0], side, lots, price)


def asked(url: str, account: str, **fields: Any) -> list[AccountPosition]:
    """The account's positions as they are told."""
    with reading(url) as reader:
        page: Any = reader.page(QueryPositions(account, **fields), 9)[1]
        assert (page.correlation_id, page.account) == (9, account)
        return list(page.positions)


def test_a_day_with_a_bust_a_correction_and_a_new_day(url: str) -> None:
    """Anna buys 10 at 5 and sells 4 at 8; a day later 10 at 9, which is corrected to 7, and 2 at 9, busted later."""
    copy = DropCopy()
    symbol = SYMBOLS[0]
    before = [run for step in opening(RULES_WITH_ROOM, CLOCK_SYSTEM, {}) for run in copy.tell(step)]
    before += told(copy, OPERATOR_SESSION, SetPhase(symbol, CONTINUOUS))

    def trade(number: int, anna: int, price: int, lots: int, after_ns: int = 1) -> list[Run]:
        boris = SELL if anna == BUY else BUY
        return [
            *told(copy, BORIS, order(number, boris, price, lots), after_ns=after_ns),
            *told(copy, ANNA, order(number, anna, price, lots)),
        ]

    first_day = [*before, *trade(1, BUY, 5, 10), *trade(2, SELL, 8, 4)]
    second_day = [
        *trade(3, SELL, 9, 10, DAY_NS),
        *trade(4, SELL, 9, 2),
        *told(copy, ANNA, order(5, BUY, 3, 6)),
    ]
    revised = told(copy, OPERATOR_SESSION, CorrectTrade(symbol, 3, 7), BustTrade(symbol, 4))
    with writing(url) as writer:
        writer.write(first_day)
        (anna,) = asked(url, "acc-anna")
        assert (anna.lots, anna.cost, anna.realised, anna.realised_before) == ("6", "30", "12", "0")
        writer.write(second_day)
        (anna,) = asked(url, "acc-anna")
        assert (anna.lots, anna.cost, anna.realised, anna.realised_before) == ("-6", "-54", "36", "12")
        assert (anna.bid_orders, anna.bid_lots, anna.bid_notional, anna.ask_orders) == (1, "6", "18", 0)
        writer.write(revised)
    positions_stored(url)
    (anna,) = asked(url, "acc-anna")
    # 6 x 7 less 30 are realised; the 4 that are left of the corrected sale are sold short at 7.
    assert (anna.lots, anna.cost, anna.realised, anna.realised_before) == ("-4", "-28", "24", "12")
    assert anna.mark_ticks == 9, "a bust leaves the last price"
    at_mark = valued(anna)
    assert (at_mark.net, at_mark.unrealised, at_mark.longest_lots, at_mark.worst) == (-36, -8, 2, 36)
    (boris,) = asked(url, "acc-boris")
    assert (boris.lots, boris.realised) == ("4", "-24")
    assert asked(url, "acc-carla") == []


def test_positions_come_in_pages_and_by_symbol(url: str) -> None:
    _, _, runs = random_market(5, 200)
    with writing(url) as writer:
        writer.write(runs)
    whole = asked(url, "acc-anna")
    assert [position.symbol for position in whole] == sorted(SYMBOLS)
    with reading(url) as reader:
        page: Any = reader.page(QueryPositions("acc-anna", limit=1), 9)[1]
    assert (page.positions, page.more) == (whole[:1], True)
    assert asked(url, "acc-anna", after=whole[0].symbol) == whole[1:]
    assert asked(url, "acc-anna", symbol=SYMBOLS[1]) == [p for p in whole if p.symbol == SYMBOLS[1]]
    assert asked(url, "acc-anna", symbol="NONE") == []
    assert asked(url, "nobody") == []
