"""Stopping an account: its kill switch, by an operator's word or by rule (docs/rules.md, chapter STOP), and its end.

While it is on nothing but cancels is taken from the account, and it has no open order (`matcher.gate.limits`). So it is
with an account that is closed, which has no money either.
"""

from typing import Any

from bus.protocol import reasons
from bus.protocol.commands import CloseAccount, SetKillSwitch
from bus.protocol.reports import ACCOUNT_CLOSED, KILL_SWITCH_SET, REJECTED
from bus.protocol.terms import OPERATOR
from bus.protocol.topics import ACCOUNT
from matcher.book.level import open_orders_of
from matcher.following import Following
from matcher.ledger.account import Account
from matcher.ledger.limits import Limits
from matcher.views import open_symbols


class Stopping(Following):
    """What refuses, and what comes of too many refusals."""

    __slots__ = ()

    def reject(self, account: Account, command: int, request_id: str, reason: int) -> None:
        """A refusal. It is the last thing that is done for a command: the account may be stopped for it."""
        if self.judging:
            self.verdict = reason
            return
        self.rejected += 1
        self.report(
            account,
            (
                REJECTED,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                command,
                request_id,
                reason,
            ),
        )
        if reason == reasons.DAILY_LOSS_LIMIT and account not in self.at_risk:
            self.at_risk.append(account)
        if account.limits is not None:
            rejects = account.limits.rejected(self.time_ns)
            if rejects:
                self.stop_account(account, rejects, "")

    def set_kill_switch(self, command: SetKillSwitch) -> int:
        """An operator's word: a reason, 0 when it was done. What is on already is told again."""
        # gate
        if ACCOUNT.fullmatch(command.account) is None:
            return reasons.INVALID_KILL_SWITCH
        if self.judging:
            return 0
        # book, ledger, events
        account = self.state.accounts.get(command.account)
        if command.on:
            if account is None:
                account = Account(command.account)
                self.state.accounts[command.account] = account
            self.stop_account(account, 0, command.why)
        elif account is not None:
            limits = account.limits
            if limits is not None:
                limits.stopped = False
                if not limits.is_any:
                    account.limits = None
            self._tell(account, False, 0, command.why)
        return 0

    def stop_account(self, account: Account, rejects: int, why: str) -> None:
        """The kill switch is on: all open orders end, oldest first. O(the account's open orders)."""
        taken = open_orders_of(account)
        limits = account.limits
        if limits is None:
            limits = account.limits = Limits(open_symbols(account))
        limits.stopped = True
        limits.rejected_ns.clear()
        self.take_out_all(taken, reasons.KILL_SWITCH, False)
        self.follow_all(taken)
        self._tell(account, True, rejects, why)

    def close_account(self, command: CloseAccount) -> int:
        """An account is closed, or open again: a reason, 0 when it was done. What is so already is told again."""
        # gate
        account = self.state.accounts.get(command.account)
        if account is None or ACCOUNT.fullmatch(command.account) is None:
            return reasons.UNKNOWN_ACCOUNT
        if command.closed and (account.open or any(one.total for one in account.balances.values())):
            return reasons.ACCOUNT_IN_USE
        if self.judging:
            return 0
        # ledger, events
        shut(account, command.closed)
        row = (ACCOUNT_CLOSED, self.sequence, self.time_ns, 0, 0, account.name, command.closed, command.why)
        self._tell_all([account], row)
        return 0

    def _tell(self, account: Account, on: bool, rejects: int, why: str) -> None:
        self.tell_switched([account], account.name, on, rejects, why, "")

    def tell_switched(
        self, told: list[Account], name: str, on: bool, rejects: int, why: str, group: str
    ) -> None:
        """These accounts, and operators, hear of a kill switch, which is of the account `name` or of a group."""
        self._tell_all(
            told, (KILL_SWITCH_SET, self.sequence, self.time_ns, 0, 0, name, on, rejects, why, group)
        )

    def _tell_all(self, told: list[Account], row: tuple[Any, ...]) -> None:
        """These accounts, and each account of which an operator has a session. O(sessions x accounts)."""
        for session in self.state.sessions.values():
            if session.role == OPERATOR and session.account not in told:
                told.append(session.account)
        for one in told:
            self.report(one, row)


def is_shut(account: Account) -> bool:
    """Whether an account is closed."""
    return account.limits is not None and account.limits.shut


def shut(account: Account, closed: bool) -> None:
    """It is closed, or not. O(its open orders), of which who is closed has none."""
    limits = account.limits
    if limits is None:
        limits = account.limits = Limits(open_symbols(account))
    limits.shut = closed
    if not limits.is_any:
        account.limits = None
