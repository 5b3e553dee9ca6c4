"""Both clients against a real engine: what people do, and what goes wrong meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
import uvloop

from bus.errors import (
    NotConnected,
    OffLot,
    OffTick,
    ReportsLost,
    SessionOver,
    SessionRefused,
    TimedOut,
    UnknownSymbol,
)
from bus.protocol import reasons
from bus.protocol.commands import CancelOrder, EnterOrder
from bus.protocol.reasons import reason_name
from bus.protocol.reports import (
    Accepted,
    Cancelled,
    Completed,
    Duplicate,
    Filled,
    Rejected,
    Replaced,
    Report,
)
from bus.protocol.terms import BUY, MAKER
from bus.sockets.async_client import AnswerFuture, AsyncClient
from bus.sockets.client import Client, PendingAnswer
from bus.sockets.session.happenings import Reports
from tests.support.real_engine import RealEngine, define

#: Nothing here waits this long unless it is broken.
PATIENCE_S = 30.0

Loop = Callable[[], asyncio.AbstractEventLoop]


def client(engine: RealEngine, account: str, **options: Any) -> Client:
    return Client(port_base=engine.port_base, account=account, timeout=PATIENCE_S, **options)


def async_client(engine: RealEngine, account: str, **options: Any) -> AsyncClient:
    return AsyncClient(port_base=engine.port_base, account=account, timeout=PATIENCE_S, **options)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a story on one loop and on the other."""

    def run(story: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(story, PATIENCE_S))

    return run


def numbered(reports: list[Report]) -> list[str]:
    return [type(report).__name__ for report in reports]


# The plain client


def test_an_order_its_fill_and_its_end(engine: RealEngine) -> None:
    with client(engine, "alice-1") as alice, client(engine, "bob-1") as bob:
        order = alice.enter("BTC-USD", "sell", "0.5", Decimal("40000.01"))
        accepted = order.result()
        assert isinstance(accepted, Accepted)
        assert (accepted.price_ticks, accepted.quantity_lots) == (4_000_001, 500)
        assert accepted.client_order_id == order.client_order_id

        assert isinstance(bob.enter("BTC-USD", "buy", "0.2").result(), Accepted)  # at the market
        taken = [next(bob.reports()), next(bob.reports())]
        assert numbered(taken) == ["Accepted", "Filled"]

        reports = alice.reports()
        assert isinstance(next(reports), Accepted)
        fill = next(reports)
        assert isinstance(fill, Filled)
        scale = alice.scale(fill.symbol)
        assert (scale.price(fill.price_ticks), scale.quantity(fill.leaves_lots)) == (
            Decimal("40000.01"),
            Decimal("0.300"),
        )
        assert fill.liquidity == MAKER
        (left,) = alice.open_orders().orders
        assert left.filled_lots == 200

        cancelled = alice.cancel(order).result()
        assert isinstance(cancelled, Cancelled)
        assert cancelled.quantity_lots == 300
        assert alice.open_orders().orders == []


def test_replace_and_mass_cancel(engine: RealEngine) -> None:
    with client(engine, "alice-2") as alice:
        order = alice.enter("ETH-USD", "buy", 2, "99.5")
        replaced = alice.replace(order, price="99.75", quantity="1.5").result()
        assert isinstance(replaced, Replaced)
        assert (replaced.price_ticks, replaced.quantity_lots, replaced.kept_priority) == (9975, 1500, False)
        again = alice.replace(order.client_order_id, quantity="1", symbol="ETH-USD").result()
        assert isinstance(again, Replaced)
        assert again.kept_priority
        alice.enter("ETH-USD", "buy", 1, "98").result()
        done = alice.mass_cancel("ETH-USD", "buy").result()
        assert isinstance(done, Completed)
        assert done.count == 2
        with pytest.raises(ValueError, match="replaced with its symbol"):
            alice.replace("some-id", price="1")


def test_a_refusal_of_the_market_is_an_answer(engine: RealEngine) -> None:
    with client(engine, "alice-3") as alice:
        rejected = alice.enter("BTC-USD", "buy", "0.1", "1000000.01").result()
        assert isinstance(rejected, Rejected)
        assert rejected.reason == reasons.PRICE_TOO_HIGH
        unknown = alice.cancel(4711).result()
        assert isinstance(unknown, Rejected)
        assert unknown.reason == reasons.UNKNOWN_ORDER


