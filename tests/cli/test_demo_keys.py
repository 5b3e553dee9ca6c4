"""The keys that visitors of the demo find: in one file, for its owner alone, and as good as before after a restart."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bus.config import Config, Engine
from tools.up.demo_keys import demo_keys
from web.guard.store import KeyStore


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of an exchange in a directory of its own."""
    return Config(engine=Engine(data_dir=str(tmp_path / "data")))


def written(config: Config) -> list[dict[str, Any]]:
    """What stands in the file, which is made or renewed."""
    file = demo_keys(config)
    assert file == Path(config.engine.data_dir, "demo-keys.json")
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert sorted(path.name for path in file.parent.iterdir()) == ["demo-keys.json", "web"]
    entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    assert [list(entry) for entry in entries] == [["account", "key", "secret"]] * 3
    return entries


def test_each_demo_account_has_a_key_that_reads_and_trades(config: Config) -> None:
    entries = written(config)
    assert [entry["account"] for entry in entries] == ["demo", "demo-2", "demo-3"]
    with closing(KeyStore(config)) as store:
        keys = store.of_account(None)
    assert [(key.account, key.key_id, key.material.decode()) for key in keys] == [
        (entry["account"], entry["key"], entry["secret"]) for entry in entries
    ]
    assert all(key.scopes == {"read", "trade"} for key in keys)


def test_what_is_still_good_stays(config: Config) -> None:
    first = written(config)
    assert written(config) == first
    with closing(KeyStore(config)) as store:
        store.revoke(first[1]["key"])
    second = written(config)
    assert (second[0], second[2]) == (first[0], first[2])
    assert second[1]["account"] == "demo-2"
    assert second[1]["key"] != first[1]["key"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"account": "demo", "key": "a", "secret": "b"}]'])
def test_a_file_of_something_else_is_written_anew(config: Config, text: str) -> None:
    Path(config.engine.data_dir).mkdir()
    file = Path(config.engine.data_dir, "demo-keys.json")
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)
    with closing(KeyStore(config)) as store:
        entries = written(config)
        assert [key.key_id for key in store.of_account(None)] == [entry["key"] for entry in entries]
