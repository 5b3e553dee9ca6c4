"""The audit log: never larger than is set, nothing lost between instances, and others may move it away."""

import fcntl
import json
import os
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from web.guard.audit import FILE, FILES_KEPT, Audit

#: So far apart that none is left out for being too many.
STEP_NS = 10**9


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def all_files(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(
        folder.glob(f"{FILE}*"), key=lambda path: -int(path.suffix[1:]) if path.suffix != ".log" else 0
    )


def test_a_full_one_steps_back_and_the_oldest_goes(tmp_path: Path) -> None:
    with closing(Audit(str(tmp_path), 2_000)) as audit:
        for number in range(1_000):
            audit.say("scan", number * STEP_NS, number=number, path="/x" * 500)
    files = all_files(tmp_path)
    assert [path.name for path in files] == [
        *(f"audit.log.{number}" for number in range(FILES_KEPT, 0, -1)),
        "audit.log",
    ]
    assert all(path.stat().st_size <= 2_000 + 400 and path.stat().st_mode & 0o777 == 0o600 for path in files)
    numbers = [line["number"] for path in files for line in lines(path)]
    assert numbers == list(range(numbers[0], 1_000))
    assert 0 < numbers[0] < 1_000 - 4 * 7


def test_instances_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(audit: Audit, who: str) -> None:
        for number in range(1_000):
            audit.say("scan", number * STEP_NS, who=who, number=number)

    with ExitStack() as stack:
        names = ("one", "two", "three")
        writers = [
            threading.Thread(
                target=write, args=(stack.enter_context(closing(Audit(str(tmp_path), 70_000))), who)
            )
            for who in names
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    files = all_files(tmp_path)
    assert len(files) > 2
    found = [line for path in files for line in lines(path)]
    for who in names:
        assert sorted(line["number"] for line in found if line["who"] == who) == list(range(1_000))


def test_of_two_that_find_it_full_one_steps_it_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        audits = [stack.enter_context(closing(Audit(str(tmp_path), 100))) for _ in range(2)]
        audits[0].say("scan", 0, path="/x" * 100)
        writers = [
            threading.Thread(target=audit.say, args=("scan", STEP_NS), kwargs={"number": number})
            for number, audit in enumerate(audits)
        ]
        directory = os.open(tmp_path / "web", os.O_RDONLY)
        stack.callback(os.close, directory)
        fcntl.flock(directory, fcntl.LOCK_EX)
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(0.1)
            assert writer.is_alive(), "it waits for whoever changes names"
        fcntl.flock(directory, fcntl.LOCK_UN)
        for writer in writers:
            writer.join()
    assert [path.name for path in all_files(tmp_path)] == ["audit.log.1", "audit.log"]
    assert sorted(line["number"] for line in lines(tmp_path / FILE)) == [0, 1]


def test_who_moves_it_away_tells_nobody(tmp_path: Path) -> None:
    with closing(Audit(str(tmp_path), 2**20)) as audit:
        audit.say("scan", 0, number=1)
        (tmp_path / FILE).rename(tmp_path / "moved")
        audit.say("scan", STEP_NS, number=2)
        (tmp_path / FILE).unlink()
        audit.say("scan", 2 * STEP_NS, number=3)
    assert [line["number"] for line in lines(tmp_path / "moved")] == [1]
    assert [line["number"] for line in lines(tmp_path / FILE)] == [3]


def test_what_cannot_be_written_fails_nobody_and_is_written_again(tmp_path: Path) -> None:
    with closing(Audit(str(tmp_path), 2**20)) as audit:
        (tmp_path / "web").rename(tmp_path / "gone")
        for number in range(3):
            audit.say("scan", number * STEP_NS, number=number)
        (tmp_path / "gone").rename(tmp_path / "web")
        audit.say("scan", 5 * STEP_NS, number=5)
    assert [line["number"] for line in lines(tmp_path / FILE)] == [5]
