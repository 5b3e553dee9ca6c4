"""Channels over ZeroMQ: by socket, and by topic where one subscribes.

AsyncAPI knows no ZeroMQ, so what it cannot say stands in `x-zeromq`: which socket listens, and which one connects. A
message is an array in MessagePack; a publication has the topic as a part before it. `docs/protocol.md` and
`docs/market-data.md` tell the rest: sessions, gaps, limits.
"""

import inspect
import re
from typing import Any, Final

from msgspec import Struct

from bus.addresses import OFFSETS
from bus.protocol import codec, exposure, feed, history_codec
from bus.protocol.market import codec as market
from bus.protocol.market import streams
from web.asyncapi.parts import MESSAGES, Node, Part, of_channel, reference, server
from web.asyncapi.schemas import schemas
from web.openapi.components import REF

#: Before the names of schemas and messages: JSON has some of the same.
_WIRE: Final = "wire."
_MSGPACK: Final = "application/vnd.msgpack"
_SYMBOL: Final = "{symbol}."
_ACCOUNT: Final = "{account}."
#: What stands in the place of a name, and what that is.
_PARAMETERS: Final = {
    _SYMBOL: ("symbol", {"description": "The name of an instrument."}),
    _ACCOUNT: ("account", {"description": "The name of an account."}),
}
_NAME: Final = re.compile(r"[^A-Za-z0-9]+")

#: name -> (socket, yours, what it is)
_SERVERS: Final = {
    "orders": ("ROUTER", "DEALER", "The engine: sessions and commands in, answers and reports out."),
    "feed": ("PUB", "SUB", "The engine: what everybody may know."),
    "recovery": ("ROUTER", "DEALER", "The engine: what a reader of its topics has missed."),
    "drop_copy": ("PUB", "SUB", "The engine: every report of every account, for the house."),
    "deep_recovery": ("ROUTER", "DEALER", "The shadow: what the engine no longer keeps."),
    "market_data": ("XPUB", "SUB", "A publisher: what it makes of the feed."),
    "market_requests": ("ROUTER", "DEALER", "A publisher: what can be asked of it."),
    "history": ("ROUTER", "DEALER", "The history: what accounts did in the past, for the house."),
    "exposures": (
        "PUB",
        "SUB",
        "The history: what accounts hold and have open, as it changes, for the house.",
    ),
}
#: server -> (what comes, what is answered)
_ASKED: Final[dict[str, tuple[tuple[type[Struct], ...], type[Struct]]]] = {
    "orders": ((codec.CommandMessage, codec.ControlMessage), codec.Envelope),
    "recovery": ((codec.RecoveryMessage,), codec.RecoveryEnvelope),
    "deep_recovery": ((codec.RecoveryMessage,), codec.RecoveryEnvelope),
    "market_requests": ((market.MarketMessage,), market.MarketEnvelope),
    "history": ((history_codec.HistoryMessage,), history_codec.HistoryEnvelope),
}
_TRADES: Final = (feed.Trade, feed.TradeBusted, feed.TradeCorrected)
_TOPS: Final = [f"top{levels}-{period}" for levels in streams.TOPS for period in streams.PERIODS]
#: server -> topic -> (frame, the events in it); none: those of the frame.
_PUBLISHED: Final[dict[str, dict[str, tuple[type[Struct], tuple[type[Struct], ...]]]]] = {
    "feed": {
        f"trade.{_SYMBOL}": (codec.Frame, _TRADES),
        f"level.{_SYMBOL}": (codec.Frame, (feed.Level,)),
        f"order.{_SYMBOL}": (
            codec.Frame,
            (feed.OrderAdded, feed.OrderExecuted, feed.OrderDeleted, feed.OrderReduced),
        ),
        f"status.{_SYMBOL}": (codec.Frame, (feed.InstrumentDefined, feed.PhaseChanged, feed.ScheduleSet)),
        "clock.": (codec.Frame, (feed.Tick, feed.BreakerTripped, feed.EmergencySet)),
        f"heartbeat.{_SYMBOL}": (codec.Frame, (feed.FeedHeartbeat,)),
        "heartbeat.clock.": (codec.Frame, (feed.StreamHeartbeat,)),
    },
    "drop_copy": {
        "drop.": (codec.DropFrame, ()),
        "heartbeat.drop.": (codec.Frame, (feed.StreamHeartbeat,)),
    },
    "market_data": {
        f"trades.{_SYMBOL}": (market.MarketFrame, (*_TRADES, streams.Resync)),
        **{
            f"{name}.{_SYMBOL}": (market.MarketFrame, (feed.Level, streams.Book, streams.Resync))
            for name in ("depth", *(f"depth-{period}" for period in streams.PERIODS))
        },
        **{f"{name}.{_SYMBOL}": (market.MarketFrame, (streams.Top,)) for name in _TOPS},
        **{
            f"candle-{interval}.{_SYMBOL}": (market.MarketFrame, (streams.CandleUpdated,))
            for interval in streams.INTERVALS
        },
        f"statistics.{_SYMBOL}": (market.MarketFrame, (streams.Statistics,)),
        f"mini.{_SYMBOL}": (market.MarketFrame, (streams.MiniStatistics,)),
        f"alert.{_SYMBOL}": (market.MarketFrame, (streams.AlertFired,)),
        f"symbol.{_SYMBOL}": (market.MarketFrame, (streams.Symbol,)),
        f"heartbeat.{_SYMBOL}": (market.MarketFrame, (streams.StreamsHeartbeat,)),
    },
    "exposures": {
        f"exposure.{_ACCOUNT}": (history_codec.ExposureFrame, (exposure.AccountChanged,)),
        "marks.": (history_codec.ExposureFrame, (exposure.Marks,)),
        f"heartbeat.exposure.{_ACCOUNT}": (history_codec.ExposureFrame, (exposure.AccountHeartbeat,)),
        "heartbeat.marks.": (history_codec.ExposureFrame, (exposure.Marks,)),
    },
}


