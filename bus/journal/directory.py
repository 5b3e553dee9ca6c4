"""The data directory: made once, held by one engine, with the token that brokers and operators show.

    lock         held with flock while an engine runs; its text is the holder's process id
    shadow.lock  the same for a shadow: one, beside the engine
    token        64 hexadecimal digits, readable by the owner alone, made once

A lock goes with the process, however it ends. Called by the node before anything else in the directory is
touched, and by the command line, which reads the token.
"""

import fcntl
import os
import secrets
from typing import Final

from bus.errors import ConfigError, DataDirectoryHeld

_LOCK: Final = "lock"
SHADOW_LOCK: Final = "shadow.lock"
_TOKEN: Final = "token"
TOKEN_BYTES: Final = 32  # as hard to guess as the keys of CURVE


class DataDirectory:
    """A directory that this process holds until `close`."""

    def __init__(self, path: str, lock_fd: int) -> None:
        self.path = path
        self._lock_fd: int | None = lock_fd

    @classmethod
    def hold(cls, path: str, lock: str = _LOCK) -> "DataDirectory":
        """Make the directory (mode 0700) when it is not there, and hold it; `DataDirectoryHeld` names the holder.

        `lock`: `SHADOW_LOCK` for a shadow, which lives beside an engine.
        """
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            lock_fd = os.open(os.path.join(path, lock), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be used as data directory: {error.strerror}") from error
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock_fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(lock_fd)
            raise DataDirectoryHeld(f"{path}: held by process {holder}, stop that one first") from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock_fd)

    def token(self) -> str:
        """The token of this directory, made on the first call."""
        try:
            return read_token(self.path)
        except FileNotFoundError:
            pass
        # Written under another name first: a token is there as a whole or not at all.
        temporary = os.path.join(self.path, f"{_TOKEN}.tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, f"{secrets.token_hex(TOKEN_BYTES)}\n".encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, os.path.join(self.path, _TOKEN))
        return read_token(self.path)

    def close(self) -> None:
        """Let it go; again: nothing."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def read_token(path: str) -> str:
    """The token in a data directory; `FileNotFoundError` when no engine has run there.

    `ConfigError` when others may read it, or it is no token: better no broker than one who is not who he says.
    """
    token_path = os.path.join(path, _TOKEN)
    with open(token_path, encoding="ascii", errors="replace") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        text = file.read().strip()
    if mode & 0o077:
        raise ConfigError(f"{token_path}: readable by others (mode {mode:04o}): remove it, a new one is made")
    if len(text) != 2 * TOKEN_BYTES or any(c not in "0123456789abcdef" for c in text):
        raise ConfigError(f"{token_path}: not a token: remove it, a new one is made")
    return text
