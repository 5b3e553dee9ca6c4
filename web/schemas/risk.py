"""What accounts may have at stake: what operators ask for, and what they are answered."""

from typing import Annotated

from msgspec import Meta, Struct

from web.schemas.admin import Account, Count, Why
from web.schemas.orders import Symbol
from web.schemas.values import DecimalText, SignedText

Collar = Annotated[int, Meta(ge=0, le=9_999)]


class AccountRisk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of what an account has at stake, in the place of those that it had for this symbol; what is not given is
    without a limit.

    `symbol`: not given, they are of all instruments, and quantities are whole lots, notionals ticks times lots. `long`
    and `short`: its position with all that is open. `day_loss`: what it may lose in a day before its positions may only
    become smaller, or with `loss_stops` its kill switch is set. `commands_per_fill`: how many commands a day for each
    fill, from `commands_from` on. `position`: what its position is now, with its sign; not given, as it was counted.
    """

    account: Account
    symbol: Symbol | None = None
    long: DecimalText = "0"
    short: DecimalText = "0"
    open_notional: DecimalText = "0"
    day_loss: DecimalText = "0"
    loss_stops: bool = False
    collar_basis_points: Collar = 0
    commands_per_fill: Count = 0
    commands_from: Count = 0
    reduce_only: bool = False
    position: SignedText | None = None
    why: Why = ""


class GroupRisk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of what all members of a group have at stake together, in the place of those that the group had for this
    symbol; what is not given is without a limit. Units as of an account.

    `day_quantity` and `day_notional`: what they trade in a trading day. With `loss_stops` the kill switch of the group
    is set when `day_loss` is reached.
    """

    group: Account
    symbol: Symbol | None = None
    long: DecimalText = "0"
    short: DecimalText = "0"
    open_notional: DecimalText = "0"
    day_quantity: DecimalText = "0"
    day_notional: DecimalText = "0"
    day_loss: DecimalText = "0"
    loss_stops: bool = False
    why: Why = ""


class GroupKillSwitch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: all open orders of all members end, and nothing but cancels is taken from them until it is switched off."""

    group: Account
    on: bool
    why: Why = ""


class RiskKnown(Struct, frozen=True, kw_only=True):
    """What an account may have at stake in a symbol, or in all of them (null), in the units of who sets it; 0 is no
    limit.

    Beside it stands how it is now: `open_now`, what its open orders are worth; `day_result`, below 0 a loss; `commands`
    and `fills` of the day, counted while their ratio is limited.
    """

    symbol: str | None
    long: str
    short: str
    open_notional: str
    open_now: str
    day_loss: str
    day_result: str
    loss_stops: bool
    collar_basis_points: int
    commands_per_fill: int
    commands_from: int
    commands: int
    fills: int
    reduce_only: bool


class PositionKnown(Struct, frozen=True, kw_only=True):
    """What an account has of an instrument, below 0 when it is short, and has open there; linked orders count once."""

    symbol: str
    position: str
    buying: str
    selling: str
    open_notional: str
    day_result: str


class RiskOfAccount(Struct, frozen=True, kw_only=True):
    """An account whose risk is limited."""

    account: str
    limits: list[RiskKnown]
    positions: list[PositionKnown]


class GroupRiskKnown(Struct, frozen=True, kw_only=True):
    """What the members of a group may have at stake together, beside how it is now, as of an account.

    `traded_quantity` and `traded_notional`: today, counted while either of a day is limited.
    """

    symbol: str | None
    long: str
    short: str
    open_notional: str
    open_now: str
    day_quantity: str
    traded_quantity: str
    day_notional: str
    traded_notional: str
    day_loss: str
    day_result: str
    loss_stops: bool


class RiskOfGroup(Struct, frozen=True, kw_only=True):
    """A group whose risk is limited, or which is stopped. `positions`: of all members together."""

    group: str
    stopped: bool
    limits: list[GroupRiskKnown]
    positions: list[PositionKnown]
    members: list[str]


class AllRisk(Struct, frozen=True, kw_only=True):
    """All accounts, and all groups, whose risk is limited."""

    accounts: list[RiskOfAccount]
    groups: list[RiskOfGroup]
