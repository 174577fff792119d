"""Tell what is true on the simulated table; only `labctl sim truth` and tests may ask."""

from dataclasses import dataclass

from labctl.core.errors import UsageError
from labctl.core.parameters import nearest_hint
from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.sample import (
    Environment,
    TruthName,
    equivalent_power_uw,
    exciton_ev,
    mode_fwhm_cm1,
    mode_shift_cm1,
    sample_state,
)
from labctl.sim.twin.sample_numbers import Regions

__all__ = ["Truth", "TruthName", "true_state"]


@dataclass(frozen=True, slots=True)
class Truth:
    """Hold the true state at the laser spot; None where the region lacks the material.

    `anti_stokes_factor` is 1 except in truth B, where it multiplies the intensity ratio.
    """

    region: str
    truth: TruthName
    power_w: float
    pump_power_w: float
    cryostat_k: float
    pressure_pa: float
    equivalent_power_w: float
    t_wse2_k: float | None
    t_mose2_k: float | None
    t_substrate_k: float
    wse2_shift_cm1: float | None
    wse2_fwhm_cm1: float | None
    mose2_shift_cm1: float | None
    si_shift_cm1: float
    pl_ev: float | None
    mose2_pl_ev: float | None
    anti_stokes_factor: float


def true_state(
    parameters: TwinParameters,
    truth: TruthName,
    region: str,
    power_w: float,
    pump_power_w: float = 0.0,
    cryostat_k: float = 298.0,
    pressure_pa: float | None = None,
) -> Truth:
    """Return the true state for powers at the sample in W; the pressure defaults to the gauge's.

    Raises
    ------
    UsageError
        If the region is unknown, or a number negative, not finite or not physical.
    """
    if region not in Regions.model_fields:
        raise UsageError(
            f"region {region!r} is unknown{nearest_hint(region, Regions.model_fields)}",
            remedy=f"the regions are {', '.join(Regions.model_fields)}",
        )
    pressure = parameters.gauge.pressure_pa if pressure_pa is None else pressure_pa
    _check(power_w, pump_power_w, cryostat_k, pressure)
    place, raman, pl = parameters.region.named(region), parameters.raman, parameters.pl
    state = sample_state(
        parameters, truth, place, power_w, pump_power_w, Environment(cryostat_k, pressure)
    )
    wse2, mose2 = place.wse2 > 0, place.mose2 > 0
    return Truth(
        region=region,
        truth=truth,
        power_w=power_w,
        pump_power_w=pump_power_w,
        cryostat_k=cryostat_k,
        pressure_pa=pressure,
        equivalent_power_w=1e-6 * equivalent_power_uw(parameters, power_w, pump_power_w),
        t_wse2_k=state.wse2_k if wse2 else None,
        t_mose2_k=state.mose2_k if mose2 else None,
        t_substrate_k=state.substrate_k,
        wse2_shift_cm1=mode_shift_cm1(raman.wse2_a1g, state.wse2_k) if wse2 else None,
        wse2_fwhm_cm1=mode_fwhm_cm1(raman.wse2_a1g, state.wse2_k) if wse2 else None,
        mose2_shift_cm1=mode_shift_cm1(raman.mose2_a1g, state.mose2_k) if mose2 else None,
        si_shift_cm1=mode_shift_cm1(raman.si, state.substrate_k),
        pl_ev=exciton_ev(pl.wse2, state.wse2_k) + state.pl_shift_ev if wse2 else None,
        mose2_pl_ev=exciton_ev(pl.mose2, state.mose2_k) if mose2 else None,
        anti_stokes_factor=state.anti_stokes_factor if wse2 else 1.0,
    )


def _check(power_w: float, pump_power_w: float, cryostat_k: float, pressure_pa: float) -> None:
    # written so that a NaN fails
    for name, value, low, high in (
        ("power_w", power_w, 0.0, 1.0),
        ("pump_power_w", pump_power_w, 0.0, 1.0),
        ("cryostat_k", cryostat_k, 1.0, 1000.0),
        ("pressure_pa", pressure_pa, 0.0, 1e6),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name} = {value:g} is outside {low:g} to {high:g}")
