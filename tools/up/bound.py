"""The command line of a process that must not outlive the one that started it.

    python -m tools.up.bound PARENT VERB ...

Linux sends a child SIGTERM when the thread that started it is gone, however it went (`PR_SET_PDEATHSIG`): no pipe to
watch, nothing that an engine busy with recovery could miss. Called by `child` only.
"""

import ctypes
import os
import signal
import sys
from typing import Final

from tools.__main__ import main

_PR_SET_PDEATHSIG: Final = 1


def bind_to(parent: int) -> None:
    """From now on this process gets SIGTERM when its parent ends; ends at once when that has happened already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit(f"matchbus: process {parent}, which started this one, is gone")


if __name__ == "__main__":
    bind_to(int(sys.argv[1]))
    del sys.argv[1]
    main()
