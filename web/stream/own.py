"""Own channels: those of each account that somebody reads here. Reached as `house.own`; called by conversations."""

from bus.sockets.history_client import AsyncHistoryClient
from web.assets import Assets
from web.sessions import Sessions
from web.stream.account import Account
from web.stream.readers import Connection
from web.turns import Turns


class Own:
    """All accounts whose own channels somebody reads here."""

    def __init__(self, sessions: Sessions, history: AsyncHistoryClient, turns: Turns, assets: Assets) -> None:
        self._sessions = sessions
        self._history = history
        self._turns = turns
        self._assets = assets
        self._accounts: dict[str, Account] = {}

    def join(self, account: str, channel: str, connection: Connection, after_report: int | None) -> None:
        """Read an account's channel, from now on or behind a report."""
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = Account(
                account, self._sessions, self._history, self._turns, self._assets
            )
        known.join(channel, connection, after_report)

    def leave(self, account: str, channel: str, connection: Connection) -> None:
        """Read it no longer. Safe to call for who does not read."""
        known = self._accounts.get(account)
        if known is not None:
            known.leave(channel, connection)
            if not known.is_read:
                # Its session stays open for a while anyhow; whoever connects again begins where it left off.
                del self._accounts[account]
                known.close()

    def close(self) -> None:
        """Tell nobody anything. Safe to call twice."""
        for account in self._accounts.values():
            account.close()
        self._accounts.clear()
