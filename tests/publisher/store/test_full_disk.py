"""A disk that takes no more: a real process, and the kernel refuses its writes.

Behind what a limit of the process allows each write fails with EFBIG, as it fails with ENOSPC on a disk that is full.
"""

import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from publisher.store.store import Store
from tests.support.stored import ids, stored_progress, stored_trades

ROOT = Path(__file__).parents[3]


def test_a_full_disk_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "market.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_process", f"sqlite:///{file}", "BTC-USD"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stdout.readline(), process.stderr.read()
        wanted, _ = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        line = process.stderr.readline()
        assert line.startswith("degraded"), line
        assert str(file) in line
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wanted, resource.RLIM_INFINITY))
        assert process.stderr.readline() == "ok \n"
        told = 0
        for _ in range(50):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            told = int(line.split("=")[-1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    with closing(Store(f"sqlite:///{file}", "")) as store:
        at = stored_progress(store)
        assert at is not None
        assert at.trade_number >= told
        assert ids(stored_trades(store)) == list(range(1, at.trade_number + 1))
