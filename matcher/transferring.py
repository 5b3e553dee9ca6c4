"""Transferring: money moves from account to account, and assets are defined (docs/rules.md, chapter MONEY).

A transfer is a request under an id of its own like an order: sent again it is answered with Duplicate, with another
body it is refused, and its id is kept as long (`matcher.requests`).
"""

from bus.protocol import reasons
from bus.protocol.commands import TRANSFER, DefineAsset, Transfer
from bus.protocol.reports import MOVED
from bus.protocol.terms import BROKER, EXTERNAL, OPERATOR, VENUE_FEES
from bus.protocol.topics import ACCOUNT, ASSET
from matcher.gate.instruments import DECIMALS_MAX
from matcher.gate.orders import is_printable
from matcher.ledger.account import Account
from matcher.reporting import Reporting
from matcher.requests import Requests
from matcher.safety.stopping import is_shut
from matcher.state import Session


def transfer(market: Requests, session: Session, command: Transfer) -> None:
    """Move money, or refuse to."""
    # gate
    account = session.account
    transfer_id = command.transfer_id
    if transfer_id in account.requests and market.answer_again(account, TRANSFER, transfer_id, command):
        return
    if market.late or market.created_ns <= account.forgotten_ns or not is_printable(transfer_id):
        market.refuse(account, TRANSFER, transfer_id)
        return
    reason = transfer_reason(market, session, command)
    if reason:
        market.refuse_for_good(account, TRANSFER, transfer_id, command, reason)
        return
    if market.judging:
        return
    # ledger
    market.remember(account, transfer_id, command, 0, None)
    source, target = move(market, command)
    # events
    _tell(market, source, command, account)
    _tell(market, target, command, account)
    market.complete(account, TRANSFER, 1)


def transfer_reason(market: Reporting, session: Session, command: Transfer) -> int:
    """Why a session may not move this; 0 when it may."""
    ledger = market.state.ledger
    is_operator = session.role == OPERATOR
    # A broker has asked whoever is behind the account whether money may leave.
    withdraws = session.role == BROKER and command.target == EXTERNAL
    source, target = command.source, command.target
    if not is_operator and source != session.account.name:
        return reasons.NOT_PERMITTED
    if ledger is None:
        return reasons.NO_CLEARING
    if command.asset not in ledger.assets:
        return reasons.UNKNOWN_ASSET
    if command.amount <= 0:
        return reasons.AMOUNT_NOT_POSITIVE
    if source == target or not (
        _may_have(source, is_operator) and (withdraws or _may_have(target, is_operator))
    ):
        return reasons.INVALID_TRANSFER
    accounts = market.state.accounts
    # Accounts are kept for good: traders make none.
    if not (is_operator or withdraws) and (_family(source) != _family(target) or target not in accounts):
        return reasons.INVALID_TRANSFER
    limits = session.account.limits
    if not is_operator and limits is not None and limits.is_stopped:
        return reasons.ACCOUNT_STOPPED
    giver = accounts.get(source)
    for one in (giver, accounts.get(target)):
        if one is not None and is_shut(one):
            return reasons.ACCOUNT_CLOSED
    if source == EXTERNAL:
        has_room = ledger.has_room(giver, command.asset, command.amount)
        return 0 if has_room else reasons.BALANCE_TOO_LARGE
    if giver is None or ledger.free_units(giver, command.asset) < command.amount:
        return reasons.INSUFFICIENT_FUNDS
    return 0


def move(market: Reporting, command: Transfer) -> tuple[Account, Account]:
    """The money moves; both accounts are there from then on."""
    ledger = market.state.ledger
    assert ledger is not None, "where money moves there is a ledger"
    accounts = market.state.accounts
    for name in (command.source, command.target):
        if name not in accounts:
            accounts[name] = Account(name)
    source, target = accounts[command.source], accounts[command.target]
    ledger.move(source, target, command.asset, command.amount)
    return source, target


def define_asset(market: Reporting, command: DefineAsset) -> int:
    """An asset is there from now on; a reason, 0 when it is."""
    # gate
    ledger = market.state.ledger
    if ledger is None:
        return reasons.NO_CLEARING
    if ASSET.fullmatch(command.asset) is None or not 0 <= command.decimals <= DECIMALS_MAX:
        return reasons.INVALID_ASSET
    if ledger.assets.get(command.asset, command.decimals) != command.decimals:
        return reasons.ASSET_DIFFERS
    if market.judging:
        return 0
    # ledger: instruments that were there before the venue cleared may be traded from now on
    ledger.assets[command.asset] = command.decimals
    for instrument in market.state.instruments.values():
        ledger.learn(instrument.definition)
    return 0


def _tell(market: Reporting, told: Account, command: Transfer, asking: Account) -> None:
    asked = told is asking
    market.report(
        told,
        (
            MOVED,
            market.sequence,
            market.time_ns,
            market.session if asked else 0,
            market.correlation_id if asked else 0,
            command.transfer_id,
            command.source,
            command.target,
            command.asset,
            command.amount,
            told.balances[command.asset].total,
        ),
    )


def _may_have(name: str, is_operator: bool) -> bool:
    return ACCOUNT.fullmatch(name) is not None or (is_operator and name in (EXTERNAL, VENUE_FEES))


def _family(name: str) -> str:
    """`alice` of `alice` and `alice.algo`."""
    return name.partition(".")[0]
