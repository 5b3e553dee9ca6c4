"""The operator's hand: a stored trade or candle is changed, with a reason, and on record.

The rule guarded here: nothing is changed without a row in `corrections` that says what it was, what it is now, and why.
What was adjusted stays: the same rows written again from the feed do not undo it (see `writing`); only a newer event
of the feed about the trade, or another adjustment, does. Candles are not made anew from an adjusted trade, nor longer
ones from an adjusted candle: each is named by itself. A publisher that runs sees it at its next start. Called by the
command line.
"""

import json  # its whole numbers may leave 64 bits
from typing import Final

from sqlalchemy import Connection, func, select

from bus.errors import AdjustmentRefused
from publisher.candles.candle import Candle
from publisher.candles.intervals import MINUTE_NS
from publisher.store.revisions import insert_corrections, revise_trade
from publisher.store.rows import BUSTED, MANUAL, Correction, Progress
from publisher.store.store import Store
from publisher.store.tables import corrections, progress, trades
from publisher.store.writing import read_candle, replace_candle

#: A reason, not a report.
NOTE_CHARACTERS_MAX: Final = 500


def adjust_trade(store: Store, symbol: str, trade_id: int, price_ticks: int | None, note: str) -> Correction:
    """Give a stored trade another price, or with None let it no longer count. Blocks.

    Raises AdjustmentRefused when it is not stored, when nothing would change, or without a note; and what
    `Store.transaction` raises.
    """
    _check_note(note)
    if price_ticks is not None and price_ticks < 1:
        raise AdjustmentRefused(f"{symbol}: a price is at least 1 tick, not {price_ticks}")
    with store.transaction() as connection:
        at, step = _place(connection, symbol)
        found = connection.execute(
            select(trades.c.price_ticks, trades.c.state, trades.c.time_ns).where(
                trades.c.symbol == symbol, trades.c.trade_id == trade_id
            )
        ).one_or_none()
        if found is None:
            raise AdjustmentRefused(f"{symbol}: no trade {trade_id} is stored")
        before_ticks, state, time_ns = found
        if (price_ticks is None) == (state == BUSTED) and price_ticks in (None, before_ticks):
            raise AdjustmentRefused(f"{symbol}: trade {trade_id} is so already")
        made = Correction(
            number=at.trade_number,
            step=step,
            sequence=at.sequence,
            time_ns=at.time_ns,
            kind=MANUAL,
            trade_id=trade_id,
            price_before_ticks=before_ticks,
            price_after_ticks=price_ticks,
            open_time_ns=time_ns - time_ns % MINUTE_NS,
            note=note,
        )
        insert_corrections(connection, symbol, [made])
        revise_trade(connection, symbol, trade_id)
    return made


def adjust_candle(store: Store, symbol: str, interval: str, candle: Candle, note: str) -> Correction:
    """Put `candle` in the place of the stored one of the same open time, one revision higher. Blocks.

    `candle.revision` is not looked at. Raises AdjustmentRefused when none is stored, when the fields contradict each
    other or change nothing, or without a note; and what `Store.transaction` raises.
    """
    _check_note(note)
    _check_candle(symbol, candle)
    key = (symbol, interval, candle.open_time_ns)
    with store.transaction() as connection:
        at, step = _place(connection, symbol)
        before = read_candle(connection, key)
        if before is None:
            raise AdjustmentRefused(f"{symbol}: no candle of {interval} that opens at {key[2]} is stored")
        after = Candle(*candle.row()[:-2], closed=True, revision=before.revision + 1)
        if after.says_the_same(before):
            raise AdjustmentRefused(
                f"{symbol}: the candle of {interval} that opens at {key[2]} is so already"
            )
        made = Correction(
            number=at.trade_number,
            step=step,
            sequence=at.sequence,
            time_ns=at.time_ns,
            kind=MANUAL,
            interval=interval,
            open_time_ns=candle.open_time_ns,
            before=json.dumps(before.row()),
            after=json.dumps(after.row()),
            note=note,
        )
        insert_corrections(connection, symbol, [made])
        replace_candle(connection, key, after)
    return made


def _place(connection: Connection, symbol: str) -> tuple[Progress, int]:
    """Where the symbol stands, locked until the transaction ends, and the next step behind its last event."""
    found = connection.execute(
        select(progress).where(progress.c.symbol == symbol).with_for_update()
    ).one_or_none()
    if found is None:
        raise AdjustmentRefused(f"{symbol}: nothing is stored of this symbol")
    at = Progress(*found[1:])
    last: int | None = connection.execute(
        select(func.max(corrections.c.step)).where(
            corrections.c.symbol == symbol, corrections.c.number == at.trade_number
        )
    ).scalar_one()
    return at, (last or 0) + 1


def _check_note(note: str) -> None:
    if not note.strip() or len(note) > NOTE_CHARACTERS_MAX:
        raise AdjustmentRefused(f"an adjustment needs a reason of 1 to {NOTE_CHARACTERS_MAX} characters")


def _check_candle(symbol: str, candle: Candle) -> None:
    """What no trades could come to is refused."""
    inside = (candle.open_ticks, candle.close_ticks)
    sums = (
        candle.trades,
        candle.volume_lots,
        candle.quote_volume,
        candle.taker_buy_lots,
        candle.taker_buy_quote,
    )
    if not 1 <= candle.low_ticks <= min(inside) <= max(inside) <= candle.high_ticks:
        raise AdjustmentRefused(f"{symbol}: open and close of a candle lie between its low and its high")
    if (
        min(sums) < 0
        or candle.taker_buy_lots > candle.volume_lots
        or candle.taker_buy_quote > candle.quote_volume
    ):
        raise AdjustmentRefused(f"{symbol}: what takers bought in a candle is a part of its volume")
