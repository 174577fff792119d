"""Compute the true state of the sample in closed form: the one source of its temperatures.

Formulas of `reference/science.md` section 3 (phenomenological [A]), section 2 for the gas, for
O'Donnell-Chen and for the width after Klemens.
"""

import math
from dataclasses import dataclass
from typing import Literal

from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.sample_numbers import Exciton, Heat, Mode, Region

TruthName = Literal["A", "B", "C"]
"""A: WSe2 cools; B: an artefact looks like cooling; C: nothing cools."""

REFERENCE_K = 298.0
"""Temperature at which shifts, widths and rates are stated."""

C2_CM_K = 1.438777
"""Second radiation constant in cm·K (CODATA 2018)."""

BOLTZMANN_EV_K = 8.617333e-5


@dataclass(frozen=True, slots=True)
class Environment:
    """What surrounds the sample: cryostat temperature in K and gas pressure in Pa."""

    cryostat_k: float
    pressure_pa: float


@dataclass(frozen=True, slots=True)
class SampleState:
    """True temperatures in K at the laser spot, and what truth B adds.

    `anti_stokes_factor` multiplies the anti-Stokes intensity of WSe2, `pl_shift_ev` is added to
    its photoluminescence; 1 and 0 where nothing deceives.
    """

    wse2_k: float
    mose2_k: float
    substrate_k: float
    anti_stokes_factor: float
    pl_shift_ev: float


def equivalent_power_uw(
    parameters: TwinParameters, probe_power_w: float, pump_power_w: float
) -> float:
    """Return the probe power in µW that is absorbed as as many photons as both beams together."""
    heat, laser = parameters.heat, parameters.laser
    ratio = (heat.absorption_pump * laser.pump.wavelength_nm) / (
        heat.absorption_probe * laser.probe.wavelength_nm
    )
    return 1e6 * (probe_power_w + ratio * pump_power_w)


def gas_conductance_w_m2k(heat: Heat, pressure_pa: float) -> float:
    """Return the conductance of the gas: free-molecular and diffusive transport in series."""
    if pressure_pa <= 0 or heat.gas_w_m2k_pa == 0:
        return 0.0
    diffusive = heat.spot_radius_um * 1e-6 / heat.gas_k_w_mk
    return 1.0 / (1.0 / (heat.gas_w_m2k_pa * pressure_pa) + diffusive)


def wse2_rise_k(
    parameters: TwinParameters,
    truth: TruthName,
    region: Region,
    power_uw: float,
    pressure_pa: float,
) -> float:
    """Return T(WSe2) − T(cryostat) in K; `power_uw` is probe-equivalent."""
    cooling = region.cooling_k_per_uw if truth == "A" else 0.0
    rise = region.heating_k_per_uw * power_uw
    rise -= cooling * power_uw / (1.0 + power_uw / region.saturation_uw)
    gas = gas_conductance_w_m2k(parameters.heat, pressure_pa)
    return rise * region.conductance_w_m2k / (region.conductance_w_m2k + gas)


def sample_state(
    parameters: TwinParameters,
    truth: TruthName,
    region: Region,
    probe_power_w: float,
    pump_power_w: float,
    environment: Environment,
) -> SampleState:
    """Return the true state under the given powers at the sample in W."""
    power_uw = equivalent_power_uw(parameters, probe_power_w, pump_power_w)
    ambient_k = environment.cryostat_k
    rise = wse2_rise_k(parameters, truth, region, power_uw, environment.pressure_pa)
    artefact = parameters.artefact
    deception = power_uw / (power_uw + artefact.saturation_uw) if truth == "B" else 0.0
    return SampleState(
        # no override may cool anything to absolute zero
        wse2_k=max(ambient_k + rise, 1.0),
        mose2_k=ambient_k + parameters.heat.mose2_k_per_uw * power_uw,
        substrate_k=ambient_k,
        anti_stokes_factor=1.0 - artefact.depth * deception,
        pl_shift_ev=artefact.pl_shift_ev * deception,
    )


def occupation(shift_cm1: float, temperature_k: float) -> float:
    """Return the Bose-Einstein occupation of a mode."""
    # the bound keeps a stiff mode at 1 K from overflowing
    return 1.0 / math.expm1(min(C2_CM_K * shift_cm1 / temperature_k, 700.0))


def mode_shift_cm1(mode: Mode, temperature_k: float) -> float:
    """Return the Raman shift at a temperature, linear about 298 K."""
    return mode.shift_cm1 + mode.slope_cm1_per_k * (temperature_k - REFERENCE_K)


def mode_fwhm_cm1(mode: Mode, temperature_k: float) -> float:
    """Return the natural width: decay into two phonons of half the energy (Klemens 1966)."""
    half = mode.shift_cm1 / 2
    now, reference = occupation(half, temperature_k), occupation(half, REFERENCE_K)
    return mode.fwhm_cm1 * (1 + 2 * now) / (1 + 2 * reference)


def exciton_ev(exciton: Exciton, temperature_k: float) -> float:
    """Return the transition energy E0 − S·ħΩ·(coth(ħΩ/2kT) − 1) (O'Donnell and Chen 1991)."""
    ratio = exciton.phonon_ev / (2 * BOLTZMANN_EV_K * temperature_k)
    return exciton.e0_ev - exciton.coupling * exciton.phonon_ev * (1 / math.tanh(ratio) - 1)
