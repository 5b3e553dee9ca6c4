"""A real engine in a process of its own, on free ports, with a data directory that outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from bus.journal.directory import read_token
from bus.protocol.reports import Completed
from bus.sockets.client import Client
from tests.support.ports import free_port_base

_SERVE = """
import msgspec, sys
from bus.config import Config
from tools.engine import serve
serve(msgspec.json.decode(sys.argv[1], type=Config))
"""
_ROOT = Path(__file__).parents[2]


class RealEngine:
    """`start`, then `kill` (no warning) or `stop` (in good order), then perhaps `start` again on the same ports."""

    def __init__(self, data_dir: Path, **settings: Mapping[str, object]) -> None:
        self.data_dir = data_dir
        self.port_base = 0
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "RealEngine":
        """Returns when it is ready. Ports are chosen at the first start."""
        self.port_base = self.port_base or free_port_base()
        self._process = process = self._launched()
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            self._process = None
            raise AssertionError(f"the engine did not start: {line}{process.communicate()[1]}")
        return self

    def kill(self) -> None:
        """As if the process had crashed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In good order; it must have gone well."""
        assert self._end(signal.SIGTERM) == 0

    def pause(self) -> None:
        """It says and hears nothing, and its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def token(self) -> str:
        """What operators and brokers show."""
        return read_token(str(self.data_dir))

    def __enter__(self) -> "RealEngine":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._end(signal.SIGKILL)

    def _launched(self) -> subprocess.Popen[str]:
        settings = {name: dict(values) for name, values in self._settings.items()}
        engine = {"data_dir": str(self.data_dir), "port_base": self.port_base, "segment_bytes": 1_048_576}
        settings["engine"] = {**engine, **settings.get("engine", {})}
        return subprocess.Popen(
            [sys.executable, "-c", _SERVE, msgspec.json.encode(settings).decode()],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _end(self, number: int) -> int:
        process = self._process
        assert process is not None
        self._process = None
        process.send_signal(number)
        if number != signal.SIGKILL:
            process.send_signal(signal.SIGCONT)
        process.communicate(timeout=30)
        return process.returncode


def define(engine: RealEngine, *symbols: str) -> None:
    """Instruments with a tick of 0.01 and a lot of 0.001."""
    with Client(
        port_base=engine.port_base, account="operator", role="operator", token=engine.token
    ) as operator:
        define_on(operator, *symbols)


def define_on(operator: Client, *symbols: str) -> None:
    """The same by an operator who is there."""
    for symbol in symbols:
        answer = operator.define_instrument(
            symbol,
            "BTC",
            "USD",
            tick="0.01",
            lot="0.001",
            price_min="0.01",
            price_max="1000000",
            quantity_min="0.001",
            quantity_max="1000",
        ).result()
        assert isinstance(answer, Completed)
