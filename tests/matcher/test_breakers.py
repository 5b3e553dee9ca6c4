"""How the index of circuit breakers is rounded, finer than a story can tell (MB-BREAKER-002)."""

from matcher.instruments import Instrument
from matcher.safety.breakers import Breakers
from tests.support.markets import btc


def test_a_decline_that_is_short_of_a_level_by_less_than_a_millionth_does_not_reach_it() -> None:
    breakers = Breakers("", [(700, 1000)], 1000, 0)
    instrument = Instrument(btc(), 0)
    instrument.day_reference_ticks = 2_000_001
    for last_price_ticks, reached in ((1_860_001, 0), (1_860_000, 1)):  # 93% are 1,860,000.93
        instrument.last_price_ticks = last_price_ticks
        breakers.observe(instrument)
        assert breakers.reached() == reached
