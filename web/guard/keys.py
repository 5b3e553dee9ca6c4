"""A key: for which account it speaks, what for, from where, until when, and how its signatures are judged.

The rule guarded here: what a key may do follows from its row and the time, from nothing else. Pure: no store, no clock.
Made by `store`, asked by `keyed_guard`.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from bus.errors import KeyRefused
from bus.protocol.topics import ACCOUNT
from web.guard.networks import Network, address_of
from web.guard.principal import SCOPES

#: How signatures are made.
HMAC: Final = "hmac"
ED25519: Final = "ed25519"
KINDS: Final = (HMAC, ED25519)

KEY_ID: Final = re.compile(r"[0-9a-f]{32}")

#: Not revoked ones of one account: some for each of its programs. Each is read into the memory of every instance.
KEYS_PER_ACCOUNT_MAX: Final = 100
#: Networks of one key; each is looked at in each request.
NETWORKS_MAX: Final = 20
LABEL_CHARACTERS_MAX: Final = 100


class Key(Struct, frozen=True):
    """See above. Times are UTC in ms since 1970.

    `material`: with HMAC the secret, with Ed25519 the public key. `networks`: from where it may be used, empty for
    everywhere. `expires_ms`, `revoked_ms`: 0 for never.
    """

    key_id: str
    account: str
    scopes: frozenset[str]
    kind: str
    material: bytes
    networks: tuple[Network, ...]
    label: str
    created_ms: int
    expires_ms: int
    revoked_ms: int

    def good_at(self, time_ms: int) -> bool:
        """Whether it is neither revoked nor expired."""
        return not self.revoked_ms and not 0 < self.expires_ms <= time_ms

    def good_from(self, address: str) -> bool:
        """Whether it may be used from an address of IP, as text."""
        if not self.networks:
            return True
        where = address_of(address)
        return where is not None and any(where in network for network in self.networks)


class Wish(Struct, frozen=True):
    """A key that somebody wants made. `public_key`: 32 bytes, with Ed25519 only."""

    account: str
    scopes: frozenset[str]
    networks: tuple[Network, ...] = ()
    expires_ms: int = 0
    label: str = ""
    public_key: bytes | None = None


def wish(
    account: str,
    scopes: Sequence[str],
    networks: Sequence[str] = (),
    expires_ms: int = 0,
    label: str = "",
    public_key: str | None = None,
) -> Wish:
    """A wish that can be granted. Networks are CIDR or single addresses, `public_key` is hex. Raises KeyRefused."""
    if ACCOUNT.fullmatch(account) is None:
        raise KeyRefused(f"{account!r}: account names are 1 to 32 of A-Z a-z 0-9 _ . -", "account")
    if not scopes or (strange := sorted(set(scopes) - set(SCOPES))):
        named = f"{strange[0]!r}" if scopes else "none"
        raise KeyRefused(f"scopes: {named}: expected some of {', '.join(SCOPES)}", "scopes")
    if len(networks) > NETWORKS_MAX:
        raise KeyRefused(f"addresses: {len(networks)}: at most {NETWORKS_MAX} for one key", "addresses")
    if len(label) > LABEL_CHARACTERS_MAX or not label.isprintable():
        raise KeyRefused(f"label: at most {LABEL_CHARACTERS_MAX} characters that can be printed", "label")
    return Wish(
        account,
        frozenset(scopes),
        tuple(network_of(text) for text in networks),
        expires_ms,
        label,
        None if public_key is None else _public_key(public_key),
    )


def network_of(text: str) -> Network:
    """A network of CIDR, or one address. Raises KeyRefused."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise KeyRefused(
            f"addresses: {error}: expected an address or a network such as 10.1.0.0/16", "addresses"
        ) from None


def _public_key(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise KeyRefused(
            "public_key: expected the 32 bytes of an Ed25519 public key, as 64 hexadecimal digits",
            "public_key",
        )
    return found
