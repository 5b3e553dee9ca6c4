"""What alerts look at: the value of a kind and its window, before a trade and with it. None when there is no value.

The rule guarded here: a value is a whole number that reaches a whole threshold exactly when the exact one does, so
moves are rounded towards zero and the others down. Read by `publisher.alerts.symbol_alerts`, which brings each to the
second of a trade (`slide`) while the statistics do not have the trade yet.
"""

from typing import Protocol, final

from publisher.statistics.rolling import RollingStatistics
from publisher.statistics.trailing import TrailingWindow
from publisher.statistics.values import MICRO


class Reading(Protocol):
    """A value that trades and time change."""

    def slide(self, second: int) -> None:
        """It is this second now."""

    def now(self) -> int | None:
        """The value before the trade."""

    def with_trade(self, price_ticks: int, quantity_lots: int) -> int | None:
        """The value when the trade is taken in."""


@final
class LastPrice:
    """The last price in ticks."""

    __slots__ = ("_statistics",)

    def __init__(self, statistics: RollingStatistics) -> None:
        self._statistics = statistics

    def slide(self, second: int) -> None:
        """Time changes nothing here."""

    def now(self) -> int | None:
        """None before the first trade."""
        return self._statistics.last_ticks() or None

    def with_trade(self, price_ticks: int, quantity_lots: int) -> int | None:  # noqa: ARG002  # see Reading
        """The price of the trade."""
        return price_ticks


@final
class Move:
    """How far the last price is from the last one before the window, in millionths of that.

    When there was no trade before the window, the first one in it is compared with.
    """

    __slots__ = ("_statistics", "_window")

    def __init__(self, statistics: RollingStatistics, window_seconds: int) -> None:
        self._statistics = statistics
        self._window = TrailingWindow(statistics.seconds, window_seconds)

    def slide(self, second: int) -> None:
        """What was traded before this second less the window is before the window."""
        self._window.slide(second)

    def now(self) -> int | None:
        """None before the first trade."""
        return _moved(self._from_ticks(), self._statistics.last_ticks())

    def with_trade(self, price_ticks: int, quantity_lots: int) -> int | None:  # noqa: ARG002  # see Reading
        """The very first trade is a move of 0."""
        return _moved(self._from_ticks() or price_ticks, price_ticks)

    def _from_ticks(self) -> int:
        window = self._window
        return window.before_ticks() or window.open_ticks() or self._statistics.open_second_open_ticks()


@final
class VolumeSpike:
    """The volume of the window in percent of the average volume of the windows before it.

    None when nothing was traded in those, or the symbol's trades do not reach back before them: an average over a time
    without a market would say nothing.
    """

    __slots__ = ("_all", "_statistics", "_window", "_windows")

    def __init__(self, statistics: RollingStatistics, window_seconds: int, windows: int) -> None:
        self._statistics = statistics
        self._windows = windows
        self._window = TrailingWindow(statistics.seconds, window_seconds)
        self._all = TrailingWindow(statistics.seconds, window_seconds * (windows + 1))

    def slide(self, second: int) -> None:
        """Both windows end in this second."""
        self._window.slide(second)
        self._all.slide(second)

    def now(self) -> int | None:
        """With what has come of the second that is not over."""
        return self.with_trade(0, 0)

    def with_trade(self, price_ticks: int, quantity_lots: int) -> int | None:  # noqa: ARG002  # see Reading
        """And with the trade."""
        before_lots = self._all.volume_lots - self._window.volume_lots
        if not before_lots or not self._all.before_ticks():
            return None
        volume_lots = self._window.volume_lots + self._statistics.open_volume_lots() + quantity_lots
        return volume_lots * 100 * self._windows // before_lots


def spread_ticks(bid_ticks: int, ask_ticks: int) -> int | None:
    """Best ask less best bid; None when one of them is 0: not there."""
    return ask_ticks - bid_ticks if bid_ticks and ask_ticks else None


def spread_basis_points(bid_ticks: int, ask_ticks: int) -> int | None:
    """The spread against the middle of both, rounded down."""
    if not bid_ticks or not ask_ticks:
        return None
    return (ask_ticks - bid_ticks) * 20_000 // (ask_ticks + bid_ticks)


def _moved(from_ticks: int, to_ticks: int) -> int | None:
    """In millionths, rounded towards zero."""
    if not from_ticks or not to_ticks:
        return None
    size = abs(to_ticks - from_ticks) * MICRO // from_ticks
    return size if to_ticks > from_ticks else -size
