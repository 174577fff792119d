"""Locate the peak of a photoluminescence spectrum in energy.

Counts per pixel are counts per wavelength: per energy they carry the Jacobian dλ/dE = λ²/hc,
which moves a broad peak. Each pixel's counts are divided by its own width in eV here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from labctl.analysis.counts import Electrons
from labctl.analysis.irls import FitOutcome, Noise, Prior, solve
from labctl.core.errors import AnalysisError
from labctl.core.results import Condition, PeakPosition

BOLTZMANN_EV_PER_K = 8.617333262e-5

CONTRAST_SIGMA = 8.0
"""Peak over the frame's median; the highest of many noise peaks stays below."""

TOP_PART = 0.8
"""Part of the half width that a quartic describes, even beside a hot tail."""

Method = Literal["top", "tail"]


@dataclass(frozen=True, slots=True)
class BandGap:
    """Hold O'Donnell–Chen parameters: E = E0 − S·ħΩ·(coth(ħΩ/2kT) − 1)."""

    zero_ev: float
    coupling: float
    phonon_ev: float

    def energy_ev(self, temperature_k: float) -> float:
        """Return the energy at a temperature > 0 K."""
        argument = self.phonon_ev / (2 * BOLTZMANN_EV_PER_K * temperature_k)
        return self.zero_ev - self.coupling * self.phonon_ev * (1 / float(np.tanh(argument)) - 1)

    def slope_ev_per_k(self, temperature_k: float) -> float:
        """Return dE/dT in eV/K."""
        return (self.energy_ev(temperature_k + 0.5) - self.energy_ev(temperature_k - 0.5)) / 1.0


WSE2_GAP = BandGap(1.742, 2.06, 0.015)
MOSE2_GAP = BandGap(1.657, 1.96, 0.015)
"""From memory of the literature, unverified ([M] in the science reference)."""


@dataclass(frozen=True, slots=True)
class PeakFit:
    """Hold a peak: position and error in eV, height in electrons/eV.

    The error is enlarged by √(χ²/freedom) where the shape does not describe the peak.
    """

    position_ev: float
    sigma_ev: float
    height_e_per_ev: float
    chi2: float
    freedom: int
    method: Method


def fit_peak(
    electrons: Electrons,
    search_ev: tuple[float, float] = (1.60, 1.75),
    *,
    method: Method = "top",
    axis_sigma_nm: float = 0.0,
) -> PeakFit:
    """Return the position of the highest peak within a range.

    "top" fits a quartic to the upper half of the peak and assumes no shape. "tail" fits a
    Gaussian convolved with an exponential high-energy tail, on a constant background, to four
    half widths; its position is the maximum of the fitted curve. Without a tail use "top".

    Parameters
    ----------
    axis_sigma_nm
        Repeatability of the wavelength axis, added to the error in quadrature.

    Raises
    ------
    AnalysisError
        If no peak stands out, it is saturated, or it lies at the edge of range or frame.
    """
    energy_ev, density, noise, saturated = _per_energy(electrons)
    centre_ev, half_ev = _estimate(energy_ev, density, search_ev)
    if np.any(saturated & (np.abs(energy_ev - centre_ev) < half_ev)):
        raise AnalysisError("the peak is saturated", remedy="expose for less time")
    _check_contrast(energy_ev, density, noise, centre_ev, half_ev)
    fit = _top if method == "top" else _tail
    peak = fit(energy_ev, density, noise, centre_ev, half_ev)
    if not search_ev[0] <= peak.position_ev <= search_ev[1] or not peak.sigma_ev < half_ev / 3:
        raise AnalysisError(
            f"no peak between {search_ev[0]:.3f} and {search_ev[1]:.3f} eV stands out of the noise",
            remedy="expose longer, or search another range",
        )
    axis_ev = axis_sigma_nm * peak.position_ev**2 / 1239.841984
    excess = max(1.0, peak.chi2 / peak.freedom)
    return replace(peak, sigma_ev=float(np.hypot(peak.sigma_ev * np.sqrt(excess), axis_ev)))


def peak_shifts(fits: Sequence[tuple[Condition, PeakFit]], region: str) -> tuple[PeakPosition, ...]:
    """Return the positions of one region, with the shift from the lowest total power."""
    if not fits:
        return ()

    def total_w(condition: Condition) -> float:
        return condition.power_w + condition.pump_power_w

    reference = min(range(len(fits)), key=lambda index: total_w(fits[index][0]))
    zero_ev = fits[reference][1].position_ev
    return tuple(
        PeakPosition(
            region=region,
            condition=condition,
            position_ev=fit.position_ev,
            sigma_ev=fit.sigma_ev,
            shift_ev=None if index == reference else fit.position_ev - zero_ev,
        )
        for index, (condition, fit) in enumerate(fits)
    )


