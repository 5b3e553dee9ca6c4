"""A venue that clears, and an operator's key with which money comes.

with MoneyVenue(tmp_path) as venue:
    venue.deposit("alice", "USD", "1000")
"""

from types import MappingProxyType
from typing import Any, Final, Self

from tests.support.venue import ApiKey, Response, Venue

SYMBOL: Final = "BTC-USD"


class MoneyVenue(Venue):
    """With USD of 6 decimals, BTC of 8, and the instrument of both. `ops` is the operator's key."""

    engine_settings = MappingProxyType({"MATCHBUS_ENGINE_CLEARING": "spot"})
    ops: ApiKey

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.ops = self.key("ops", "operator")
            for asset, decimals in (("USD", 6), ("BTC", 8)):
                done = self.post(self.ops, "admin/assets", asset=asset, decimals=decimals)
                assert done.status == 200, done.body
            self.define(SYMBOL)
        except BaseException:
            self.processes.close()
            raise
        return self

    def post(self, key: ApiKey, path: str, **body: Any) -> Response:
        """A signed POST below /api/v1."""
        return self.signed(key, "POST", f"/api/v1/{path}", body)

    def deposit(self, account: str, asset: str, amount: str, **more: Any) -> int:
        """Money from outside; the sequence of its coming."""
        told = {"account": account, "asset": asset, "amount": amount, **more}
        done = self.post(self.ops, "admin/deposits", **told)
        assert done.status == 200, done.body
        sequence: int = done.json["sequence"]
        return sequence

    def balances(self, key: ApiKey) -> dict[str, tuple[str, str, str]]:
        """Total, held and free of each asset of a key's account."""
        said = self.signed(key, "GET", "/api/v1/balances")
        assert said.status == 200, said.body
        return {row["asset"]: (row["total"], row["held"], row["free"]) for row in said.json["balances"]}
