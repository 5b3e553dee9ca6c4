"""A disk in memory that can lose, tear, refuse and delay: the same methods as `bus.journal.disk.Disk`.

What it models: a write reaches the cache at once and the platter only with a sync; a crash keeps what was
synced and any part of the rest; names are durable only after a sync of their directory, and survive in order
(as under a journaling file system); after a failed datasync the cache forgets what it failed to write, so that
a second one succeeds without having saved it.

    disk.crash(seed)            anything of what was not synced survives, also half of a write
    disk.crash_keeping(n)       exactly the first n bytes of what was not synced survive, in order
    disk.space_bytes = n        files may hold n bytes in total, then ENOSPC
    disk.fail_write_at = n      the nth write from now fails (0 is the next one); fail_datasync_at likewise
    disk.hold_datasyncs()       datasyncs of segments wait until release_datasyncs(); `datasync_started` says one waits
"""

import errno
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NoReturn

from bus.journal.disk import Disk

WAIT_SECONDS_MAX = 30.0  # a test that waits longer is stuck


@dataclass
class _Write:
    offset: int
    data: bytes
    order: int  # over all files


@dataclass
class _File:
    cache: bytearray = field(default_factory=bytearray)
    platter: bytearray = field(default_factory=bytearray)
    pending: list[_Write] = field(default_factory=list)


