"""JSON that callers send, into Structs: what it should be, or a refusal that names the field.

Stricter than the decoder in one point: a name that stands in an object twice is refused, since two readers of it may
take different values. Laxer in another: 100.0 and 1e2 are whole numbers, as JSON Schema and so the documents have it.
No I/O. Called by whoever reads requests or messages.
"""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from web.errors import BAD_JSON, INVALID_FIELD, Refusal, of_validation

T = TypeVar("T")

#: No number here has more digits; 1e999999999 would have a billion.
_DIGITS_MAX: Final = 19


def read(text: bytes | str, decoder: "msgspec.json.Decoder[T]") -> T:
    """What a text says. Raises Refusal."""
    try:
        try:
            said = decoder.decode(text)
        except msgspec.ValidationError as error:
            # Seldom good after all: only then is it worth to look at how numbers are written.
            said = msgspec.convert(_anything(text, error), decoder.type)
        _TWICE.decode(text if isinstance(text, str) else text.decode())
    except msgspec.ValidationError as error:
        raise of_validation(error) from None
    except (msgspec.DecodeError, ValueError):
        raise Refusal(BAD_JSON) from None
    except RecursionError:
        raise Refusal(BAD_JSON, "it is nested too deeply") from None
    return said


def _anything(text: bytes | str, problem: msgspec.ValidationError) -> Any:
    """Whatever a text says. Raises its problem where a number is beyond all bounds."""
    try:
        return _ANYTHING.decode(text)
    except msgspec.ValidationError:
        raise problem from None


def _number(text: str) -> int | float:
    """A whole number however it is written, or the nearest that a float has."""
    with suppress(ArithmeticError):  # an exponent that no decimal has
        number = Decimal(text)
        if number.adjusted() < _DIGITS_MAX and number == number.to_integral_value():
            return int(number)
    return float(text)


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(INVALID_FIELD, "it stands there twice", twice)


_ANYTHING: Final = msgspec.json.Decoder(float_hook=_number)
#: Looks at names only: nothing of what it reads is kept.
_TWICE: Final = json.JSONDecoder(object_pairs_hook=_once)
