"""Alerts: to be told when a value of a symbol reaches a threshold."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from web.schemas.values import DecimalText, SignedText

#: A name of an alert, which its account gives.
AlertName = Annotated[
    str,
    Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_.:-]+\Z", description="Your name of the alert."),
]
Condition = Literal[
    "price-above",
    "price-below",
    "price-crossing",
    "move-up",
    "move-down",
    "move-either",
    "volume-spike",
    "spread-ticks",
    "spread-basis-points",
]
#: Publishers look at 16 different windows of a symbol at the most, and so there is a choice of 13: no account takes
#: them from the others.
WindowSeconds = Literal[60, 300, 900, 3_600, 14_400, 43_200]
Windows = Literal[5, 20]


class AlertWish(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Watch a symbol for a condition. The same `alert_id` again replaces the alert.

    `threshold`: a price for prices, the distance of two prices for spread-ticks, percent for moves and volume-spike,
    basis points for spread-basis-points. `window_s`: of moves and of volume-spike, at most 3600 there; `windows`: with
    how many windows before it a volume is compared; 20 of at most 900 s. `repeating`: fires again after the value has
    gone back from the threshold by `hysteresis`, which is in its unit.
    """

    alert_id: AlertName
    symbol: Annotated[str, Meta(min_length=1, max_length=20)]
    condition: Condition
    threshold: DecimalText
    window_s: WindowSeconds | None = None
    windows: Windows | None = None
    repeating: bool = False
    hysteresis: DecimalText = "0"


class Alert(Struct, frozen=True, kw_only=True):
    """An alert as it stands: what was wished for, whether it can fire now, and how often it did.

    `watched_by`: how many of the `publishers` watch for it. Where that is not all, send it again when they are there.
    """

    alert_id: str
    symbol: str
    condition: Condition
    threshold: DecimalText
    window_s: int | UnsetType = UNSET
    windows: int | UnsetType = UNSET
    repeating: bool
    hysteresis: DecimalText
    armed: bool
    fired: int
    watched_by: int
    publishers: int


class Alerts(Struct, frozen=True):
    """The alerts of an account, by symbol and name. One that does not repeat is gone when it has fired."""

    alerts: list[Alert]


class AlertsQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which alerts are wanted."""

    symbol: Annotated[str, Meta(max_length=20, description="Only those of this symbol.")] | None = None


class AlertFired(Struct, frozen=True, kw_only=True):
    """An alert fired: the value that it saw, and the threshold that this reached, with a minus for a move down."""

    alert_id: str
    symbol: str
    sequence: int
    condition: str
    value: SignedText
    threshold: SignedText
