"""Say what went wrong with a disk, and what to do about it."""

import errno
import sqlite3
from pathlib import Path

from labctl.core.errors import StorageError

_REMEDIES = {
    errno.ENOSPC: "free space on the disk, then resume the run",
    errno.EDQUOT: "free space within your quota, then resume the run",
    errno.EFBIG: "the file may not grow: lift the limit on file sizes, then resume the run",
    errno.EROFS: "the disk is read-only: choose another output folder",
    errno.EACCES: "you may not write there: choose another output folder, or change its rights",
    errno.EPERM: "you may not write there: choose another output folder, or change its rights",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "the path leads through a file: choose another output folder",
    errno.EIO: "the disk fails: save what is on it and replace it",
}


def storage_error(error: sqlite3.Error | OSError, what: str, path: Path) -> StorageError:
    """Return a `StorageError` that names the file, the cause and the remedy."""
    if isinstance(error, OSError):
        cause = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, "check the disk, then resume the run")
    else:
        cause = str(error)
        remedy = _sqlite_remedy(cause)
    return StorageError(f"{what}: {path}: {cause}", remedy=remedy)


def _sqlite_remedy(cause: str) -> str:
    if "full" in cause:
        return _REMEDIES[errno.ENOSPC]
    if "readonly" in cause or "unable to open" in cause:
        return _REMEDIES[errno.EACCES]
    if "malformed" in cause or "not a database" in cause:
        return "the file is damaged: read what is left with RunReader, restore it from a copy"
    return "check the disk (is it full, or its files limited in size?), then resume the run"
