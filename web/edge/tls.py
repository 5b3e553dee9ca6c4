"""TLS: the certificate of this server, and connections that are encrypted under it.

The rule guarded here: what cannot be used is refused in one line that names the file, at the start; a renewal that
cannot be used changes nothing. Made by whoever wires the process together; asked by `web.server` for each connection.
"""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from bus.errors import ConfigError

#: On every answer over TLS: a browser that has been here once comes back over TLS only, for a year.
STRICT_TRANSPORT: Final = {"Strict-Transport-Security": "max-age=31536000"}
#: Bits of a mode. A group may read the key (a service of its own), nobody else, and only the owner may change it.
_OTHERS: Final = 0o027
_LOG: Final = structlog.get_logger("matchbus.web")


class Tls:
    """See above. Files are in PEM. Raises ConfigError."""

    def __init__(self, certificate_file: str, private_key_file: str) -> None:
        self._files = Path(certificate_file), Path(private_key_file)
        self._context = _context(*self._files)

    def renew(self) -> None:
        """Read the files again, for connections from now on. Raises ConfigError, and goes on with the old ones then."""
        self._context = _context(*self._files)

    def encrypted(self, connection: socket.socket) -> ssl.SSLSocket:
        """A connection that was taken; nothing is read of it yet. Raises OSError when it is gone."""
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)


def _context(certificate_file: Path, private_key_file: Path) -> ssl.SSLContext:
    _check(certificate_file, private_key_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # The client could make the server work, again and again.
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate_file, private_key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{certificate_file}: cannot be used for TLS: {error}") from None
    return context


def _check(certificate_file: Path, private_key_file: Path) -> None:
    """What OpenSSL would say of either file in words of its own, or not at all."""
    try:
        certificate = x509.load_pem_x509_certificates(_read(certificate_file))[0]
    except ValueError:
        raise ConfigError(f"{certificate_file}: no certificate in PEM") from None
    key = _read(private_key_file)
    mode = private_key_file.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise ConfigError(f"{private_key_file}: open to others (mode {mode:04o}): chmod 600, or a new key")
    try:
        private_key = load_pem_private_key(key, None)
    except TypeError:
        raise ConfigError(
            f"{private_key_file}: encrypted with a passphrase, which nobody is there to enter"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{private_key_file}: no private key in PEM") from None
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private_key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ConfigError(f"{private_key_file}: not the key of {certificate_file}")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        # Who has to know it is told by every client; a server that does not start would help nobody.
        _LOG.warning("the certificate is no longer valid", file=str(certificate_file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
