"""docs/examples: each of them is run as a reader would run it, against a real venue, and does what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import LINE_S
from tests.support.venue import Venue

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
LINES_MAX = 60


@pytest.fixture(scope="module")
def keys(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of keys as `matchbus up --demo` writes it."""
    made = [venue.key(account, "read", "trade") for account in ("bob", "carol")]
    file = tmp_path_factory.mktemp("keys") / "demo-keys.json"
    rows = [{"account": key.account, "key": key.key_id, "secret": key.secret} for key in made]
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


def run(name: str, *words: object) -> str:
    """What an example prints."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=2 * LINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_the_client_over_zeromq(venue: Venue) -> None:
    said = run("client_zeromq.py", "BTC-USD", "0.5", "50", venue.port_base)
    assert re.search(r"answer: Accepted\(.*\nopen: \d+ 0.500 left\ncancel: Cancelled\(", said)
    assert [line.split()[1] for line in said.splitlines()[-2:]] == ["Accepted", "Cancelled"]


def test_the_client_over_rest(venue: Venue, keys: Path) -> None:
    said = run("client_web.py", f"127.0.0.1:{venue.web_port}", keys, "BTC-USD", "0.5", "50")
    assert re.fullmatch(
        r"best: .*\nentered: \d+ open at sequence \d+\nasked: open 0.500 left\ncancelled: cancelled at sequence \d+\n",
        said,
    )


def test_the_simulation_over_zeromq(venue: Venue) -> None:
    said = run("simulation_zeromq.py", "BTC-USD", "3000", "20", venue.port_base)
    fills = re.match(r"(\d+) fills, position -?\d+\.\d{3}, result -?\d+\.\d{5}\n", said)
    assert fills is not None, said
    assert int(fills[1]) == 20  # a trade in each step


def test_the_simulation_over_websocket(venue: Venue, keys: Path) -> None:
    said = run("simulation_web.py", f"127.0.0.1:{venue.web_port}", keys, "BTC-USD", "3000", "0.5", "20")
    fills = re.fullmatch(r"(\d+) executions, position (-?\d+\.\d{3})\n", said)
    assert fills is not None, said
    assert int(fills[1]) > 0
    assert abs(float(fills[2])) <= int(fills[1]) * 0.1 + 1e-9


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.glob("*.py")))
def test_an_example_without_its_words_tells_them(name: str) -> None:
    ended = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"python docs/examples/{name} " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_example_is_longer_than_a_screen_or_untold() -> None:
    readme = (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")
    files = sorted(EXAMPLES.glob("*.py"))
    assert len(files) == 4
    for file in files:
        assert len(file.read_text(encoding="utf-8").splitlines()) < LINES_MAX
        assert f"docs/examples/{file.name}" in readme
