"""What is signed, and whether a signature is that of a key. Pure.

    X-API-Key     the key's id
    X-Timestamp   UTC in ms since 1970, when the request was signed
    X-Signature   hex of the signature over  timestamp + method + path with query + body

With HMAC-SHA256 the key is the secret's text as it was given; with Ed25519 the private key whose public key was left
here. A request that is sent twice within the window is let in twice: it has the same hash, so that it is one order.
"""

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from web.guard.keys import HMAC, Key

API_KEY: Final = "X-API-Key"
TIMESTAMP: Final = "X-Timestamp"
SIGNATURE: Final = "X-Signature"
#: A time in ms has 13 digits until the year 2286.
_TIMESTAMP_DIGITS_MAX: Final = 16
#: Public keys whose points are at hand; making one costs about as much as a signature.
_PUBLIC_KEYS_AT_HAND_MAX: Final = 1_024


def timestamp_ms(text: str) -> int | None:
    """The time that a header says; None when it says none."""
    if not 0 < len(text) <= _TIMESTAMP_DIGITS_MAX or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


def signed_text(timestamp: str, method: str, path: bytes, body: bytes) -> bytes:
    """What is signed. `path`: with its query, byte by byte as it is sent."""
    return b"".join((timestamp.encode(), method.encode(), path, body))


def verified(key: Key, signature: str, signed: bytes) -> bool:
    """Whether a signature, in hex, is that of this key over these bytes; takes as long for every wrong one."""
    try:
        given = bytes.fromhex(signature)
    except ValueError:
        return False
    if key.kind == HMAC:
        return hmac.compare_digest(hmac.digest(key.material, signed, "sha256"), given)
    try:
        _public_key(key.material).verify(given, signed)
    except InvalidSignature:
        return False
    return True


def request_hash(key_id: str, signed: bytes) -> str:
    """By which a request is known when it is sent again, in hex."""
    return hashlib.sha256(key_id.encode() + signed).hexdigest()


@lru_cache(_PUBLIC_KEYS_AT_HAND_MAX)
def _public_key(material: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(material)
