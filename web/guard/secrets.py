"""The secrets of HMAC keys, encrypted at rest: whoever reads the database alone can sign nothing.

    DATA/web/master.key      64 hexadecimal digits, readable by the owner alone, made once

A secret is sealed with AES-256-GCM under the master key, with the key's id as associated data, so that a row's secret
is of no use in another row. Sealed: 12 bytes of nonce, the ciphertext, 16 bytes of tag. Instances that share a database
share the master key, too; the store finds out when they do not. Called by `store` alone.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.errors import ConfigError, StoreDamaged

FILE: Final = "web/master.key"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class MasterKey:
    """Seals and unseals."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, key_id: str) -> bytes:
        """A secret for the database."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, key_id.encode())

    def unseal(self, sealed: bytes, key_id: str) -> bytes:
        """A secret from the database. Raises StoreDamaged when it was sealed otherwise, or changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key_id.encode())
        except (InvalidTag, ValueError):
            raise StoreDamaged(f"the secret of {key_id} was not sealed with this {FILE}") from None


def master_key(data_dir: str) -> MasterKey:
    """The master key of a data directory, made when there is none. Raises ConfigError."""
    file = Path(data_dir, FILE)
    try:
        if not file.exists():
            _make(file)
        with file.open(encoding="ascii", errors="replace") as opened:
            mode = os.fstat(opened.fileno()).st_mode & 0o777
            text = opened.read().strip()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read or made: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError(f"{file}: readable by others (mode {mode:04o}): its keys are no secret any more")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{file}: not a master key: expected {2 * _KEY_BYTES} hexadecimal digits")
    return MasterKey(key)


def _make(file: Path) -> None:
    """Make it as a whole or not at all; of several instances that start at once one makes it, all read that one."""
    os.makedirs(file.parent, mode=0o700, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, f"{secrets.token_hex(_KEY_BYTES)}\n".encode())
        os.fsync(fd)
        os.link(temporary, file)
    except FileExistsError:
        pass
    finally:
        os.close(fd)
        os.unlink(temporary)
