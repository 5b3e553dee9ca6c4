"""What a publisher says as lines for people; decimals where the symbol is known, ticks and lots where not."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from rich.text import Text

from bus.protocol.market import streams
from bus.protocol.topics import parse
from bus.sockets.market.stream_items import JOINED, Differs, Item, Published, Resynced, Skipped
from bus.sockets.session.prices import Scale
from tools.decoded import time_text
from tools.phases import phase_text
from tools.showing import counted
from tools.tap.lines import event_text

#: Of the column with topic and number, so that what follows stands in line.
_TOPIC_WIDTH: Final = 34
#: Levels of a side that are shown of the best ones.
_LEVELS_SHOWN: Final = 3
_MILLION: Final = 1_000_000


def item_lines(now_ns: int, item: Item, scale: Scale | None) -> Iterator[Text]:
    """A line for each event of an item, or one about the stream. `now_ns`: when it came."""
    if isinstance(item, Published):
        for event in item.events:
            yield _line(now_ns, item.topic, item.sequence, _what(event, scale))
    elif isinstance(item, Resynced):
        yield _line(now_ns, item.topic, item.sequence, _begun(item))
        for row in item.trades:
            yield _line(now_ns, item.topic, row.trade.sequence, event_text(row.trade, scale))
    elif isinstance(item, Skipped):
        text = f"what was said behind {item.after_sequence} is missing: no publisher gives it any more"
        yield _line(now_ns, item.topic, item.sequence, Text(text, "bold red"))
    elif isinstance(item, Differs):
        text = f"ALARM: {' and '.join(item.publishers)} contradict each other at {time_text(item.time_ns)}"
        yield _line(now_ns, item.topic, item.sequence, Text(text, "bold white on red"))


def _line(now_ns: int, topic: str, sequence: int, what: Text) -> Text:
    kind, symbol = parse(topic)
    line = Text(f"{time_text(now_ns)[11:-3]}  ", "dim")
    of = f"{kind:<11} {symbol:<10} @{sequence}"
    line.append(f"{of:<{_TOPIC_WIDTH}} ", "cyan" if kind == streams.TRADES else "dim")
    line.append_text(what)
    return line


def _begun(item: Resynced) -> Text:
    text = "begins with" if item.reason == JOINED else f"begins anew ({item.reason}):"
    if item.book is not None:
        text += f" {len(item.book.bids)} bids, {len(item.book.asks)} asks"
    else:
        text += f" {counted(len(item.trades), 'trade')} that had been missed"
    return Text(text, "bold yellow")


class _Words:
    """Numbers as people write them."""

    def __init__(self, scale: Scale | None) -> None:
        self._scale = scale

    def price(self, ticks: int) -> str:
        return f"{ticks} ticks" if self._scale is None else f"{self._scale.price(ticks):f}"

    def quantity(self, lots: int) -> str:
        return f"{lots} lots" if self._scale is None else f"{self._scale.quantity(lots):f}"

    def rows(self, rows: list[tuple[int, int, int]]) -> str:
        shown = [f"{self.quantity(lots)} at {self.price(ticks)}" for ticks, lots, _ in rows[:_LEVELS_SHOWN]]
        return ", ".join(shown) + (", ..." if len(rows) > _LEVELS_SHOWN else "") or "none"


def _what(event: Any, scale: Scale | None) -> Text:
    words = _Words(scale)
    if isinstance(event, streams.CandleUpdated):
        return _candle(event, words)
    if isinstance(event, streams.Top):
        return Text.assemble(
            "bids ", (words.rows(event.bids), "green"), "; asks ", (words.rows(event.asks), "red")
        )
    if isinstance(event, streams.Statistics):
        change = Decimal(event.change_ppm) * 100 / _MILLION
        return Text.assemble(
            (words.price(event.last_ticks), "bold"),
            (f" {change:+.2f} %", "green" if change >= 0 else "red"),
            f"  high {words.price(event.high_ticks)}, low {words.price(event.low_ticks)},"
            f" volume {words.quantity(int(event.volume_lots))} in {event.trades:,} trades of 24 h",
        )
    if isinstance(event, streams.MiniStatistics):
        return Text.assemble(
            (words.price(event.last_ticks), "bold"),
            f"  high {words.price(event.high_ticks)}, low {words.price(event.low_ticks)},"
            f" volume {words.quantity(int(event.volume_lots))}",
        )
    if isinstance(event, streams.AlertFired):
        text = f"alert {event.alert_id}: {event.condition} {event.threshold}, is at {event.value}"
        return Text(text, "bold magenta")
    if isinstance(event, streams.Symbol):
        text = f"{event.base} in {event.quote}, tick {words.price(1)}, lot {words.quantity(1)}, "
        return Text.assemble((text, "bold"), phase_text(event.phase))
    if isinstance(event, streams.StreamsHeartbeat):
        checksum = "no book" if event.checksum < 0 else f"checksum {event.checksum:08x}"
        text = f"{event.publisher}: {len(event.streams)} streams, {checksum}"
        return Text(text + (", healing" if event.healing else ""), "dim")
    return event_text(event, scale)


def _candle(candle: streams.CandleUpdated, words: _Words) -> Text:
    style = "green" if candle.close_ticks >= candle.open_ticks else "red"
    state = "closed" if candle.closed else "open"
    if candle.revision:
        state += f", revision {candle.revision}"
    prices = [candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks]
    return Text.assemble(
        f"{time_text(candle.open_time_ns)[:16]} ",
        (" ".join(words.price(ticks) for ticks in prices), style),
        f"  volume {words.quantity(int(candle.volume_lots))}",
        (f"  {state}", "dim"),
    )
