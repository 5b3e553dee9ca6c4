"""Terms of fees as people write them, made into SetFees, and back into words. Amounts are decimals of their assets.

tiers = [["0.1%", "0.2%"], ["0.08%", "0.15%"]]      # maker and taker of each tier; below 0: a rebate
of = "notional"          # or quantity: then rates are amounts of money for each unit; or binary
in = "quote"             # or base, received, or the name of a third asset
at = "0.0025"            # of a third asset: what one of the asset that the rates are of costs in it
round = "up"             # or down, half-up, half-even: to whole steps
step = "0.01"            # a unit of the asset, if not given
minimum = "0.35"         # of what is paid
maximum = "75"           # of what is paid, and of a rebate
share = "12.5%"          # of what a fill is worth no fee is more than this
payout = "1"             # of binary contracts: what one pays out
volume = "1/1000"        # how much of a volume one of the quote asset is

All but `tiers` may be left out.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from bus.protocol.commands import DefineInstrument, SetFees
from bus.protocol.terms import (
    FEE_ASSETS,
    FEE_BASES,
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    OF_BINARY,
    OF_QUANTITY,
    RATE_ONE,
    ROUNDINGS,
)
from bus.sockets.session.amounts import amount_of, units_of
from bus.sockets.session.orders import checked_note, number_of
from bus.sockets.session.prices import Scale, billionths, exact
from tools.admin.shares import share, share_text
from tools.showing import short

_KEYS: Final = (
    *("tiers", "of", "in", "at", "round", "step", "minimum", "maximum", "share", "payout", "volume"),
)
#: Ratios are of numbers that fit 63 bits.
_RATIO_END: Final = 2**63


def fees_of(
    definition: DefineInstrument, said: Mapping[str, Any], decimals: Mapping[str, int], why: str
) -> SetFees:
    """The command that says these terms of an instrument; `decimals` of all assets. ValueError names what is wrong."""
    for key in said:
        if key not in _KEYS:
            raise ValueError(f"fees have no {key!r}: there are {', '.join(_KEYS)}")
    for asset in (definition.base, definition.quote):
        if asset not in decimals:
            raise ValueError(f"{asset} is no asset of this venue")
    basis = number_of(_word(said, "of", "notional"), FEE_BASES, "basis")
    paid = _word(said, "in", "quote")
    third = paid if paid not in FEE_ASSETS.values() or paid == FEE_ASSETS[IN_THIRD] else ""
    if third and third not in decimals:
        raise ValueError(f"{third!r} is no asset of this venue; others are quote, base and received")
    paid_in = IN_THIRD if third else number_of(paid, FEE_ASSETS, "asset")
    # Where who buys and who sells pay in different assets, amounts are of the quote asset.
    unit = decimals[third or (definition.base if paid_in == IN_BASE else definition.quote)]
    if paid_in == IN_RECEIVED and any(key in said for key in ("step", "minimum", "maximum")):
        raise ValueError("what is received is two assets: step, minimum and maximum are of one")
    if ("at" in said) != bool(third):
        raise ValueError("a third asset has `at`, what one of the other asset costs in it, and no other has")
    ratio = _ratio(_number(said, "at", "1"))
    if third or (basis == OF_QUANTITY and paid_in == IN_QUOTE):
        of = decimals[definition.base if basis == OF_QUANTITY else definition.quote]
        ratio *= Fraction(10) ** (unit - of)
    volume = _ratio(_number(said, "volume", "1"))
    for one in (ratio, volume):
        if one <= 0 or max(one.numerator, one.denominator) >= _RATIO_END:
            raise ValueError(f"{one} is no ratio: it is above 0, of two numbers of 63 bits")
    return SetFees(
        definition.symbol,
        _rates(said.get("tiers")),
        basis,
        paid_in,
        third,
        ratio.numerator,
        ratio.denominator,
        number_of(_word(said, "round", "up"), ROUNDINGS, "way to round"),
        units_of(_number(said, "step", "0"), unit) or 1,
        units_of(_number(said, "minimum", "0"), unit),
        units_of(_number(said, "maximum", "0"), unit),
        billionths(share(_number(said, "share", "1")), "share"),
        Scale(definition).price_ticks(_number(said, "payout", "0"))
        if basis == OF_BINARY
        else _no_payout(said),
        volume.numerator,
        volume.denominator,
        checked_note(why),
    )


def rate_row(text: str) -> tuple[str, str]:
    """`0.1%/0.2%`: maker and taker. ValueError for anything else."""
    maker, slash, taker = text.partition("/")
    if not slash or not maker or not taker:
        raise ValueError(f"{text!r} is no tier: say 0.1%/0.2%, for makers and takers")
    return maker, taker


def terms_text(fees: SetFees, definition: DefineInstrument, decimals: Mapping[str, int]) -> str:
    """What an instrument costs, in a line."""
    paid = fees.asset or FEE_ASSETS.get(fees.paid_in, str(fees.paid_in))
    parts = [f"of the {FEE_BASES.get(fees.basis, str(fees.basis))} in {paid}"]
    unit = decimals.get(fees.asset or (definition.base if fees.paid_in == IN_BASE else definition.quote), 0)
    for name, units in (("minimum", fees.minimum_units), ("maximum", fees.maximum_units)):
        if units:
            parts.append(f"{name} {short(amount_of(units, unit))}")
    if fees.step_units != 1:
        parts.append(f"step {short(amount_of(fees.step_units, unit))}")
    if fees.share_max != RATE_ONE:
        parts.append(f"at most {share_text(fees.share_max)} of the fill")
    parts.append(f"rounded {ROUNDINGS.get(fees.rounding, str(fees.rounding))}")
    return ", ".join(parts)


def _rates(tiers: Any) -> list[tuple[int, int]]:
    if not isinstance(tiers, list | tuple) or not tiers:
        raise ValueError('fees have tiers: [["0.1%", "0.2%"]], maker and taker of each')
    rates = []
    for tier in tiers:
        if not isinstance(tier, list | tuple) or len(tier) != 2:
            raise ValueError(f'{tier!r} is no tier: write ["0.1%", "0.2%"], maker and taker')
        maker, taker = (billionths(share(_text(rate, "a rate")), "rate") for rate in tier)
        rates.append((maker, taker))
    return rates


def _no_payout(said: Mapping[str, Any]) -> int:
    if "payout" in said:
        raise ValueError("a payout is of binary contracts")
    return 0


def _ratio(text: str) -> Fraction:
    """`0.0025`, or `1/400`."""
    top, _, bottom = text.partition("/")
    parts = exact(top, "ratio"), exact(bottom or "1", "ratio")
    if not parts[1]:
        raise ValueError(f"{text!r} is no ratio")
    return Fraction(parts[0]) / Fraction(parts[1])


def _word(said: Mapping[str, Any], key: str, otherwise: str) -> str:
    return _text(said.get(key, otherwise), f"`{key}`")


def _number(said: Mapping[str, Any], key: str, otherwise: str) -> str:
    return _text(said.get(key, otherwise), f"`{key}`")


def _text(value: Any, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f'{what} is a text such as "0.25", not {value!r}: a decimal would not be exact')
    return str(value)
