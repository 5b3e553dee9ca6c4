"""The command line itself: what `matchbus version` shows, and how a failure leaves the process."""

import platform
import subprocess
import sys

import pytest
import zmq

from bus.errors import ConfigError
from matcher import engine
from tools import __main__ as command_line


def matchbus(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process."""
    command = [sys.executable, "-m", "tools", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_version_shows_what_runs_here() -> None:
    done = matchbus("version")
    assert (done.returncode, done.stderr) == (0, "")
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert {name: value.strip() for name, value in shown.items()} == {
        "matchbus": "0.1.0",
        "core": "python" if engine.__file__.endswith(".py") else "compiled",
        "python": f"CPython {platform.python_version()}",
        "libzmq": f"{zmq.zmq_version()} (pyzmq {zmq.__version__})",
        "platform": platform.platform(),
    }


def test_a_verb_that_does_not_exist_is_refused() -> None:
    done = matchbus("trade")
    assert done.returncode == 2
    assert "No such command 'trade'" in done.stderr


def test_a_foreseen_failure_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing_verb() -> None:
        raise ConfigError("x.toml: engine.host = 'y': no")

    monkeypatch.setattr(command_line, "app", failing_verb)
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "matchbus: x.toml: engine.host = 'y': no\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_verb() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command_line, "app", broken_verb)
    with pytest.raises(ZeroDivisionError):
        command_line.main()