def _per_energy(electrons: Electrons) -> tuple[np.ndarray, np.ndarray, Noise, np.ndarray]:
    """Return energy (ascending), electrons per eV, their noise, and the saturated pixels."""
    energy_ev = electrons.energy_ev
    pixel_ev = np.abs(np.gradient(energy_ev))
    order = np.argsort(energy_ev)
    noise = Noise(
        (electrons.variance_scale / pixel_ev)[order],
        (electrons.variance_floor_e2 / pixel_ev**2)[order],
    )
    density = (electrons.signal_e / pixel_ev)[order]
    return energy_ev[order], density, noise, electrons.saturated[order]


def _estimate(
    energy_ev: np.ndarray, density: np.ndarray, search_ev: tuple[float, float]
) -> tuple[float, float]:
    """Return centre and half width at half maximum of the highest peak, from smoothed data."""
    from scipy.ndimage import uniform_filter1d

    inside = np.flatnonzero((energy_ev >= search_ev[0]) & (energy_ev <= search_ev[1]))
    if inside.size < 20:
        raise AnalysisError(
            f"the frame does not hold {search_ev[0]:.3f} to {search_ev[1]:.3f} eV",
            remedy="centre the spectrograph on the peak",
        )
    smooth = uniform_filter1d(density, 15, mode="nearest")
    top = inside[np.argmax(smooth[inside])]
    level = np.percentile(smooth, 5)
    below = smooth < 0.5 * (smooth[top] + level)
    left = np.flatnonzero(below[:top])
    right = np.flatnonzero(below[top:])
    widths = [energy_ev[top] - energy_ev[left[-1]]] if left.size else []
    widths += [energy_ev[top + right[0]] - energy_ev[top]] if right.size else []
    half_ev = float(min(widths)) if widths else 0.1 * (search_ev[1] - search_ev[0])
    return float(energy_ev[top]), max(half_ev, 8 * float(np.median(np.diff(energy_ev))))


def _check_contrast(
    energy_ev: np.ndarray, density: np.ndarray, noise: Noise, centre_ev: float, half_ev: float
) -> None:
    near = np.abs(energy_ev - centre_ev) <= half_ev
    level = float(np.median(density))
    variance = 1 / noise.weight(np.full_like(density, max(level, 0.0)))[near]
    contrast = (density[near].mean() - level) / np.sqrt(variance.sum()) * near.sum()
    if not contrast > CONTRAST_SIGMA:
        raise AnalysisError(
            f"no peak stands out of the noise ({contrast:.1f} σ at {centre_ev:.3f} eV)",
            remedy="expose longer, or search another range",
        )


def _top(
    energy_ev: np.ndarray, density: np.ndarray, noise: Noise, centre_ev: float, half_ev: float
) -> PeakFit:
    for _ in range(2):
        found = _maximum(_quartic(energy_ev, density, noise, centre_ev, half_ev).parameters)
        centre_ev += found * half_ev
    outcome = _quartic(energy_ev, density, noise, centre_ev, half_ev)
    position = _maximum(outcome.parameters)
    powers = np.arange(5)
    derivative = powers * position ** np.maximum(powers - 1, 0)
    curvature = float(np.polynomial.polynomial.polyval(position, _derived(outcome.parameters, 2)))
    gradient = -derivative / curvature
    sigma = float(np.sqrt(gradient @ outcome.covariance @ gradient))
    return PeakFit(
        position_ev=centre_ev + position * half_ev,
        sigma_ev=sigma * half_ev,
        height_e_per_ev=float(np.polynomial.polynomial.polyval(position, outcome.parameters)),
        chi2=outcome.chi2,
        freedom=outcome.freedom,
        method="top",
    )


