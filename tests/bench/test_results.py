"""How a result is shown and kept: the file of results, and a file that cannot be one."""

from pathlib import Path

import msgspec
import pytest

from bus.errors import ConfigError
from tools.bench import results


def test_results_are_appended_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.jsonl"
    for figure in (1, 2):
        results.show("book", {"figure": figure}, [], [], as_json=True, out=out)
    lines = [msgspec.json.decode(line) for line in out.read_bytes().splitlines()]
    assert [(line["bench"], line["figure"]) for line in lines] == [("book", 1), ("book", 2)]
    assert all({"at", "machine"} <= set(line) for line in lines)
    assert [set(msgspec.json.decode(line)) for line in capsys.readouterr().out.splitlines()] == [
        {"figure", "machine"},
        {"figure", "machine"},
    ]


def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^--out {tmp_path}: cannot be written: Is a directory$"):
        results.show("core", {}, [], [], as_json=True, out=tmp_path)
