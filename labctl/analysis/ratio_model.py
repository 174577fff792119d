"""Model both Raman sides of one frame with shared line positions and widths."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.irls import Prior
from labctl.analysis.lines import LineModel, integrate_over_pixels

LASER_ZERO_SIGMA_CM1 = 3.0
FROZEN = 1e10
"""Precision of what is not fitted: 1e-5 cm⁻¹."""

INSTRUMENT_FWHM_CM1 = 2.0
"""Gaussian width of the spectrograph's line spread (science reference section 3, assumed)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Say where the parameters stand.

    Order: laser zero; shifts; ln of Lorentzian widths; Stokes areas; anti-Stokes areas; level
    and slope of the Stokes background; level and slope of the anti-Stokes background.
    """

    lines: int

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return 4 * self.lines + 5

    @property
    def shifts(self) -> slice:
        """Return the place of the shifts in cm⁻¹."""
        return slice(1, 1 + self.lines)

    @property
    def widths(self) -> slice:
        """Return the place of ln(FWHM/cm⁻¹)."""
        return slice(1 + self.lines, 1 + 2 * self.lines)

    def areas(self, side: int) -> slice:
        """Return the place of the areas in electrons; side +1 is Stokes, −1 anti-Stokes."""
        first = 1 + 2 * self.lines + (self.lines if side < 0 else 0)
        return slice(first, first + self.lines)

    def background(self, side: int) -> slice:
        """Return the place of background level and slope of one side."""
        first = 1 + 4 * self.lines + (2 if side < 0 else 0)
        return slice(first, first + 2)

    @property
    def linear(self) -> slice:
        """Return the place of all parameters in which the model is linear."""
        return slice(1 + 2 * self.lines, self.size)


@dataclass(frozen=True)
class Side:
    """Hold the pixels of one side: `sign` +1 Stokes, −1 anti-Stokes; arrays of shape (pixels,)."""

    sign: int
    shift_cm1: np.ndarray
    pixel_cm1: np.ndarray

    @functools.cached_property
    def ramp(self) -> np.ndarray:
        """Return a straight line from −1 to 1 across the window."""
        low, high = float(self.shift_cm1.min()), float(self.shift_cm1.max())
        return (2 * self.shift_cm1 - (low + high)) / (high - low)


@dataclass(frozen=True, slots=True)
class TwoSidedModel:
    """Expect electrons on both sides; calling it gives (expected, Jacobian), Stokes side first."""

    stokes: Side
    anti_stokes: Side
    lines: Sequence[LineModel]
    instrument_fwhm_cm1: float = INSTRUMENT_FWHM_CM1

    @property
    def layout(self) -> Layout:
        """Return where the parameters stand."""
        return Layout(len(self.lines))

    def __call__(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return expected electrons, shape (pixels,), and Jacobian, (pixels, parameters)."""
        parts = [self._side(side, parameters) for side in (self.stokes, self.anti_stokes)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def prior(self, frozen: Sequence[int] = ()) -> Prior:
        """Return the priors on laser zero, positions and widths; areas have none.

        The shapes of the `frozen` lines, by number, stay as expected.
        """
        layout = self.layout
        centre, precision = np.zeros(layout.size), np.zeros(layout.size)
        precision[0] = LASER_ZERO_SIGMA_CM1**-2
        centre[layout.shifts] = [line.shift_cm1 for line in self.lines]
        precision[layout.shifts] = [line.shift_sigma_cm1**-2 for line in self.lines]
        centre[layout.widths] = np.log([line.fwhm_cm1 for line in self.lines])
        precision[layout.widths] = [line.width_sigma_relative**-2 for line in self.lines]
        for index in frozen:
            precision[[layout.shifts.start + index, layout.widths.start + index]] = FROZEN
        return Prior(centre, precision)

    def max_step(self) -> np.ndarray:
        """Return the longest step per iteration: 1.5 cm⁻¹, half in ln width, free areas."""
        layout = self.layout
        steps = np.full(layout.size, np.inf)
        steps[0] = steps[layout.shifts] = 1.5
        steps[layout.widths] = 0.5
        return steps

    def _side(self, side: Side, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        layout = self.layout
        centre_cm1 = parameters[0] + side.sign * parameters[layout.shifts]
        fwhm_cm1 = np.exp(parameters[layout.widths])[:, None]
        part, to_centre, to_width = integrate_over_pixels(
            side.shift_cm1 - centre_cm1[:, None],
            side.pixel_cm1,
            self.instrument_fwhm_cm1,
            fwhm_cm1,
        )
        area_e = parameters[layout.areas(side.sign)][:, None]
        ramp = side.ramp
        level_e, slope_e = parameters[layout.background(side.sign)]
        jacobian = np.zeros((side.shift_cm1.size, layout.size))
        jacobian[:, 0] = (area_e * to_centre).sum(axis=0)
        jacobian[:, layout.shifts] = side.sign * (area_e * to_centre).T
        jacobian[:, layout.widths] = (area_e * to_width * fwhm_cm1).T
        jacobian[:, layout.areas(side.sign)] = part.T
        jacobian[:, layout.background(side.sign)] = np.stack([np.ones_like(ramp), ramp], axis=1)
        return (area_e * part).sum(axis=0) + level_e + slope_e * ramp, jacobian
