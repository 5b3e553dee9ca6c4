"""AsyncAPI is valid by its own schema, and all that a real venue says over WebSocket and ZeroMQ is what it tells.

`asyncapi-3.0.0.json.gz` beside this file is the JSON Schema of AsyncAPI 3.0.0 as the AsyncAPI Initiative publishes it
(`@asyncapi/specs` 6.11.1, Apache License 2.0, which is this project's licence, too), without its white space.
"""

import asyncio
import gzip
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgpack  # type: ignore[import-untyped]  # has no types
import pytest
import zmq

from bus.addresses import addresses
from bus.protocol import commands, control, history, recovery, status
from bus.protocol.codec import encode_message
from bus.protocol.market import requests
from bus.sockets.market import questions
from tests.support.processes import LINE_S
from tests.support.real_engine import define_on
from tests.support.streaming import Stream
from tests.support.venue import Venue
from tests.support.web_server import WebServer
from web.asyncapi.document import document
from web.stream import channels, sockets

#: As JSON has it.
DOCUMENT: Final = json.loads(json.dumps(document(sockets.ROUTES)))
SYMBOL: Final = "BTC-USD"


def strict(schema: Any) -> Any:
    """The same, in which nothing may stand that is not told."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: strict(value) for key, value in schema.items()}
    if told.get("type") == "object" and "properties" in told:
        told.setdefault("additionalProperties", False)
    if told.get("type") == "array" and isinstance(told.get("items"), list) and "title" in told:
        told.setdefault("additionalItems", False)
    return told


COMPONENTS: Final = strict(DOCUMENT["components"])


def at(pointer: str) -> Any:
    """What stands there in the document. Fails where nothing does."""
    node: Any = DOCUMENT
    assert pointer.startswith("#/")
    for name in pointer[2:].split("/"):
        node = node[name.replace("~1", "/").replace("~0", "~")]
    return node


@cache
def judge(channel: str, message: str) -> Any:
    """What validates the payload of a message of a channel."""
    told = at(at(f"#/channels/{channel}/messages/{message}")["$ref"])
    return jsonschema_rs.Draft7Validator({"allOf": [told["payload"]], "components": COMPONENTS})


def wrong(channel: str, message: str, said: Any) -> list[str]:
    """What is wrong with something that was said in a channel."""
    return [f"{error.instance_path}: {error.message}" for error in judge(channel, message).iter_errors(said)]


def operation(name: str) -> tuple[str, list[str]]:
    """The channel of an operation, and the messages of it."""
    told = DOCUMENT["operations"][name]
    return told["channel"]["$ref"].rpartition("/")[2], [
        one["$ref"].rpartition("/")[2] for one in told["messages"]
    ]


def is_one_of(name: str, said: Any) -> str:
    """The message of an operation that this is. Fails where it is none, or where two could be meant."""
    channel, messages = operation(name)
    fits = [one for one in messages if not wrong(channel, one, said)]
    assert len(fits) == 1, (fits, said, [wrong(channel, one, said) for one in messages])
    return fits[0]


# The document


def test_it_is_valid_by_the_schema_of_asyncapi() -> None:
    text = gzip.decompress(Path(__file__).with_name("asyncapi-3.0.0.json.gz").read_bytes())
    judged = jsonschema_rs.validator_for(json.loads(text))
    assert [f"{error.instance_path}: {error.message}" for error in judged.iter_errors(DOCUMENT)] == []
    assert list(judged.iter_errors({**DOCUMENT, "channels": {"ws": {"path": "/ws"}}}))


def references(node: Any) -> Iterator[str]:
    """All that it refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_what_is_referred_to_is_there_and_the_other_way_round() -> None:
    found = set(references(DOCUMENT))
    for pointer in found:
        assert at(pointer)
    for kind in ("messages", "schemas"):
        assert {f"#/components/{kind}/{name}" for name in DOCUMENT["components"][kind]} <= found
    assert {f"#/servers/{name}" for name in DOCUMENT["servers"]} <= found
    assert {f"#/channels/{name}" for name in DOCUMENT["channels"]} <= found


def test_operations_have_messages_of_their_channels_and_addresses_their_parameters() -> None:
    told: set[tuple[str, str]] = set()
    for name, one in DOCUMENT["operations"].items():
        channel, messages = operation(name)
        assert messages
        answered = one.get("reply", {}).get("messages", [])
        for pointer in [*one["messages"], *answered]:
            assert pointer["$ref"].startswith(f"#/channels/{channel}/messages/")
            told.add((channel, pointer["$ref"].rpartition("/")[2]))
    for name, channel in DOCUMENT["channels"].items():
        assert {(name, message) for message in channel["messages"]} <= told
        assert set(re.findall(r"\{(\w+)\}", channel["address"] or "")) == set(channel.get("parameters", {}))


