"""A recorded file is read alike whether it is packed or not; damage is one line."""

import gzip
import lzma
from pathlib import Path

import pytest

from bus.errors import BadFlow
from tools.replay.source import LINE_BYTES_MAX, count_lines, lines

TEXT = "one\ntwo\r\n\nfour"
LINES = [(1, "one"), (2, "two"), (3, ""), (4, "four")]


def test_plain_gzip_and_xz_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    file = tmp_path / "flow.csv"
    for packed in (TEXT.encode(), gzip.compress(TEXT.encode()), lzma.compress(TEXT.encode())):
        file.write_bytes(packed)
        assert list(lines(file)) == LINES
        assert count_lines(file) == 4


def test_the_mark_in_front_of_a_spreadsheets_text_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "flow.csv").write_bytes(b"\xef\xbb\xbftime\n")
    assert list(lines(tmp_path / "flow.csv")) == [(1, "time")]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "flow.csv").touch()
    assert count_lines(tmp_path / "flow.csv") == 0


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], ": cannot be read behind line "),
        (lzma.compress(TEXT.encode() * 99)[:-40], ": cannot be read behind line "),
        (b"fine\n\xff\xfe\n", ":2: not UTF-8"),
        (b"fine\n" + b"x" * (LINE_BYTES_MAX + 1), f":2: the line is longer than {LINE_BYTES_MAX} bytes"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "flow"
    file.write_bytes(content)
    with pytest.raises(BadFlow) as refusal:
        count_lines(file)
    assert str(refusal.value).startswith(f"{file}{what}")
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadFlow, match="nowhere: cannot be read behind line 0: No such file or directory"):
        count_lines(tmp_path / "nowhere")
