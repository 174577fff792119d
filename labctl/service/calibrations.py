"""Decide on the calibrations that runs found, and know which ones are in force.

What a run found lies in `<data>/calibrations`; what the station came with lies in the folder that
its file names. A found calibration of the axis or of a beam's power is used at the table only
after somebody has accepted it; any other, such as of a thermometer, is used by analyses until
somebody discards it. Decisions are appended to a file beside them; nothing is ever deleted.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError, LabctlError, UsageError
from labctl.service.places import RESULT_FILE
from labctl.station.calibrations import CalibrationFolder, measured_at
from labctl.station.sections import StationFile
from labctl.store.faults import storage_error

DECISIONS = "decisions.jsonl"
Decision = Literal["accepted", "discarded"]


@dataclass(frozen=True, slots=True)
class Known:
    """Hold a calibration and what became of it.

    `status` is `station` (it came with the station file), `found` (by a run, nobody has decided),
    `accepted` or `discarded`; `active` tells whether it is the one of its kind that is used.
    """

    calibration: Calibration
    status: Literal["station", "found", "accepted", "discarded"]
    active: bool
    made_utc: datetime
    expires_utc: datetime


class FoundCalibrations:
    """Hold the calibrations that the runs of a data folder found, with the decisions on them.

    Raises
    ------
    ConfigError
        If a calibration or the decisions cannot be read.
    """

    def __init__(self, data: Path) -> None:
        self.folder = CalibrationFolder.open(data / "calibrations")
        self._path = self.folder.folder / DECISIONS
        self._decisions = _read(self._path)

    def current(self, now_utc: datetime) -> dict[str, Calibration]:
        """Return the newest of every kind that was not discarded."""
        kept = [one for one in self.folder.items if self.decision(one) != "discarded"]
        return CalibrationFolder(self.folder.folder, kept).current(now_utc)

    @property
    def accepted(self) -> list[Calibration]:
        """Return those that are to be used at the table too."""
        return [one for one in self.folder.items if self.decision(one) == "accepted"]

    def decision(self, calibration: Calibration) -> Decision | None:
        """Return what was decided on a calibration, or None."""
        return self._decisions.get(calibration.identity)

    def decide(self, run: Path, decision: Decision, who: str, now_utc: datetime) -> Sequence[str]:
        """Accept or discard what a run found; returns the identities.

        Raises
        ------
        UsageError
            If the run found no calibration.
        StorageError
            If the decision cannot be written.
        """
        known = {one.identity for one in self.folder.items}
        found = [identity for identity in _found_by(run) if identity in known]
        if not found:
            raise UsageError(
                f"run {run.name} found no calibration",
                remedy="look at its result: an analysis that failed finds none",
            )
        entry = {"decision": decision, "who": who, "utc": now_utc.isoformat(), "run": run.name}
        lines = [json.dumps({"identity": identity, **entry}) + "\n" for identity in found]
        _append(self._path, "".join(lines))
        self._decisions |= dict.fromkeys(found, decision)
        return found


def known_calibrations(
    file: StationFile, station_folder: Path, data: Path, now_utc: datetime
) -> list[Known]:
    """Return every calibration of a station, the newest of each kind first.

    Raises
    ------
    ConfigError
        If one of them cannot be read.
    """
    stored = CalibrationFolder.open(station_folder / file.station.calibrations_folder).items
    found = FoundCalibrations(data)
    statuses: list[tuple[Calibration, Literal["station", "found", "accepted", "discarded"]]]
    statuses = [(one, "station") for one in stored]
    statuses += [(one, found.decision(one) or "found") for one in found.folder.items]
    of_table = table_kinds(file)
    usable = [
        one
        for one, status in statuses
        if status in ("station", "accepted") or (status == "found" and one.kind not in of_table)
    ]
    active = CalibrationFolder(data, usable).current(now_utc).values()
    identities = {one.identity for one in active}
    known = [
        Known(
            one,
            status,
            one.identity in identities and status != "discarded",
            measured_at(one),
            measured_at(one) + timedelta(days=one.valid_days),
        )
        for one, status in statuses
    ]
    newest_first = sorted(known, key=lambda one: one.made_utc, reverse=True)
    return sorted(newest_first, key=lambda one: one.calibration.kind)


def table_kinds(file: StationFile) -> set[str]:
    """Return the kinds of calibrations that act on the table itself."""
    optics = {file.spectrometer.calibration} if file.spectrometer else set()
    lasers = {f"laser.{name}" for name in file.beams}
    return optics | lasers | {beam.calibration for beam in file.beams.values()}


def _found_by(run: Path) -> Iterable[str]:
    try:
        result: Mapping[str, Any] = json.loads((run / RESULT_FILE).read_text(encoding="utf-8"))
        return [str(one["identity"]) for one in result["calibrations"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _read(path: Path) -> dict[str, Decision]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    found: dict[str, Decision] = {}
    # what stands behind the last end of a line was cut off by a crash: it was never confirmed
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            entry = json.loads(line)
            decision: Decision = "accepted" if entry["decision"] == "accepted" else "discarded"
            found[str(entry["identity"])] = decision
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path}, line {number} is no decision on a calibration: {error}",
                remedy="restore the file from a backup, or decide again without it",
            ) from error
    return found


def _append(path: Path, text: str) -> None:
    try:
        with path.open("rb+") if path.exists() else path.open("xb") as file:
            content = file.read() if file.readable() else b""
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise storage_error(error, "the decision cannot be written", path) from error


def accept_at_table(station: CalibrationFolder, found: FoundCalibrations) -> None:
    """Let the table use the calibrations that were accepted, beside those of the station."""
    with contextlib.suppress(LabctlError):
        known = {one.identity for one in station.items}
        station.items += [one for one in found.accepted if one.identity not in known]
