"""What an account has of one asset."""

from mypy_extensions import mypyc_attr


@mypyc_attr(acyclic=True)
class Balance:
    """`total` units, of which `held` back the account's open orders; only the rest is free to be used otherwise.

    Below 0 is the total of `venue:external` alone, whose orders are none.
    """

    __slots__ = ("held", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = 0
