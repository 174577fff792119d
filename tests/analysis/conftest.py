"""Make test spectra from the published formulas, independently of `labctl.sim` and the fits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.special import voigt_profile

from labctl.core.results import Condition
from labctl.core.spectra import Detector, Spectrum

LASER_NM = 532.0
NU0 = 1e7 / LASER_NM
C2 = 1.438776877
UTC_START = datetime(2026, 1, 1, tzinfo=UTC)
DETECTOR = Detector(1.0, 4.0, 600.0, 60000.0, 20.0)


def theta_k(shift_cm1):
    return C2 * shift_cm1


@dataclass
class Bench:
    """Count photons as a table would; `rng` is the only source of chance."""

    rng: np.random.Generator
    axis_nm: np.ndarray = field(
        default_factory=lambda: (
            532.0 + 0.0164 * (np.arange(1340) - 669.5) - 2e-7 * (np.arange(1340) - 669.5) ** 2
        )
    )
    etalon: float = 0.0
    slope: float = 0.0
    zero_cm1: float = 0.0
    fwhm_cm1: float = 3.0
    cosmic_rate: float = 0.0
    dark_e: float = 0.5

    @property
    def shift_cm1(self):
        return NU0 - 1e7 / self.axis_nm

    def response(self):
        x = self.shift_cm1
        ripple = 1 + self.etalon * np.sin(2 * np.pi * x / 53.0 + 0.7)
        return ripple * (1 + self.slope * x / 500.0)

    def line(self, position_cm1, fwhm_cm1):
        x = self.shift_cm1
        pixel = np.abs(np.gradient(x))
        fine = x[:, None] + pixel[:, None] * (np.arange(4) - 1.5) / 4
        shape = voigt_profile(fine - position_cm1, 2.0 / 2.354820045, fwhm_cm1 / 2)
        return shape.mean(axis=1) * pixel

    def raman(self, lines, background_e=2.0):
        """Expect electrons per exposure; `lines` are (shift, Stokes electrons, T, FWHM)."""
        mu = np.full(self.axis_nm.size, float(background_e))
        for shift, stokes_e, temperature_k, fwhm in lines:
            ratio = ((NU0 + shift) / (NU0 - shift)) ** 3 * np.exp(-theta_k(shift) / temperature_k)
            mu += stokes_e * self.line(shift + self.zero_cm1, fwhm)
            mu += stokes_e * ratio * self.line(-shift + self.zero_cm1, fwhm)
        return mu * self.response()

    def expose(self, mu, accumulations=3, exposure_s=60.0, beams=("probe",), **extra):
        light = self.rng.poisson(mu + self.dark_e, (accumulations, self.axis_nm.size))
        counts = light + self.rng.normal(600.0, 4.0, light.shape)
        for _ in range(self.rng.poisson(self.cosmic_rate * accumulations)):
            row, column = self.rng.integers(accumulations), self.rng.integers(1339)
            charge = self.rng.exponential(800.0)
            counts[row, column : column + 2] += charge * np.array([0.7, 0.3])
        return Spectrum(
            counts=np.clip(np.rint(counts), 0, 65535).astype(np.uint16),
            wavelength_nm=self.axis_nm,
            exposure_s=exposure_s,
            beams=beams,
            laser_nm=LASER_NM if beams else None,
            detector=DETECTOR,
            utc=UTC_START,
            monotonic_s=0.0,
            calibrations={"wavelength": "sha256:axis"},
            **extra,
        )

    def dark(self, accumulations=10, exposure_s=60.0):
        return self.expose(
            np.zeros(self.axis_nm.size), accumulations, exposure_s=exposure_s, beams=()
        )


@pytest.fixture
def bench():
    return Bench(np.random.default_rng(20260101))


@pytest.fixture
def make_bench():
    return lambda seed=1, **options: Bench(np.random.default_rng(seed), **options)


@pytest.fixture
def condition():
    return lambda power_uw, cryostat_k=298.0, pump_uw=0.0: Condition(
        power_uw * 1e-6, pump_uw * 1e-6, cryostat_k
    )
