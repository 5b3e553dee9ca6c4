"""One recovery in a fresh process, timed from the opening of the journal to the engine that could be used.

Its memory is read before and after, when what the recovery needed by itself has been given back.

    python -m tools.bench.rerun DIRECTORY

Run by `recovery` and `accounts`; it says `ready` with seconds and bytes. The steps are those of `tools.engine.serve`.
"""

import gc
import os
import sys
import time

from bus.config import Config, Engine
from bus.journal.directory import DataDirectory
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from tools.bench.machine import resident_bytes
from tools.engine import recover_engine


def main(data: str) -> None:
    """Recover once."""
    config = Config(engine=Engine(data_dir=data))
    directory = DataDirectory.hold(data)
    before = resident_bytes(os.getpid())
    start = time.perf_counter()
    disk = Disk()
    journal = Journal.open(
        data, policy=config.engine.sync, segment_bytes=config.engine.segment_bytes, disk=disk
    )
    recovery = recover_engine(config, journal, disk)
    seconds = time.perf_counter() - start
    gc.collect()
    grown = resident_bytes(os.getpid()) - before
    print(f"ready seconds={seconds:.4f} replayed={recovery.replayed} grown_bytes={grown}", flush=True)
    journal.close()
    directory.close()


if __name__ == "__main__":
    main(sys.argv[1])
