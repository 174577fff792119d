"""Append large arrays to one file: framed, checksummed, synced before they are indexed.

One frame is a header of 32 bytes (magic, point, length, ordinal within the point, CRC-32 of
these), the array's bytes, and a trailer of 8 bytes (CRC-32 of the array, zeros); little endian.
"""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labctl.core.errors import StorageError

MAGIC = b"LABFRAME"
HEADER = struct.Struct("<8sqQII")
TRAILER = struct.Struct("<II")
_PREFIX = struct.Struct("<8sqQI")

_fdatasync = getattr(os, "fdatasync", os.fsync)


class SegmentWriter:
    """Append arrays to a segment file."""

    def __init__(self, path: Path, end: int) -> None:
        """Open the file, and cut off whatever lies behind the last indexed frame at `end`."""
        binary = getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | binary, 0o644)
        os.truncate(self._descriptor, end)
        self._end = os.lseek(self._descriptor, end, os.SEEK_SET)
        self._worker = ThreadPoolExecutor(1, "crc")
        self._is_dirty = end > 0

    def append(self, point: int, ordinal: int, array: np.ndarray) -> tuple[int, int, int]:
        """Write one array; returns the offset of its bytes, their number and their CRC-32."""
        data = memoryview(array.reshape(-1).view(np.uint8).data)
        prefix = _PREFIX.pack(MAGIC, point, len(data), ordinal)
        # crc32 lets other threads run: it costs no time beside the write
        crc = self._worker.submit(zlib.crc32, data)
        offset = self._end + HEADER.size
        self._is_dirty = True
        self._write(memoryview(prefix + zlib.crc32(prefix).to_bytes(4, "little")))
        self._write(data)
        self._write(memoryview(TRAILER.pack(crc.result(), 0)))
        return offset, len(data), crc.result()

    def sync(self) -> None:
        """Return when everything appended is on the disk."""
        if self._is_dirty:
            _fdatasync(self._descriptor)
            self._is_dirty = False

    def close(self) -> None:
        """Close the file."""
        self._worker.shutdown()
        os.close(self._descriptor)

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
    if len(data) != nbytes or zlib.crc32(data) != crc:
        raise StorageError(
            f"{what}: a frame in {path.name} is damaged (CRC-32 differs)",
            remedy="other points remain readable; restore this file from a copy",
        )
    return data
