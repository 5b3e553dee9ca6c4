"""Events of the trade topic as the store has them, by number: by these it is known whether a log is the store's own.

The rule guarded here: an event is named by its log sequence and its engine time; two logs have no event in common that
agrees in number, sequence and time. Called by the publisher, see `publisher.lineage`.
"""

from sqlalchemy import Connection, and_, func, select

from publisher.store.rows import MANUAL, PastEvent
from publisher.store.tables import corrections, progress, trades


def last_event(connection: Connection, symbol: str) -> PastEvent | None:
    """The last one that is stored, None when there is none."""
    number = connection.execute(
        select(progress.c.trade_number).where(progress.c.symbol == symbol)
    ).scalar_one_or_none()
    return event_at(connection, symbol, number) if number else None


def event_at(connection: Connection, symbol: str, number: int) -> PastEvent | None:
    """The event with this number; None when it is not stored (any more)."""
    epoch = connection.execute(
        select(progress.c.epoch).where(progress.c.symbol == symbol)
    ).scalar_one_or_none()
    revisions = and_(corrections.c.symbol == symbol, corrections.c.kind != MANUAL)
    of_revision = select(corrections.c.sequence, corrections.c.time_ns)
    found = connection.execute(of_revision.where(revisions, corrections.c.number == number)).one_or_none()
    if found is None:
        before = connection.execute(
            select(func.count()).select_from(corrections).where(revisions, corrections.c.number < number)
        ).scalar_one()
        found = connection.execute(
            select(trades.c.sequence, trades.c.time_ns).where(
                trades.c.symbol == symbol, trades.c.trade_id == number - before
            )
        ).one_or_none()
    if found is None or epoch is None:
        return None
    sequence, time_ns = found
    return PastEvent(number, sequence, time_ns, epoch)
