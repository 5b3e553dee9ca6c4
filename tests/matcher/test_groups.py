"""Groups of accounts in the state: who is in which, in which order, and what of it can not be."""

import msgspec
import pytest

from bus.protocol.commands import JoinGroup, SetGroup
from bus.protocol.reasons import INVALID_GROUP
from bus.protocol.reports import COMPLETED
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from matcher.grouping import GROUPS_MAX
from matcher.state import State
from tests.matcher.exchanges import Event, Exchange


def grouped() -> Exchange:
    """Two groups; who came first to an account did not come first to its group."""
    exchange = Exchange("anna", "boris", "carla")
    for command in (
        *(SetGroup("vip"), SetGroup("makers"), SetGroup("nobody")),
        *(JoinGroup("carla", "vip"), JoinGroup("anna", "vip"), JoinGroup("boris", "vip")),
        *(JoinGroup("anna", "makers"), JoinGroup("anna", "vip"), JoinGroup("dora", "makers")),
    ):
        operate(exchange, command)
    return exchange


def operate(exchange: Exchange, command: SetGroup | JoinGroup) -> Event:
    """The answer to an operator's command."""
    ((_, answer),) = exchange.say(1, command)
    return answer


def members_of(state: State) -> dict[str, list[str]]:
    return {name: list(group.members) for name, group in state.groups.items()}


def test_members_stand_in_the_order_in_which_they_joined_also_behind_a_checkpoint() -> None:
    state = grouped().engine.state
    expected = {"vip": ["carla", "boris", "anna"], "makers": ["dora"], "nobody": []}
    again = decode_state(encode_state(state))
    for one in (state, again):
        one.check()
        assert members_of(one) == expected
        assert one.accounts["anna"].group is one.groups["vip"]
        assert one.groups["vip"].members["anna"] is one.accounts["anna"]
    assert encode_state(again) == encode_state(state)


def test_there_are_no_more_groups_than_a_checkpoint_is_to_hold() -> None:
    exchange = Exchange("anna")
    for number in range(GROUPS_MAX):
        assert operate(exchange, SetGroup(f"g{number}"))[0] == COMPLETED
    assert operate(exchange, SetGroup("one-more"))[-1] == INVALID_GROUP
    assert operate(exchange, SetGroup("g0"))[0] == COMPLETED
    assert list(exchange.engine.state.groups) == [f"g{number}" for number in range(GROUPS_MAX)]


@pytest.mark.parametrize("members", [["nobody-known"], ["anna", "anna"], ["dora"]])
def test_members_that_can_not_be_are_no_state(members: list[str]) -> None:
    row = msgspec.msgpack.decode(encode_state(grouped().engine.state))
    row[14][0][2] = members
    with pytest.raises(ValueError, match=r"not a state: .* can not be in group"):
        decode_state(msgspec.msgpack.encode(row))


def test_a_group_that_is_copied_shares_nothing_with_its_original() -> None:
    exchange = grouped()
    before = encode_state(exchange.engine.state)
    copy = Engine(decode_state(before))
    for group in copy.state.groups.values():
        group.members.clear()
    assert encode_state(exchange.engine.state) == before
