"""Write files so that nobody ever finds half of one."""

import os
from pathlib import Path

from labctl.core.errors import StorageError


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file beside its place and move it there; returns its path.

    Raises
    ------
    StorageError
        If it cannot be written; an old file of that name is as it was.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}", remedy="choose another place"
        ) from error
    return path