def _quartic(
    energy_ev: np.ndarray, density: np.ndarray, noise: Noise, centre_ev: float, half_ev: float
) -> FitOutcome:
    near = np.abs(energy_ev - centre_ev) <= TOP_PART * half_ev
    if near.sum() < 10:
        raise AnalysisError(
            "the peak lies at the edge of the frame", remedy="centre the spectrograph on the peak"
        )
    reduced = (energy_ev[near] - centre_ev) / half_ev
    design = np.stack([reduced**power for power in range(5)], axis=1)
    start = np.array([density[near].mean(), 0.0, 0.0, 0.0, 0.0])
    return solve(
        lambda q: (design @ q, design),
        start,
        density[near],
        Noise(noise.scale[near], noise.floor[near]),
        Prior(np.zeros(5), np.zeros(5)),
        np.full(5, np.inf),
    )


def _derived(coefficients: np.ndarray, order: int) -> np.ndarray:
    return np.asarray(np.polynomial.polynomial.polyder(coefficients, order))


def _maximum(coefficients: np.ndarray) -> float:
    """Return where a quartic is highest inside −1.5 to 1.5."""
    roots = np.polynomial.polynomial.polyroots(_derived(coefficients, 1))
    real = roots.real[np.abs(roots.imag) < 1e-9]
    bent = np.polynomial.polynomial.polyval(real, _derived(coefficients, 2)) < 0
    inside = real[bent & (np.abs(real) < 1.5)]
    if not inside.size:
        raise AnalysisError("no maximum in the search range", remedy="expose longer")
    return float(inside[np.argmax(np.polynomial.polynomial.polyval(inside, coefficients))])


def _tail(
    energy_ev: np.ndarray, density: np.ndarray, noise: Noise, centre_ev: float, half_ev: float
) -> PeakFit:
    near = np.abs(energy_ev - centre_ev) <= 4 * half_ev
    axis = (energy_ev[near] - centre_ev) / half_ev
    observed = density[near]
    unit = float(max(observed.max(), 1.0))

    def expected(q: np.ndarray) -> np.ndarray:
        shape = _gaussian_with_tail(axis - q[1], float(np.exp(q[2])), float(np.exp(q[3])))
        return np.asarray(unit * (q[0] * shape + q[4]))

    def model(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steps = np.eye(5) * 1e-5
        columns = [(expected(q + step) - expected(q - step)) / 2e-5 for step in steps]
        return expected(q), np.stack(columns, axis=1)

    start = np.array([2.0, -0.3, np.log(0.7), np.log(0.4), 0.0])
    prior = Prior(start.copy(), np.array([0.0, 0.0, 0.25, 0.25, 0.0]))
    limits = np.array([1.0, 0.5, 0.5, 0.5, 0.5])
    used = Noise(noise.scale[near], noise.floor[near])
    outcome = solve(model, start, observed, used, prior, limits, iterations=80)
    if not outcome.converged:
        raise AnalysisError("the peak fit did not converge", remedy="use the method 'top'")
    position = _mode(outcome.parameters)
    steps = np.eye(5) * 1e-3
    gradient = np.array(
        [
            (_mode(outcome.parameters + step) - _mode(outcome.parameters - step)) / 2e-3
            for step in steps
        ]
    )
    return PeakFit(
        position_ev=centre_ev + position * half_ev,
        sigma_ev=float(np.sqrt(gradient @ outcome.covariance @ gradient)) * half_ev,
        height_e_per_ev=float(model(outcome.parameters)[0].max()),
        chi2=outcome.chi2,
        freedom=outcome.freedom,
        method="tail",
    )


def _gaussian_with_tail(offset: np.ndarray, sigma: float, decay: float) -> np.ndarray:
    """Return a Gaussian convolved with exp(−x/decay), x > 0; unit area."""
    from scipy.special import erfcx

    argument = (sigma / decay - offset / sigma) / np.sqrt(2)
    # erfcx overflows far out in the tail, where the convolution is the bare exponential
    bounded = np.maximum(argument, -20.0)
    core = np.exp(-0.5 * (offset / sigma) ** 2) * erfcx(bounded)
    far = 2 * np.exp(np.minimum(0.5 * (sigma / decay) ** 2 - offset / decay, 50.0))
    return np.asarray(np.where(argument < -20.0, far, core) / (2 * decay))


def _mode(parameters: np.ndarray) -> float:
    """Return where the fitted curve is highest, in units of the half width."""
    from scipy.optimize import minimize_scalar

    sigma, decay = float(np.exp(parameters[2])), float(np.exp(parameters[3]))
    found = minimize_scalar(
        lambda x: -float(_gaussian_with_tail(np.array(x), sigma, decay)),
        bounds=(-sigma, 2 * sigma + decay),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(parameters[1] + found.x)
