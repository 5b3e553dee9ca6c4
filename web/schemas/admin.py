"""What operators ask for, and what they are answered."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct

from web.schemas.market import Indicative
from web.schemas.orders import Symbol
from web.schemas.values import DecimalText, Nanoseconds

Phase = Literal[
    "continuous",
    "halted",
    "closed",
    "pre-open",
    "opening-auction",
    "volatility-auction",
    "closing-auction",
]
#: Like the name of an account of a key.
Account = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,32}\Z", description="The name of an account.")]
AuctionMs = Annotated[int, Meta(ge=0, le=86_400_000)]
RandomMs = Annotated[int, Meta(ge=0, le=600_000)]
BasisPoints = Annotated[int, Meta(ge=0, le=10_000)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Why = Annotated[str, Meta(max_length=200, description="A remark for the log.")]


class NewPhase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phase of an instrument from now on.

    `duration_ms`: an auction or a halt ends by itself after it; 0, or not given: until another is said. `random_ms`: an
    auction ends up to so much later, by chance. `next_phase`: what follows then; not given: closed behind a closing
    auction, else continuous.
    """

    symbol: Symbol
    phase: Phase
    duration_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    random_ms: RandomMs = 0
    next_phase: Phase | None = None
    why: Why = ""


class KillSwitch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: all open orders of the account end, and nothing but cancels is taken from it until it is switched off."""

    account: Account
    on: bool
    why: Why = ""


class Emergency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: the whole market stands still; not `on`: it goes on.

    `cancel_orders`: all open orders of everybody end. Who traded before goes on through a volatility auction of
    `auction_ms`, and at most `random_ms` more; 0: at once.
    """

    on: bool
    cancel_orders: bool = False
    auction_ms: AuctionMs = 0
    random_ms: RandomMs = 0
    why: Why = ""


class BreakerLevel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the market has fallen by so much since the trading day before, everything is halted for so long.

    `basis_points`: hundredths of a percent. `halt_ms`: 0 for until further notice.
    """

    basis_points: Annotated[int, Meta(ge=1, le=9_999)]
    halt_ms: Annotated[int, Meta(ge=0, le=86_400_000)]


class Breakers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Circuit breakers of the whole market, in the place of those there were; without a level there are none.

    `symbol`: the instrument whose decline trips them; not given, all of them, equally weighted. `levels`: rising.
    Behind a halt those who traded go on through volatility auctions of `auction_ms`, and at most `random_ms` more.
    """

    levels: Annotated[list[BreakerLevel], Meta(max_length=3)]
    symbol: Symbol | None = None
    auction_ms: AuctionMs = 0
    random_ms: RandomMs = 0
    why: Why = ""


class AccountLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of an account, in the place of those that it had for this symbol; what is not given is without a limit.

    `symbol`: not given, they are of all instruments, and quantities are whole lots, notionals ticks times lots. Of all
    instruments only: more than `rejects` rejected commands within `rejects_window_ms` set the kill switch.
    """

    account: Account
    symbol: Symbol | None = None
    order_quantity: DecimalText = "0"
    order_notional: DecimalText = "0"
    open_orders: Count = 0
    day_quantity: DecimalText = "0"
    day_notional: DecimalText = "0"
    commands_per_s: Count = 0
    rejects: Count = 0
    rejects_window_ms: Count = 0


class NewProtection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Price bands of an instrument, in the place of those it had; what is not given is not there.

    `static_basis_points`: around the reference price, that of the last auction, or `reference_price` until the next
    one. `dynamic_basis_points`: around the last trade. An order that would trade beyond one begins a volatility auction
    of `auction_ms`, and at most `random_ms` more; with `rebalance` so do trades that leave a side of the book empty.
    """

    symbol: Symbol
    static_basis_points: BasisPoints = 0
    dynamic_basis_points: BasisPoints = 0
    reference_price: DecimalText | None = None
    auction_ms: AuctionMs = 0
    random_ms: RandomMs = 0
    rebalance: bool = False
    why: Why = ""


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this time of the day on the phase is on, until the next one. `random_ms`: an auction lasts so much longer
    at the most, by chance.
    """

    at: Annotated[str, Meta(pattern=r"^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?\Z")]
    phase: Phase
    random_ms: RandomMs = 0


class Days(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours of some weekdays, such as `mon-fri`, or `mon, wed, fri`."""

    weekdays: Annotated[str, Meta(max_length=60)]
    hours: Annotated[list[Hours], Meta(max_length=100)]


