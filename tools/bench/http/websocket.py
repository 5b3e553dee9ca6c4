"""A WebSocket as a program that measures has it: a bare socket, and frames (RFC 6455) as they come.

It takes no extension, so nothing is compressed. Its frames are masked with zeros, which any server unmasks at the usual
cost and which costs nothing here. Used by `entry_load` and `readers_load`.
"""

import base64
import os
import socket
import struct
from typing import Final

from bus.errors import NotConnected

HOST: Final = "127.0.0.1"
_TIMEOUT_S: Final = 60.0
_READ_BYTES_MAX: Final = 262_144
_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_FIN: Final = 0x80
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)


class WebSocket:
    """One connection, open. `receive_bytes`: what the kernel holds for it; 0 for the usual."""

    def __init__(self, port: int, receive_bytes: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(_TIMEOUT_S)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._waiting:
            self._receive()
        head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise NotConnected(f"no WebSocket was opened: {head.decode(errors='replace')}")

    def fileno(self) -> int:
        """For polls."""
        return self.socket.fileno()

    def send(self, *messages: bytes) -> None:
        """Messages of text, in one write."""
        self.socket.sendall(b"".join(frame(message) for message in messages))

    def read(self) -> list[bytes]:
        """What has come, at least a part of a message. Raises NotConnected when the other side has ended it."""
        self._receive()
        data, at, size = self._waiting, 0, len(self._waiting)
        messages: list[bytes] = []
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126 and size - start >= 2:
                length, start = struct.unpack_from("!H", data, start)[0], start + 2
            elif length == 127 and size - start >= 8:
                length, start = struct.unpack_from("!Q", data, start)[0], start + 8
            elif length > 125:
                break
            if size - start < length:
                break
            payload, kind = data[start : start + length], data[at] & 0x0F
            at = start + length
            if kind == _TEXT:
                messages.append(payload)
            elif kind == _PING:
                self.socket.sendall(frame(payload, _PONG))
            elif kind == _CLOSE:
                raise NotConnected(
                    f"the web has ended the connection: {payload[2:].decode(errors='replace')}"
                )
        self._waiting = data[at:]
        return messages

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()

    def _receive(self) -> None:
        came = self.socket.recv(_READ_BYTES_MAX)
        if not came:
            raise NotConnected("the web has ended the connection")
        self._waiting += came


def frame(message: bytes, kind: int = _TEXT) -> bytes:
    """A message in one frame of a client."""
    size = len(message)
    if size <= 125:
        return struct.pack("!BB", _FIN | kind, _MASKED | size) + _NO_MASK + message
    assert size < 1 << 16, "nothing longer is sent here"
    return struct.pack("!BBH", _FIN | kind, _MASKED | 126, size) + _NO_MASK + message
