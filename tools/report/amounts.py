"""Amounts, times and words as HTML, for people: thousands apart, zeros that say nothing in the background."""

from tornado.escape import xhtml_escape

from tools.report.period import moment_text

#: For what is not there, or is nothing.
NONE = '<span class="z">\N{EN DASH}</span>'


def amount(text: str | None) -> str:
    """A decimal, `-1234.5000` as `-1,234.5`, with a real minus, and three quiet zeros."""
    if text is None:
        return NONE
    sign, digits = ("\N{MINUS SIGN}", text[1:]) if text.startswith("-") else ("", text)
    whole, _, rest = digits.partition(".")
    kept = rest.rstrip("0")
    shown = f"{sign}{int(whole):,}"
    if not rest:
        return shown
    quiet = rest[len(kept) :]
    if kept:
        return f'{shown}.{kept}<span class="z">{quiet}</span>' if quiet else f"{shown}.{kept}"
    return f'{shown}<span class="z">.{quiet}</span>'


def moved(text: str | None) -> str:
    """The same of what moves: nothing is a dash."""
    return NONE if text is None or not text.strip("-0.") else amount(text)


def negated(text: str) -> str:
    """The same decimal below 0, or above."""
    return text[1:] if text.startswith("-") else f"-{text}"


def word(text: object) -> str:
    """Text as it is."""
    return NONE if text is None or text == "" else xhtml_escape(str(text))


def quiet(text: object) -> str:
    """Text that few look for."""
    return NONE if text is None or text == "" else f'<span class="dim">{xhtml_escape(str(text))}</span>'


def side(text: str) -> str:
    """`buy` or `sell`."""
    return f'<span class="{text}">{text}</span>'


def moment(time_ns: int, *, with_day: bool) -> str:
    """UTC to the millisecond."""
    text = moment_text(time_ns)
    clock = text[11:23]
    return f'<span class="dim">{text[:10]}</span> {clock}' if with_day else clock
