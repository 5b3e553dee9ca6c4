"""The process that walks through old history for a shadow; here log and matcher are wired for it.

    python -m tools.walker PARENT DIRECTORY RING_EVENTS

Reads requests from its standard input, writes answers to its standard output (`bus.replication.walk_protocol`), ends
with the process that started it. Run by `tools.shadow` alone.
"""

import os
import signal
import sys

from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.replication.walks import Walks, serve
from tools.shadow import make_core
from tools.tuning import relax_garbage_collector
from tools.up.bound import bind_to

#: Behind the shadow, whose own niceness it has already: who asks for old history knows that it takes its time.
_NICE = 5


def main(parent: int, directory: str, feed_ring_events_max: int) -> None:
    """Answer until nobody asks any more."""
    bind_to(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shadow, which ends this process
    os.nice(_NICE)
    relax_garbage_collector()
    disk = Disk()
    walks = Walks(disk, directory, CheckpointStore(directory, disk), make_core, feed_ring_events_max)
    serve(sys.stdin.buffer, sys.stdout.buffer, walks)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
