"""Operating: the commands by which an operator rules over instruments, time, accounts and trades.

Each takes the market and a command, and gives a reason, 0 when it was carried out; `operate` asks who says it, and
answers.
"""

from typing import Final

from bus.protocol import reasons
from bus.protocol.commands import (
    ADVANCE_CLOCK,
    BUST_TRADE,
    CLOSE_ACCOUNT,
    CORRECT_TRADE,
    DEFINE_ASSET,
    DEFINE_INSTRUMENT,
    JOIN_GROUP,
    SET_BREAKERS,
    SET_EMERGENCY,
    SET_FEE_TIERS,
    SET_FEES,
    SET_GROUP,
    SET_GROUP_KILL_SWITCH,
    SET_GROUP_RISK,
    SET_KILL_SWITCH,
    SET_LIMITS,
    SET_PHASE,
    SET_PROTECTION,
    SET_RISK,
    SET_SCHEDULE,
    AdvanceClock,
    BustTrade,
    CloseAccount,
    CorrectTrade,
    DefineAsset,
    DefineInstrument,
    JoinGroup,
    OperatorCommand,
    SetBreakers,
    SetEmergency,
    SetFees,
    SetFeeTiers,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetKillSwitch,
    SetLimits,
    SetPhase,
    SetProtection,
    SetRisk,
    SetSchedule,
)
from bus.protocol.feed import INSTRUMENT_DEFINED, TRADE_BUSTED, TRADE_CORRECTED
from bus.protocol.reports import TRADE_REVISED
from bus.protocol.terms import BY_EMERGENCY, CLOCK_COMMANDS, CONTINUOUS, IN_AUCTION, MAKER, OPERATOR, TAKER
from matcher.book.level import Order
from matcher.book.trades import BUSTED
from matcher.charging import learn_limits, redefinition_reason, set_fee_tiers, set_fees
from matcher.day.phases import begin_phase, set_phase
from matcher.day.scheduling import set_schedule
from matcher.expiry import end_due
from matcher.following import Following
from matcher.gate.instruments import is_valid, same_product
from matcher.gate.orders import price_reason
from matcher.grouping import join_group, set_group
from matcher.instruments import Instrument
from matcher.ledger.products.spot import product_reason
from matcher.reporting import Reporting
from matcher.safety.breaking import set_breakers
from matcher.safety.emergency import set_emergency
from matcher.safety.group_risk import set_group_kill_switch, set_group_risk
from matcher.safety.limiting import set_limits
from matcher.safety.protecting import set_protection
from matcher.safety.risking import set_risk
from matcher.safety.stopping import Stopping
from matcher.state import Session
from matcher.transferring import define_asset

#: 2100-01-01. Time only moves forward, so one command could otherwise take it to where neither the times that clients
#: make (64 bits) nor the deadlines of timers are ahead of it, for good.
TIME_END_NS: Final = 4_102_444_800 * 10**9


def operate(market: Stopping, session: Session, command: OperatorCommand) -> None:
    """A command that only an operator may give: carried out or refused, and answered."""
    tag = tag_of(command)
    if session.role != OPERATOR:
        reason = reasons.NOT_PERMITTED
    elif isinstance(command, DefineInstrument):
        reason = define_instrument(market, command)
    elif isinstance(command, DefineAsset):
        reason = define_asset(market, command)
    elif isinstance(command, SetPhase):
        reason = set_phase(market, command)
    elif isinstance(command, SetSchedule):
        reason = set_schedule(market, command)
    elif isinstance(command, AdvanceClock):
        reason = advance_clock(market, command)
    elif isinstance(command, SetLimits):
        reason = set_limits(market, command)
    elif isinstance(command, SetRisk):
        reason = set_risk(market, command)
    elif isinstance(command, SetBreakers):
        reason = set_breakers(market, command)
    elif isinstance(command, SetEmergency):
        reason = set_emergency(market, command)
    elif isinstance(command, SetKillSwitch):
        reason = market.set_kill_switch(command)
    elif isinstance(command, CloseAccount):
        reason = market.close_account(command)
    elif isinstance(command, SetProtection):
        reason = set_protection(market, command)
    elif isinstance(command, SetFees):
        reason = set_fees(market, command)
    elif isinstance(command, SetFeeTiers):
        reason = set_fee_tiers(market, command)
    elif isinstance(command, SetGroupRisk):
        reason = set_group_risk(market, command)
    elif isinstance(command, SetGroupKillSwitch):
        reason = set_group_kill_switch(market, command)
    elif isinstance(command, SetGroup):
        reason = set_group(market, command)
    elif isinstance(command, JoinGroup):
        reason = join_group(market, command)
    else:
        reason = revise_trade(market, command)
    if tag == ADVANCE_CLOCK:
        end_due(market)
    if reason:
        market.reject(session.account, tag, "", reason)
    else:
        market.complete(session.account, tag, 1)


