"""The ids under which publishers know the alerts of accounts: whose an alert is, only the web can tell.

Publishers say an alert that fires to everybody, under its id. So an id is sealed: the name that the account gave it,
encrypted under a key that follows from the data directory's token, with the account and the symbol as associated data.
The same name of two accounts is two ids that nobody can tell from each other, and an account finds its own by opening
them. It is the same at every instance and after any start, so the web need not keep it.

    AES-SIV (RFC 5297): 16 bytes of tag, the ciphertext; base64url without padding, 64 characters at the most

Called by handlers of alerts, and by whoever hears alerts fire.
"""

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES: Final = 32
_PURPOSE: Final = b"matchbus alert ids 1"


class AlertIds:
    """See above. `token`: of the data directory."""

    def __init__(self, token: str) -> None:
        key = HKDF(SHA256(), _KEY_BYTES, None, _PURPOSE).derive(token.encode())
        self._cipher = AESSIV(key)

    def seal(self, account: str, symbol: str, name: str) -> str:
        """The id for publishers of an account's alert. `name`: 1 to 32 ASCII characters."""
        sealed = self._cipher.encrypt(name.encode("ascii"), _owner(account, symbol))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, account: str, symbol: str, alert_id: str) -> str | None:
        """What the account called it; None when it is not the account's. About 3 µs."""
        try:
            sealed = base64.b64decode(alert_id + "=" * (-len(alert_id) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed, _owner(account, symbol)).decode("ascii")
        except (InvalidTag, binascii.Error, ValueError):
            return None  # somebody else's, or one that was not made here


def _owner(account: str, symbol: str) -> list[bytes]:
    return [account.encode(), symbol.encode()]
