"""The conditions of alerts in decimals: what a threshold means, and which parameters go with it.

    price-above, price-below, price-crossing   a price
    spread-ticks                               the distance of two prices
    move-up, move-down, move-either            percent, of which publishers count 10,000ths; window_s
    volume-spike                               whole percent; window_s, windows
    spread-basis-points                        whole basis points

What can never be is refused by the name of its field; the rest is for the publishers to say. No I/O. Called by the
handlers of alerts, and by whoever hears them fire.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from msgspec import UNSET

from bus.errors import OffTick
from bus.protocol.market import requests, streams
from bus.sockets.session.prices import Scale
from web.errors import CONFLICT, INVALID_FIELD, MISSING_FIELD, Refusal
from web.market_data import text
from web.schemas.alerts import Alert, AlertFired, AlertWish

#: Decimals of the unit in which publishers count; what is not here is counted in ticks.
_DECIMALS: Final = {
    "move-up": 4,
    "move-down": 4,
    "move-either": 4,
    "volume-spike": 0,
    "spread-basis-points": 0,
}
#: The parameters behind the threshold.
_MOVE: Final = ("window_s",)
_SPIKE: Final = ("window_s", "windows")
_FURTHER: Final[dict[str, tuple[str, ...]]] = {
    "move-up": _MOVE,
    "move-down": _MOVE,
    "move-either": _MOVE,
    "volume-spike": _SPIKE,
}
#: What a number on the bus may be.
_UNITS_MAX: Final = 2**63 - 1


def question_of(scale: Scale, wish: AlertWish) -> tuple[list[int], int]:
    """The parameters of an alert and its hysteresis, as publishers have them. Raises Refusal."""
    threshold = _units(scale, wish.condition, wish.threshold, "threshold")
    hysteresis = _units(scale, wish.condition, wish.hysteresis, "hysteresis")
    if not threshold:
        raise Refusal(INVALID_FIELD, "a threshold is more than 0", "threshold", status=CONFLICT)
    if hysteresis > threshold:
        raise Refusal(INVALID_FIELD, "a hysteresis is at most the threshold", "hysteresis", status=CONFLICT)
    parameters = [threshold]
    wanted = _FURTHER.get(wish.condition, ())
    for name, value in (("window_s", wish.window_s), ("windows", wish.windows)):
        if name in wanted:
            if value is None:
                raise Refusal(MISSING_FIELD, f"{wish.condition} needs {name}", name, status=CONFLICT)
            parameters.append(value)
        elif value is not None:
            raise Refusal(INVALID_FIELD, f"{wish.condition} has no {name}", name, status=CONFLICT)
    return parameters, hysteresis


def alert(scale: Scale, name: str, told: Sequence[requests.Alert], publishers: int) -> Alert:
    """An account's alert, as those of so many publishers say that watch for it."""
    first = told[0]
    further = dict(zip(_FURTHER.get(first.condition, ()), first.parameters[1:], strict=False))
    return Alert(
        alert_id=name,
        symbol=first.symbol,
        condition=first.condition,  # type: ignore[arg-type]  # publishers know no others
        threshold=value_text(scale, first.condition, first.parameters[0]),
        window_s=further.get("window_s", UNSET),
        windows=further.get("windows", UNSET),
        repeating=first.repeating,
        hysteresis=value_text(scale, first.condition, first.hysteresis),
        armed=any(one.armed for one in told),
        fired=max(one.fired for one in told),
        watched_by=len(told),
        publishers=publishers,
    )


def alert_fired(scale: Scale, name: str, event: streams.AlertFired) -> AlertFired:
    """What its account is told when it fires."""
    return AlertFired(
        alert_id=name,
        symbol=scale.symbol,
        sequence=event.sequence,
        condition=event.condition,
        value=value_text(scale, event.condition, event.value),
        threshold=value_text(scale, event.condition, event.threshold),
    )


def value_text(scale: Scale, condition: str, units: int) -> str:
    """A value of a condition in decimals."""
    decimals = _DECIMALS.get(condition)
    return text(scale.price(units) if decimals is None else Decimal(units).scaleb(-decimals))


def _units(scale: Scale, condition: str, number: str, field: str) -> int:
    decimals = _DECIMALS.get(condition)
    if decimals is None:
        try:
            units = scale.price_ticks(number)
        except OffTick as error:
            raise Refusal(INVALID_FIELD, str(error), field, status=CONFLICT) from None
    else:
        exact = Fraction(number) * 10**decimals
        if exact.denominator != 1:
            raise Refusal(
                INVALID_FIELD, f"{condition} has at most {decimals} decimals", field, status=CONFLICT
            )
        units = exact.numerator
    if units > _UNITS_MAX:
        raise Refusal(INVALID_FIELD, "that is far too much", field, status=CONFLICT)
    return units
