"""Encoded answers, kept until what they tell changes: a thousand readers of one book cost one encoding.

The rule guarded here: an answer is given again only while its version is the same. A version is whatever the caller
says must not have changed (the number of the book, that of the candles). No I/O. Called by `answers`.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

from msgspec import Raw

from bus.protocol.codec import encode

#: How many answers are kept, and how large they may be together: some whole books and a few pages for each symbol.
PAGES_MAX: Final = 4_096
PAGES_BYTES_MAX: Final = 64 * 1024 * 1024
_SMALL_ARRAY_MAX: Final = 15


class Pages:
    """See above. The page that was asked for longest ago makes room."""

    def __init__(self, pages_max: int = PAGES_MAX, bytes_max: int = PAGES_BYTES_MAX) -> None:
        self._pages: OrderedDict[Hashable, tuple[Hashable, int, bytes]] = OrderedDict()
        self._pages_max = pages_max
        self._bytes_max = bytes_max
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def answer(
        self, key: Hashable, version: Hashable, correlation_id: int, make: Callable[[], tuple[Any, ...]]
    ) -> Raw:
        """The answer `[tag, correlation_id, ...]`; `make` gives `(tag, ...)`, all its fields but that."""
        found = self._pages.get(key)
        if found is not None and found[0] == version:
            self._pages.move_to_end(key)
            self.hits += 1
            _, count, rest = found
        else:
            self.misses += 1
            fields = make()
            count, rest = len(fields) + 1, b"".join(encode(field) for field in fields[1:])
            tag = encode(fields[0])
            rest = tag + rest
            self._keep(key, version, count, rest)
        # A tag is one or two bytes; the correlation id stands behind it.
        cut = 1 if rest[0] < 0x80 else 2
        head = bytes([0x90 | count]) if count <= _SMALL_ARRAY_MAX else b"\xdc" + count.to_bytes(2, "big")
        return Raw(head + rest[:cut] + encode(correlation_id) + rest[cut:])

    def _keep(self, key: Hashable, version: Hashable, count: int, rest: bytes) -> None:
        old = self._pages.pop(key, None)
        if old is not None:
            self.bytes -= len(old[2])
        self._pages[key] = (version, count, rest)
        self.bytes += len(rest)
        while len(self._pages) > self._pages_max or (self.bytes > self._bytes_max and len(self._pages) > 1):
            _, (_, _, dropped) = self._pages.popitem(last=False)
            self.bytes -= len(dropped)
