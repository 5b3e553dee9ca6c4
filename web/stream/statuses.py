"""What markets do at the moment: of each symbol its phase, the auction that is on, and the one that ended last.

    symbol.<S>.      ──▶ phase, its end, the last auction ────┐
    indicative.<S>.  ──▶ phase and cause, what an auction      ├──▶ StatusFeed, whole messages
                         would do, and did                   ──┘

Both topics are followed for all symbols, so that a message is whole whoever asks when. What comes by two ways is put
into the order of the log: the later word holds. Driven by `hub`; read by `rest.market`, too.
"""

from typing import Final

import msgspec

from bus.protocol.control import Protection
from bus.protocol.feed import AuctionEnded, Indicative, PhaseChanged
from bus.protocol.market.streams import Symbol
from bus.protocol.terms import CAUSES, PHASES
from bus.sockets.market.stream_items import Published
from bus.sockets.session.prices import Scale
from web import market_data
from web.schemas.stream import LastAuction, StatusTold
from web.stream.channels import STATUS
from web.stream.feed import NOTHING, Held, StateFeed

_UNKNOWN_CAUSE: Final = 0


class _Status:
    """Of one symbol. `version` counts the changes."""

    __slots__ = (
        "auction",
        "auction_ticks",
        "cause",
        "ended",
        "ends_ns",
        "phase",
        "place",
        "protection",
        "time_ns",
        "version",
    )

    def __init__(self) -> None:
        self.version = 0
        #: (epoch, log sequence): where in the log this stands. A log that has lost its end goes on in another epoch.
        self.place = (0, 0)
        self.time_ns = 0
        self.phase = 0
        self.cause = _UNKNOWN_CAUSE
        self.ends_ns = 0
        self.auction_ticks = 0
        self.auction: Indicative | None = None
        self.ended: AuctionEnded | None = None
        self.protection: Protection | None = None

    def announce(self, symbol: Symbol, place: tuple[int, int], time_ns: int) -> None:
        """The instrument, as a publisher has it as of a place."""
        if place < self.place:
            return
        if symbol.phase != self.phase:
            self._begin(symbol.phase, _UNKNOWN_CAUSE, symbol.phase_ends_ns)
        self.ends_ns = symbol.phase_ends_ns
        self.auction_ticks = symbol.auction_ticks
        self.protection = symbol.protection
        self._at(place, time_ns)

    def take(self, event: PhaseChanged | Indicative | AuctionEnded, epoch: int) -> None:
        """What happened."""
        place = (epoch, event.sequence)
        if place < self.place:
            return
        if isinstance(event, PhaseChanged):
            self._begin(event.phase, event.cause, event.ends_ns)
        elif isinstance(event, Indicative):
            self.auction = event
        else:
            self.auction = None
            self.ended = event
            if event.quantity_lots:
                self.auction_ticks = event.price_ticks
        self._at(place, event.time_ns)

    def _begin(self, phase: int, cause: int, ends_ns: int) -> None:
        self.phase, self.cause, self.ends_ns, self.auction = phase, cause, ends_ns, None

    def _at(self, place: tuple[int, int], time_ns: int) -> None:
        self.place = place
        self.time_ns = time_ns
        self.version += 1


class StatusFeed(StateFeed):
    """What readers of a symbol's status are told: the whole of it, the newest."""

    def __init__(self, scale: Scale, status: _Status) -> None:
        super().__init__(STATUS, scale.symbol)
        self._scale = scale
        self._status = status
        self._message = b""
        self._message_version = 0

    def held_from(self, sequence: int) -> Held:
        """See StateFeed: each message is whole."""
        del sequence
        return NOTHING

    def messages(self, held: Held) -> tuple[list[bytes], Held]:
        """See StateFeed."""
        version = self._status.version
        if held[1] == version:
            return [], held
        if self._message_version != version:
            self._message = msgspec.json.encode(_told(self._scale, self._status))
            self._message_version = version
        return [self._message], (0, version)


class Statuses:
    """See above; of all symbols of an instance."""

    def __init__(self) -> None:
        self._statuses: dict[str, _Status] = {}
        self._feeds: dict[str, StatusFeed] = {}

    def take(self, symbol: str, item: Published) -> None:
        """What a publisher said of a symbol in one of the two topics."""
        status = self._of(symbol)
        for event in item.events:
            if isinstance(event, Symbol):
                status.announce(event, (item.epoch, item.sequence), item.time_ns)
            elif isinstance(event, PhaseChanged | Indicative | AuctionEnded):
                status.take(event, item.epoch)
        feed = self._feeds.get(symbol)
        if feed is not None:
            feed.say_changed()

    def feed(self, scale: Scale) -> StatusFeed:
        """What readers of a symbol are told."""
        feed = self._feeds.get(scale.symbol)
        if feed is None:
            feed = self._feeds[scale.symbol] = StatusFeed(scale, self._of(scale.symbol))
        return feed

    def indicative(self, symbol: str) -> Indicative | None:
        """What the auction of a symbol would do; None when there is none, or nothing was heard of it."""
        status = self._statuses.get(symbol)
        return None if status is None else status.auction

    def _of(self, symbol: str) -> _Status:
        status = self._statuses.get(symbol)
        if status is None:
            status = self._statuses[symbol] = _Status()
        return status


def _told(scale: Scale, status: _Status) -> StatusTold:
    ended = status.ended
    return StatusTold(
        scale.symbol,
        status.place[1],
        status.time_ns // market_data.MS,
        PHASES[status.phase],
        CAUSES.get(status.cause),
        market_data.end_ms(status.ends_ns),
        None if status.auction is None else market_data.indicative(scale, status.auction),
        market_data.price_text(scale, status.auction_ticks),
        None
        if ended is None
        else LastAuction(
            PHASES[ended.phase],
            market_data.price_text(scale, ended.price_ticks),
            market_data.text(scale.quantity(ended.quantity_lots)),
            market_data.text(scale.quantity(ended.imbalance_lots)),
            ended.time_ns // market_data.MS,
        ),
        None if status.protection is None else market_data.bands(scale, status.protection),
    )
