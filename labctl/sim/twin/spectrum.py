"""Compute the light that reaches the chip: photoelectrons per second in every column.

Wavelengths are those of one medium (air) throughout: a Raman line of shift ω stands at
1e7/λ = 1e7/λ_probe − ω without any refractive index.
"""

from dataclasses import dataclass

import numpy as np

from labctl.core.spectra import HC_EV_NM
from labctl.sim.twin.detection_numbers import Ccd
from labctl.sim.twin.lines import (
    SIGMA_PER_FWHM,
    notch_transmission,
    pl_density,
    response,
    voigt,
)
from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.sample import (
    REFERENCE_K,
    SampleState,
    equivalent_power_uw,
    exciton_ev,
    mode_fwhm_cm1,
    mode_shift_cm1,
    occupation,
)
from labctl.sim.twin.sample_numbers import Exciton, Mode, Region

NEON = (
    (540.0562, 0.2), (585.2488, 2.0), (614.3063, 1.0), (633.4428, 1.0), (640.2248, 2.0),
    (650.6528, 1.5), (659.8953, 1.0), (667.8276, 1.5), (692.9467, 1.0), (702.4050, 0.3),
    (703.2413, 1.5), (717.3938, 0.3), (724.5167, 1.0), (743.8899, 0.3), (748.8871, 0.3),
    (753.5774, 0.3), (754.4044, 0.2), (830.0326, 0.3), (837.7608, 0.6), (865.4383, 0.3),
    (878.3753, 0.3),
)  # fmt: skip
"""Lines of neon in air in nm (NIST), with relative strengths that are assumed."""

SHORTEST_NM = 200.0
"""Below this wavelength (and at zero order) the chip sees nothing."""


@dataclass(frozen=True, slots=True)
class Illumination:
    """Say what light the sample sends out: mean collected powers in W, place, state, focus.

    `focus` is the collected fraction relative to best focus, 0 to 1.
    """

    probe_power_w: float
    pump_power_w: float
    region: Region
    state: SampleState
    focus: float


class Dispersed:
    """Hold one wavelength axis and what follows from it alone, shape (columns,) each."""

    def __init__(self, parameters: TwinParameters, axis_nm: np.ndarray) -> None:
        self.dark = axis_nm < SHORTEST_NM
        self.wavelength_nm = np.maximum(axis_nm, SHORTEST_NM)
        self.wavenumber_cm1 = 1e7 / self.wavelength_nm
        self.width_nm = np.abs(np.gradient(axis_nm))
        self.width_cm1 = self.width_nm * self.wavenumber_cm1 / self.wavelength_nm
        self.laser_cm1 = 1e7 / parameters.laser.probe.wavelength_nm
        self.shift_cm1 = self.laser_cm1 - self.wavenumber_cm1
        self.filter = notch_transmission(parameters.notch, self.shift_cm1)
        slit_px = parameters.spectrograph.slit_image_um / parameters.ccd.pixel_um
        self.slit_px = slit_px * SIGMA_PER_FWHM
        """Gaussian width (one sigma) of a line, in columns."""
        efficiency = quantum_efficiency(parameters.ccd, self.wavelength_nm)
        # rates are stated as detected at the probe's wavelength
        at_probe = quantum_efficiency(
            parameters.ccd, np.array([parameters.laser.probe.wavelength_nm])
        )[0]
        self.response = response(parameters.response, self.wavelength_nm) * efficiency / at_probe

    def sigma_cm1(self, shift_cm1: float) -> float:
        """Return the instrument's Gaussian width (one sigma) at a shift, in cm⁻¹."""
        return self.slit_px * float(np.interp(shift_cm1, self.shift_cm1, self.width_cm1))


def quantum_efficiency(ccd: Ccd, wavelength_nm: np.ndarray) -> np.ndarray:
    """Return the quantum efficiency of the chip, a bell curve."""
    return np.asarray(
        ccd.qe_peak * np.exp(-(((wavelength_nm - ccd.qe_peak_nm) / ccd.qe_width_nm) ** 2))
    )


def photoelectron_rate(
    parameters: TwinParameters, dispersed: Dispersed, light: Illumination
) -> np.ndarray:
    """Return photoelectrons per second in each column, all rows together, shape (columns,)."""
    through_filter = _luminescence(parameters, dispersed, light)
    if parameters.lamp.neon_per_s > 0:
        through_filter += parameters.lamp.neon_per_s * lamp_lines(dispersed)
    leak = np.zeros_like(through_filter)
    if light.probe_power_w > 0:
        through_filter += _raman(parameters, dispersed, light)
        through_filter += _background(parameters, dispersed, light)
        leak = _leak(parameters, dispersed, light)
    ambient = parameters.background.ambient_per_s_nm * dispersed.width_nm
    rate = (through_filter * dispersed.filter + leak + ambient) * dispersed.response
    rate[dispersed.dark] = 0.0
    return np.asarray(rate)


