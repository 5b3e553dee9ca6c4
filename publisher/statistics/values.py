"""What the statistics of a symbol say at a moment. Made by `publisher.statistics.rolling`, for whoever publishes it."""

from typing import final

from publisher.rounding import half_away, half_even

#: Parts of a tick in averages of prices, and parts of one in relative changes.
MICRO = 10**6

#: All fields, in the order of `Statistics.row`.
StatisticsRow = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]


def vwap_microticks(quote_volume: int, volume_lots: int) -> int:
    """The volume-weighted average price, rounded half to even; 0 without volume."""
    return half_even(quote_volume * MICRO, volume_lots) if volume_lots else 0


def change_ppm(open_ticks: int, last_ticks: int) -> int:
    """The relative change in millionths, rounded half away from zero; 0 when there is no price to compare with."""
    return half_away((last_ticks - open_ticks) * MICRO, open_ticks) if open_ticks > 0 else 0


@final
class Statistics:
    """The window of 24 hours, and the trading day (`session_*`).

    Volumes in lots, `quote_volume` in ticks times lots; either may leave 64 bits. `open_ticks` is the price of the
    first trade in the window. When the window has no trade, open, high and low are the last price, the rest is 0. When
    the trading day has none, all of `session_*` are 0.
    """

    __slots__ = (
        "high_ticks",
        "last_ticks",
        "low_ticks",
        "open_ticks",
        "quote_volume",
        "session_open_ticks",
        "session_quote_volume",
        "session_trades",
        "session_volume_lots",
        "trades",
        "volume_lots",
    )

    def __init__(
        self,
        open_ticks: int,
        high_ticks: int,
        low_ticks: int,
        last_ticks: int,
        volume_lots: int,
        quote_volume: int,
        trades: int,
        session_open_ticks: int,
        session_volume_lots: int,
        session_quote_volume: int,
        session_trades: int,
    ) -> None:
        self.open_ticks = open_ticks
        self.high_ticks = high_ticks
        self.low_ticks = low_ticks
        self.last_ticks = last_ticks
        self.volume_lots = volume_lots
        self.quote_volume = quote_volume
        self.trades = trades
        self.session_open_ticks = session_open_ticks
        self.session_volume_lots = session_volume_lots
        self.session_quote_volume = session_quote_volume
        self.session_trades = session_trades

    @property
    def change_ticks(self) -> int:
        """The last price less the open."""
        return self.last_ticks - self.open_ticks

    @property
    def change_ppm(self) -> int:
        """The same in millionths of the open, rounded half away from zero."""
        return change_ppm(self.open_ticks, self.last_ticks)

    @property
    def vwap_microticks(self) -> int:
        """Of the window, in millionths of a tick, rounded half to even; 0 without trades."""
        return vwap_microticks(self.quote_volume, self.volume_lots)

    @property
    def session_vwap_microticks(self) -> int:
        """Of the trading day."""
        return vwap_microticks(self.session_quote_volume, self.session_volume_lots)

    def row(self) -> StatisticsRow:
        """All that is said, in this order: the window, then the trading day."""
        return (
            self.open_ticks,
            self.high_ticks,
            self.low_ticks,
            self.last_ticks,
            self.change_ticks,
            self.change_ppm,
            self.volume_lots,
            self.quote_volume,
            self.trades,
            self.vwap_microticks,
            self.session_open_ticks,
            self.session_volume_lots,
            self.session_quote_volume,
            self.session_trades,
            self.session_vwap_microticks,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistics) and self.row() == other.row()

    def __hash__(self) -> int:
        return hash(self.row())

    def __repr__(self) -> str:
        return f"Statistics{self.row()!r}"
