"""Sessions against a real engine: what became of a command, and what is known when the engine is away."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
import zmq

from bus.config import Config, Engine, Web
from bus.errors import Busy, NotConnected, TimedOut
from bus.protocol.commands import CancelOrder, EnterOrder
from bus.protocol.reasons import RATE_EXCEEDED, TOO_LATE, TOO_MANY_SESSIONS
from bus.protocol.reports import Accepted, Cancelled, Filled, Rejected, Report
from bus.protocol.terms import BUY, GTC, LIMIT, SELL
from bus.sockets.client import Client
from tests.support.real_engine import RealEngine, define
from web.errors import Refusal, of_failure
from web.session import Outcome
from web.sessions import Sessions

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    """An engine with the instrument BTC-USD that nobody stops."""
    with RealEngine(tmp_path_factory.mktemp("engine") / "data", engine={"sync": "os"}) as running:
        define(running, "BTC-USD")
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RealEngine]:
    """An engine that a test may stop."""
    with RealEngine(tmp_path / "data", engine={"sync": "os"}) as running:
        define(running, "BTC-USD")
        yield running


def tell(engine: RealEngine, story: Callable[[Sessions], Coroutine[Any, Any, None]], **web: Any) -> None:
    """Run a story with sessions of its own."""
    config = Config(
        engine=Engine(data_dir=str(engine.data_dir), port_base=engine.port_base),
        web=Web(**web),
    )

    async def run() -> None:
        with zmq.Context() as context:
            sessions = Sessions(config, engine.token, context)
            try:
                await story(sessions)
            finally:
                await sessions.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(run(), PATIENCE_S))


def buy(client_order_id: str, lots: int = 10, ticks: int = 100, side: int = BUY) -> EnterOrder:
    return EnterOrder(client_order_id, "BTC-USD", side, lots, ticks, LIMIT, GTC)


async def until_not(kind: type[Exception], ask: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
    """Ask again as long as this is raised; each attempt waits for itself."""
    while True:
        with suppress(kind):
            return await ask()


def test_an_outcome_has_all_that_a_command_caused_to_its_order(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        maker, taker = await sessions.of("maker-1"), await sessions.of("taker-1")
        first = await maker.command(buy("m-1", 3))
        second = await maker.command(buy("m-2", 4))
        found = await taker.command(buy("t-1", 10, 100, SELL))
        assert isinstance(found.answer, Accepted)
        fills = [(one.cumulative_lots, one.leaves_lots) for one in found.following if type(one) is Filled]
        assert fills == [(3, 7), (7, 3)]
        assert found.numbers == [2, 3]
        assert [*first.following, *second.following] == []
        ended = await taker.command(CancelOrder(client_order_id="t-1"))
        assert isinstance(ended.answer, Cancelled)
        assert ended.answer.quantity_lots == 3

    tell(shared, story)


def test_commands_given_at_once_get_each_its_own(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("many")
        outcomes = await asyncio.gather(*(session.command(buy(f"id-{number}", 1)) for number in range(200)))
        ids = [one.answer.client_order_id for one in outcomes if isinstance(one.answer, Accepted)]
        assert ids == [f"id-{number}" for number in range(200)]
        assert session.idle

    tell(shared, story)


def test_a_listener_hears_every_report_of_its_account_and_of_no_other(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        heard: list[tuple[int, Report]] = []
        unlisten = (await sessions.of("heard")).listen(
            lambda first, told: heard.extend(enumerate(told, first))
        )
        await (await sessions.of("unheard")).command(buy("u-1"))
        with Client(port_base=shared.port_base, account="heard", timeout=PATIENCE_S) as elsewhere:
            await asyncio.to_thread(lambda: elsewhere.enter("BTC-USD", "buy", "0.001", "1").result())
        session = await sessions.of("heard")
        await session.command(buy("h-1"))
        assert [(number, type(report)) for number, report in heard] == [(1, Accepted), (2, Accepted)]
        unlisten()
        await session.command(buy("h-2"))
        assert len(heard) == 2

    tell(shared, story)


def test_an_order_of_another_session_is_known_and_one_that_has_ended_is_not(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        with Client(port_base=shared.port_base, account="known", timeout=PATIENCE_S) as elsewhere:
            before = elsewhere.enter("BTC-USD", "buy", "0.001", "1", client_order_id="before").result()
            session = await sessions.of("known")
            elsewhere.enter("BTC-USD", "buy", "0.001", "1", client_order_id="behind").result()
            for name in ("before", before.order_id, "behind"):
                order = await session.order(name)
                assert order is not None
                assert order.symbol == "BTC-USD"
            elsewhere.cancel("before").result()
            await session.present()
            assert session.known_order(before.order_id) is session.known_order("before") is None
            assert await session.order("before") is None
            assert await session.order(before.order_id) is None
            assert await session.order("never") is None

    tell(shared, story)


def test_what_happens_while_open_orders_are_asked_for_is_known(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("meanwhile")
        await session.command(buy("ended"))
        # The question leaves first, and the answers to all that follows are there before its own is looked at.
        asked = asyncio.ensure_future(session.order("never"))
        await asyncio.sleep(0)
        acted = [session.command(CancelOrder(client_order_id="ended"))]
        acted += [session.command(buy(f"m-{number}", 1)) for number in range(50)]
        await asyncio.gather(asked, *acted)
        assert session.known_order("ended") is None
        assert all(session.known_order(f"m-{number}") for number in range(50))

    tell(shared, story)


def test_what_an_engine_that_was_away_gets_too_late_is_not_carried_out(own: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("late")
        await session.command(buy("in time"))
        heard: list[Report] = []
        session.listen(lambda _, told: heard.extend(told))
        own.pause()
        with pytest.raises(TimedOut):
            await session.command(buy("late"))
        own.go_on()
        await session.until_open()
        again = await session.command(buy("again"))
        refused = next(report for report in heard if isinstance(report, Rejected))
        assert (refused.request_id, refused.reason) == ("late", TOO_LATE)
        assert isinstance(again.answer, Accepted)
        assert await session.order("late") is None

    tell(own, story, answer_timeout_ms=500)


def test_nothing_is_sent_while_no_engine_is_there_and_it_heals_by_itself(own: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("healed")
        await session.command(buy("before"))
        own.kill()
        # Until the engine's heartbeats are missed nobody knows that it is gone.
        with pytest.raises(TimedOut):
            await session.command(buy("nobody knows"))
        with pytest.raises(NotConnected):
            await until_not(TimedOut, lambda: session.command(buy("not sent")))
        await asyncio.to_thread(own.start)
        found = await until_not(NotConnected, lambda: session.command(buy("behind")))
        assert isinstance(found.answer, Accepted)
        names = ("before", "nobody knows", "not sent", "behind")
        known = [name for name in names if await session.order(name) is not None]
        assert known == ["before", "behind"]

    tell(own, story, answer_timeout_ms=500)


def test_what_the_engine_has_too_much_of_is_said_as_it_says_it(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("flood")
        outcomes = await asyncio.gather(
            *(session.command(buy(f"f-{number}")) for number in range(20)), return_exceptions=True
        )
        busy = [one for one in outcomes if isinstance(one, Busy)]
        assert busy
        refusal = of_failure(busy[0])
        assert (refusal.code, refusal.status) == (RATE_EXCEEDED, 429)
        assert session.idle

    limits = {"commands_per_s_max": 10}
    with RealEngine(tmp_path / "data", engine={"sync": "os"}, limits=limits) as engine:
        define(engine, "BTC-USD")
        tell(engine, story)


def test_who_was_idle_longest_makes_room_and_whoever_is_at_work_does_not(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        first = await sessions.of("room-1")
        second = await sessions.of("room-2")
        await sessions.of("room-1")  # used again
        await sessions.of("room-3")
        assert len(sessions) == 2
        while not second.over:
            await first.present()
        assert await sessions.of("room-1") is first
        for account in ("room-1", "room-3"):
            (await sessions.of(account)).listen(lambda *_: None)
        with pytest.raises(Refusal) as refused:
            await sessions.of("room-4")
        assert refused.value.code == TOO_MANY_SESSIONS

    tell(shared, story, sessions_max=2)


def test_a_session_that_nobody_uses_is_ended(shared: RealEngine) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.of("idle")
        busy = await sessions.of("busy")
        busy.listen(lambda *_: None)
        while not session.over:
            await busy.present()
        assert len(sessions) == 1
        again = await sessions.of("idle")
        assert again is not session
        assert isinstance((await again.command(buy("again"))).answer, Accepted)

    tell(shared, story, idle_session_s=1)
