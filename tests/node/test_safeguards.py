"""Breakers, limits and kill switches at a running node: operators ask how they stand, and nobody else."""

from bus.protocol import reasons
from bus.protocol.commands import (
    JoinGroup,
    SetBreakers,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetKillSwitch,
    SetLimits,
    SetRisk,
)
from bus.protocol.control import (
    BreakersState,
    GroupRiskState,
    LimitedAccount,
    LimitedGroup,
    LimitState,
    PositionState,
    QuerySafeguards,
    Refused,
    RiskState,
    Safeguards,
)
from bus.protocol.reports import Completed
from bus.protocol.terms import BROKER, OPERATOR
from tests.node.parties import Party
from tests.support.running_node import TOKEN, RunningNode


def test_operators_are_told_what_protects_the_market_and_nobody_else(node: RunningNode) -> None:
    orders = node.addresses.orders
    with Party(orders) as ops, Party(orders) as broker, Party(orders) as trader:
        ops.hello("ops", role=OPERATOR, token=TOKEN)
        nothing = ops.ask(QuerySafeguards())
        assert nothing == Safeguards(nothing.correlation_id, None, [])

        for command in (
            SetBreakers("BTC-USD", 700, 300_000, 2_000, 0, 0, 0, 120_000, 30_000),
            SetLimits("zoe", "BTC-USD", 1, 2, 3, 0, 0, 4, 5, 6),
            SetLimits("zoe", "", 0, 0, 7, 8, 9),
            SetLimits("anna", "", 0, 0, 1),
            SetKillSwitch("boris", True),
            SetGroup("desk"),
            JoinGroup("zoe", "desk"),
            SetGroupRisk("desk", "", 1, 2, 3, 4, 5, 6, True),
            SetGroupKillSwitch("desk", True, "wild"),
            SetRisk("zoe", "BTC-USD", 1, 2, 3, 4, True, 5, 6, 7, True, -8, "margin"),
        ):
            assert isinstance(ops.ask(command), Completed)
        said = ops.ask(QuerySafeguards())
        assert isinstance(said, Safeguards)
        assert said.breakers == BreakersState("BTC-USD", [(700, 300_000), (2_000, 0)], 120_000, 30_000, 0)
        assert said.accounts == [
            LimitedAccount(
                "zoe",
                False,
                [
                    LimitState("BTC-USD", 1, 2, 3, 0, 0, 4, 5, 6, 0, 0),
                    LimitState("", 0, 0, 7, 8, 9, 0, 0, 0, 0, 0),
                ],
                [RiskState("BTC-USD", 1, 2, 3, 4, True, 5, 6, 7, True, 0, 0, 0, 0)],
                [PositionState("BTC-USD", -8, 0, 0, 0, 0)],
            ),
            LimitedAccount("anna", False, [LimitState("", 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)]),
            LimitedAccount("boris", True, []),
        ]

        assert said.groups == [
            LimitedGroup(
                "desk",
                True,
                [GroupRiskState("", 1, 2, 3, 4, 5, 6, True, 0, 0, 0, 0)],
                [PositionState("BTC-USD", -8, 0, 0, 0, 0)],
                ["zoe"],
            )
        ]

        ops.ask(SetLimits("anna", ""))
        ops.ask(SetKillSwitch("boris", False))
        ops.ask(SetBreakers())
        said = ops.ask(QuerySafeguards())
        assert (said.breakers, [one.account for one in said.accounts]) == (None, ["zoe"])

        broker.hello("house", role=BROKER, token=TOKEN)
        trader.hello("zoe")
        for party in (broker, trader):
            refused = party.ask(QuerySafeguards())
            assert isinstance(refused, Refused)
            assert (refused.reason, refused.text) == (reasons.NOT_OFFERED, "safeguards are for operators")
