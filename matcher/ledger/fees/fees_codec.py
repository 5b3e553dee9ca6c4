"""The fees of a venue as a row of the state, and back.

[schedules, thresholds, groups, members, volumes]

schedule    [symbol, rates, basis, paid_in, asset, numerator, denominator, rounding, step_units, minimum_units,
             maximum_units, share_max, payout_ticks, volume_numerator, volume_denominator]
group       [group, discount]
member      [account, group]
volume      [account, day, 31 volumes, that of thirty days before `day` first]
"""

from typing import Any, Final

from matcher.ledger.fees.schedule import FeeSchedule
from matcher.ledger.fees.venue import VenueFees
from matcher.ledger.fees.volume import Volume

Row = tuple[Any, ...]

# The shapes, for the decoder: what has another shape never reaches the code below.
_SCHEDULE: Final[Any] = tuple[
    str, tuple[tuple[int, int], ...], int, int, str, int, int, int, int, int, int, int, int, int, int
]
FEES: Final[Any] = tuple[
    list[_SCHEDULE],
    tuple[int, ...],
    list[tuple[str, int]],
    list[tuple[str, str]],
    list[tuple[str, int, list[int]]],
]


def fees_row(fees: VenueFees) -> Row:
    """The row of these fees."""
    return (
        [_schedule_row(symbol, schedule) for symbol, schedule in fees.schedules.items()],
        fees.thresholds,
        [(group, discount) for group, discount in fees.groups.items()],
        [(account, group) for account, group in fees.members.items()],
        [(account, volume.day, volume.by_day()) for account, volume in fees.volumes.items()],
    )


def fees_of(row: Row) -> VenueFees:
    """Fees like those whose row it is. Raises ValueError when no fees have such a row."""
    fees = VenueFees()
    for schedule in row[0]:
        fees.schedules[schedule[0]] = FeeSchedule(*schedule[1:])
    fees.thresholds = row[1]
    for group, discount in row[2]:
        fees.groups[group] = discount
    for account, group in row[3]:
        fees.members[account] = group
    for account, day, by_day in row[4]:
        volume = Volume(day)
        try:
            volume.fill(by_day)
        except ValueError as error:
            raise ValueError(f"not a state: account {account} has {error}") from None
        fees.volumes[account] = volume
    try:
        fees.check()
    except AssertionError as error:
        raise ValueError(f"not a state: of the fees {error}") from None
    return fees


def _schedule_row(symbol: str, schedule: FeeSchedule) -> Row:
    return (
        symbol,
        schedule.rates,
        schedule.basis,
        schedule.paid_in,
        schedule.asset,
        schedule.numerator,
        schedule.denominator,
        schedule.rounding,
        schedule.step_units,
        schedule.minimum_units,
        schedule.maximum_units,
        schedule.share_max,
        schedule.payout_ticks,
        schedule.volume_numerator,
        schedule.volume_denominator,
    )