def test_what_cannot_be_said_is_an_error_before_anything_is_sent(engine: RealEngine) -> None:
    with client(engine, "alice-4") as alice:
        with pytest.raises(OffTick):
            alice.enter("BTC-USD", "buy", "1", "0.001")
        with pytest.raises(OffLot):
            alice.enter("BTC-USD", "buy", "0.0001", "1")
        with pytest.raises(TypeError, match="not float"):
            alice.enter("BTC-USD", "buy", 0.5, "1")  # type: ignore[arg-type]
        with pytest.raises(UnknownSymbol):
            alice.enter("BTC-EUR", "buy", "1", "1")
        assert alice.unanswered == 0
        assert alice.next_report == 1


def test_what_is_entered_in_a_batch_is_one_message(engine: RealEngine) -> None:
    """The commands of one message happen one nanosecond after the other."""
    with client(engine, "alice-5") as alice:
        with alice.batch():
            orders = [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(50)]
        answers = [order.result() for order in orders]
        first = answers[0]
        assert [answer.time_ns - first.time_ns for answer in answers] == list(range(50))
        assert [answer.sequence - first.sequence for answer in answers] == list(range(50))


def test_a_batch_leaves_at_its_end_without_anybody_waiting(engine: RealEngine) -> None:
    with client(engine, "alice-14") as alice, client(engine, "alice-14") as watcher:
        with alice.batch():
            order = alice.enter("BTC-USD", "buy", "0.001", "1")
        seen = next(watcher.reports())
        assert isinstance(seen, Accepted)
        assert seen.client_order_id == order.client_order_id


def test_a_batch_is_taken_as_a_whole_or_not_at_all(engine: RealEngine) -> None:
    with client(engine, "alice-20") as alice:
        with alice.batch(all_or_nothing=True):
            taken = [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(3)]
        assert [type(order.result()) for order in taken] == [Accepted] * 3
        with alice.batch(all_or_nothing=True):
            refused = [
                alice.enter("BTC-USD", "buy", "0.001", "1"),
                alice.cancel("nobody"),
                alice.cancel(taken[0]),
            ]
        reasons = [answer.result().reason for answer in refused]
        assert [reason_name(reason) for reason in reasons] == [
            "batch_refused",
            "unknown_order",
            "batch_refused",
        ]
        assert len(alice.open_orders().orders) == 3


def test_a_batch_that_raises_sends_nothing(engine: RealEngine) -> None:
    with client(engine, "alice-21") as alice:

        def enter_both() -> None:
            with alice.batch(all_or_nothing=True):
                alice.enter("BTC-USD", "buy", "0.001", "1")
                alice.enter("BTC-USD", "buy", "0.001", "1.0001")

        with pytest.raises(OffTick):
            enter_both()
        with pytest.raises(ValueError, match="inside no other"), alice.batch(validate_only=True):
            alice.enter("BTC-USD", "buy", "0.001", "1", deadline=1)
        for deadline in (0, float("nan"), float("inf"), 1e300):
            with pytest.raises(ValueError, match="some seconds from now"), alice.batch(deadline=deadline):
                pass
        assert alice.open_orders().orders == []
        assert alice.unanswered == 0


def test_what_no_message_can_hold_takes_nothing_with_it(engine: RealEngine) -> None:
    with client(engine, "alice-23") as alice:
        first = alice.enter("BTC-USD", "buy", "0.001", "1")
        with pytest.raises(ValueError, match="64 bits"):
            alice.enter("BTC-USD", "buy", "1e30", "1")
        with pytest.raises(ValueError, match="surrogates"):
            alice.cancel("\udcff")
        with pytest.raises(ValueError, match="some seconds"):
            alice.cancel_all_after(float("inf"))
        with pytest.raises(ValueError, match="64 bits"), alice.batch(all_or_nothing=True):
            alice.enter("BTC-USD", "buy", "0.001", "1", self_trade_group=2**64)
        assert isinstance(first.result(), Accepted)
        assert isinstance(alice.enter("BTC-USD", "buy", "0.001", "1").result(), Accepted)
        assert alice.unanswered == 0
        assert len(alice.open_orders().orders) == 2


def test_what_no_message_can_hold_takes_nothing_with_it_on_a_loop(engine: RealEngine, run: Any) -> None:
    async def story() -> None:
        async with async_client(engine, "alice-24") as alice:
            first = alice.enter("BTC-USD", "buy", "0.001", "1")
            with pytest.raises(ValueError, match="64 bits"):
                alice.enter("BTC-USD", "buy", "1e30", "1")
            assert isinstance(await first, Accepted)
            assert alice.unanswered == 0

    run(story())


