"""What a figure was measured on. A figure without it means nothing."""

import os
import platform
from pathlib import Path

import zmq

from tools.core_kind import core_kind


def machine() -> dict[str, str]:
    """CPU, cores, kernel, Python, libzmq."""
    return {
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libzmq": f"{zmq.zmq_version()} (pyzmq {zmq.__version__})",
    }


def line() -> str:
    """The machine and the core in one line, for people."""
    return (
        ", ".join(
            f"{value} cores" if key == "cores" else f"libzmq {value}" if key == "libzmq" else value
            for key, value in machine().items()
        )
        + f"; core: {core_kind()}"
    )


def resident_bytes(pid: int) -> int:
    """What a process holds in memory (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_ms(pid: int) -> float:
    """How long a process has computed, all its threads together; good to 10 ms."""
    fields = (
        Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _cpu() -> str:
    try:
        for row in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = row.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.machine()