def tag_of(command: OperatorCommand) -> int:
    """The tag of an operator's command."""
    if isinstance(command, DefineInstrument):
        return DEFINE_INSTRUMENT
    if isinstance(command, DefineAsset):
        return DEFINE_ASSET
    if isinstance(command, SetPhase):
        return SET_PHASE
    if isinstance(command, SetSchedule):
        return SET_SCHEDULE
    if isinstance(command, SetLimits):
        return SET_LIMITS
    if isinstance(command, SetRisk):
        return SET_RISK
    if isinstance(command, SetBreakers):
        return SET_BREAKERS
    if isinstance(command, SetEmergency):
        return SET_EMERGENCY
    if isinstance(command, SetKillSwitch):
        return SET_KILL_SWITCH
    if isinstance(command, CloseAccount):
        return CLOSE_ACCOUNT
    if isinstance(command, SetProtection):
        return SET_PROTECTION
    if isinstance(command, SetFees):
        return SET_FEES
    if isinstance(command, SetFeeTiers):
        return SET_FEE_TIERS
    if isinstance(command, SetGroupRisk):
        return SET_GROUP_RISK
    if isinstance(command, SetGroupKillSwitch):
        return SET_GROUP_KILL_SWITCH
    if isinstance(command, SetGroup):
        return SET_GROUP
    if isinstance(command, JoinGroup):
        return JOIN_GROUP
    if isinstance(command, BustTrade):
        return BUST_TRADE
    return CORRECT_TRADE if isinstance(command, CorrectTrade) else ADVANCE_CLOCK


def define_instrument(market: Following, command: DefineInstrument) -> int:
    """A new instrument, open at once, or new limits; orders that rest are not touched by them."""
    # gate
    state = market.state
    instrument = state.instruments.get(command.symbol)
    if instrument is None and len(state.instruments) >= state.rules.instruments_max:
        return reasons.TOO_MANY_INSTRUMENTS
    if not is_valid(command):
        return reasons.INVALID_INSTRUMENT
    if instrument is not None and not same_product(instrument.definition, command):
        return reasons.INSTRUMENT_DIFFERS
    ledger = state.ledger
    if ledger is not None:
        reason = product_reason(command, ledger.assets) or redefinition_reason(market, command)
        if reason:
            return reason
    if market.judging:
        return 0
    # book
    is_new = instrument is None
    if instrument is None:
        instrument = Instrument(command, len(state.instruments))
        state.instruments[command.symbol] = instrument
    else:
        instrument.redefine(command)
        if instrument.watch is not None:  # another price may be allowed
            instrument.watch.pegs.forget()
    if ledger is not None:
        learn_limits(market, ledger, instrument)
    # events
    market.touch(instrument)
    instrument.statuses.append(
        (
            INSTRUMENT_DEFINED,
            market.sequence,
            command.symbol,
            command.base,
            command.quote,
            command.tick_mantissa,
            command.tick_decimals,
            command.lot_mantissa,
            command.lot_decimals,
            command.price_min_ticks,
            command.price_max_ticks,
            command.quantity_min_lots,
            command.quantity_max_lots,
            command.matching,
            command.pro_rata_minimum_lots,
        )
    )
    if is_new and state.stopped:
        begin_phase(
            market, instrument, CONTINUOUS, BY_EMERGENCY, 0, 0, 0
        )  # which it does when the stop is over
    if instrument.watch is not None:
        market.follow(instrument)
    return 0


def advance_clock(market: Following, command: AdvanceClock) -> int:
    """Engine time becomes what the operator says; the command itself already happens then."""
    if market.state.clock != CLOCK_COMMANDS:
        return reasons.CLOCK_IS_SYSTEM
    if command.time_ns <= market.time_ns:
        return reasons.TIME_NOT_LATER
    if command.time_ns >= TIME_END_NS:
        return reasons.TIME_TOO_FAR
    market.time_ns = command.time_ns
    return 0


def revise_trade(market: Reporting, command: BustTrade | CorrectTrade) -> int:
    """A trade of the day is busted, or has another price: everybody is told, and nothing else changes."""
    # gate
    instrument = market.state.instruments.get(command.symbol)
    if instrument is None:
        return reasons.UNKNOWN_SYMBOL
    if market.state.ledger is not None:
        return reasons.TRADE_SETTLED
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
    maker, taker = (IN_AUCTION, IN_AUCTION) if kept.is_of_auction(trade_id) else (MAKER, TAKER)
    _report_revised(market, kept.maker(trade_id), trade_id, price, quantity, maker, before)
    _report_revised(market, kept.taker(trade_id), trade_id, price, quantity, taker, before)
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
