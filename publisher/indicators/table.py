"""The indicators by name: their functions, what their period may be, and how many older candles they need.

The rule guarded here: what is computed for a candle does not depend on the page on which it stands. So whoever wants
values for some candles gives the function `lead_in` more before them, or all that there are, and drops their
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

    __slots__ = ("function", "lead_in_periods", "name", "parameters", "period_max", "period_min")

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
        self.parameters = ("period",)
        self.lead_in_periods = lead_in_periods
        self.period_min = period_min
        self.period_max = period_max

    def refusal(self, parameters: Sequence[int]) -> str:
        """Why these are no parameters of it, in one sentence; "" when they are. The other methods want such."""
        if len(parameters) != len(self.parameters):
            return f"the parameters of {self.name} are {', '.join(self.parameters)}"
        if self.period_min <= parameters[0] <= self.period_max:
            return ""
        return f"the period of {self.name} is {self.period_min} to {self.period_max} candles, not {parameters[0]}"

    def lead_in(self, parameters: Sequence[int]) -> int:
        """How many candles before the first one that is wanted."""
        return self.lead_in_periods * parameters[0] - 1

    def values(self, candles: Sequence[Candle], parameters: Sequence[int]) -> list[int | None]:
        """One for each candle."""
        return self.function(candles, parameters[0])


INDICATORS: Final = {
    indicator.name: indicator
    for indicator in (
        Indicator("sma", sma),
        Indicator("ema", ema, EMA_LEAD_IN_PERIODS),
        Indicator("vwap", vwap),
    )
}
