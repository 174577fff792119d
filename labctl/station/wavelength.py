"""Give every pixel its wavelength: grating equation of the spectrograph plus a calibration.

Geometry of a Czerny–Turner spectrograph with fixed included angle 2φ (its manual, and any
textbook of optics): the grating, turned by θ, sends the wavelength λ = 2 d sin θ cos φ (first
order, d = groove distance) to the centre of the detector. A pixel at the distance x from the
centre sees light that leaves the grating under an angle larger by atan(x / f), so that
λ(x) = d (sin(θ − φ) + sin(θ + φ + atan(x / f))).
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError, InstrumentError

_NM_PER_MM = 1e6


@dataclass(frozen=True, slots=True)
class Geometry:
    """Hold what the manual says about spectrograph and detector."""

    focal_length_mm: float
    half_included_angle_deg: float
    pixel_um: float
    columns: int

    def wavelength_nm(self, grooves_per_mm: float, centre_nm: float) -> np.ndarray:
        """Return the wavelength of each column in nm, shape (columns,), from the geometry alone.

        Raises
        ------
        InstrumentError
            If the grating cannot send this wavelength to the centre.
        """
        groove_nm = _NM_PER_MM / grooves_per_mm
        half_angle = math.radians(self.half_included_angle_deg)
        sine = centre_nm / (2 * groove_nm * math.cos(half_angle))
        if not -1 < sine < 1:
            raise InstrumentError(
                f"spectrometer: {grooves_per_mm:g} grooves/mm cannot be turned to {centre_nm:g} nm",
                remedy="choose a coarser grating or a shorter wavelength",
            )
        turn = math.asin(sine)
        distance_mm = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel_um * 1e-3
        leaving = turn + half_angle + np.arctan(distance_mm / self.focal_length_mm)
        return np.asarray(groove_nm * (math.sin(turn - half_angle) + np.sin(leaving)))


class WavelengthAxis:
    """Make the axis of a grating, centre and calibration; equal axes are the same array.

    A wavelength calibration holds `values["gratings"]`: by grating number (as text)
    `offset_nm`, added to the geometry's wavelength, and `polynomial_nm`, coefficients c₀, c₁, …
    of Σ cₙ uⁿ, also added, where u runs from −1 to 1 over the detector.
    """

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._cached = functools.lru_cache(maxsize=64)(self._make)

    def axis_nm(
        self,
        grating: int,
        grooves_per_mm: float,
        centre_nm: float,
        calibration: Calibration | None,
    ) -> np.ndarray:
        """Return the wavelength of each column in nm, shape (columns,), read-only.

        Raises
        ------
        ConfigError
            If the calibration's numbers cannot be used.
        InstrumentError
            If the grating cannot send the centre wavelength to the detector.
        """
        terms = grating_terms(calibration, grating) if calibration else None
        identity = calibration.identity if calibration else ""
        return self._cached(grooves_per_mm, centre_nm, grating, identity, terms or (0.0,))

    def _make(
        self,
        grooves_per_mm: float,
        centre_nm: float,
        grating: int,  # noqa: ARG002  # part of the key
        identity: str,  # noqa: ARG002  # part of the key
        terms: tuple[float, ...],
    ) -> np.ndarray:
        axis_nm = self._geometry.wavelength_nm(grooves_per_mm, centre_nm)
        reduced = np.linspace(-1.0, 1.0, self._geometry.columns)
        axis_nm += np.polynomial.polynomial.polyval(reduced, terms)
        axis_nm.setflags(write=False)
        return axis_nm


def grating_terms(calibration: Calibration, grating: int) -> tuple[float, ...] | None:
    """Return offset and polynomial of one grating as coefficients in nm; None if not calibrated.

    Raises
    ------
    ConfigError
        If the calibration has not the form that `WavelengthAxis` describes.
    """
    gratings = calibration.values.get("gratings")
    if not isinstance(gratings, Mapping):
        raise _refusal(calibration, "it has no table of gratings")
    entry = gratings.get(str(grating))
    if entry is None:
        return None
    if not isinstance(entry, Mapping):
        raise _refusal(calibration, f"grating {grating} is no table")
    polynomial = entry.get("polynomial_nm", [0.0])
    if not isinstance(polynomial, (list, tuple)) or not polynomial:
        raise _refusal(calibration, f"polynomial_nm of grating {grating} is no list")
    terms = [_number(calibration, value) for value in polynomial]
    terms[0] += _number(calibration, entry.get("offset_nm", 0.0))
    return tuple(terms)


def _number(calibration: Calibration, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refusal(calibration, f"{value!r} is no number")
    return float(value)


def _refusal(calibration: Calibration, what: str) -> ConfigError:
    return ConfigError(
        f"wavelength calibration {calibration.kind} ({calibration.identity}): {what}",
        remedy="calibrate the wavelength with a lamp or with silicon",
    )
