"""Let one process at a time write a run; the operating system releases the lock of a dead one."""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from labctl.core.clock import RealClock
from labctl.core.errors import StorageError
from labctl.store.faults import storage_error

ATTEMPTS = 20
PAUSE_S = 0.01
# on Windows a locked byte cannot be read: lock one behind the text
_FAR_BYTE = 1 << 30

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Hold a lock on a file until `release` or the end of the process."""

    def __init__(self, path: Path, what: str) -> None:
        """Take the lock.

        Raises
        ------
        StorageError
            If another writer has it, naming its host and process, or the file cannot be opened.
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise storage_error(error, f"{what} cannot be locked", path) from error
        clock = RealClock()
        for _ in range(ATTEMPTS):
            with contextlib.suppress(OSError):
                _try_lock(self._descriptor)
                self._sign()
                return
            # a reader that asks whether the lock is free holds it for an instant
            clock.sleep(PAUSE_S)
        os.close(self._descriptor)
        raise StorageError(
            f"{what} is being written by {owner_of(path)}",
            remedy="wait for that process, or end it; never delete the lock file",
        )

    def release(self) -> None:
        """Give the lock up; allowed repeatedly."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _sign(self) -> None:
        owner = json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.truncate(self._descriptor, 0)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, unsigned
            os.write(self._descriptor, owner.encode())


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock of a file; false if there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _try_lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def owner_of(path: Path) -> str:
    """Return who signed a lock file, in words."""
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
