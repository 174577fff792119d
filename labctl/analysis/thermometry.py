"""Relate the anti-Stokes/Stokes ratio to temperature.

Photon counting: AS/S = C·((ν0+ω)/(ν0−ω))³·exp(−c2·ω/T) (ν⁴ holds for energy detectors only).
C holds the response of the table and belongs to one mode: never use it for another line.
"""

from dataclasses import dataclass

import numpy as np

from labctl.analysis.ratio_point import RatioPoint
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

C2_CM_K = 1.438776877
"""Second radiation constant hc/k in cm·K (CODATA 2018)."""


def boltzmann_k(shift_cm1: float) -> float:
    """Return c2·ω, the characteristic temperature of a vibration, in K."""
    return C2_CM_K * shift_cm1


def ln_photon_factor(shift_cm1: float, laser_nm: float) -> float:
    """Return 3·ln((ν0+ω)/(ν0−ω)), the ratio of the scattered intensities in photons."""
    laser_cm1 = 1e7 / laser_nm
    return float(3 * np.log((laser_cm1 + shift_cm1) / (laser_cm1 - shift_cm1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioCalibration:
    """Hold a thermometry calibration as numbers: ln C and ω(T) of one mode with one laser.

    ω(T) = `shift_cm1` + `shift_slope_cm1_per_k`·(T − `shift_reference_k`)
    + `shift_curvature_cm1_per_k2`·(T − `shift_reference_k`)².
    """

    mode: str
    laser_nm: float
    ln_c: float
    ln_c_sigma: float
    shift_cm1: float
    shift_reference_k: float
    shift_slope_cm1_per_k: float
    shift_slope_sigma_cm1_per_k: float
    shift_curvature_cm1_per_k2: float
    identity: str = ""

    @classmethod
    def read(cls, calibration: Calibration) -> "RatioCalibration":
        """Return the numbers of a stored calibration; raises `AnalysisError` if they are not."""
        values = calibration.values
        names = [name for name in cls.__dataclass_fields__ if name != "identity"]
        missing = [name for name in names if name not in values]
        if missing:
            raise AnalysisError(
                f"calibration {calibration.kind} ({calibration.identity}) lacks "
                f"{', '.join(missing)}",
                remedy="run the thermometry calibration again",
            )
        return cls(**{name: values[name] for name in names}, identity=calibration.identity)

    def shift_at(self, temperature_k: float) -> float:
        """Return ω(T) in cm⁻¹."""
        step_k = temperature_k - self.shift_reference_k
        return (
            self.shift_cm1
            + self.shift_slope_cm1_per_k * step_k
            + self.shift_curvature_cm1_per_k2 * step_k**2
        )

    def ln_ratio_at(self, temperature_k: float) -> float:
        """Return the ln(AS/S) that a temperature gives."""
        shift_cm1 = self.shift_at(temperature_k)
        factor = ln_photon_factor(shift_cm1, self.laser_nm)
        return self.ln_c + factor - boltzmann_k(shift_cm1) / temperature_k

    def temperature_at(self, ln_ratio: float) -> float | None:
        """Return the temperature in K of a ratio; None if no temperature below 5000 K gives it."""
        temperature_k = self.shift_reference_k
        for _ in range(50):
            shift_cm1 = self.shift_at(min(max(temperature_k, 1.0), 1000.0))
            exponent = self.ln_c + ln_photon_factor(shift_cm1, self.laser_nm) - ln_ratio
            if not exponent > boltzmann_k(shift_cm1) / 5000:
                return None
            previous_k, temperature_k = temperature_k, boltzmann_k(shift_cm1) / exponent
            if abs(temperature_k - previous_k) < 1e-6:
                break
        return float(temperature_k)

    def slope_k(self, temperature_k: float) -> float:
        """Return dT/d ln(AS/S) = T²/θ in K."""
        return temperature_k**2 / boltzmann_k(self.shift_at(temperature_k))


def check_fit_for(point: RatioPoint, calibration: RatioCalibration) -> None:
    """Raise `AnalysisError` if a calibration belongs to another mode or laser."""
    if point.mode != calibration.mode or abs(point.laser_nm - calibration.laser_nm) > 0.5:
        raise AnalysisError(
            f"{point.mode} at {point.laser_nm:g} nm needs its own calibration; this one is of "
            f"{calibration.mode} at {calibration.laser_nm:g} nm",
            remedy="calibrate each mode with each laser: the response differs by several kelvin",
        )