class SimulatedDisk(Disk):
    """See above. Safe for threads. Every directory exists."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._names: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._name_changes: list[tuple[str, str, _File | None]] = []  # directory, path, its file or none
        self._handles: dict[int, _File] = {}
        self._next_handle = 1000
        self._order = 0
        self._released = threading.Event()
        self._released.set()
        self._held_among = ""
        self.datasync_started = threading.Event()
        self.space_bytes: int | None = None
        self.fail_write_at: int | None = None
        self.fail_datasync_at: int | None = None
        self.writes = 0
        self.datasyncs = 0

    # -- the methods of Disk

    def create(self, path: str) -> int:
        with self._lock:
            file = _File()
            self._set_name(path, file)
            return self._handle(file)

    def open(self, path: str, *, writable: bool = False) -> int:  # noqa: ARG002 -- the signature of Disk
        with self._lock:
            if path not in self._names:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return self._handle(self._names[path])

    def close(self, handle: int) -> None:
        with self._lock:
            self._file(handle)
            del self._handles[handle]

    def size(self, handle: int) -> int:
        with self._lock:
            return len(self._file(handle).cache)

    def read(self, handle: int, offset: int, length: int) -> bytes:
        with self._lock:
            return bytes(self._file(handle).cache[offset : offset + length])

    def write(self, handle: int, data: bytes, offset: int) -> None:
        with self._lock:
            self.writes += 1
            file = self._file(handle)
            if self.fail_write_at is not None:
                self.fail_write_at -= 1
                if self.fail_write_at < 0:
                    self._write(file, data[: self._random.randrange(len(data) + 1)], offset)
                    _fail(errno.EIO)
            if self.space_bytes is not None:
                used = sum(len(f.cache) for f in self._names.values())
                room = self.space_bytes - used
                if offset + len(data) - len(file.cache) > room:
                    self._write(file, data[: max(0, len(file.cache) + room - offset)], offset)
                    _fail(errno.ENOSPC)
            self._write(file, data, offset)

    def datasync(self, handle: int) -> None:
        with self._lock:
            self.datasyncs += 1
            file = self._file(handle)
            taken = list(file.pending)
            held = any(f is file and self._held_among in path for path, f in self._names.items())
            fails = False
            if self.fail_datasync_at is not None:
                self.fail_datasync_at -= 1
                fails = self.fail_datasync_at < 0
                if fails:
                    self.fail_datasync_at = None  # the next one succeeds, falsely
        if held:
            self.datasync_started.set()
            assert self._released.wait(WAIT_SECONDS_MAX), "a held datasync was never released"
        with self._lock:
            self._file(handle)
            for write in taken:
                if write in file.pending:
                    file.pending.remove(write)
                    if not fails:
                        _apply(file.platter, write.offset, write.data)
            if fails:
                _fail(errno.EIO)

    def sync_directory(self, path: str) -> None:
        with self._lock:
            kept = []
            for change in self._name_changes:
                if change[0] == path:
                    self._keep_name(change)
                else:
                    kept.append(change)
            self._name_changes = kept

    def rename(self, old_path: str, new_path: str) -> None:
        with self._lock:
            if old_path not in self._names:
                _fail(errno.ENOENT)
            file = self._names[old_path]
            # One change for a crash: both names change or neither does.
            del self._names[old_path]
            self._names[new_path] = file
            self._name_changes.append((_directory(new_path), f"{old_path}\0{new_path}", file))

    def unlink(self, path: str) -> None:
        with self._lock:
            if path not in self._names:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            self._set_name(path, None)

    def names(self, directory: str) -> list[str]:
        with self._lock:
            return sorted(PurePosixPath(p).name for p in self._names if _directory(p) == directory)

    def random(self, length: int) -> bytes:
        with self._lock:
            return self._random.randbytes(length)

    # -- what tests do to it

    def crash(self, seed: int) -> None:
        """Power is lost: any of the unsynced writes survive, whole, torn or not at all. Handles are dead."""

        def survivors(write: _Write) -> list[tuple[int, bytes]]:
            # Not one generator for all: what other threads write must not change what this file loses.
            chance = random.Random(f"{seed} {write.offset} {write.data.hex()}")
            kind = chance.randrange(4)
            if kind == 0:
                return []
            if kind == 1:
                return [(write.offset, write.data)]
            low, high = sorted(chance.randrange(len(write.data) + 1) for _ in range(2))
            if kind == 2:
                return [(write.offset, write.data[:high])]
            return [(write.offset + low, write.data[low:high])]

        with self._lock:
            keep_names = random.Random(seed).randrange(len(self._name_changes) + 1)
            self._crash(survivors, keep_names)

    def crash_keeping(self, length: int, *, among: str = "") -> None:
        """Power is lost: the first `length` unsynced bytes survive in the order of writing; all names do.

        Only files with `among` in their name are counted; of the others everything survives.
        """
        left = length
        counted = {id(w) for path, f in self._names.items() if among in path for w in f.pending}

        def survivors(write: _Write) -> list[tuple[int, bytes]]:
            nonlocal left
            if id(write) not in counted:
                return [(write.offset, write.data)]
            kept = write.data[:left]
            left -= len(kept)
            return [(write.offset, kept)]

        with self._lock:
            self._crash(survivors, len(self._name_changes))

    def unsynced_bytes(self, *, among: str = "") -> int:
        """How many bytes a crash may lose in the files with `among` in their name."""
        with self._lock:
            return sum(len(w.data) for path, f in self._names.items() if among in path for w in f.pending)

    def hold_datasyncs(self, *, among: str = ".mbj") -> None:
        """From now on a datasync waits; what it makes durable is what was written when it began.

        Only of files with `among` in their name: by default of segments in use, not of the next one that is
        being prepared, for which a writer may have to wait itself.
        """
        self._held_among = among
        self.datasync_started.clear()
        self._released.clear()

    def release_datasyncs(self) -> None:
        """Let the waiting ones go on."""
        self._released.set()

    def wait_for_datasync(self) -> None:
        """Return when a datasync has begun since `hold_datasyncs`."""
        assert self.datasync_started.wait(WAIT_SECONDS_MAX), "no datasync began"

    def content(self, path: str) -> bytearray:
        """The bytes of a file as a program would read them; changing them is damage, durable at once."""
        return self._names[path].cache

    def copy(self) -> "SimulatedDisk":
        """The same files, all durable, no handles."""
        with self._lock:
            other = SimulatedDisk(self._random.randrange(2**32))
            for path, file in self._names.items():
                twin = _File(bytearray(file.cache), bytearray(file.cache))
                other._names[path] = other._durable_names[path] = twin
            return other

    # -- inside

    def _handle(self, file: _File) -> int:
        self._next_handle += 1
        self._handles[self._next_handle] = file
        return self._next_handle

    def _file(self, handle: int) -> _File:
        if handle not in self._handles:
            _fail(errno.EBADF)
        return self._handles[handle]

    def _set_name(self, path: str, file: _File | None) -> None:
        if file is None:
            del self._names[path]
        else:
            self._names[path] = file
        self._name_changes.append((_directory(path), path, file))

    def _keep_name(self, change: tuple[str, str, _File | None]) -> None:
        _, path, file = change
        old_path, separator, new_path = path.partition("\0")
        if separator:
            self._durable_names.pop(old_path, None)
            path = new_path
        if file is None:
            self._durable_names.pop(path, None)
        else:
            self._durable_names[path] = file

    def _write(self, file: _File, data: bytes, offset: int) -> None:
        _apply(file.cache, offset, data)
        self._order += 1
        file.pending.append(_Write(offset, bytes(data), self._order))

    def _crash(self, survivors: Callable[[_Write], list[tuple[int, bytes]]], keep_names: int) -> None:
        for change in self._name_changes[:keep_names]:
            self._keep_name(change)
        self._name_changes = []
        self._handles = {}
        files = {id(f): f for f in (*self._names.values(), *self._durable_names.values())}
        writes = [(write, file) for file in files.values() for write in file.pending]
        for write, file in sorted(writes, key=lambda pair: pair[0].order):
            for offset, data in survivors(write):
                if data:
                    _apply(file.platter, offset, data)
        for file in files.values():
            file.pending = []
            file.cache = bytearray(file.platter)
        self._names = dict(self._durable_names)
        self.space_bytes = self.fail_write_at = self.fail_datasync_at = None
        self._released.set()


def _apply(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    content[offset : offset + len(data)] = data


def _directory(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))
