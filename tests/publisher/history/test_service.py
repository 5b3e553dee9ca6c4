"""A history behind a real engine: what it answers, what it refuses, and what it does when its database fails."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgpack  # type: ignore[import-untyped]  # has no types
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.addresses import addresses
from bus.errors import NotConnected, NotTaken, SessionOver
from bus.protocol import reasons
from bus.protocol.codec import encode_message
from bus.protocol.control import Refused
from bus.protocol.history import (
    OPEN,
    QueryExecutions,
    QueryOrderLife,
    QueryPastOrders,
    QueryRejections,
    QueryReports,
)
from bus.protocol.history_codec import decode_history_envelope
from bus.protocol.reports import Accepted, Filled
from bus.protocol.status import QueryStatus
from bus.sockets.history_client import AsyncHistoryClient, HistoryClient
from publisher.oversight.history import answers
from tests.support.real_engine import RealEngine
from tests.support.running_history import RunningHistory, enter, fresh


@pytest.fixture(scope="module")
def history(engine: RealEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHistory]:
    """For stories that leave it as it is."""
    file = tmp_path_factory.mktemp("history") / "history.db"
    with RunningHistory(engine, f"sqlite:///{file}") as running:
        yield running


# Answers


def test_a_client_finds_what_it_wrote(engine: RealEngine, history: RunningHistory) -> None:
    alice, bob = fresh("alice"), fresh("bob")
    with history.client() as client:
        for _ in range(20):
            accepted = enter(engine, alice, price="90")
            page = client.ask(QueryPastOrders(alice, state=OPEN, at_least=accepted.sequence))
            assert page.orders[-1].order_id == accepted.order_id
            assert page.log_sequence >= accepted.sequence
        sold = enter(engine, bob, side="sell", price="90")
        executions = client.ask(QueryExecutions(bob, at_least=sold.sequence)).executions
        assert [(e.order_id, e.price_ticks, e.quantity_lots) for e in executions] == [
            (sold.order_id, 9_000, 1_000)
        ]
        # What comes behind it and concerns nobody is known, too, as soon as the engine has said that nothing did.
        later = client.ask(QueryPastOrders(alice, at_least=sold.sequence + 1))
        assert later.log_sequence > sold.sequence
        life = client.ask(QueryOrderLife(bob, client_order_id=sold.client_order_id))
        assert [type(row.report) for row in life.reports] == [Accepted, Filled]
        assert client.ask(QueryReports(bob)).reports == life.reports
        assert client.ask(QueryRejections(bob)).rejections == []


def test_many_questions_at_once_get_each_its_answer(engine: RealEngine, history: RunningHistory) -> None:
    """More than may wait: those that are too many are asked again by the client."""
    accounts = [fresh("many") for _ in range(5)]
    sequence = max(enter(engine, account, number).sequence for number, account in enumerate(accounts, 1))
    assert history.error is None

    async def ask() -> list[int]:
        async with AsyncHistoryClient(port_base=engine.port_base, token=engine.token) as client:
            pages = await asyncio.gather(
                *(
                    client.ask(QueryPastOrders(accounts[i % 5], limit=1 + i % 2, at_least=sequence))
                    for i in range(100)
                )
            )
            lives = await asyncio.gather(
                *(client.ask(QueryReports(account, limit=1000)) for account in accounts)
            )
            assert [len(life.reports) for life in lives] == [1, 2, 3, 4, 5]
            assert (await client.ask(QueryStatus())).name == "history"
            return [len(page.orders) for page in pages]

    assert asyncio.run(ask()) == [min(1 + i % 5, 1 + i % 2) for i in range(100)]


def test_without_a_history_its_clients_say_so() -> None:
    with (
        HistoryClient(port_base=1, token="x", timeout=0.05) as client,
        pytest.raises(NotConnected, match=r"no history answered at tcp://127\.0\.0\.1:14 within 0\.05 s"),
    ):
        client.ask(QueryStatus())
    with pytest.raises(SessionOver):
        client.ask(QueryStatus())

    async def ask() -> None:
        client = AsyncHistoryClient(port_base=1, token="x", timeout=0.05)
        with pytest.raises(SessionOver):
            await client.ask(QueryStatus())
        async with client:
            with pytest.raises(NotConnected):
                await client.ask(QueryStatus())
            waiting = asyncio.ensure_future(client.ask(QueryStatus(), timeout=10))
            await asyncio.sleep(0)
        with pytest.raises(SessionOver):
            await waiting

    asyncio.run(ask())


# Refusals


@pytest.mark.parametrize(
    ("query", "reason", "text"),
    [
        (QueryPastOrders(""), reasons.INVALID_ACCOUNT, "account names are"),
        (QueryPastOrders("a\0b"), reasons.INVALID_ACCOUNT, "account names are"),
        (QueryReports("x" * 33), reasons.INVALID_ACCOUNT, "account names are"),
        (QueryPastOrders("a", limit=0), reasons.INVALID_REQUEST, "limit 0: a page has 1 to 1000 rows"),
        (QueryReports("a", limit=1001), reasons.INVALID_REQUEST, "limit 1001: a page has"),
        (QueryOrderLife("a", 1, limit=0), reasons.INVALID_REQUEST, "limit 0: a page has"),
        (QueryPastOrders("a", "btc"), reasons.INVALID_REQUEST, "symbol 'btc': symbols are"),
        (QueryExecutions("a", "B\0"), reasons.INVALID_REQUEST, "symbols are"),
        (QueryPastOrders("a", state=3), reasons.INVALID_REQUEST, "state 3: there are 0, 1, 2"),
        (QueryPastOrders("a", client_order_id="x" * 37), reasons.INVALID_REQUEST, "ids are at most 36"),
        (QueryPastOrders("a", client_order_id="\0"), reasons.INVALID_REQUEST, "ids are printable"),
        (
            QueryPastOrders("a", from_ns=5, to_ns=5),
            reasons.INVALID_REQUEST,
            "to_ns 5 is not behind from_ns 5",
        ),
        (QueryRejections("a", from_ns=5, to_ns=4), reasons.INVALID_REQUEST, "to_ns 4 is not behind"),
        (QueryRejections("a", "\n"), reasons.INVALID_REQUEST, "ids are printable"),
        (QueryExecutions("a", trade_id=5), reasons.INVALID_REQUEST, "trade_id counts within a symbol"),
        (QueryOrderLife("a"), reasons.INVALID_REQUEST, "name the order by its order_id or its"),
        (QueryOrderLife("a", 1, "x"), reasons.INVALID_REQUEST, "name the order by its order_id or its"),
        (QueryOrderLife("nobody", 1), reasons.NOT_OFFERED, "nobody has no order 1"),
        (QueryOrderLife("nobody", 0, "x"), reasons.NOT_OFFERED, "nobody has no order 'x'"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    history: RunningHistory, query: Any, reason: int, text: str
) -> None:
    with history.client() as client:
        with pytest.raises(NotTaken, match=text.replace("(", r"\(")) as caught:
            client.ask(query)
        assert caught.value.reason == reason
        assert client.ask(QueryPastOrders("nobody")).orders == []


def test_without_the_token_nothing_is_told(engine: RealEngine, history: RunningHistory) -> None:
    assert history.error is None
    for token in ("", "x", engine.token[:-1], engine.token + "0", "ü" * 64):
        with HistoryClient(port_base=engine.port_base, token=token) as client:
            for query in (QueryPastOrders("a"), QueryOrderLife("a", 1), QueryExecutions("a")):
                with pytest.raises(NotTaken) as caught:
                    client.ask(query)
                assert caught.value.reason == reasons.BAD_TOKEN
            assert client.ask(QueryStatus()).health == "ok"


class Raw:
    """Somebody who says whatever he likes."""

    def __init__(self, engine: RealEngine) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(addresses(engine.port_base, "127.0.0.1").history)

    def hear(self) -> Any:
        """The next answer."""
        assert self.socket.poll(10_000), "silence"
        (answer,) = decode_history_envelope(self.socket.recv()).items
        return answer

    def close(self) -> None:
        """Leave."""
        self.socket.close(0)
        self._context.term()


@pytest.fixture(scope="module")
def raw(engine: RealEngine, history: RunningHistory) -> Iterator[Raw]:
    """Behind a history that runs."""
    assert history.error is None
    with closing(Raw(engine)) as raw:
        yield raw


BAD = [
    (b"", reasons.MALFORMED),
    (b"\xc1", reasons.MALFORMED),
    (b"\x91" * 60_000, reasons.MALFORMED),
    (msgpack.packb([2, 0, 1, 0, [[88]]]), reasons.UNSUPPORTED_VERSION),
    (encode_message(0, 1, 0, []), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[120]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[120, "a", 5]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[120, "a", "", -1]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[120, "a", "", 0, "", 0, 0, 0, 1, False, 0, "", 1]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[119, "a"]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [[10, "o", "BTC-USD", 1, 1, 1]]), reasons.MALFORMED),
    (encode_message(0, 1, 0, [QueryStatus()] * 17), reasons.MESSAGE_TOO_LARGE),
    (b"\0" * 70_000, reasons.MESSAGE_TOO_LARGE),
]


@pytest.mark.parametrize(("payload", "reason"), BAD)
def test_bad_bytes_are_answered(raw: Raw, payload: bytes, reason: int) -> None:
    raw.socket.send(payload)
    refused = raw.hear()
    assert isinstance(refused, Refused)
    assert (refused.reason, bool(refused.text)) == (reason, True)
    raw.socket.send(encode_message(0, 5, 0, [QueryStatus()]))
    assert raw.hear().correlation_id == 5


def test_a_message_of_two_parts_is_answered(raw: Raw) -> None:
    raw.socket.send_multipart([b"", encode_message(0, 5, 0, [QueryStatus()])])
    assert raw.hear().text == "a message has exactly one part"


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.binary(max_size=80)
    | st.lists(
        st.tuples(st.integers(118, 126), st.text(max_size=5), st.integers(0, 5), st.text(max_size=3)),
        min_size=1,
        max_size=3,
    ).map(lambda items: encode_message(0, 1, 0, items))
)
def test_any_bytes_are_answered(raw: Raw, payload: bytes) -> None:
    raw.socket.send(payload)
    while not (isinstance(answer := raw.hear(), Refused) or answer.correlation_id == 1):
        pass
    raw.socket.send(encode_message(0, 2**40, 0, [QueryStatus()]))
    while getattr(raw.hear(), "correlation_id", 0) != 2**40:
        pass


def test_who_asks_for_the_future_is_told_and_keeps_nobody_waiting(
    engine: RealEngine, history: RunningHistory, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "AT_LEAST_WAIT_MS", 300)
    future = QueryReports("a", at_least=2**62, token=engine.token)
    too_many = answers.REQUESTS_PER_CONNECTION_MAX + 8
    for first in range(0, too_many, 8):
        raw.socket.send(encode_message(0, 100 + first, 0, [future] * 8))
    crowded = [raw.hear() for _ in range(8)]
    assert [one.correlation_id for one in crowded] == list(range(100 + too_many - 8, 100 + too_many))
    assert {one.reason for one in crowded} == {reasons.TOO_MANY_REQUESTS}
    with history.client() as client:
        assert client.ask(QueryReports("a")).reports == []
        assert int(dict(client.ask(QueryStatus()).facts)["requests_waiting"]) == too_many - 8
    waited = [raw.hear() for _ in range(too_many - 8)]
    assert {one.reason for one in waited} == {reasons.NOT_YET}
    assert f"not to {2**62} yet" in waited[0].text
    assert history.call(lambda: history.service.answers.waiting) == 0


def test_an_old_page_is_not_read_twice_and_later_rows_do_not_move_it(
    engine: RealEngine, history: RunningHistory
) -> None:
    """Paging while it is traded, in both directions."""
    account = fresh("pages")
    sequence = enter(engine, account, 7).sequence
    with history.client() as client:
        forwards: list[int] = []
        page = client.ask(QueryPastOrders(account, limit=2, at_least=sequence))
        backwards = client.ask(QueryPastOrders(account, limit=3, newest_first=True))
        while True:
            forwards += [order.order_id for order in page.orders]
            sequence = enter(engine, account).sequence if len(forwards) < 8 else sequence
            if not page.more:
                break
            query = QueryPastOrders(account, after=forwards[-1], limit=2, at_least=sequence)
            page = client.ask(query)
        seen = [order.order_id for order in backwards.orders]
        while backwards.more:
            query = QueryPastOrders(account, after=seen[-1], limit=3, newest_first=True)
            backwards = client.ask(query)
            seen += [order.order_id for order in backwards.orders]
        assert forwards == sorted(set(forwards))
        assert len(forwards) > 8
        assert seen == forwards[:7][::-1]