def test_it_is_served() -> None:
    with WebServer() as server:
        served = server.exchange(b"GET /asyncapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.json == DOCUMENT
        assert served.headers["content-type"] == "application/json"


# WebSocket


def test_what_is_said_over_websocket_is_what_is_told(venue: Venue) -> None:
    key = venue.key("alice", "read", "trade")
    heard: dict[str, str] = {}

    async def talk() -> None:
        async with Stream(f"ws://127.0.0.1:{venue.web_port}/ws") as stream, asyncio.timeout(LINE_S):

            def say(**words: Any) -> None:
                is_one_of("ws_said", words)
                stream.say(**words)

            async def hear(holds: Any) -> None:
                while True:
                    said = json.loads(str(await stream.connection.read_message()))
                    heard[is_one_of("ws_told", said)] = said["type"]
                    if holds(said):
                        return

            order = {"symbol": SYMBOL, "side": "buy", "quantity": "1", "price": "100"}
            stream.say_login(key, id="login")
            await hear(lambda said: said["type"] == "logged_in")
            wanted_channels = [name for name in channels.CHANNELS if name not in channels.OF_MONEY]
            say(op="subscribe", channels=wanted_channels, symbols=[SYMBOL], id=1)
            await hear(lambda said: said["type"] == "subscribed")
            wanted = {"answer", "pong", "error", "book", "depth20", "trade", "kline", "statistics", "ticker"}
            wanted |= {"orders", "report", "executions", "execution", "heartbeat"}
            number = 0
            while not wanted <= {*heard.values()}:  # what was told before one listened is not told again
                number += 1
                named = {"symbol": SYMBOL, "client_order_id": f"s-{number}"}
                say(op="order", id=2, order={**order, "client_order_id": f"b-{number}"})
                say(op="order", id=3, order={**order, **named, "side": "sell", "quantity": "2"})
                say(op="replace", id=4, order={**named, "price": "101", "request_id": f"r-{number}"})
                say(op="cancel", id=5, order=named)
                if number == 1:
                    say(op="cancel", id=6, order={**named, "client_order_id": "nobody's"})
                    say(op="ping", id="now")
                await hear(lambda said: said.get("id") == 5)
                if "trade" in heard.values():
                    await hear(lambda said: said["type"] in ("heartbeat", "statistics", "ticker"))
            say(op="unsubscribe", channels=["trades"], symbols=[SYMBOL])
            await hear(lambda said: said["type"] == "unsubscribed")

    asyncio.run(talk())
    assert {"BookSnapshot", "BookUpdate"} <= set(heard)


@pytest.mark.parametrize(
    "said",
    [
        {"op": "subscribe", "channels": []},
        {"op": "subscribe", "channels": ["book"], "symbol": "BTC-USD"},
        {"op": "order", "order": {"symbol": SYMBOL, "side": "buy", "quantity": "1"}},
        {"op": "cancel", "order": {"symbol": SYMBOL}},
        {"op": "steal"},
        {},
    ],
)
def test_what_would_be_refused_is_not_what_is_told(said: Any) -> None:
    channel, messages = operation("ws_said")
    assert all(wrong(channel, one, said) for one in messages)


# ZeroMQ


def unpacked(payload: bytes) -> Any:
    """A message, read by another hand than ours; bytes as text, since JSON has none."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        return value.decode("latin-1") if isinstance(value, bytes) else value

    return plain(msgpack.unpackb(payload))


def published() -> dict[str, tuple[str, re.Pattern[str]]]:
    """The channels that have a topic, each with its server and what its topics look like."""
    found = {}
    for name, channel in DOCUMENT["channels"].items():
        (server,) = (one["$ref"].rpartition("/")[2] for one in channel["servers"])
        if channel["address"] is not None and server != "websocket":
            looks = re.escape(channel["address"]).replace(re.escape("{symbol}"), "[A-Z0-9_-]{1,20}")
            looks = looks.replace(re.escape("{account}"), "[A-Za-z0-9_.-]{1,32}")
            found[name] = (server, re.compile(looks))
    return found


def test_every_topic_has_the_frames_that_are_told(venue: Venue) -> None:
    """All topics that there are, and no other one, each with its own events."""
    key = venue.key("carol", "read")
    where = addresses(venue.port_base, "127.0.0.1")
    wish = {"alert_id": "up", "symbol": SYMBOL, "condition": "price-above", "threshold": "105"}
    armed = venue.signed(key, "POST", "/api/v1/alerts", {**wish, "repeating": True})
    assert armed.status == 200, armed.body
    topics = published()
    left = set(topics)
    with (
        zmq.Context() as context,
        venue.client("carol") as carol,
        venue.client("operator", role="operator", token=venue.token) as operator,
    ):
        heard = {}
        for server in ("feed", "drop_copy", "market_data", "exposures"):
            heard[server] = context.socket(zmq.SUB)
            heard[server].connect(getattr(where, server))
            heard[server].subscribe("")
        try:
            deadline, number = time.monotonic() + LINE_S, 0
            while left:
                assert time.monotonic() < deadline, left
                number += 1
                # A subscription takes a moment, so what is told once is made to be told again.
                if "feed_status_symbol" in left:
                    define_on(operator, f"NEW{number}-USD")
                price = "110" if number % 2 else "100"
                carol.enter(SYMBOL, "sell", "2", price).result()
                carol.enter(SYMBOL, "buy", "1", price).result()
                carol.mass_cancel().result()
                for server, socket in heard.items():
                    while socket.poll(50):
                        topic, frame = socket.recv_multipart()
                        (name,) = (
                            one
                            for one, (of, looks) in topics.items()
                            if of == server and looks.fullmatch(topic.decode())
                        )
                        assert wrong(name, "frame", unpacked(frame)) == [], (topic, unpacked(frame))
                        left.discard(name)
        finally:
            for socket in heard.values():
                socket.close(0)


def test_every_request_and_its_answer_are_what_is_told(venue: Venue) -> None:
    where = addresses(venue.port_base, "127.0.0.1")
    with zmq.Context() as context:

        def ask(server: str, *items: Any, session: int = 0) -> list[Any]:
            """What is answered to each of these, in messages of their own."""
            answers = []
            dealer = context.socket(zmq.DEALER)
            try:
                dealer.connect(getattr(where, server))
                for number, item in enumerate(items, 1):
                    payload = encode_message(session, number, time.time_ns(), [item])
                    is_one_of(f"{server}_asked", unpacked(payload))
                    dealer.send(payload)
                    assert dealer.poll(int(LINE_S * 1_000)), f"{server} does not answer {item}"
                    answer = unpacked(dealer.recv())
                    (reply,) = DOCUMENT["operations"][f"{server}_asked"]["reply"]["messages"]
                    assert wrong(server, reply["$ref"].rpartition("/")[2], answer) == [], answer
                    answers.append(answer[7][0])
                    if isinstance(item, control.Hello):
                        session = answer[7][0][2]
            finally:
                dealer.close(0)
            return answers

        said = ask(
            "orders",
            control.Hello("dave"),
            control.QueryInstruments(),
            commands.EnterOrder("d-1", SYMBOL, 1, 1_000, 9_000),
            control.QueryOrders(),
            commands.CancelOrder(0, "d-1"),
            commands.CancelOrder(0, "d-1"),
            control.Heartbeat(),
            control.Logout(),
        )
        assert [one[0] for one in said] == [30, 35, 40, 34, 43, 41, 31, 32]
        said = ask(
            "recovery",
            recovery.Snapshot(SYMBOL, 2),
            recovery.Snapshot(SYMBOL, 3),
            recovery.Replay(f"status.{SYMBOL}.", 1, 1),
            recovery.Replay(f"status.{SYMBOL}.", 10**6, 10**6),
            recovery.Snapshot("NONE", 2),
            status.QueryStatus(),
        )
        assert len({one[0] for one in said}) == 5
        said = ask(
            "market_requests",
            *(questions.depth(SYMBOL, 5).request, questions.symbols().request, questions.mini().request),
            *(questions.trades(SYMBOL).request, questions.candles(SYMBOL, "1m").request),
            questions.alerts().request,
            requests.DepthRequest("NONE", 1),
        )
        assert len({one[0] for one in said}) == 7
        said = ask(
            "history",
            history.QueryPastOrders("dave", token=venue.token),
            history.QueryOrderLife("dave", client_order_id="d-1", token=venue.token),
            history.QueryExecutions("carol", token=venue.token),
            history.QueryRejections("dave", token=venue.token),
            history.QueryReports("dave", token=venue.token),
            history.QueryPastOrders("dave"),
        )
        assert len({one[0] for one in said}) == 6


def test_a_frame_of_another_topic_is_not_what_is_told() -> None:
    tick = [1, 0, 1, 1, 1, 1, 1, [[68, 1, 1]]]
    assert wrong("feed_clock", "frame", tick) == []
    assert wrong("feed_trade_symbol", "frame", tick)
    assert wrong("feed_clock", "frame", [*tick[:7], [[68, 1]]])
    assert wrong("feed_clock", "frame", tick[:7])
