"""All that a venue asks for trading, and who has to pay how much of it: schedules, tiers, groups, volumes.

An account's tier is the number of thresholds that its volume of the thirty days before has reached. Its group, if it
has one, gives a discount on what it pays. An instrument without a schedule costs nothing, and counts for no volume.

Whoever sets something asks first whether it may be set; what may not changes nothing.
"""

from collections.abc import Sequence
from typing import Final

from matcher.ledger.fees.amounts import fee_units, worst_fee_units
from matcher.ledger.fees.schedule import (
    RATE_ONE,
    TIERS_MAX,
    Extent,
    FeeSchedule,
    is_valid,
    is_well_formed,
    pays_for_its_rebates,
)
from matcher.ledger.fees.volume import Volume
from matcher.ledger.money.balance import UNITS_END

#: Groups are state, and each checkpoint has them all.
GROUPS_MAX: Final = 1_000
#: As long as the name of an account may be.
GROUP_LENGTH_MAX: Final = 32


class VenueFees:
    """State of one venue. Symbols, groups, members and volumes stand in the order in which they came."""

    __slots__ = ("groups", "members", "schedules", "thresholds", "volumes")

    def __init__(self) -> None:
        #: symbol -> its terms
        self.schedules: dict[str, FeeSchedule] = {}
        #: of the tiers from the second on, rising
        self.thresholds: tuple[int, ...] = ()
        #: group -> its discount, in billionths
        self.groups: dict[str, int] = {}
        #: account -> its group
        self.members: dict[str, str] = {}
        #: account -> what it has traded
        self.volumes: dict[str, Volume] = {}

    def may_set_schedule(self, schedule: FeeSchedule, extent: Extent) -> bool:
        """Whether an instrument may have these terms. O(tiers + groups)."""
        return is_valid(schedule, extent, self.discount_max())

    def set_schedule(self, symbol: str, schedule: FeeSchedule | None) -> None:
        """The instrument is traded on these terms from now on; None: for nothing."""
        if schedule is not None:
            self.schedules[symbol] = schedule
        elif symbol in self.schedules:
            del self.schedules[symbol]

    def may_set_tiers(self, thresholds: Sequence[int]) -> bool:
        """Whether volumes may be divided so."""
        before = 0
        for threshold in thresholds:
            if not before < threshold < UNITS_END:
                return False
            before = threshold
        return len(thresholds) < TIERS_MAX

    def set_tiers(self, thresholds: Sequence[int]) -> None:
        """These are the volumes from which the second tier is reached, the third, and so on."""
        self.thresholds = tuple(thresholds)

    def may_set_group(self, group: str, discount: int) -> bool:
        """Whether a group may have this discount. O(schedules x tiers)."""
        if not 1 <= len(group) <= GROUP_LENGTH_MAX or not 0 <= discount <= RATE_ONE:
            return False
        if group not in self.groups and len(self.groups) >= GROUPS_MAX:
            return False
        return all(pays_for_its_rebates(schedule, discount) for schedule in self.schedules.values())

    def set_group(self, group: str, discount: int) -> None:
        """The group is there, with this discount."""
        self.groups[group] = discount

    def may_join(self, group: str) -> bool:
        """Whether an account may be put there; "" is no group."""
        return not group or group in self.groups

    def join(self, account: str, group: str) -> None:
        """The account is in this group, and in no other."""
        if group:
            self.members[account] = group
        elif account in self.members:
            del self.members[account]

    def discount_max(self) -> int:
        """The largest discount of all groups. O(groups)."""
        return max(self.groups.values(), default=0)

    def discount(self, account: str) -> int:
        """The account's discount, in billionths."""
        group = self.members.get(account)
        return 0 if group is None else self.groups[group]

    def tier(self, account: str, day: int) -> int:
        """The account's tier on a day, from 0. O(tiers)."""
        if not self.thresholds:
            return 0
        volume = self.volumes.get(account)
        if volume is None:
            return 0
        traded = volume.at(day)
        tier = 0
        for threshold in self.thresholds:
            if traded < threshold:
                break
            tier += 1
        return tier

    def fee_units(
        self,
        symbol: str,
        account: str,
        day: int,
        base_units: int,
        quote_units: int,
        price_ticks: int,
        buys: bool,
        maker: bool,
    ) -> int:
        """What a side of a fill pays, in units of the schedule's asset; below 0 what it gets."""
        schedule = self.schedules.get(symbol)
        if schedule is None:
            return 0
        rate = schedule.rate(self.tier(account, day), maker)
        return fee_units(schedule, rate, self.discount(account), base_units, quote_units, price_ticks, buys)

    def worst_fee_units(
        self, symbol: str, lots: int, base_units: int, quote_units: int, price_ticks: int, buys: bool
    ) -> int:
        """What is to be held for the fees of an order: see `amounts`; 0 where they are paid of what it brings."""
        schedule = self.schedules.get(symbol)
        if schedule is None or schedule.is_paid_of_proceeds(buys):
            return 0
        return worst_fee_units(schedule, lots, base_units, quote_units, price_ticks, buys)

    def count(self, symbol: str, account: str, day: int, quote_units: int) -> None:
        """A side of a fill of so much, which counts for the tiers of later days."""
        schedule = self.schedules.get(symbol)
        if schedule is None:
            return
        volume = self.volumes.get(account)
        if volume is None:
            self.volumes[account] = volume = Volume(day)
        volume.add(day, quote_units * schedule.volume_numerator // schedule.volume_denominator)

    def check(self) -> None:
        """AssertionError for the first thing that is not as it must be. O(everything)."""
        assert self.may_set_tiers(self.thresholds), "tiers are such as may be set"
        for schedule in self.schedules.values():
            assert is_well_formed(schedule), "schedules are such as may be set"
        for group, discount in self.groups.items():
            assert self.may_set_group(group, discount), "groups are such as may be set"
        for group in self.members.values():
            assert group in self.groups, "who is in a group is in one that there is"
        for volume in self.volumes.values():
            volume.check()
