"""A venue that clears, over sockets and restarts: who is told what he has, and when a venue may begin to clear."""

from typing import Any

import pytest

from bus.errors import DataDirectoryMismatch
from bus.protocol import reasons
from bus.protocol.commands import CancelOrder, DefineAsset, EnterOrder, JoinGroup, SetFees, SetGroup, Transfer
from bus.protocol.control import Balances, BalanceState, Fees, GroupState, QueryBalances, QueryFees, Refused
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Rejected, Settled
from bus.protocol.terms import BUY, CLEARING_NONE, CLEARING_SPOT, EXTERNAL, OPERATOR, SELL
from tests.node.parties import BTC_USD, Party, buy, open_market
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

SPOT = small_config(engine__clearing="spot")


def house(party: Party) -> Party:
    """An operator, the market with its assets, and money of two traders."""
    party.hello("ops", role=OPERATOR, token=TOKEN)
    for command in (
        DefineAsset("USD", 5),
        DefineAsset("BTC", 8),
        BTC_USD,
        Transfer("d1", EXTERNAL, "anna", "USD", 1_000),
        Transfer("d2", EXTERNAL, "boris", "BTC", 1_000_000),
    ):
        assert isinstance(party.ask(command), Completed), command
    return party


def balances(party: Party, account: str = "") -> Any:
    """As the engine answers."""
    return party.ask(QueryBalances(account))


def test_an_account_is_told_what_it_has_and_an_operator_of_all(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=SPOT)
    with Party(node.addresses.orders) as ops, Party(node.addresses.orders) as anna:
        house(ops)
        anna.hello("anna")
        assert isinstance(anna.ask(buy("a1", price_ticks=100, quantity_lots=4)), Accepted)
        found = balances(anna)
        assert isinstance(found, Balances)
        assert (found.account, found.balances) == ("anna", [BalanceState("USD", 5, 1_000, 400)])
        assert (found.clearing, found.assets) == (CLEARING_SPOT, [("USD", 5), ("BTC", 8)])
        assert balances(anna, "anna").balances == found.balances
        refused = balances(anna, "boris")
        assert isinstance(refused, Refused)
        assert refused.reason == reasons.NOT_OFFERED
        assert balances(ops, "boris").balances == [BalanceState("BTC", 8, 1_000_000, 0)]
        assert [row.total for row in balances(ops, EXTERNAL).balances] == [-1_000, -1_000_000]
        assert balances(ops, "nobody").balances == []
        assert isinstance(ops.ask(SetFees("BTC-USD", [(10**6, 2 * 10**6)])), Completed)
        assert isinstance(ops.ask(SetGroup("vip", 10**8)), Completed)
        assert isinstance(ops.ask(JoinGroup("anna", "vip")), Completed)
        told = anna.ask(QueryFees())
        assert isinstance(told, Fees)
        assert (told.account, told.tier, told.volume, told.group, told.discount) == (
            "anna",
            0,
            0,
            "vip",
            10**8,
        )
        assert [one.rates for one in told.schedules] == [[(10**6, 2 * 10**6)]]
        assert told.groups == [], "who else is in a group is for operators"
        refused = anna.ask(QueryFees("boris"))
        assert isinstance(refused, Refused)
        assert refused.reason == reasons.NOT_OFFERED
        told = ops.ask(QueryFees("anna"))
        assert isinstance(told, Fees)
        assert told.groups == [GroupState("vip", 10**8, 1)]
        assert isinstance(ops.ask(SetFees("BTC-USD", [])), Completed)
    node.stop()


def test_money_outlives_a_crash_and_a_transfer_sent_again_happened_once(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=SPOT)
    with Party(node.addresses.orders) as ops, Party(node.addresses.orders) as boris:
        house(ops)
        boris.hello("boris")
        assert isinstance(boris.ask(EnterOrder("b1", "BTC-USD", SELL, 5, 100)), Accepted)
    before = node.state()
    node.vanish()
    node = RunningNode(disk=disk.copy(), config=SPOT)
    assert before
    with Party(node.addresses.orders) as ops, Party(node.addresses.orders) as anna:
        ops.hello("ops", role=OPERATOR, token=TOKEN)
        assert isinstance(ops.ask(Transfer("d1", EXTERNAL, "anna", "USD", 1_000)), Duplicate)
        assert balances(ops, "boris").balances == [BalanceState("BTC", 8, 1_000_000, 500_000)]
        anna.hello("anna")
        assert isinstance(anna.ask(EnterOrder("a1", "BTC-USD", BUY, 5, 200)), Accepted)
        assert balances(anna).balances == [BalanceState("USD", 5, 500, 0), BalanceState("BTC", 8, 500_000, 0)]
        assert balances(ops, "boris").balances == [
            BalanceState("BTC", 8, 500_000, 0),
            BalanceState("USD", 5, 500, 0),
        ]
        (settled,) = [one for one in anna.reports.values() if isinstance(one, Settled)]
        assert (settled.paid, settled.paid_total, settled.received) == (500, 500, 500_000)
    node.stop()


def test_a_venue_begins_to_clear_without_open_orders_and_never_ends(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk)
    with Party(node.addresses.orders) as anna:
        open_market(node.addresses)
        anna.hello("anna")
        assert isinstance(anna.ask(buy("a1")), Accepted)
        found = balances(anna)
        assert (found.balances, found.clearing, found.assets) == ([], CLEARING_NONE, [])
        node.stop()
    with pytest.raises(DataDirectoryMismatch, match="1 order is open and not backed"):
        RunningNode(disk=disk, config=SPOT)
    node = RunningNode(disk=disk)
    with Party(node.addresses.orders) as anna:
        anna.hello("anna")
        assert isinstance(anna.ask(CancelOrder(0, "a1")), Cancelled)
    node.stop()
    node = RunningNode(disk=disk, config=SPOT)
    node.stop()
    with pytest.raises(DataDirectoryMismatch, match="its venue clears, and keeps to it"):
        RunningNode(disk=disk, config=small_config(engine__clearing="none"))
    node = RunningNode(disk=disk)
    with Party(node.addresses.orders) as anna:
        anna.hello("anna")
        answer = anna.ask(buy("a2"))
        assert isinstance(answer, Rejected)
        assert answer.reason == reasons.UNKNOWN_ASSET
    node.stop()
