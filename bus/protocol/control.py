"""Control: what a client and the engine say about their session. Never logged, never numbered, never replayed.

A client's control items travel in the same envelope as commands (`[version, session, correlation_id, created_ns,
[item, ...]]`), but never in one message with commands. Hello stands alone in its message, with session 0.
Answers come in the same envelope as reports, with `first_report` 0, and echo the correlation id of what they answer.

    closed ──Hello──▶ open ──Logout / lease runs out──▶ ended
                        └──any message, Heartbeat included, renews the lease
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import DayRow, DefineInstrument, EnterOrder, SetFees, Symbol, Unsigned
from bus.protocol.terms import CLEARING_NONE, RESTING, TRADER

HELLO: Final = 1
HEARTBEAT: Final = 2
LOGOUT: Final = 3
QUERY_ORDERS: Final = 4
QUERY_INSTRUMENTS: Final = 5
QUERY_SCHEDULE: Final = 6
QUERY_BALANCES: Final = 7
QUERY_SAFEGUARDS: Final = 8
QUERY_FEES: Final = 9

WELCOME: Final = 30
ENGINE_HEARTBEAT: Final = 31
LOGGED_OUT: Final = 32
REFUSED: Final = 33
OPEN_ORDERS: Final = 34
INSTRUMENTS: Final = 35
RESUMED: Final = 36
TRADING_SCHEDULE: Final = 37
BALANCES: Final = 38
SAFEGUARDS: Final = 39
FEES: Final = 82


class Hello(Struct, array_like=True, tag=HELLO, forbid_unknown_fields=True, frozen=True):
    """Open a session for an account, or take back one that is still open after the connection was lost.

    Shape: `session` 0 opens a new one; otherwise it is taken back and `session_key` must be the one from Welcome.
    `resume_from`: the first report number the client has not seen (0: none wanted); reports from there on follow the
    Welcome. `lease_ms`: after so long without a message the session ends (0: the engine's default).
    `cancel_on_disconnect`: the end of the session then cancels the session's open orders.
    `want_orders`: the account's open orders follow the Welcome, as of its report number.
    """

    account: str
    role: Unsigned = TRADER
    token: str = ""
    session: Unsigned = 0
    session_key: str = ""
    resume_from: Unsigned = 0
    lease_ms: Unsigned = 0
    cancel_on_disconnect: bool = False
    want_orders: bool = False


class Heartbeat(Struct, array_like=True, tag=HEARTBEAT, forbid_unknown_fields=True, frozen=True):
    """The client lives. Answered with EngineHeartbeat."""


class Logout(Struct, array_like=True, tag=LOGOUT, forbid_unknown_fields=True, frozen=True):
    """End the session now. Answered with LoggedOut when the end is durable."""


class QueryOrders(Struct, array_like=True, tag=QUERY_ORDERS, forbid_unknown_fields=True, frozen=True):
    """The account's open orders. Answered with OpenOrders."""


class QueryInstruments(
    Struct, array_like=True, tag=QUERY_INSTRUMENTS, forbid_unknown_fields=True, frozen=True
):
    """All instruments. Answered with Instruments."""


class QuerySchedule(Struct, array_like=True, tag=QUERY_SCHEDULE, forbid_unknown_fields=True, frozen=True):
    """An instrument's schedule. Answered with TradingSchedule."""

    symbol: Symbol


class QueryBalances(Struct, array_like=True, tag=QUERY_BALANCES, forbid_unknown_fields=True, frozen=True):
    """What an account has: that of the session, or any other one for operators. Answered with Balances."""

    account: str = ""


class QueryFees(Struct, array_like=True, tag=QUERY_FEES, forbid_unknown_fields=True, frozen=True):
    """What trading costs an account: that of the session, or any other one for operators. Answered with Fees."""

    account: str = ""


class QuerySafeguards(Struct, array_like=True, tag=QUERY_SAFEGUARDS, forbid_unknown_fields=True, frozen=True):
    """Circuit breakers, and who is stopped or limited. For operators. Answered with Safeguards."""


class Welcome(Struct, array_like=True, tag=WELCOME, frozen=True):
    """The session is open. `next_report` is the number that the account's next report will have.

    `oldest_report`: the first report number that can still be resumed from. `heartbeat_ms`: how often the engine
    sends EngineHeartbeat. `clock`: 1 the system's, 2 what an operator's AdvanceClock says; under 2 a client takes
    `created_ns` from the last time it heard.
    """

    correlation_id: int
    session: int
    session_key: str
    account: str
    role: int
    clock: int
    next_report: int
    oldest_report: int
    lease_ms: int
    heartbeat_ms: int
    message_bytes_max: int
    commands_per_message_max: int


class EngineHeartbeat(Struct, array_like=True, tag=ENGINE_HEARTBEAT, frozen=True):
    """The engine lives. Sent to each session every `heartbeat_ms`, and at once for a client's Heartbeat.

    `next_report`: a client that has not seen all reports below it has lost some and resumes with Hello.
    """

    correlation_id: int
    next_report: int


class LoggedOut(Struct, array_like=True, tag=LOGGED_OUT, frozen=True):
    """The session has ended, by Logout."""

    correlation_id: int


class Refused(Struct, array_like=True, tag=REFUSED, frozen=True):
    """Items of a message were not taken: nothing of them was logged, nothing changed.

    They had the correlation ids `correlation_id` to `correlation_id + count - 1`. `reason` is of band 1xx; `text`
    says more to a person. Sent at once, before older reports even: its envelope tells of no state (`log_sequence` and
    `time_ns` 0). After `queue_full` and `rate_exceeded` the same message may be sent again.
    """

    correlation_id: int
    count: int
    reason: int
    text: str


class OpenOrder(Struct, array_like=True, frozen=True):
    """An open order as it stands: what was entered, and its present price, quantity and filled quantity.

    `status`: RESTING or WAITING. `trigger_price_ticks`: of an order that waits for its trigger, where that stands now;
    0 for a trailing stop that has seen no trade.
    """

    order_id: int
    entered: EnterOrder
    price_ticks: int
    quantity_lots: int
    filled_lots: int
    status: int = RESTING
    trigger_price_ticks: int = 0


class OpenOrders(Struct, array_like=True, tag=OPEN_ORDERS, frozen=True):
    """The account's open orders, oldest first, as they stood before report `next_report`."""

    correlation_id: int
    next_report: int
    orders: list[OpenOrder]


class PhaseState(Struct, array_like=True, frozen=True):
    """What is known of an instrument's phase and of its auctions: for who comes in the midst of one.

    `ends_ns`: as in PhaseChanged. `auction_ticks`: the price of the last auction in which anything traded, 0 before
    the first; `auction_lots`: how much traded there. The others are what an auction that is on told last, as in
    Indicative; 0 while there is none.
    """

    ends_ns: int = 0
    auction_ticks: int = 0
    auction_lots: int = 0
    indicative_ticks: int = 0
    indicative_lots: int = 0
    imbalance_lots: int = 0


#: An instrument in continuous trading that never had an auction.
NO_AUCTION: Final = PhaseState()


class Protection(Struct, array_like=True, frozen=True):
    """Within which bands an instrument trades, as ProtectionSet tells it."""

    reference_ticks: int
    static_basis_points: int
    static_low_ticks: int
    static_high_ticks: int
    dynamic_basis_points: int
    auction_ms: int
    random_ms: int
    rebalance: int


class InstrumentState(Struct, array_like=True, frozen=True):
    """An instrument as it was defined last, its phase, what is known of that, and its price bands, if it has any.

    `schedule`: the sequence with which its schedule was set (ask for it with QuerySchedule), 0 when it has none.
    """

    definition: DefineInstrument
    phase: int
    phase_state: PhaseState = NO_AUCTION
    protection: Protection | None = None
    schedule: int = 0


class Instruments(Struct, array_like=True, tag=INSTRUMENTS, frozen=True):
    """All instruments, in the order in which they were defined."""

    correlation_id: int
    instruments: list[InstrumentState]


class TradingSchedule(Struct, array_like=True, tag=TRADING_SCHEDULE, frozen=True):
    """An instrument's schedule, as in SetSchedule, and what it comes to next.

    `number`: the sequence with which it was set, 0 when there is none. `rows`: `[time_ns, phase, random_ms]` of those
    that are still to come, as far as they are planned: a day at least.
    """

    correlation_id: int
    symbol: str
    number: int
    zone: str
    days: list[tuple[int, list[DayRow]]]
    holidays: list[tuple[str, list[DayRow]]]
    rows: list[tuple[int, int, int]]


class BalanceState(Struct, array_like=True, frozen=True):
    """What an account has of an asset, in units of `10**-decimals`: `total`, of which `held` backs its open orders."""

    asset: str
    decimals: int
    total: int
    held: int


class Balances(Struct, array_like=True, tag=BALANCES, frozen=True):
    """What an account has of each asset that it ever had, as it stood before its report `next_report`.

    Empty for an account that does not exist, and where the venue does not clear; `venue:external` has all assets.
    `clearing`: one of CLEARINGS. `assets`: `[asset, decimals]` of all that are defined, whoever has them.
    """

    correlation_id: int
    account: str
    next_report: int
    balances: list[BalanceState]
    clearing: int = CLEARING_NONE
    assets: list[tuple[str, int]] = []


class GroupState(Struct, array_like=True, frozen=True):
    """A group of accounts: its discount, as in SetGroup, and how many are in it."""

    group: str
    discount: int
    members: int


class Fees(Struct, array_like=True, tag=FEES, frozen=True):
    """What trading costs an account, as it stood before its report `next_report`.

    `tier`: the one that it is in today, from 0, by the `volume` of the thirty days before. `discount`: that of its
    `group`, in billionths; "": it is in none. `thresholds`: as in SetFeeTiers; `schedules`: what instruments cost, in
    order of their definition. `groups`: all that there are, for operators alone.
    """

    correlation_id: int
    account: str
    next_report: int
    tier: int
    volume: int
    group: str
    discount: int
    thresholds: list[int]
    schedules: list[SetFees]
    groups: list[GroupState]


class BreakersState(Struct, array_like=True, frozen=True):
    """The circuit breakers of the market, as in SetBreakers.

    `levels`: `[basis_points, halt_ms]`, rising. `tripped`: the highest level that has tripped today, from 1; 0: none.
    """

    symbol: str
    levels: list[tuple[int, int]]
    auction_ms: int
    random_ms: int
    tripped: int


class LimitState(Struct, array_like=True, frozen=True):
    """Limits of an account in a symbol, or in all (""), as in SetLimits; 0: none.

    `day_lots` and `day_notional`: what it has traded today, counted while there is a limit of either.
    """

    symbol: str
    order_lots_max: int
    order_notional_max: int
    open_orders_max: int
    rejects_max: int
    rejects_window_ms: int
    day_lots_max: int
    day_notional_max: int
    commands_per_s_max: int
    day_lots: int
    day_notional: int


class RiskState(Struct, array_like=True, frozen=True):
    """Limits of what an account has at stake in a symbol, or in all (""), as in SetRisk; 0: none.

    Beside them stands how it is now: `open_notional`, `day_result` (below 0 a loss), and `commands` and `fills` of the
    day, counted while their ratio is limited. What would be beyond 64 bits is told as the last number that is not.
    """

    symbol: str
    long_lots_max: int
    short_lots_max: int
    open_notional_max: int
    day_loss_max: int
    loss_stops: bool
    collar_basis_points: int
    commands_per_fill_max: int
    commands_from: int
    reduce_only: bool
    open_notional: int
    day_result: int
    commands: int
    fills: int


class PositionState(Struct, array_like=True, frozen=True):
    """What an account has of an instrument, below 0 when it is short, and what its open orders may buy and sell there.

    `open_notional` and `day_result`: as in RiskState, of this instrument.
    """

    symbol: str
    position_lots: int
    buying_lots: int
    selling_lots: int
    open_notional: int
    day_result: int


class LimitedAccount(Struct, array_like=True, frozen=True):
    """An account that may not do all that it likes. `stopped`: its kill switch is on.

    `risk`: limits of what it has at stake; with any of them its `positions` are counted, in order of their symbols.
    """

    account: str
    stopped: bool
    limits: list[LimitState]
    risk: list[RiskState] = []
    positions: list[PositionState] = []


class GroupRiskState(Struct, array_like=True, frozen=True):
    """Limits of what all members of a group have at stake together, in a symbol or in all (""), as in SetGroupRisk.

    Beside them stands how it is now: as in RiskState, and what they have traded today, while that is limited.
    """

    symbol: str
    long_lots_max: int
    short_lots_max: int
    open_notional_max: int
    day_lots_max: int
    day_notional_max: int
    day_loss_max: int
    loss_stops: bool
    open_notional: int
    day_lots: int
    day_notional: int
    day_result: int


class LimitedGroup(Struct, array_like=True, frozen=True):
    """A group that may not do all that it likes. `stopped`: its kill switch is on. `positions`: of all `members`."""

    group: str
    stopped: bool
    risk: list[GroupRiskState]
    positions: list[PositionState]
    members: list[str]


class Safeguards(Struct, array_like=True, tag=SAFEGUARDS, frozen=True):
    """What protects the market beside price bands: breakers, None without any; each account, and group, that is
    limited.
    """

    correlation_id: int
    breakers: BreakersState | None
    accounts: list[LimitedAccount]
    groups: list[LimitedGroup] = []


class Resumed(Struct, array_like=True, tag=RESUMED, frozen=True):
    """Follows the Welcome of a Hello with `resume_from`: reports `first_report` to `next_report - 1` come next.

    When `first_report` is larger than `resume_from`, the ones between are no longer kept: take the open orders.
    """

    correlation_id: int
    first_report: int
    next_report: int


Query = QueryOrders | QueryInstruments | QuerySchedule | QueryBalances | QuerySafeguards | QueryFees
ClientControl = Hello | Heartbeat | Logout | Query
Answer = (
    Welcome
    | EngineHeartbeat
    | LoggedOut
    | Refused
    | OpenOrders
    | Instruments
    | Resumed
    | TradingSchedule
    | Balances
    | Safeguards
    | Fees
)
