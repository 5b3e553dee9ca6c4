"""Keys at rest and in memory, in both databases: numbered changes, the master key, and what happens without a store."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bus.config import Config, Engine, Web
from bus.errors import ConfigError, KeyRefused, StoreDamaged
from tests.support.postgres import postgres_server, postgres_session, postgres_url
from web.errors import UNREACHABLE, Refusal
from web.guard import keys as limits
from web.guard.key_book import KeyBook
from web.guard.keys import Key, wish
from web.guard.secrets import master_key
from web.guard.store import KeyStore

__all__ = ["postgres_server", "postgres_session", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Settings whose keys are in a database of this kind."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return Config(engine=Engine(data_dir=str(tmp_path / "data")), web=Web(keys_url=url))


@pytest.fixture
def store(config: Config) -> Iterator[KeyStore]:
    """An open store."""
    with closing(KeyStore(config)) as opened:
        yield opened


def test_what_was_made_and_revoked_is_read_once_each_by_its_number(config: Config, store: KeyStore) -> None:
    alice, secret = store.create(wish("alice", ["read", "trade"], ["10.0.0.0/8"], label="robot"))
    bob, none = store.create(wish("bob", ["operator"], public_key="ab" * 32))
    assert (alice.material, none, bob.material) == (str(secret).encode(), None, b"\xab" * 32)
    with closing(KeyStore(config)) as other:
        assert other.changes(0) == (2, [alice, bob])
        assert other.changes(1) == (2, [bob])
        assert other.changes(2) == (2, [])
        revoked = store.revoke(alice.key_id)
        assert revoked is not None
        assert revoked.revoked_ms >= alice.created_ms
        assert not revoked.good_at(revoked.revoked_ms)
        assert other.changes(2) == (3, [revoked])
        assert other.revoke(alice.key_id) == revoked, "again is no change"
        assert store.changes(3) == (3, [])
        assert other.of_account(None) == [revoked, bob]
        assert other.of_account("bob") == [bob]


def test_nobody_revokes_what_is_of_somebody_else(store: KeyStore) -> None:
    alice, _ = store.create(wish("alice", ["read"]))
    assert store.revoke(alice.key_id, "bob") is None
    assert store.revoke("none") is None
    assert store.changes(0) == (1, [alice])


def test_an_account_has_so_many_keys_and_no_more(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.guard.store.KEYS_PER_ACCOUNT_MAX", 2)
    first, _ = store.create(wish("alice", ["read"]))
    store.create(wish("alice", ["read"]))
    with pytest.raises(KeyRefused, match="alice has 2 keys, no more are made: revoke some"):
        store.create(wish("alice", ["read"]))
    store.create(wish("bob", ["read"]))
    store.revoke(first.key_id)
    store.create(wish("alice", ["read"]))


def test_a_store_is_not_read_with_another_master_key(config: Config, store: KeyStore) -> None:
    store.create(wish("alice", ["read"]))
    file = Path(config.engine.data_dir, "web/master.key")
    file.write_text("ab" * 32)
    with pytest.raises(ConfigError, match=r"its secrets were sealed with another web/master\.key"):
        KeyStore(config)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"readable by others \(mode 0640\)"):
        KeyStore(config)
    file.chmod(0o600)
    file.write_text("ab")
    with pytest.raises(ConfigError, match="not a master key"):
        KeyStore(config)


def test_a_sealed_secret_is_of_use_in_its_own_row_only(tmp_path: Path) -> None:
    master = master_key(str(tmp_path))
    sealed = master.seal(b"secret", "a")
    assert master_key(str(tmp_path)).unseal(sealed, "a") == b"secret"
    for changed, key_id in ((sealed, "b"), (sealed[:-1] + b"\0", "a"), (sealed[:5], "a"), (b"", "a")):
        with pytest.raises(StoreDamaged):
            master.unseal(changed, key_id)


def test_networks_are_what_they_say() -> None:
    key_wish = wish("alice", ["read"], ["10.1.0.0/16", "192.168.1.7", "2001:db8::/32"])
    assert [str(network) for network in key_wish.networks] == [
        "10.1.0.0/16",
        "192.168.1.7/32",
        "2001:db8::/32",
    ]
    for text in ("10.1.0.1/16", "10.1", "somewhere", "10.0.0.0/33", ""):
        with pytest.raises(KeyRefused, match="addresses: "):
            wish("alice", ["read"], [text])
    with pytest.raises(KeyRefused, match="at most 20 for one key"):
        wish("alice", ["read"], ["10.0.0.1"] * (limits.NETWORKS_MAX + 1))


def test_without_a_store_no_key_is_good(tmp_path: Path) -> None:
    settings = Config(engine=Engine(data_dir=str(tmp_path)))

    async def ask_for_ever(book: KeyBook, key_id: str) -> None:
        while await book.key(key_id):
            await asyncio.sleep(0)

    async def ask_until_there(book: KeyBook, key_id: str) -> Key | None:
        while True:
            try:
                return await book.key(key_id)
            except Refusal:
                await asyncio.sleep(0)

    async def run() -> None:
        with closing(KeyStore(settings)) as store:
            key, _ = store.create(wish("alice", ["read"]))
            book = KeyBook(store)
            await book.open()
            try:
                assert await book.key(key.key_id) == key
                with closing(sqlite3.connect(tmp_path / "web" / "keys.db")) as database:
                    database.execute("ALTER TABLE keys RENAME TO lost")
                with pytest.raises(Refusal) as refused:
                    await asyncio.wait_for(ask_for_ever(book, key.key_id), 10)
                assert (refused.value.code, refused.value.status) == (UNREACHABLE, 503)
                with closing(sqlite3.connect(tmp_path / "web" / "keys.db")) as database:
                    database.execute("ALTER TABLE lost RENAME TO keys")
                # A look that began before may still end without it.
                assert await asyncio.wait_for(ask_until_there(book, key.key_id), 10) == key
            finally:
                await book.close()

    asyncio.run(run())


def test_all_who_ask_at_once_for_what_is_not_known_share_a_look(store: KeyStore) -> None:
    looks = 0
    changes = store.changes

    def counted(after: int) -> tuple[int, list[limits.Key]]:
        nonlocal looks
        looks += 1
        return changes(after)

    store.changes = counted  # type: ignore[method-assign]  # only to count

    async def run() -> None:
        book = KeyBook(store)
        await book.open()
        try:
            key, _ = store.create(wish("alice", ["read"]))
            answers = await asyncio.gather(*(book.key(key.key_id) for _ in range(100)))
            assert answers == [key] * 100
        finally:
            await book.close()

    asyncio.run(run())
    assert looks <= 4