class Holiday(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds on a date in the place of its weekday's hours; none: nothing happens."""

    date: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    hours: Annotated[list[Hours], Meta(max_length=100)] = []


class NewSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trading hours of an instrument, in the place of those it had; without days there are none any more.

    `zone`: whose clocks, a name of the IANA time zone database.
    """

    symbol: Symbol
    zone: Annotated[str, Meta(max_length=64)] = ""
    days: Annotated[list[Days], Meta(max_length=7)] = []
    holidays: Annotated[list[Holiday], Meta(max_length=128)] = []
    why: Why = ""


class StoppedAccounts(Struct, frozen=True, kw_only=True):
    """The accounts whose kill switch is on."""

    accounts: list[str]


class BreakersKnown(Struct, frozen=True, kw_only=True):
    """The circuit breakers of the market, as the engine has them; without `levels` there are none.

    `symbol`: null, they look at all instruments. `tripped`: the highest level that has tripped today, from 1; 0: none.
    """

    symbol: str | None
    levels: list[BreakerLevel]
    auction_ms: int
    random_ms: int
    tripped: int


class LimitsKnown(Struct, frozen=True, kw_only=True):
    """What an account may do in a symbol, or in all of them (null), in the units of who sets it; 0 is no limit.

    `traded_quantity` and `traded_notional`: today, counted while either of a day is limited.
    """

    account: str
    symbol: str | None
    order_quantity: str
    order_notional: str
    open_orders: int
    day_quantity: str
    day_notional: str
    commands_per_s: int
    rejects: int
    rejects_window_ms: int
    traded_quantity: str
    traded_notional: str


class AllLimits(Struct, frozen=True, kw_only=True):
    """The limits of all accounts that have any."""

    limits: list[LimitsKnown]


class ScheduleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which instrument the trading hours are asked for."""

    symbol: Symbol


class NextPhase(Struct, frozen=True, kw_only=True):
    """A phase that is to begin; `random_ms`: an auction lasts up to so much longer, by chance."""

    time_ms: int
    phase: Phase
    random_ms: int


class TradingHours(Struct, frozen=True, kw_only=True):
    """The trading hours of an instrument, as the engine has them, in the words of who sets them.

    `sequence`: with which they were set; null, and the rest is empty: it has none. `next`: what they come to, a day
    ahead at least.
    """

    symbol: str
    sequence: int | None
    zone: str
    days: list[Days]
    holidays: list[Holiday]
    next: list[NextPhase]


class Operated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It was done, with this sequence of the log. `operator`: under whose name."""

    operator: str
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET


class InstrumentPhase(Struct, frozen=True, kw_only=True):
    """The phase of an instrument, as the engine has it; the other fields as those of a symbol."""

    symbol: str
    phase: Phase
    phase_ends_ms: int | None
    auction_price: str | None
    indicative: Indicative | None


class Phases(Struct, frozen=True, kw_only=True):
    """The phases of all instruments, by symbol."""

    phases: list[InstrumentPhase]


class InstrumentProtection(Struct, frozen=True, kw_only=True):
    """The price bands of an instrument, as the engine has them. `static_low`, `static_high`: the outermost prices."""

    symbol: str
    static_basis_points: int
    dynamic_basis_points: int
    reference_price: str | None
    static_low: str | None
    static_high: str | None
    auction_ms: int
    random_ms: int
    rebalance: bool


class Protections(Struct, frozen=True, kw_only=True):
    """The price bands of all instruments that have any, by symbol."""

    protections: list[InstrumentProtection]
