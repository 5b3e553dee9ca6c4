"""Types that many bodies and answers share."""

from typing import Annotated

from msgspec import Meta, Struct, UnsetType

#: A price or a quantity as text: digits, and perhaps a point and more digits. No sign, no exponent.
DecimalText = Annotated[
    str, Meta(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)?\Z", description="A decimal number as text.")
]
#: A change or a ratio as text, with a minus before it when it is less than nothing.
SignedText = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r"^-?[0-9]+(\.[0-9]+)?\Z",
        description="A decimal number as text, with its sign.",
    ),
]
#: A number of the log.
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
#: Only there when it was asked for with `time_ns=true`.
Nanoseconds = Annotated[int, Meta(description="Nanoseconds since 1970, with `time_ns=true`.")] | UnsetType
#: Milliseconds since 1970, UTC.
Milliseconds = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
#: An upper bound, exclusive: of ids, of times. There is nothing below 1.
BelowSequence = Annotated[int, Meta(ge=1, le=2**63 - 1)]
BeforeMilliseconds = Annotated[int, Meta(ge=1, le=4_102_444_800_000)]
#: One level of a book: `[price, quantity]`.
PriceLevel = tuple[str, str]
#: The client's own name for what it says over a WebSocket; what answers it carries the same.
MessageId = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[str, Meta(max_length=64)] | None


class TimedQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query whose answer has times."""

    time_ns: Annotated[bool, Meta(description="Whether times stand there in nanoseconds, too.")] = False


class FreshQuery(TimedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query that may wait for what its caller has done."""

    at_least: Annotated[
        Sequence,
        Meta(
            description="What the log says up to this sequence is in the answer. When it does not come to be within two"
            " seconds, the answer is 409 `not_yet`."
        ),
    ] = 0
