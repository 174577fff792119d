"""Predict the smallest error that any unbiased estimate of a temperature can have.

Fisher information F_ij = Σ ∂μ_i·∂μ_j/(μ + r²) over the pixels, with every parameter of the fit
as nuisance (positions, widths, laser zero, backgrounds); r² is the read variance.
"""

from dataclasses import dataclass

import numpy as np

from labctl.analysis.ratio_model import TwoSidedModel
from labctl.analysis.thermometry import boltzmann_k


@dataclass(frozen=True, slots=True)
class Bound:
    """Hold Cramér–Rao bounds of one standard deviation: ln(AS/S), position, temperature."""

    ln_ratio_sigma: float
    shift_sigma_cm1: float
    temperature_sigma_k: float


def cramer_rao(
    model: TwoSidedModel,
    parameters: np.ndarray,
    read_variance_e2: float,
    temperature_k: float,
    *,
    with_priors: bool = False,
) -> Bound:
    """Return the bounds for the first line of a model at given true parameters.

    `read_variance_e2` is that of the whole exposure, in electrons² per pixel. Without priors, a
    companion line needs a true area, else the information is singular.
    """
    expected_e, jacobian = model(parameters)
    fisher = (jacobian / (expected_e + read_variance_e2)[:, None]).T @ jacobian
    if with_priors:
        fisher += np.diag(model.prior().precision)
    scale = 1 / np.sqrt(np.diag(fisher))
    covariance = np.linalg.inv(fisher * np.outer(scale, scale)) * np.outer(scale, scale)
    layout = model.layout
    stokes, anti = layout.areas(1).start, layout.areas(-1).start
    gradient = np.zeros(layout.size)
    gradient[stokes], gradient[anti] = -1 / parameters[stokes], 1 / parameters[anti]
    ln_sigma = float(np.sqrt(gradient @ covariance @ gradient))
    shift = layout.shifts.start
    slope_k = temperature_k**2 / boltzmann_k(float(parameters[shift]))
    return Bound(ln_sigma, float(np.sqrt(covariance[shift, shift])), slope_k * ln_sigma)


def predicted_sigma_k(
    stokes_e: float,
    environment_k: float,
    shift_cm1: float,
    read_variance_e2: float = 0.0,
    background_e: float = 0.0,
    *,
    ln_c: float = 0.0,
    ln_c_sigma: float = 0.0,
    line_pixels: float = 12.0,
) -> float:
    """Return the σ to expect for a temperature, from Stokes counts and environment only.

    Rules that stop a measurement must use this. A rule on the *fitted* temperature stops more
    readily where it came out low, and so fakes cooling of 1.5 K at a 15 K target.

    Parameters
    ----------
    stokes_e
        Stokes area in electrons.
    read_variance_e2, background_e
        Per pixel, for the whole exposure; `line_pixels` is the effective number under the line.
    ln_c
        ln of response ratio times photon factor.
    """
    theta_k = boltzmann_k(shift_cm1)
    anti_stokes_e = stokes_e * float(np.exp(ln_c - theta_k / environment_k))
    noise_e2 = line_pixels * (read_variance_e2 + background_e)
    relative = (anti_stokes_e + noise_e2) / anti_stokes_e**2 + (stokes_e + noise_e2) / stokes_e**2
    return float(environment_k**2 / theta_k * np.sqrt(relative + ln_c_sigma**2))
