"""The assets of the venue, as the engine has them, and how many decimals each has.

An asset never changes, so one that is known stays good; who wants one that is not known has the engine asked.
"""

from collections.abc import Collection

from bus.protocol.control import Balances
from bus.protocol.reasons import NO_CLEARING, UNKNOWN_ASSET
from bus.protocol.terms import CLEARING_NONE
from web.errors import Refusal
from web.session import Session
from web.sessions import Sessions


class Assets:
    """See above. Reached as `house.assets`."""

    def __init__(self) -> None:
        self._decimals: dict[str, int] = {}

    async def balances(self, session: Session, account: str = "") -> Balances:
        """What an account has, asked for now: that of the session, or any other one for operators.

        Raises Refusal where the venue does not clear; NotConnected.
        """
        found = await session.balances(account)
        if found.clearing == CLEARING_NONE:
            raise Refusal(NO_CLEARING)
        self._decimals |= dict(found.assets)
        return found

    async def check_clearing(self, session: Session) -> None:
        """Raises Refusal where the venue does not clear; NotConnected. It never ends to, so that is asked once."""
        if not self._decimals:
            await self.balances(session)

    async def decimals(self, session: Session, asset: str) -> int:
        """How many decimals an asset has. Raises Refusal where there is no such one, or no money at all."""
        if asset not in self._decimals:
            await self.balances(session)
        known = self._decimals.get(asset)
        if known is None:
            raise Refusal(UNKNOWN_ASSET, field="asset")
        return known

    async def decimals_of(self, assets: Collection[str], sessions: Sessions, account: str) -> dict[str, int]:
        """How many each of some assets has; asked in the account's session, if it has to be. Raises as `decimals`."""
        if not assets:
            return {}
        session = await sessions.of(account)
        return {asset: await self.decimals(session, asset) for asset in sorted(assets)}

    def decimals_at_hand(self, asset: str) -> int | None:
        """The same, when it is known here."""
        return self._decimals.get(asset)
