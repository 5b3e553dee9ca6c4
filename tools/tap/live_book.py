"""One symbol's book on the terminal, drawn anew some times a second until Ctrl-C.

The book is the one that every reader of the feed can build; what happens to it (a gap that was healed with a snapshot,
an engine that no longer says anything) stands below it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from bus.clock import monotonic_ns
from bus.protocol.feed import Indicative, PhaseChanged, Trade
from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import AUCTIONS, BUY, SELL
from bus.protocol.topics import TRADE
from bus.sockets.book_reader import BookReader
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.reading.feed_items import Resynced, Skipped, Withdrawn
from bus.sockets.session.prices import Scale
from bus.sockets.subscriber import Subscriber
from tools.tap.ladder import Auction, Print, View, ladder

_FRAME_S: Final = 0.1
#: Heartbeats come every second: after three of them something is wrong.
_SILENCE_NS: Final = 3_000_000_000
#: Trades that are shown, on the highest terminals.
TRADES_MAX: Final = 64
#: How long a note about something that is over stays.
_NOTE_NS: Final = 10_000_000_000


class Shown:
    """What is drawn of a symbol beside its book, whatever it is read from. A subclass knows the book."""

    def __init__(self, symbol: str, scale: Scale) -> None:
        self._symbol = symbol
        self._scale = scale
        self._trades: deque[Print] = deque(maxlen=TRADES_MAX)
        self._last_price_ticks = 0
        self._phase = 0
        self._ends_ns = 0
        self._auction: Auction | None = None
        self._note = ""
        self._note_until_ns = 0
        self._heard_ns = monotonic_ns()

    def take(self, event: Any) -> None:
        """Something came."""
        raise NotImplementedError

    def view(self) -> View:
        """What is to be drawn now."""
        raise NotImplementedError

    def _take_trade(self, trade: Trade) -> None:
        self._last_price_ticks = trade.price_ticks
        self._trades.appendleft(Print(trade.time_ns, trade.price_ticks, trade.quantity_lots, trade.aggressor))

    def _view(self, book: BookReader | DepthReader, number: int, counted: str) -> View:
        now = monotonic_ns()
        note = self._note if now < self._note_until_ns else ""
        if now - self._heard_ns > _SILENCE_NS:
            note = f"nothing heard from the exchange for {(now - self._heard_ns) // 1_000_000_000} s"
        elif not book.ready:
            note = "waiting for the book"
        return View(
            self._symbol,
            self._scale,
            book.levels(BUY),
            book.levels(SELL),
            list(self._trades),
            self._last_price_ticks,
            self._phase,
            number,
            note,
            counted,
            self._ends_ns,
            self._auction,
        )

    def _take_status(self, event: PhaseChanged | Indicative) -> None:
        if isinstance(event, PhaseChanged):
            self._begin_phase(event.phase, event.ends_ns)
        else:
            self._auction = Auction(event.price_ticks, event.quantity_lots, event.imbalance_lots)

    def _begin_phase(self, phase: int, ends_ns: int) -> None:
        """What the auction before it would have done is over."""
        self._phase, self._ends_ns, self._auction = phase, ends_ns, None

    def _say(self, note: str) -> None:
        self._note = note
        self._note_until_ns = monotonic_ns() + _NOTE_NS


class LiveBook(Shown):
    """The book of a subscriber to the feed, with what else is drawn of a symbol."""

    def __init__(self, subscriber: Subscriber, symbol: str, scale: Scale, trades_before: int) -> None:
        super().__init__(symbol, scale)
        self._book = subscriber.book(symbol)
        self._trades_before = trades_before
        self._begun = False

    def take(self, event: Any) -> None:
        """An event that the book has taken."""
        self._heard_ns = monotonic_ns()
        if isinstance(event, Trade):
            self._take_trade(event)
        elif isinstance(event, PhaseChanged | Indicative):
            self._take_status(event)
        elif isinstance(event, Resynced):
            self._begin(event.snapshot)
        elif isinstance(event, Skipped):
            # Trades from before this view began may be too old to be had: nobody missed them.
            if event.topic.startswith(f"{TRADE}.") and event.next_number <= self._trades_before + 1:
                return
            self._say(f"missed {event.topic} {event.first_number} to {event.next_number - 1}: no longer kept")
        elif isinstance(event, Withdrawn):
            self._say(f"{event.topic} {event.first_number} to {event.next_number - 1} never happened")

    def view(self) -> View:
        """What is to be drawn now."""
        return self._view(self._book, self._book.number, "event")

    def _begin(self, snapshot: BookSnapshot) -> None:
        known = snapshot.phase_state
        self._begin_phase(snapshot.phase, known.ends_ns)
        if snapshot.phase in AUCTIONS:
            self._auction = Auction(known.indicative_ticks, known.indicative_lots, known.imbalance_lots)
        self._last_price_ticks = snapshot.last_price_ticks or self._last_price_ticks
        if self._begun:
            self._say(f"events were missed: the book began anew at log sequence {snapshot.log_sequence:,}")
        self._begun = True


def tap_book(
    subscriber: Subscriber,
    symbol: str,
    scale: Scale,
    *,
    trades_before: int,
    count_max: int | None,
    seconds: float | None,
) -> None:
    """Draw a book until so many events, or so many seconds, are over; the last picture stays.

    `trades_before`: how many trades there had been when this was asked for.
    """
    shown = LiveBook(subscriber, symbol, scale, trades_before)

    def events(wait_s: float) -> Iterator[Any]:
        return (event for _, _, event in subscriber.events(wait_s))

    draw(events, shown, count_max, seconds)


def draw(
    events: Callable[[float], Iterator[Any]], shown: Shown, count_max: int | None, seconds: float | None
) -> None:
    """Draw what `events` bring, of which each iteration ends when nothing comes for so many seconds."""
    console = Console()
    deadline_ns = None if seconds is None else monotonic_ns() + int(seconds * 1e9)
    with ExitStack() as stack:
        # Whatever ends it, also Ctrl-C: the last picture is left behind on the ordinary screen, or in the pipe.
        stack.callback(lambda: console.print(_picture(shown, console)))
        live = None
        if console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False, screen=True))
        _draw(events, shown, live, count_max, deadline_ns)


def _draw(
    events: Callable[[float], Iterator[Any]],
    shown: Shown,
    live: Live | None,
    count_max: int | None,
    deadline_ns: int | None,
) -> None:
    count = 0
    next_frame_ns = 0
    while True:
        for event in events(_FRAME_S):
            shown.take(event)
            count += 1
            now = monotonic_ns()
            if count == count_max or (deadline_ns is not None and now >= deadline_ns):
                return
            # Whatever came stays in the iterator until it is taken: it is not left before it ends by itself.
            if live is not None and now >= next_frame_ns:
                live.update(_picture(shown, live.console), refresh=True)
                next_frame_ns = now + int(_FRAME_S * 1e9)
        if live is not None:
            live.update(_picture(shown, live.console), refresh=True)
        if deadline_ns is not None and monotonic_ns() >= deadline_ns:
            return


def _picture(shown: Shown, console: Console) -> Any:
    return ladder(shown.view(), console.width, console.height)
