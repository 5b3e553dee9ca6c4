"""Two engines never write one history, and the token is for its owner alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.errors import ConfigError, DataDirectoryHeld
from bus.journal.directory import DataDirectory, read_token

HOLDER = """
import sys
from bus.journal.directory import DataDirectory
held = DataDirectory.hold(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    held = DataDirectory.hold(str(tmp_path / "a" / "data"))
    assert mode(tmp_path / "a" / "data") == 0o700
    assert (tmp_path / "a" / "data" / "lock").read_text() == f"{os.getpid()}\n"
    held.close()
    held.close()


def test_it_is_held_by_one_process_until_that_ends(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(
            DataDirectoryHeld, match=f"{tmp_path}: held by process {holder.pid}, stop that one first"
        ):
            DataDirectory.hold(str(tmp_path))
        holder.kill()
        holder.wait()
        DataDirectory.hold(str(tmp_path)).close()
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_the_lock_is_not_left_to_children(tmp_path: Path) -> None:
    held = DataDirectory.hold(str(tmp_path))
    waiting = [sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()"]
    child = subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
    try:
        # What a child is not to have is closed while its program starts, so it must have started.
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        held.close()
        DataDirectory.hold(str(tmp_path)).close()
    finally:
        child.communicate(b"")


def test_the_token_is_made_once(tmp_path: Path) -> None:
    held = DataDirectory.hold(str(tmp_path))
    token = held.token()
    assert len(bytes.fromhex(token)) == 32
    assert mode(tmp_path / "token") == 0o600
    assert (held.token(), read_token(str(tmp_path))) == (token, token)
    held.close()
    held = DataDirectory.hold(str(tmp_path))
    assert held.token() == token
    held.close()


def test_there_is_no_token_where_no_engine_ran(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_token(str(tmp_path))


def test_a_token_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    held = DataDirectory.hold(str(tmp_path))
    held.token()
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(ConfigError, match=r"readable by others \(mode 0644\)"):
        held.token()
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "token").write_text("secret\n")
    with pytest.raises(ConfigError, match="not a token"):
        held.token()
    held.close()


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used as data directory"):
        DataDirectory.hold(str(tmp_path / "file"))
