"""Charging: an operator says what trading costs, and open orders hold for it (docs/rules.md, chapter FEE)."""

from bus.protocol import reasons
from bus.protocol.commands import DefineInstrument, SetFees, SetFeeTiers
from bus.protocol.terms import BUY, VENUE_FEES
from matcher.book.level import Order, open_orders_of, sequence_of
from matcher.following import Following
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.fees.charging import Charging, may_be_tiers, tier_of
from matcher.ledger.fees.schedule import Extent, FeeSchedule, is_valid, pays_for_its_rebates
from matcher.ledger.money.balance import Balance
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.products.spot import Spot, price_to_hold
from matcher.reporting import Reporting


def set_fees(market: Following, command: SetFees) -> int:
    """An instrument costs this from now on; a reason, 0 when it does. O(open orders)."""
    # gate
    state = market.state
    ledger = state.ledger
    instrument = state.instruments.get(command.symbol)
    if instrument is None:
        return reasons.UNKNOWN_SYMBOL
    if ledger is None:
        return reasons.NO_CLEARING
    product = ledger.products.get(command.symbol)
    if product is None or (command.asset and command.asset not in ledger.assets):
        return reasons.UNKNOWN_ASSET
    orders = orders_in(state.accounts, command.symbol)
    schedule = schedule_of(command) if command.rates else None
    price_high = highest_ticks(instrument.price_max_ticks, orders)
    if schedule is not None:
        if not is_valid(schedule, extent_of(instrument.definition, product, price_high)):
            return reasons.INVALID_FEES
        discount_max = max([group.discount for group in state.groups.values()], default=0)
        if not pays_for_its_rebates(schedule, discount_max):
            return reasons.REBATE_UNPAID
    if market.judging:
        return 0
    # ledger
    charging = None if schedule is None else charging_of(schedule, product, price_high, state.accounts)
    hold_anew(market, ledger, instrument, product.that_charges(charging), orders)
    return 0


def set_fee_tiers(market: Reporting, command: SetFeeTiers) -> int:
    """These are the tiers of fees from now on; a reason, 0 when they are. O(accounts)."""
    # gate
    ledger = market.state.ledger
    if ledger is None:
        return reasons.NO_CLEARING
    if not may_be_tiers(command.thresholds):
        return reasons.INVALID_FEE_TIERS
    if market.judging:
        return 0
    # ledger
    ledger.thresholds = tuple(command.thresholds)
    for account in market.state.accounts.values():
        volume = account.volume
        if volume is not None:
            volume.tier = tier_of(ledger.thresholds, volume.before)
    return 0


def redefinition_reason(market: Reporting, command: DefineInstrument) -> int:
    """Why an instrument that charges may not have these limits; 0 when it may. O(open orders) when it charges."""
    ledger = market.state.ledger
    product = None if ledger is None else ledger.products.get(command.symbol)
    if product is None or product.fees is None:
        return 0
    orders = orders_in(market.state.accounts, command.symbol)
    extent = extent_of(command, product, highest_ticks(command.price_max_ticks, orders))
    return 0 if is_valid(product.fees.schedule, extent) else reasons.INVALID_FEES


def learn_limits(market: Following, ledger: Ledger, instrument: Instrument) -> None:
    """An instrument is there, or has other limits: who sells may hold by the highest price. O(open orders) then."""
    symbol = instrument.symbol
    product = ledger.products.get(symbol)
    if product is None or product.fees is None:
        ledger.learn(instrument.definition)
        return
    orders = orders_in(market.state.accounts, symbol)
    fees = product.fees.up_to(highest_ticks(instrument.price_max_ticks, orders))
    if fees.grows_with_price and fees.price_high_ticks != product.fees.price_high_ticks:
        hold_anew(market, ledger, instrument, product.that_charges(fees), orders)
    else:
        ledger.products[symbol] = product.that_charges(fees)


def hold_anew(
    market: Following, ledger: Ledger, instrument: Instrument, product: Spot, orders: list[Order]
) -> None:
    """All orders of an instrument hold by other terms, oldest first; those that have too little behind them end."""
    # ledger
    for order in orders:
        ledger.release(order)
    ledger.products[instrument.symbol] = product
    unbacked: list[Order] = []
    for order in orders:
        if order.instructions is not None and order.instructions.held_by:
            continue
        if market.lacks_money(order):
            unbacked.append(order)
        else:
            ledger.hold(order)
    # book, events
    market.take_out_all(unbacked, reasons.UNBACKED, False)
    if unbacked and instrument.watch is not None:
        market.follow(instrument)


def orders_in(accounts: dict[str, Account], symbol: str) -> list[Order]:
    """The open orders of an instrument, oldest first. O(open orders of all)."""
    found: list[Order] = []
    for account in accounts.values():
        found += [order for order in open_orders_of(account) if order.symbol == symbol]
    found.sort(key=sequence_of)
    return found


def highest_ticks(price_max_ticks: int, orders: list[Order]) -> int:
    """The highest price of any fill: an instrument's highest, or what an order bids that came when that was higher."""
    highest = price_max_ticks
    for order in orders:
        if order.side == BUY:
            highest = max(highest, price_to_hold(order))
    return highest


def schedule_of(command: SetFees) -> FeeSchedule:
    """The terms that a command says, whether or not they can be."""
    return FeeSchedule(
        tuple([(maker, taker) for maker, taker in command.rates]),
        command.basis,
        command.paid_in,
        command.asset,
        command.numerator,
        command.denominator,
        command.rounding,
        command.step_units,
        command.minimum_units,
        command.maximum_units,
        command.share_max,
        command.payout_ticks,
        command.volume_numerator,
        command.volume_denominator,
    )


def extent_of(definition: DefineInstrument, product: Spot, price_high_ticks: int) -> Extent:
    """How large things get in an instrument."""
    return Extent(
        product.base,
        product.quote,
        price_high_ticks,
        definition.quantity_max_lots,
        product.lot_units,
        product.tick_units,
    )


def charging_of(
    schedule: FeeSchedule, product: Spot, price_high_ticks: int, accounts: dict[str, Account]
) -> Charging:
    """What an instrument charges; the venue has an account for it from then on."""
    account = accounts.get(VENUE_FEES)
    if account is None:
        account = accounts[VENUE_FEES] = Account(VENUE_FEES)
    buyers_asset = schedule.asset_paid(product.base, product.quote, True)
    sellers_asset = schedule.asset_paid(product.base, product.quote, False)
    for asset in (buyers_asset, sellers_asset):
        if asset not in account.balances:
            account.balances[asset] = Balance(0)
    return Charging(
        schedule,
        buyers_asset,
        sellers_asset,
        price_high_ticks,
        account.balances[buyers_asset],
        account.balances[sellers_asset],
    )
