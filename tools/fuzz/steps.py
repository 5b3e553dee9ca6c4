"""Steps: a log as the fuzzer has it, before it gets session numbers, sequences and times.

Sessions are named by slots, so that any part of a log is a log: what is said in a slot that is not open is not taken,
as the gateway would not.
"""

from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from bus.errors import ConfigError
from bus.protocol.codec import encode
from bus.protocol.terms import CLEARING_NONE


class Starts(Struct, array_like=True, tag=0, frozen=True):
    """The engine starts, or starts again."""

    after_ns: int
    clock: int
    clearing: int = CLEARING_NONE


class Opens(Struct, array_like=True, tag=1, frozen=True):
    """A session opens in a slot."""

    after_ns: int
    slot: int
    account: str
    role: int
    cancel_on_disconnect: bool


class Ends(Struct, array_like=True, tag=2, frozen=True):
    """The session of a slot ends."""

    after_ns: int
    slot: int


class Ticks(Struct, array_like=True, tag=3, frozen=True):
    """Time passes."""

    after_ns: int


class Says(Struct, array_like=True, tag=4, frozen=True):
    """A message of a slot's session: encoded items, made `age_ns` ago; `trailing` is what stands behind them."""

    after_ns: int
    slot: int
    correlation_id: int
    age_ns: int
    items: list[Raw]
    trailing: list[int]


Step = Starts | Opens | Ends | Ticks | Says

_decode = msgspec.msgpack.Decoder(list[Step]).decode


def write_steps(path: Path, steps: list[Step]) -> None:
    """Keep a log in a file."""
    path.write_bytes(encode(steps))


def read_steps(path: Path) -> list[Step]:
    """A log that was kept. ConfigError with one line when the file holds none."""
    try:
        return _decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not a log of the fuzzer: {error}") from None
