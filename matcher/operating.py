"""Operating: commands by which an operator rules over accounts and trades, rather than over instruments and time.

Each takes the market and a command, and gives a reason, 0 when it was carried out. Whether an operator asked was looked
at before (`matcher.engine`).
"""

from bus.protocol import reasons
from bus.protocol.commands import (
    ADVANCE_CLOCK,
    BUST_TRADE,
    CORRECT_TRADE,
    DEFINE_INSTRUMENT,
    SET_LIMITS,
    SET_TRADING_STATUS,
    BustTrade,
    CorrectTrade,
    DefineInstrument,
    OperatorCommand,
    SetLimits,
    SetTradingStatus,
)
from bus.protocol.feed import TRADE_BUSTED, TRADE_CORRECTED
from bus.protocol.reports import TRADE_REVISED
from bus.protocol.terms import MAKER, TAKER
from bus.protocol.topics import ACCOUNT
from matcher.book.level import Order
from matcher.book.trades import BUSTED
from matcher.gate.orders import price_reason
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.reporting import Reporting
from matcher.views import open_symbols


def tag_of(command: OperatorCommand) -> int:
    """The tag of an operator's command."""
    if isinstance(command, DefineInstrument):
        return DEFINE_INSTRUMENT
    if isinstance(command, SetTradingStatus):
        return SET_TRADING_STATUS
    if isinstance(command, SetLimits):
        return SET_LIMITS
    if isinstance(command, BustTrade):
        return BUST_TRADE
    return CORRECT_TRADE if isinstance(command, CorrectTrade) else ADVANCE_CLOCK


def rule_over(market: Reporting, command: SetLimits | BustTrade | CorrectTrade) -> int:
    """Carry one of the commands of this file out."""
    if isinstance(command, SetLimits):
        return set_limits(market, command)
    return revise_trade(market, command)


def set_limits(market: Reporting, command: SetLimits) -> int:
    """Limits of an account, in the place of those it had for this symbol. O(its open orders), for the first ones."""
    # gate
    state = market.state
    symbol = command.symbol
    if symbol and symbol not in state.instruments:
        return reasons.UNKNOWN_SYMBOL
    if (
        ACCOUNT.fullmatch(command.account) is None
        or command.order_lots_max < 0
        or command.order_notional_max < 0
        or command.open_orders_max < 0
    ):
        return reasons.INVALID_LIMITS
    if market.judging:
        return 0
    # ledger
    account = state.accounts.get(command.account)
    limited = command.order_lots_max or command.order_notional_max or command.open_orders_max
    if account is None:
        if not limited:
            return 0
        account = Account(command.account)
        state.accounts[command.account] = account
    limits = account.limits
    if limited:
        if limits is None:
            limits = account.limits = Limits(open_symbols(account))
        limits.by_symbol[symbol] = Limit(
            command.order_lots_max, command.order_notional_max, command.open_orders_max
        )
    elif limits is not None:
        limits.by_symbol.pop(symbol, None)
        if not limits.by_symbol:
            account.limits = None
    return 0


def revise_trade(market: Reporting, command: BustTrade | CorrectTrade) -> int:
    """A trade of the day is busted, or has another price: everybody is told, and nothing else changes."""
    # gate
    instrument = market.state.instruments.get(command.symbol)
    if instrument is None:
        return reasons.UNKNOWN_SYMBOL
    kept = instrument.kept
    trade_id = command.trade_id
    reason = kept.reason(trade_id, instrument.next_trade_id, market.kept_max)
    if reason:
        return reason
    price = BUSTED
    before = kept.price_ticks(trade_id)
    if isinstance(command, CorrectTrade):
        price = command.price_ticks
        if price == before or price_reason(instrument, price):
            return reasons.INVALID_CORRECTION
    if market.judging:
        return 0
    # book: what is kept of it, and nothing that trades
    kept.revised[trade_id] = price
    # events
    quantity = kept.quantity_lots(trade_id)
    _report_revised(market, kept.maker(trade_id), trade_id, price, quantity, MAKER, before)
    _report_revised(market, kept.taker(trade_id), trade_id, price, quantity, TAKER, before)
    market.touch(instrument)
    about = (market.sequence, market.time_ns, trade_id)
    if isinstance(command, BustTrade):
        instrument.trades.append((TRADE_BUSTED, *about, before, quantity))
    else:
        instrument.trades.append((TRADE_CORRECTED, *about, price, quantity, before))
    return 0


def _report_revised(
    market: Reporting,
    order: Order,
    trade_id: int,
    price_ticks: int,
    quantity_lots: int,
    liquidity: int,
    previous_price_ticks: int,
) -> None:
    market.report(
        order.account,
        (
            TRADE_REVISED,
            market.sequence,
            market.time_ns,
            0,
            0,
            order.sequence,
            order.request_id,
            order.symbol,
            order.side,
            trade_id,
            price_ticks,
            quantity_lots,
            liquidity,
            previous_price_ticks,
        ),
    )
