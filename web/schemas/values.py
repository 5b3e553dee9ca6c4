"""Types that many bodies and answers share."""

from typing import Annotated

from msgspec import Meta

#: A price or a quantity as text: digits, and perhaps a point and more digits. No sign, no exponent.
DecimalText = Annotated[
    str, Meta(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)?\Z", description="A decimal number as text.")
]
#: Milliseconds since 1970, UTC.
Milliseconds = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
#: One level of a book: `[price, quantity]`.
PriceLevel = tuple[str, str]
