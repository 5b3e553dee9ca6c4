"""Where keys are kept: a database that all instances of the web share.

    standing   one row: the number of the last change, and a sealed text by which a foreign master key is found out
    keys       every key that was ever made; each row has the number of its last change

The rule guarded here: changes are numbered densely, and number n is not seen before n - 1. Whoever changes a key takes
the next number in the same transaction, which others wait for; so whoever has read all rows up to n reads what happened
since by asking for numbers above n, one look into an index. A row is never deleted: a key that was revoked stays known.

Everything here blocks. Called by `key_book` from a thread, and by the command line.
"""

import secrets
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from bus.clock import utc_ns
from bus.config import Config
from bus.database.failures import named_failures
from bus.database.opening import open_database
from bus.database.schema import Schema
from bus.errors import ConfigError, KeyRefused, StoreDamaged
from web.guard.keys import ED25519, HMAC, KEYS_PER_ACCOUNT_MAX, Key, Wish, network_of
from web.guard.secrets import FILE, MasterKey, master_key

_METADATA: Final = MetaData()
#: Of ids and of secrets: neither is ever guessed.
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_SEALED_TEXT: Final = b"matchbus"
_ONLY_ROW: Final = 1


def _whole64() -> TypeEngine[int]:
    return BigInteger().with_variant(Integer(), "sqlite")


def _number(name: str) -> Column[int]:
    return Column(name, _whole64(), nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


_version: Final = Table(
    "store_version", _METADATA, Column("kind", Text, primary_key=True), _number("version"), sqlite_strict=True
)
_standing: Final = Table(
    "standing",
    _METADATA,
    Column("row", _whole64(), primary_key=True, autoincrement=False),
    _number("change"),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
_keys: Final = Table(
    "keys",
    _METADATA,
    Column("key_id", Text, primary_key=True),
    _text("account"),
    _text("scopes"),
    _text("kind"),
    # HMAC: the secret, sealed. Ed25519: the public key.
    Column("material", LargeBinary, nullable=False),
    _text("networks"),
    _text("label"),
    _number("created_ms"),
    _number("expires_ms"),
    _number("revoked_ms"),
    _number("change"),
    Index("keys_by_change", "change", unique=True),
    Index("keys_by_account", "account", "created_ms"),
    sqlite_strict=True,
)
SCHEMA: Final = Schema("keys", 1, _METADATA, _version, "web/keys.db", "web.keys_url")


class KeyStore:
    """See above. Raises ConfigError, StoreUnavailable, StoreDamaged or StoreMismatch when it cannot be opened."""

    def __init__(self, config: Config) -> None:
        data_dir = config.engine.data_dir
        self._master: MasterKey = master_key(data_dir)
        self._engine, self.name = open_database(SCHEMA, config.web.keys_url, data_dir)
        self._writing = self._engine.execution_options(writes=True)
        try:
            with named_failures(self.name), self._writing.begin() as connection:
                self._stand(connection)
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def create(self, wish: Wish) -> tuple[Key, str | None]:
        """A new key, and its secret, which is said this once; None with Ed25519. Raises KeyRefused."""
        key_id = secrets.token_hex(_ID_BYTES)
        if wish.public_key is None:
            secret: str | None = secrets.token_hex(_SECRET_BYTES)
            kind, material = HMAC, str(secret).encode()
            kept = self._master.seal(material, key_id)
        else:
            secret, kind, material = None, ED25519, wish.public_key
            kept = material
        key = Key(
            key_id,
            wish.account,
            wish.scopes,
            kind,
            material,
            wish.networks,
            wish.label,
            utc_ns() // 1_000_000,
            wish.expires_ms,
            0,
        )
        if 0 < key.expires_ms <= key.created_ms:
            raise KeyRefused("expires: the time is over already", "expires_ms")
        with named_failures(self.name), self._writing.begin() as connection:
            change = self._next_change(connection)
            there = select(func.count()).where(_keys.c.account == key.account, _keys.c.revoked_ms == 0)
            if connection.execute(there).scalar_one() >= KEYS_PER_ACCOUNT_MAX:
                raise KeyRefused(
                    f"{key.account} has {KEYS_PER_ACCOUNT_MAX} keys, no more are made: revoke some"
                )
            connection.execute(
                insert(_keys).values(
                    key_id=key_id,
                    account=key.account,
                    scopes=" ".join(sorted(key.scopes)),
                    kind=kind,
                    material=kept,
                    networks=" ".join(map(str, key.networks)),
                    label=key.label,
                    created_ms=key.created_ms,
                    expires_ms=key.expires_ms,
                    revoked_ms=0,
                    change=change,
                )
            )
        return key, secret

    def revoke(self, key_id: str, account: str | None = None) -> Key | None:
        """The key, revoked now or before; None when there is none, or it is of another account than the one named."""
        with named_failures(self.name), self._writing.begin() as connection:
            wanted = select(_keys).where(_keys.c.key_id == key_id)
            if account is not None:
                wanted = wanted.where(_keys.c.account == account)
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            if not row.revoked_ms:
                change = self._next_change(connection)
                now_ms = utc_ns() // 1_000_000
                connection.execute(
                    update(_keys).where(_keys.c.key_id == key_id).values(revoked_ms=now_ms, change=change)
                )
                row = connection.execute(wanted).one()
            return self._key(row)

    def of_account(self, account: str | None) -> list[Key]:
        """The keys of an account, or of all, revoked ones too, the oldest first."""
        wanted = select(_keys).order_by(_keys.c.created_ms, _keys.c.change)
        if account is not None:
            wanted = wanted.where(_keys.c.account == account)
        return [key for _, key in self._read(wanted)]

    def changes(self, after: int) -> tuple[int, list[Key]]:
        """What was made or revoked after a change, and the number of the last one."""
        rows = self._read(select(_keys).where(_keys.c.change > after).order_by(_keys.c.change))
        return rows[-1][0] if rows else after, [key for _, key in rows]

    def _read(self, wanted: Select[Any]) -> list[tuple[int, Key]]:
        with named_failures(self.name), self._engine.connect() as connection:
            return [(row.change, self._key(row)) for row in connection.execute(wanted)]

    def _stand(self, connection: Connection) -> None:
        """The row of standing, made once; refused when it was sealed with another master key."""
        # A row that is there already, so that of two that come first one waits.
        connection.execute(select(_version).with_for_update())
        row = connection.execute(select(_standing)).one_or_none()
        if row is None:
            sealed = self._master.seal(_SEALED_TEXT, "")
            connection.execute(insert(_standing).values(row=_ONLY_ROW, change=0, sealed=sealed))
            return
        try:
            self._master.unseal(row.sealed, "")
        except StoreDamaged:
            raise ConfigError(
                f"{self.name}: its secrets were sealed with another {FILE}; instances that share keys share it, too"
            ) from None

    def _next_change(self, connection: Connection) -> int:
        """The number of a change. Others who want one wait from here on until this transaction has ended."""
        connection.execute(update(_standing).values(change=_standing.c.change + 1))
        return int(connection.execute(select(_standing.c.change)).scalar_one())

    def _key(self, row: Row[Any]) -> Key:
        material = self._master.unseal(row.material, row.key_id) if row.kind == HMAC else row.material
        return Key(
            row.key_id,
            row.account,
            frozenset(row.scopes.split()),
            row.kind,
            material,
            tuple(network_of(text) for text in row.networks.split()),
            row.label,
            row.created_ms,
            row.expires_ms,
            row.revoked_ms,
        )
