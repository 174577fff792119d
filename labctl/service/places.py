"""Find what a command works on: the station file, the output folder, the folder of a run."""

import errno
from datetime import UTC, datetime
from pathlib import Path

import labctl
from labctl.core.errors import ConfigError, LabctlError, StorageError
from labctl.store.catalogue import Catalogue
from labctl.store.folders import DATABASE, run_folders
from labctl.store.reader import RunReader

DEFAULT_STATION = Path("configs/simulated.toml")
RESULT_FILE = "result.json"

_REMEDIES = {
    errno.EEXIST: "a file of that name is in the way: choose another place",
    errno.ENOTDIR: "the path leads through a file: choose another place",
    errno.ENOENT: "no folder can be made there: choose another place",
    errno.EACCES: "you may not write there: choose another place, or change its rights",
    errno.EPERM: "you may not write there: choose another place, or change its rights",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.ENOSPC: "the disk is full: free space, or choose another place",
}


def find_station_file(given: str | Path | None = None) -> Path:
    """Return the station file to use.

    Without a name it is `configs/simulated.toml` of the working folder, else the one that lies
    beside the package, so that the simulated table is at hand wherever one stands.

    Raises
    ------
    ConfigError
        If none was named and there is neither.
    """
    if given is not None:
        return Path(given)
    beside = Path(labctl.__file__).resolve().parents[1] / DEFAULT_STATION
    for path in (DEFAULT_STATION, beside):
        if path.is_file():
            return path
    raise ConfigError(
        f"no station file was named, and there is no {DEFAULT_STATION} here",
        remedy="name one with --station FILE; configs/simulated.toml of the source tree is one",
    )


def prepare_folder(folder: Path) -> Path:
    """Make a folder for runs and prove that it can be written.

    Raises
    ------
    StorageError
        If it cannot.
    """
    probe = folder / ".labctl-writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"labctl")
        probe.unlink()
    except OSError as error:
        raise unwritable("output folder", folder, error) from error
    return folder


def unwritable(what: str, path: Path, error: OSError) -> StorageError:
    """Return an error that says why something cannot be written, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "choose another place")
    return StorageError(
        f"the {what} {path} cannot be written: {error.strerror or error}", remedy=remedy
    )


def find_run(text: str, root: Path) -> Path:
    """Return the folder of a run by its number or name below a root, or by its own path.

    Raises
    ------
    UsageError
        If there is none, with the nearest name, or there are several.
    """
    given = Path(text)
    return Catalogue(root).find(str(given.parent) if given.name == DATABASE else text)


def root_of(run_folder: Path) -> Path:
    """Return the output folder that a run lies in (`<root>/YYYY/MM/DD/NNNN_procedure`)."""
    dated = run_folder.resolve().parents
    if len(dated) > 3 and all(part.name.isdecimal() for part in dated[:3]):
        return dated[3]
    return run_folder.parent


def last_sign_of_life(output: Path) -> datetime | None:
    """Return the UTC at which the newest readable run below a folder was last heard of."""
    for _, folder in reversed(list(run_folders(output))):
        try:
            with RunReader(folder) as reader:
                stamps = [start.utc for start in reader.starts]
                stamps += [change.utc for change in reader.states]
                stamps += [reader.point(len(reader) - 1).utc.isoformat()] if len(reader) else []
        except LabctlError:
            continue
        if stamps:
            return max(datetime.fromisoformat(stamp).astimezone(UTC) for stamp in stamps)
    return None
