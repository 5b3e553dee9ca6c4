"""Whole numbers from quotients of whole numbers, exactly: the two ways to round that the publisher uses.

The rule guarded here: no float comes between. What changes sign with its direction (a price change) is rounded half
away from zero, so that up and down are mirror images; what is an average is rounded half to even, so that many of them
do not lean to one side. `fractions.Fraction` rounds as `half_even` does; a test compares.
"""


def half_even(numerator: int, denominator: int) -> int:
    """The nearest whole number; of two that are equally near the even one. `denominator` is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def half_away(numerator: int, denominator: int) -> int:
    """The nearest whole number; of two that are equally near the one farther from zero. `denominator` is positive."""
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)
