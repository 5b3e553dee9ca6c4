"""An event of the feed as one line for people; decimals where the instrument is known, ticks and lots where not."""

from typing import Any, Final

from rich.text import Text

from bus.protocol import feed
from bus.protocol.terms import BUY, PHASES, SELL, SIDES, STOP_CAUSES, UNBALANCES
from bus.protocol.topics import parse
from bus.sockets.reading.feed_items import DropReport, Resynced, Skipped, UnknownEvent, Withdrawn
from bus.sockets.session.prices import Scale
from tools.decoded import time_text
from tools.order.words import report_line
from tools.phases import auction_words, band_words, cause_words, end_words, phase_text

_IN_AUCTION: Final = 0
_STYLES: Final = {BUY: "green", SELL: "red", _IN_AUCTION: "magenta"}
#: What the taker did; in an auction there is none.
_TAKEN: Final = {BUY: "bought", SELL: "sold", _IN_AUCTION: "in the auction"}
#: Of the column with topic and number, so that what follows stands in line.
_TOPIC_WIDTH: Final = 30


def event_line(now_ns: int, topic: str, number: int, event: Any, scale: Scale | None) -> Text:
    """`now_ns`: when it came. `scale`: of the topic's symbol, for a report of that report's."""
    line = Text(f"{time_text(now_ns)[11:-3]}  ", "dim")
    if isinstance(event, DropReport):
        line.append(f"{event.account:<16} ", "cyan")
        line.append(f"#{event.report_number:<7} ", "dim")
        line.append_text(report_line(event.report, scale))
        return line
    kind, symbol = parse(topic)
    of = f"{kind:<9} {symbol:<10} #{number}" if number else f"{kind:<9} {symbol or 'engine':<10}"
    line.append(f"{of:<{_TOPIC_WIDTH}} ", "cyan" if kind == "trade" else "dim")
    line.append_text(event_text(event, scale))
    return line


def event_text(event: Any, scale: Scale | None) -> Text:
    """What an event says, without where and when."""

    def price(ticks: int) -> str:
        return f"{ticks} ticks" if scale is None else f"{scale.price(ticks):f}"

    def quantity(lots: int) -> str:
        return f"{lots} lots" if scale is None else f"{scale.quantity(lots):f}"

    if isinstance(event, feed.Trade):
        style = _STYLES[event.aggressor]
        side = _TAKEN[event.aggressor]
        return Text.assemble(
            (f"{quantity(event.quantity_lots)} {side} at {price(event.price_ticks)}", f"bold {style}"),
            (f"  trade {event.trade_id}", "dim"),
        )
    if isinstance(event, feed.TradeBusted):
        return Text(
            f"trade {event.trade_id} busted: {quantity(event.quantity_lots)} at {price(event.price_ticks)}",
            "bold yellow",
        )
    if isinstance(event, feed.TradeCorrected):
        return Text(
            f"trade {event.trade_id} corrected: {quantity(event.quantity_lots)} at {price(event.price_ticks)},"
            f" was at {price(event.previous_price_ticks)}",
            "bold yellow",
        )
    if isinstance(event, feed.Level):
        side = "bid" if event.side == BUY else "ask"
        what = (
            f"{quantity(event.quantity_lots)} in {event.orders} order{'' if event.orders == 1 else 's'}"
            if event.quantity_lots
            else "gone"
        )
        return Text.assemble((f"{side} {price(event.price_ticks)}", _STYLES[event.side]), f"  {what}")
    if isinstance(event, feed.OrderAdded):
        return Text.assemble(
            f"order {event.public_id} added: ",
            (
                f"{SIDES[event.side]} {quantity(event.quantity_lots)} at {price(event.price_ticks)}",
                _STYLES[event.side],
            ),
        )
    if isinstance(event, feed.OrderExecuted):
        left = f"{quantity(event.leaves_lots)} left" if event.leaves_lots else "all of it"
        return Text(
            f"order {event.public_id} executed: {quantity(event.quantity_lots)}, {left}, trade {event.trade_id}"
        )
    if isinstance(event, feed.OrderDeleted):
        return Text(f"order {event.public_id} deleted")
    if isinstance(event, feed.OrderReduced):
        return Text(f"order {event.public_id} reduced to {quantity(event.quantity_lots)}")
    if isinstance(event, feed.InstrumentDefined):
        return Text(f"defined: {event.base} in {event.quote}, tick {price(1)}, lot {quantity(1)}", "bold")
    if isinstance(event, feed.PhaseChanged):
        words = " ".join(filter(None, (cause_words(event.cause), end_words(event.ends_ns))))
        return Text.assemble("is ", phase_text(event.phase), (f"  {words}", "dim"))
    if isinstance(event, feed.Indicative):
        told = auction_words(scale, event.price_ticks, event.quantity_lots, event.imbalance_lots)
        return Text(f"would trade {told}" if event.price_ticks else f"would have {told}", "magenta")
    if isinstance(event, feed.AuctionEnded):
        told = auction_words(scale, event.price_ticks, event.quantity_lots, event.imbalance_lots)
        phase = PHASES.get(event.phase, str(event.phase))
        return Text(f"{phase} ended: {told}", "bold magenta")
    if isinstance(event, feed.BreakerTripped):
        until = f"until {time_text(event.ends_ns)}" if event.ends_ns else "until further notice"
        return Text(
            f"the market is down by {event.decline_basis_points} basis points: level {event.level} of its breakers,"
            f" halted {until}",
            "bold red",
        )
    if isinstance(event, feed.EmergencySet):
        if not event.cause:
            return Text("the market goes on", "bold green")
        return Text(f"the market is stopped: {STOP_CAUSES.get(event.cause, event.cause)}", "bold red")
    if isinstance(event, feed.ProtectionSet):
        return _bands(event, scale)
    if isinstance(event, feed.BookUnbalanced):
        kind = UNBALANCES.get(event.kind, str(event.kind))
        return Text(f"unbalanced: {kind} {SIDES.get(event.side, '')}".rstrip(), "bold red")
    if isinstance(event, feed.Tick):
        return Text(f"tick {time_text(event.time_ns)}", "dim")
    if isinstance(event, feed.FeedHeartbeat):
        return Text(
            f"trades {event.trade_number}, levels {event.level_number}, orders {event.order_number},"
            f" status {event.status_number}, checksum {event.checksum:08x}",
            "dim",
        )
    if isinstance(event, feed.StreamHeartbeat):
        return Text(f"up to {event.number}", "dim")
    return _about_numbers(event)


def _bands(event: feed.ProtectionSet, scale: Scale | None) -> Text:
    """Within which prices an instrument trades."""
    bands = band_words(scale, event)
    return Text(f"trades {', '.join(bands)}" if bands else "trades at any price", "bold")


def _about_numbers(event: Any) -> Text:
    """What a reader gets in the place of events."""
    if isinstance(event, Resynced):
        snapshot = event.snapshot
        return Text(
            f"begins with a snapshot: {len(snapshot.bids)} bids, {len(snapshot.asks)} asks,"
            f" log sequence {snapshot.log_sequence}",
            "bold yellow",
        )
    if isinstance(event, Skipped):
        return Text(
            f"events {event.first_number} to {event.next_number - 1} were missed and are no longer kept",
            "bold red",
        )
    if isinstance(event, Withdrawn):
        return Text(
            f"events {event.first_number} to {event.next_number - 1} never happened: the engine started again"
            " without them",
            "bold red",
        )
    if isinstance(event, UnknownEvent):
        return Text(f"of a kind that this version does not know: {event.data.hex()}", "yellow")
    return Text(str(event))
