"""Commands: what a client asks the market to do. Each one that is taken gets one sequence of the log.

A message from a client is one array:

    [version, session, correlation_id, created_ns, [command, ...]]

Command i of the message answers to `correlation_id + i`. `created_ns` is when the client made the message (UTC, ns);
a message that is sent again carries its first creation time. Each command is an array that starts with its tag;
trailing fields with a default may be left out, unknown trailing fields are refused.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from bus.protocol.terms import GTC, IN_QUOTE, LIMIT, OF_NOTIONAL, RATE_ONE, ROUND_UP

#: Everything the matcher computes with fits a signed 64-bit integer. Anything larger is malformed.
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
#: Numbers that only count up or identify.
Unsigned = Annotated[int, Meta(ge=0, le=2**63 - 1)]
#: A client's own name for an order or a request.
ClientId = Annotated[str, Meta(min_length=1, max_length=36)]
OptionalClientId = Annotated[str, Meta(max_length=36)]
Symbol = Annotated[str, Meta(min_length=1, max_length=20)]
OptionalSymbol = Annotated[str, Meta(max_length=20)]
Asset = Annotated[str, Meta(min_length=1, max_length=12)]
OptionalAsset = Annotated[str, Meta(max_length=12)]
#: A remark for people, kept in the log.
Note = Annotated[str, Meta(max_length=200)]
AccountName = Annotated[str, Meta(min_length=1, max_length=32)]
#: Of accounts; it has what an account's name may have.
GroupName = Annotated[str, Meta(min_length=1, max_length=32)]
OptionalGroupName = Annotated[str, Meta(max_length=32)]
#: A time zone of the IANA database, such as Europe/Berlin.
ZoneName = Annotated[str, Meta(max_length=64)]
#: YYYY-MM-DD.
DateText = Annotated[str, Meta(max_length=10)]
#: Of a schedule: the second of the local day at which a phase begins, the phase, and by how many ms an auction may last
#: longer.
DayRow = tuple[Int64, Int64, Int64]
#: Of fees: the rate of a maker and that of a taker, in billionths; below 0 a rebate.
RateRow = tuple[Int64, Int64]

ENTER_ORDER: Final = 10
CANCEL_ORDER: Final = 11
REPLACE_ORDER: Final = 12
MASS_CANCEL: Final = 13
QUOTE: Final = 14
CANCEL_ALL_AFTER: Final = 15
DEFINE_ASSET: Final = 16
TRANSFER: Final = 17
SET_SCHEDULE: Final = 18
SET_FEES: Final = 19
DEFINE_INSTRUMENT: Final = 20
SET_PHASE: Final = 21
ADVANCE_CLOCK: Final = 22
SET_LIMITS: Final = 23
BUST_TRADE: Final = 24
CORRECT_TRADE: Final = 25
SET_PROTECTION: Final = 26
SET_BREAKERS: Final = 27
SET_EMERGENCY: Final = 28
SET_KILL_SWITCH: Final = 29
CLOSE_ACCOUNT: Final = 158
SET_FEE_TIERS: Final = 152
SET_GROUP: Final = 153
JOIN_GROUP: Final = 154
SET_RISK: Final = 155
SET_GROUP_RISK: Final = 156
SET_GROUP_KILL_SWITCH: Final = 157


class EnterOrder(Struct, array_like=True, tag=ENTER_ORDER, forbid_unknown_fields=True, frozen=True, gc=False):
    """A new order. `client_order_id` makes it safe to send twice (same id and body: answered with Duplicate).

    `price_ticks` of a market order is its protection limit, of a pegged order its worst price, 0 for none. A market
    order is IOC or FOK.

    Everything behind `flags` is for orders that ask for it, 0 or "" otherwise. `expires_ns`: the end of a GTD order.
    `display_lots`: what an iceberg shows at a time. `minimum_lots`: what has to trade at once, or the order ends.
    `trigger_price_ticks`: of a stop or take-profit. `trail_ticks` or `trail_basis_points`: the distance of a trailing
    stop. `peg` and `peg_offset_ticks`: what a pegged order follows, and how far above it. `self_trade`: what happens
    when it meets an order of its owner, who is its account and everybody of the same `self_trade_group`.
    `cancels_with`: an open order of the account with which it cancels (one cancels the other). `triggered_by`: an open
    order of the account whose complete fill releases it.
    """

    client_order_id: ClientId
    symbol: Symbol
    side: Int64
    quantity_lots: Int64
    price_ticks: Int64
    order_type: Int64 = LIMIT
    time_in_force: Int64 = GTC
    flags: Int64 = 0
    expires_ns: Unsigned = 0
    display_lots: Int64 = 0
    minimum_lots: Int64 = 0
    trigger_price_ticks: Int64 = 0
    trail_ticks: Int64 = 0
    trail_basis_points: Int64 = 0
    peg: Int64 = 0
    peg_offset_ticks: Int64 = 0
    self_trade: Int64 = 0
    self_trade_group: Unsigned = 0
    cancels_with: OptionalClientId = ""
    triggered_by: OptionalClientId = ""


class CancelOrder(
    Struct, array_like=True, tag=CANCEL_ORDER, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Cancel an open order, named by exactly one of its ids (`order_id` 0, `client_order_id` "": not given)."""

    order_id: Unsigned = 0
    client_order_id: OptionalClientId = ""


