"""Convert between wavelength, photon energy and Raman shift, and write them as people read them.

Wavelengths are those of the medium of the spectrum (air), photon energies are hc/λ without a
refractive index, shifts are 1e7/laser − 1e7/λ: the conventions of `labctl.core.spectra`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from labctl.core.spectra import HC_EV_NM

COUNTS = "Counts per exposure"
"""What spectra and images show, in the words of every view."""


class AxisUnit(StrEnum):
    """Name the unit of a spectral axis."""

    NM = "nm"
    EV = "eV"
    CM1 = "cm⁻¹"

    @property
    def quantity(self) -> str:
        """Return what the axis shows, as its label says it."""
        return _QUANTITIES[self]

    @property
    def decimals(self) -> int:
        """Return how many decimals resolve a pixel."""
        return _DECIMALS[self]

    @property
    def following(self) -> "AxisUnit":
        """Return the unit that comes next when people cycle through them."""
        units = list(AxisUnit)
        return units[(units.index(self) + 1) % len(units)]


_QUANTITIES = {
    AxisUnit.NM: "Wavelength",
    AxisUnit.EV: "Photon energy",
    AxisUnit.CM1: "Raman shift",
}
_DECIMALS = {AxisUnit.NM: 3, AxisUnit.EV: 5, AxisUnit.CM1: 3}


def from_nm(wavelength_nm: np.ndarray, unit: AxisUnit, laser_nm: float | None) -> np.ndarray:
    """Return wavelengths in nm as values of an axis; shifts need a laser.

    Raises
    ------
    ValueError
        If shifts are asked for without a laser.
    """
    values = np.asarray(wavelength_nm, float)
    if unit is AxisUnit.NM:
        return values
    if unit is AxisUnit.EV:
        return np.asarray(HC_EV_NM / values)
    return np.asarray(1e7 / _known(laser_nm) - 1e7 / values)


def to_nm(value: float, unit: AxisUnit, laser_nm: float | None) -> float:
    """Return the wavelength in nm of a value of an axis; NaN if there is none."""
    if unit is AxisUnit.NM:
        return value
    if unit is AxisUnit.EV:
        return HC_EV_NM / value if value > 0 else math.nan
    wavenumber_cm1 = 1e7 / _known(laser_nm) - value
    return 1e7 / wavenumber_cm1 if wavenumber_cm1 > 0 else math.nan


def _known(laser_nm: float | None) -> float:
    if laser_nm is None:
        raise ValueError("without a laser there is no Raman shift")
    return laser_nm


@dataclass(frozen=True, slots=True)
class SpectralScale:
    """Hold what an axis shows: its unit, and the laser that shifts are relative to."""

    unit: AxisUnit = AxisUnit.NM
    laser_nm: float | None = None

    @property
    def shown(self) -> AxisUnit:
        """Return the unit on the lower axis: shifts fall back to nm while no laser is known."""
        if self.unit is AxisUnit.CM1 and self.laser_nm is None:
            return AxisUnit.NM
        return self.unit

    @property
    def second(self) -> AxisUnit | None:
        """Return the unit on the upper axis: the shift, or nm where the shift is below."""
        if self.shown is AxisUnit.CM1:
            return AxisUnit.NM
        return AxisUnit.CM1 if self.laser_nm is not None else None

    def of(self, wavelength_nm: np.ndarray) -> np.ndarray:
        """Return wavelengths as values of the lower axis, shape as given."""
        return from_nm(wavelength_nm, self.shown, self.laser_nm)

    def of_one(self, wavelength_nm: float) -> float:
        """Return one wavelength as a value of the lower axis."""
        return float(self.of(np.array([wavelength_nm]))[0])

    def nm(self, value: float) -> float:
        """Return the wavelength in nm of a value of the lower axis."""
        return to_nm(value, self.shown, self.laser_nm)

    def label(self, unit: AxisUnit) -> str:
        """Return the label of an axis, with its unit and, for shifts, the laser."""
        relative = ""
        if unit is AxisUnit.CM1 and self.laser_nm is not None:
            relative = f", relative to {self.laser_nm:.3f} nm"
        return f"{unit.quantity} ({unit.value}{relative})"


@dataclass(frozen=True, slots=True)
class CursorReading:
    """Hold one position of the spectrum in all units; `counts` is None outside of it."""

    wavelength_nm: float
    energy_ev: float
    shift_cm1: float | None
    counts: float | None

    @property
    def text(self) -> str:
        """Write it in one line."""
        parts = [f"{self.wavelength_nm:.3f} nm", f"{self.energy_ev:.5f} eV"]
        if self.shift_cm1 is not None:
            parts.append(f"{self.shift_cm1:.3f} cm⁻¹")
        if self.counts is not None:
            parts.append(f"{self.counts:.0f} counts")
        return "  |  ".join(parts)


def read_at(
    wavelength_nm: float, laser_nm: float | None, axis_nm: np.ndarray, counts: np.ndarray
) -> CursorReading:
    """Return what the cursor reads at a wavelength; `axis_nm` and `counts` of shape (pixels,)."""
    found = None
    if axis_nm.size and axis_nm.min() <= wavelength_nm <= axis_nm.max():
        found = float(counts[int(np.argmin(np.abs(axis_nm - wavelength_nm)))])
    shift = None if laser_nm is None else 1e7 / laser_nm - 1e7 / wavelength_nm
    return CursorReading(wavelength_nm, HC_EV_NM / wavelength_nm, shift, found)


def format_uncertain(value: float, sigma: float, unit: str) -> str:
    """Write a value with its error, two significant digits of it: `298.4 ± 2.1 K`."""
    if not (math.isfinite(value) and math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"{value} ± {sigma} is no measured value")
    decimals = max(0, 1 - math.floor(math.log10(sigma)))
    return f"{value:.{decimals}f} ± {sigma:.{decimals}f} {unit}"
