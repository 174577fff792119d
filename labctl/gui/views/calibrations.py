"""Know the calibrations that a live view needs, each with its identity."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qtpy import QtCore

from labctl.client import Event, Table
from labctl.core.errors import LabctlError
from labctl.gui.link import Link
from labctl.gui.views.thermometer import StoredCalibration

RESPONSE = "response"
"""Kind of a response calibration: `wavelength_nm` and `relative`, two lists of one length."""


class Calibrations(QtCore.QObject):
    """Hold the calibrations in use by kind; fetched at the start and after every run."""

    changed = QtCore.Signal()

    def __init__(self, link: Link, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._link = link
        self.by_kind: Mapping[str, StoredCalibration] = {}
        link.connected.connect(self.fetch)
        link.event.connect(self._hear)
        if link.is_connected:
            self.fetch()

    def fetch(self) -> None:
        """Ask the service what is in use."""
        self._link.ask(_fetch, self._take, lambda _: None)

    def response(self, wavelength_nm: np.ndarray) -> np.ndarray | None:
        """Return the relative response of each pixel; None if there is no calibration of it."""
        stored = self.by_kind.get(RESPONSE)
        if stored is None:
            return None
        places = np.asarray(stored.values["wavelength_nm"], float)
        relative = np.asarray(stored.values["relative"], float)
        return np.asarray(np.interp(wavelength_nm, places, relative))

    def _hear(self, event: Event) -> None:
        if event.kind == "run" and "ended" in event.data:
            self.fetch()

    def _take(self, found: Sequence[Mapping[str, Any]]) -> None:
        by_kind: dict[str, StoredCalibration] = {}
        for one in found:
            # of several, those in use come first
            if one.get("active", True) and one.get("values"):
                by_kind.setdefault(str(one["kind"]), _stored(one))
        if by_kind != self.by_kind:
            self.by_kind = by_kind
            self.changed.emit()


def _stored(fields: Mapping[str, Any]) -> StoredCalibration:
    return StoredCalibration(
        kind=str(fields["kind"]),
        values=dict(fields["values"]),
        identity=str(fields["identity"]),
        expires_utc=str(fields.get("expires_utc") or ""),
    )


def _fetch(table: Table) -> Sequence[Mapping[str, Any]]:
    # services of labctl 0.1 do not tell their calibrations
    listed = getattr(table, "calibrations", None)
    if listed is None:
        return ()
    try:
        found: Sequence[Mapping[str, Any]] = listed()
    except LabctlError:
        return ()
    return found
