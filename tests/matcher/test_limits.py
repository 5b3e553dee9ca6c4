"""What limits count stays within what a checkpoint carries, however much is traded, and whatever it was a limit of."""

from bus.protocol.commands import SetLimits
from bus.protocol.terms import NUMBER_MAX
from matcher.codec.state_codec import decode_state, encode_state
from tests.matcher.exchanges import Exchange

LARGE = 2**62


def test_a_day_that_is_traded_over_and_over_counts_as_more_than_any_limit_and_is_kept() -> None:
    exchange = Exchange("anna")
    exchange.say(1, SetLimits("anna", "", day_lots_max=NUMBER_MAX, day_notional_max=NUMBER_MAX))
    limits = exchange.engine.state.accounts["anna"].limits
    assert limits is not None
    for _ in range(5):
        limits.traded("BTC-USD", LARGE, LARGE)
    limit = limits.by_symbol[""]
    assert limit.day_lots == limit.day_notional == NUMBER_MAX
    again = decode_state(encode_state(exchange.engine.state)).accounts["anna"].limits
    assert again is not None
    assert again.by_symbol[""].day_notional == NUMBER_MAX
