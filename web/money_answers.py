"""What the engine and the history say of money into answers: units become decimals, numbers words.

Called by `web.money`, and by whoever tells accounts of it over a WebSocket.
"""

from decimal import Decimal
from typing import Final

from msgspec import UNSET

from bus.protocol import control, history
from bus.protocol.commands import SetFees
from bus.protocol.terms import FEE_ASSETS, FEE_BASES
from bus.sockets.session.amounts import amount_of
from web.market_data import text
from web.schemas.money import Balance, Balances, Fees, KnownAsset, Movement, SymbolFees

_MS: Final = 1_000_000


def movement(row: history.Movement, decimals: int, time_ns: bool = False) -> Movement:
    """A movement as JSON has it."""
    return Movement(
        movement_number=row.movement_number,
        kind=history.MOVEMENT_KINDS[row.kind],  # type: ignore[arg-type]  # the same words, from their table
        asset=row.asset,
        amount=text(amount_of(row.amount, decimals)),
        total=text(amount_of(row.total, decimals)),
        sequence=row.sequence,
        time_ms=row.time_ns // _MS,
        time_ns=row.time_ns if time_ns else UNSET,
        transfer_id=row.transfer_id,
        counterparty=row.counterparty,
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        trade_id=row.trade_id,
    )


def fees(found: control.Fees) -> Fees:
    """What trading costs an account as JSON has it."""
    left = found.thresholds[found.tier :]
    return Fees(
        account=found.account,
        tier=found.tier + 1,
        tiers=len(found.thresholds) + 1,
        volume=str(found.volume),
        next_volume=str(left[0]) if left else None,
        group=found.group or None,
        discount_percent=_percent(found.discount),
        fees=[_symbol_fees(row, found.tier) for row in sorted(found.schedules, key=lambda row: row.symbol)],
    )


def _symbol_fees(schedule: SetFees, tier: int) -> SymbolFees:
    maker, taker = schedule.rates[min(tier, len(schedule.rates) - 1)]
    return SymbolFees(
        symbol=schedule.symbol,
        maker_percent=_percent(maker),
        taker_percent=_percent(taker),
        basis=FEE_BASES[schedule.basis],
        paid_in=FEE_ASSETS[schedule.paid_in],
        asset=schedule.asset or None,
    )


def _percent(billionths: int) -> str:
    return text(Decimal(billionths).scaleb(-7))


def balance(row: control.BalanceState) -> Balance:
    """A row as JSON has it."""
    total, held, free = (
        text(amount_of(units, row.decimals)) for units in (row.total, row.held, row.total - row.held)
    )
    return Balance(asset=row.asset, decimals=row.decimals, total=total, held=held, free=free)


def balances(found: control.Balances) -> Balances:
    """What an account has as JSON has it."""
    return Balances(
        account=found.account,
        next_report=found.next_report,
        balances=[balance(row) for row in sorted(found.balances, key=lambda row: row.asset)],
        assets=[KnownAsset(asset=asset, decimals=decimals) for asset, decimals in sorted(found.assets)],
    )