def part() -> Part:
    """What is said over ZeroMQ."""
    asked = {kind for kinds, answer in _ASKED.values() for kind in (*kinds, answer)}
    frames = {frame for topics in _PUBLISHED.values() for frame, _ in topics.values()}
    found = Part(
        {name: _server(name) for name in _SERVERS},
        {},
        {},
        {f"{_WIRE}{kind.__name__}": _message(kind) for kind in sorted(asked, key=lambda one: one.__name__)},
        schemas({*asked, *frames}, _WIRE),
    )
    for name, (kinds, answer) in _ASKED.items():
        _ask(found, name, kinds, answer)
    for name, topics in _PUBLISHED.items():
        for topic, (frame, events) in topics.items():
            _publish(found, name, topic, frame, events)
    return found


def _server(name: str) -> Node:
    socket, yours, what = _SERVERS[name]
    return {**server("zmtp", OFFSETS[name], what), "x-zeromq": {"socket": socket, "yours": yours}}


def _ask(found: Part, name: str, kinds: tuple[type[Struct], ...], answer: type[Struct]) -> None:
    """A ROUTER: whoever connects has the answers to itself."""
    found.channels[name] = {
        "address": None,
        "title": _SERVERS[name][2],
        "servers": [reference(f"#/servers/{name}")],
        "messages": {kind.__name__: reference(_in_messages(kind)) for kind in (*kinds, answer)},
    }
    found.operations[f"{name}_asked"] = {
        "action": "receive",
        "channel": of_channel(name),
        "messages": [of_channel(name, kind.__name__) for kind in kinds],
        "reply": {"channel": of_channel(name), "messages": [of_channel(name, answer.__name__)]},
    }
    if name == "orders":
        # What happens to an order is told whenever it does.
        found.operations[f"{name}_told"] = {
            "action": "send",
            "channel": of_channel(name),
            "messages": [of_channel(name, answer.__name__)],
        }


def _publish(
    found: Part, name: str, topic: str, frame: type[Struct], events: tuple[type[Struct], ...]
) -> None:
    """A topic of a PUB."""
    channel = _NAME.sub("_", f"{name}_{topic}").strip("_")
    of_topic = {name: text for place, (name, text) in _PARAMETERS.items() if place in topic}
    found.messages[f"{_WIRE}{channel}"] = {
        "name": topic.partition(".")[0],
        "title": f"A frame of {topic}",
        "contentType": _MSGPACK,
        "payload": _payload(found, frame, events),
    }
    found.channels[channel] = {
        "address": topic,
        "title": f"{' '.join(one.__name__ for one in events) or frame.__name__} on {topic}",
        "servers": [reference(f"#/servers/{name}")],
        "messages": {"frame": reference(f"{MESSAGES}{_WIRE}{channel}")},
        **({"parameters": of_topic} if of_topic else {}),
        "x-zeromq": {"parts": [topic, "frame"]},
    }
    found.operations[f"{channel}_published"] = {
        "action": "send",
        "channel": of_channel(channel),
        "messages": [of_channel(channel, "frame")],
    }


def _payload(found: Part, frame: type[Struct], events: tuple[type[Struct], ...]) -> Node:
    """A frame in which only these events stand."""
    whole = reference(_in_schemas(frame))
    if not events:
        return whole
    # Those before the events are as they are in every frame.
    places = [field["title"] for field in found.schemas[f"{_WIRE}{frame.__name__}"]["items"]]
    items: list[Any] = [True] * places.index("events")
    items.append({"type": "array", "items": {"anyOf": [reference(_in_schemas(one)) for one in events]}})
    return {"allOf": [whole, {"type": "array", "items": items}]}


def _message(kind: type[Struct]) -> Node:
    told = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    return {
        "name": kind.__name__,
        "title": kind.__name__,
        "summary": " ".join(told.split()),
        "contentType": _MSGPACK,
        "payload": reference(_in_schemas(kind)),
    }


def _in_schemas(kind: type[Struct]) -> str:
    return f"{REF}{_WIRE}{kind.__name__}"


def _in_messages(kind: type[Struct]) -> str:
    return f"{MESSAGES}{_WIRE}{kind.__name__}"
