"""What the shadow and its walker say to each other over two pipes: a length of 4 bytes, big-endian, then MessagePack.

One request, one answer, in turn. It never leaves the machine, and both ends are of the same version.
"""

import struct
from typing import Final

import msgspec
from msgspec import Struct

LENGTH: Final = struct.Struct(">I")


class WalkRequest(Struct, array_like=True, frozen=True):
    """The frames of a topic from `first_number` to `last_number`. The log is durable up to `until_sequence`."""

    topic: str
    first_number: int
    last_number: int
    until_sequence: int


class WalkAnswer(Struct, array_like=True, frozen=True):
    """Frames from the one that holds `first_number` on, as many as one answer holds.

    None: there is nothing that old any more, and `oldest_number` is the first that can be had. With `problem` history
    cannot be walked at all, for the reason that it says; `replaced`: because the log is another one now.
    """

    frames: list[bytes]
    oldest_number: int = 1
    problem: str = ""
    replaced: bool = False


_encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = msgspec.msgpack.Decoder(WalkRequest).decode
decode_answer: Final = msgspec.msgpack.Decoder(WalkAnswer).decode


def framed(message: WalkRequest | WalkAnswer) -> bytes:
    """The message as it goes through the pipe."""
    payload = _encode(message)
    return LENGTH.pack(len(payload)) + payload
