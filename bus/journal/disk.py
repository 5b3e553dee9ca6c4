"""The disk, as far as the journal needs one: the seam where tests put a simulated one.

The rule guarded here: every byte of the log and of the checkpoints passes through this class, so that a test
can lose, tear or refuse any of them. It has no opinions: what fails is an `OSError`, judged by the caller.
"""

import os


class Disk:
    """The real file system. A handle is a file descriptor; offsets and lengths are in bytes."""

    def create(self, path: str) -> int:
        """Create a file for reading and writing, empty also if it was there before; the handle."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def open(self, path: str, *, writable: bool = False) -> int:
        """Open a file that exists; the handle."""
        return os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)

    def close(self, handle: int) -> None:
        """Close the handle; says nothing about what is durable."""
        os.close(handle)

    def size(self, handle: int) -> int:
        """The length of the file."""
        return os.fstat(handle).st_size

    def read(self, handle: int, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only where the file ends."""
        data = os.pread(handle, length, offset)
        if len(data) == length or not data:
            return data
        parts = [data]
        got = len(data)
        while got < length and (data := os.pread(handle, length - got, offset + got)):
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`. After an error any part of it may have been written."""
        done = os.pwrite(handle, data, offset)
        while done < len(data):  # a short write is no failure yet: what stopped it shows in the next call
            done += os.pwrite(handle, data[done:], offset + done)

    def datasync(self, handle: int) -> None:
        """Return when the bytes of the file, and a length needed to read them, are on stable storage."""
        os.fdatasync(handle)

    def sync_directory(self, path: str) -> None:
        """Return when the names in this directory are on stable storage."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, old_path: str, new_path: str) -> None:
        """Give a file another name; a file that had that name is gone, at no time are there two or none."""
        os.rename(old_path, new_path)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(os.listdir(directory))

    def random(self, length: int) -> bytes:
        """Bytes that nobody outside can guess."""
        return os.urandom(length)
