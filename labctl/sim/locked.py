"""Let the camera's thread and the byte ports' threads take turns at the one table."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from labctl.sim.ports import CameraPort


class LockedCamera:
    """Hold the table's lock during every call to its camera; fulfils `CameraPort`.

    Parameters
    ----------
    camera
        The camera of the simulated table.
    lock
        The lock that the byte ports of the same table hold while they use it.
    """

    def __init__(self, camera: CameraPort, lock: AbstractContextManager[Any]) -> None:
        self._camera = camera
        self._lock = lock
        self.rows = camera.rows
        self.columns = camera.columns
        self.pixel_um = camera.pixel_um

    def set_cooler(self, on: bool, setpoint_c: float, now_s: float) -> None:
        """Switch the cooler and set its target in °C."""
        with self._lock:
            self._camera.set_cooler(on, setpoint_c, now_s)

    def temperature_c(self, now_s: float) -> float:
        """Return the chip temperature in °C."""
        with self._lock:
            return self._camera.temperature_c(now_s)

    def is_stable(self, now_s: float) -> bool:
        """Tell whether the chip has been at its set-point for long enough."""
        with self._lock:
            return self._camera.is_stable(now_s)

    def expose(
        self,
        exposure_s: float,
        bands: Sequence[tuple[int, int]] | None,
        start_s: float,
        shutter_open: bool = True,
    ) -> np.ndarray:
        """Return the counts of one exposure that began at `start_s`, as uint16.

        Shape (bands, columns), or (rows, columns) without bands.
        """
        with self._lock:
            return self._camera.expose(exposure_s, bands, start_s, shutter_open)

    def readout_s(self, bands: Sequence[tuple[int, int]] | None) -> float:
        """Return the duration of one readout in s."""
        return self._camera.readout_s(bands)
