"""Which symbols a publisher carries: all, those that are named, or a share of them by hash.

The rule guarded here: shares of one whole never overlap and leave nothing out, on any machine: the hash is the first
eight bytes of BLAKE2b of the symbol. (CRC-32 is no such hash: names that differ in one digit may all be odd.) No I/O.
Called by `service`.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from bus.errors import ConfigError
from bus.protocol.topics import SYMBOL

_SHARE: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")


class Share:
    """Named symbols, or part `part` (from 1) of `parts`."""

    def __init__(self, symbols: Sequence[str] = (), part: int = 1, parts: int = 1) -> None:
        self._symbols = frozenset(symbols)
        self._part = part
        self._parts = parts

    def has(self, symbol: str) -> bool:
        """Whether the symbol is carried."""
        if self._symbols:
            return symbol in self._symbols
        number = int.from_bytes(blake2b(symbol.encode(), digest_size=8).digest(), "big")
        return number % self._parts == self._part - 1

    @property
    def named(self) -> list[str]:
        """The symbols that are named, by name."""
        return sorted(self._symbols)


def parse_share(symbols: str, share: str) -> Share:
    """From `--symbols A,B` and `--share 2/3`, either "" when it was not given. Raises ConfigError."""
    if symbols and share:
        raise ConfigError("--symbols and --share exclude each other")
    if symbols:
        names = [name.strip() for name in symbols.split(",") if name.strip()]
        for name in names:
            if SYMBOL.fullmatch(name) is None:
                raise ConfigError(f"--symbols: {name!r} is no symbol: {SYMBOL.pattern}")
        if not names:
            raise ConfigError(f"--symbols {symbols!r}: no symbol is named")
        return Share(names)
    if not share:
        return Share()
    match = _SHARE.fullmatch(share)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise ConfigError(f"--share {share!r}: expected PART/PARTS, such as 2/3")
    return Share(part=part, parts=parts)
