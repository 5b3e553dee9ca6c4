"""Rows in a temporary file: a day may have more of them than fit into memory. Written once, then read again and again.

The file has no name, and is gone when the program ends, however it does.
"""

import tempfile
from collections.abc import Iterator
from typing import Any, Final, final

import msgspec

_LENGTH_BYTES: Final = 4
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[Any, ...]).decode


@final
class Spool:
    """Rows of plain values, in the order in which they came. One thread."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this does)
        self._end = 0
        self.count = 0

    def add(self, row: tuple[Any, ...]) -> int:
        """Its place, for `at`. OSError when the disk is full."""
        data = _encode(row)
        place = self._end
        self._file.write(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
        self._end += _LENGTH_BYTES + len(data)
        self.count += 1
        return place

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """All rows. Nothing may be read or added before this is over."""
        self._file.seek(0)
        for _ in range(self.count):
            yield self._next()

    def at(self, place: int) -> tuple[Any, ...]:
        """The row at a place that `add` named."""
        self._file.seek(place)
        return self._next()

    def close(self) -> None:
        """The file is gone."""
        self._file.close()

    def _next(self) -> tuple[Any, ...]:
        length = int.from_bytes(self._file.read(_LENGTH_BYTES), "little")
        return _decode(self._file.read(length))
