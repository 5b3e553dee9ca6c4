"""What never happened is taken back: the rows are what they would be without it, and are written on from there."""

import random

import pytest
from sqlalchemy import select

from bus.protocol.feed import Trade, TradeBusted, TradeCorrected
from publisher.candles.candle import Candle, of_trades
from publisher.candles.intervals import MINUTE_NS
from publisher.store.past import event_at, last_event
from publisher.store.rows import Progress, SymbolRows
from publisher.store.store import Store
from publisher.store.tables import candles, corrections, progress, trades
from publisher.store.withdrawal import withdraw
from tests.support.stored import START_NS

SYMBOL = "BTC-USD"
Event = Trade | TradeBusted | TradeCorrected


def drawn(chance: random.Random, count: int, before: list[Event]) -> list[Event]:
    """So many further events of the trade topic, some of which revise trades of the events before."""
    events = list(before)
    sequence, time_ns = (events[-1].sequence, events[-1].time_ns) if events else (0, START_NS)
    made = [event for event in events if isinstance(event, Trade)]
    gone = {event.trade_id for event in events if isinstance(event, TradeBusted)}
    for _ in range(count):
        sequence += chance.randrange(1, 9)
        time_ns += int(10 ** chance.uniform(6, 10.7))
        left = [trade for trade in made[-20:] if trade.trade_id not in gone]
        if left and chance.random() < 0.3:
            trade = chance.choice(left)
            price = price_of(events, trade)
            if chance.random() < 0.5:
                events.append(TradeBusted(sequence, time_ns, trade.trade_id, price, trade.quantity_lots))
                gone.add(trade.trade_id)
            else:
                corrected = price + chance.randrange(1, 5)
                events.append(
                    TradeCorrected(sequence, time_ns, trade.trade_id, corrected, trade.quantity_lots, price)
                )
        else:
            trade = Trade(
                sequence, time_ns, len(made) + 1, chance.randrange(90, 110), chance.randrange(1, 9), 1
            )
            made.append(trade)
            events.append(trade)
    return events


def price_of(events: list[Event], trade: Trade) -> int:
    """What a trade costs after these events."""
    price = trade.price_ticks
    for event in events:
        if isinstance(event, TradeCorrected) and event.trade_id == trade.trade_id:
            price = event.price_ticks
    return price


def counted(events: list[Event]) -> list[Trade]:
    """The trades that count after these events, at their last prices."""
    gone = {event.trade_id for event in events if isinstance(event, TradeBusted)}
    return [
        Trade(e.sequence, e.time_ns, e.trade_id, price_of(events, e), e.quantity_lots, e.aggressor)
        for e in events
        if isinstance(e, Trade) and e.trade_id not in gone
    ]


def closed(events: list[Event]) -> list[tuple[str, Candle]]:
    """The minutes with trades that are over by the last event; revision: how many changes were made to them."""
    found: list[tuple[str, Candle]] = []
    opens = sorted({e.time_ns // MINUTE_NS * MINUTE_NS for e in events if isinstance(e, Trade)})
    for opened in opens:
        if opened + MINUTE_NS > events[-1].time_ns:
            continue
        within = [t for t in counted(events) if opened <= t.time_ns < opened + MINUTE_NS]
        candle = of_trades(opened, within, 100)
        candle.closed = True
        ids = {
            e.trade_id for e in events if isinstance(e, Trade) and opened <= e.time_ns < opened + MINUTE_NS
        }
        candle.revision = sum(not isinstance(e, Trade) and e.trade_id in ids for e in events)
        found.append(("1m", candle))
    return found


def write(store: Store, events: list[Event], done: int) -> None:
    """The events behind the first `done` as one piece."""
    new = list(enumerate(events, 1))[done:]
    last = events[-1]
    store.write(
        [
            SymbolRows(
                symbol=SYMBOL,
                after_sequence=events[done - 1].sequence if done else 0,
                progress=Progress(len(events), last.sequence, last.time_ns, 1),
                trades=[event for _, event in new if isinstance(event, Trade)],
                revisions=[(number, event) for number, event in new if not isinstance(event, Trade)],
                candles=closed(events),
            )
        ]
    )


def rows(store: Store) -> list[list[tuple[object, ...]]]:
    """Everything of the symbol."""
    with store.reading() as connection:
        return [
            sorted(tuple(row) for row in connection.execute(select(table)))
            for table in (trades, corrections, candles, progress)
        ]


@pytest.mark.parametrize("seed", range(6))
def test_what_is_left_is_what_it_would_be_without(
    store: Store, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    events = drawn(chance, 120, [])
    kept = chance.randrange(1, len(events))
    write(store, events[: kept // 2 + 1], 0)
    write(store, events, kept // 2 + 1)
    with store.transaction() as connection:
        withdraw(connection, SYMBOL, kept + 1)
    plain = Store(f"sqlite:///{tmp_path_factory.mktemp('plain')}/market.db", "")
    write(plain, events[:kept], 0)
    found, wanted = rows(store), rows(plain)
    assert found[:2] == wanted[:2]
    assert found[3] == wanted[3]
    # What closed behind the last event that stays is made again; nothing else of the candles is another.
    assert set(found[2]) <= set(wanted[2])
    other = drawn(chance, 60, events[:kept])
    for one in (store, plain):
        write(one, other, kept)
    assert rows(store) == rows(plain)
    plain.close()


def test_all_of_it(store: Store) -> None:
    events = drawn(random.Random(9), 30, [])
    write(store, events, 0)
    with store.transaction() as connection:
        withdraw(connection, SYMBOL, 1)
    assert rows(store) == [[], [], [], [(SYMBOL, 0, 0, 0, 1)]]
    write(store, drawn(random.Random(10), 30, []), 0)


def test_flat_candles_behind_the_last_trade_go_as_well(store: Store) -> None:
    """What happens next may happen before they end."""
    trade = Trade(5, START_NS + 1, 1, 100, 1, 1)
    late = Trade(9, START_NS + 10 * MINUTE_NS, 2, 100, 1, 1)
    flat = []
    for at in range(10):
        candle = of_trades(START_NS + at * MINUTE_NS, [trade] if not at else [], 100)
        candle.closed = True
        flat.append(("1m", candle))
    store.write(
        [
            SymbolRows(
                symbol=SYMBOL,
                after_sequence=0,
                progress=Progress(2, 9, late.time_ns, 1),
                trades=[trade, late],
                candles=flat,
            )
        ]
    )
    with store.transaction() as connection:
        withdraw(connection, SYMBOL, 2)
    assert rows(store)[2:] == [[], [(SYMBOL, 1, 5, START_NS + 1, 1)]]


def test_an_event_is_found_by_its_number(store: Store) -> None:
    events = drawn(random.Random(11), 80, [])
    write(store, events, 0)
    with store.reading() as connection:
        for number, event in enumerate(events, 1):
            found = event_at(connection, SYMBOL, number)
            assert found is not None
            assert (found.number, found.sequence, found.time_ns) == (number, event.sequence, event.time_ns)
        assert last_event(connection, SYMBOL) == event_at(connection, SYMBOL, len(events))
        assert event_at(connection, SYMBOL, len(events) + 1) is None
        assert last_event(connection, "NOPE") is None
