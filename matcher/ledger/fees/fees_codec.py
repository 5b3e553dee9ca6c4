"""Fees as rows of the state, and back. A part of `matcher.codec.state_codec`.

schedule    [rates, basis, paid_in, asset, numerator, denominator, rounding, step_units, minimum_units, maximum_units,
             share_max, payout_ticks, volume_numerator, volume_denominator]
volume      [day, 31 volumes, that of thirty days before `day` first]
"""

from typing import Any, Final

from matcher.ledger.fees.schedule import FeeSchedule
from matcher.ledger.fees.volume import Volume

Row = tuple[Any, ...]

# The shapes, for the decoder: what has another shape never reaches the code below.
SCHEDULE: Final[Any] = tuple[
    tuple[tuple[int, int], ...], int, int, str, int, int, int, int, int, int, int, int, int, int
]
VOLUME: Final[Any] = tuple[int, list[int]]


def schedule_row(schedule: FeeSchedule) -> Row:
    """The row of a schedule; a FeeSchedule is made of it."""
    return (
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


def volume_row(volume: Volume | None) -> Row | None:
    """The row of what an account has traded, None when it has traded nothing that counts."""
    return None if volume is None else (volume.day, volume.by_day())


def volume_of(row: Row | None) -> Volume | None:
    """What an account has traded; the tier is still to be set. Raises ValueError when it never traded so."""
    if row is None:
        return None
    volume = Volume(row[0])
    volume.fill(row[1])
    return volume
