"""What operators are told of limits: also what was traded today, while that is limited."""

from bus.protocol.commands import SetLimits, SetRisk
from bus.protocol.terms import BUY, SELL
from tests.matcher.exchanges import Exchange, enter


def test_what_was_traded_today_is_told_with_its_limit() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(1, enter("a1", SELL, 7, 60))
    exchange.say(2, SetLimits("boris", "BTC-USD", day_lots_max=100), enter("b1", BUY, 3, 60))
    _, ((account, stopped, (limit,), *risk),), groups = exchange.engine.safeguards()
    assert (account, stopped, risk) == ("boris", False, [[], []])
    assert groups == []
    assert limit == ("BTC-USD", 0, 0, 0, 0, 0, 100, 0, 0, 3, 180)


def test_what_is_at_stake_is_told_with_its_limits_and_never_beyond_64_bits() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(1, enter("a1", SELL, 7, 60))
    exchange.say(
        1,
        SetRisk(
            "boris", "BTC-USD", 10, 20, 5000, 300, commands_per_fill_max=9, commands_from=5, position_lots=2
        ),
        SetRisk("boris", "", day_loss_max=2**63 - 1),
    )
    exchange.say(2, enter("b1", BUY, 3, 60), enter("b2", BUY, 5, 50))
    exchange.say(1, enter("a2", SELL, 2, 50))
    _, ((_, _, _, (own, common), positions),), _ = exchange.engine.safeguards()
    assert own == ("BTC-USD", 10, 20, 5000, 300, False, 0, 9, 5, False, 150, -30, 2, 2)
    assert common == ("", 0, 0, 0, 2**63 - 1, False, 0, 0, 0, False, 150, -30, 0, 0)
    assert positions == [("BTC-USD", 7, 3, 0, 150, -30)]

    exchange.say(1, SetRisk("boris", "BTC-USD", 10, position_lots=-(2**62)), enter("a3", SELL, 2, 40))
    exchange.say(2, enter("b3", SELL, 2, 900), enter("b4", BUY, 2, 900))
    _, ((_, _, _, (own, _), positions),), _ = exchange.engine.safeguards()
    assert own[11] == positions[0][5] == -(2**63 - 1)
