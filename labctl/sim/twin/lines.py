"""Give the shapes of lines and filters as densities; every integral over all x is one."""

import math

import numpy as np
from scipy.special import ndtr, voigt_profile

from labctl.sim.twin.detection_numbers import Notch, Response
from labctl.sim.twin.sample import BOLTZMANN_EV_K

SIGMA_PER_FWHM = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))


def voigt(offset: np.ndarray, sigma: float, half_width: float) -> np.ndarray:
    """Return a Voigt density at offsets from the line (ascending or descending, any unit).

    Far from the line the Lorentzian alone is within 0.2 % of it, and much quicker.
    """
    density = (half_width / math.pi) / (offset * offset + half_width * half_width)
    reach = max(50.0 * sigma, 20.0 * half_width)
    near = np.flatnonzero(np.abs(offset) < reach)
    if near.size:
        core = slice(int(near[0]), int(near[-1]) + 1)
        density[core] = voigt_profile(offset[core], sigma, half_width)
    return np.asarray(density)


def pl_density(
    energy_ev: np.ndarray, peak_ev: float, fwhm_ev: float, temperature_k: float
) -> np.ndarray:
    """Return a PL line per eV: a Gaussian whose high-energy side ends in exp(−E/kT).

    The tail begins where the slope of the Gaussian's logarithm reaches −1/kT.
    """
    sigma = fwhm_ev * SIGMA_PER_FWHM
    thermal = BOLTZMANN_EV_K * temperature_k
    joint = sigma * sigma / thermal
    offset = energy_ev - peak_ev
    at_joint = math.exp(-0.5 * (joint / sigma) ** 2)
    gaussian = np.exp(-0.5 * (np.minimum(offset, joint) / sigma) ** 2)
    tail = np.exp(-np.maximum(offset - joint, 0.0) / thermal)
    area = sigma * math.sqrt(2 * math.pi) * float(ndtr(joint / sigma)) + at_joint * thermal
    return np.asarray(gaussian * tail / area)


def notch_transmission(notch: Notch, shift_cm1: np.ndarray) -> np.ndarray:
    """Return the transmission of the notch filter at Raman shifts from the probe."""
    beyond = np.maximum(np.abs(shift_cm1) - notch.half_width_cm1, 0.0) / notch.edge_cm1
    return np.asarray(10.0 ** (-notch.optical_density * np.exp(-beyond * beyond)))


def response(values: Response, wavelength_nm: np.ndarray) -> np.ndarray:
    """Return the relative response of the optics: a slope that levels off, and an etalon."""
    reach_nm = values.slope_reach_nm
    bent_nm = reach_nm * np.tanh((wavelength_nm - values.slope_centre_nm) / reach_nm)
    slope = 1.0 + values.slope * bent_nm / values.slope_width_nm
    phase_rad = 2 * math.pi * 1e7 / (wavelength_nm * values.etalon_period_cm1)
    return np.asarray(
        slope * (1.0 + values.etalon_depth * np.cos(phase_rad + values.etalon_phase_rad))
    )
