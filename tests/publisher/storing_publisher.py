"""A simulated publisher that stores: into a real database, from which it can be started again.

And its counterpart: the log of the same simulated engine, given to a rebuild.
"""

from bus.protocol.topics import topic
from matcher.engine import Engine
from publisher.market import Market
from publisher.rebuilding.rebuilding import Rebuilding
from publisher.restoring import minute_of, restore
from publisher.store.store import Store
from tests.publisher.simulated_publisher import SimulatedPublisher
from tests.support.simulated_network import SimulatedEngine


class StoringPublisher(SimulatedPublisher):
    """Begins where the store says that the symbol ended."""

    def __init__(self, symbol: str, store: Store) -> None:
        market = Market(symbol, trades_kept=1000, ring_frames_max=64)
        with store.reading() as connection:
            restore(connection, market)
        super().__init__(symbol, market=market)
        self._store_of = store
        #: Otherwise it ends where it would ask for the minute of a trade that an operator revised.
        self.revising = True

    def _store(self) -> None:
        rows = self.market.take_rows()
        if rows is not None:
            self._store_of.write([rows])

    def _leave(self) -> None:
        market = self.market
        self._store()
        while market.revision is not None and self.revising:
            with self._store_of.reading() as connection:
                found = minute_of(connection, self.symbol, market.revision.event.trade_id)
            assert found is not None
            market.revise(*found)
            self._store()
        market.streams.departing = []


def catch_up(engine: SimulatedEngine, publisher: SimulatedPublisher) -> None:
    """Give a publisher that has just begun all trades that it has missed, and the book."""
    for _ in range(300):
        requests = publisher.requests()
        if not requests and publisher.core.next_number(topic("level", publisher.symbol)):
            return
        for request in requests:
            publisher.answer(engine.recover(request))
        if not requests:
            engine.heartbeats()
            published = list(engine.published)
            engine.published.clear()
            publisher.take(published)
    raise AssertionError("it does not catch up")


def give_log(engine: SimulatedEngine, rebuilding: Rebuilding) -> None:
    """The whole log of an engine, each entry a batch, as far as the rebuild wants it."""
    core = Engine()
    for time_ns, what, *entry in engine.log:
        if not rebuilding.wanted:
            break
        if what == "record":
            core.apply_record(entry[0], time_ns)
        else:
            session, correlation_id, created_ns, items = entry
            core.apply_message(session, correlation_id, created_ns, items, time_ns)
        core.take_private()
        rebuilding.take(core.take_public(), core.sequence, core.time_ns, core.epoch)
    rebuilding.finish()
