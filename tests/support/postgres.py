"""A real PostgreSQL server of the tests' own: on a free loopback port, in a temporary directory, once a session.

    def test_it(postgres_url: str) -> None: ...                   # a fresh, empty database
    def test_outage(postgres_server: PostgresServer) -> None: ... # `stop` and `start` it; it runs again behind the test

Where no server is installed the tests that need one are skipped with that reason. The server promises nothing about
a loss of power (`fsync = off`); everything else is as it is in earnest.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.ports import free_port_base

USER: Final = "matchbus"
#: Two noisy cores and a whole test suite; otherwise well under a second.
START_S: Final = 60
#: A port that was free a moment ago may be taken by now.
_PORTS_TRIED: Final = 3
#: Ends a server and removes its directory when its own input ends, which it does however the test run ends.
_WATCH: Final = """
read -r _
if pid=$(head -n 1 "$1/data/postmaster.pid"); then
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.1; done
fi
rm -rf "$1"
"""
#: Where Debian puts the servers, a directory a version; they are not on the path.
_DEBIAN: Final = Path("/usr/lib/postgresql")


def server_binaries() -> Path | None:
    """The directory of the newest server that is installed, or None."""
    found = [path.parent for path in _DEBIAN.glob("*/bin/initdb") if path.parent.parent.name.isdigit()]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgresServer:
    """One server. `start` it before anything else, `close` it at the end."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._directory = Path(tempfile.mkdtemp(prefix="matchbus-postgres-"))
        self._schemas = 0
        self._watch = subprocess.Popen(
            ["sh", "-c", _WATCH, "sh", str(self._directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.port = 0
        # The server refuses to run as root; Debian's package brings a user for it.
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._directory, owner.pw_uid, owner.pw_gid)
            self._as_user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        words = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *words)

    def start(self) -> None:
        """Start it and wait until it takes connections; at the first start on a port that is free."""
        for _ in range(_PORTS_TRIED):
            port = self.port or free_port_base()
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
            try:
                log = str(self._directory / "log")
                self._run("pg_ctl", "start", "--wait", f"--timeout={START_S}", f"--log={log}", "-o", options)
            except AssertionError:
                if self.port:
                    raise
                continue
            self.port = port
            return
        log_text = (self._directory / "log").read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"PostgreSQL did not start: {log_text}")

    def stop(self, mode: str = "fast") -> None:
        """End it and wait for its end. `immediate` is a crash: it recovers from its log at the next start."""
        self._run("pg_ctl", "stop", "--wait", f"--timeout={START_S}", f"--mode={mode}")

    def running(self) -> bool:
        """Whether it runs."""
        return self._status("pg_ctl", "status").returncode == 0

    def fresh_url(self) -> str:
        """The address of a new schema: empty, and all that whoever connects to it sees. A database would take 0.3 s."""
        psycopg = pytest.importorskip("psycopg")
        self._schemas += 1
        name = f"test_{self._schemas}"
        address = f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"
        with contextlib.closing(psycopg.connect(address, autocommit=True)) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{address}?options=-csearch_path%3D{name}"

    def close(self) -> None:
        """End it if it runs, and remove what it wrote."""
        if self.running():
            self.stop("immediate")
        shutil.rmtree(self._directory)
        # There is nothing left for it to do.
        self._watch.communicate()

    def _run(self, program: str, *words: str) -> None:
        done = self._status(program, *words)
        assert done.returncode == 0, f"{program} {words}: {done.stdout}"

    def _status(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        # Its output goes to a file: the server inherits it, and a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            done = subprocess.run(
                [self._binaries / program, "--pgdata", str(self._directory / "data"), *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd=self._directory,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                **self._as_user,
            )
            output.seek(0)
            done.stdout = output.read()
        return done


@pytest.fixture(scope="session")
def postgres_session() -> Iterator[PostgresServer]:
    """The session's server. To be named in the `__all__` of a conftest, with the two below."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    with contextlib.closing(PostgresServer(binaries)) as server:
        server.start()
        yield server


@pytest.fixture
def postgres_server(postgres_session: PostgresServer) -> Iterator[PostgresServer]:
    """The server, for tests that stop it. Behind them it runs again."""
    yield postgres_session
    if not postgres_session.running():
        postgres_session.start()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The address of what behaves as a fresh, empty database."""
    return postgres_server.fresh_url()
