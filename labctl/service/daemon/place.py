"""Know where the files of a station are, and let one process at a time serve it."""

import contextlib
import json
import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Any

from labctl.core.errors import ConfigError, StorageError
from labctl.service.places import find_station_file, prepare_folder
from labctl.service.queue.database import DATABASE
from labctl.station import read_station_file
from labctl.station.sections import StationFile
from labctl.store.faults import storage_error
from labctl.store.lock import FileLock, is_locked, owner_of

FOLDER = "station"
INFO = "service.json"
MOST_LOGS = 40


class StationPlace:
    """Hold the folder of a station, `<data>/station`, while this process serves it.

    Attributes
    ----------
    station_file, file
        The station file and its validated content.
    data, folder
        Where runs go, and where the station's own files are.
    boot
        Identity of this start of the service.
    """

    def __init__(self, station_file: Path, file: StationFile, data: Path, lock: FileLock) -> None:
        self.station_file = station_file
        self.file = file
        self.data = data
        self.folder = data / FOLDER
        self.boot = secrets.token_hex(8)
        self._lock = lock
        self._info: dict[str, Any] = {}

    @classmethod
    def open(cls, station_file: str | Path | None, data: str | Path | None) -> "StationPlace":
        """Take the station.

        Raises
        ------
        ConfigError
            If another process serves it, which is named, or the station file cannot be used.
        StorageError
            If the data folder cannot be written.
        """
        path = find_station_file(station_file).resolve()
        file = read_station_file(path)
        root = prepare_folder(Path(data or file.station.data_folder)).resolve()
        folder = root / FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            # a folder of before may be open to others
            folder.chmod(0o700)
            (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise storage_error(error, "the station's folder cannot be made", folder) from error
        place = cls(path, file, root, _lock_service(folder))
        with contextlib.suppress(OSError):
            place.info.unlink()
        place._tidy_logs()
        return place

    @property
    def database(self) -> Path:
        """Return the path of the station database."""
        return self.folder / DATABASE

    @property
    def info(self) -> Path:
        """Return the path of `service.json`, by which clients find the service."""
        return self.folder / INFO

    @property
    def socket(self) -> Path:
        """Return the path of the local socket."""
        return self.folder / "service.sock"

    @property
    def table_lock(self) -> Path:
        """Return the path of the lock that the process which holds the instruments has."""
        return self.folder / "table.lock"

    @property
    def direct_file(self) -> Path:
        """Return the path of the station file with plain resources; only the service reads it."""
        return self.folder / "direct.toml"

    @property
    def served_file(self) -> Path:
        """Return the path of the station file that the workers open."""
        return self.folder / "served.toml"

    def log(self, name: str) -> Path:
        """Return the path of a log file of a child process."""
        return self.folder / "logs" / f"{name}.log"

    def announce(self, **fields: Any) -> None:
        """Write `service.json`, readable by its owner only, in one piece."""
        self._info |= {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "station": self.file.station.name,
            "station_file": str(self.station_file),
            "data": str(self.data),
            "boot": self.boot,
            **fields,
        }
        write_private(self.info, json.dumps(self._info, indent=2, allow_nan=False) + "\n")

    def serve_direct(self) -> None:
        """Let the workers open the plain resources: there is no safety process."""
        write_private(self.served_file, self.direct_file.read_text(encoding="utf-8"))

    def free_bytes(self) -> int:
        """Return the free space on the disk of the data folder."""
        return shutil.disk_usage(self.data).free

    def close(self) -> None:
        """Let go of the station; allowed repeatedly."""
        with contextlib.suppress(OSError):
            self.info.unlink()
        self._lock.release()

    def _tidy_logs(self) -> None:
        """Keep the newest logs of the workers."""
        logs = sorted((self.folder / "logs").glob("*.log"), key=lambda one: one.stat().st_mtime)
        for old in logs[:-MOST_LOGS]:
            with contextlib.suppress(OSError):
                old.unlink()


def _lock_service(folder: Path) -> FileLock:
    path = folder / "service.lock"
    try:
        return FileLock(path, f"the station in {folder}")
    except StorageError as error:
        if not is_locked(path):
            raise
        raise ConfigError(
            f"the station in {folder} is being served by {owner_of(path)}",
            remedy="use that service ('labctl status'), or end it first",
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; a reader sees the old or the new one whole."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise storage_error(error, f"{path.name} cannot be written", path) from error
