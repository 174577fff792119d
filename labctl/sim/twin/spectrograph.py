"""Disperse light: a Czerny-Turner spectrograph, its mechanics and its true wavelength axis."""

import functools
import math
from collections.abc import Mapping

import numpy as np

from labctl.sim.twin.beam import SECONDS_PER_HOUR
from labctl.sim.twin.detection_numbers import Ccd
from labctl.sim.twin.detection_numbers import Spectrograph as SpectrographNumbers
from labctl.sim.twin.motion import Motion


@functools.lru_cache(maxsize=64)
def geometric_axis_nm(
    values: SpectrographNumbers, ccd: Ccd, grooves_per_mm: float, centre_nm: float
) -> np.ndarray:
    """Return the wavelength of every column in nm, shape (columns,), read-only.

    First order of a plane grating between fixed arms, 2K apart: the grating stands at
    sin φ = G·λc/(2·cos K), light comes in at α = φ − K, and the column at x on the chip (x = 0
    in the middle, growing with wavelength) sees β = φ + K + arctan(x/f):
    λ = (sin α + sin β)/G. A cubic residual, `cubic_nm` at the frame's edge, is added.
    """
    half_rad = math.radians(values.half_angle_deg)
    grooves_per_nm = grooves_per_mm * 1e-6
    turn_rad = math.asin(grooves_per_nm * centre_nm / (2 * math.cos(half_rad)))
    middle = (ccd.columns - 1) / 2
    columns = np.arange(ccd.columns) - middle
    deflection_rad = np.arctan(columns * ccd.pixel_um * 1e-3 / values.focal_mm)
    sines = math.sin(turn_rad - half_rad) + np.sin(turn_rad + half_rad + deflection_rad)
    axis_nm = sines / grooves_per_nm + values.cubic_nm * (columns / middle) ** 3
    axis_nm.flags.writeable = False
    return np.asarray(axis_nm)


class Spectrograph:
    """Turn gratings. Fulfils `SpectrographPort`."""

    def __init__(
        self,
        values: SpectrographNumbers,
        ccd: Ccd,
        random: np.random.Generator,
        clock_start_s: float,
    ) -> None:
        self.gratings: Mapping[int, float] = {
            1: values.grooves_1_per_mm,
            2: values.grooves_2_per_mm,
            3: values.grooves_3_per_mm,
        }
        self._values = values
        self._ccd = ccd
        self._random = random
        self._clock_start_s = clock_start_s
        self._grating = values.start_grating
        start_nm = self._clamped(values.start_nm)
        self._motion = Motion(start_nm, values.speed_nm_per_s, values.overhead_s)
        self._error_nm = self._new_error_nm()

    def move_to(self, wavelength_nm: float, now_s: float) -> float:
        """Start to move; out of range is clamped, as the real one does. Returns s."""
        target_nm = self._clamped(wavelength_nm)
        if target_nm != self._motion.position(now_s):
            self._error_nm = self._new_error_nm()
        return self._motion.move_to(target_nm, now_s)

    def select(self, grating: int, now_s: float) -> float:
        """Start to turn the turret, which shifts the wavelength a little. Returns s.

        Raises
        ------
        ValueError
            If there is no such grating.
        """
        if grating not in self.gratings:
            raise ValueError(f"grating {grating} is not on the turret {sorted(self.gratings)}")
        if grating == self._grating:
            return 0.0
        self._grating = grating
        self._error_nm = self._new_error_nm()
        shifted_nm = self._motion.position(now_s) + self._values.turret_shift_nm
        return self._motion.move_to(self._clamped(shifted_nm), now_s, self._values.turret_s)

    def wavelength_nm(self, now_s: float) -> float:
        """Return where the instrument believes it is, in nm."""
        return self._motion.position(now_s)

    def grating(self, now_s: float) -> int:  # noqa: ARG002
        """Return the selected grating's number."""
        return self._grating

    def axis_nm(self, now_s: float) -> np.ndarray:
        """Return the true wavelength of every column in nm, shape (columns,)."""
        believed_nm = self._motion.position(now_s)
        geometric = geometric_axis_nm(
            self._values, self._ccd, self.gratings[self._grating], believed_nm
        )
        return geometric + (self._error_nm + self._thermal_nm(now_s))

    def _thermal_nm(self, now_s: float) -> float:
        hours = (now_s - self._clock_start_s) / SECONDS_PER_HOUR
        swing = math.sin(2 * math.pi * hours / self._values.room_period_h)
        return self._values.drift_nm_per_k * self._values.room_swing_k * swing

    def _new_error_nm(self) -> float:
        return float(self._values.repositioning_nm * self._random.standard_normal())

    def _clamped(self, wavelength_nm: float) -> float:
        highest_nm = self._values.range_nm_per_groove / self.gratings[self._grating]
        return min(max(wavelength_nm, 0.0), highest_nm)
