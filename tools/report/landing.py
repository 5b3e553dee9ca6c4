"""Where a report comes to stand: whole or not at all, and over nothing but an earlier one of the same days.

A folder has `report.json`, which says what is in it and is written last: where it is, all the rest is. Files are
written beside, synced and renamed. A page that is a file of its own says in its head of which days it is.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from bus.errors import MatchbusError, NotWritten, WouldOverwrite

MARKER: Final = "report.json"
#: How names begin of what is not whole yet.
_BESIDE: Final = ".report-"
#: With more files than that everything is synced at once: one by one they take minutes.
_SYNCED_ALONE_MAX: Final = 100
#: How much of a page is looked at for what it says of itself.
_HEAD_BYTES: Final = 4096


class Marker(msgspec.Struct, frozen=True):
    """What `report.json` says. Of one period and account there is one report; a later one takes its place.

    `account`: "" for all of them, `group:NAME` for those of a group.

    `begin` and `end`: engine time, the end of the last command when the last day is not over. `rows`: by table.
    """

    first_day: str
    last_day: str
    account: str
    is_over: bool
    begin: str
    end: str
    first_sequence: int
    last_sequence: int
    clearing: str
    positions_since_start: bool
    rows: dict[str, int]
    files: list[str]

    @property
    def of_what(self) -> tuple[str, str, str]:
        """Two reports of the same are versions of one."""
        return (self.first_day, self.last_day, self.account)


def check_folder(folder: Path, of_what: tuple[str, str, str]) -> None:
    """WouldOverwrite when a folder has anything but a report of the same."""
    try:
        if not folder.is_dir():
            if os.path.lexists(folder):
                raise WouldOverwrite(f"{folder}: there is a file of this name; name a folder")
            return
        if all(
            path.name.startswith(_BESIDE) for path in folder.iterdir()
        ):  # what a kill has left, or nothing
            return
        marker = _marker(folder)
    except OSError as error:
        raise NotWritten(f"{folder}: cannot be read: {error.strerror or error}") from None
    if marker is None:
        raise WouldOverwrite(f"{folder}: there is something else in it; name a new or an empty folder")
    if marker.of_what != of_what:
        raise WouldOverwrite(
            f"{folder}: there is a report of {_words(marker.of_what)} in it; name another folder"
        )


def check_file(file: Path, of_what: tuple[str, str, str]) -> None:
    """The same of a page that is a file."""
    try:
        if not os.path.lexists(file):
            return
        if not file.is_file():
            raise WouldOverwrite(f"{file}: it is no file")
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError as error:
        raise NotWritten(f"{file}: cannot be read: {error.strerror or error}") from None
    if page_mark(of_what).encode() not in head:
        raise WouldOverwrite(f"{file}: it is no report of {_words(of_what)}; name another file")


def page_mark(of_what: tuple[str, str, str]) -> str:
    """What a page says in its head about what it is."""
    return f'<meta name="matchbus-report" content="{" ".join(of_what).strip()}">'


def land_folder(folder: Path, marker: Marker, write: Callable[[Path], list[str]]) -> None:
    """Write files and put them into a folder. `write` gets an empty folder and gives the names of what it wrote there.

    `marker`: `files` is set here. NotWritten when the disk does not take it; what was there before is there still.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        is_new = not folder.exists()
        # On the same disk, so that renaming is all that is left to do. Inside, where that is there: it may be a mount.
        beside = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=folder.parent if is_new else folder))
    except OSError as error:
        raise _not_written(folder, error) from None
    try:
        beside.chmod(0o777 & ~_umask())
        files = sorted(write(beside))
        (beside / MARKER).write_bytes(
            msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(marker, files=files))) + b"\n"
        )
        if len(files) > _SYNCED_ALONE_MAX:
            os.sync()
        else:
            for path in (*beside.rglob("*"), beside):
                _sync(path)
        if is_new:
            beside.rename(folder)
        else:
            _replace(folder, beside, files)
        _sync(folder.parent)
    except OSError as error:
        raise _not_written(folder, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def land_file(file: Path, write: Callable[[Path], object]) -> None:
    """The same of one file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=file.parent)
        os.close(handle)
    except OSError as error:
        raise _not_written(file, error) from None
    beside = Path(name)
    try:
        beside.chmod(0o666 & ~_umask())
        write(beside)
        _sync(beside)
        beside.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise _not_written(file, error) from None
    finally:
        beside.unlink(missing_ok=True)


def _replace(folder: Path, beside: Path, files: list[str]) -> None:
    """What is beside takes the place of what is in the folder; its marker goes first and comes last."""
    old = _marker(folder)
    (folder / MARKER).unlink(missing_ok=True)
    for name in files:
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        (beside / name).replace(place)
    for name in () if old is None else old.files:
        # Never beyond the folder, whatever a marker says that somebody else wrote.
        if name not in files and ".." not in Path(name).parts and not Path(name).is_absolute():
            (folder / name).unlink(missing_ok=True)
    _sync(folder)
    (beside / MARKER).replace(folder / MARKER)
    _sync(folder)


def _marker(folder: Path) -> Marker | None:
    """What is said to be in a folder; None when nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode((folder / MARKER).read_bytes(), type=Marker)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _words(of_what: tuple[str, str, str]) -> str:
    first, last, account = of_what
    days = first if first == last else f"{first} to {last}"
    return f"{account} on {days}" if account else days


def _sync(path: Path) -> None:
    handle: Any = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _not_written(path: Path, error: OSError) -> MatchbusError:
    return NotWritten(f"{path}: cannot be written: {error.strerror or error}")
