"""Keys for whoever looks at the demo: some accounts without a history, a key each, in one file.

    DATA/demo-keys.json     [{"account": ..., "key": ..., "secret": ...}, ...], readable by the owner alone

Written once the exchange is up. At the next start keys that are still good stay as they are, so that what was pasted
somewhere goes on working. Called by `command` from a thread, since the store blocks.
"""

import json
import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bus.clock import utc_ns
from bus.config import Config
from tools.demo.money import VISITORS
from web.guard.keys import HMAC, Key, wish
from web.guard.principal import READ, TRADE
from web.guard.store import KeyStore

FILE: Final = "demo-keys.json"
_LABEL: Final = "matchbus up --demo"


class DemoKey(Struct, frozen=True):
    """A key of the file."""

    account: str
    key: str
    secret: str


def demo_keys(config: Config) -> Path:
    """Make the keys that are missing; where the file is. Raises what a KeyStore does."""
    file = Path(config.engine.data_dir, FILE)
    with closing(KeyStore(config)) as store:
        kept = {entry.account: entry for entry in _read(file)}
        now_ms = utc_ns() // 1_000_000
        entries = []
        for account in VISITORS:
            good = {key.key_id: key for key in store.of_account(account) if key.good_at(now_ms)}
            entry = kept.get(account)
            entries.append(entry if entry is not None and _fits(entry, good) else _made(store, account))
    _write(file, entries)
    return file


def _made(store: KeyStore, account: str) -> DemoKey:
    key, secret = store.create(wish(account, [READ, TRADE], label=_LABEL))
    assert secret is not None, "a key without a public key has a secret"
    return DemoKey(account, key.key_id, secret)


def _fits(entry: DemoKey, good: dict[str, Key]) -> bool:
    """Whether what the file says can be used."""
    key = good.get(entry.key)
    return key is not None and key.kind == HMAC and key.material == entry.secret.encode()


def _read(file: Path) -> list[DemoKey]:
    """What the file says; nothing when there is none, or something else stands in it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[DemoKey])
    except (FileNotFoundError, msgspec.DecodeError):
        return []


def _write(file: Path, entries: list[DemoKey]) -> None:
    """As a whole or not at all."""
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as opened:
        opened.write(json.dumps([msgspec.structs.asdict(entry) for entry in entries], indent=2) + "\n")
    os.rename(temporary, file)