def test_an_order_may_be_judged_and_may_come_too_late(engine: RealEngine) -> None:
    with client(engine, "alice-22") as alice:
        judged = alice.enter("BTC-USD", "buy", "0.001", "1", validate_only=True).result()
        assert (type(judged), judged.count) == (Completed, 0)
        assert alice.enter("BTC-USD", "buy", "1000000", "1", validate_only=True).result().reason
        late = alice.enter("BTC-USD", "buy", "0.001", "1", deadline=1e-9).result()
        assert reason_name(late.reason) == "too_late"
        assert isinstance(alice.enter("BTC-USD", "buy", "0.001", "1", deadline=60).result(), Accepted)
        assert len(alice.open_orders().orders) == 1
        assert alice.cancel_all_after(60).result().count == 1


def test_the_same_id_again_is_a_duplicate(engine: RealEngine) -> None:
    with client(engine, "alice-6") as alice:
        first = alice.enter("BTC-USD", "buy", "0.001", "1", client_order_id="mine").result()
        again = alice.enter("BTC-USD", "buy", "0.001", "1", client_order_id="mine").result()
        assert isinstance(again, Duplicate)
        assert again.first_sequence == first.sequence
        assert len(alice.open_orders().orders) == 1


def test_reports_go_on_where_an_earlier_life_stopped(engine: RealEngine) -> None:
    with client(engine, "alice-7") as alice:
        for price in ("1", "2", "3"):
            alice.enter("BTC-USD", "buy", "0.001", price).result()
        reports = alice.reports()
        next(reports)
        stopped_at = alice.next_report
    assert stopped_at == 2
    with client(engine, "alice-7", resume_from=stopped_at) as alice:
        prices = [report.price_ticks for report in alice.reports(timeout=0) if isinstance(report, Accepted)]
        assert prices == [200, 300]
        assert alice.next_report == 4


def test_ready_commands_and_a_callback(engine: RealEngine) -> None:
    seen: list[Reports] = []
    with client(engine, "alice-8", on_reports=seen.append) as alice:
        first = alice.send_commands(
            [EnterOrder(f"n{n}", "BTC-USD", BUY, 1, 100 + n) for n in range(3)] + [CancelOrder(0, "n1")]
        )
        while alice.unanswered:
            alice.poll(0.1)
        answers = [answer for reports in seen for answer in reports.answers]
        assert [number - first for number, _ in answers] == [0, 1, 2, 3]
        assert numbered([report for _, report in answers]) == ["Accepted"] * 3 + ["Cancelled"]
        assert alice.next_report == 5


def test_a_reader_of_reports_who_is_too_late_is_told_what_is_missing(engine: RealEngine) -> None:
    with client(engine, "alice-9", reports_waiting_max=3) as alice:
        for _ in range(5):
            alice.enter("BTC-USD", "buy", "0.001", "1").result()
        reports = alice.reports(timeout=0)
        with pytest.raises(ReportsLost, match="were not read in time") as caught:
            next(reports)
        assert (caught.value.first_report, caught.value.next_report) == (1, 3)
        assert len(list(reports)) == 3
        assert alice.next_report == 6


def test_reports_that_the_engine_no_longer_keeps_are_named(engine: RealEngine) -> None:
    with client(engine, "alice-10") as alice:
        with alice.batch():
            orders = [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(450)]
        [order.result() for order in orders]
        alice.mass_cancel().result()
    with client(engine, "alice-10", resume_from=1) as alice:
        reports = alice.reports(timeout=0)
        with pytest.raises(ReportsLost, match="no longer kept"):
            next(reports)
        following = list(reports)
        assert numbered(following)[-2:] == ["Cancelled", "Completed"]
        assert alice.next_report == 902


def test_logout_with_cancel_on_disconnect(engine: RealEngine) -> None:
    with client(engine, "alice-11") as watcher:
        with client(engine, "alice-11", cancel_on_disconnect=True) as alice:
            alice.enter("BTC-USD", "buy", "0.001", "1").result()
        reports = watcher.reports()
        assert isinstance(next(reports), Accepted)
        cancelled = next(reports)
        assert isinstance(cancelled, Cancelled)
        assert cancelled.reason == reasons.SESSION_ENDED


def test_a_client_that_leaves_without_a_word_loses_its_orders_with_its_lease(engine: RealEngine) -> None:
    with client(engine, "alice-12") as watcher:
        alice = client(engine, "alice-12", cancel_on_disconnect=True, lease_ms=1000)
        alice.open()
        alice.enter("BTC-USD", "buy", "0.001", "1").result()
        alice.close()
        reports = watcher.reports()
        assert isinstance(next(reports), Accepted)
        assert isinstance(next(reports), Cancelled)


