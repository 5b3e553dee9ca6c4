"""What an account has of one asset."""

from typing import Final

from mypy_extensions import mypyc_attr

#: No amount of any asset reaches this (I8).
UNITS_END: Final = 2**63


@mypyc_attr(acyclic=True)
class Balance:
    """`total` units, of which `held` back the account's open orders; only the rest is free to be used otherwise.

    Below 0 is the total of `venue:external` alone, whose orders are none.
    """

    __slots__ = ("held", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = 0
