"""A real engine in a process of its own, on free ports."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SERVE: Final = """
import sys
from bus.config_loading import load_config
from bus.errors import AddressInUse
from tools.engine import serve
data, port_base, clock = sys.argv[1:]
try:
    serve(load_config(None, {}, {
        "engine.data_dir": data, "engine.port_base": int(port_base), "engine.clock": clock,
        "engine.sync": "os", "engine.segment_bytes": 4_194_304, "feed.heartbeat_interval_ms": 100,
    }))
except AddressInUse:
    print("taken", flush=True)
"""
#: Below the ports that the system gives away by itself.
_PORT_BASES: Final = range(20_011, 30_000, 50)


@contextlib.contextmanager
def running(data: Path, clock: str = "commands") -> Iterator[int]:
    """An engine that is ready; its port base."""
    for port_base in _PORT_BASES:
        with subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(data), str(port_base), clock],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                if said == "taken\n":
                    continue
                assert said.startswith("ready "), said
                yield port_base
            finally:
                process.terminate()
            return
    raise AssertionError("no free ports")
