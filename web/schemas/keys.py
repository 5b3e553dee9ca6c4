"""API keys."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from web.schemas.values import Milliseconds

#: What has the form of one and is none is refused for what it is.
Address = Annotated[str, Meta(max_length=50, pattern=r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?\Z")]


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made. `addresses`: from where it may be used, in CIDR; none for everywhere.

    `expires_ms`: until when, not given for ever. `public_key`: of Ed25519, in hex; its owner then signs with the
    private key, and there is no secret.
    """

    scopes: Annotated[
        list[Literal["read", "trade", "withdraw", "operator"]], Meta(min_length=1, max_length=4)
    ]
    addresses: Annotated[list[Address], Meta(max_length=20)] = []
    expires_ms: Milliseconds | None = None
    label: Annotated[str, Meta(max_length=100)] = ""
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")] | None = None


class KeyDescription(Struct, frozen=True, kw_only=True):
    """A key without its secret. `kind`: hmac or ed25519. Times are null when there is none."""

    key: str
    account: str
    scopes: list[str]
    kind: str
    addresses: list[str]
    label: str
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


class MadeKey(KeyDescription, frozen=True, kw_only=True):
    """A key that was just made, with the secret, which is never said again; null with Ed25519."""

    secret: str | None


class KeyList(Struct, frozen=True):
    """All keys of an account, revoked and expired ones too, the oldest first."""

    keys: list[KeyDescription]
