"""Amounts of an asset as people write them, and as the engine has them: whole units of `10**-decimals`, exactly.

Like prices (`prices`): nothing is rounded, and a float is refused.
"""

from decimal import Decimal

from bus.protocol.terms import NUMBER_MAX
from bus.sockets.session.prices import Number, exact


def units_of(amount: Number, decimals: int) -> int:
    """An amount in units. Raises ValueError for one between two units, beyond 63 bits, or that is no number."""
    top, bottom = exact(amount, "amount").as_integer_ratio()
    scale: int = 10**decimals
    units, rest = divmod(top * scale, bottom)
    if rest:
        raise ValueError(f"{amount} has more than the {decimals} decimals of its asset")
    if abs(units) > NUMBER_MAX:
        raise ValueError(f"{amount} is more than there can be of an asset: its units are of 63 bits")
    return units


def amount_of(units: int, decimals: int) -> Decimal:
    """So many units, with all decimals of the asset."""
    # From its digits: arithmetic would round by somebody's context.
    return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -decimals))
