"""The README's Python trades, its links lead somewhere, and its two commands stand as they are."""

import re
import subprocess
import sys
from pathlib import Path

from bus.sockets.client import Client
from tests.support.processes import Processes, processes

__all__ = ["processes"]

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_two_commands_stand_as_they_are() -> None:
    assert blocks("sh") == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/matchbus up --demo\n",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest\n",
    ]


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
    pages = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
    assert [page for page in pages if page not in links] == []


def test_ten_lines_of_python_trade(tmp_path: Path, processes: Processes) -> None:
    processes.engine(tmp_path)
    token = (tmp_path / "token").read_text().strip()
    with Client(port_base=processes.port_base, account="house", role="operator", token=token) as house:
        house.define_instrument(
            "BTC-USD",
            "BTC",
            "USD",
            tick="0.1",
            lot="0.0001",
            price_min="0.1",
            price_max="1000000",
            quantity_min="0.0001",
            quantity_max="1000",
        ).result()
    (source,) = blocks("python")
    assert len(source.splitlines()) <= 10
    here = source.replace("Client(", f"Client(port_base={processes.port_base}, ")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", here],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert (
        re.findall(r"^\w+", done.stdout, re.MULTILINE)
        == "Accepted Accepted Accepted Filled Cancelled".split()
    )
    assert "quantity_lots=3000, cumulative_lots=2000" in done.stdout
