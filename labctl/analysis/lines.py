"""Describe Raman lines and their shapes."""

from dataclasses import dataclass

import numpy as np

FWHM_PER_SIGMA = 2.3548200450309493

_GAUSS_NODE = 1 / np.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class LineModel:
    """Say where a line is expected; fits may move it within these (broad) priors.

    `shift_cm1` and `fwhm_cm1` (natural, Lorentzian) with one standard deviation each; that of
    the width is relative. Both areas, Stokes and anti-Stokes, are always free.
    """

    name: str
    shift_cm1: float
    fwhm_cm1: float
    shift_sigma_cm1: float = 1.0
    width_sigma_relative: float = 0.3


WSE2_A1G = LineModel("WSe2 A1g", 250.0, 3.0, shift_sigma_cm1=3.0, width_sigma_relative=0.5)
WSE2_2LA = LineModel("WSe2 2LA", 260.0, 4.0)
MOSE2_A1G = LineModel("MoSe2 A1g", 241.0, 3.0)
MOSE2_E2G = LineModel("MoSe2 E2g", 287.0, 4.0)
SI_2TA = LineModel("Si 2TA", 300.0, 5.0, shift_sigma_cm1=1.5)
SILICON = LineModel("Si", 520.7, 3.5, shift_sigma_cm1=2.0, width_sigma_relative=0.5)
"""Positions: science reference section 3, [M] for 2LA, E2g and 2TA; widths of these assumed."""

MONOLAYER_LINES = (WSE2_A1G, WSE2_2LA, SI_2TA)
HETEROBILAYER_LINES = (WSE2_A1G, MOSE2_A1G, WSE2_2LA, MOSE2_E2G, SI_2TA)


def voigt(
    offset: np.ndarray, gaussian_fwhm: float, lorentzian_fwhm: np.ndarray | float
) -> np.ndarray:
    """Return the Voigt profile of unit area, per unit of `offset`."""
    from scipy.special import voigt_profile

    return np.asarray(
        voigt_profile(offset, gaussian_fwhm / FWHM_PER_SIGMA, np.asarray(lorentzian_fwhm) / 2)
    )


def voigt_with_derivatives(
    offset: np.ndarray, gaussian_fwhm: float, lorentzian_fwhm: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a Voigt profile of unit area and its derivatives to offset and Lorentzian FWHM.

    From the Faddeeva function w and w′ = −2zw + 2i/√π (NIST DLMF 7.10.2).
    """
    from scipy.special import wofz

    width = gaussian_fwhm / FWHM_PER_SIGMA * np.sqrt(2)
    z = (offset + 0.5j * np.asarray(lorentzian_fwhm)) / width
    value = wofz(z)
    slope = (2j / np.sqrt(np.pi) - 2 * z * value) / width
    norm = 1 / (width * np.sqrt(np.pi))
    return value.real * norm, slope.real * norm, -0.5 * slope.imag * norm


def integrate_over_pixels(
    centre: np.ndarray, pixel_cm1: np.ndarray, gaussian_fwhm: float, lorentzian_fwhm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the part of a line that each pixel collects, and its derivatives.

    Two-point Gauss–Legendre: exact to cubic terms, better than 1e-3 of the peak for pixels up
    to half the line width.

    Parameters
    ----------
    centre
        Pixel centres minus line position, shape (lines, pixels).
    pixel_cm1
        Pixel widths, shape (pixels,).

    Returns
    -------
    Part, derivative to the line position, derivative to the Lorentzian FWHM; (lines, pixels).
    """
    node = 0.5 * _GAUSS_NODE * pixel_cm1
    offset = np.stack([centre - node, centre + node])
    value, slope, width = voigt_with_derivatives(offset, gaussian_fwhm, lorentzian_fwhm)
    half = 0.5 * pixel_cm1
    return value.sum(axis=0) * half, -slope.sum(axis=0) * half, width.sum(axis=0) * half