def _raman(parameters: TwinParameters, dispersed: Dispersed, light: Illumination) -> np.ndarray:
    raman, region, state = parameters.raman, light.region, light.state
    # the E mode of MoSe2 is active in heterobilayers only
    stacked = region.mose2 * min(region.wse2, 1.0)
    modes = (
        (raman.wse2_a1g, region.wse2, state.wse2_k, state.anti_stokes_factor),
        (raman.wse2_2la, region.wse2, state.wse2_k, state.anti_stokes_factor),
        (raman.mose2_a1g, region.mose2, state.mose2_k, 1.0),
        (raman.mose2_e, stacked, state.mose2_k, 1.0),
        (raman.si, region.si_transmission, state.substrate_k, 1.0),
        (raman.si_2ta, region.si_transmission, state.substrate_k, 1.0),
    )
    total = np.zeros_like(dispersed.shift_cm1)
    for mode, amount, temperature_k, factor in modes:
        scale = amount * light.focus * light.probe_power_w * 1e3 * mode.rate_per_s_mw
        if scale > 0:
            total += scale * _mode(dispersed, mode, temperature_k, factor)
    return np.asarray(total)


def _mode(
    dispersed: Dispersed, mode: Mode, temperature_k: float, anti_stokes_factor: float
) -> np.ndarray:
    """Return both sides of one mode per column, relative to its Stokes rate at 298 K.

    Photon counting: I_AS/I_S = ((ν0 + ω)/(ν0 − ω))³·n/(n + 1), n the Bose occupation.
    """
    shift_cm1 = mode_shift_cm1(mode, temperature_k)
    half_width_cm1 = mode_fwhm_cm1(mode, temperature_k) / 2
    thermal = occupation(shift_cm1, temperature_k)
    reference = occupation(mode.shift_cm1, REFERENCE_K)
    laser_cm1 = dispersed.laser_cm1
    stokes = (thermal + 1) / (reference + 1)
    blue = ((laser_cm1 + shift_cm1) / (laser_cm1 - shift_cm1)) ** 3
    anti_stokes = anti_stokes_factor * blue * thermal / (reference + 1)
    density = np.zeros_like(dispersed.shift_cm1)
    for line_cm1, strength in ((shift_cm1, stokes), (-shift_cm1, anti_stokes)):
        sigma_cm1 = dispersed.sigma_cm1(line_cm1)
        density += strength * voigt(dispersed.shift_cm1 - line_cm1, sigma_cm1, half_width_cm1)
    return np.asarray(density * dispersed.width_cm1)


def lamp_lines(dispersed: Dispersed) -> np.ndarray:
    """Return the lines of a neon lamp per column, relative to that at 724.5 nm."""
    axis_nm, width_nm = dispersed.wavelength_nm, dispersed.width_nm
    total = np.zeros_like(axis_nm)
    for line_nm, strength in NEON:
        if axis_nm[0] < line_nm < axis_nm[-1]:
            sigma_nm = dispersed.slit_px * float(np.interp(line_nm, axis_nm, width_nm))
            total += strength * voigt(axis_nm - line_nm, sigma_nm, 1e-3 * sigma_nm)
    return np.asarray(total * width_nm)


def _luminescence(
    parameters: TwinParameters, dispersed: Dispersed, light: Illumination
) -> np.ndarray:
    region, state, pl = light.region, light.state, parameters.pl
    absorbed_mw = 1e-3 * equivalent_power_uw(parameters, light.probe_power_w, light.pump_power_w)
    energy_ev = HC_EV_NM / dispersed.wavelength_nm
    width_ev = energy_ev * dispersed.width_nm / dispersed.wavelength_nm
    lines: tuple[tuple[Exciton, float, float, float], ...] = (
        (pl.wse2, region.wse2, state.wse2_k, state.pl_shift_ev),
        (pl.mose2, region.mose2, state.mose2_k, 0.0),
    )
    total = np.zeros_like(energy_ev)
    for exciton, amount, temperature_k, extra_ev in lines:
        scale = amount * region.pl_quenching * light.focus * absorbed_mw * exciton.rate_per_s_mw
        if scale > 0:
            peak_ev = exciton_ev(exciton, temperature_k) + extra_ev
            total += scale * pl_density(energy_ev, peak_ev, exciton.fwhm_ev, temperature_k)
    return np.asarray(total * width_ev)


def _background(
    parameters: TwinParameters, dispersed: Dispersed, light: Illumination
) -> np.ndarray:
    values = parameters.background
    growth = np.exp(np.clip(dispersed.shift_cm1 / values.length_cm1, -20.0, 2.0))
    scale = values.rate_per_s_mw_cm1 * light.probe_power_w * 1e3 * light.focus
    return np.asarray(scale * growth * dispersed.width_cm1)


def _leak(parameters: TwinParameters, dispersed: Dispersed, light: Illumination) -> np.ndarray:
    """Return the elastic light that the notch lets through, with its stray skirt."""
    notch = parameters.notch
    blocked = notch.elastic_per_s_mw * 10.0**-notch.optical_density
    sigma_cm1 = dispersed.sigma_cm1(0.0)
    line = voigt(dispersed.shift_cm1, sigma_cm1, 1e-3 * sigma_cm1)
    skirt = (notch.skirt_cm1 / np.pi) / (dispersed.shift_cm1**2 + notch.skirt_cm1**2)
    density = (1 - notch.skirt_fraction) * line + notch.skirt_fraction * skirt
    return np.asarray(blocked * light.probe_power_w * 1e3 * density * dispersed.width_cm1)