def test_nobody_answers() -> None:
    with pytest.raises(NotConnected, match=r"no engine answered at tcp://127\.0\.0\.1:2 within 0\.1 s"):
        Client(port_base=1, account="alice", timeout=0.1).open()


def test_a_wrong_token_is_not_let_in(engine: RealEngine) -> None:
    with pytest.raises(SessionRefused, match="bad_token") as caught:
        client(engine, "mallory", role="operator", token="guess").open()
    assert caught.value.reason == reasons.BAD_TOKEN


def test_a_client_that_is_not_open_says_so(engine: RealEngine) -> None:
    alice = client(engine, "alice-13")
    with pytest.raises(NotConnected, match="not open"):
        alice.cancel(1)
    alice = client(engine, "alice-13")
    alice.open()
    order = alice.enter("BTC-USD", "buy", "0.001", "1")
    alice.close()
    alice.close()
    with pytest.raises(SessionOver):
        order.result()
    with pytest.raises(SessionOver):
        alice.enter("BTC-USD", "buy", "0.001", "1")


def test_an_engine_that_dies_and_comes_back(own_engine: RealEngine) -> None:
    """Orders given while it is dead are carried out once, in order, and no report is missing or told twice."""
    with client(own_engine, "alice") as alice:
        orders: list[PendingAnswer] = []
        for _ in range(3):
            orders += [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
            own_engine.kill()
            orders += [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
            own_engine.start()
            orders += [alice.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
        answers = [order.result() for order in orders]
        assert {type(answer) for answer in answers} == {Accepted}
        sequences = [answer.sequence for answer in answers]
        assert sequences == sorted(sequences)
        assert len(alice.open_orders().orders) == 180
        assert list(alice.reports(timeout=0)) == answers


def test_an_engine_that_holds_its_breath(own_engine: RealEngine) -> None:
    """The client takes it for dead and connects again; what it had sent is carried out once."""
    with client(own_engine, "alice") as alice:
        own_engine.pause()
        order = alice.enter("BTC-USD", "buy", "0.001", "1")
        with pytest.raises(TimedOut, match="it may still happen"):
            order.result(timeout=1.0)
        own_engine.go_on()
        assert isinstance(order.result(), Accepted)
        assert len(alice.open_orders().orders) == 1
        assert len(list(alice.reports(timeout=0))) == 1


# The client on a loop


def test_async_orders_of_one_turn_are_one_message(
    engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        async with async_client(engine, "carol-1") as carol:
            orders = [carol.enter("BTC-USD", "buy", "0.001", "1") for _ in range(50)]
            assert {type(order) for order in orders} == {AnswerFuture}
            answers = await asyncio.gather(*orders)
            assert [answer.time_ns - answers[0].time_ns for answer in answers] == list(range(50))
            done = await carol.mass_cancel()
            assert done.count == 50
            assert (await carol.open_orders()).orders == []

    run(story())


def test_async_batches(engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def story() -> None:
        async with async_client(engine, "carol-20") as carol:
            with carol.batch(all_or_nothing=True):
                orders = [carol.enter("BTC-USD", "buy", "0.001", "1"), carol.cancel("nobody")]
            answers = await asyncio.gather(*orders)
            assert [reason_name(answer.reason) for answer in answers] == ["batch_refused", "unknown_order"]
            judged = await carol.enter("BTC-USD", "buy", "0.001", "1", validate_only=True)
            assert judged.count == 0
            with pytest.raises(UnknownSymbol), carol.batch(all_or_nothing=True):
                carol.enter("NO-USD", "buy", "0.001", "1")
            assert (await carol.open_orders()).orders == []

    run(story())


def test_async_reports_and_their_end(
    engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        async with async_client(engine, "carol-2") as carol:
            reports = carol.reports()
            carol.enter("ETH-USD", "buy", "1", "5")
            order = carol.enter("ETH-USD", "sell", "1", "5")
            assert numbered([await anext(reports) for _ in range(4)]) == ["Accepted"] * 2 + ["Filled"] * 2
            carol.close()
            assert [report async for report in reports] == []
            assert order.done()

    run(story())


def test_async_orders_of_a_symbol_that_is_new_wait_for_its_definition_in_order(
    engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None], request: pytest.FixtureRequest
) -> None:
    symbol = f"NEW-{request.node.callspec.id.upper()}"

    async def story() -> None:
        async with async_client(engine, "carol-3") as carol:
            await asyncio.to_thread(define, engine, symbol)
            order = carol.enter(symbol, "buy", "0.5", "7")
            cancel = carol.cancel(order)
            off = carol.enter(symbol, "buy", "0.5", "7.001")
            unknown = carol.enter("NO-SUCH", "buy", "1", "1")
            last = carol.enter("BTC-USD", "buy", "0.001", "1")
            assert isinstance(await order, Accepted)
            cancelled = await cancel
            assert isinstance(cancelled, Cancelled)
            with pytest.raises(OffTick):
                await off
            with pytest.raises(UnknownSymbol):
                await unknown
            assert (await last).sequence == cancelled.sequence + 1
            with pytest.raises(OffTick):  # known now, so said at once
                carol.enter(symbol, "buy", "0.5", "7.001")

    run(story())


def test_async_client_outlives_the_engine(
    own_engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        async with async_client(own_engine, "carol") as carol:
            orders: list[AnswerFuture] = []
            for _ in range(2):
                orders += [carol.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
                await asyncio.sleep(0)  # they leave
                await asyncio.to_thread(own_engine.kill)
                orders += [carol.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
                await asyncio.to_thread(own_engine.start)
                orders += [carol.enter("BTC-USD", "buy", "0.001", "1") for _ in range(20)]
            answers = await asyncio.gather(*orders)
            sequences = [answer.sequence for answer in answers]
            assert sequences == sorted(sequences)
            assert len((await carol.open_orders()).orders) == 120
            reports = carol.reports()
            assert [await anext(reports) for _ in range(120)] == answers

    run(story())


def test_async_commands_of_a_client_with_a_deadline_are_in_time_or_not_carried_out(
    own_engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        async with async_client(own_engine, "carol", deadline=0.2) as carol:
            assert isinstance(await carol.command(_order("in time")), Accepted)
            own_engine.pause()
            late = carol.command(_order("late"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(late), 0.3)
            own_engine.go_on()
            answer = await late
            assert isinstance(answer, Rejected)
            assert answer.reason == reasons.TOO_LATE
            assert isinstance(await carol.command(_order("late")), Accepted)
            assert carol.log_sequence >= answer.sequence

    run(story())


def test_async_client_says_when_commands_leave_at_once(
    own_engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        async with async_client(own_engine, "carol") as carol:
            await carol.until_open()
            own_engine.kill()
            while carol.is_open:
                await asyncio.sleep(0)  # until heartbeats are missed
            with pytest.raises(NotConnected):
                await carol.until_open(0.1)
            await asyncio.to_thread(own_engine.start)
            await carol.until_open()
            assert isinstance(await carol.command(_order("back")), Accepted)
        with pytest.raises(SessionOver):
            carol.command(_order("over"))
        assert carol.is_over

    run(story())


def _order(client_order_id: str) -> EnterOrder:
    return EnterOrder(client_order_id, "BTC-USD", BUY, 1, 100)


def test_async_many_orders_one_after_the_other(
    engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """None of many answers sleeps at the socket until the next message comes."""

    async def story() -> None:
        async with async_client(engine, "carol-4") as carol:
            for _ in range(2000):
                await carol.cancel("no such order")

    run(story())


def test_an_answer_whose_edge_was_eaten_by_a_send_is_taken(
    own_engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """Nothing else can wake the client: no timer rings, and the engine says no more."""

    class Timeless(AsyncClient):
        def _arm(self) -> None:
            pass

    async def story() -> None:
        async with Timeless(port_base=own_engine.port_base, account="carol") as carol:
            first = carol.cancel("no such order")
            await asyncio.sleep(0)  # it leaves
            assert carol._socket is not None
            assert carol._socket.poll(int(PATIENCE_S) * 1000)  # the answer is here, and its edge is gone
            own_engine.pause()
            second = carol.cancel("no such order")
            assert isinstance(await first, Rejected)
            own_engine.go_on()
            assert isinstance(await second, Rejected)

    run(story())


def test_async_refused_and_unreachable(
    engine: RealEngine, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def story() -> None:
        with pytest.raises(SessionRefused):
            await async_client(engine, "mallory", role="operator", token="guess").open()
        with pytest.raises(NotConnected):
            await AsyncClient(port_base=1, account="alice", timeout=0.1).open()
        with pytest.raises(NotConnected, match="not open"):
            async_client(engine, "carol-5").cancel(1)

    run(story())
