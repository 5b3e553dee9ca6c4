"""The indicators by name: their functions, what their period may be, and how many older candles they need.

The rule guarded here: what is computed for a candle does not depend on the page on which it stands. So whoever wants
values for some candles gives the function `lead_in(period)` more before them, or all that there are, and drops their
values. Read by whoever answers requests for indicators.
"""

from collections.abc import Callable, Sequence
from typing import Final, final

from publisher.candles.candle import Candle
from publisher.indicators.ema import ema
from publisher.indicators.sma import sma
from publisher.indicators.vwap import vwap

#: Longer than the longest that people use (200) by a good margin.
PERIOD_MAX: Final = 500
#: An average that forgets by degrees has forgotten its seed, to 1 part in 10**17, after so many periods.
EMA_LEAD_IN_PERIODS: Final = 20


@final
class Indicator:
    """A row. `function` gives a value in microticks for each candle, or None; candles are oldest first."""

    __slots__ = ("function", "lead_in_periods", "name", "period_max", "period_min")

    def __init__(
        self,
        name: str,
        function: Callable[[Sequence[Candle], int], list[int | None]],
        lead_in_periods: int = 1,
        period_min: int = 1,
        period_max: int = PERIOD_MAX,
    ) -> None:
        self.name = name
        self.function = function
        self.lead_in_periods = lead_in_periods
        self.period_min = period_min
        self.period_max = period_max

    def lead_in(self, period: int) -> int:
        """How many candles before the first one that is wanted."""
        return self.lead_in_periods * period - 1

    def refusal(self, period: int) -> str:
        """Why a period is not taken; "" when it is."""
        if self.period_min <= period <= self.period_max:
            return ""
        return f"the period of {self.name} is {self.period_min} to {self.period_max} candles, not {period}"


INDICATORS: Final = {
    indicator.name: indicator
    for indicator in (
        Indicator("sma", sma),
        Indicator("ema", ema, EMA_LEAD_IN_PERIODS),
        Indicator("vwap", vwap),
    )
}
