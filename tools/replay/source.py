"""The lines of a recorded file, plain or packed with gzip or xz, recognised by its first bytes and not by its name."""

import gzip
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from bus.errors import BadFlow

_XZ: Final = b"\xfd7zXZ\0"
_GZIP: Final = b"\x1f\x8b"

#: A snapshot of 1,000 levels a side takes about 50 kB. What is longer is no recording, and may be no text.
LINE_BYTES_MAX: Final = 1 << 20


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1, without its end; `BadFlow` when the file cannot be read to its end."""
    number = 0
    try:
        with _opened(path) as file:
            while raw := file.readline(LINE_BYTES_MAX + 1):
                number += 1
                if len(raw) > LINE_BYTES_MAX:
                    raise BadFlow(f"{path}:{number}: the line is longer than {LINE_BYTES_MAX} bytes")
                # The byte order mark that some spreadsheets put in front.
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, text.rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadFlow(f"{path}:{number}: not UTF-8") from None
    except (OSError, EOFError, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadFlow(f"{path}: cannot be read behind line {number}: {reason}") from None


def count_lines(path: Path) -> int:
    """How many lines the file has; O(its size), and finds damage before anything is sent."""
    number = 0
    for number, _ in lines(path):  # noqa: B007  # the last number is what is wanted
        pass
    return number


def _opened(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        start = file.read(6)
    if start == _XZ:
        return cast(BinaryIO, lzma.open(path, "rb"))
    if start[:2] == _GZIP:
        return cast(BinaryIO, gzip.open(path, "rb"))
    return open(path, "rb")
