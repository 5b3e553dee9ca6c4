"""Somebody who may do something: what is known of a caller once the guard has let it in."""

from typing import Final

from msgspec import Struct

#: What a key may be for.
READ: Final = "read"
TRADE: Final = "trade"
#: Money leaves the venue with it, and with nothing else: not even with TRADE.
WITHDRAW: Final = "withdraw"
OPERATOR: Final = "operator"
SCOPES: Final = (READ, TRADE, WITHDRAW, OPERATOR)


class Principal(Struct, frozen=True):
    """An account, and the key by which its holder has proven to act for it."""

    account: str
    key_id: str
    scopes: frozenset[str]
    #: The hash over the signed request, in hex: the same request sent again has the same.
    request_hash: str
