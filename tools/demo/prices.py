"""What things are worth: seeded random walks in the logarithm that come back to where they began.

One shock moves the whole market, one each product; how large they are comes and goes, so that there are quiet minutes
and busy ones. The cross is worth what its two sides say. Pure: time is the number of steps.
"""

from collections.abc import Mapping
from math import exp, log
from random import Random
from typing import Final

from tools.demo.products import CROSS

#: Of one step (a tenth of a second): about 20 % a year.
_STEP_SIGMA: Final = 1.1e-5
#: How much of the way back is made in one step: half of it in ten minutes.
_RETURN: Final = 1.2e-4
#: The unrest: the logarithm of a factor on every shock, itself a walk that comes back within some seconds.
_UNREST_SIGMA: Final = 0.06
_UNREST_RETURN: Final = 0.01
#: How much of each shock is the whole market's.
_COMMON: Final = 0.6


class Worths:
    """The worth of each symbol; `drift` is where it went lately, in shocks."""

    def __init__(self, random: Random, worths: Mapping[str, float], at_first: Mapping[str, float]) -> None:
        self._random = random
        self._anchors = {symbol: log(worth) for symbol, worth in worths.items()}
        self._logs = {symbol: log(at_first.get(symbol, worth)) for symbol, worth in worths.items()}
        self._drifts = dict.fromkeys(worths, 0.0)
        self._unrest = 0.0

    @property
    def activity(self) -> float:
        """How busy the market is: around 1."""
        return exp(self._unrest)

    def worth(self, symbol: str) -> float:
        """What a unit is worth now."""
        return exp(self._logs[symbol])

    def drift(self, symbol: str) -> float:
        """Where it went in the last seconds: beyond 1 or -1 it is a trend."""
        return self._drifts[symbol]

    def step(self) -> None:
        """A tenth of a second later."""
        gauss = self._random.gauss
        self._unrest += gauss(0.0, _UNREST_SIGMA) - _UNREST_RETURN * self._unrest
        sigma = _STEP_SIGMA * self.activity
        common = gauss(0.0, 1.0)
        for symbol in self._logs:
            if symbol == CROSS[0] and CROSS[1] in self._logs and CROSS[2] in self._logs:
                self._logs[symbol] = self._logs[CROSS[1]] - self._logs[CROSS[2]]
                continue
            shock = _COMMON * common + (1.0 - _COMMON) * gauss(0.0, 1.0)
            back = _RETURN * (self._anchors[symbol] - self._logs[symbol])
            self._logs[symbol] += back + sigma * shock
            self._drifts[symbol] = 0.95 * self._drifts[symbol] + 0.2 * shock
