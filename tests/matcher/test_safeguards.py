"""What operators are told of limits: also what was traded today, while that is limited."""

from bus.protocol.commands import SetLimits
from bus.protocol.terms import BUY, SELL
from tests.matcher.exchanges import Exchange, enter


def test_what_was_traded_today_is_told_with_its_limit() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(1, enter("a1", SELL, 7, 60))
    exchange.say(2, SetLimits("boris", "BTC-USD", day_lots_max=100), enter("b1", BUY, 3, 60))
    _, ((account, stopped, (limit,)),) = exchange.engine.safeguards()
    assert (account, stopped) == ("boris", False)
    assert limit == ("BTC-USD", 0, 0, 0, 0, 0, 100, 0, 0, 3, 180)
