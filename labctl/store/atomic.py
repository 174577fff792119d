"""Replace files so that a reader, or a power cut, finds the old or the new one, whole."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from labctl.core.errors import StorageError


def replace_file(path: Path, write: Callable[[Path], None]) -> Path:
    """Write a new file beside `path`, sync it and rename it over `path`.

    Where a viewer holds the old file so that it cannot be replaced (Windows), the new one gets
    the next free name instead. Returns the name it got.

    Raises
    ------
    StorageError
        If the folder cannot be written or the disk is full; the old file is untouched.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        write(fresh)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        return _rename(fresh, path)
    except OSError as error:
        # h5py puts a paragraph into `strerror`
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(
            f"{path}: cannot be written: {cause}",
            remedy="check that the disk has room and that you may write there",
        ) from error
    finally:
        # what went wrong before must not be hidden by a failure to clear up
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _rename(fresh: Path, path: Path) -> Path:
    candidates = [path] + [path.with_stem(f"{path.stem}-{number}") for number in range(2, 100)]
    for number, target in enumerate(candidates):
        if number and target.exists():
            continue
        try:
            fresh.replace(target)
        except PermissionError:
            continue
        _sync_folder(target.parent)
        return target
    raise PermissionError(13, "the file is held open and no other name is free", str(path))


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