class ReplaceOrder(
    Struct, array_like=True, tag=REPLACE_ORDER, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Change price and/or quantity of an open order, named by exactly one of its ids. 0 keeps a value as it is.

    `quantity_lots` is the order's whole quantity, what has been filled included. A smaller quantity at the same price
    keeps the order's priority, anything else goes to the back of its level (and may trade). `request_id` makes the
    replace safe to send twice; it shares one name space with the account's client order ids.
    """

    request_id: ClientId
    order_id: Unsigned = 0
    client_order_id: OptionalClientId = ""
    price_ticks: Int64 = 0
    quantity_lots: Int64 = 0


class MassCancel(Struct, array_like=True, tag=MASS_CANCEL, forbid_unknown_fields=True, frozen=True, gc=False):
    """Cancel all open orders of the account, of one symbol ("": all) and one side (0: both), oldest first."""

    symbol: OptionalSymbol = ""
    side: Int64 = 0


class CancelAllAfter(
    Struct, array_like=True, tag=CANCEL_ALL_AFTER, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Start the account's countdown, or start it again: when it runs out all open orders of the account are cancelled.

    `timeout_ms` is its length, at most 24 hours; 0 stops it. An account has one, whichever of its sessions speaks.
    """

    timeout_ms: Int64


class Quote(Struct, array_like=True, tag=QUOTE, forbid_unknown_fields=True, frozen=True, gc=False):
    """The account's standing offer of one side in an instrument, in the place of its last one.

    A mass quote is a message of many.

    It is a GTC limit order with the id `request_id`, and may trade. At the same price and for no more than the last one
    has left, that one stays in its place and becomes smaller; otherwise it ends for the new order. 0 lots end it. The
    account's quote of the other side ends where this one would meet it.
    """

    request_id: ClientId
    symbol: Symbol
    side: Int64
    quantity_lots: Int64
    price_ticks: Int64 = 0


class Transfer(Struct, array_like=True, tag=TRANSFER, forbid_unknown_fields=True, frozen=True, gc=False):
    """Move `amount` units of an asset from one account to another, at a venue that clears (docs/rules.md, MONEY).

    A trader moves from the account of its session, within its family (`alice`, `alice.algo`); an operator between any.
    A deposit comes from `venue:external`, a withdrawal goes there, by an operator or the account's broker.
    `transfer_id` makes it safe to send twice; it shares one name space with the client order ids of the session's
    account. A target that does not exist yet is made, for an operator. `why`: for the record.
    """

    transfer_id: ClientId
    source: AccountName
    target: AccountName
    asset: Asset
    amount: Int64
    why: Note = ""


class DefineAsset(
    Struct, array_like=True, tag=DEFINE_ASSET, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: an asset that accounts may have, counted in units of `10**-decimals`. Its decimals never change."""

    asset: Asset
    decimals: Int64


class DefineInstrument(
    Struct, array_like=True, tag=DEFINE_INSTRUMENT, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: a new instrument, or new limits of one that exists.

    A tick is `tick_mantissa * 10**-tick_decimals` of the quote asset, a lot `lot_mantissa * 10**-lot_decimals` of the
    base asset. The largest quantity is at most 2**40 lots, and the largest price times the largest quantity stays below
    2**63, in ticks times lots and in quote units of `10**-(tick_decimals + lot_decimals)`.

    `matching`: how the orders of a price level share what comes in (0: price-time); it never changes.
    `pro_rata_minimum_lots`: a share below it becomes nothing; 0 unless the matching is pro-rata.
    """

    symbol: Symbol
    base: Asset
    quote: Asset
    tick_mantissa: Int64
    tick_decimals: Int64
    lot_mantissa: Int64
    lot_decimals: Int64
    price_min_ticks: Int64
    price_max_ticks: Int64
    quantity_min_lots: Int64
    quantity_max_lots: Int64
    matching: Int64 = 0
    pro_rata_minimum_lots: Int64 = 0


class SetPhase(Struct, array_like=True, tag=SET_PHASE, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: an instrument's phase is from now on this one (docs/rules.md, chapter PHASE).

    `duration_ms`: after it the phase ends by itself, 0 for until further notice; of auctions and halts only.
    `random_ms`: an auction ends up to so much later, at a time that is drawn and not told before. `next_phase` is what
    follows then, 0 for the usual: closed behind a closing auction, else continuous. `why`: for the record.
    """

    symbol: Symbol
    phase: Int64
    duration_ms: Int64 = 0
    random_ms: Int64 = 0
    next_phase: Int64 = 0
    why: Note = ""


class SetSchedule(Struct, array_like=True, tag=SET_SCHEDULE, forbid_unknown_fields=True, frozen=True):
    """Operator: the trading hours of an instrument, in the place of those it had (docs/rules.md, chapter SCHEDULE).

    Times are those of the clocks of `zone`, a name of the IANA time zone database. `days`: `[weekdays, rows]` each, the
    weekdays as bits of WEEKDAYS, no day in two of them; none at all: there is no schedule any more. `holidays`:
    `[date, rows]`, what holds on that day instead of its weekday's; no rows: nothing happens. A row is
    `[second of the day, phase, random_ms]`: the phase begins then, and is on until the next row, of whichever day.
    `random_ms`: as in SetPhase. `why`: for the record.
    """

    symbol: Symbol
    zone: ZoneName
    days: list[tuple[Int64, list[DayRow]]]
    holidays: list[tuple[DateText, list[DayRow]]] = []
    why: Note = ""


class AdvanceClock(
    Struct, array_like=True, tag=ADVANCE_CLOCK, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator, and only under `--clock commands`: engine time becomes `time_ns` (UTC, ns), which must be later."""

    time_ns: Unsigned


class SetLimits(Struct, array_like=True, tag=SET_LIMITS, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: limits of an account in one instrument, or in all (`symbol` ""), in the place of those it had there.

    0 is no limit. `order_lots_max` and `order_notional_max` (price in ticks times quantity in lots) are of each order,
    `open_orders_max` of all that are open. The limits of the instrument and those of all instruments both hold. An
    account that does not exist yet is made.

    `day_lots_max` and `day_notional_max`: what the account may trade in the trading day, the order at hand included.
    `commands_per_s_max`: orders, replaces and quotes in each second of engine time.

    Of all instruments only: when more than `rejects_max` of the account's commands are rejected within
    `rejects_window_ms` of engine time, the engine sets its kill switch.
    """

    account: AccountName
    symbol: OptionalSymbol = ""
    order_lots_max: Int64 = 0
    order_notional_max: Int64 = 0
    open_orders_max: Int64 = 0
    rejects_max: Int64 = 0
    rejects_window_ms: Int64 = 0
    day_lots_max: Int64 = 0
    day_notional_max: Int64 = 0
    commands_per_s_max: Int64 = 0


class BustTrade(Struct, array_like=True, tag=BUST_TRADE, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: a trade of this trading day never counted. Orders and book stay as they are."""

    symbol: Symbol
    trade_id: Unsigned


class CorrectTrade(
    Struct, array_like=True, tag=CORRECT_TRADE, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: a trade of this trading day has another price. Orders and book stay as they are."""

    symbol: Symbol
    trade_id: Unsigned
    price_ticks: Int64


class SetProtection(
    Struct, array_like=True, tag=SET_PROTECTION, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: within which bands an instrument trades, in the place of what was set before (docs/rules.md, BAND).

    `static_basis_points`: around the reference; `dynamic_basis_points`: around the last trade before each command; 0
    is no such band. `reference_ticks`: the reference until the next auction, 0 keeps the one that there is.
    `auction_ms` is how long an auction lasts that begins by these rules, `random_ms` up to how much longer. `rebalance`
    1: trades that leave a side of the book empty begin one, too. `why`: for the record.
    """

    symbol: Symbol
    static_basis_points: Int64 = 0
    dynamic_basis_points: Int64 = 0
    reference_ticks: Int64 = 0
    auction_ms: Int64 = 0
    random_ms: Int64 = 0
    rebalance: Int64 = 0
    why: Note = ""


class SetBreakers(
    Struct, array_like=True, tag=SET_BREAKERS, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: circuit breakers of the whole market, in the place of those that there were; without a level, none.

    `symbol`: the instrument whose decline since the trading day before trips them; "": all, equally weighted. Up to
    three levels, rising: when the decline is so many basis points everything is halted for so long (0: until further
    notice), and goes on through volatility auctions of `auction_ms` and at most `random_ms` more. `why`: for the
    record.
    """

    symbol: OptionalSymbol = ""
    first_basis_points: Int64 = 0
    first_halt_ms: Int64 = 0
    second_basis_points: Int64 = 0
    second_halt_ms: Int64 = 0
    third_basis_points: Int64 = 0
    third_halt_ms: Int64 = 0
    auction_ms: Int64 = 0
    random_ms: Int64 = 0
    why: Note = ""


class SetEmergency(
    Struct, array_like=True, tag=SET_EMERGENCY, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: the whole market stands still, or goes on (docs/rules.md, chapter STOP).

    `cancel_orders`: all open orders of everybody end. Behind the stop those who traded go through a volatility auction
    of `auction_ms` and at most `random_ms` more; 0: back to what they did before. `why`: for the record.
    """

    on: bool
    cancel_orders: bool = False
    auction_ms: Int64 = 0
    random_ms: Int64 = 0
    why: Note = ""


class CloseAccount(
    Struct, array_like=True, tag=CLOSE_ACCOUNT, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: no order, quote or money is taken for an account any more, or with `closed` false, is again.

    Only one that has no open order and no money is closed. `why`: for the record.
    """

    account: AccountName
    closed: bool = True
    why: Note = ""


class SetKillSwitch(
    Struct, array_like=True, tag=SET_KILL_SWITCH, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: all open orders of an account end, and nothing but cancels is taken from it until it is switched off.

    An account that does not exist yet is made, so that it can be stopped before its first session. `why`: for the
    record.
    """

    account: AccountName
    on: bool
    why: Note = ""


class SetFees(Struct, array_like=True, tag=SET_FEES, forbid_unknown_fields=True, frozen=True):
    """Operator: what an instrument costs to trade from now on (docs/rules.md, chapter FEE); without rates, nothing.

    `rates`: `[maker, taker]` of each tier, the first tier first. `basis`: what they are of, one of FEE_BASES.
    `paid_in`: one of FEE_ASSETS, `asset` with a third one alone. `numerator` over `denominator`: units of the asset for
    a unit of the basis. `rounding`: one of ROUNDINGS, to a multiple of `step_units`; then at least `minimum_units`, at
    most `maximum_units` (0: no such), and at most `share_max` billionths of what the fill is worth. `payout_ticks`:
    what a binary contract pays out. `volume_numerator` over `volume_denominator`: how much of a volume a quote unit is.

    Open orders of the instrument hold anew, oldest first; those that are not backed any more end. `why`: for the
    record.
    """

    symbol: Symbol
    rates: list[RateRow]
    basis: Int64 = OF_NOTIONAL
    paid_in: Int64 = IN_QUOTE
    asset: OptionalAsset = ""
    numerator: Int64 = 1
    denominator: Int64 = 1
    rounding: Int64 = ROUND_UP
    step_units: Int64 = 1
    minimum_units: Int64 = 0
    maximum_units: Int64 = 0
    share_max: Int64 = RATE_ONE
    payout_ticks: Int64 = 0
    volume_numerator: Int64 = 1
    volume_denominator: Int64 = 1
    why: Note = ""


class SetFeeTiers(Struct, array_like=True, tag=SET_FEE_TIERS, forbid_unknown_fields=True, frozen=True):
    """Operator: the volumes of thirty days from which the second tier of fees is reached, the third, and so on.

    They rise; none: there is one tier. `why`: for the record.
    """

    thresholds: list[Int64]
    why: Note = ""


class SetGroup(Struct, array_like=True, tag=SET_GROUP, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: a group of accounts is there, or has another discount (docs/rules.md, chapter GROUP).

    `discount`: the share of its fees that a member does not pay, in billionths, at a venue that clears. `why`: for the
    record.
    """

    group: GroupName
    discount: Int64 = 0
    why: Note = ""


class JoinGroup(Struct, array_like=True, tag=JOIN_GROUP, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: an account is in this group and in no other from now on; "": in none.

    An account that does not exist yet is made. `why`: for the record.
    """

    account: AccountName
    group: OptionalGroupName = ""
    why: Note = ""


class SetRisk(Struct, array_like=True, tag=SET_RISK, forbid_unknown_fields=True, frozen=True, gc=False):
    """Operator: what an account may have at stake in one instrument, or in all (`symbol` ""), in the place of those
    limits that it had there (docs/rules.md, chapter RISK). 0 is no limit.

    `long_lots_max` and `short_lots_max`: how large its position, and all that is open, may become, in each instrument.
    `open_notional_max`: what its open orders may be worth together, in ticks times lots. `day_loss_max`: what it may
    lose in a day, in the same; when that is reached it may only reduce its position, or, with `loss_stops`, its kill
    switch is set. `collar_basis_points`: how far from the last trade's price an order's limit may be.
    `commands_per_fill_max`: how many commands it may send a day for each of its fills, from `commands_from` on.
    `reduce_only`: its position may only become smaller.

    `position_lots`: what its position is now, below 0 when it is short; nil leaves it as it was counted, from the first
    of these limits on. `why`: for the record.
    """

    account: AccountName
    symbol: OptionalSymbol = ""
    long_lots_max: Int64 = 0
    short_lots_max: Int64 = 0
    open_notional_max: Int64 = 0
    day_loss_max: Int64 = 0
    loss_stops: bool = False
    collar_basis_points: Int64 = 0
    commands_per_fill_max: Int64 = 0
    commands_from: Int64 = 0
    reduce_only: bool = False
    position_lots: Int64 | None = None
    why: Note = ""


class SetGroupRisk(
    Struct, array_like=True, tag=SET_GROUP_RISK, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: what all members of a group of accounts may have at stake together, as in SetRisk; 0 is no limit.

    `day_lots_max` and `day_notional_max`: what they may trade in the trading day, the order at hand included. When
    `day_loss_max` is reached the positions of members may only become smaller, or, with `loss_stops`, the kill switch
    of the group is set. `why`: for the record.
    """

    group: GroupName
    symbol: OptionalSymbol = ""
    long_lots_max: Int64 = 0
    short_lots_max: Int64 = 0
    open_notional_max: Int64 = 0
    day_lots_max: Int64 = 0
    day_notional_max: Int64 = 0
    day_loss_max: Int64 = 0
    loss_stops: bool = False
    why: Note = ""


class SetGroupKillSwitch(
    Struct, array_like=True, tag=SET_GROUP_KILL_SWITCH, forbid_unknown_fields=True, frozen=True, gc=False
):
    """Operator: all open orders of all members of a group end, and nothing but cancels is taken from them, and from who
    joins them, until it is switched off. The kill switches of the members stay as they are. `why`: for the record.
    """

    group: GroupName
    on: bool
    why: Note = ""


TraderCommand = EnterOrder | CancelOrder | ReplaceOrder | MassCancel | CancelAllAfter | Quote | Transfer
OperatorCommand = (
    DefineAsset
    | DefineInstrument
    | SetPhase
    | SetSchedule
    | AdvanceClock
    | SetLimits
    | BustTrade
    | CorrectTrade
    | SetProtection
    | SetBreakers
    | SetEmergency
    | SetKillSwitch
    | CloseAccount
    | SetFees
    | SetFeeTiers
    | SetGroup
    | JoinGroup
    | SetRisk
    | SetGroupRisk
    | SetGroupKillSwitch
)
Command = TraderCommand | OperatorCommand
