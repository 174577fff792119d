"""Append large arrays to one file: framed, checksummed, synced before they are indexed.

One frame is a header of 32 bytes (magic, point, length, ordinal within the point, CRC-32 of
these), the array's bytes, a trailer of 8 bytes (CRC-32 of the array, zeros), and zeros up to the
next block; little endian. Behind the last frame of a run that is being written there may be more
zeros. Why blocks and zeros: docs/decisions/0009.
"""

import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
from zlib_ng.zlib_ng import crc32

from labctl.core.errors import StorageError

MAGIC = b"LABFRAME"
HEADER = struct.Struct("<8sqQII")
TRAILER = struct.Struct("<II")
BLOCK_BYTES = 4096
"""Every frame begins on a multiple of this."""

AHEAD_BYTES = 1 << 25
"""How much of the file is claimed at a time."""

_PREFIX = struct.Struct("<8sqQI")

_fdatasync = getattr(os, "fdatasync", os.fsync)
_allocate = getattr(os, "posix_fallocate", None)


def to_block(offset: int) -> int:
    """Return the next offset at which a frame may begin, in bytes."""
    return -(-offset // BLOCK_BYTES) * BLOCK_BYTES


class SegmentWriter:
    """Append arrays to a segment file."""

    def __init__(self, path: Path, end: int) -> None:
        """Open the file, and cut off whatever lies behind the last indexed frame at `end`."""
        self._descriptor = _open(path)
        self._end = self._claimed = to_block(end)
        os.truncate(self._descriptor, self._end)
        os.lseek(self._descriptor, self._end, os.SEEK_SET)
        self._is_dirty = end > 0
        self._buffer = mmap.mmap(-1, BLOCK_BYTES)

    def append(self, point: int, ordinal: int, array: np.ndarray) -> tuple[int, int, int]:
        """Write one array; returns the offset of its bytes, their number and their CRC-32."""
        data = memoryview(array.reshape(-1).view(np.uint8).data)
        nbytes, crc = len(data), crc32(data)
        size = to_block(HEADER.size + nbytes + TRAILER.size)
        self._claim(self._end + size)
        if size > len(self._buffer):
            self._buffer = mmap.mmap(-1, size)
        frame, start = self._buffer, HEADER.size
        prefix = _PREFIX.pack(MAGIC, point, nbytes, ordinal)
        frame[:start] = prefix + crc32(prefix).to_bytes(4, "little")
        frame[start : start + nbytes] = data
        rest = size - start - nbytes
        frame[start + nbytes : size] = TRAILER.pack(crc, 0).ljust(rest, b"\0")
        offset = self._end + start
        self._is_dirty = True
        self._write(memoryview(frame)[:size])
        return offset, nbytes, crc

    def sync(self) -> None:
        """Return when everything appended is on the disk."""
        if self._is_dirty:
            _fdatasync(self._descriptor)
            self._is_dirty = False

    def close(self) -> None:
        """Give back what was claimed and not used, and close the file."""
        with suppress(OSError):
            os.truncate(self._descriptor, self._end)
        os.close(self._descriptor)

    def _claim(self, end: int) -> None:
        if end <= self._claimed or _allocate is None:
            return
        # a disk that has no room for so much, or no such call, may still have room for the frame
        with suppress(OSError):
            _allocate(self._descriptor, self._claimed, end - self._claimed + AHEAD_BYTES)
        self._claimed = end + AHEAD_BYTES

    def _write(self, data: memoryview) -> None:
        while data:
            written = os.write(self._descriptor, data)
            self._end += written
            data = data[written:]


def read_frame(path: Path, offset: int, nbytes: int, crc: int, what: str) -> bytes:
    """Return the bytes of one array.

    Raises
    ------
    StorageError
        If they are not there or do not have their checksum.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(nbytes)
    except OSError as error:
        raise StorageError(f"{what}: {path}: {error.strerror}") from error
    if len(data) != nbytes or crc32(data) != crc:
        raise StorageError(
            f"{what}: a frame in {path.name} is damaged (CRC-32 differs)",
            remedy="other points remain readable; restore this file from a copy",
        )
    return data


def _open(path: Path) -> int:
    """Open past the cache of the system, where there is such a thing."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    with suppress(OSError):
        return os.open(path, flags | getattr(os, "O_DIRECT", 0), 0o644)
    return os.open(path, flags, 0o644)
